/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/when.h"

/* Standard error goes into a file in memory while a line is written. */
static struct {
	int saved, memory;
} caught;

static void
catch_begin(void)
{
	caught.saved = dup(STDERR_FILENO);
	caught.memory = memfd_create("log", MFD_CLOEXEC);
	assert_true(caught.saved >= 0 && caught.memory >= 0);
	dup2(caught.memory, STDERR_FILENO);
}

/* What was written since, after its fixed head, which ends with the process id. */
static char *
catch_end(struct arena *a)
{
	char *text = arena_alloc(a, 100000);
	ssize_t n;

	dup2(caught.saved, STDERR_FILENO);
	n = pread(caught.memory, text, 99999, 0);
	close(caught.saved);
	close(caught.memory);
	assert_true(n >= 0);
	return text;
}

static int
setup(void **state)
{
	(void)state;
	when_set(1769940000);
	log_setup("service", "front", LOG_LEVEL_INFO, LOG_FORMAT_KV);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	when_set(0);
	return 0;
}

static const char *
head(struct arena *a, const char *rest)
{
	return arena_printf(a,
	    "t=2026-02-01T10:00:00.000Z level=info role=service proc=front pid=%d %s\n",
	    (int)getpid(), rest);
}

static void
a_line_is_key_and_value(void **state)
{
	auto_arena struct arena *a = arena_new();

	(void)state;
	catch_begin();
	log_event(LOG_LEVEL_INFO, "now ready", "addr", "127.0.0.1:8443", "empty", "", "quote",
	    "a\"b\\c", NULL);
	assert_string_equal(catch_end(a),
	    head(a, "msg=\"now ready\" addr=127.0.0.1:8443 empty=\"\" quote=\"a\\\"b\\\\c\""));
}

static void
nobody_forges_a_line(void **state)
{
	auto_arena struct arena *a = arena_new();

	(void)state;
	catch_begin();
	log_event(LOG_LEVEL_INFO, "x", "name", "a\nt=2026 level=error", "esc", "\x1b[2J", "bad",
	    "\xff", NULL);
	assert_string_equal(catch_end(a),
	    head(a, "msg=x name=\"a\\x0at=2026 level=error\" esc=\"\\x1b[2J\" bad=\"\\xff\""));
}

static void
a_level_below_the_least_is_not_written(void **state)
{
	auto_arena struct arena *a = arena_new();

	(void)state;
	catch_begin();
	log_event(LOG_LEVEL_DEBUG, "x", NULL);
	assert_string_equal(catch_end(a), "");
}

static void
json_lines_are_json(void **state)
{
	auto_arena struct arena *a = arena_new();

	(void)state;
	log_setup("ca", "issuer", LOG_LEVEL_DEBUG, LOG_FORMAT_JSON);
	catch_begin();
	log_event(LOG_LEVEL_DEBUG, "x", "k", "a\"b\n\xff", NULL);
	assert_string_equal(catch_end(a),
	    arena_printf(a,
		"{\"t\":\"2026-02-01T10:00:00.000Z\",\"level\":\"debug\",\"role\":\"ca\",\"proc\":\"issuer\","
		"\"pid\":\"%d\",\"msg\":\"x\",\"k\":\"a\\\"b\\\\x0a\\\\xff\"}\n",
		(int)getpid()));
}

static void
an_error_brings_all_it_knows(void **state)
{
	auto_arena struct arena *a = arena_new();
	const char *text;

	(void)state;
	catch_begin();
	log_error("start failed", ERROR(ERR_CONF, "line %d", 3));
	text = catch_end(a);
	assert_non_null(strstr(text, "level=error"));
	assert_non_null(strstr(text, "msg=\"start failed\" fault=bad-configuration"));
	assert_non_null(strstr(text, "detail=\"line 3\""));
	assert_non_null(strstr(text, "hint="));
	assert_non_null(strstr(text, "test_log.c:"));
	assert_string_equal(err_detail(), "");
}

static void
a_line_too_long_is_cut_but_whole(void **state)
{
	auto_arena struct arena *a = arena_new();
	const char *big = arena_printf(a, "%020000d", 1);
	const char *text;
	size_t n;

	(void)state;
	catch_begin();
	log_event(LOG_LEVEL_INFO, "x", "a", big, "b", big, "c", big, "d", big, "e", big, "f", big,
	    "g", big, "h", big, "i", big, NULL);
	text = catch_end(a);
	n = strlen(text);
	assert_true(n < 33000);
	assert_int_equal(text[n - 1], '\n');
	assert_ptr_equal(strchr(text, '\n'), text + n - 1);
	assert_non_null(strstr(text, " b=0000"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_line_is_key_and_value),
		TEST(nobody_forges_a_line),
		TEST(a_level_below_the_least_is_not_written),
		TEST(json_lines_are_json),
		TEST(an_error_brings_all_it_knows),
		TEST(a_line_too_long_is_cut_but_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
