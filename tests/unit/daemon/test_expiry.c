/* SPDX-License-Identifier: Apache-2.0 */
#include "../expect.h"

#include "daemon/expiry.h"

#define DAY (24 * 3600)
#define NOW 1700000000

static void
it_warns_from_thirty_days_before_once_a_day(void **state)
{
	struct expiry x;

	(void)state;
	when_set(NOW);
	expiry_watch(&x, "tls", NOW + 40 * DAY, NULL);
	assert_false(expiry_check(&x));
	when_set(NOW + 10 * DAY - 1);
	assert_false(expiry_check(&x));
	when_set(NOW + 10 * DAY);
	assert_true(expiry_check(&x));
	assert_false(expiry_check(&x));
	when_set(NOW + 11 * DAY - 1);
	assert_false(expiry_check(&x));
	when_set(NOW + 11 * DAY);
	assert_true(expiry_check(&x));
	when_set(NOW + 60 * DAY);
	assert_true(expiry_check(&x));
	when_set(0);
}

static void
what_is_not_watched_is_not_warned_of(void **state)
{
	struct expiry x = { 0 };

	(void)state;
	assert_false(expiry_check(&x));
}

static void
the_end_is_a_metric(void **state)
{
	struct metrics *m = metrics_new();
	auto_buf struct buf out;
	struct expiry x;

	(void)state;
	buf_init(&out, 1 << 16);
	expiry_watch(&x, "ra", NOW, m);
	expect_ok(metrics_print(m, &out));
	expect_ok(buf_put(&out, str_of("", 1)));
	assert_non_null(strstr((const char *)out.p,
	    "chancery_certificate_not_after_seconds{certificate=\"ra\"} 1700000000"));
	metrics_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_warns_from_thirty_days_before_once_a_day),
		cmocka_unit_test(what_is_not_watched_is_not_warned_of),
		cmocka_unit_test(the_end_is_a_metric),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
