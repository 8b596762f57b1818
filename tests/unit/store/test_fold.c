/* SPDX-License-Identifier: Apache-2.0 */
/* The log: what a commit leaves in it, who empties it, who holds that up. */
#include "scratch.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "store/access.h"

/* Pages: what one write of these tests fills; from where on the log is folded; what it can come to. */
enum { SOME = 600, FULL = 4000, MOST = 40000 };

struct pages {
	int n;
	uint8_t with;
};

static err_t
put_pages(struct tx *tx, void *arg)
{
	const struct pages *p = arg;
	uint8_t page[4000];
	char name[16];

	memset(page, p->with, sizeof(page));
	for (int i = 0; i < p->n; i++) {
		snprintf(name, sizeof(name), "page%d", i);
		TRY(store_setting_put(tx, name, STR(page)));
	}
	return OK;
}

static err_t
first_byte(struct tx *tx, void *arg)
{
	auto_arena struct arena *a = arena_new();
	struct str v;

	TRY(store_setting_get(tx, a, "page0", &v));
	*(uint8_t *)arg = v.p[0];
	return OK;
}

static uint8_t
read_byte(struct db *db)
{
	struct tx tx = { .db = db };
	uint8_t b = 0;

	expect_ok(first_byte(&tx, &b));
	return b;
}

static struct db *
opened(const struct scratch *x, bool writer)
{
	struct db *db = NULL;

	expect_ok(db_open(x->path, STORE_SERVICE, writer, &db));
	return db;
}

static void
write_pages(struct db *db, int n, uint8_t with)
{
	struct tx tx = { .db = db, .writes = true };

	expect_ok(db_begin(db));
	expect_ok(put_pages(&tx, &(struct pages){ n, with }));
	expect_ok(db_commit(db));
}

static off_t
size_of(const struct scratch *x)
{
	struct stat st;

	assert_int_equal(stat(x->path, &st), 0);
	return st.st_size;
}

static void
a_commit_leaves_all_that_it_wrote_to_who_folds_the_log(void **state)
{
	struct scratch *x = *state;
	struct db *writer = opened(x, true);
	off_t before;
	size_t done;

	expect_ok(db_fold(writer, &done));
	before = size_of(x);
	write_pages(writer, FULL + SOME, 1);
	assert_true(db_log(writer) >= FULL + SOME);
	assert_true(size_of(x) == before);
	x->db = opened(x, false);
	expect_ok(db_fold(x->db, &done));
	assert_int_equal(done, db_log(writer));
	assert_true(size_of(x) > before + (off_t)FULL * 4096);
	db_close(writer);
}

static void
a_log_that_is_folded_whole_begins_anew(void **state)
{
	struct scratch *x = *state;
	size_t done;

	x->db = opened(x, true);
	write_pages(x->db, SOME, 1);
	expect_ok(db_fold(x->db, &done));
	write_pages(x->db, 1, 2);
	assert_in_range(db_log(x->db), 1, SOME / 2);
	assert_int_equal(read_byte(x->db), 2);
}

static void
who_began_to_read_before_is_not_overtaken(void **state)
{
	struct scratch *x = *state;
	struct db *writer = opened(x, true);
	size_t done;

	x->db = opened(x, false);
	write_pages(writer, SOME, 1);
	expect_ok(db_begin(x->db));
	assert_int_equal(read_byte(x->db), 1);
	write_pages(writer, SOME, 2);
	expect_ok(db_fold(writer, &done));
	assert_true(done < db_log(writer));
	assert_int_equal(read_byte(x->db), 1);
	db_rollback(x->db);
	expect_ok(db_fold(writer, &done));
	assert_int_equal(done, db_log(writer));
	expect_ok(db_begin(x->db));
	assert_int_equal(read_byte(x->db), 2);
	db_rollback(x->db);
	db_close(writer);
}

struct engine {
	struct store *s;
	struct metrics *m;
	uint8_t last; /* what was written last; a page that stays as it was is not written */
};

static struct engine
engine_open(const struct scratch *x)
{
	struct engine e = { .m = metrics_new() };
	struct store_conf conf = { .path = x->path, .schema = STORE_SERVICE, .metrics = e.m };

	expect_ok(store_open(&conf, &e.s));
	return e;
}

static void
engine_close(struct engine *e)
{
	metrics_free(e->m);
	store_close(e->s);
}

static long
metric_read(struct metrics *m, const char *name)
{
	auto_buf struct buf b = { 0 };
	const char *at;

	buf_init(&b, 1 << 20);
	expect_ok(metrics_print(m, &b));
	expect_ok(buf_putc(&b, '\0'));
	at = strstr((const char *)b.p, name);
	assert_non_null(at);
	return strtol(at + strlen(name), NULL, 10);
}

/* The gauge is set after the answer to the write: that of the last one may be missing still. */
static long
log_after_write(struct engine *e)
{
	expect_ok(store_write(e->s, put_pages, &(struct pages){ SOME, ++e->last }));
	return metric_read(e->m, "\nchancery_store_log_pages ");
}

/* Until the log began anew after it was full; however late the thread comes, the writer sees to that. */
static void
write_until_folded(struct engine *e)
{
	long pages = 0, most = 0;

	for (int i = 0; i < 2 * MOST / SOME && (most < FULL || pages >= FULL); i++) {
		pages = log_after_write(e);
		most = pages > most ? pages : most;
	}
	assert_in_range(most, FULL, MOST + 4 * SOME);
	assert_true(pages < FULL);
}

static void
the_log_is_folded_while_writes_go_on_and_begins_anew(void **state)
{
	struct scratch *x = *state;
	struct engine e = engine_open(x);
	uint8_t b = 0, last;

	write_until_folded(&e);
	assert_true(metric_read(e.m, "\nchancery_store_fold_seconds_count ") > 0);
	last = e.last;
	engine_close(&e);
	e = engine_open(x);
	expect_ok(store_read(e.s, first_byte, &b));
	assert_int_equal(b, last);
	engine_close(&e);
}

struct reading {
	struct store *s;
	atomic_bool begun, over;
	uint8_t first, last;
};

static err_t
read_long(struct tx *tx, void *arg)
{
	struct reading *r = arg;

	TRY(first_byte(tx, &r->first));
	atomic_store(&r->begun, true);
	while (!atomic_load(&r->over))
		usleep(1000);
	return first_byte(tx, &r->last);
}

static void *
reader_main(void *arg)
{
	struct reading *r = arg;

	expect_ok(store_read(r->s, read_long, r));
	return NULL;
}

static void
a_long_reading_holds_the_log_up_and_no_write(void **state)
{
	struct engine e = engine_open(*state);
	struct reading r = { .s = e.s };
	pthread_t t;

	(void)log_after_write(&e);
	assert_int_equal(pthread_create(&t, NULL, reader_main, &r), 0);
	while (!atomic_load(&r.begun))
		usleep(1000);
	for (int i = 0; i < 2 * FULL / SOME; i++)
		(void)log_after_write(&e);
	assert_true(log_after_write(&e) > FULL);
	atomic_store(&r.over, true);
	pthread_join(t, NULL);
	assert_int_equal(r.first, 1);
	assert_int_equal(r.last, 1);
	write_until_folded(&e);
	engine_close(&e);
}

static void
folds_that_fail_are_counted_and_no_write_fails_for_them(void **state)
{
	struct scratch *x = *state;
	struct engine e = engine_open(x);
	char gone[PATH_MAX];

	snprintf(gone, sizeof(gone), "%s-gone", x->path);
	assert_int_equal(rename(x->path, gone), 0);
	for (int i = 0;
	     i < MOST / SOME - 1 && metric_read(e.m, "\nchancery_store_folds_failed_total ") == 0;
	     i++)
		(void)log_after_write(&e);
	assert_true(metric_read(e.m, "\nchancery_store_folds_failed_total ") > 0);
	assert_int_equal(rename(gone, x->path), 0);
	write_until_folded(&e);
	engine_close(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_PATH(a_commit_leaves_all_that_it_wrote_to_who_folds_the_log),
		ON_PATH(a_log_that_is_folded_whole_begins_anew),
		ON_PATH(who_began_to_read_before_is_not_overtaken),
		ON_PATH(the_log_is_folded_while_writes_go_on_and_begins_anew),
		ON_PATH(a_long_reading_holds_the_log_up_and_no_write),
		ON_PATH(folds_that_fail_are_counted_and_no_write_fails_for_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
