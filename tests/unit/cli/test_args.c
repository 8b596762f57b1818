/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/args.h"
#include "cli/entity.h"
#include "cli/sock.h"
#include "expect.h"

static err_t
nothing(struct cli *c)
{
	(void)c;
	return OK;
}

static const struct opt opts[] = {
	{ .name = "name",
	    .value = "NAME",
	    .property = "displayName",
	    .required = true,
	    .help = "Name." },
	{ .name = "host", .value = "HOST", .property = "hosts", .many = true, .help = "Hosts." },
	{ .name = "enabled",
	    .value = "BOOL",
	    .property = "accountEnabled",
	    .is_bool = true,
	    .help = "Or not." },
	{ .name = "count", .value = "N", .help = "How many." },
	{ .name = "public", .property = "public", .help = "A flag." },
	{ 0 },
};
static const struct opt page_opts[] = { PAGE_OPTS("ID"), { 0 } };
static const struct verb verbs[] = {
	{ "create", "Make it.", "FIRST [SECOND]", opts, nothing },
	{ "add-member", "Add.", "GROUP MEMBER...", NULL, nothing },
	{ "list", "List.", NULL, page_opts, nothing },
	{ 0 },
};
static const struct verb alone[] = { { NULL, "Alone.", NULL, NULL, nothing }, { 0 } };
static const struct command user = { "user", "Users.", verbs };
static const struct command whoami = { "whoami", "Who.", alone };
static const struct command *const table[] = { &user, &whoami };

struct ctx {
	struct arena *a;
	struct args args;
};

static int
setup(void **state)
{
	static struct ctx ctx;

	ctx = (struct ctx){ .a = arena_new() };
	*state = &ctx;
	return 0;
}

static int
teardown(void **state)
{
	struct ctx *x = *state;

	arena_free(x->a);
	return 0;
}

#define PARSE(x, verb, ...) \
	args_parse((x)->a, (verb), COUNT(((char *[]){ __VA_ARGS__ })), (char *[]){ __VA_ARGS__ }, \
	    &(x)->args)

static void
options_stand_before_and_behind_operands(void **state)
{
	struct ctx *x = *state;

	expect_ok(PARSE(x, &verbs[0], (char *)"one", (char *)"--name", (char *)"N", (char *)"two",
	    (char *)"--public"));
	assert_int_equal(x->args.noperands, 2);
	assert_string_equal(x->args.operands[1], "two");
	assert_string_equal(args_text(&x->args, "name"), "N");
	assert_true(args_has(&x->args, "public"));
	assert_false(args_has(&x->args, "count"));
}

static void
a_value_may_follow_an_equals_sign_and_hold_more_of_them(void **state)
{
	struct ctx *x = *state;

	expect_ok(PARSE(x, &verbs[0], (char *)"--name=a=b", (char *)"one"));
	assert_string_equal(args_text(&x->args, "name"), "a=b");
}

static void
after_two_dashes_all_are_operands(void **state)
{
	struct ctx *x = *state;

	expect_ok(PARSE(x, &verbs[1], (char *)"--", (char *)"--name", (char *)"-x"));
	assert_int_equal(x->args.noperands, 2);
	assert_string_equal(x->args.operands[0], "--name");
}

static void
an_unknown_option_is_refused_with_the_nearest_one(void **state)
{
	struct ctx *x = *state;
	err_t e = PARSE(x, &verbs[0], (char *)"--nmae", (char *)"N");

	assert_non_null(strstr(err_detail(), "did you mean \"--name\"?"));
	expect_err(ERR_USAGE, e);
}

static void
an_unknown_noun_is_refused_with_the_nearest_one(void **state)
{
	const struct command *cmd = NULL;
	err_t e = args_command(table, COUNT(table), "usr", &cmd);

	(void)state;
	assert_non_null(strstr(err_detail(), "did you mean \"user\"?"));
	expect_err(ERR_USAGE, e);
	assert_null(cmd);
}

static void
a_noun_that_is_near_to_nothing_gets_no_suggestion(void **state)
{
	const struct command *cmd = NULL;
	err_t e = args_command(table, COUNT(table), "xyzzyplugh", &cmd);

	(void)state;
	assert_null(strstr(err_detail(), "did you mean"));
	expect_err(ERR_USAGE, e);
}

static void
the_beginning_of_a_verb_suggests_it(void **state)
{
	const struct verb *v = NULL;
	err_t e = args_verb(&user, "add", &v);

	(void)state;
	assert_non_null(strstr(err_detail(), "did you mean \"add-member\"?"));
	expect_err(ERR_USAGE, e);
}

static void
nouns_and_verbs_are_found(void **state)
{
	const struct command *cmd;
	const struct verb *v;

	(void)state;
	expect_ok(args_command(table, COUNT(table), "user", &cmd));
	assert_ptr_equal(cmd, &user);
	expect_ok(args_verb(cmd, "create", &v));
	assert_ptr_equal(v, &verbs[0]);
	expect_ok(args_verb(&whoami, "anything", &v));
	assert_ptr_equal(v, &alone[0]);
}

static void
a_missing_operand_is_refused(void **state)
{
	struct ctx *x = *state;

	expect_err(ERR_USAGE, PARSE(x, &verbs[0], (char *)"--name", (char *)"N"));
	expect_err(ERR_USAGE, PARSE(x, &verbs[1], (char *)"group"));
}

static void
an_operand_too_much_is_refused(void **state)
{
	struct ctx *x = *state;

	expect_err(ERR_USAGE,
	    PARSE(x, &verbs[0], (char *)"a", (char *)"b", (char *)"c", (char *)"--name=N"));
	expect_err(ERR_USAGE, PARSE(x, &alone[0], (char *)"a"));
}

static void
a_missing_required_option_is_refused(void **state)
{
	struct ctx *x = *state;

	expect_err(ERR_USAGE, PARSE(x, &verbs[0], (char *)"one"));
}

static void
an_option_without_its_value_is_refused(void **state)
{
	struct ctx *x = *state;

	expect_err(ERR_USAGE, PARSE(x, &verbs[0], (char *)"one", (char *)"--name"));
}

static void
a_flag_with_a_value_is_refused(void **state)
{
	struct ctx *x = *state;

	expect_err(ERR_USAGE,
	    PARSE(x, &verbs[0], (char *)"one", (char *)"--name=N", (char *)"--public=yes"));
}

static void
an_option_twice_is_refused(void **state)
{
	struct ctx *x = *state;

	expect_err(
	    ERR_USAGE, PARSE(x, &verbs[0], (char *)"one", (char *)"--name=N", (char *)"--name=M"));
}

static void
help_demands_nothing_else(void **state)
{
	struct ctx *x = *state;

	expect_ok(PARSE(x, &verbs[0], (char *)"--help"));
	assert_true(x->args.help);
	expect_ok(PARSE(x, &verbs[0], (char *)"-h"));
	assert_true(x->args.help);
}

static void
lists_are_cut_at_commas_and_joined_over_repeats(void **state)
{
	struct ctx *x = *state;
	const char **v;

	expect_ok(PARSE(x, &verbs[0], (char *)"o", (char *)"--name=N", (char *)"--host=a, b,,c",
	    (char *)"--host", (char *)"d"));
	assert_int_equal(args_list(x->a, &x->args, "host", &v), 4);
	assert_string_equal(v[1], "b");
	assert_string_equal(v[3], "d");
}

static void
a_number_out_of_bounds_or_none_is_refused(void **state)
{
	struct ctx *x = *state;
	int64_t n;

	expect_ok(PARSE(x, &verbs[0], (char *)"o", (char *)"--name=N", (char *)"--count=11"));
	expect_err(ERR_USAGE, args_int(&x->args, "count", 1, 10, 5, &n));
	expect_ok(args_int(&x->args, "count", 1, 11, 5, &n));
	assert_int_equal(n, 11);
	expect_ok(PARSE(x, &verbs[0], (char *)"o", (char *)"--name=N", (char *)"--count=ten"));
	expect_err(ERR_USAGE, args_int(&x->args, "count", 1, 10, 5, &n));
	expect_ok(PARSE(x, &verbs[0], (char *)"o", (char *)"--name=N"));
	expect_ok(args_int(&x->args, "count", 1, 10, 5, &n));
	assert_int_equal(n, 5);
}

static void
options_with_properties_become_the_body(void **state)
{
	struct ctx *x = *state;
	auto_json json *body = json_object_new();
	struct str text;

	expect_ok(PARSE(x, &verbs[0], (char *)"o", (char *)"--name=N", (char *)"--host=a,b",
	    (char *)"--enabled=false", (char *)"--public", (char *)"--count=1"));
	expect_ok(args_body(x->a, &x->args, body));
	expect_ok(json_print(x->a, body, &text));
	assert_string_equal(arena_cstr(x->a, text),
	    "{\"displayName\":\"N\",\"hosts\":[\"a\",\"b\"],\"accountEnabled\":false,\"public\":true}");
}

static void
a_boolean_that_is_none_and_bad_utf8_are_refused(void **state)
{
	struct ctx *x = *state;
	auto_json json *body = json_object_new();

	expect_ok(
	    PARSE(x, &verbs[0], (char *)"o", (char *)"--name=N", (char *)"--enabled=perhaps"));
	expect_err(ERR_USAGE, args_body(x->a, &x->args, body));
	expect_ok(PARSE(x, &verbs[0], (char *)"o", (char *)"--name=\xff"));
	expect_err(ERR_UTF8, args_body(x->a, &x->args, body));
}

static void
operands_are_cut_at_commas(void **state)
{
	struct ctx *x = *state;
	auto_json json *all = NULL, *none = NULL;

	expect_ok(PARSE(x, &verbs[1], (char *)"g", (char *)"a, b", (char *)"c"));
	all = args_json_operands(&x->args, 1);
	assert_int_equal(json_count(all), 3);
	assert_string_equal(json_text(json_at(all, 1)), "b");
	assert_string_equal(json_text(json_at(all, 2)), "c");
	none = args_json_operands(&x->args, 3);
	assert_int_equal(json_count(none), 0);
}

static void
a_page_has_bounds_and_a_usual_size(void **state)
{
	struct ctx *x = *state;
	auto_json json *page = json_object_new(), *bad = json_object_new();

	expect_ok(args_parse(x->a, &verbs[2], 0, NULL, &x->args));
	expect_ok(args_page(&x->args, page));
	assert_int_equal(json_int(json_get(page, "limit")), 100);
	assert_int_equal(json_int(json_get(page, "before")), 0);
	expect_ok(PARSE(x, &verbs[2], (char *)"--limit=1", (char *)"--before", (char *)"7"));
	expect_ok(args_page(&x->args, page));
	assert_int_equal(json_int(json_get(page, "limit")), 1);
	assert_int_equal(json_int(json_get(page, "before")), 7);
	expect_ok(PARSE(x, &verbs[2], (char *)"--limit=0"));
	expect_err(ERR_USAGE, args_page(&x->args, bad));
	expect_ok(PARSE(x, &verbs[2], (char *)"--before=-1"));
	expect_err(ERR_USAGE, args_page(&x->args, bad));
	assert_null(json_get(bad, "limit"));
}

/* What is left out of a row is NULL, and the compiler does not mind. */
static void
a_row_that_shares_its_function_says_what_it_works_on(void **state)
{
	size_t entities = 0, calls = 0;

	(void)state;
	for (size_t i = 0; i < command_count; i++) {
		for (const struct verb *v = command_table[i]->verbs; v->run != NULL; v++) {
			if (v->run == entity_list || v->run == entity_show ||
			    v->run == entity_delete) {
				assert_non_null(v->of);
				assert_non_null(v->of->set);
				assert_true(v->run != entity_list || v->of->columns != NULL);
				assert_true(v->run == entity_list || v->operands != NULL);
				entities++;
			}
			if (v->run == sock_run || v->call != NULL) {
				assert_non_null(v->call);
				assert_non_null(v->call->role);
				assert_non_null(v->call->verb);
				assert_true(v->call->operand == NULL || v->operands != NULL);
				calls++;
			}
		}
	}
	assert_true(entities > 0 && calls > 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(options_stand_before_and_behind_operands),
		T(a_value_may_follow_an_equals_sign_and_hold_more_of_them),
		T(after_two_dashes_all_are_operands),
		T(an_unknown_option_is_refused_with_the_nearest_one),
		T(an_unknown_noun_is_refused_with_the_nearest_one),
		T(a_noun_that_is_near_to_nothing_gets_no_suggestion),
		T(the_beginning_of_a_verb_suggests_it),
		T(nouns_and_verbs_are_found),
		T(a_missing_operand_is_refused),
		T(an_operand_too_much_is_refused),
		T(a_missing_required_option_is_refused),
		T(an_option_without_its_value_is_refused),
		T(a_flag_with_a_value_is_refused),
		T(an_option_twice_is_refused),
		T(help_demands_nothing_else),
		T(lists_are_cut_at_commas_and_joined_over_repeats),
		T(a_number_out_of_bounds_or_none_is_refused),
		T(options_with_properties_become_the_body),
		T(a_boolean_that_is_none_and_bad_utf8_are_refused),
		T(operands_are_cut_at_commas),
		T(a_page_has_bounds_and_a_usual_size),
		T(a_row_that_shares_its_function_says_what_it_works_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
