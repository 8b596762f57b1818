/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "model/profile.h"
#include "model/subject.h"

static const struct id device_id = { { 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x47, 0x88, 0x99, 0xaa,
    0xbb, 0xcc, 0xdd, 0xee, 0xff, 1 } };

static struct user
alice(void)
{
	return (struct user){ .upn = "alice@example.test",
		.mail = "a@mail.test",
		.sam_account = "alice1",
		.given_name = " +Al;i,c=e \"\\#",
		.dn = "CN=Alice,OU=People,DC=example,DC=test",
		.enabled = true };
}

static struct device
laptop(void)
{
	return (struct device){
		.id = device_id, .name = "laptop", .serial = "SN1", .fqdn = "laptop.example.test"
	};
}

static void
every_variable_gives_its_value(void **state)
{
	static const struct {
		const char *name, *value;
	} rows[] = {
		{ "UserName", "alice" },
		{ "username", "alice" },
		{ "UserPrincipalName", "alice@example.test" },
		{ "EmailAddress", "a@mail.test" },
		{ "onPremisesSamAccountName", "alice1" },
		{ "OnPremisesSamAccountName", "alice1" },
		{ "AAD_Device_ID", "11223344-5566-4788-99aa-bbccddeeff01" },
		{ "AzureADDeviceId", "11223344-5566-4788-99aa-bbccddeeff01" },
		{ "DeviceId", "11223344-5566-4788-99aa-bbccddeeff01" },
		{ "Device_Serial", "SN1" },
		{ "SERIALNUMBER", "SN1" },
		{ "DeviceName", "laptop" },
		{ "FullyQualifiedDomainName", "laptop.example.test" },
	};
	auto_arena struct arena *a = arena_new();
	struct user u = alice();
	struct device d = laptop();
	struct subject_of who = { &d, &u };
	const char *value;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		expect_ok(subject_lookup(&who, a, rows[i].name, &value));
		assert_string_equal(value, rows[i].value);
	}
}

static void
an_empty_value_is_refused_naming_user_or_device_and_field(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct user u = alice();
	struct device d = laptop();
	struct subject_of who = { &d, &u };
	struct err_report rep;
	const char *value;

	(void)state;
	u.mail = "";
	d.fqdn = NULL;
	err_take(subject_lookup(&who, a, "EmailAddress", &value), &rep);
	assert_int_equal(rep.code, ERR_VARIABLE_EMPTY);
	assert_string_equal(
	    rep.detail, "{{EmailAddress}}: user alice@example.test has no \"mail\"");
	err_take(subject_lookup(&who, a, "FullyQualifiedDomainName", &value), &rep);
	assert_int_equal(rep.code, ERR_VARIABLE_EMPTY);
	assert_string_equal(rep.detail,
	    "{{FullyQualifiedDomainName}}: device laptop has no \"fullyQualifiedDomainName\"");
}

static void
a_variable_of_a_user_needs_one(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct device d = laptop();
	struct subject_of who = { &d, NULL };
	const char *value;

	(void)state;
	expect_err(ERR_NO_USER, subject_lookup(&who, a, "UserName", &value));
	expect_ok(subject_lookup(&who, a, "DeviceName", &value));
}

static void
unknown_variables_name_the_near_match_and_only_a_near_one(void **state)
{
	struct err_report rep;

	(void)state;
	err_take(subject_variable_check("UserNam"), &rep);
	assert_int_equal(rep.code, ERR_VARIABLE_UNKNOWN);
	assert_string_equal(rep.detail, "{{UserNam}} does not exist; did you mean {{UserName}}?");
	err_take(subject_variable_check("CompletelyDifferent"), &rep);
	assert_string_equal(rep.detail, "{{CompletelyDifferent}} does not exist");
	expect_ok(subject_variable_check("USERNAME"));
}

static void
special_characters_in_values_stay_as_they_are(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct user u = alice();
	struct device d = laptop();
	struct subject_of who = { &d, &u };
	struct dn_format *f;
	struct dn dn, back;
	struct str der;

	(void)state;
	expect_ok(dn_format_parse(a, "CN={{GivenName}},O=Example", &f));
	expect_ok(dn_resolve(a, f, subject_lookup, &who, &dn));
	expect_ok(dn_encode(a, &dn, &der));
	expect_ok(dn_decode(a, der, &back));
	assert_int_equal(back.n, 2);
	assert_string_equal(back.rdn[1].ava[0].value, u.given_name);
}

/* The profile of a kind, reduced for alice's laptop. */
static err_t
reduce(struct arena *a, const char *settings, struct user *u, struct primitive *ret)
{
	struct device d = laptop();
	struct subject_of who = { &d, u };
	struct profile p = { .display_name = "P", .settings = settings };
	const struct profile_type *t;
	void *s;

	TRY(profile_type_find("#chancery.linuxPkcsCertificateProfile", &t));
	TRY(profile_settings(a, t->kind, &p, &s));
	TRY(t->kind->check(a, s));
	return t->kind->reduce(a, &p, s, &who, ret);
}

#define CA \
	"\"certificationAuthority\":\"h\",\"certificationAuthorityName\":\"c\",\"certificateTemplateName\":\"t\","

static void
name_formats_without_a_text_stand_for_their_usual_one(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct user u = alice();
	struct primitive p;
	struct dn dn;

	(void)state;
	expect_ok(reduce(a, "{" CA "\"subjectNameFormat\":\"commonNameIncludingEmail\"}", &u, &p));
	expect_ok(dn_decode(a, p.subject, &dn));
	assert_string_equal(dn_print(a, &dn), "CN=alice, E=a@mail.test");
	expect_ok(reduce(a, "{" CA "\"subjectNameFormat\":\"commonNameAsSerialNumber\"}", &u, &p));
	expect_ok(dn_decode(a, p.subject, &dn));
	assert_string_equal(dn_print(a, &dn), "CN=SN1");
	assert_int_equal(p.san.n, 0);
}

static void
alternative_names_come_from_flags_when_there_is_no_list(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct user u = alice();
	struct primitive p;
	struct san *v;
	size_t n;

	(void)state;
	expect_ok(reduce(a,
	    "{" CA "\"subjectAlternativeNameType\":\"userPrincipalName, emailAddress\"}", &u, &p));
	expect_ok(san_decode(a, p.san, &v, &n));
	assert_int_equal(n, 2);
	assert_string_equal(san_print(a, v, n), "mail:a@mail.test, upn:alice@example.test");
	expect_ok(reduce(a,
	    "{" CA "\"subjectAlternativeNameType\":\"domainNameService\","
	    "\"subjectAlternativeNameFormatString\":\"{{DeviceName}}.corp.test\"}",
	    &u, &p));
	expect_ok(san_decode(a, p.san, &v, &n));
	assert_string_equal(v[0].value, "laptop.corp.test");
	expect_err(ERR_MODEL_INVALID,
	    reduce(a, "{" CA "\"subjectAlternativeNameType\":\"universalResourceIdentifier\"}", &u,
		&p));
}

static void
a_certificate_for_users_needs_a_user_and_one_for_machines_does_not(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct primitive p;

	(void)state;
	expect_err(ERR_NO_USER,
	    reduce(a, "{" CA "\"subjectNameFormat\":\"commonNameAsAadDeviceId\"}", NULL, &p));
	expect_ok(reduce(a,
	    "{" CA
	    "\"subjectNameFormat\":\"commonNameAsAadDeviceId\",\"certificateStore\":\"machine\"}",
	    NULL, &p));
	assert_string_equal(p.sid, "");
}

static void
the_hash_changes_with_the_content_and_only_with_it(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct user u = alice();
	struct primitive p, q;

	(void)state;
	expect_ok(reduce(a, "{" CA "\"renewalThresholdPercentage\":20}", &u, &p));
	expect_ok(reduce(a, "{" CA "\"renewalThresholdPercentage\":50}", &u, &q));
	assert_true(str_eq(p.hash, q.hash));
	expect_ok(reduce(a, "{" CA "\"keySize\":\"size4096\"}", &u, &q));
	assert_false(str_eq(p.hash, q.hash));
	u.upn = "bob@example.test";
	expect_ok(reduce(a, "{" CA "\"renewalThresholdPercentage\":20}", &u, &q));
	assert_false(str_eq(p.hash, q.hash));
}

static void
extended_key_uses_are_kept_once_and_must_be_object_identifiers(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct user u = alice();
	struct primitive p;

	(void)state;
	expect_ok(reduce(a,
	    "{" CA
	    "\"extendedKeyUsages\":[{\"name\":\"a\",\"objectIdentifier\":\"1.3.6.1.5.5.7.3.2\"},"
	    "{\"name\":\"b\",\"objectIdentifier\":\"1.3.6.1.5.5.7.3.2\"}]}",
	    &u, &p));
	assert_int_equal(p.nekus, 1);
	expect_err(ERR_MODEL_INVALID,
	    reduce(a,
		"{" CA "\"extendedKeyUsages\":[{\"name\":\"a\",\"objectIdentifier\":\"1.x\"}]}", &u,
		&p));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_variable_gives_its_value),
		cmocka_unit_test(an_empty_value_is_refused_naming_user_or_device_and_field),
		cmocka_unit_test(a_variable_of_a_user_needs_one),
		cmocka_unit_test(unknown_variables_name_the_near_match_and_only_a_near_one),
		cmocka_unit_test(special_characters_in_values_stay_as_they_are),
		cmocka_unit_test(name_formats_without_a_text_stand_for_their_usual_one),
		cmocka_unit_test(alternative_names_come_from_flags_when_there_is_no_list),
		cmocka_unit_test(
		    a_certificate_for_users_needs_a_user_and_one_for_machines_does_not),
		cmocka_unit_test(the_hash_changes_with_the_content_and_only_with_it),
		cmocka_unit_test(extended_key_uses_are_kept_once_and_must_be_object_identifiers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
