/* SPDX-License-Identifier: Apache-2.0 */
/* What DigiCert's API is sent, and what is taken from its answers. The texts are those of its documentation. */
#include "../expect.h"

#include "codec/digicert.h"
#include "codec/dn.h"
#include "codec/san.h"

static err_t
no_variables(void *ctx, struct arena *a, const char *variable, const char **ret)
{
	(void)ctx;
	(void)a;
	(void)ret;
	FAIL(ERR_VARIABLE_UNKNOWN, "%s", variable);
}

static struct str
subject(struct arena *a, const char *text)
{
	struct dn_format *f;
	struct dn dn;
	struct str der;

	expect_ok(dn_format_parse(a, text, &f));
	expect_ok(dn_resolve(a, f, no_variables, NULL, &dn));
	expect_ok(dn_encode(a, &dn, &der));
	return der;
}

static struct order
order_of(struct arena *a, const char *name)
{
	struct order o = {
		.template = "36f011b7-5fa1-4c6d-83f3-ee59c4d54bb0", .sid = "", .keep = ""
	};

	expect_ok(id_parse(LIT("4f1c2d3e-0000-4000-8000-000000000001"), &o.id));
	o.subject = subject(a, name);
	return o;
}

static void
every_name_of_an_order_has_its_field(void **state)
{
	auto_arena struct arena *a = arena_new();
	const struct san sans[] = { { SAN_UPN, "ada@corp.test" }, { SAN_EMAIL, "ada@corp.test" },
		{ SAN_DNS, "a.corp.test" }, { SAN_DNS, "b.corp.test" }, { SAN_URI, "tag:x" },
		{ SAN_IP, "192.0.2.1" } };
	struct order o = order_of(a,
	    "CN=\"Ada \"\"L\"\"\",E=ada@corp.test,OU=One,OU=Two,O=Corp,L=Paris,ST=IdF,C=FR,DC=corp,DC=test");
	auto_json json *got = NULL;
	json *names, *san;
	struct str text;

	(void)state;
	expect_ok(san_encode(a, sans, COUNT(sans), &o.san));
	expect_ok(digicert_ask(a, &o, LIT("csr"), &text));
	expect_ok(json_parse(text, 65536, &got));
	assert_string_equal(json_text(json_get(json_get(got, "profile"), "id")), o.template);
	assert_string_equal(json_text(json_get(json_get(got, "seat"), "seat_id")),
	    "chancery-4f1c2d3e-0000-4000-8000-000000000001");
	assert_string_equal(json_text(json_get(got, "csr")),
	    "-----BEGIN CERTIFICATE REQUEST-----\nY3Ny\n-----END CERTIFICATE REQUEST-----\n");
	assert_string_equal(json_text(json_get(got, "delivery_format")), "x509");
	assert_true(json_true(json_get(got, "include_ca_chain")));
	names = json_get(json_get(got, "attributes"), "subject");
	assert_string_equal(json_text(json_get(names, "common_name")), "Ada \"L\"");
	assert_string_equal(json_text(json_get(names, "email")), "ada@corp.test");
	assert_string_equal(json_text(json_get(names, "organization_name")), "Corp");
	assert_string_equal(json_text(json_get(names, "locality")), "Paris");
	assert_string_equal(json_text(json_get(names, "state")), "IdF");
	assert_string_equal(json_text(json_get(names, "country")), "FR");
	assert_int_equal(json_count(json_get(names, "organization_units")), 2);
	assert_int_equal(json_count(json_get(names, "domain_component")), 2);
	san = json_get(
	    json_get(json_get(json_get(got, "attributes"), "extensions"), "san"), "dns_names");
	assert_int_equal(json_count(san), 2);
	assert_string_equal(json_text(json_at(san, 1)), "b.corp.test");
}

static void
a_name_that_it_has_no_field_for_is_refused(void **state)
{
	static const char *const names[] = { "CN=a,UID=ada", "CN=a,T=Dr", "CN=a,CN=b" };
	auto_arena struct arena *a = arena_new();
	const struct san other = { SAN_DIRECTORY, "a40b3009310730050603550403" };
	struct order o;
	struct str text;

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		o = order_of(a, names[i]);
		expect_err(ERR_UNSUPPORTED, digicert_ask(a, &o, LIT("csr"), &text));
	}
	o = order_of(a, "CN=a");
	err_forget(san_encode(a, &other, 1, &o.san));
	if (o.san.n > 0)
		expect_err(ERR_UNSUPPORTED, digicert_ask(a, &o, LIT("csr"), &text));
}

static void
a_certificate_comes_as_pem_with_or_without_its_chain_or_as_base64(void **state)
{
	static const struct {
		const char *text;
		size_t n;
	} rows[] = {
		{ "-----BEGIN CERTIFICATE-----\\nYQ==\\n-----END CERTIFICATE-----\\n", 1 },
		{ "-----BEGIN CERTIFICATE-----\\nYQ==\\n-----END CERTIFICATE-----\\n"
		  "-----BEGIN CERTIFICATE-----\\nYg==\\n-----END CERTIFICATE-----\\n",
		    2 },
		{ "YQ==", 1 },
	};
	auto_arena struct arena *a = arena_new();
	struct digicert_answer got;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		expect_ok(digicert_answer_parse(a,
		    str_c(arena_printf(a,
			"{\"serial_number\": \"4099AB\", \"delivery_format\": \"x509\", "
			"\"certificate\": \"%s\"}",
			rows[i].text)),
		    &got));
		assert_false(got.pending);
		assert_int_equal(got.ncerts, rows[i].n);
		assert_true(str_eq_c(got.certs[0], "a"));
	}
}

static void
an_answer_that_waits_for_somebody_says_so(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct digicert_answer got;

	(void)state;
	expect_ok(digicert_answer_parse(
	    a, LIT("{\"status\": \"PENDING\", \"request_id\": \"r1\"}"), &got));
	assert_true(got.pending);
	assert_string_equal(got.request_id, "r1");
	expect_ok(digicert_answer_parse(a, LIT("{\"status\": \"pending\"}"), &got));
	assert_true(got.pending);
}

static void
an_answer_that_says_nothing_is_refused(void **state)
{
	static const struct {
		const char *text;
		enum err_code code;
	} rows[] = {
		{ "", ERR_JSON },
		{ "<html>", ERR_JSON },
		{ "{}", ERR_BAD_REQUEST },
		{ "[]", ERR_BAD_REQUEST },
		{ "{\"certificate\": 1}", ERR_BAD_REQUEST },
		{ "{\"certificate\": \"\"}", ERR_BAD_REQUEST },
		{ "{\"status\": \"issued\"}", ERR_BAD_REQUEST },
		{ "{\"certificate\": \"not base64!\"}", ERR_BASE64 },
	};
	auto_arena struct arena *a = arena_new();
	struct digicert_answer got;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		expect_err(rows[i].code, digicert_answer_parse(a, str_c(rows[i].text), &got));
}

static void
a_page_tells_what_is_still_valid(void **state)
{
	static const char thumb[] =
	    "ED9707A73630676168E3D531F622082B422CEEC1955706C1DC75AEEABDB80BCA";
	auto_arena struct arena *a = arena_new();
	struct digicert_page p;

	(void)state;
	expect_ok(digicert_page_parse(a,
	    str_c(arena_printf(a,
		"{\"total\": 9, \"offset\": 0, \"limit\": 4, \"items\": ["
		"{\"serial_number\": \"00AB\", \"status\": \"issued\", \"thumbprint\": \"%s\"},"
		"{\"serial_number\": \"1\", \"status\": \"REVOKED\", \"thumbprint\": \"short\"},"
		"{\"serial_number\": \"2\", \"status\": \"Expired\"},"
		"{\"serial_number\": \"3\", \"status\": \"suspended\"}]}",
		thumb)),
	    &p));
	assert_int_equal(p.n, 4);
	assert_int_equal(p.total, 9);
	assert_true(p.items[0].valid && !p.items[1].valid && !p.items[2].valid && p.items[3].valid);
	assert_string_equal(p.items[0].thumbprint, thumb);
	assert_string_equal(p.items[1].thumbprint, "");
	assert_true(digicert_serial_eq(p.items[0].serial, "ab"));
	assert_false(digicert_serial_eq("ab", "abc"));
}

static void
a_page_whose_serial_could_change_an_address_is_refused(void **state)
{
	static const char *const serials[] = { "", "../x", "12/34", "1?x", "zz",
		"11111111111111111111111111111111111111111" };
	auto_arena struct arena *a = arena_new();
	struct digicert_page p;

	(void)state;
	for (size_t i = 0; i < COUNT(serials); i++)
		expect_err(ERR_BAD_REQUEST,
		    digicert_page_parse(a,
			str_c(arena_printf(a,
			    "{\"items\": [{\"serial_number\": \"%s\", \"status\": \"issued\"}]}",
			    serials[i])),
			&p));
	expect_err(ERR_BAD_REQUEST, digicert_page_parse(a, LIT("{\"total\": 1}"), &p));
	expect_err(ERR_BAD_REQUEST, digicert_page_parse(a, LIT("{\"items\": [1]}"), &p));
}

static void
a_refusal_is_shown_in_its_own_words(void **state)
{
	auto_arena struct arena *a = arena_new();

	(void)state;
	assert_string_equal(
	    digicert_refusal(a,
		LIT("{\"errors\": [{\"code\": \"duplicate_error\", \"message\": \"a\"}, "
		    "{\"code\": \"b\", \"message\": \"c\\u001b[1m\"}]}")),
	    "duplicate_error: a; b: c\\x1b[1m");
	assert_string_equal(
	    digicert_refusal(a, LIT("{\"error\": {\"code\": \"no_access\", \"message\": \"x\"}}")),
	    "no_access: x");
	assert_string_equal(digicert_refusal(a, LIT("<html>gone")), "<html>gone");
	assert_string_equal(digicert_refusal(a, LIT("{}")), "");
}

static void
profiles_that_are_active_are_named(void **state)
{
	static const char *const texts[] = {
		"[{\"id\": \"1\", \"name\": \"Users\", \"status\": \"Active\"}, {\"id\": \"2\", \"name\": \"Old\"}]",
		"{\"items\": [{\"id\": \"1\", \"name\": \"Users\", \"status\": \"ACTIVE\"}]}",
	};
	auto_arena struct arena *a = arena_new();
	const char *names;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		expect_ok(digicert_profiles_parse(a, str_c(texts[i]), &names));
		assert_string_equal(names, "Users (1)");
	}
	expect_ok(digicert_profiles_parse(a, LIT("{}"), &names));
	assert_string_equal(names, "");
	expect_err(ERR_JSON, digicert_profiles_parse(a, LIT("x"), &names));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_name_of_an_order_has_its_field),
		cmocka_unit_test(a_name_that_it_has_no_field_for_is_refused),
		cmocka_unit_test(a_certificate_comes_as_pem_with_or_without_its_chain_or_as_base64),
		cmocka_unit_test(an_answer_that_waits_for_somebody_says_so),
		cmocka_unit_test(an_answer_that_says_nothing_is_refused),
		cmocka_unit_test(a_page_tells_what_is_still_valid),
		cmocka_unit_test(a_page_whose_serial_could_change_an_address_is_refused),
		cmocka_unit_test(a_refusal_is_shown_in_its_own_words),
		cmocka_unit_test(profiles_that_are_active_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
