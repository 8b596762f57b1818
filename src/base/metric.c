/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metric.h"

/* Upper bounds: two a decade. The last bucket of a histogram, past these, has none. */
static const struct {
	int64_t us;
	const char *seconds;
} bounds[METRIC_BUCKETS] = {
	{ 100, "0.0001" },
	{ 300, "0.0003" },
	{ 1000, "0.001" },
	{ 3000, "0.003" },
	{ 10000, "0.01" },
	{ 30000, "0.03" },
	{ 100000, "0.1" },
	{ 300000, "0.3" },
	{ 1000000, "1" },
	{ 3000000, "3" },
	{ 10000000, "10" },
	{ 30000000, "30" },
	{ 100000000, "100" },
};

struct metrics {
	struct metric *first;
};

struct metrics *
metrics_new(void)
{
	struct metrics *m = calloc(1, sizeof(*m));

	if (m == NULL)
		abort();
	return m;
}

void
metrics_free(struct metrics *m)
{
	free(m);
}

void
metrics_add(struct metrics *m, struct metric *x)
{
	struct metric **at = &m->first;
	struct metric **family = NULL;

	/* Metrics of one name stand together: the format has one HELP and TYPE for all of them. */
	for (; *at != NULL; at = &(*at)->next)
		if (strcmp((*at)->name, x->name) == 0)
			family = &(*at)->next;
	if (family != NULL)
		at = family;
	x->next = *at;
	*at = x;
}

void
metric_inc(struct metric *x, int64_t by)
{
	atomic_fetch_add_explicit(&x->value, by, memory_order_relaxed);
}

void
metric_set(struct metric *x, int64_t v)
{
	atomic_store_explicit(&x->value, v, memory_order_relaxed);
}

void
metric_time(struct metric *x, int64_t us)
{
	size_t i = 0;

	if (us < 0)
		us = 0;
	while (i < METRIC_BUCKETS && us > bounds[i].us)
		i++;
	atomic_fetch_add_explicit(&x->bucket[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&x->value, us, memory_order_relaxed);
}

static const char *
kind_name(enum metric_kind kind)
{
	switch (kind) {
	case METRIC_COUNTER:
		return "counter";
	case METRIC_GAUGE:
		return "gauge";
	case METRIC_HISTOGRAM:
		return "histogram";
	}
	return "untyped";
}

static err_t
print_value(const struct metric *x, struct buf *out)
{
	int64_t v = atomic_load_explicit(&x->value, memory_order_relaxed);

	if (x->labels == NULL)
		return buf_printf(out, "%s %lld\n", x->name, (long long)v);
	return buf_printf(out, "%s{%s} %lld\n", x->name, x->labels, (long long)v);
}

static err_t
print_bucket(const struct metric *x, const char *bound, int64_t count, struct buf *out)
{
	return buf_printf(out, "%s_bucket{%s%sle=\"%s\"} %lld\n", x->name,
	    x->labels == NULL ? "" : x->labels, x->labels == NULL ? "" : ",", bound,
	    (long long)count);
}

static err_t
print_histogram(const struct metric *x, struct buf *out)
{
	const char *open = x->labels == NULL ? "" : "{";
	const char *labels = x->labels == NULL ? "" : x->labels;
	const char *close = x->labels == NULL ? "" : "}";
	int64_t us = atomic_load_explicit(&x->value, memory_order_relaxed);
	int64_t count = 0;

	for (size_t i = 0; i <= METRIC_BUCKETS; i++) {
		count += atomic_load_explicit(&x->bucket[i], memory_order_relaxed);
		TRY(print_bucket(x, i < METRIC_BUCKETS ? bounds[i].seconds : "+Inf", count, out));
	}
	TRY(buf_printf(out, "%s_sum%s%s%s %lld.%06lld\n", x->name, open, labels, close,
	    (long long)(us / 1000000), (long long)(us % 1000000)));
	return buf_printf(
	    out, "%s_count%s%s%s %lld\n", x->name, open, labels, close, (long long)count);
}

err_t
metrics_print(struct metrics *m, struct buf *out)
{
	const char *name = "";

	for (const struct metric *x = m->first; x != NULL; x = x->next) {
		if (strcmp(x->name, name) != 0)
			TRY(buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", x->name, x->help,
			    x->name, kind_name(x->kind)));
		name = x->name;
		if (x->kind == METRIC_HISTOGRAM)
			TRY(print_histogram(x, out));
		else
			TRY(print_value(x, out));
	}
	return OK;
}
