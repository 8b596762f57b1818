/* SPDX-License-Identifier: Apache-2.0 */
/* The engine: groups, rollback, wake-ups, races, a disk that fills up. */
#include "scratch.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "store/access.h"
#include "store/slot.h"

struct put {
	const char *name;
	struct str value;
	bool fail;
	unsigned topic;
};

static err_t
put(struct tx *tx, void *arg)
{
	const struct put *p = arg;

	TRY(store_setting_put(tx, p->name, p->value));
	if (p->topic != 0)
		tx_notify(tx, p->topic, str_c(p->name));
	if (p->fail)
		FAIL(ERR_FORBIDDEN, "not %s", p->name);
	return OK;
}

struct has {
	const char *name;
	bool found;
};

static err_t
has(struct tx *tx, void *arg)
{
	auto_arena struct arena *a = arena_new();
	struct has *h = arg;
	struct str v;
	err_t e = store_setting_get(tx, a, h->name, &v);

	h->found = err_ok(e);
	return err_is(e, ERR_NOT_FOUND) ? OK : e;
}

static struct store *
opened_with(struct scratch *x, struct metrics *m, unsigned cache)
{
	struct store_conf conf = {
		.path = x->path, .schema = STORE_SERVICE, .metrics = m, .cache = cache
	};
	struct store *s = NULL;

	expect_ok(store_open(&conf, &s));
	return s;
}

static struct store *
opened(struct scratch *x, struct metrics *m)
{
	return opened_with(x, m, 0);
}

static bool
there(struct store *s, const char *name)
{
	struct has h = { .name = name };

	expect_ok(store_read(s, has, &h));
	return h.found;
}

static void
what_was_written_is_read_and_survives_reopening(void **state)
{
	struct scratch *x = *state;
	struct store *s = opened(x, NULL);
	struct put p = { .name = "a", .value = LIT("1") };
	struct stat st;

	expect_ok(store_write(s, put, &p));
	assert_true(there(s, "a"));
	assert_false(there(s, "b"));
	store_close(s);
	assert_int_equal(stat(x->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	s = opened(x, NULL);
	assert_true(there(s, "a"));
	store_close(s);
}

static void
a_failed_write_leaves_nothing_and_tells_why(void **state)
{
	struct store *s = opened(*state, NULL);
	struct put p = { .name = "a", .fail = true };
	err_t e = store_write(s, put, &p);
	struct err_report rep;

	err_take(e, &rep);
	assert_int_equal(rep.code, ERR_FORBIDDEN);
	assert_string_equal(rep.detail, "not a");
	assert_false(there(s, "a"));
	store_close(s);
}

/* A write that holds the writer until the queue behind it is full. */
struct gate {
	atomic_int queued;
	int want;
};

static err_t
hold(struct tx *tx, void *arg)
{
	struct gate *g = arg;

	(void)tx;
	while (atomic_load(&g->queued) < g->want)
		usleep(1000);
	usleep(20000);
	return OK;
}

struct writer {
	struct store *s;
	struct gate *gate;
	struct put p;
	enum err_code code;
};

static void *
writer_main(void *arg)
{
	struct writer *w = arg;
	struct err_report rep;

	atomic_fetch_add(&w->gate->queued, 1);
	err_take(store_write(w->s, put, &w->p), &rep);
	w->code = rep.code;
	return NULL;
}

static void *
hold_main(void *arg)
{
	struct writer *w = arg;
	struct err_report rep;

	err_take(store_write(w->s, hold, w->gate), &rep);
	return NULL;
}

#define MANY 32

/* MANY writers behind one that waits for them; each third one fails. */
static void
group_write(struct store *s, struct writer v[MANY], char names[MANY][16])
{
	struct gate gate = { .want = MANY };
	struct writer holder = { .s = s, .gate = &gate };
	pthread_t t[MANY], th;

	pthread_create(&th, NULL, hold_main, &holder);
	for (int i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof(names[i]), "n%d", i);
		v[i] = (struct writer){ .s = s,
			.gate = &gate,
			.p = { .name = names[i], .fail = i % 3 == 0, .topic = TOPIC_DEVICE } };
		pthread_create(&t[i], NULL, writer_main, &v[i]);
	}
	for (int i = 0; i < MANY; i++)
		pthread_join(t[i], NULL);
	pthread_join(th, NULL);
}

static void
one_failing_write_of_a_group_leaves_the_others(void **state)
{
	struct store *s = opened(*state, NULL);
	struct writer v[MANY];
	char names[MANY][16];

	group_write(s, v, names);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(v[i].code, i % 3 == 0 ? ERR_FORBIDDEN : ERR_NONE);
		assert_int_equal(there(s, names[i]), i % 3 != 0);
	}
	store_close(s);
}

static long
metric_read(struct metrics *m, const char *name)
{
	auto_buf struct buf b = { 0 };
	const char *at;
	char line[64];

	buf_init(&b, 1 << 16);
	expect_ok(metrics_print(m, &b));
	expect_ok(buf_putc(&b, 0));
	snprintf(line, sizeof(line), "\n%s ", name);
	at = strstr((const char *)b.p, line);
	assert_non_null(at);
	return strtol(at + strlen(line), NULL, 10);
}

static void
writes_that_wait_share_a_commit(void **state)
{
	struct metrics *m = metrics_new();
	struct store *s = opened(*state, m);
	struct writer v[MANY];
	char names[MANY][16];
	long writes, commits;

	group_write(s, v, names);
	writes = metric_read(m, "chancery_store_writes_total");
	commits = metric_read(m, "chancery_store_commits_total");
	assert_true(writes > MANY / 2);
	assert_true(commits >= 1 && commits < writes / 2);
	metrics_free(m);
	store_close(s);
}

static err_t
put_pages(struct tx *tx, void *arg)
{
	static const uint8_t page[4000];
	const int *pages = arg;
	char name[16];

	for (int i = 0; i < *pages; i++) {
		snprintf(name, sizeof(name), "page%d", i);
		TRY(store_setting_put(tx, name, STR(page)));
	}
	return OK;
}

/* Memory of the database after so many pages were written. */
static long
memory_after(struct scratch *x, unsigned cache, int pages)
{
	struct metrics *m = metrics_new();
	struct store *s = opened_with(x, m, cache);
	long memory;

	expect_ok(store_write(s, put_pages, &pages));
	memory = metric_read(m, "chancery_store_memory_bytes");
	metrics_free(m);
	store_close(s);
	return memory;
}

static void
pages_in_memory_are_bounded_as_told(void **state)
{
	enum { PAGES = 1500, MIB = 1 << 20 };

	assert_true(memory_after(*state, 1, PAGES) < 3 * MIB);
	assert_true(memory_after(*state, 0, PAGES) > 5 * MIB);
}

struct heard {
	atomic_int n;
	atomic_bool wrong;
};

static void
hear(void *ctx, unsigned topic, struct str key)
{
	struct heard *h = ctx;

	if (topic != TOPIC_DEVICE || key.n == 0)
		h->wrong = true;
	atomic_fetch_add(&h->n, 1);
}

static void
wake_ups_come_for_what_was_committed_only(void **state)
{
	struct store *s = opened(*state, NULL);
	struct heard h = { 0 };
	struct writer v[MANY];
	char names[MANY][16];
	int good = 0;

	store_set_notify(s, hear, &h);
	group_write(s, v, names);
	for (int i = 0; i < MANY; i++)
		good += v[i].code == ERR_NONE;
	assert_int_equal(h.n, good);
	assert_false(h.wrong);
	store_close(s);
}

struct claim {
	struct store *s;
	err_t (*fn)(struct tx *tx, void *arg);
	struct id by;
	enum err_code code;
};

static err_t
claim_slot(struct tx *tx, void *arg)
{
	struct claim *c = arg;
	struct slot slot = { .id = c->by, .device = id_n(1), .profile = id_n(2) };

	return store_slot_insert(tx, &slot);
}

static err_t
claim_lease(struct tx *tx, void *arg)
{
	auto_arena struct arena *a = arena_new();
	enum request_kind kinds[] = { REQUEST_ISSUE };
	struct request r;

	(void)arg;
	return store_request_lease(tx, a, kinds, 1, "CA", "", "me", 100, 200, &r);
}

static err_t
claim_code(struct tx *tx, void *arg)
{
	auto_arena struct arena *a = arena_new();
	struct claim *c = arg;
	struct code code;

	return store_code_use(tx, a, CODE_DEVICE, LIT("h"), c->by, 50, &code);
}

static err_t
claim_ground(struct tx *tx, void *arg)
{
	struct device d = { .id = id_n(1) };
	struct slot slot = { .id = id_n(3), .device = id_n(1), .profile = id_n(3) };
	struct request r = { .id = id_n(4),
		.slot = id_n(3),
		.kind = REQUEST_ISSUE,
		.state = REQUEST_QUEUED,
		.ca = "CA" };
	struct code c = { .id = id_n(5), .hash = LIT("h"), .kind = CODE_DEVICE, .expires = 100 };

	(void)arg;
	TRY(store_device_insert(tx, &d));
	TRY(store_slot_insert(tx, &slot));
	TRY(store_request_insert(tx, &r));
	return store_code_insert(tx, &c);
}

static void *
claim_main(void *arg)
{
	struct claim *c = arg;
	struct err_report rep;

	err_take(store_write(c->s, c->fn, c), &rep);
	c->code = rep.code;
	return NULL;
}

static void
race(struct store *s, err_t (*fn)(struct tx *tx, void *arg), enum err_code loser)
{
	struct claim c[8];
	pthread_t t[8];
	int won = 0, lost = 0;

	for (unsigned i = 0; i < 8; i++) {
		c[i] = (struct claim){ s, fn, id_n(100 + i), ERR_NONE };
		pthread_create(&t[i], NULL, claim_main, &c[i]);
	}
	for (int i = 0; i < 8; i++) {
		pthread_join(t[i], NULL);
		won += c[i].code == ERR_NONE;
		lost += c[i].code == loser;
	}
	assert_int_equal(won, 1);
	assert_int_equal(lost, 7);
}

static void
of_many_that_race_for_a_slot_a_lease_or_a_code_one_wins(void **state)
{
	struct store *s = opened(*state, NULL);

	expect_ok(store_write(s, claim_ground, NULL));
	race(s, claim_slot, ERR_CONFLICT);
	race(s, claim_lease, ERR_NOT_FOUND);
	race(s, claim_code, ERR_CODE);
	store_close(s);
}

static void
a_full_disk_is_an_error_and_the_store_works_on_afterwards(void **state)
{
	struct scratch *x = *state;
	struct store *s = opened(x, NULL);
	struct rlimit before, small = { .rlim_cur = 1 << 20 };
	struct str big = str_of(arena_alloc(x->a, 4 << 20), 4 << 20);
	struct put p = { .name = "big", .value = big }, q = { .name = "small", .value = LIT("1") };

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	expect_err(ERR_STORE, store_write(s, put, &p));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_false(there(s, "big"));
	expect_ok(store_write(s, put, &q));
	expect_ok(store_write(s, put, &p));
	assert_true(there(s, "small"));
	assert_true(there(s, "big"));
	store_close(s);
}

static void
a_backup_is_a_whole_database(void **state)
{
	struct scratch *x = *state;
	struct store *s = opened(x, NULL), *copy = NULL;
	struct put p = { .name = "a" };
	char path[128];
	struct store_conf conf = { .path = path, .schema = STORE_SERVICE };
	struct stat st;

	snprintf(path, sizeof(path), "%s/copy.db", x->dir);
	expect_ok(store_write(s, put, &p));
	expect_ok(store_backup(s, path));
	expect_err(ERR_FILE_EXISTS, store_backup(s, path));
	store_close(s);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	expect_ok(store_open(&conf, &copy));
	assert_true(there(copy, "a"));
	store_close(copy);
}

static void
closing_nothing_is_fine(void **state)
{
	(void)state;
	store_close(NULL);
}

static void
writes_that_go_together_succeed_or_fail_by_themselves(void **state)
{
	struct scratch *x = *state;
	struct put v[] = { { "one", LIT("1"), false, 0 }, { "two", LIT("2"), true, 0 },
		{ "three", LIT("3"), false, 0 } };
	struct has h[] = { { "one", false }, { "two", true }, { "three", false } };
	void *args[] = { &v[0], &v[1], &v[2] };
	struct err_report reports[3];
	struct store *s = opened(x, NULL);

	store_write_each(s, put, args, 3, reports);
	assert_int_equal(reports[0].code, ERR_NONE);
	assert_int_equal(reports[1].code, ERR_FORBIDDEN);
	assert_int_equal(reports[2].code, ERR_NONE);
	for (size_t i = 0; i < COUNT(h); i++) {
		expect_ok(store_read(s, has, &h[i]));
		assert_int_equal(h[i].found, i != 1);
	}
	store_write_each(s, put, args, 0, reports);
	store_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_PATH(what_was_written_is_read_and_survives_reopening),
		ON_PATH(a_failed_write_leaves_nothing_and_tells_why),
		ON_PATH(one_failing_write_of_a_group_leaves_the_others),
		ON_PATH(writes_that_wait_share_a_commit),
		ON_PATH(pages_in_memory_are_bounded_as_told),
		ON_PATH(wake_ups_come_for_what_was_committed_only),
		ON_PATH(of_many_that_race_for_a_slot_a_lease_or_a_code_one_wins),
		ON_PATH(a_full_disk_is_an_error_and_the_store_works_on_afterwards),
		ON_PATH(writes_that_go_together_succeed_or_fail_by_themselves),
		ON_PATH(a_backup_is_a_whole_database),
		cmocka_unit_test(closing_nothing_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
