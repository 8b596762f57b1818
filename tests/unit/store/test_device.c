/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include "base/limits.h"
#include "store/device_state.h"

static struct device
device_n(unsigned n, const char *sha)
{
	return (struct device){ .id = id_n(n),
		.name = "pc",
		.platform = "linux",
		.state = DEVICE_ACTIVE,
		.identity = LIT("der"),
		.identity_sha256 = str_c(sha),
		.enrolled = 7,
		.inventory = "[]" };
}

static struct code
code_n(unsigned n, const char *hash)
{
	return (struct code){ .id = id_n(n),
		.hash = str_c(hash),
		.kind = CODE_DEVICE,
		.created = 10,
		.expires = 100 };
}

static void
a_device_is_found_by_the_hash_of_its_identity(void **state)
{
	IN(state);
	struct device d = device_n(1, "hash-1"), got;

	expect_ok(store_device_insert(tx, &d));
	expect_ok(store_device_by_identity(tx, a, LIT("hash-1"), &got));
	assert_true(id_eq(got.id, d.id));
	assert_true(str_eq_c(got.identity, "der"));
	assert_int_equal(got.state, DEVICE_ACTIVE);
	assert_true(id_is_zero(got.user));
	expect_err(ERR_NOT_FOUND, store_device_by_identity(tx, a, LIT("hash-2"), &got));
}

static void
a_platform_finds_the_state_that_it_left_for_each_channel(void **state)
{
	IN(state);
	struct device d = device_n(1, "h");
	struct channel_state own = {
		.device = d.id, .channel = "", .state = LIT("one"), .updated = 5
	};
	struct channel_state user = {
		.device = d.id, .channel = "u", .state = LIT("two"), .updated = 6
	};
	struct channel_state got, *v;
	size_t n;

	expect_ok(store_device_insert(tx, &d));
	expect_ok(store_device_state_get(tx, a, d.id, "", &got));
	assert_int_equal(got.state.n, 0);
	expect_ok(store_device_state_put(tx, &own));
	expect_ok(store_device_state_put(tx, &user));
	own.state = LIT("three");
	expect_ok(store_device_state_put(tx, &own));
	expect_ok(store_device_state_get(tx, a, d.id, "", &got));
	assert_true(str_eq_c(got.state, "three"));
	expect_ok(store_device_state_list(tx, a, d.id, &v, &n));
	assert_int_equal(n, 2);
	assert_string_equal(v[1].channel, "u");
	expect_ok(store_device_state_delete(tx, d.id, "u"));
	expect_ok(store_device_state_delete(tx, d.id, "u"));
	expect_ok(store_device_state_list(tx, a, d.id, &v, &n));
	assert_int_equal(n, 1);
}

static void
state_of_no_device_and_too_much_of_it_are_refused(void **state)
{
	IN(state);
	struct device d = device_n(1, "h");
	struct channel_state s = {
		.device = id_n(9), .channel = "", .state = LIT("x"), .updated = 5
	};

	expect_err(ERR_NOT_FOUND, store_device_state_put(tx, &s));
	expect_ok(store_device_insert(tx, &d));
	s.device = d.id;
	s.state = str_of(arena_alloc(a, LIMIT_DEVICE_STATE + 1), LIMIT_DEVICE_STATE + 1);
	expect_err(ERR_TOO_LARGE, store_device_state_put(tx, &s));
	s.state.n--;
	expect_ok(store_device_state_put(tx, &s));
}

static void
what_a_device_told_beside_its_session_is_kept_by_itself(void **state)
{
	IN(state);
	struct device d = device_n(1, "h");
	struct channel_state s = { .device = d.id, .channel = "", .state = LIT("x") }, got;
	struct str much = str_of(arena_alloc(a, LIMIT_DEVICE_STATE + 1), LIMIT_DEVICE_STATE + 1);

	expect_ok(store_device_insert(tx, &d));
	expect_err(ERR_NOT_FOUND, store_device_report_put(tx, d.id, "", LIT("told")));
	expect_ok(store_device_state_put(tx, &s));
	expect_ok(store_device_report_put(tx, d.id, "", LIT("told")));
	s.state = LIT("y");
	expect_ok(store_device_state_put(tx, &s));
	expect_ok(store_device_state_get(tx, a, d.id, "", &got));
	assert_true(str_eq_c(got.state, "y") && str_eq_c(got.report, "told"));
	expect_err(ERR_TOO_LARGE, store_device_report_put(tx, d.id, "", much));
	expect_err(ERR_NOT_FOUND, store_device_report_put(tx, d.id, "u", LIT("told")));
}

/* Who is looked for is many, and what is kept of one may be a megabyte. */
static void
whoever_has_a_state_is_found_without_reading_it(void **state)
{
	IN(state);
	struct channel_state *v;
	size_t n, used;

	for (uint8_t i = 1; i <= 3; i++) {
		struct device d = device_n(i, arena_printf(a, "h%u", i));
		struct channel_state s = { .device = d.id, .channel = "" };

		expect_ok(store_device_insert(tx, &d));
		s.state = str_of(arena_alloc(a, LIMIT_DEVICE_STATE), LIMIT_DEVICE_STATE);
		expect_ok(store_device_state_put(tx, &s));
		expect_ok(store_device_report_put(tx, d.id, "", s.state));
		s.channel = "u";
		expect_ok(store_device_state_put(tx, &s));
	}
	used = arena_used(a);
	expect_ok(store_device_state_after(tx, a, id_n(1), 10, &v, &n));
	assert_int_equal(n, 2);
	assert_true(id_eq(v[0].device, id_n(2)) && id_eq(v[1].device, id_n(3)));
	assert_int_equal(v[0].state.n + v[0].report.n, 0);
	assert_true(arena_used(a) - used < 65536);
}

static void
an_empty_hash_finds_nobody(void **state)
{
	IN(state);
	struct device d = device_n(1, ""), e = device_n(2, ""), got;
	struct connector c = { .id = id_n(3) }, gotc;

	expect_ok(store_device_insert(tx, &d));
	expect_ok(store_device_insert(tx, &e));
	expect_err(ERR_NOT_FOUND, store_device_by_identity(tx, a, STR_EMPTY, &got));
	expect_ok(store_connector_insert(tx, &c));
	expect_err(ERR_NOT_FOUND, store_connector_by_identity(tx, a, STR_EMPTY, &gotc));
}

static void
two_devices_cannot_share_an_identity(void **state)
{
	IN(state);
	struct device d = device_n(1, "h"), e = device_n(2, "h");

	expect_ok(store_device_insert(tx, &d));
	expect_err(ERR_CONFLICT, store_device_insert(tx, &e));
}

static void
an_update_leaves_the_time_of_enrolment(void **state)
{
	IN(state);
	struct device d = device_n(1, "h"), got;

	expect_err(ERR_NOT_FOUND, store_device_update(tx, &d));
	expect_ok(store_device_insert(tx, &d));
	d.enrolled = 99;
	d.state = DEVICE_RETIRED;
	expect_ok(store_device_update(tx, &d));
	expect_ok(store_device_seen(tx, d.id, 55));
	expect_err(ERR_NOT_FOUND, store_device_seen(tx, id_n(9), 55));
	expect_ok(store_device_get(tx, a, d.id, &got));
	assert_int_equal(got.enrolled, 7);
	assert_int_equal(got.state, DEVICE_RETIRED);
	assert_int_equal(got.last_seen, 55);
}

static void
how_a_device_is_woken_is_written_by_itself_alone(void **state)
{
	IN(state);
	struct device d = device_n(1, "h"), got;

	expect_ok(store_device_insert(tx, &d));
	expect_ok(store_device_waking(tx, d.id, "channel: sent"));
	expect_ok(store_device_waking(tx, id_n(9), "channel: sent"));
	expect_ok(store_device_update(tx, &d));
	expect_ok(store_device_get(tx, a, d.id, &got));
	assert_string_equal(got.waking, "channel: sent");
	assert_int_equal(got.enrolled, 7);
}

static void
what_a_device_shows_is_all_that_such_a_contact_writes(void **state)
{
	IN(state);
	struct device d = device_n(1, "h"), got;

	expect_err(ERR_NOT_FOUND, store_device_shown(tx, d.id, 55, "[]"));
	d.name = "before";
	expect_ok(store_device_insert(tx, &d));
	expect_ok(store_device_shown(tx, d.id, 55, "[1]"));
	expect_ok(store_device_get(tx, a, d.id, &got));
	assert_string_equal(got.inventory, "[1]");
	assert_string_equal(got.name, "before");
	assert_int_equal(got.last_seen, 55);
	assert_int_equal(got.enrolled, 7);
}

static void
a_device_belongs_to_a_user_that_exists_and_outlives_it(void **state)
{
	IN(state);
	struct user u = { .id = id_n(5), .upn = "u" };
	struct device d = device_n(1, "h"), *v, got;
	bool more;
	size_t n;

	d.user = u.id;
	expect_err(ERR_NOT_FOUND, store_device_insert(tx, &d));
	expect_ok(store_user_insert(tx, &u));
	expect_ok(store_device_insert(tx, &d));
	expect_ok(store_device_of_user(tx, a, u.id, &v, &n));
	assert_int_equal(n, 1);
	expect_ok(store_device_list(tx, a, (struct page){ .limit = 5 }, &v, &n, &more));
	assert_int_equal(n, 1);
	expect_ok(store_user_delete(tx, u.id));
	expect_ok(store_device_get(tx, a, d.id, &got));
	assert_true(id_is_zero(got.user));
}

static void
a_connector_is_saved_changed_found_and_deleted(void **state)
{
	IN(state);
	struct connector c = { .id = id_n(1),
		.name = "c",
		.cas = "A,B",
		.identity_sha256 = LIT("h"),
		.maker = LIT("maker"),
		.enabled = true,
		.enrolled = 3 },
			 got, *v;
	bool more;
	size_t n;

	expect_err(ERR_NOT_FOUND, store_connector_update(tx, &c));
	expect_ok(store_connector_insert(tx, &c));
	c.holder = LIT("holder");
	c.maker = LIT("another maker");
	c.last_contact = 9;
	expect_ok(store_connector_update(tx, &c));
	expect_ok(store_connector_by_identity(tx, a, LIT("h"), &got));
	assert_true(str_eq_c(got.holder, "holder"));
	assert_true(str_eq_c(got.maker, "maker"));
	assert_int_equal(got.last_contact, 9);
	expect_ok(store_connector_get(tx, a, c.id, &got));
	expect_ok(store_connector_list(tx, a, (struct page){ .limit = 5 }, &v, &n, &more));
	assert_int_equal(n, 1);
	expect_ok(store_connector_delete(tx, c.id));
	expect_err(ERR_NOT_FOUND, store_connector_delete(tx, c.id));
	expect_err(ERR_NOT_FOUND, store_connector_get(tx, a, c.id, &got));
}

static void
a_code_is_good_once_but_may_be_repeated_by_the_same(void **state)
{
	IN(state);
	struct code c = code_n(1, "h"), got;

	expect_ok(store_code_insert(tx, &c));
	expect_ok(store_code_check(tx, a, CODE_DEVICE, LIT("h"), (struct id){ 0 }, 50, &got));
	expect_ok(store_code_use(tx, a, CODE_DEVICE, LIT("h"), id_n(7), 50, &got));
	assert_int_equal(got.used, 50);
	expect_ok(store_code_use(tx, a, CODE_DEVICE, LIT("h"), id_n(7), 60, &got));
	assert_int_equal(got.used, 50);
	expect_err(ERR_CODE, store_code_use(tx, a, CODE_DEVICE, LIT("h"), id_n(8), 60, &got));
	expect_err(
	    ERR_CODE, store_code_check(tx, a, CODE_DEVICE, LIT("h"), (struct id){ 0 }, 60, &got));
	expect_err(ERR_CODE, store_code_check(tx, a, CODE_DEVICE, LIT("h"), id_n(8), 60, &got));
	expect_ok(store_code_check(tx, a, CODE_DEVICE, LIT("h"), id_n(7), 60, &got));
	expect_ok(store_code_check(tx, a, CODE_DEVICE, LIT("h"), id_n(7), 100, &got));
	expect_ok(store_code_use(tx, a, CODE_DEVICE, LIT("h"), id_n(7), 100, &got));
}

static void
a_code_that_is_wrong_expired_or_of_another_kind_is_refused(void **state)
{
	IN(state);
	struct code c = code_n(1, "h"), got;

	expect_ok(store_code_insert(tx, &c));
	expect_err(ERR_CODE, store_code_use(tx, a, CODE_DEVICE, LIT("x"), id_n(7), 50, &got));
	expect_err(ERR_CODE, store_code_use(tx, a, CODE_CONNECTOR, LIT("h"), id_n(7), 50, &got));
	expect_err(ERR_CODE, store_code_use(tx, a, CODE_DEVICE, LIT("h"), id_n(7), 100, &got));
	expect_err(
	    ERR_CODE, store_code_check(tx, a, CODE_DEVICE, LIT("x"), (struct id){ 0 }, 50, &got));
	expect_err(ERR_CODE,
	    store_code_check(tx, a, CODE_CONNECTOR, LIT("h"), (struct id){ 0 }, 50, &got));
	expect_err(
	    ERR_CODE, store_code_check(tx, a, CODE_DEVICE, LIT("h"), (struct id){ 0 }, 100, &got));
}

static void
codes_are_unique_listed_and_deleted(void **state)
{
	IN(state);
	struct code c = code_n(1, "h"), d = code_n(2, "h"), *v;
	bool more;
	size_t n;

	expect_ok(store_code_insert(tx, &c));
	expect_err(ERR_CONFLICT, store_code_insert(tx, &d));
	expect_ok(store_code_list(tx, a, (struct page){ .limit = 5 }, &v, &n, &more));
	assert_int_equal(n, 1);
	expect_ok(store_code_delete(tx, c.id));
	expect_err(ERR_NOT_FOUND, store_code_delete(tx, c.id));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SERVICE(a_device_is_found_by_the_hash_of_its_identity),
		ON_SERVICE(a_platform_finds_the_state_that_it_left_for_each_channel),
		ON_SERVICE(state_of_no_device_and_too_much_of_it_are_refused),
		ON_SERVICE(what_a_device_told_beside_its_session_is_kept_by_itself),
		ON_SERVICE(whoever_has_a_state_is_found_without_reading_it),
		ON_SERVICE(an_empty_hash_finds_nobody),
		ON_SERVICE(two_devices_cannot_share_an_identity),
		ON_SERVICE(an_update_leaves_the_time_of_enrolment),
		ON_SERVICE(how_a_device_is_woken_is_written_by_itself_alone),
		ON_SERVICE(what_a_device_shows_is_all_that_such_a_contact_writes),
		ON_SERVICE(a_device_belongs_to_a_user_that_exists_and_outlives_it),
		ON_SERVICE(a_connector_is_saved_changed_found_and_deleted),
		ON_SERVICE(a_code_is_good_once_but_may_be_repeated_by_the_same),
		ON_SERVICE(a_code_that_is_wrong_expired_or_of_another_kind_is_refused),
		ON_SERVICE(codes_are_unique_listed_and_deleted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
