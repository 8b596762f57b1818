/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include "store/slot.h"
#include "store/slot_count.h"

static const enum request_kind issue[] = { REQUEST_ISSUE };

/* A queued request with a slot and a device of its own, made at second n. */
static struct request
queued(struct tx *tx, unsigned n, const char *ca)
{
	struct device d = { .id = id_n(n) };
	struct slot s = { .id = id_n(n), .device = id_n(n), .profile = id_n(n) };
	struct request r = { .id = id_n(n),
		.slot = id_n(n),
		.device = id_n(n),
		.kind = REQUEST_ISSUE,
		.state = REQUEST_QUEUED,
		.ca = ca,
		.created = n * 1000 };

	err_forget(store_device_insert(tx, &d));
	err_forget(store_slot_insert(tx, &s));
	expect_ok(store_request_insert(tx, &r));
	return r;
}

static void
a_slot_has_one_open_request_of_a_kind(void **state)
{
	IN(state);
	struct request r = queued(tx, 1, "CA"), again = r, got;

	again.id = id_n(2);
	expect_err(ERR_CONFLICT, store_request_insert(tx, &again));
	again.kind = REQUEST_REVOKE;
	expect_ok(store_request_insert(tx, &again));
	r.state = REQUEST_FAILED;
	expect_ok(store_request_move(tx, &r, REQUEST_QUEUED, 0));
	again.kind = REQUEST_ISSUE;
	again.id = id_n(3);
	again.created++;
	expect_ok(store_request_insert(tx, &again));
	expect_ok(store_request_of_slot(tx, a, r.slot, REQUEST_ISSUE, &got));
	assert_true(id_eq(got.id, again.id));
	expect_err(ERR_NOT_FOUND, store_request_of_slot(tx, a, r.slot, REQUEST_TRUST, &got));
}

static void
a_request_needs_its_slot(void **state)
{
	IN(state);
	struct request r = { .id = id_n(1),
		.slot = id_n(9),
		.kind = REQUEST_ISSUE,
		.state = REQUEST_QUEUED },
		       got;

	expect_err(ERR_NOT_FOUND, store_request_insert(tx, &r));
	expect_err(ERR_NOT_FOUND, store_request_get(tx, a, r.id, &got));
}

static void
a_lease_takes_the_oldest_of_its_cas(void **state)
{
	IN(state);
	struct request got;

	queued(tx, 3, "Two");
	queued(tx, 2, "One");
	queued(tx, 1, "Other");
	expect_ok(store_request_lease(tx, a, issue, 1, "two, ONE", "", "me", 100, 160, &got));
	assert_true(id_eq(got.id, id_n(2)));
	assert_int_equal(got.state, REQUEST_LEASED);
	assert_int_equal(got.fence, 1);
	assert_int_equal(got.attempts, 1);
	assert_int_equal(got.lease_until, 160);
	assert_string_equal(got.owner, "me");
	expect_ok(store_request_lease(tx, a, issue, 1, "Two,One", "", "me", 100, 160, &got));
	assert_true(id_eq(got.id, id_n(3)));
	expect_err(ERR_NOT_FOUND,
	    store_request_lease(tx, a, issue, 1, "Two,One", "", "me", 100, 160, &got));
}

static void
a_lease_does_not_take_other_kinds_or_what_is_not_due(void **state)
{
	IN(state);
	static const enum request_kind revoke[] = { REQUEST_REVOKE };
	struct request r = queued(tx, 1, "CA"), got;

	expect_err(
	    ERR_NOT_FOUND, store_request_lease(tx, a, revoke, 1, "CA", "", "me", 100, 160, &got));
	expect_err(
	    ERR_NOT_FOUND, store_request_lease(tx, a, issue, 1, "", "", "me", 100, 160, &got));
	expect_err(
	    ERR_NOT_FOUND, store_request_lease(tx, a, issue, 0, "CA", "", "me", 100, 160, &got));
	r.not_before = 150;
	expect_ok(store_request_move(tx, &r, REQUEST_QUEUED, 0));
	expect_err(
	    ERR_NOT_FOUND, store_request_lease(tx, a, issue, 1, "CA", "", "me", 149, 200, &got));
	expect_ok(store_request_lease(tx, a, issue, 1, "CA", "", "me", 150, 200, &got));
}

static void
a_move_writes_what_it_brought_and_not_what_it_is_for(void **state)
{
	IN(state);
	struct request r = queued(tx, 1, "CA"), got;

	r.state = REQUEST_READY;
	r.leaf = LIT("der");
	r.sealed = LIT("cms");
	r.password = LIT("word");
	r.serial = "01";
	r.keep = "02";
	r.ca_request = "7";
	r.unissued = true;
	r.fault = "some-fault";
	r.ca = "another";
	r.hash = LIT("another");
	r.created++;
	expect_ok(store_request_move(tx, &r, REQUEST_QUEUED, 0));
	expect_ok(store_request_get(tx, a, r.id, &got));
	assert_int_equal(got.state, REQUEST_READY);
	assert_true(str_eq_c(got.leaf, "der") && str_eq_c(got.sealed, "cms") &&
	    str_eq_c(got.password, "word"));
	assert_string_equal(got.serial, "01");
	assert_string_equal(got.keep, "02");
	assert_string_equal(got.ca_request, "7");
	assert_true(got.unissued);
	assert_string_equal(got.fault, "some-fault");
	assert_string_equal(got.ca, "CA");
	assert_false(str_eq(got.hash, r.hash));
	assert_int_equal(got.created, r.created - 1);
	r.sealed = STR_EMPTY;
	expect_err(ERR_STATE_MOVED, store_request_move(tx, &r, REQUEST_QUEUED, 0));
	expect_ok(store_request_get(tx, a, r.id, &got));
	assert_true(str_eq_c(got.sealed, "cms"));
	expect_ok(store_request_move(tx, &r, REQUEST_READY, 0));
	expect_ok(store_request_get(tx, a, r.id, &got));
	assert_int_equal(got.sealed.n, 0);
}

static void
a_lease_that_is_over_can_be_taken_and_shuts_out_the_first(void **state)
{
	IN(state);
	struct request first, second;

	queued(tx, 1, "CA");
	expect_ok(store_request_lease(tx, a, issue, 1, "CA", "", "one", 100, 160, &first));
	expect_err(ERR_NOT_FOUND,
	    store_request_lease(tx, a, issue, 1, "CA", "", "two", 159, 220, &second));
	expect_ok(store_request_lease(tx, a, issue, 1, "CA", "", "two", 160, 220, &second));
	assert_int_equal(second.fence, 2);
	first.state = REQUEST_READY;
	expect_err(ERR_STATE_MOVED, store_request_move(tx, &first, REQUEST_LEASED, first.fence));
	second.state = REQUEST_READY;
	second.sealed = LIT("cms");
	expect_ok(store_request_move(tx, &second, REQUEST_LEASED, second.fence));
	expect_err(ERR_STATE_MOVED, store_request_move(tx, &second, REQUEST_LEASED, second.fence));
	expect_ok(store_request_get(tx, a, second.id, &first));
	assert_true(str_eq_c(first.sealed, "cms"));
	second.id = id_n(99);
	expect_err(ERR_NOT_FOUND, store_request_move(tx, &second, REQUEST_LEASED, 0));
}

static void
leases_that_are_over_go_back_and_the_next_due_is_known(void **state)
{
	IN(state);
	struct request r = queued(tx, 1, "CA"), late = queued(tx, 2, "CA"), got;
	size_t counts[8], n;
	when_t due;

	late.not_before = 500;
	expect_ok(store_request_move(tx, &late, REQUEST_QUEUED, 0));
	expect_ok(store_request_next_due(tx, 100, &due));
	assert_int_equal(due, 500);
	expect_ok(store_request_lease(tx, a, issue, 1, "CA", "", "one", 100, 160, &got));
	expect_ok(store_request_next_due(tx, 100, &due));
	assert_int_equal(due, 160);
	expect_ok(store_request_expire(tx, 159, &n));
	assert_int_equal(n, 0);
	expect_ok(store_request_expire(tx, 160, &n));
	assert_int_equal(n, 1);
	expect_ok(store_request_get(tx, a, r.id, &got));
	assert_int_equal(got.state, REQUEST_QUEUED);
	assert_int_equal(got.fence, 1);
	expect_ok(store_request_counts(tx, counts));
	assert_int_equal(counts[REQUEST_QUEUED], 2);
	assert_int_equal(counts[REQUEST_LEASED], 0);
	expect_ok(store_request_next_due(tx, 600, &due));
	assert_int_equal(due, 0);
}

static void
what_was_sealed_is_forgotten_and_the_list_leaves_it_out(void **state)
{
	IN(state);
	struct request r = queued(tx, 1, "CA"), got, *v;
	size_t n;

	r.state = REQUEST_READY;
	r.leaf = LIT("leaf");
	r.sealed = LIT("sealed");
	r.password = LIT("password");
	expect_ok(store_request_move(tx, &r, REQUEST_QUEUED, 0));
	expect_ok(store_requests_of_slot(tx, a, r.slot, &v, &n));
	assert_int_equal(n, 1);
	assert_int_equal(v[0].leaf.n + v[0].sealed.n + v[0].password.n, 0);
	assert_int_equal(v[0].state, REQUEST_READY);
	expect_ok(store_request_forget(tx, r.id));
	expect_ok(store_request_get(tx, a, r.id, &got));
	assert_int_equal(got.sealed.n + got.password.n, 0);
	assert_int_equal(got.leaf.n, 4);
}

static void
a_revocation_with_a_fault_is_found_while_it_is_open(void **state)
{
	IN(state);
	struct request r = queued(tx, 1, "CA"), got;

	r.id = id_n(2);
	r.kind = REQUEST_REVOKE;
	expect_ok(store_request_insert(tx, &r));
	expect_err(ERR_NOT_FOUND, store_request_stuck(tx, a, r.slot, &got));
	r.fault = "unreachable";
	expect_ok(store_request_move(tx, &r, REQUEST_QUEUED, 0));
	expect_ok(store_request_stuck(tx, a, r.slot, &got));
	assert_true(id_eq(got.id, r.id));
	r.state = REQUEST_DONE;
	expect_ok(store_request_move(tx, &r, REQUEST_QUEUED, 0));
	expect_err(ERR_NOT_FOUND, store_request_stuck(tx, a, r.slot, &got));
}

/* "profile:queued/leased ..." */
static const char *
queue(struct tx *tx, struct arena *a)
{
	const char *out = "";
	struct queue_count *v;
	size_t n;

	expect_ok(store_queue_counts(tx, a, &v, &n));
	for (size_t i = 0; i < n; i++)
		out = arena_printf(a, "%s%s%d:%lld/%lld", out, i == 0 ? "" : " ",
		    v[i].profile.b[15], (long long)v[i].queued, (long long)v[i].leased);
	return out;
}

static void
the_authorities_of_what_waits_are_named_once_each(void **state)
{
	IN(state);
	const char **v;
	struct request r;
	size_t n;

	expect_ok(store_queue_cas(tx, a, &v, &n));
	assert_int_equal(n, 0);
	queued(tx, 1, "CA 2");
	queued(tx, 2, "CA 1");
	queued(tx, 3, "ca 2");
	queued(tx, 4, "");
	r = queued(tx, 5, "CA 3");
	r.state = REQUEST_DONE;
	expect_ok(store_request_move(tx, &r, REQUEST_QUEUED, 0));
	expect_ok(store_queue_cas(tx, a, &v, &n));
	assert_int_equal(n, 2);
	assert_string_equal(v[0], "CA 1");
	assert_true(str_ieq_c(str_c(v[1]), "CA 2"));
}

static void
what_waits_is_counted_by_profile_at_every_step(void **state)
{
	IN(state);
	static const enum request_kind revoke[] = { REQUEST_REVOKE };
	struct request r, got;
	size_t n;

	assert_string_equal(queue(tx, a), "");
	queued(tx, 1, "CA");
	r = queued(tx, 2, "CA");
	assert_string_equal(queue(tx, a), "1:1/0 2:1/0");
	r.id = id_n(3);
	r.kind = REQUEST_REVOKE;
	expect_ok(store_request_insert(tx, &r));
	assert_string_equal(queue(tx, a), "1:1/0 2:2/0");
	expect_ok(store_request_lease(tx, a, revoke, 1, "CA", "", "me", 100, 160, &got));
	expect_ok(store_request_lease(tx, a, issue, 1, "CA", "", "me", 100, 170, &r));
	assert_string_equal(queue(tx, a), "1:0/1 2:1/1");
	/* Taken over by another: still one. */
	expect_ok(store_request_lease(tx, a, revoke, 1, "CA", "", "two", 165, 200, &got));
	assert_string_equal(queue(tx, a), "1:0/1 2:1/1");
	expect_ok(store_request_expire(tx, 180, &n));
	assert_int_equal(n, 1);
	assert_string_equal(queue(tx, a), "1:1/0 2:1/1");
	got.state = REQUEST_DONE;
	expect_ok(store_request_move(tx, &got, REQUEST_LEASED, got.fence));
	assert_string_equal(queue(tx, a), "1:1/0 2:1/0");
	expect_ok(store_request_get(tx, a, id_n(1), &r));
	r.state = REQUEST_FAILED;
	expect_ok(store_request_move(tx, &r, REQUEST_QUEUED, 0));
	expect_ok(store_request_get(tx, a, id_n(2), &r));
	r.state = REQUEST_READY;
	expect_ok(store_request_move(tx, &r, REQUEST_QUEUED, 0));
	assert_string_equal(queue(tx, a), "");
	r.state = REQUEST_QUEUED;
	expect_ok(store_request_move(tx, &r, REQUEST_READY, 0));
	assert_string_equal(queue(tx, a), "2:1/0");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SERVICE(a_slot_has_one_open_request_of_a_kind),
		ON_SERVICE(a_request_needs_its_slot),
		ON_SERVICE(a_lease_takes_the_oldest_of_its_cas),
		ON_SERVICE(a_lease_does_not_take_other_kinds_or_what_is_not_due),
		ON_SERVICE(a_move_writes_what_it_brought_and_not_what_it_is_for),
		ON_SERVICE(a_lease_that_is_over_can_be_taken_and_shuts_out_the_first),
		ON_SERVICE(leases_that_are_over_go_back_and_the_next_due_is_known),
		ON_SERVICE(what_was_sealed_is_forgotten_and_the_list_leaves_it_out),
		ON_SERVICE(the_authorities_of_what_waits_are_named_once_each),
		ON_SERVICE(what_waits_is_counted_by_profile_at_every_step),
		ON_SERVICE(a_revocation_with_a_fault_is_found_while_it_is_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
