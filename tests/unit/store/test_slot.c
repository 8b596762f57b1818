/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include "store/slot.h"

static struct slot
slot_n(struct tx *tx, unsigned n, unsigned device, unsigned user, unsigned profile)
{
	struct device d = { .id = id_n(device) };

	err_forget(store_device_insert(tx, &d));
	return (struct slot){ .id = id_n(n),
		.device = id_n(device),
		.user = id_n(user),
		.profile = id_n(profile),
		.kind = "pkcs",
		.wanted = true,
		.since = 77 };
}

static void
a_slot_is_one_for_device_user_and_profile(void **state)
{
	IN(state);
	struct slot s = slot_n(tx, 1, 10, 20, 30), again = slot_n(tx, 2, 10, 20, 30),
		    other = slot_n(tx, 3, 10, 0, 30);
	struct slot nobody = slot_n(tx, 4, 10, 0, 30), got;

	expect_ok(store_slot_insert(tx, &s));
	expect_err(ERR_CONFLICT, store_slot_insert(tx, &again));
	expect_ok(store_slot_insert(tx, &other));
	expect_err(ERR_CONFLICT, store_slot_insert(tx, &nobody));
	expect_ok(store_slot_find(tx, a, id_n(10), id_n(20), id_n(30), &got));
	assert_true(id_eq(got.id, s.id));
	expect_ok(store_slot_find(tx, a, id_n(10), id_n(0), id_n(30), &got));
	assert_true(id_eq(got.id, other.id));
	expect_err(ERR_NOT_FOUND, store_slot_find(tx, a, id_n(11), id_n(20), id_n(30), &got));
}

static void
a_slot_needs_its_device(void **state)
{
	IN(state);
	struct slot s = { .id = id_n(1), .device = id_n(10), .profile = id_n(30) };

	expect_err(ERR_NOT_FOUND, store_slot_insert(tx, &s));
}

static void
a_slot_is_changed_and_comes_back(void **state)
{
	IN(state);
	struct slot s = slot_n(tx, 1, 10, 20, 30), got;

	expect_err(ERR_NOT_FOUND, store_slot_update(tx, &s));
	expect_err(ERR_NOT_FOUND, store_slot_get(tx, a, s.id, &got));
	expect_ok(store_slot_insert(tx, &s));
	s.wanted = false;
	s.wanted_hash = LIT("wh");
	s.cert_sha256 = LIT("ch");
	s.fault = "busy";
	s.not_after = 1234;
	expect_ok(store_slot_update(tx, &s));
	expect_ok(store_slot_get(tx, a, s.id, &got));
	assert_false(got.wanted);
	assert_true(str_eq_c(got.wanted_hash, "wh"));
	assert_true(str_eq_c(got.cert_sha256, "ch"));
	assert_string_equal(got.fault, "busy");
	assert_int_equal(got.not_after, 1234);
	assert_int_equal(got.since, 77);
}

static void
slots_are_listed_by_device_profile_both_or_neither(void **state)
{
	IN(state);
	static const unsigned want[][3] = { { 0, 0, 4 }, { 30, 0, 2 }, { 0, 10, 2 }, { 30, 11, 1 },
		{ 32, 0, 0 } };
	struct slot *v;
	bool more;
	size_t n;

	for (unsigned i = 0; i < 4; i++) {
		struct slot s = slot_n(tx, 1 + i, 10 + i / 2, 0, 30 + i % 2);

		expect_ok(store_slot_insert(tx, &s));
	}
	for (size_t i = 0; i < COUNT(want); i++) {
		expect_ok(store_slot_list(tx, a, id_n(want[i][0]), id_n(want[i][1]),
		    (struct page){ .limit = 9 }, &v, &n, &more));
		assert_int_equal(n, want[i][2]);
	}
	expect_ok(
	    store_slot_list(tx, a, id_n(30), id_n(0), (struct page){ .limit = 1 }, &v, &n, &more));
	assert_true(more);
	expect_ok(store_slots_of_device(tx, a, id_n(11), &v, &n));
	assert_int_equal(n, 2);
}

static void
the_timeline_comes_oldest_first(void **state)
{
	IN(state);
	struct event e = { .slot = id_n(1), .when = 5, .actor = "service", .event = "queued" }, *v;
	size_t n;

	expect_ok(store_event_add(tx, &e));
	e.event = "leased";
	e.fault = "busy";
	expect_ok(store_event_add(tx, &e));
	e.slot = id_n(2);
	expect_ok(store_event_add(tx, &e));
	expect_ok(store_event_list(tx, a, id_n(1), &v, &n));
	assert_int_equal(n, 2);
	assert_string_equal(v[0].event, "queued");
	assert_string_equal(v[1].fault, "busy");
	assert_true(v[0].seq < v[1].seq);
}

static void
what_repeats_is_counted_in_the_row_that_is_there(void **state)
{
	IN(state);
	struct event e = { .slot = id_n(1), .request = id_n(7), .when = 5, .actor = "service" }, *v;
	size_t n;

	for (int i = 0; i < 3; i++) {
		e.when = 5 + i;
		e.event = "leased";
		e.detail = i == 2 ? "last" : "";
		expect_ok(store_event_repeat(tx, &e));
		e.event = "postponed";
		expect_ok(store_event_repeat(tx, &e));
	}
	e.fault = "busy";
	expect_ok(store_event_repeat(tx, &e));
	e.request = id_n(8);
	expect_ok(store_event_repeat(tx, &e));
	e.slot = id_n(2);
	expect_ok(store_event_repeat(tx, &e));
	expect_ok(store_event_list(tx, a, id_n(1), &v, &n));
	assert_int_equal(n, 4);
	assert_string_equal(v[0].event, "leased");
	assert_string_equal(v[0].detail, "last");
	assert_int_equal(v[0].count, 3);
	assert_int_equal(v[0].when, 5);
	assert_int_equal(v[0].until, 7);
	assert_int_equal(v[2].count, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SERVICE(a_slot_is_one_for_device_user_and_profile),
		ON_SERVICE(a_slot_needs_its_device),
		ON_SERVICE(a_slot_is_changed_and_comes_back),
		ON_SERVICE(slots_are_listed_by_device_profile_both_or_neither),
		ON_SERVICE(the_timeline_comes_oldest_first),
		ON_SERVICE(what_repeats_is_counted_in_the_row_that_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
