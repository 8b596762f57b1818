/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an administrator waits for with 10,000,000 slots (ten of each of 1,000,000 devices, each with a user of its
 * own): the overview, and the first page and a later one of each kind of search. ours: milliseconds, the median of a
 * line of its own and the worst; floor: 100, the longest that feels immediate. slots_write is the processor time, in
 * microseconds, of writing one slot that moved on with all that is kept about it.
 *
 * The rows are made by SQL rather than one by one, with indexes made afterwards; slots_loader is how many of the tables
 * differ from those that the calls of the service leave of the same 1,000 slots, and must be 0. BENCH_SLOTS=n makes n
 * slots instead, BENCH_SLOTS_DB=PATH keeps the database there and uses it again.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/text.h"
#include "clock.h"
#include "slots_fill.h"
#include "store/slot_count.h"
#include "store/slot_search.h"
#include "store/store.h"

enum { SLOTS = 10000000, SAMPLE = 1000, PROFILES = 10, TURNS = 21, PAGE = 100 };

/* ---- filling ---- */

/* The triggers' work against the loader's: how many tables differ. */
static int
loader_differs(const char *dir)
{
	static const char *const tables[] = { "slots", "slot_counts", "slot_users",
		"slot_user_counts", "slot_text_due" };
	char bulk[256], calls[256], text[400];
	sqlite3 *h;
	int differ = 0;

	snprintf(bulk, sizeof(bulk), "%s/bulk.db", dir);
	snprintf(calls, sizeof(calls), "%s/calls.db", dir);
	h = made(bulk);
	fill(h, SAMPLE, true);
	sqlite3_close(h);
	h = made(calls);
	fill(h, SAMPLE, false);
	snprintf(text, sizeof(text), "ATTACH '%s' AS bulk", bulk);
	sql(h, text);
	for (size_t i = 0; i < COUNT(tables); i++) {
		sqlite3_stmt *st = NULL;

		snprintf(text, sizeof(text),
		    "SELECT 1 FROM (SELECT * FROM main.%s EXCEPT SELECT * FROM bulk.%s) UNION ALL SELECT 1 FROM (SELECT "
		    "* FROM bulk.%s EXCEPT SELECT * FROM main.%s)",
		    tables[i], tables[i], tables[i], tables[i]);
		sqlite3_prepare_v2(h, text, -1, &st, NULL);
		differ += sqlite3_step(st) != SQLITE_DONE;
		sqlite3_finalize(st);
	}
	sqlite3_close(h);
	unlink(bulk);
	unlink(calls);
	return differ;
}

/* ---- asking ---- */

struct question {
	const char *name;
	struct slot_filter f;
	bool later; /* not the first page, but one from the middle */
};

struct turn {
	struct arena *a;
	const struct question *q;
	size_t found;
};

static err_t
ask(struct tx *tx, void *arg)
{
	struct turn *t = arg;
	struct page p = { .limit = PAGE };
	struct slot_hit *v;
	bool more;

	if (t->q->later)
		p.after = (struct id){ { 's', '8' } };
	return store_slot_search(tx, t->a, &t->q->f, p, 0, &v, &t->found, &p.after, &more);
}

static err_t
overview(struct tx *tx, void *arg)
{
	struct turn *t = arg;
	struct slot_user_counts users;
	struct slot_count *v;

	TRY(store_slot_counts(tx, t->a, (struct id){ 0 }, &v, &t->found));
	return t->found == 0 ? OK : store_slot_user_counts(tx, v[0].profile, &users);
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void
measure(struct store *s, const char *name, store_fn fn, const struct question *q)
{
	double ms[TURNS];
	struct turn t = { .q = q };

	for (int i = 0; i < TURNS; i++) {
		auto_arena struct arena *a = arena_new();
		double from = now_ms();

		t.a = a;
		must(store_read(s, fn, &t), name);
		ms[i] = now_ms() - from;
	}
	qsort(ms, TURNS, sizeof(*ms), by_size);
	printf("bench slots_%s ours=%.3f ms floor=100 ratio=%.3f\n", name, ms[TURNS / 2],
	    ms[TURNS / 2] / 100);
	printf("bench slots_%s_worst ours=%.3f ms floor=100 ratio=%.3f\n", name, ms[TURNS - 1],
	    ms[TURNS - 1] / 100);
	fprintf(stderr, "%s: %zu\n", name, t.found);
}

static err_t
index_some(struct tx *tx, void *arg)
{
	return store_slot_index(tx, 20000, arg);
}

struct moving {
	struct arena *a;
	struct slot_hit *v;
	size_t n;
	struct slot slot;
};

static err_t
find_some(struct tx *tx, void *arg)
{
	struct moving *m = arg;
	struct slot_filter f = { .state = STATUS_INSTALLED };
	struct id last;
	bool more;

	return store_slot_search(
	    tx, m->a, &f, (struct page){ .limit = 1000 }, 0, &m->v, &m->n, &last, &more);
}

static err_t
move_all(struct tx *tx, void *arg)
{
	struct moving *m = arg;

	for (size_t i = 0; i < m->n; i++) {
		struct slot *s = &m->v[i].slot;

		s->state = s->state == STATUS_INSTALLED ? STATUS_RENEWING : STATUS_INSTALLED;
		TRY(store_slot_update(tx, s));
	}
	return OK;
}

static void
measure_write(struct store *s)
{
	auto_arena struct arena *a = arena_new();
	struct moving m = { .a = a };
	double us;

	must(store_read(s, find_some, &m), "find");
	us = cpu_us();
	for (int i = 0; i < 4; i++)
		must(store_write(s, move_all, &m), "move");
	us = (cpu_us() - us) / (4.0 * (double)(m.n + !m.n));
	printf("bench slots_write ours=%.1f us floor=100 ratio=%.2f\n", us, us / 100);
}

int
main(void)
{
	const struct question questions[] = {
		{ "list", { .state = 0 }, false },
		{ "list_later", { .state = 0 }, true },
		{ "failed", { .state = STATUS_FAILED }, false },
		{ "failed_later", { .state = STATUS_FAILED }, true },
		{ "of_profile", { .profile = { "p000000000000000" } }, false },
		{ "failed_of_profile",
		    { .profile = { "p000000000000000" }, .state = STATUS_FAILED }, false },
		{ "fault", { .fault = "no-such-fault" }, false },
		{ "serial", { .serial = "5a9e3779b100000001" }, false },
		{ "text_one", { .text = "user0000777@" }, false },
		{ "text_frequent", { .text = "Corp" }, false },
		{ "text_none", { .text = "zebra" }, false },
		{ "expiring", { .ends_until = 1800000000 + 30 * 86400 }, false },
		{ "expiring_failed",
		    { .ends_until = 1800000000 + 30 * 86400, .fault = "no-such-fault" }, false },
	};
	const char *many = getenv("BENCH_SLOTS"), *kept = getenv("BENCH_SLOTS_DB");
	char dir[] = "/tmp/bench-XXXXXX", path[256];
	int64_t n = SLOTS;
	size_t done = 1, texts = 0;
	struct store *s;
	double from;

	if (many != NULL)
		must(text_i64(str_c(many), SAMPLE, 100 * SLOTS, &n), "BENCH_SLOTS");
	if (mkdtemp(dir) == NULL)
		return 1;
	printf("bench slots_loader ours=%d floor=0\n", loader_differs(dir));
	snprintf(path, sizeof(path), "%s/slots.db", dir);
	if (kept != NULL)
		snprintf(path, sizeof(path), "%s", kept);
	if (kept == NULL || access(path, R_OK) != 0) {
		sqlite3 *h = made(path);

		from = now_ms();
		fill(h, n, true);
		sqlite3_close(h);
		fprintf(stderr, "%lld slots in %.0f s\n", (long long)n, (now_ms() - from) / 1e3);
	}
	must(store_open(&(struct store_conf){ .path = path, .schema = STORE_SERVICE }, &s), "open");
	for (from = cpu_us(); done > 0; texts += done)
		must(store_write(s, index_some, &done), "index");
	if (texts > 0)
		printf("bench slots_keep_text ours=%.1f us floor=40\n",
		    (cpu_us() - from) / (double)texts);
	measure(s, "overview", overview, NULL);
	for (size_t i = 0; i < COUNT(questions); i++)
		measure(s, questions[i].name, ask, &questions[i]);
	measure_write(s);
	store_close(s);
	if (kept == NULL)
		unlink(path);
	rmdir(dir);
	return 0;
}
