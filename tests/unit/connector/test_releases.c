/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of releases: every way through its states, and what is left after a kill. */
#include "expect.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/file.h"
#include "base/rd.h"
#include "base/text.h"
#include "connector/releases.h"

#define PACKAGED "1.0.0.1"
#define NOW ((when_t)1800000000)
#define TRIAL 100

struct box {
	struct arena *a;
	char dir[64];
	struct key *key;
	struct releases r;
};

static int
setup(void **state)
{
	struct box *b = calloc(1, sizeof(*b));

	b->a = arena_new();
	snprintf(b->dir, sizeof(b->dir), "/tmp/releases-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	expect_ok(key_make(KEY_EC, 256, &b->key));
	b->r = (struct releases){
		.dir = b->dir, .packaged = PACKAGED, .named = "", .keys = { &b->key, 1 }
	};
	when_set(NOW);
	*state = b;
	return 0;
}

static int
teardown(void **state)
{
	struct box *b = *state;
	char **names, **files;
	size_t n, k;

	when_set(0);
	expect_ok(dir_list(b->a, b->dir, 100, &names, &n));
	for (size_t i = 0; i < n; i++) {
		const char *path = arena_printf(b->a, "%s/%s", b->dir, names[i]);
		struct stat st;

		assert_int_equal(lstat(path, &st), 0);
		if (!S_ISDIR(st.st_mode)) {
			expect_ok(file_remove(path));
			continue;
		}
		expect_ok(dir_list(b->a, path, 100, &files, &k));
		for (size_t f = 0; f < k; f++)
			expect_ok(file_remove(arena_printf(b->a, "%s/%s", path, files[f])));
		rmdir(path);
	}
	rmdir(b->dir);
	key_free(b->key);
	arena_free(b->a);
	free(b);
	return 0;
}

static struct str
bundle(struct box *b, const char *version)
{
	const char *program = arena_printf(b->a, "program %s", version);
	auto_buf struct buf out;
	struct utsname host;
	struct str signature;
	uint8_t hash[32];

	assert_int_equal(uname(&host), 0);
	hash_sha256(str_c(program), hash);
	buf_init(&out, 1u << 20);
	expect_ok(buf_puts(&out, "CHRELSE1"));
	expect_ok(wr_blob(&out,
	    str_c(arena_printf(b->a,
		"{\"product\":\"chancery-connector\",\"version\":\"%s\",\"machine\":\"%s\",\"files\":"
		"[{\"name\":\"chanceryd\",\"size\":%zu,\"sha256\":\"%s\"}]}",
		version, host.machine, strlen(program), text_hex(b->a, STR(hash))))));
	expect_ok(key_sign(b->a, b->key, buf_str(&out), &signature));
	expect_ok(wr_blob(&out, signature));
	expect_ok(buf_puts(&out, program));
	return str_of(arena_cstr(b->a, buf_str(&out)), out.n);
}

static struct releases_state
state_of(struct box *b)
{
	struct releases_state s;

	expect_ok(releases_state(&b->r, b->a, &s));
	return s;
}

static void
go_over(struct box *b, const char *running, const char *version)
{
	const char *staged;

	expect_ok(releases_stage(&b->r, b->a, bundle(b, version), running, &staged));
	assert_string_equal(staged, version);
	expect_ok(releases_switch(&b->r, version, TRIAL));
}

static bool
is_there(struct box *b, const char *version)
{
	return file_exists(arena_printf(b->a, "%s/%s", b->dir, version));
}

static void
a_release_is_tried_confirmed_and_the_ones_before_go(void **state)
{
	struct box *b = *state;
	struct releases_state s;
	int fd;

	go_over(b, PACKAGED, "1.0.0.2");
	expect_ok(releases_start(&b->r, b->a, &s));
	assert_true(s.trial);
	assert_int_equal(s.starts, 1);
	expect_ok(releases_program(&b->r, "1.0.0.2", &fd));
	close(fd);
	expect_ok(releases_confirm(&b->r));
	assert_false(state_of(b).trial);
	for (unsigned i = 3; i <= 5; i++) {
		go_over(
		    b, arena_printf(b->a, "1.0.0.%u", i - 1), arena_printf(b->a, "1.0.0.%u", i));
		expect_ok(releases_confirm(&b->r));
	}
	assert_string_equal(state_of(b).current, "1.0.0.5");
	assert_string_equal(state_of(b).previous, "1.0.0.4");
	assert_true(is_there(b, "1.0.0.4"));
	assert_false(is_there(b, "1.0.0.3"));
}

static void
one_that_fails_is_gone_back_from_and_not_wanted_again_unless_named(void **state)
{
	struct box *b = *state;
	const char *staged;
	struct releases_state s;

	go_over(b, PACKAGED, "1.0.0.2");
	expect_ok(releases_confirm(&b->r));
	go_over(b, "1.0.0.2", "1.0.0.3");
	expect_err(
	    ERR_UPDATE_BUSY, releases_stage(&b->r, b->a, bundle(b, "1.0.0.4"), "1.0.0.3", &staged));
	expect_ok(releases_back(&b->r, "update-failed", "because"));
	s = state_of(b);
	assert_string_equal(s.current, "1.0.0.2");
	assert_string_equal(s.failed, "1.0.0.3");
	assert_string_equal(s.detail, "because");
	/* Said twice it stays as it is. */
	expect_ok(releases_back(&b->r, "update-failed", "again"));
	assert_string_equal(state_of(b).detail, "because");
	expect_ok(releases_note(&b->r, "file", "no room"));
	assert_string_equal(state_of(b).fault, "file");
	assert_string_equal(state_of(b).failed, "1.0.0.3");
	expect_err(ERR_RELEASE_TRIED,
	    releases_stage(&b->r, b->a, bundle(b, "1.0.0.3"), "1.0.0.2", &staged));
	b->r.named = "1.0.0.3";
	expect_ok(releases_stage(&b->r, b->a, bundle(b, "1.0.0.3"), "1.0.0.2", &staged));
}

static void
an_older_one_is_wanted_only_when_named_and_the_same_never(void **state)
{
	struct box *b = *state;
	const char *staged;

	expect_err(ERR_RELEASE_OLDER,
	    releases_stage(&b->r, b->a, bundle(b, "1.0.0.0"), PACKAGED, &staged));
	b->r.named = PACKAGED;
	expect_err(
	    ERR_RELEASE_OLDER, releases_stage(&b->r, b->a, bundle(b, PACKAGED), PACKAGED, &staged));
	b->r.named = "1.0.0.0";
	expect_ok(releases_stage(&b->r, b->a, bundle(b, "1.0.0.0"), PACKAGED, &staged));
}

static void
a_trial_ends_by_time_by_starts_and_by_a_clock_set_back(void **state)
{
	struct box *b = *state;
	struct releases_state s;

	go_over(b, PACKAGED, "1.0.0.2");
	for (int i = 1; i <= RELEASES_STARTS; i++) {
		expect_ok(releases_start(&b->r, b->a, &s));
		assert_int_equal(s.starts, i);
		assert_string_equal(s.current, "1.0.0.2");
	}
	expect_ok(releases_start(&b->r, b->a, &s));
	assert_string_equal(s.current, "");
	assert_string_equal(s.fault, "update-failed");

	go_over(b, PACKAGED, "1.0.0.3");
	when_set(NOW + TRIAL + 1);
	expect_ok(releases_start(&b->r, b->a, &s));
	assert_string_equal(s.failed, "1.0.0.3");

	go_over(b, PACKAGED, "1.0.0.4");
	when_set(NOW - 1);
	expect_ok(releases_start(&b->r, b->a, &s));
	assert_string_equal(s.failed, "1.0.0.4");
	assert_false(s.trial);
}

static void
a_newer_package_takes_the_place_of_a_release(void **state)
{
	struct box *b = *state;
	struct releases_state s;

	go_over(b, PACKAGED, "1.0.0.5");
	expect_ok(releases_confirm(&b->r));
	b->r.packaged = "1.0.0.4";
	expect_ok(releases_start(&b->r, b->a, &s));
	assert_string_equal(s.current, "1.0.0.5");
	b->r.packaged = "1.0.0.6";
	expect_ok(releases_start(&b->r, b->a, &s));
	assert_string_equal(s.current, "");
}

static void
what_a_kill_left_half_made_is_taken_away(void **state)
{
	struct box *b = *state;
	const char *half = arena_printf(b->a, "%s/1.0.0.2.new", b->dir);

	expect_ok(dir_make(half, 0755));
	expect_ok(file_write(arena_printf(b->a, "%s/chanceryd", half), LIT("half"), 0755));
	go_over(b, PACKAGED, "1.0.0.2");
	assert_false(file_exists(half));
	/* Staged, not switched to: nothing runs it. */
	assert_true(is_there(b, "1.0.0.2"));
}

static void
nothing_is_executed_that_was_changed_or_that_others_can_change(void **state)
{
	struct box *b = *state;
	const char *program = arena_printf(b->a, "%s/1.0.0.2/chanceryd", b->dir);
	auto_key struct key *stranger = NULL;
	struct releases_state s;
	int fd;

	go_over(b, PACKAGED, "1.0.0.2");
	assert_int_equal(chmod(program, 0777), 0);
	expect_err(ERR_FILE, releases_program(&b->r, "1.0.0.2", &fd));
	expect_ok(file_write(program, LIT("program 1.0.0.9"), 0755));
	expect_err(ERR_RELEASE_DAMAGED, releases_program(&b->r, "1.0.0.2", &fd));
	expect_ok(file_remove(program));
	assert_int_equal(symlink("/bin/true", program), 0);
	expect_err(ERR_FILE, releases_program(&b->r, "1.0.0.2", &fd));
	expect_err(ERR_FILE_MISSING, releases_program(&b->r, "1.0.0.7", &fd));
	expect_ok(key_make(KEY_EC, 256, &stranger));
	b->r.keys.v = &stranger;
	expect_err(ERR_RELEASE_SIGNATURE, releases_program(&b->r, "1.0.0.2", &fd));
	b->r.keys.v = &b->key;
	expect_ok(releases_leave(&b->r, b->a, "file", "why", &s));
	assert_string_equal(s.current, "");
	assert_string_equal(s.failed, "1.0.0.2");
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_release_is_tried_confirmed_and_the_ones_before_go),
		T(one_that_fails_is_gone_back_from_and_not_wanted_again_unless_named),
		T(an_older_one_is_wanted_only_when_named_and_the_same_never),
		T(a_trial_ends_by_time_by_starts_and_by_a_clock_set_back),
		T(a_newer_package_takes_the_place_of_a_release),
		T(what_a_kill_left_half_made_is_taken_away),
		T(nothing_is_executed_that_was_changed_or_that_others_can_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
