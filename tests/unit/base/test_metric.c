/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include <pthread.h>

#include "base/arena.h"
#include "base/metric.h"

static void
metrics_cleanup(struct metrics **m)
{
	metrics_free(*m);
}
#define auto_metrics __attribute__((cleanup(metrics_cleanup)))

static const char *
printed(struct arena *a, struct metrics *m)
{
	auto_buf struct buf b;

	buf_init(&b, 65536);
	expect_ok(metrics_print(m, &b));
	return arena_cstr(a, buf_str(&b));
}

static void
metrics_of_one_name_stand_together(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_metrics struct metrics *m = metrics_new();
	struct metric get = {
		.kind = METRIC_COUNTER, .name = "x_total", .labels = "m=\"GET\"", .help = "All x."
	};
	struct metric put = {
		.kind = METRIC_COUNTER, .name = "x_total", .labels = "m=\"PUT\"", .help = "All x."
	};
	struct metric up = { .kind = METRIC_GAUGE, .name = "up", .help = "Is up." };

	(void)state;
	metrics_add(m, &get);
	metrics_add(m, &up);
	metrics_add(m, &put);
	metric_inc(&get, 2);
	metric_inc(&get, 1);
	metric_set(&up, -4);
	assert_string_equal(printed(a, m),
	    "# HELP x_total All x.\n# TYPE x_total counter\n"
	    "x_total{m=\"GET\"} 3\nx_total{m=\"PUT\"} 0\n"
	    "# HELP up Is up.\n# TYPE up gauge\nup -4\n");
}

static void
histograms_count_up_to_each_bound(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_metrics struct metrics *m = metrics_new();
	struct metric h = { .kind = METRIC_HISTOGRAM, .name = "t_seconds", .help = "Time." };
	const char *text;

	(void)state;
	metrics_add(m, &h);
	metric_time(&h, -5);
	metric_time(&h, 100);
	metric_time(&h, 101);
	metric_time(&h, 100000001);
	text = printed(a, m);
	assert_non_null(strstr(text, "t_seconds_bucket{le=\"0.0001\"} 2\n"));
	assert_non_null(strstr(text, "t_seconds_bucket{le=\"0.0003\"} 3\n"));
	assert_non_null(strstr(text, "t_seconds_bucket{le=\"100\"} 3\n"));
	assert_non_null(strstr(text, "t_seconds_bucket{le=\"+Inf\"} 4\n"));
	assert_non_null(strstr(text, "t_seconds_sum 100.000202\n"));
	assert_non_null(strstr(text, "t_seconds_count 4\n"));
}

static void
labels_join_the_bound(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_metrics struct metrics *m = metrics_new();
	struct metric h = {
		.kind = METRIC_HISTOGRAM, .name = "t", .labels = "r=\"x\"", .help = "T."
	};
	const char *text;

	(void)state;
	metrics_add(m, &h);
	text = printed(a, m);
	assert_non_null(strstr(text, "t_bucket{r=\"x\",le=\"+Inf\"} 0\n"));
	assert_non_null(strstr(text, "t_sum{r=\"x\"} 0.000000\n"));
}

static void *
count_up(void *x)
{
	for (int i = 0; i < 10000; i++)
		metric_inc(x, 1);
	return NULL;
}

static void
threads_lose_no_count(void **state)
{
	struct metric c = { .kind = METRIC_COUNTER, .name = "c", .help = "C." };
	pthread_t t[4];

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, count_up, &c), 0);
	for (size_t i = 0; i < COUNT(t); i++)
		pthread_join(t[i], NULL);
	assert_int_equal(c.value, 40000);
}

static void
rejects_a_buffer_too_small(void **state)
{
	auto_metrics struct metrics *m = metrics_new();
	struct metric c = { .kind = METRIC_COUNTER, .name = "c", .help = "C." };
	auto_buf struct buf b;

	(void)state;
	metrics_add(m, &c);
	buf_init(&b, 10);
	expect_err(ERR_TOO_LARGE, metrics_print(m, &b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metrics_of_one_name_stand_together),
		cmocka_unit_test(histograms_count_up_to_each_bound),
		cmocka_unit_test(labels_join_the_bound),
		cmocka_unit_test(threads_lose_no_count),
		cmocka_unit_test(rejects_a_buffer_too_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
