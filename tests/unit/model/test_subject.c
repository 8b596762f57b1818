/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "model/profile.h"
#include "model/subject.h"
#include "store/user_pfx.h"

static const struct id device_id = { { 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x47, 0x88, 0x99, 0xaa,
    0xbb, 0xcc, 0xdd, 0xee, 0xff, 1 } };

static struct user
alice(void)
{
	return (struct user){ .upn = "alice@example.test",
		.mail = "a@mail.test",
		.sam_account = "alice1",
		.sid = "S-1-5-21-1-2-3-1104",
		.op_upn = "alice@corp.test",
		.given_name = " +Al;i,c=e \"\\#",
		.dn = "CN=Alice,OU=People,DC=example,DC=test",
		.enabled = true };
}

static struct device
laptop(void)
{
	return (struct device){
		.id = device_id,
		.name = "laptop",
		.serial = "SN1",
		.fqdn = "laptop.example.test",
		.imei = "49 015420 323751 8",
		.meid = "A10000009296F2",
		.wifi_mac = "00:11:22:33:44:55",
		.sid = "S-1-5-21-1-2-3-2001",
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
		{ "IMEINumber", "490154203237518" },
		{ "Device_IMEI", "490154203237518" },
		{ "imei", "490154203237518" },
		{ "MEID", "A10000009296F2" },
		{ "WiFiMacAddress", "00:11:22:33:44:55" },
		{ "OnPrem_Distinguished_Name", "CN=Alice,OU=People,DC=example,DC=test" },
		{ "OnPremisesDistinguishedName", "CN=Alice,OU=People,DC=example,DC=test" },
		{ "OnPremisesUserPrincipalName", "alice@corp.test" },
		{ "OnPremisesSecurityIdentifier", "S-1-5-21-1-2-3-1104" },
	};
	auto_arena struct arena *a = arena_new();
	struct user u = alice();
	struct device d = laptop();
	struct subject_of who = { .device = &d, .user = &u };
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
	struct subject_of who = { .device = &d, .user = &u };
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
	struct subject_of who = { .device = &d };
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
	struct subject_of who = { .device = &d, .user = &u };
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

static void
identifiers_that_the_platform_keeps_to_itself_are_unavailable_by_policy(void **state)
{
	static const struct {
		const char *platform, *os_version, *enrol_type, *withheld, *variable;
		enum err_code code;
	} rows[] = {
		{ "androidWorkProfile", "12", "", "", "SerialNumber", ERR_VARIABLE_WITHHELD },
		{ "androidWorkProfile", "14.1", "", "", "IMEI", ERR_VARIABLE_WITHHELD },
		{ "androidWorkProfile", "11", "", "", "SerialNumber", ERR_VARIABLE_EMPTY },
		{ "androidDeviceOwner", "14", "", "", "SerialNumber", ERR_VARIABLE_EMPTY },
		{ "ios", "17", "appleUserEnrollment", "", "WiFiMacAddress", ERR_VARIABLE_WITHHELD },
		{ "ios", "17", "appleUserEnrollmentWithServiceAccount", "", "MEID",
		    ERR_VARIABLE_WITHHELD },
		{ "ios", "17", "appleBulkWithUser", "", "MEID", ERR_VARIABLE_EMPTY },
		{ "ios", "17", "appleUserEnrollment", "", "DeviceName", ERR_VARIABLE_EMPTY },
		{ "linux", "12", "", "fullyQualifiedDomainName, serialNumber", "Device_Serial",
		    ERR_VARIABLE_WITHHELD },
	};
	auto_arena struct arena *a = arena_new();
	struct err_report rep;
	const char *value;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct device d = { .id = device_id,
			.platform = rows[i].platform,
			.os_version = rows[i].os_version,
			.enrol_type = rows[i].enrol_type,
			.withheld = rows[i].withheld };
		struct subject_of who = { .device = &d };

		err_take(subject_lookup(&who, a, rows[i].variable, &value), &rep);
		assert_int_equal(rep.code, rows[i].code);
		assert_int_equal(rep.code == ERR_VARIABLE_WITHHELD,
		    strstr(rep.detail, "unavailable by policy") != NULL);
		/* What was on record before stays good. */
		d.serial = d.imei = d.meid = d.wifi_mac = d.name = "known";
		expect_ok(subject_lookup(&who, a, rows[i].variable, &value));
		assert_string_equal(value, "known");
	}
}

static void
windows_that_joined_no_domain_has_no_full_name(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct device d = laptop();
	struct subject_of who = { .device = &d };
	struct err_report rep;
	const char *value;

	(void)state;
	d.platform = "windows";
	d.join_type = JOIN_HYBRID;
	expect_ok(subject_lookup(&who, a, "FullyQualifiedDomainName", &value));
	d.join_type = JOIN_JOINED;
	expect_err(ERR_VARIABLE_EMPTY, subject_lookup(&who, a, "FullyQualifiedDomainName", &value));
	d.join_type = JOIN_REGISTERED;
	err_take(subject_lookup(&who, a, "FullyQualifiedDomainName", &value), &rep);
	assert_int_equal(rep.code, ERR_VARIABLE_EMPTY);
	assert_non_null(strstr(rep.detail, "not joined to a domain"));
}

/* A profile, reduced for alice's laptop. */
static err_t
reduce_as(struct arena *a, const char *type, const char *settings, struct user *u,
    const struct user_pfx *pfx, size_t npfx, struct primitive *ret)
{
	struct device d = laptop();
	struct subject_of who = { .device = &d, .user = u, .pfx = pfx, .npfx = npfx };
	struct profile p = { .display_name = "P", .type = type, .settings = settings };
	struct warnings warn = { .n = 0 };
	const struct profile_type *t;
	void *s;

	TRY(profile_type_find(type, &t));
	d.platform = t->platform;
	TRY(profile_settings(a, t->kind, &p, &s));
	TRY(t->kind->check(a, t, s, &warn));
	return t->kind->reduce(a, &p, s, &who, ret);
}

static err_t
reduce(struct arena *a, const char *settings, struct user *u, struct primitive *ret)
{
	return reduce_as(a, "#chancery.linuxPkcsCertificateProfile", settings, u, NULL, 0, ret);
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
	assert_string_equal(p.sid, "S-1-5-21-1-2-3-2001");
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
a_key_on_a_curve_signs_only_and_is_other_content(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct user u = alice();
	struct primitive rsa, said, p256, p384, p;

	(void)state;
	expect_ok(reduce(a, "{" CA "\"keySize\":\"size2048\"}", &u, &rsa));
	expect_ok(reduce(a, "{" CA "\"@chancery.keyAlgorithm\":\"rsa\"}", &u, &said));
	expect_ok(reduce(a, "{" CA "\"@chancery.keyAlgorithm\":\"p256\"}", &u, &p256));
	expect_ok(reduce(a, "{" CA "\"@chancery.keyAlgorithm\":\"p384\"}", &u, &p384));
	assert_int_equal(rsa.key_alg, KEY_RSA);
	assert_int_equal(rsa.key_usage, 0xa0);
	assert_true(str_eq(rsa.hash, said.hash));
	assert_int_equal(p256.key_alg, KEY_EC);
	assert_int_equal(p256.key_bits, KEY_P256);
	assert_int_equal(p256.key_usage, 0x80);
	assert_int_equal(p384.key_bits, KEY_P384);
	assert_false(str_eq(rsa.hash, p256.hash));
	assert_false(str_eq(p256.hash, p384.hash));
	expect_err(ERR_MODEL_INVALID,
	    reduce(
		a, "{" CA "\"keySize\":\"size4096\",\"@chancery.keyAlgorithm\":\"p256\"}", &u, &p));
	expect_err(
	    ERR_MODEL_INVALID, reduce(a, "{" CA "\"@chancery.keyAlgorithm\":\"p521\"}", &u, &p));
	expect_ok(reduce_as(a, "#microsoft.graph.windows10PkcsCertificateProfile",
	    "{" CA "\"@chancery.keyAlgorithm\":\"p256\"}", &u, NULL, 0, &p));
	expect_err(ERR_MODEL_INVALID,
	    reduce_as(a, "#microsoft.graph.windows10PkcsCertificateProfile",
		"{" CA "\"@chancery.keyAlgorithm\":\"p256\","
		"\"keyStorageProvider\":\"useTpmKspOtherwiseFail\"}",
		&u, NULL, 0, &p));
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

static void
a_certificate_of_the_device_has_nothing_of_the_user(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct user u = alice();
	struct primitive p;
	struct dn dn;

	(void)state;
	expect_ok(reduce(a, "{" CA "\"certificateStore\":\"machine\"}", &u, &p));
	expect_ok(dn_decode(a, p.subject, &dn));
	assert_string_equal(dn_print(a, &dn), "CN=11223344-5566-4788-99aa-bbccddeeff01");
	assert_string_equal(p.sid, "S-1-5-21-1-2-3-2001");
	assert_true(p.of_machine);
	expect_ok(reduce(a,
	    "{" CA "\"subjectNameFormat\":\"custom\",\"subjectNameFormatString\":"
	    "\"{{onPremisesDistinguishedName}}\"}",
	    &u, &p));
	expect_ok(dn_decode(a, p.subject, &dn));
	assert_string_equal(dn_print(a, &dn), "CN=Alice, OU=People, DC=example, DC=test");
	expect_err(ERR_VARIABLE_PLACE,
	    reduce(a,
		"{" CA
		"\"certificateStore\":\"machine\",\"subjectNameFormat\":\"commonNameAsEmail\"}",
		&u, &p));
}

static void
the_sid_can_be_switched_and_rolled_out_with_renewals(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct user u = alice();
	struct primitive on, off, later;

	(void)state;
	expect_ok(reduce(a, "{" CA "\"@chancery.sidExtension\":\"enabled\"}", &u, &on));
	expect_ok(reduce(a, "{" CA "\"@chancery.sidExtension\":\"disabled\"}", &u, &off));
	expect_ok(reduce(a, "{" CA "\"@chancery.sidExtension\":\"atRenewal\"}", &u, &later));
	assert_string_equal(on.sid, u.sid);
	assert_string_equal(off.sid, "");
	assert_string_equal(later.sid, u.sid);
	/* At once: other content. With renewals: the same. */
	assert_false(str_eq(on.hash, off.hash));
	assert_true(str_eq(off.hash, later.hash));
}

static void
a_uri_of_the_security_identifier_is_the_tag_that_windows_knows(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct user u = alice();
	struct primitive p;
	struct san *v;
	size_t n;

	(void)state;
	expect_ok(reduce(a,
	    "{" CA
	    "\"customSubjectAlternativeNames\":[{\"sanType\":\"universalResourceIdentifier\","
	    "\"name\":\"{{OnPremisesSecurityIdentifier}}\"}]}",
	    &u, &p));
	expect_ok(san_decode(a, p.san, &v, &n));
	assert_string_equal(v[0].value, "tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-1104");
}

#define SCEP_SETTINGS \
	"\"scepServerUrls\":[\"https://scep.test/\"],\"keySize\":\"size4096\",\"keyUsage\":" \
	"\"digitalSignature,keyEncipherment\",\"hashAlgorithm\":\"sha2\""

static void
scep_becomes_an_enrolment_with_its_key_and_its_address(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct user u = alice();
	struct primitive p, q;

	(void)state;
	expect_ok(reduce_as(a, "#microsoft.graph.windows81SCEPCertificateProfile",
	    "{" SCEP_SETTINGS ",\"keyStorageProvider\":\"useSoftwareKsp\","
	    "\"certificateValidityPeriodScale\":\"months\",\"certificateValidityPeriodValue\":6}",
	    &u, NULL, 0, &p));
	assert_int_equal(p.kind, PRIM_ENROL);
	assert_int_equal(p.nurls, 1);
	assert_string_equal(p.urls[0], "https://scep.test/");
	assert_int_equal(p.key_bits, 4096);
	assert_int_equal(p.key_usage, 0xa0);
	assert_int_equal(p.hashes, HASH_SHA2);
	assert_int_equal(p.key_store, KEY_STORE_SOFTWARE);
	assert_int_equal(p.validity_days, 180);
	expect_ok(reduce_as(a, "#microsoft.graph.androidDeviceOwnerScepCertificateProfile",
	    "{" SCEP_SETTINGS
	    ",\"certificateAccessType\":\"specificApps\",\"silentCertificateAccessDetails\":"
	    "[{\"packageId\":\"com.example.mail\"}]}",
	    &u, NULL, 0, &q));
	assert_int_equal(q.access.npackages, 1);
	assert_string_equal(q.access.packages[0], "com.example.mail");
	assert_int_equal(q.key_store, KEY_STORE_ANY);
	assert_false(str_eq(p.hash, q.hash));
}

static void
imported_certificates_are_those_of_the_purpose_older_ones_too(void **state)
{
	static const struct user_pfx has[] = {
		{ .thumbprint = "aa", .purpose = PFX_SMIME_ENCRYPTION, .not_after = 300 },
		{ .thumbprint = "bb", .purpose = PFX_SMIME_SIGNING, .not_after = 200 },
		{ .thumbprint = "cc", .purpose = PFX_SMIME_ENCRYPTION, .not_after = 100 },
		{ .thumbprint = "dd", .purpose = PFX_WIFI, .not_after = 100 },
	};
	static const struct {
		const char *purpose, *first;
		size_t n;
	} rows[] = {
		{ "smimeEncryption", "aa", 2 },
		{ "smimeSigning", "bb", 1 },
		{ "wifi", "dd", 1 },
	};
	auto_arena struct arena *a = arena_new();
	const char *type = "#microsoft.graph.iosImportedPFXCertificateProfile";
	struct user u = alice();
	struct primitive p, q;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		expect_ok(reduce_as(a, type,
		    arena_printf(a, "{\"intendedPurpose\":\"%s\"}", rows[i].purpose), &u, has,
		    COUNT(has), &p));
		assert_int_equal(p.kind, PRIM_IMPORT);
		assert_int_equal(p.npfx, rows[i].n);
		assert_string_equal(p.pfx[0].thumbprint, rows[i].first);
	}
	expect_ok(reduce_as(a, type, "{\"intendedPurpose\":\"smimeEncryption\"}", &u, has, 2, &q));
	expect_ok(reduce_as(a, type, "{\"intendedPurpose\":\"smimeEncryption\"}", &u, has, 3, &p));
	assert_false(str_eq(p.hash, q.hash));
	expect_err(ERR_PFX_NONE, reduce_as(a, type, "{}", &u, has, COUNT(has), &p));
	expect_err(ERR_NO_USER, reduce_as(a, type, "{}", NULL, NULL, 0, &p));
}

#define APPS(name) \
	"{\"intendedPurpose\":\"vpn\",\"certificateAccessType\":\"specificApps\"," \
	"\"silentCertificateAccessDetails\":[{\"packageId\":\"com.example." name "\"}]}"

static void
who_may_use_the_key_of_an_imported_certificate_is_the_profiles_word(void **state)
{
	static const struct user_pfx has[] = {
		{ .thumbprint = "aa", .purpose = PFX_VPN, .not_after = 300 },
		{ .thumbprint = "bb", .purpose = PFX_VPN, .not_after = 200 },
	};
	const char *type = "#microsoft.graph.androidDeviceOwnerImportedPFXCertificateProfile";
	const char *mac = "#microsoft.graph.macOSImportedPFXCertificateProfile";
	auto_arena struct arena *a = arena_new();
	struct user u = alice();
	const struct profile_type *t;
	struct primitive p, q, one;

	(void)state;
	expect_ok(reduce_as(a, type, APPS("vpn"), &u, has, 2, &p));
	assert_int_equal(p.access.npackages, 1);
	assert_string_equal(p.access.packages[0], "com.example.vpn");
	expect_ok(profile_type_find(type, &t));
	expect_ok(t->kind->item(a, &p, 1, &one));
	assert_int_equal(one.access.npackages, 1);
	/* Another list is another thing to install: nothing else would bring it. */
	expect_ok(reduce_as(a, type, APPS("mail"), &u, has, 2, &q));
	assert_false(str_eq(p.hash, q.hash));
	expect_ok(reduce_as(a, type, "{\"intendedPurpose\":\"vpn\"}", &u, has, 2, &q));
	assert_int_equal(q.access.npackages, 0);
	expect_ok(reduce_as(a, mac,
	    "{\"intendedPurpose\":\"vpn\",\"deploymentChannel\":\"userChannel\"}", &u, has, 2, &p));
	assert_true(p.access.user_channel);
	expect_ok(reduce_as(a, mac, "{\"intendedPurpose\":\"vpn\"}", &u, has, 2, &p));
	assert_false(p.access.user_channel);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    who_may_use_the_key_of_an_imported_certificate_is_the_profiles_word),
		cmocka_unit_test(
		    identifiers_that_the_platform_keeps_to_itself_are_unavailable_by_policy),
		cmocka_unit_test(windows_that_joined_no_domain_has_no_full_name),
		cmocka_unit_test(a_certificate_of_the_device_has_nothing_of_the_user),
		cmocka_unit_test(the_sid_can_be_switched_and_rolled_out_with_renewals),
		cmocka_unit_test(a_uri_of_the_security_identifier_is_the_tag_that_windows_knows),
		cmocka_unit_test(scep_becomes_an_enrolment_with_its_key_and_its_address),
		cmocka_unit_test(imported_certificates_are_those_of_the_purpose_older_ones_too),
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
		cmocka_unit_test(a_key_on_a_curve_signs_only_and_is_other_content),
		cmocka_unit_test(extended_key_uses_are_kept_once_and_must_be_object_identifiers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
