/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include <sys/stat.h>

#include "agent/exec.h"
#include "base/when.h"

static err_t
shell(struct arena *a, const char *text, int64_t timeout_ms, const char **out)
{
	const char *argv[] = { "sh", "-c", text, NULL };
	const char *env[] = { "CHANCERY_X=new", NULL };

	return exec_run(a, argv, env, timeout_ms, out);
}

static void
output_and_environment_are_there(void **state)
{
	auto_arena struct arena *a = arena_new();
	const char *out;

	(void)state;
	setenv("CHANCERY_X", "old", 1);
	setenv("CHANCERY_Y", "kept", 1);
	expect_ok(shell(
	    a, "echo $CHANCERY_X $CHANCERY_Y; echo more >&2; read x || echo nothing", 10000, &out));
	assert_string_equal(out, "new kept\nmore\nnothing\n");
}

static void
a_failure_has_status_and_last_words(void **state)
{
	auto_arena struct arena *a = arena_new();
	const char *argv[] = { "/nonexistent/program", NULL };
	const char *out;
	err_t e = shell(a, "echo no such thing; exit 3", 10000, &out);

	(void)state;
	assert_true(err_is(e, ERR_PROGRAM));
	assert_string_equal(err_detail(), "sh ended with status 3: no such thing");
	err_forget(e);
	e = shell(a, "kill -9 $$", 10000, NULL);
	assert_true(err_is(e, ERR_PROGRAM));
	assert_non_null(strstr(err_detail(), "signal 9"));
	err_forget(e);
	expect_err(ERR_PROGRAM, exec_run(a, argv, NULL, 10000, NULL));
}

static void
what_a_program_makes_for_others_they_can_read(void **state)
{
	auto_arena struct arena *a = arena_new();
	mode_t before = umask(077), ours;
	const char *out;

	(void)state;
	expect_ok(shell(a, "umask", 10000, &out));
	ours = umask(before);
	assert_string_equal(out, "0022\n");
	assert_int_equal(ours, 077);
}

static void
what_takes_too_long_is_killed_with_what_it_started(void **state)
{
	auto_arena struct arena *a = arena_new();
	int64_t begin = when_mono_ms();
	const char *out;

	(void)state;
	expect_err(ERR_PROGRAM, shell(a, "sleep 300 & sleep 300", 200, &out));
	assert_true(when_mono_ms() - begin < 60000);
}

static void
a_daemon_that_keeps_the_output_open_is_not_waited_for(void **state)
{
	auto_arena struct arena *a = arena_new();
	int64_t begin = when_mono_ms();
	const char *out;

	(void)state;
	expect_ok(shell(a, "sleep 20 & echo started", 60000, &out));
	assert_string_equal(out, "started\n");
	assert_true(when_mono_ms() - begin < 15000);
}

static void
much_output_is_cut_and_hangs_nobody(void **state)
{
	auto_arena struct arena *a = arena_new();
	const char *out;

	(void)state;
	expect_ok(shell(a, "head -c 1000000 /dev/zero | tr '\\0' x", 60000, &out));
	assert_int_equal(strlen(out), 4096);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_and_environment_are_there),
		cmocka_unit_test(a_failure_has_status_and_last_words),
		cmocka_unit_test(what_a_program_makes_for_others_they_can_read),
		cmocka_unit_test(what_takes_too_long_is_killed_with_what_it_started),
		cmocka_unit_test(a_daemon_that_keeps_the_output_open_is_not_waited_for),
		cmocka_unit_test(much_output_is_cut_and_hangs_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
