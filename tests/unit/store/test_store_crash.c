/* SPDX-License-Identifier: Apache-2.0 */
/* A writer that is killed at any moment: what it was told is on disk is there afterwards, and nothing is broken. */
#include "scratch.h"

#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include "store/access.h"

#define WRITERS 3
#define ROUNDS 12

struct turn {
	struct store *s;
	int out; /* each acknowledged name goes here */
	int round, who;
};

struct name {
	char text[32];
};

static err_t
name_put(struct tx *tx, void *arg)
{
	const struct name *n = arg;

	return store_setting_put(tx, n->text, str_c(n->text));
}

static void *
turn_main(void *arg)
{
	const struct turn *t = arg;

	for (int i = 0;; i++) {
		struct name n = { { 0 } };

		snprintf(n.text, sizeof(n.text), "%d.%d.%d", t->round, t->who, i);
		if (!err_ok(store_write(t->s, name_put, &n)))
			_exit(1);
		if (write(t->out, &n, sizeof(n)) != (ssize_t)sizeof(n))
			_exit(1);
	}
	return NULL;
}

static void
child_main(const char *path, int out, int round)
{
	struct store_conf conf = { .path = path, .schema = STORE_SERVICE };
	struct turn t[WRITERS];
	pthread_t id;
	struct store *s;

	if (!err_ok(store_open(&conf, &s)))
		_exit(1);
	for (int i = 0; i < WRITERS; i++) {
		t[i] = (struct turn){ s, out, round, i };
		pthread_create(&id, NULL, turn_main, &t[i]);
	}
	pthread_join(id, NULL);
	_exit(1);
}

static void
is_whole(const char *path)
{
	sqlite3 *h = NULL;
	sqlite3_stmt *st = NULL;

	assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(h, "PRAGMA integrity_check", -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_string_equal(sqlite3_column_text(st, 0), "ok");
	sqlite3_finalize(st);
	sqlite3_close(h);
}

static err_t
name_check(struct tx *tx, void *arg)
{
	auto_arena struct arena *a = arena_new();
	const struct name *n = arg;
	struct str v;

	return store_setting_get(tx, a, n->text, &v);
}

static int
names_check(const char *path, int in)
{
	struct store_conf conf = { .path = path, .schema = STORE_SERVICE };
	struct store *s = NULL;
	struct name n;
	int count = 0;

	expect_ok(store_open(&conf, &s));
	for (; read(in, &n, sizeof(n)) == (ssize_t)sizeof(n); count++)
		expect_ok(store_read(s, name_check, &n));
	store_close(s);
	return count;
}

static int
round_run(struct scratch *x, int round)
{
	int fd[2], status, count;
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	if (pid == 0) {
		close(fd[0]);
		child_main(x->path, fd[1], round);
	}
	close(fd[1]);
	usleep(20000 + (useconds_t)(rand() % 60000));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status));
	count = names_check(x->path, fd[0]);
	close(fd[0]);
	is_whole(x->path);
	return count;
}

static void
what_was_acknowledged_survives_a_kill_at_any_moment(void **state)
{
	int count = 0;

	for (int round = 0; round < ROUNDS; round++)
		count += round_run(*state, round);
	assert_true(count > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_PATH(what_was_acknowledged_survives_a_kill_at_any_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
