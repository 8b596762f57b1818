/* SPDX-License-Identifier: Apache-2.0 */
#include "box.h"

#include <utime.h>

static struct pending
opened(struct box *b, const char *alias, const char *command)
{
	struct pending p;

	expect_ok(pending_open(b->g, b->a, alias, command, KEY_RSA_2048, &p));
	return p;
}

static void
the_same_command_finds_the_same_key(void **state)
{
	struct box *b = *state;
	struct pending one = opened(b, ALIAS, "slot:1"), two = opened(b, ALIAS, "slot:1");

	assert_true(key_same_public(one.key, two.key));
	assert_string_equal(one.path, two.path);
	assert_int_equal(mode_of(one.path), 0600);
	assert_false(two.asked);
	key_free(one.key);
	key_free(two.key);
}

static void
that_the_server_was_asked_is_remembered(void **state)
{
	struct box *b = *state;
	struct pending one = opened(b, ALIAS, "slot:1"), two;

	expect_ok(pending_asked(b->a, &one));
	two = opened(b, ALIAS, "slot:1");
	assert_true(two.asked);
	key_free(one.key);
	key_free(two.key);
}

static void
another_command_of_the_alias_makes_another_key_and_the_first_goes(void **state)
{
	struct box *b = *state;
	struct pending one = opened(b, ALIAS, "slot:1"), other = opened(b, ALIAS "-2", "slot:1"),
		       two;

	expect_ok(pending_asked(b->a, &one));
	two = opened(b, ALIAS, "slot:2");
	assert_false(two.asked);
	assert_false(key_same_public(one.key, two.key));
	assert_false(file_exists(one.path));
	assert_false(file_exists(arena_printf(b->a, "%s.asked", one.path)));
	assert_true(file_exists(other.path));
	key_free(one.key);
	key_free(two.key);
	key_free(other.key);
}

static void
dropping_one_alias_leaves_the_others_and_other_files(void **state)
{
	struct box *b = *state;
	struct pending one = opened(b, ALIAS, "slot:1"), other = opened(b, ALIAS "-2", "slot:1");

	made_write(b->a, b->conf.state_dir, "pend-x", LIT("none of ours"));
	expect_ok(pending_drop(b->g, b->a, ALIAS));
	expect_ok(pending_drop(b->g, b->a, ALIAS));
	assert_false(file_exists(one.path));
	assert_true(file_exists(other.path));
	expect_ok(pending_drop_all(b->g, b->a));
	assert_false(file_exists(other.path));
	assert_true(file_exists(box_path(b, "pend-x")));
	key_free(one.key);
	key_free(other.key);
}

static void
what_nobody_came_back_to_in_a_week_is_swept(void **state)
{
	struct box *b = *state;
	struct pending fresh = opened(b, ALIAS, "slot:1"), old = opened(b, ALIAS "-2", "slot:1");
	const struct utimbuf days_ago = { MADE_NOW - 8 * MADE_DAY, MADE_NOW - 8 * MADE_DAY },
			     now = { MADE_NOW, MADE_NOW };

	assert_int_equal(utime(fresh.path, &now), 0);
	assert_int_equal(utime(old.path, &days_ago), 0);
	expect_ok(pending_sweep(b->g, b->a));
	assert_true(file_exists(fresh.path));
	assert_false(file_exists(old.path));
	key_free(fresh.key);
	key_free(old.key);
}

static void
an_alias_that_leaves_the_folder_is_refused(void **state)
{
	struct box *b = *state;
	struct pending p;

	for (size_t i = 0; i < COUNT(bad_aliases); i++)
		expect_err(ERR_ALIAS,
		    pending_open(b->g, b->a, bad_aliases[i], "slot:1", KEY_RSA_2048, &p));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_same_command_finds_the_same_key),
		CASE(that_the_server_was_asked_is_remembered),
		CASE(another_command_of_the_alias_makes_another_key_and_the_first_goes),
		CASE(dropping_one_alias_leaves_the_others_and_other_files),
		CASE(what_nobody_came_back_to_in_a_week_is_swept),
		CASE(an_alias_that_leaves_the_folder_is_refused),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
