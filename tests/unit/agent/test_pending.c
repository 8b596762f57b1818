/* SPDX-License-Identifier: Apache-2.0 */
#include "box.h"

#include <utime.h>

static struct pending
opened(struct box *b, const char *alias, const char *command)
{
	const struct own_order o = { .id = command, .alg = KEY_RSA, .bits = KEY_RSA_2048 };
	struct pending p;

	expect_ok(pending_open(b->g, b->a, alias, &o, &p));
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
	assert_int_equal(two.since, 0);
	key_free(one.key);
	key_free(two.key);
}

static void
a_key_on_a_curve_is_kept_as_well(void **state)
{
	static const unsigned curves[] = { KEY_P256, KEY_P384 };
	struct box *b = *state;

	for (size_t i = 0; i < COUNT(curves); i++) {
		const struct own_order o = {
			.id = i == 0 ? "slot:1" : "slot:2", .alg = KEY_EC, .bits = curves[i]
		};
		struct pending one, two;

		expect_ok(pending_open(b->g, b->a, ALIAS, &o, &one));
		expect_ok(pending_open(b->g, b->a, ALIAS, &o, &two));
		assert_true(key_same_public(one.key, two.key));
		assert_int_equal(key_algorithm(one.key), KEY_EC);
		assert_int_equal(key_bits(one.key), curves[i]);
		key_free(one.key);
		key_free(two.key);
	}
}

static json *
waiting(struct box *b)
{
	json *list = json_array_new();

	expect_ok(pending_show(b->g, b->a, list));
	return list;
}

static void
since_when_the_server_takes_its_time_and_what_it_said_is_remembered(void **state)
{
	struct box *b = *state;
	struct pending one = opened(b, ALIAS, "slot:1"), two;
	auto_json json *none = waiting(b);
	auto_json json *list = NULL;

	assert_int_equal(json_count(none), 0);
	expect_ok(pending_asked(b->a, &one, LIT("request"), "a manager looks at it"));
	when_set(MADE_NOW + MADE_DAY);
	two = opened(b, ALIAS, "slot:1");
	assert_int_equal(two.since, MADE_NOW);
	assert_true(str_eq_c(two.csr, "request"));
	expect_ok(pending_asked(b->a, &two, two.csr, "he is away"));
	assert_int_equal(two.since, MADE_NOW);
	when_set(MADE_NOW);
	list = waiting(b);
	assert_int_equal(json_count(list), 1);
	assert_string_equal(json_text(json_get(json_at(list, 0), "alias")), ALIAS);
	assert_string_equal(json_text(json_get(json_at(list, 0), "detail")), "he is away");
	assert_string_equal(
	    json_text(json_get(json_at(list, 0), "since")), when_text(b->a, MADE_NOW));
	key_free(one.key);
	key_free(two.key);
}

static void
what_was_remembered_and_is_damaged_counts_as_nothing(void **state)
{
	static const char *const texts[] = { "", "{", "[]", "{\"since\": 1, \"said\": \"\"}",
		"{\"since\": \"yesterday\", \"said\": \"\"}",
		"{\"since\": \"2026-01-01T00:00:00Z\", \"said\": \"\", \"csr\": \"!\"}",
		"{\"since\": \"2026-01-01T00:00:00Z\"}" };
	struct box *b = *state;
	struct pending one = opened(b, ALIAS, "slot:1");

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct pending two;

		expect_ok(
		    file_write(arena_printf(b->a, "%s.asked", one.path), str_c(texts[i]), 0600));
		two = opened(b, ALIAS, "slot:1");
		assert_int_equal(two.since, 0);
		assert_int_equal(two.csr.n, 0);
		assert_true(key_same_public(one.key, two.key));
		key_free(two.key);
	}
	key_free(one.key);
}

static void
another_command_of_the_alias_makes_another_key_and_the_first_goes(void **state)
{
	struct box *b = *state;
	struct pending one = opened(b, ALIAS, "slot:1"), other = opened(b, ALIAS "-2", "slot:1"),
		       two;

	expect_ok(pending_asked(b->a, &one, STR_EMPTY, ""));
	two = opened(b, ALIAS, "slot:2");
	assert_int_equal(two.since, 0);
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
what_is_asked_for_each_day_is_not_swept_however_old_it_is(void **state)
{
	struct box *b = *state;
	struct pending one = opened(b, ALIAS, "slot:1"), two;
	const struct utimbuf days_ago = { MADE_NOW - 8 * MADE_DAY, MADE_NOW - 8 * MADE_DAY };

	expect_ok(pending_asked(b->a, &one, STR_EMPTY, ""));
	assert_int_equal(utime(one.path, &days_ago), 0);
	assert_int_equal(utime(arena_printf(b->a, "%s.asked", one.path), &days_ago), 0);
	two = opened(b, ALIAS, "slot:1");
	expect_ok(pending_sweep(b->g, b->a));
	assert_true(file_exists(one.path));
	assert_true(file_exists(arena_printf(b->a, "%s.asked", one.path)));
	key_free(one.key);
	key_free(two.key);
}

static void
an_alias_that_leaves_the_folder_is_refused(void **state)
{
	struct box *b = *state;
	const struct own_order o = { .id = "slot:1", .alg = KEY_RSA, .bits = KEY_RSA_2048 };
	struct pending p;

	for (size_t i = 0; i < COUNT(bad_aliases); i++)
		expect_err(ERR_ALIAS, pending_open(b->g, b->a, bad_aliases[i], &o, &p));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_same_command_finds_the_same_key),
		CASE(a_key_on_a_curve_is_kept_as_well),
		CASE(since_when_the_server_takes_its_time_and_what_it_said_is_remembered),
		CASE(what_was_remembered_and_is_damaged_counts_as_nothing),
		CASE(another_command_of_the_alias_makes_another_key_and_the_first_goes),
		CASE(dropping_one_alias_leaves_the_others_and_other_files),
		CASE(what_nobody_came_back_to_in_a_week_is_swept),
		CASE(what_is_asked_for_each_day_is_not_swept_however_old_it_is),
		CASE(an_alias_that_leaves_the_folder_is_refused),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
