/* SPDX-License-Identifier: Apache-2.0 */
#include "lab.h"

#include "ca/template.h"

static void
duplicate_fails(struct lab *l, json *args, enum err_code want)
{
	auto_json json *answer = NULL;

	expect_err(want, lab_admin(l, "template.duplicate", args, &answer));
}

static void
every_built_in_template_is_there(void **state)
{
	struct lab *l = *state;
	auto_json json *answer = NULL;
	json *list;
	size_t builtin = 0;

	expect_ok(lab_admin(l, "template.list", json_object_new(), &answer));
	list = json_get(answer, "templates");
	for (size_t i = 0; i < json_count(list); i++) {
		for (size_t k = 0; k < template_nbuiltins; k++)
			builtin += str_eq_c(str_c(template_builtins[k].name),
				       json_text(json_get(json_at(list, i), "name"))) ?
			    1 :
			    0;
	}
	assert_int_equal(builtin, 36);
}

static void
a_duplicate_has_schema_2_a_revision_of_100_and_an_oid_of_its_own(void **state)
{
	struct lab *l = *state;
	auto_json json *answer = NULL;
	const json *t;

	expect_ok(lab_admin(l, "template.duplicate", lab_copy("User", "Copy"), &answer));
	t = json_get(answer, "template");
	assert_int_equal(json_int(json_get(t, "schema")), 2);
	assert_string_equal(json_text(json_get(t, "revision")), "100.0");
	assert_string_equal(json_text(json_get(t, "flags")), "0x00020232");
	assert_string_equal(json_text(json_get(t, "name_flags")), "0x00000001");
	assert_int_equal(json_count(json_get(t, "ekus")), 3);
	assert_non_null(strstr(json_text(json_get(t, "oid")), "1.3.6.1.4.1.311.21.8."));
}

static void
esc1_is_refused_when_a_template_is_saved(void **state)
{
	struct lab *l = *state;
	json *args = lab_copy("User", "Open");

	json_set_bool(args, "order_required", false);
	duplicate_fails(l, args, ERR_TEMPLATE_ESC1);
}

static void
esc1_is_refused_when_a_right_is_granted(void **state)
{
	struct lab *l = *state;
	auto_json json *answer = NULL;
	json *args = lab_args("template", "OfflineRouter", "principal", "connector", NULL);

	json_set(args, "rights", lab_list("enrol", NULL));
	expect_err(ERR_TEMPLATE_ESC1, lab_admin(l, "template.grant", args, &answer));
}

static void
a_template_for_any_purpose_is_refused(void **state)
{
	struct lab *l = *state;
	json *args = lab_copy("User", "Any");

	json_set(args, "ekus", lab_list("2.5.29.37.0", NULL));
	duplicate_fails(l, args, ERR_TEMPLATE_EKUS);
}

static void
ca_templates_are_not_granted(void **state)
{
	struct lab *l = *state;
	auto_json json *answer = NULL;
	json *args = lab_args("template", "SubCA", "principal", "connector", NULL);

	json_set(args, "rights", lab_list("enrol", NULL));
	expect_err(ERR_TEMPLATE_MANUAL, lab_admin(l, "template.grant", args, &answer));
	duplicate_fails(l, lab_copy("SubCA", "MyCA"), ERR_TEMPLATE_MANUAL);
}

static void
names_that_need_quoting_are_refused(void **state)
{
	static const char *const bad[] = { "", "a,b", "a b", "a\"b", "#a", "a/b", "a\\b", "-a",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };

	for (size_t i = 0; i < COUNT(bad); i++) {
		json *args = lab_copy("User", bad[i]);

		duplicate_fails(*state, args, ERR_TEMPLATE_NAME);
	}
}

static void
a_name_that_is_taken_is_refused_whatever_its_case(void **state)
{
	duplicate_fails(*state, lab_copy("User", "wIFI"), ERR_CONFLICT);
	duplicate_fails(*state, lab_copy("User", "user"), ERR_CONFLICT);
}

static void
a_source_that_does_not_exist_is_refused(void **state)
{
	duplicate_fails(*state, lab_copy("Usr", "Typo"), ERR_TEMPLATE_UNKNOWN);
}

static void
an_argument_that_does_not_exist_is_refused(void **state)
{
	json *args = lab_copy("User", "Extra");

	json_set_bool(args, "orders_required", true);
	duplicate_fails(*state, args, ERR_BAD_REQUEST);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(every_built_in_template_is_there),
	cmocka_unit_test(a_duplicate_has_schema_2_a_revision_of_100_and_an_oid_of_its_own),
	cmocka_unit_test(esc1_is_refused_when_a_template_is_saved),
	cmocka_unit_test(esc1_is_refused_when_a_right_is_granted),
	cmocka_unit_test(a_template_for_any_purpose_is_refused),
	cmocka_unit_test(ca_templates_are_not_granted),
	cmocka_unit_test(names_that_need_quoting_are_refused),
	cmocka_unit_test(a_name_that_is_taken_is_refused_whatever_its_case),
	cmocka_unit_test(a_source_that_does_not_exist_is_refused),
	cmocka_unit_test(an_argument_that_does_not_exist_is_refused),
};
LAB_MAIN(tests)
