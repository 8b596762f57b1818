/* SPDX-License-Identifier: Apache-2.0 */
/* Changing, deleting and publishing templates; what the rules say about them. */
#include "lab.h"

#include "ca/template.h"

static void
verb_fails(struct lab *l, const char *verb, json *args, enum err_code want)
{
	auto_json json *answer = NULL;

	expect_err(want, lab_admin(l, verb, args, &answer));
}

static json *
shown(struct lab *l, const char *name)
{
	auto_json json *answer = NULL;

	expect_ok(lab_admin(l, "template.show", lab_args("template", name, NULL), &answer));
	return json_ref(json_get(answer, "template"));
}

static json *
edit_int(const char *name, const char *key, int64_t v)
{
	json *o = lab_args("template", name, NULL);

	json_set_int(o, key, v);
	return o;
}

static json *
edit_bool(const char *name, const char *key, bool v)
{
	json *o = lab_args("template", name, NULL);

	json_set_bool(o, key, v);
	return o;
}

static void
an_edit_raises_the_minor_revision_and_re_enrolment_the_major_one(void **state)
{
	struct lab *l = *state;
	auto_json json *one = NULL, *two = NULL;

	lab_do(l, "template.duplicate", lab_copy("User", "Rev"));
	lab_do(l, "template.edit", edit_int("Rev", "validity_days", 90));
	one = shown(l, "Rev");
	assert_string_equal(json_text(json_get(one, "revision")), "100.1");
	assert_int_equal(json_int(json_get(one, "validity_days")), 90);
	assert_int_equal(json_int(json_get(one, "renewal_days")), 18);
	lab_do(l, "template.edit", edit_bool("Rev", "reenrol_all_holders", true));
	two = shown(l, "Rev");
	assert_string_equal(json_text(json_get(two, "revision")), "101.0");
}

static void
every_setting_is_read_back_as_it_was_set(void **state)
{
	static const char *const flags[] = { "manager_approval", "renewal_without_approval",
		"publish_in_directory", "allow_key_export", "signature_is_proof_of_origin" };
	struct lab *l = *state;
	json *args = lab_args("template", "All", "display_name", "All of it", "ca_compatibility",
	    "2016", "client_compatibility", "8.1", NULL);
	auto_json json *t = NULL;

	lab_do(l, "template.duplicate", lab_copy("User", "All"));
	for (size_t i = 0; i < COUNT(flags); i++)
		json_set_bool(args, flags[i], true);
	json_set_int(args, "min_key_size", 3072);
	json_set_int(args, "renewal_days", 10);
	json_set(args, "key_usages", lab_list("digitalSignature", NULL));
	json_set(args, "key_algorithms", lab_list("p384", "rsa"));
	lab_do(l, "template.edit", args);
	t = shown(l, "All");
	for (size_t i = 0; i < COUNT(flags); i++)
		assert_true(json_true(json_get(t, flags[i])));
	assert_string_equal(json_text(json_get(t, "display_name")), "All of it");
	assert_string_equal(json_text(json_get(t, "ca_compatibility")), "2016");
	assert_string_equal(json_text(json_get(t, "client_compatibility")), "8.1");
	assert_string_equal(json_text(json_get(t, "key_usage")), "0xc0");
	assert_string_equal(json_text(json_get(t, "private_key_flags")), "0x05060010");
	assert_int_equal(json_int(json_get(t, "renewal_days")), 10);
	assert_int_equal(json_count(json_get(t, "key_algorithms")), 2);
}

static void
settings_out_of_range_are_refused_and_change_nothing(void **state)
{
	struct lab *l = *state;

	verb_fails(l, "template.edit", edit_int(TEMPLATE, "min_key_size", 1024), ERR_BAD_REQUEST);
	verb_fails(l, "template.edit", edit_int(TEMPLATE, "validity_days", 0), ERR_BAD_REQUEST);
	verb_fails(
	    l, "template.edit", edit_int(TEMPLATE, "renewal_days", 365), ERR_TEMPLATE_OVERLAP);
	verb_fails(l, "template.edit", edit_int(TEMPLATE, "manager_approval", 1), ERR_BAD_REQUEST);
	verb_fails(l, "template.edit",
	    lab_args("template", TEMPLATE, "ca_compatibility", "2000", NULL), ERR_BAD_REQUEST);
	verb_fails(l, "template.edit", lab_args("template", TEMPLATE, NULL), ERR_BAD_REQUEST);
	verb_fails(l, "template.edit", lab_args("template", TEMPLATE, "oid", "1.2.3", NULL),
	    ERR_BAD_REQUEST);
}

static void
built_in_templates_are_neither_changed_nor_deleted(void **state)
{
	struct lab *l = *state;

	verb_fails(l, "template.edit", edit_int("User", "validity_days", 5), ERR_TEMPLATE_BUILTIN);
	verb_fails(l, "template.delete", lab_args("template", "EFS", NULL), ERR_TEMPLATE_BUILTIN);
	verb_fails(l, "template.edit", edit_bool(TEMPLATE_DEVICE_IDENTITY, "order_required", false),
	    ERR_TEMPLATE_BUILTIN);
}

static void
a_template_is_deleted_with_its_rights_once_no_ca_publishes_it(void **state)
{
	struct lab *l = *state;
	auto_json json *answer = NULL;
	json *args = lab_args("template", "Gone", NULL);

	lab_do(l, "template.duplicate", lab_copy("User", "Gone"));
	lab_grant(l, "Gone", "connector", "enrol");
	verb_fails(l, "template.delete", lab_args("template", "Gone", NULL), ERR_TEMPLATE_IN_USE);
	json_set_bool(args, "published", false);
	lab_do(l, "template.publish", args);
	lab_do(l, "template.delete", lab_args("template", "Gone", NULL));
	verb_fails(l, "template.show", lab_args("template", "Gone", NULL), ERR_TEMPLATE_UNKNOWN);
	lab_do(l, "template.duplicate", lab_copy("User", "Gone"));
	expect_ok(lab_admin(l, "template.show", lab_args("template", "Gone", NULL), &answer));
	assert_int_equal(json_count(json_get(answer, "rights")), 0);
}

static void
each_ca_has_its_own_list_of_templates_to_issue(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	json *on = lab_args("template", TEMPLATE, "ca", IDENTITY, NULL);
	json *off = lab_args("template", TEMPLATE, "ca", IDENTITY, NULL);

	w.ca = w.order.ca = IDENTITY;
	lab_denied(l, w, ERR_TEMPLATE_UNKNOWN);
	json_set_bool(on, "published", true);
	lab_do(l, "template.publish", on);
	cert_free(lab_issued(l, w));
	json_set_bool(off, "published", false);
	lab_do(l, "template.publish", off);
	w.order.fence = 2;
	lab_denied(l, w, ERR_TEMPLATE_UNKNOWN);
	cert_free(lab_issued(l, lab_want(l)));
}

static void
who_may_not_read_a_template_may_not_enrol_either(void **state)
{
	struct lab *l = *state;

	lab_do(l, "template.grant",
	    lab_args("template", TEMPLATE, "principal", "connector", "deny", "read", NULL));
	lab_denied(l, lab_want(l), ERR_TEMPLATE_DENIED);
	lab_do(l, "template.withdraw",
	    lab_args("template", TEMPLATE, "principal", "connector", "deny", "read", NULL));
	cert_free(lab_issued(l, lab_want(l)));
}

static void
keys_of_other_algorithms_are_refused(void **state)
{
	struct lab *l = *state;
	json *args = lab_copy("User", "Curves");
	struct want w = lab_want(l);
	auto_key struct key *ec = NULL;
	uint8_t spki[32];

	json_set(args, "key_algorithms", lab_list("p256", NULL));
	lab_do(l, "template.duplicate", args);
	lab_grant(l, "Curves", "connector", "enrol");
	w.template = w.order.template = "Curves";
	lab_denied(l, w, ERR_KEY_SIZE);
	expect_ok(key_make(KEY_EC, KEY_P256, &ec));
	expect_ok(key_spki_sha256(ec, spki));
	w.key = ec;
	w.order.spki = arena_str(l->a, STR(spki));
	w.order.key_usage = w.csr.key_usage = 0x80;
	cert_free(lab_issued(l, w));
}

static void
an_override_must_be_named_and_is_journalled(void **state)
{
	struct lab *l = *state;
	auto_json json *lines = NULL, *t = NULL;
	json *args = lab_copy("User", "Named");

	json_set_bool(args, "order_required", false);
	json_set(args, "override", lab_list("ESC2", NULL));
	verb_fails(l, "template.duplicate", args, ERR_TEMPLATE_ESC1);
	args = lab_copy("User", "Named");
	json_set_bool(args, "order_required", false);
	json_set(args, "override", lab_list("ESC99", NULL));
	verb_fails(l, "template.duplicate", args, ERR_NOT_FOUND);
	args = lab_copy("User", "Named");
	json_set_bool(args, "order_required", false);
	json_set(args, "override", lab_list("esc1", NULL));
	lab_do(l, "template.duplicate", args);
	t = shown(l, "Named");
	assert_string_equal(json_text(json_at(json_get(t, "overrides"), 0)), "ESC1");
	expect_ok(
	    lab_admin(l, "journal.list", lab_args("event", "template-duplicated", NULL), &lines));
	assert_non_null(strstr(
	    json_text(json_get(json_at(json_get(lines, "lines"), 0), "detail")), "overrides=ESC1"));
}

static void
a_manager_who_looks_at_each_request_is_as_good_as_an_order(void **state)
{
	struct lab *l = *state;
	json *args = lab_copy("User", "Looked");

	json_set_bool(args, "order_required", false);
	json_set_bool(args, "manager_approval", true);
	lab_do(l, "template.duplicate", args);
	verb_fails(
	    l, "template.edit", edit_bool("Looked", "manager_approval", false), ERR_TEMPLATE_ESC1);
}

static json *
rights_args(const char *name, const char *key, const char *one, const char *two)
{
	json *o = lab_args("template", name, "principal", "connector", NULL);

	json_set(o, key, lab_list(one, two));
	return o;
}

static void
a_denial_is_not_taken_back_where_the_right_would_not_be_given(void **state)
{
	struct lab *l = *state;
	json *agent = lab_args("source", "EnrollmentAgent", "name", "Agent", NULL);

	lab_do(l, "template.duplicate", lab_copy("User", "Denied"));
	lab_do(l, "template.grant", rights_args("Denied", "deny", "write", NULL));
	lab_do(l, "template.grant", rights_args("Denied", "rights", "write", "enrol"));
	verb_fails(l, "template.withdraw", rights_args("Denied", "deny", "write", NULL),
	    ERR_TEMPLATE_LINT);
	lab_do(l, "template.withdraw", rights_args("Denied", "rights", "write", NULL));
	lab_do(l, "template.withdraw", rights_args("Denied", "deny", "write", NULL));
	lab_do(l, "template.duplicate", agent);
	lab_do(l, "template.grant", rights_args("Agent", "deny", "enrol", NULL));
	lab_do(l, "template.grant", rights_args("Agent", "rights", "read", "enrol"));
	verb_fails(
	    l, "template.withdraw", rights_args("Agent", "deny", "enrol", NULL), ERR_TEMPLATE_LINT);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(an_edit_raises_the_minor_revision_and_re_enrolment_the_major_one),
	cmocka_unit_test(every_setting_is_read_back_as_it_was_set),
	cmocka_unit_test(settings_out_of_range_are_refused_and_change_nothing),
	cmocka_unit_test(built_in_templates_are_neither_changed_nor_deleted),
	cmocka_unit_test(a_template_is_deleted_with_its_rights_once_no_ca_publishes_it),
	cmocka_unit_test(each_ca_has_its_own_list_of_templates_to_issue),
	cmocka_unit_test(who_may_not_read_a_template_may_not_enrol_either),
	cmocka_unit_test(keys_of_other_algorithms_are_refused),
	cmocka_unit_test(an_override_must_be_named_and_is_journalled),
	cmocka_unit_test(a_manager_who_looks_at_each_request_is_as_good_as_an_order),
	cmocka_unit_test(a_denial_is_not_taken_back_where_the_right_would_not_be_given),
};
LAB_MAIN(tests)
