/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

#include "base/file.h"

/* Each test has a folder of its own. */
struct place {
	struct arena *a;
	char *dir;
};

static int
setup(void **state)
{
	struct arena *a = arena_new();
	struct place *p = ARENA_NEW(a, struct place);
	const char *tmp = getenv("TMPDIR");

	p->a = a;
	p->dir = arena_printf(a, "%s/chancery-file-XXXXXX", tmp != NULL ? tmp : "/tmp");
	*state = p;
	return mkdtemp(p->dir) == NULL;
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int
teardown(void **state)
{
	struct place *p = *state;
	int bad = nftw(p->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);

	arena_free(p->a);
	return bad;
}

static const char *
in(struct place *p, const char *name)
{
	return arena_printf(p->a, "%s/%s", p->dir, name);
}

static int
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (int)(st.st_mode & 07777);
}

static size_t
count(struct place *p)
{
	char **names;
	size_t n;

	expect_ok(dir_list(p->a, p->dir, 100, &names, &n));
	return n;
}

static void
what_is_written_is_read(void **state)
{
	struct place *p = *state;
	struct str s;

	expect_ok(file_write(in(p, "x"), str_of("a\0b", 3), 0600));
	expect_ok(file_read(p->a, in(p, "x"), 3, &s));
	assert_true(str_eq(s, str_of("a\0b", 3)));
	assert_int_equal(mode_of(in(p, "x")), 0600);
	expect_ok(file_write(in(p, "x"), LIT("new"), 0640));
	expect_ok(file_read(p->a, in(p, "x"), 100, &s));
	assert_true(str_eq_c(s, "new"));
	assert_int_equal(mode_of(in(p, "x")), 0640);
	assert_int_equal(count(p), 1);
}

static void
an_empty_file_is_read(void **state)
{
	struct place *p = *state;
	struct str s = LIT("x");

	expect_ok(file_write(in(p, "x"), STR_EMPTY, 0600));
	expect_ok(file_read(p->a, in(p, "x"), 0, &s));
	assert_int_equal(s.n, 0);
}

static void
a_large_file_is_read_whole(void **state)
{
	struct place *p = *state;
	size_t n = 300000;
	uint8_t *big = arena_alloc(p->a, n);
	struct str s;

	for (size_t i = 0; i < n; i++)
		big[i] = (uint8_t)(i * 7);
	expect_ok(file_write(in(p, "x"), str_of(big, n), 0600));
	expect_ok(file_read(p->a, in(p, "x"), n, &s));
	assert_true(str_eq(s, str_of(big, n)));
}

static void
rejects_a_file_over_its_maximum(void **state)
{
	struct place *p = *state;
	struct str s = STR_EMPTY;

	expect_ok(file_write(in(p, "x"), LIT("four"), 0600));
	expect_err(ERR_TOO_LARGE, file_read(p->a, in(p, "x"), 3, &s));
	expect_err(ERR_TOO_LARGE, file_read(p->a, "/dev/zero", 100000, &s));
	assert_null(s.p);
}

/* As an editor or echo leaves it, and what follows is of no interest. */
static void
the_first_line_is_read_without_its_end(void **state)
{
	static const char *const files[] = { "code", "code\n", "code\r\n", "code\nmore\n" };
	struct place *p = *state;
	const char *line;

	for (size_t i = 0; i < COUNT(files); i++) {
		expect_ok(file_write(in(p, "x"), str_c(files[i]), 0600));
		expect_ok(file_first_line(p->a, in(p, "x"), &line));
		assert_string_equal(line, "code");
	}
}

static void
the_first_line_of_standard_input_leaves_the_rest_to_others(void **state)
{
	struct place *p = *state;
	const char *line;
	int pipes[2], was = dup(STDIN_FILENO);

	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(write(pipes[1], "one\ntwo", 7), 7);
	close(pipes[1]);
	dup2(pipes[0], STDIN_FILENO);
	close(pipes[0]);
	expect_ok(file_first_line(p->a, "-", &line));
	assert_string_equal(line, "one");
	expect_ok(file_first_line(p->a, "-", &line));
	assert_string_equal(line, "two");
	expect_err(ERR_USAGE, file_first_line(p->a, "-", &line));
	dup2(was, STDIN_FILENO);
	close(was);
}

static void
rejects_a_first_line_that_is_none(void **state)
{
	const struct str files[] = { LIT(""), LIT("\n"), LIT("\r\nx\n") };
	struct place *p = *state;
	const char *line = NULL;

	for (size_t i = 0; i < COUNT(files); i++) {
		expect_ok(file_write(in(p, "x"), files[i], 0600));
		expect_err(ERR_USAGE, file_first_line(p->a, in(p, "x"), &line));
	}
	expect_err(ERR_FILE_MISSING, file_first_line(p->a, in(p, "none"), &line));
	expect_err(ERR_FILE, file_first_line(p->a, p->dir, &line));
	expect_err(ERR_TOO_LARGE, file_first_line(p->a, "/dev/zero", &line));
	assert_null(line);
}

static void
rejects_paths_that_cannot_be(void **state)
{
	struct place *p = *state;
	struct str s;

	expect_err(ERR_FILE_MISSING, file_read(p->a, in(p, "none"), 10, &s));
	expect_err(ERR_FILE, file_read(p->a, p->dir, 10, &s));
	expect_err(ERR_FILE_MISSING, file_write(in(p, "none/x"), LIT("x"), 0600));
	expect_err(ERR_FILE_MISSING, file_create(in(p, "none/x"), LIT("x"), 0600));
	expect_err(ERR_FILE, file_write(p->dir, LIT("x"), 0600));
	assert_int_equal(count(p), 0);
}

static void
creating_never_replaces(void **state)
{
	struct place *p = *state;
	struct str s;

	expect_ok(file_create(in(p, "x"), LIT("first"), 0400));
	expect_err(ERR_FILE_EXISTS, file_create(in(p, "x"), LIT("second"), 0400));
	expect_ok(file_read(p->a, in(p, "x"), 100, &s));
	assert_true(str_eq_c(s, "first"));
	assert_int_equal(mode_of(in(p, "x")), 0400);
	assert_int_equal(count(p), 1);
}

static void
removing_what_is_not_there_is_success(void **state)
{
	struct place *p = *state;

	expect_ok(file_write(in(p, "x"), LIT("x"), 0600));
	assert_true(file_exists(in(p, "x")));
	expect_ok(file_remove(in(p, "x")));
	assert_false(file_exists(in(p, "x")));
	expect_ok(file_remove(in(p, "x")));
	expect_ok(file_remove(in(p, "none/x")));
	expect_err(ERR_FILE, file_remove(p->dir));
}

static void
folders_are_made_with_those_above(void **state)
{
	struct place *p = *state;

	expect_ok(dir_make(in(p, "a/b//c/"), 0700));
	assert_int_equal(mode_of(in(p, "a")), 0700);
	assert_int_equal(mode_of(in(p, "a/b/c")), 0700);
	expect_ok(dir_make(in(p, "a/b/c"), 0755));
	assert_int_equal(mode_of(in(p, "a/b/c")), 0700);
}

static void
a_file_is_no_folder(void **state)
{
	struct place *p = *state;
	char **names;
	size_t n;

	expect_ok(file_write(in(p, "x"), LIT("x"), 0600));
	expect_err(ERR_FILE_EXISTS, dir_make(in(p, "x"), 0700));
	expect_err(ERR_FILE_EXISTS, dir_make(in(p, "x/y"), 0700));
	expect_err(ERR_FILE, dir_list(p->a, in(p, "x"), 10, &names, &n));
}

static void
names_are_sorted_and_bounded(void **state)
{
	struct place *p = *state;
	char **names;
	size_t n;

	expect_ok(file_write(in(p, "b"), LIT("x"), 0600));
	expect_ok(file_write(in(p, "a"), LIT("x"), 0600));
	expect_ok(file_write(in(p, ".c"), LIT("x"), 0600));
	expect_ok(file_write(in(p, ".tmp-chancery-left"), LIT("x"), 0600));
	expect_ok(dir_list(p->a, p->dir, 3, &names, &n));
	assert_int_equal(n, 3);
	assert_string_equal(names[0], ".c");
	assert_string_equal(names[1], "a");
	assert_string_equal(names[2], "b");
	expect_err(ERR_TOO_LARGE, dir_list(p->a, p->dir, 2, &names, &n));
	expect_err(ERR_FILE_MISSING, dir_list(p->a, in(p, "none"), 2, &names, &n));
}

static void
what_killed_writers_left_is_swept_and_nothing_else(void **state)
{
	struct place *p = *state;

	expect_ok(file_write(in(p, "key.pem"), LIT("x"), 0600));
	expect_ok(file_write(in(p, ".tmp-chancery-AbCdEf"), LIT("half a key"), 0600));
	expect_ok(file_write(in(p, ".hidden"), LIT("x"), 0600));
	expect_ok(file_write(in(p, ".tmp-of-somebody-else"), LIT("x"), 0600));
	expect_ok(dir_sweep(p->dir));
	assert_false(file_exists(in(p, ".tmp-chancery-AbCdEf")));
	assert_int_equal(count(p), 3);
	expect_ok(dir_sweep(p->dir));
	expect_ok(dir_sweep(in(p, "none")));
	expect_err(ERR_FILE, dir_sweep(in(p, "key.pem")));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_written_is_read),
		TEST(what_killed_writers_left_is_swept_and_nothing_else),
		TEST(an_empty_file_is_read),
		TEST(a_large_file_is_read_whole),
		TEST(rejects_a_file_over_its_maximum),
		TEST(the_first_line_is_read_without_its_end),
		TEST(the_first_line_of_standard_input_leaves_the_rest_to_others),
		TEST(rejects_a_first_line_that_is_none),
		TEST(rejects_paths_that_cannot_be),
		TEST(creating_never_replaces),
		TEST(removing_what_is_not_there_is_success),
		TEST(folders_are_made_with_those_above),
		TEST(a_file_is_no_folder),
		TEST(names_are_sorted_and_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
