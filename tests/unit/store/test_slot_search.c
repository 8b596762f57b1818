/* SPDX-License-Identifier: Apache-2.0 */
/* Slots are found by what people know of them, counted without counting, and forgotten when they are history. */
#include "scratch.h"

#include "store/slot_count.h"
#include "store/slot_search.h"
#include "store/trigram.h"

#define USER 500
#define DAY 86400

/* Slots 1 to n: device 100 + i / 2, profile 30 or 31, every third failed. */
static struct slot
made(struct scratch *x, unsigned i)
{
	return (struct slot){ .id = id_n(i),
		.device = id_n(100 + i / 2),
		.user = id_n(i % 2 == 0 ? USER : 0),
		.profile = id_n(30 + i % 2),
		.kind = "pkcs",
		.wanted = true,
		.state = i % 3 == 0 ? STATUS_FAILED : STATUS_INSTALLED,
		.fault = i % 3 == 0 ? "no-user" : "",
		.since = 1000 * i,
		.serial = arena_printf(x->a, "5A%04u", i),
		.subject = arena_printf(x->a, "CN=person %c%cx,O=Größe & Söhne",
		    (int)('a' + i % 26), (int)('a' + i % 26)),
		.thumbprint = arena_printf(x->a, "%040u", i),
		.cert_sha256 = str_c(arena_printf(x->a, "%032u", i)),
		.not_after = (when_t)(DAY * (1 + i)) };
}

static void
fill(struct scratch *x, unsigned n)
{
	struct user u = { .id = id_n(USER), .upn = "ada@example.test", .source = "cloud" };
	size_t done;

	expect_ok(store_user_insert(&x->tx, &u));
	for (unsigned i = 0; i <= n / 2; i++)
		expect_ok(store_device_insert(&x->tx,
		    &(struct device){
			.id = id_n(100 + i), .name = arena_printf(x->a, "laptop-%04u", i) }));
	for (unsigned i = 1; i <= n; i++) {
		struct slot s = made(x, i);

		expect_ok(store_slot_insert(&x->tx, &s));
	}
	expect_ok(store_slot_index(&x->tx, n + 1, &done));
	assert_int_equal(done, n);
}

/* All pages of a question, however short; the numbers that their ids were made of, as text. */
static const char *
all(struct scratch *x, const struct slot_filter *f, size_t limit, size_t looks)
{
	struct page p = { .limit = limit };
	const char *out = "";
	bool more = true;

	for (int pages = 0; more; pages++) {
		struct slot_hit *v;
		size_t n;

		assert_true(pages < 1000);
		expect_ok(store_slot_search(&x->tx, x->a, f, p, looks, &v, &n, &p.after, &more));
		for (size_t i = 0; i < n; i++)
			out = arena_printf(x->a, "%s%s%d", out, *out == '\0' ? "" : " ",
			    v[i].slot.id.b[14] * 256 + v[i].slot.id.b[15]);
	}
	return out;
}

static void
each_way_finds_what_it_is_about_and_nothing_else(void **state)
{
	struct scratch *x = *state;
	const struct {
		struct slot_filter f;
		const char *want;
	} rows[] = {
		{ { .state = 0 }, "1 2 3 4 5 6 7 8 9 10" },
		{ { .state = STATUS_FAILED }, "3 6 9" },
		{ { .profile = id_n(30) }, "2 4 6 8 10" },
		{ { .profile = id_n(30), .state = STATUS_FAILED }, "6" },
		{ { .profile = id_n(32) }, "" },
		{ { .device = id_n(102) }, "4 5" },
		{ { .device = id_n(102), .profile = id_n(31) }, "5" },
		{ { .user = id_n(USER) }, "2 4 6 8 10" },
		{ { .user = id_n(USER), .fault = "no-user" }, "6" },
		{ { .fault = "no-user" }, "3 6 9" },
		{ { .fault = "NO-USER", .state = STATUS_FAILED }, "3 6 9" },
		{ { .fault = "no-user", .state = STATUS_INSTALLED }, "" },
		{ { .fault = "no-user", .profile = id_n(31) }, "3 9" },
		{ { .fault = "no-use" }, "" },
		{ { .serial = "5a0007" }, "7" },
		{ { .serial = "5a000" }, "" },
		{ { .thumbprint = "0000000000000000000000000000000000000008" }, "8" },
		{ { .thumbprint =
			  "3030303030303030303030303030303030303030303030303030303030303038" },
		    "8" },
		{ { .thumbprint = "zz" }, "" },
		{ { .text = "person eex" }, "4" },
		{ { .text = "PERSON EEX" }, "4" },
		{ { .text = "GRÖSSE" }, "" },
		{ { .text = "größe" }, "1 2 3 4 5 6 7 8 9 10" },
		{ { .text = "laptop-0002" }, "4 5" },
		{ { .text = "ada@", .state = STATUS_FAILED }, "6" },
		{ { .text = "5A0010" }, "10" },
		{ { .text = "\"quoted\" OR 1" }, "" },
		{ { .ends_until = 5 * DAY }, "1 2 4" },
		{ { .ends_until = 5 * DAY, .profile = id_n(31) }, "1" },
	};

	fill(x, 10);
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_string_equal(all(x, &rows[i].f, 100, 0), rows[i].want);
		assert_string_equal(all(x, &rows[i].f, 2, 0), rows[i].want);
		assert_string_equal(all(x, &rows[i].f, 3, 1), rows[i].want);
	}
}

/* Whatever way is taken, and however short the pages are. */
static void
a_question_of_some_profiles_is_answered_with_their_slots(void **state)
{
	struct scratch *x = *state;
	const struct id none[] = { id_n(77) }, one[] = { id_n(30) },
			both[] = { id_n(30), id_n(31) },
			many[] = { id_n(1), id_n(2), id_n(3), id_n(4), id_n(5), id_n(6), id_n(7),
				id_n(8), id_n(9), id_n(10), id_n(11), id_n(12), id_n(13), id_n(14),
				id_n(15), id_n(16), id_n(31) };
	const struct slot_profiles no = { NULL, 0 }, gone = { none, 1 }, first = { one, 1 },
				   two = { both, 2 }, lots = { many, COUNT(many) };
	const struct {
		struct slot_filter f;
		const char *want;
	} rows[] = {
		{ { .only = &no }, "" },
		{ { .only = &gone }, "" },
		{ { .only = &first }, "2 4 6 8 10 12" },
		{ { .only = &two }, "1 2 3 4 5 6 7 8 9 10 11 12" },
		{ { .only = &lots }, "1 3 5 7 9 11" },
		{ { .only = &first, .state = STATUS_FAILED }, "6 12" },
		{ { .only = &two, .fault = "no-user" }, "3 6 9 12" },
		{ { .only = &first, .profile = id_n(31) }, "" },
		{ { .only = &first, .profile = id_n(30) }, "2 4 6 8 10 12" },
		{ { .only = &first, .device = id_n(101) }, "2" },
		{ { .only = &first, .user = id_n(USER) }, "2 4 6 8 10 12" },
		{ { .only = &no, .serial = "5A0002" }, "" },
		{ { .only = &first, .serial = "5A0002" }, "2" },
		{ { .only = &first, .text = "person" }, "2 4 6 8 10 12" },
		{ { .only = &first, .text = "x" }, "2 4 6 8 10 12" },
		{ { .only = &first, .ends_until = DAY * 6 }, "2 4" },
	};

	fill(x, 12);
	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t limit = 1; limit < 20; limit += 6)
			for (size_t looks = 1; looks < 40; looks += 13) {
				const char *got = all(x, &rows[i].f, limit, looks);

				if (strcmp(got, rows[i].want) != 0)
					fail_msg("row %zu, %zu and %zu: %s", i, limit, looks, got);
			}
}

static void
a_question_looks_at_no_more_than_it_was_told(void **state)
{
	struct scratch *x = *state;
	struct slot_filter f = { .user = id_n(USER), .fault = "no-user" };
	struct slot_hit *v;
	struct id last;
	size_t n;
	bool more;

	fill(x, 10);
	expect_ok(store_slot_search(
	    &x->tx, x->a, &f, (struct page){ .limit = 10 }, 2, &v, &n, &last, &more));
	assert_int_equal(n, 0);
	assert_true(more);
	assert_true(id_eq(last, id_n(4)));
}

static void
what_most_texts_have_is_not_asked_for_where_something_else_is(void **state)
{
	IN(state);
	const char *asked;

	(void)a;
	fill(x, 1500);
	expect_ok(store_trigrams(tx, x->a, "laptop-0333", &asked));
	assert_null(strstr(asked, "\"apt\""));
	assert_non_null(strstr(asked, "\"333\""));
	assert_string_equal(
	    all(x, &(struct slot_filter){ .text = "laptop-0333" }, 9, 0), "666 667");
	expect_ok(store_trigrams(tx, x->a, "laplap", &asked));
	assert_string_equal(asked, "\"apl\" \"pla\" ");
	expect_ok(store_trigrams(tx, x->a, "lapt", &asked));
	assert_string_equal(asked, "\"lap\" \"apt\" ");
	expect_ok(store_trigrams(tx, x->a, "a\"bö", &asked));
	assert_string_equal(asked, "\"a\"\"b\" \"\"\"bö\" ");
}

static void
the_index_of_texts_follows_names_and_certificates(void **state)
{
	struct scratch *x = *state;
	struct slot s = made(x, 4);
	struct device d;
	struct user u;
	size_t n;
	bool due;

	fill(x, 10);
	s.subject = "CN=somebody else";
	expect_ok(store_slot_update(&x->tx, &s));
	expect_ok(store_device_get(&x->tx, x->a, id_n(103), &d));
	d.name = "tower";
	expect_ok(store_device_update(&x->tx, &d));
	expect_ok(store_slot_unindexed(&x->tx, &due));
	assert_true(due);
	expect_ok(store_slot_index(&x->tx, 100, &n));
	assert_int_equal(n, 3);
	assert_string_equal(all(x, &(struct slot_filter){ .text = "person eex" }, 9, 0), "");
	assert_string_equal(all(x, &(struct slot_filter){ .text = "somebody" }, 9, 0), "4");
	assert_string_equal(all(x, &(struct slot_filter){ .text = "laptop-0003" }, 9, 0), "");
	assert_string_equal(all(x, &(struct slot_filter){ .text = "tower" }, 9, 0), "6 7");
	expect_ok(store_user_get(&x->tx, x->a, id_n(USER), &u));
	u.upn = "lovelace@example.test";
	expect_ok(store_user_update(&x->tx, &u));
	expect_ok(store_slot_index(&x->tx, 2, &n));
	assert_int_equal(n, 2);
	expect_ok(store_slot_index(&x->tx, 100, &n));
	assert_int_equal(n, 3);
	assert_string_equal(all(x, &(struct slot_filter){ .text = "ada@" }, 9, 0), "");
	assert_string_equal(
	    all(x, &(struct slot_filter){ .text = "lovelace" }, 9, 0), "2 4 6 8 10");
	expect_ok(store_slot_unindexed(&x->tx, &due));
	assert_false(due);
}

/* The sums against what counting gives. */
static void
sums_agree(struct scratch *x)
{
	struct slot_user_counts sum, users;
	struct slot_count *counts;
	struct slot_user *of;
	struct slot *v;
	size_t n, ncounts, nof;
	bool more;

	expect_ok(store_slot_list(
	    &x->tx, x->a, id_n(0), id_n(0), (struct page){ .limit = 900 }, &v, &n, &more));
	expect_ok(store_slot_counts(&x->tx, x->a, id_n(0), &counts, &ncounts));
	for (size_t i = 0; i < ncounts; i++) {
		for (size_t k = 0; k < n; k++)
			counts[i].n -= id_eq(counts[i].profile, v[k].profile) &&
			    counts[i].state == v[k].state &&
			    strcmp(counts[i].fault, v[k].fault) == 0;
		assert_int_equal(counts[i].n, 0);
	}
	for (unsigned p = 30; p <= 31; p++) {
		sum = (struct slot_user_counts){ 0 };
		expect_ok(store_slot_users(
		    &x->tx, x->a, id_n(p), (struct page){ .limit = 900 }, &of, &nof, &more));
		for (size_t i = 0; i < nof; i++) {
			sum.error += of[i].error > 0;
			sum.pending += of[i].error == 0 && of[i].pending > 0;
			sum.success += of[i].error == 0 && of[i].pending == 0;
			for (size_t k = 0; k < n; k++) {
				if (!id_eq(v[k].profile, id_n(p)) || !id_eq(v[k].user, of[i].user))
					continue;
				of[i].error -= v[k].state == STATUS_FAILED;
				of[i].success -=
				    v[k].state == STATUS_INSTALLED || v[k].state == STATUS_RENEWING;
				of[i].pending -=
				    v[k].state < STATUS_INSTALLED || v[k].state == STATUS_REMOVING;
			}
			assert_true(of[i].error == 0 && of[i].success == 0 && of[i].pending == 0);
		}
		expect_ok(store_slot_user_counts(&x->tx, id_n(p), &users));
		assert_memory_equal(&sum, &users, sizeof(sum));
	}
}

static void
counts_are_those_that_counting_gives(void **state)
{
	struct scratch *x = *state;
	uint64_t mix = 88172645463325252u;
	struct slot_user_counts users;
	struct slot_count *v;
	size_t n;

	fill(x, 40);
	sums_agree(x);
	for (int i = 0; i < 300; i++) {
		struct slot s;

		mix = mix * 6364136223846793005u + 1442695040888963407u;
		s = made(x, 1 + (mix >> 33) % 40);
		s.state = 1 + (mix >> 40) % 9;
		s.fault = s.state == STATUS_FAILED ? "no-user" : "";
		expect_ok(store_slot_update(&x->tx, &s));
	}
	sums_agree(x);
	expect_ok(store_slot_counts(&x->tx, x->a, id_n(30), &v, &n));
	assert_true(n > 0);
	for (size_t i = 0; i < n; i++)
		assert_true(id_eq(v[i].profile, id_n(30)) && v[i].n > 0);
	expect_ok(store_slot_user_counts(&x->tx, id_n(30), &users));
	assert_true(users.pending + users.success + users.error <= 1);
	expect_ok(store_slot_user_counts(&x->tx, id_n(99), &users));
	assert_int_equal(users.pending + users.success + users.error, 0);
}

static void
moves_from_one_way_of_pending_to_another_write_no_row_of_a_user(void **state)
{
	static const struct {
		enum status_state to;
		when_ms_t since, changed;
	} moves[] = {
		{ STATUS_WAITING, 90000, 90000 },
		{ STATUS_ISSUING, 91000, 90000 },
		{ STATUS_READY, 92000, 90000 },
		{ STATUS_OFFERED, 93000, 90000 },
		{ STATUS_INSTALLED, 94000, 94000 },
		{ STATUS_RENEWING, 95000, 94000 },
		{ STATUS_FAILED, 96000, 96000 },
	};
	struct scratch *x = *state;
	struct slot s;
	struct slot_user *v;
	bool more;
	size_t n;

	fill(x, 9);
	s = made(x, 4);
	for (size_t i = 0; i < COUNT(moves); i++) {
		s.state = moves[i].to;
		s.since = moves[i].since;
		expect_ok(store_slot_update(&x->tx, &s));
		sums_agree(x);
		expect_ok(store_slot_users(
		    &x->tx, x->a, id_n(30), (struct page){ .limit = 5 }, &v, &n, &more));
		assert_int_equal(n, 1);
		assert_int_equal(v[0].changed, moves[i].changed);
	}
}

static void
users_are_listed_from_the_one_that_is_nobody(void **state)
{
	struct scratch *x = *state;
	struct slot_user *v;
	bool more;
	size_t n;

	fill(x, 9);
	expect_ok(
	    store_slot_users(&x->tx, x->a, id_n(31), (struct page){ .limit = 5 }, &v, &n, &more));
	assert_int_equal(n, 1);
	assert_true(id_is_zero(v[0].user));
	assert_int_equal(v[0].error, 2);
	assert_int_equal(v[0].success, 3);
	expect_ok(store_slot_users(&x->tx, x->a, id_n(30),
	    (struct page){ .limit = 5, .after = { { [15] = 1 } } }, &v, &n, &more));
	assert_int_equal(n, 1);
	assert_true(id_eq(v[0].user, id_n(USER)));
}

static void
old_events_become_counts(void **state)
{
	struct scratch *x = *state;
	struct event e = { .slot = id_n(1), .actor = "ca", .event = "issued" }, *events;
	struct event_count *v;
	size_t n;

	for (unsigned i = 0; i < 10; i++) {
		e.when = i * 1000;
		expect_ok(store_event_add(&x->tx, &e));
	}
	expect_ok(store_event_forget(&x->tx, 6000, 4, &n));
	assert_int_equal(n, 4);
	expect_ok(store_event_forget(&x->tx, 6000, 4, &n));
	assert_int_equal(n, 2);
	expect_ok(store_event_forget(&x->tx, 6000, 4, &n));
	assert_int_equal(n, 0);
	expect_ok(store_event_list(&x->tx, x->a, id_n(1), &events, &n));
	assert_int_equal(n, 4);
	expect_ok(store_event_counts(&x->tx, x->a, &v, &n));
	assert_int_equal(n, 1);
	assert_int_equal(v[0].n, 6);
	assert_string_equal(v[0].event, "issued");
}

static void
removed_slots_go_when_nothing_is_open_about_them(void **state)
{
	struct scratch *x = *state;
	struct request r = { .id = id_n(900),
		.slot = id_n(2),
		.device = id_n(101),
		.kind = REQUEST_REVOKE,
		.state = REQUEST_QUEUED,
		.ca = "CA" };
	struct slot got;
	size_t n;

	fill(x, 5);
	for (unsigned i = 1; i <= 3; i++) {
		struct slot s = made(x, i);

		s.state = STATUS_REMOVED;
		s.wanted = false;
		expect_ok(store_slot_update(&x->tx, &s));
		expect_ok(
		    store_event_add(&x->tx, &(struct event){ .slot = s.id, .event = "removed" }));
	}
	expect_ok(store_request_insert(&x->tx, &r));
	expect_ok(store_slot_forget(&x->tx, 3000, 9, &n));
	assert_int_equal(n, 1);
	expect_err(ERR_NOT_FOUND, store_slot_get(&x->tx, x->a, id_n(1), &got));
	expect_ok(store_slot_get(&x->tx, x->a, id_n(2), &got));
	expect_ok(store_slot_get(&x->tx, x->a, id_n(3), &got));
	r.state = REQUEST_DONE;
	expect_ok(store_request_move(&x->tx, &r, REQUEST_QUEUED, 0));
	expect_ok(store_slot_forget(&x->tx, 99999, 9, &n));
	assert_int_equal(n, 2);
	sums_agree(x);
	expect_ok(store_slot_index(&x->tx, 100, &n));
	assert_string_equal(all(x, &(struct slot_filter){ .text = "person" }, 9, 0), "4 5");
}

static void
what_has_ended_is_found_but_for_imported_certificates(void **state)
{
	struct scratch *x = *state;
	struct slot s = made(x, 2);
	struct id *v;
	size_t n;

	fill(x, 6);
	s.id = id_n(50);
	s.item = id_n(7);
	expect_ok(store_slot_insert(&x->tx, &s));
	expect_ok(store_slots_ended(&x->tx, x->a, 5 * DAY, 9, &v, &n));
	assert_int_equal(n, 3);
	assert_true(id_eq(v[0], id_n(1)));
	assert_true(id_eq(v[1], id_n(2)));
	assert_true(id_eq(v[2], id_n(4)));
}

static void
revocations_come_newest_first(void **state)
{
	struct scratch *x = *state;
	struct request r = { .kind = REQUEST_REVOKE, .state = REQUEST_DONE, .ca = "CA" };
	struct page p = { .limit = 2 };
	struct revocation *v;
	bool more;
	size_t n;

	fill(x, 4);
	for (unsigned i = 1; i <= 4; i++) {
		r.id = id_n(900 + i);
		r.slot = id_n(i);
		r.kind = i == 2 ? REQUEST_ISSUE : REQUEST_REVOKE;
		expect_ok(store_request_insert(&x->tx, &r));
	}
	expect_ok(store_revocations(&x->tx, x->a, p, &v, &n, &more));
	assert_int_equal(n, 2);
	assert_true(more);
	assert_true(id_eq(v[0].request.id, id_n(904)));
	p.after = v[1].key;
	expect_ok(store_revocations(&x->tx, x->a, p, &v, &n, &more));
	assert_int_equal(n, 1);
	assert_false(more);
	assert_true(id_eq(v[0].request.id, id_n(901)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SERVICE(each_way_finds_what_it_is_about_and_nothing_else),
		ON_SERVICE(a_question_looks_at_no_more_than_it_was_told),
		ON_SERVICE(a_question_of_some_profiles_is_answered_with_their_slots),
		ON_SERVICE(what_most_texts_have_is_not_asked_for_where_something_else_is),
		ON_SERVICE(the_index_of_texts_follows_names_and_certificates),
		ON_SERVICE(counts_are_those_that_counting_gives),
		ON_SERVICE(moves_from_one_way_of_pending_to_another_write_no_row_of_a_user),
		ON_SERVICE(users_are_listed_from_the_one_that_is_nobody),
		ON_SERVICE(old_events_become_counts),
		ON_SERVICE(removed_slots_go_when_nothing_is_open_about_them),
		ON_SERVICE(what_has_ended_is_found_but_for_imported_certificates),
		ON_SERVICE(revocations_come_newest_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
