/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include <string.h>

#include "base/err.h"

static err_t
fails(void)
{
	FAIL(ERR_RANGE, "value %d", 7);
}

static err_t
passes_up(void)
{
	TRY(fails());
	return OK;
}

static err_t
adds_context(void)
{
	TRY_CTX(passes_up(), "setting %s", "keySize");
	return OK;
}

static void
ids_and_names_are_unique(void **state)
{
	(void)state;
	for (int i = 0; i < ERR_COUNT; i++) {
		const struct err_info *a = err_info((enum err_code)i);

		assert_int_equal(a->code, i);
		assert_ptr_equal(err_info_by_id(a->id), a);
		for (int j = i + 1; j < ERR_COUNT; j++) {
			assert_string_not_equal(a->id, err_info((enum err_code)j)->id);
			assert_string_not_equal(a->name, err_info((enum err_code)j)->name);
		}
	}
}

static void
every_row_is_complete(void **state)
{
	(void)state;
	for (int i = 1; i < ERR_COUNT; i++) {
		const struct err_info *x = err_info((enum err_code)i);

		assert_true(
		    strspn(x->id, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(x->id));
		assert_true(x->http >= 400 && x->http < 600);
		assert_true(strlen(x->graph) > 0);
		assert_true(x->scep >= -1 && x->scep <= 4);
		assert_true(x->exit >= EXIT_FAULT && x->exit <= EXIT_CONFLICT);
		assert_true(strlen(x->text) > 0 && x->text[strlen(x->text) - 1] != '.');
		assert_true(strlen(x->hint) > 0);
	}
}

static void
an_unknown_id_has_no_row(void **state)
{
	(void)state;
	assert_null(err_info_by_id("no-such-id"));
	assert_null(err_info_by_id(""));
}

static void
an_unknown_code_is_internal(void **state)
{
	(void)state;
	assert_int_equal(err_info(ERR_COUNT)->code, ERR_INTERNAL);
}

static void
everybody_who_must_act_has_a_name(void **state)
{
	(void)state;
	for (int w = WHO_NOBODY; w <= WHO_SUPPORT; w++)
		assert_true(strlen(err_who_name((enum err_who)w)) > 0);
}

static void
a_failure_keeps_detail_and_place(void **state)
{
	struct err_report rep;

	(void)state;
	err_take(fails(), &rep);
	assert_int_equal(rep.code, ERR_RANGE);
	assert_string_equal(rep.detail, "value 7");
	assert_non_null(strstr(rep.trail, "test_err.c:"));
	assert_null(strstr(rep.trail, " < "));
}

static void
context_comes_before_the_detail_and_frames_add_up(void **state)
{
	struct err_report rep;

	(void)state;
	err_take(adds_context(), &rep);
	assert_string_equal(rep.detail, "setting keySize: value 7");
	assert_non_null(strstr(rep.trail, " < "));
	assert_non_null(strstr(strstr(rep.trail, " < ") + 3, " < "));
}

static void
context_alone_stands_without_a_colon(void **state)
{
	struct err_report rep;

	(void)state;
	err_take(err_context(ERROR(ERR_RANGE, "%s", ""), "x.c", 1, "here"), &rep);
	assert_string_equal(rep.detail, "here");
}

static void
taking_clears_the_trail(void **state)
{
	struct err_report rep;

	(void)state;
	err_take(fails(), &rep);
	assert_string_equal(err_detail(), "");
	err_take((err_t){ ERR_RANGE }, &rep);
	assert_int_equal(rep.code, ERR_RANGE);
	assert_string_equal(rep.detail, "");
}

static void
forgetting_clears_the_trail(void **state)
{
	(void)state;
	err_forget(fails());
	assert_string_equal(err_detail(), "");
}

static void
the_detail_of_another_error_is_not_shown(void **state)
{
	struct err_report rep;
	err_t e = fails();

	(void)state;
	(void)e;
	err_take((err_t){ ERR_UTF8 }, &rep);
	assert_int_equal(rep.code, ERR_UTF8);
	assert_string_equal(rep.detail, "");
}

static void
a_report_can_be_raised_again(void **state)
{
	struct err_report rep, again;

	(void)state;
	err_take(fails(), &rep);
	err_take(err_raise(&rep), &again);
	assert_int_equal(again.code, ERR_RANGE);
	assert_string_equal(again.detail, "value 7");
	assert_string_equal(again.trail, rep.trail);
}

static void
a_long_detail_is_cut_between_characters(void **state)
{
	char longer[ERR_DETAIL_MAX + 100];
	struct err_report rep;

	(void)state;
	for (size_t i = 0; i + 2 < sizeof(longer); i += 2)
		memcpy(longer + i, "\xc3\xa9", 3);
	err_take(ERROR(ERR_RANGE, "%s", longer), &rep);
	assert_int_equal(strlen(rep.detail) % 2, 0);
	assert_true(strlen(rep.detail) >= ERR_DETAIL_MAX - 2);
}

static void
a_long_trail_stops_growing(void **state)
{
	struct err_report rep;
	err_t e = fails();

	(void)state;
	for (int i = 0; i < 1000; i++)
		e = err_pass(e, "src/base/x.c", i);
	err_take(e, &rep);
	assert_int_equal(strlen(rep.trail), ERR_DETAIL_MAX - 1);
}

static void
a_frame_begins_below_the_last_source_folder(void **state)
{
	struct err_report rep;

	(void)state;
	err_take(err_pass((err_t){ ERR_RANGE }, "/usr/src/x/src/base/y.c", 3), &rep);
	assert_string_equal(rep.trail, "base/y.c:3");
	err_take(err_pass((err_t){ ERR_RANGE }, "main.c", 4), &rep);
	assert_string_equal(rep.trail, "main.c:4");
}

static void
the_newest_detail_may_be_part_of_the_next(void **state)
{
	err_t e = fails();

	(void)state;
	e = ERROR(ERR_CONF, "line 3: %s", err_detail());
	assert_string_equal(err_detail(), "line 3: value 7");
	err_forget(e);
}

static void
ok_is_not_an_error(void **state)
{
	(void)state;
	assert_true(err_ok(OK));
	assert_true(err_is(OK, ERR_NONE));
	assert_false(err_ok((err_t){ ERR_TIME }));
	expect_ok(OK);
	expect_err(ERR_RANGE, adds_context());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_and_names_are_unique),
		cmocka_unit_test(every_row_is_complete),
		cmocka_unit_test(an_unknown_id_has_no_row),
		cmocka_unit_test(an_unknown_code_is_internal),
		cmocka_unit_test(everybody_who_must_act_has_a_name),
		cmocka_unit_test(a_failure_keeps_detail_and_place),
		cmocka_unit_test(context_comes_before_the_detail_and_frames_add_up),
		cmocka_unit_test(context_alone_stands_without_a_colon),
		cmocka_unit_test(taking_clears_the_trail),
		cmocka_unit_test(forgetting_clears_the_trail),
		cmocka_unit_test(the_detail_of_another_error_is_not_shown),
		cmocka_unit_test(a_report_can_be_raised_again),
		cmocka_unit_test(a_long_detail_is_cut_between_characters),
		cmocka_unit_test(a_long_trail_stops_growing),
		cmocka_unit_test(a_frame_begins_below_the_last_source_folder),
		cmocka_unit_test(the_newest_detail_may_be_part_of_the_next),
		cmocka_unit_test(ok_is_not_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
