/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every question, asked in every way, has the answer that reading all records one by one gives; and no statement of the
 * search reads a large table as a whole.
 */
#include "scratch.h"

#include <sqlite3.h>

#include "base/limits.h"
#include "store/schema.h"
#include "store/search.h"

enum { RECORDS = 1500, DAY = 86400, START = 1700000000 };

static const char *const cas[] = { "CA", "Other CA" };
static const char *const templates[] = { "Wifi", "Machine", "Web" };
static const char *const requesters[] = { "service", "lab", "" };
static const char *const subjects[] = { "CN=Ada", "CN=Grace Hopper", "CN=J\303\274rgen", "" };
static const enum issued_state states[] = { ISSUED_INTENT, ISSUED_VALID, ISSUED_VALID,
	ISSUED_REVOKED, ISSUED_DENIED, ISSUED_FAILED, ISSUED_PENDING };

static unsigned
dice(unsigned *seed, unsigned n)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % n;
}

#define PICK(seed, list) ((list)[dice(seed, COUNT(list))])

static struct issued
any_record(struct arena *a, unsigned *seed, int i)
{
	struct issued x = { .ca = PICK(seed, cas),
		.template = PICK(seed, templates),
		.requester = PICK(seed, requesters),
		.state = PICK(seed, states),
		.subject = PICK(seed, subjects),
		.san = arena_printf(a, "UPN:user%d@corp.example", i),
		.requested = START + (when_t)i * (DAY / 8) - (when_t)dice(seed, 40) * DAY,
		.serial = "" };

	if (x.state == ISSUED_DENIED || x.state == ISSUED_PENDING)
		return x;
	x.serial = arena_printf(a, "%02x%06x", dice(seed, 3) * 16 + dice(seed, 2), (unsigned)i);
	x.not_after = x.requested + (when_t)(30 + dice(seed, 300)) * DAY;
	return x;
}

/* Some go on: what waited is approved under another name, what is valid is revoked. */
static void
go_on(struct tx *tx, unsigned *seed, struct issued *x)
{
	enum issued_state from = x->state;

	if (dice(seed, 2) == 0)
		return;
	switch (from) {
	case ISSUED_INTENT:
		x->state = ISSUED_VALID;
		break;
	case ISSUED_VALID:
		x->state = ISSUED_REVOKED;
		break;
	case ISSUED_PENDING:
		x->state = ISSUED_INTENT;
		x->subject = "CN=Renamed";
		break;
	case ISSUED_REVOKED:
	case ISSUED_DENIED:
	case ISSUED_FAILED:
		return;
	}
	expect_ok(store_issued_update(tx, x, from));
	expect_err(ERR_STATE_MOVED, store_issued_update(tx, x, from));
}

/* The index of texts is somewhere in between. */
static struct issued *
fill(struct scratch *x)
{
	struct issued *v = arena_array(x->a, RECORDS, sizeof(*v));
	unsigned seed = 7;
	bool more;

	for (size_t i = 0; i < COUNT(cas); i++)
		expect_ok(store_ca_insert(&x->tx, &(struct ca_row){ .name = cas[i] }));
	for (int i = 0; i < RECORDS; i++) {
		v[i] = any_record(x->a, &seed, i);
		expect_ok(store_issued_insert(&x->tx, &v[i]));
		if (i == RECORDS / 2)
			expect_ok(store_issued_index(&x->tx, RECORDS, &more));
	}
	for (int i = 0; i < RECORDS; i++)
		go_on(&x->tx, &seed, &v[i]);
	return v;
}

static bool
same(const char *want, const char *is)
{
	return want == NULL || want[0] == '\0' || str_ieq_c(str_c(is), want);
}

static bool
has(const char *text, const char *in)
{
	return strcasestr(in, text) != NULL;
}

/* What the filter says, said once more. */
static bool
fits(const struct issued_filter *f, const struct issued *x)
{
	if (f->before != 0 && x->id >= f->before)
		return false;
	if (f->state != 0 && (int)x->state != f->state)
		return false;
	if (!same(f->ca, x->ca) || !same(f->template, x->template) ||
	    !same(f->requester, x->requester))
		return false;
	if (f->serial != NULL && strncasecmp(f->serial, x->serial, strlen(f->serial)) != 0)
		return false;
	if (f->text != NULL && !has(f->text, x->subject) && !has(f->text, x->san))
		return false;
	if (x->requested < f->requested_from ||
	    (f->requested_before != 0 && x->requested >= f->requested_before))
		return false;
	if (f->ends_before != 0 && (x->not_after == 0 || x->not_after >= f->ends_before))
		return false;
	return x->not_after >= f->ends_from;
}

static void
answers_are_right(struct scratch *x, const struct issued *v, const struct issued_filter *f,
    size_t limit, const char *what)
{
	struct issued *got;
	size_t n, at = 0;
	int64_t count, want = 0;

	expect_ok(store_issued_search(&x->tx, x->a, f, limit, &got, &n));
	expect_ok(store_issued_count(&x->tx, f, &count));
	for (int i = RECORDS - 1; i >= 0; i--) {
		if (!fits(f, &v[i]))
			continue;
		want++;
		if (at < limit && (at >= n || got[at++].id != v[i].id))
			fail_msg("%s: %zu found, record %lld is not where it should be", what, n,
			    (long long)v[i].id);
	}
	if (at != n || count != want)
		fail_msg("%s: %zu listed, %lld counted, %lld are there", what, n, (long long)count,
		    (long long)want);
}

/* Any of the conditions, by the bits of a number. */
static struct issued_filter
any_filter(unsigned *seed, unsigned bits)
{
	static const char *const texts[] = { "grace", "user1", "a", "corp.example", "renamed",
		"nobody", "\"", "user77@", "J\303\274rg" };
	struct issued_filter f = { 0 };

	if (bits & 1)
		f.state = (int)PICK(seed, states);
	if (bits & 2)
		f.ca = dice(seed, 2) == 0 ? "ca" : "OTHER CA";
	if (bits & 4)
		f.template = dice(seed, 2) == 0 ? "WIFI" : "web";
	if (bits & 8)
		f.requester = "Lab";
	if (bits & 16)
		f.serial = dice(seed, 2) == 0 ? "0" : "2100";
	if (bits & 32)
		f.text = PICK(seed, texts);
	if (bits & 64)
		f.requested_from = START + (when_t)dice(seed, 100) * DAY + 77;
	if (bits & 128)
		f.requested_before = START + (when_t)dice(seed, 200) * DAY + 99;
	if (bits & 256)
		f.ends_from = START + (when_t)dice(seed, 300) * DAY + 5;
	if (bits & 512)
		f.ends_before = START + (when_t)dice(seed, 400) * DAY + 7;
	if (bits & 1024)
		f.before = 1 + dice(seed, RECORDS);
	return f;
}

static void
every_question_has_the_answer_that_reading_everything_gives(void **state)
{
	IN(state);
	const struct issued *v = fill(x);
	unsigned seed = 42;

	for (unsigned bits = 0; bits < 2048; bits++) {
		static const int64_t few[] = { 0, 1, 100, 700 };
		struct issued_filter f = any_filter(&seed, bits);
		char what[64];

		f.few = PICK(&seed, few);
		snprintf(what, sizeof(what), "conditions %#x, few %lld", bits, (long long)f.few);
		answers_are_right(x, v, &f, 1 + dice(&seed, 60), what);
	}
	(void)tx;
}

static void
texts_ignore_the_case_of_all_alphabets_once_they_are_indexed(void **state)
{
	IN(state);
	struct issued one = { .state = ISSUED_VALID, .subject = "CN=J\303\234RGEN" };
	const struct issued_filter f = { .text = "j\303\274rgen" };
	int64_t n;
	bool more;

	expect_ok(store_issued_insert(tx, &one));
	expect_ok(store_issued_unindexed(tx, &more));
	assert_true(more);
	expect_ok(store_issued_index(tx, 10, &more));
	assert_false(more);
	expect_ok(store_issued_unindexed(tx, &more));
	assert_false(more);
	expect_ok(store_issued_count(tx, &f, &n));
	assert_int_equal(n, 1);
	expect_ok(store_issued_index(tx, 10, &more));
	assert_false(more);
}

static void
a_name_that_an_approval_changed_is_found_and_the_old_one_is_not(void **state)
{
	IN(state);
	struct issued one = { .state = ISSUED_PENDING, .subject = "CN=before" };
	int64_t n;
	bool more;

	expect_ok(store_issued_insert(tx, &one));
	expect_ok(store_issued_index(tx, 10, &more));
	one.state = ISSUED_INTENT;
	one.subject = "CN=after";
	expect_ok(store_issued_update(tx, &one, ISSUED_PENDING));
	one.state = ISSUED_VALID;
	expect_ok(store_issued_update(tx, &one, ISSUED_INTENT));
	expect_ok(store_issued_count(tx, &(struct issued_filter){ .text = "before" }, &n));
	assert_int_equal(n, 0);
	expect_ok(store_issued_count(tx, &(struct issued_filter){ .text = "after" }, &n));
	assert_int_equal(n, 1);
}

static void
a_page_goes_on_where_the_last_one_ended(void **state)
{
	IN(state);
	struct issued_filter f = { .template = "wifi", .text = "corp.example" };
	struct issued *v;
	int64_t count, seen = 0;
	size_t n;

	fill(x);
	expect_ok(store_issued_count(tx, &f, &count));
	do {
		expect_ok(store_issued_search(tx, a, &f, 7, &v, &n));
		for (size_t i = 0; i < n; i++) {
			assert_true(f.before == 0 || v[i].id < f.before);
			f.before = v[i].id;
		}
		seen += (int64_t)n;
	} while (n > 0);
	assert_int_equal(seen, count);
	expect_ok(store_issued_search(tx, a, &(struct issued_filter){ 0 }, LIMIT_PAGE + 9, &v, &n));
	assert_int_equal(n, LIMIT_PAGE);
}

static void
no_question_reads_a_large_table_as_a_whole(void **state)
{
	static const enum stmt_id large[] = { STMT_ISSUED_NEWEST, STMT_ISSUED_NEWEST_COUNT,
		STMT_ISSUED_INTENT, STMT_ISSUED_INTENT_COUNT, STMT_ISSUED_WALK,
		STMT_ISSUED_WALK_COUNT, STMT_ISSUED_SERIAL_ROOM, STMT_ISSUED_SERIAL,
		STMT_ISSUED_SERIAL_COUNT, STMT_ISSUED_SERIAL_OF, STMT_ISSUED_SERIAL_OF_COUNT,
		STMT_ISSUED_TEXT, STMT_ISSUED_TEXT_COUNT, STMT_ISSUED_TEXT_ROOM,
		STMT_ISSUED_TEXT_COUNT_ALL, STMT_ISSUED_HEAD, STMT_CELL_LIST, STMT_CELL_EDGES,
		STMT_CELL_SUM, STMT_CELL_WHOLE_SUM, STMT_CELL_ENTER, STMT_CELL_LEAVE,
		STMT_TEXT_NEXT, STMT_TEXT_FILL, STMT_TEXT_FORGET, STMT_TEXT_ADD };
	sqlite3 *h = NULL;

	(void)state;
	assert_int_equal(sqlite3_open(":memory:", &h), SQLITE_OK);
	for (size_t i = 0; i < schema_ca_count; i++)
		assert_int_equal(sqlite3_exec(h, schema_ca[i].sql, NULL, NULL, NULL), SQLITE_OK);
	for (size_t i = 0; i < COUNT(large); i++) {
		char sql[4096];
		sqlite3_stmt *st = NULL;

		snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s", stmt_sql(large[i]));
		assert_int_equal(sqlite3_prepare_v2(h, sql, -1, &st, NULL), SQLITE_OK);
		while (sqlite3_step(st) == SQLITE_ROW) {
			const char *step = (const char *)sqlite3_column_text(st, 3);
			/* The index of texts is asked by its words (M); the table of how far it is has one row. */
			if (strncmp(step, "SCAN issued", 11) == 0 && strstr(step, ":M") == NULL &&
			    strcmp(step, "SCAN issued_text_upto") != 0)
				fail_msg("%s: %s", stmt_name(large[i]), step);
		}
		sqlite3_finalize(st);
	}
	sqlite3_close(h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_CA(every_question_has_the_answer_that_reading_everything_gives),
		ON_CA(texts_ignore_the_case_of_all_alphabets_once_they_are_indexed),
		ON_CA(a_name_that_an_approval_changed_is_found_and_the_old_one_is_not),
		ON_CA(a_page_goes_on_where_the_last_one_ended),
		cmocka_unit_test(no_question_reads_a_large_table_as_a_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
