/* SPDX-License-Identifier: Apache-2.0 */
#include "connector/metrics.h"

#include "base/limits.h"
#include "base/when.h"
#include "codec/ckeys_ipc.h"

static err_t
ask_pool(struct link *l, struct arena *a, struct ckeys_pool_rep *ret)
{
	struct str out;

	TRY(ipc_call(l->conf.keys, a, CKEYS_POOL, true, STR_EMPTY, &out));
	return ckeys_pool_rep_parse(a, out, ret);
}

err_t
link_show_keys(struct link *l, struct arena *a, json *answer)
{
	json *list = json_array_new();
	struct ckeys_pool_rep pool;

	json_set(answer, "keys", list);
	TRY(ask_pool(l, a, &pool));
	for (size_t i = 0; i < pool.n; i++) {
		const struct ckeys_level *v = &pool.v[i];
		json *one = json_object_new();

		json_set_int(one, "bits", v->bits);
		json_set_int(one, "ready", v->ready);
		json_set_int(one, "room", v->room);
		json_set_int(one, "making", v->making);
		json_set_int(one, "taken", (int64_t)v->taken);
		json_set_int(one, "waited", (int64_t)v->waited);
		json_set_int(one, "wait_ms", (int64_t)v->wait_ms);
		json_add(list, one);
	}
	return OK;
}

/* Of each size of key pairs. */
struct level_row {
	const char *name, *kind, *help;
	double (*value)(const struct ckeys_level *v);
};

/* Of the connector. */
struct link_row {
	const char *name, *kind, *help;
	double (*value)(struct link *l);
};

static double
ready(const struct ckeys_level *v)
{
	return v->ready;
}

static double
room(const struct ckeys_level *v)
{
	return v->room;
}

static double
making(const struct ckeys_level *v)
{
	return v->making;
}

static double
taken(const struct ckeys_level *v)
{
	return (double)v->taken;
}

static double
waited(const struct ckeys_level *v)
{
	return (double)v->waited;
}

static double
wait_seconds(const struct ckeys_level *v)
{
	return (double)v->wait_ms / 1000;
}

static const struct level_row level_rows[] = {
	{ "chancery_connector_keys_ready", "gauge", "Key pairs that were made ahead and wait.",
	    ready },
	{ "chancery_connector_keys_room", "gauge", "Key pairs that are kept ready at most.", room },
	{ "chancery_connector_keys_making", "gauge", "Key pairs that are being made.", making },
	{ "chancery_connector_keys_taken_total", "counter", "Key pairs that jobs took.", taken },
	{ "chancery_connector_keys_waited_total", "counter", "Jobs that found no key pair ready.",
	    waited },
	{ "chancery_connector_keys_wait_seconds_total", "counter",
	    "How long those waited, together.", wait_seconds },
};

static double
jobs(struct link *l)
{
	return (double)atomic_load(&l->jobs);
}

static double
failures(struct link *l)
{
	return (double)atomic_load(&l->failures);
}

static double
waiting(struct link *l)
{
	return (double)desk_count(l->desk).waiting;
}

static double
running(struct link *l)
{
	return (double)desk_count(l->desk).running;
}

static double
finished(struct link *l)
{
	return (double)desk_count(l->desk).done;
}

static double
last_contact(struct link *l)
{
	return (double)atomic_load(&l->last_contact);
}

static double
service_end(struct link *l)
{
	double end;

	pthread_mutex_lock(&l->lock);
	end = l->join == NULL ? 0 : (double)l->join->service_end;
	pthread_mutex_unlock(&l->lock);
	return end;
}

static double
ca_end(struct link *l)
{
	double end;

	pthread_mutex_lock(&l->lock);
	end = l->join == NULL ? 0 : (double)l->join->ca_end;
	pthread_mutex_unlock(&l->lock);
	return end;
}

static const struct link_row link_rows[] = {
	{ "chancery_connector_jobs_total", "counter", "Jobs that were begun.", jobs },
	{ "chancery_connector_failures_total", "counter", "Jobs that ended with a fault.",
	    failures },
	{ "chancery_connector_waiting", "gauge", "Jobs in hand that nobody works on yet.",
	    waiting },
	{ "chancery_connector_running", "gauge", "Jobs that are worked on.", running },
	{ "chancery_connector_finished", "gauge", "Results that the service does not have yet.",
	    finished },
	{ "chancery_connector_last_contact_seconds", "gauge",
	    "When the service answered last, in seconds since 1970.", last_contact },
	{ "chancery_connector_service_certificate_not_after_seconds", "gauge",
	    "End of the certificate towards the service.", service_end },
	{ "chancery_connector_ca_certificate_not_after_seconds", "gauge",
	    "End of the certificate towards the CA.", ca_end },
};

static const char *
head(struct arena *a, const char *name, const char *kind, const char *help)
{
	return arena_printf(a, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

static err_t
put_pool(struct arena *a, const struct ckeys_pool_rep *pool, struct buf *out)
{
	for (size_t i = 0; i < COUNT(level_rows); i++) {
		const struct level_row *r = &level_rows[i];

		TRY(buf_puts(out, head(a, r->name, r->kind, r->help)));
		for (size_t j = 0; j < pool->n; j++)
			TRY(buf_puts(out,
			    arena_printf(a, "%s{bits=\"%u\"} %.15g\n", r->name, pool->v[j].bits,
				r->value(&pool->v[j]))));
	}
	return OK;
}

static err_t
put_link(struct link *l, struct arena *a, struct buf *out)
{
	for (size_t i = 0; i < COUNT(link_rows); i++) {
		const struct link_row *r = &link_rows[i];

		TRY(buf_puts(out, head(a, r->name, r->kind, r->help)));
		TRY(buf_puts(out, arena_printf(a, "%s %.15g\n", r->name, r->value(l))));
	}
	return OK;
}

err_t
link_verb_metrics(void *ctx, struct arena *a, const json *args, json *answer)
{
	struct ckeys_pool_rep pool = { 0 };
	auto_buf struct buf out = { 0 };
	err_t e = ask_pool(ctx, a, &pool);

	(void)args;
	err_forget(e);
	buf_init(&out, LIMIT_IPC_MESSAGE);
	TRY(put_link(ctx, a, &out));
	TRY(put_pool(a, &pool, &out));
	json_set_text(answer, "text", arena_cstr(a, buf_str(&out)));
	return OK;
}
