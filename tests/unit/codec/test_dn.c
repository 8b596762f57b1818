/* SPDX-License-Identifier: Apache-2.0 */
#include "hex.h"

#include "codec/dn.h"

static const struct {
	const char *name, *value;
} values[] = {
	{ "UserName", "ada" },
	{ "EmailAddress", "ada@contoso.example" },
	{ "Hard", "  +;,=\"\\#<> {{UserName}} " },
	{ "Long", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
	{ "Umlaut", "J\xc3\xb6rg" },
	{ "Control", "a\nb" },
	{ "Country", "US" },
	{ "OnPrem_Distinguished_Name", "CN=Doe\\, Jane,OU=Sales,DC=contoso,DC=example" },
	{ "Empty", NULL },
	{ "Blank", "  " },
};

static err_t
look(void *ctx, struct arena *a, const char *variable, const char **ret)
{
	(void)ctx;
	(void)a;
	for (size_t i = 0; i < COUNT(values); i++) {
		if (str_ieq_c(str_c(variable), values[i].name)) {
			*ret = values[i].value;
			return OK;
		}
	}
	FAIL(ERR_VARIABLE_UNKNOWN, "%s", variable);
}

static err_t
resolve(struct arena *a, const char *format, struct dn *ret)
{
	struct dn_format *f;

	TRY(dn_format_parse(a, format, &f));
	return dn_resolve(a, f, look, NULL, ret);
}

static const char *
printed(struct arena *a, const char *format)
{
	struct dn dn = { 0 };

	expect_ok(resolve(a, format, &dn));
	return dn_print(a, &dn);
}

static void
formats_fill_and_print(void **state)
{
	static const struct {
		const char *format, *text;
	} good[] = {
		{ "CN={{UserName}}", "CN=ada" },
		{ " cn = {{username}} , O = Finance Group ", "CN=ada, O=Finance Group" },
		{ "CN={{UserName}};O=a\\,b", "CN=ada, O=\"a,b\"" },
		{ "CN=\"say \"\"hi\"\"\"", "CN=\"say \"\"hi\"\"\"" },
		{ "2.5.4.3=x", "CN=x" },
		{ "OID.2.5.4.3=x", "CN=x" },
		{ "1.2.3.4=x", "OID.1.2.3.4=x" },
		{ "CN=a\\,b", "CN=\"a,b\"" },
		{ "CN=\\20a\\20", "CN=\" a \"" },
		{ "CN=J\\C3\\B6rg", "CN=J\xc3\xb6rg" },
		{ "CN=\\#1", "CN=\"#1\"" },
		{ "CN=a=b", "CN=\"a=b\"" },
		{ "CN=x {{UserName}} y", "CN=x ada y" },
		{ "CN=\"A, B\";O=X+OU=Y", "CN=\"A, B\", O=X + OU=Y" },
		{ "E={{EmailAddress}},{{OnPrem_Distinguished_Name}}",
		    "E=ada@contoso.example, CN=\"Doe, Jane\", OU=Sales, DC=contoso, DC=example" },
		{ "C={{Country}}", "C=US" },
	};
	auto_arena struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_string_equal(printed(a, good[i].format), good[i].text);
}

static void
rejects_formats_that_are_none(void **state)
{
	static const char *const bad[] = { "", "CN", "CN=", "=x", "CN=a,", ",CN=a", "CN=a,b",
		"CN=a;O=b,C=US", "NOPE=x", "CN=\"a", "CN=\"a\"b", "CN=a\"b", "CN=a\\", "CN=a\\zz",
		"CN=a\\0g", "CN=\\00", "CN=#0c0161", "CN={{}}", "CN={{User", "CN={{User Name}}",
		"{{UserName}}", "CN=a+", "CN=\xff", "CN=\"\"", "CN=A;B", "1.2.=x" };
	auto_arena struct arena *a = arena_new();
	struct dn_format *f;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		expect_err(ERR_NAME_FORMAT, dn_format_parse(a, bad[i], &f));
}

static void
says_where_a_format_is_wrong(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct dn_format *f;

	(void)state;
	assert_false(err_ok(dn_format_parse(a, "CN=a,XX=b", &f)));
	assert_string_equal(err_detail(), "at character 6: \"XX\" is no attribute of names");
}

static void
values_come_out_to_the_letter(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct dn dn = { 0 }, back = { 0 };
	struct str der = STR_EMPTY;

	(void)state;
	expect_ok(resolve(a, "CN={{Hard}},O=x", &dn));
	expect_ok(dn_encode(a, &dn, &der));
	expect_ok(dn_decode(a, der, &back));
	assert_int_equal(back.n, 2);
	assert_string_equal(back.rdn[1].ava[0].value, values[2].value);
	assert_true(dn_equal(&dn, &back));
}

static void
rejects_values_that_do_not_fit(void **state)
{
	static const struct {
		const char *format;
		enum err_code code;
	} bad[] = {
		{ "CN={{Empty}}", ERR_VARIABLE_EMPTY },
		{ "CN=x{{Blank}}", ERR_VARIABLE_EMPTY },
		{ "CN={{Nobody}}", ERR_VARIABLE_UNKNOWN },
		{ "CN={{Long}}", ERR_NAME_TOO_LONG },
		{ "C=USA", ERR_NAME_CHARACTERS },
		{ "C=U1", ERR_NAME_CHARACTERS },
		{ "E={{Umlaut}}@x.example", ERR_NAME_CHARACTERS },
		{ "SERIALNUMBER=a_b", ERR_NAME_CHARACTERS },
		{ "DC={{Umlaut}}", ERR_NAME_CHARACTERS },
		{ "CN={{Control}}", ERR_NAME_CHARACTERS },
	};
	auto_arena struct arena *a = arena_new();
	struct dn dn;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		expect_err(bad[i].code, resolve(a, bad[i].format, &dn));
}

static void
the_last_part_of_the_text_is_encoded_first(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct str der = STR_EMPTY;
	struct dn dn = { 0 };

	(void)state;
	expect_ok(resolve(a, "O=X+OU=Y;CN=\"A, B\"", &dn));
	expect_ok(dn_encode(a, &dn, &der));
	/* The attributes of one part are sorted by their encoding. */
	assert_hex(a, der,
	    "3025 310d 300b 0603550403 1304 412c2042"
	    "3114 3008 060355040a 130158 3008 060355040b 130159");
}

static void
string_types_follow_the_value(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct str der = STR_EMPTY;
	struct dn dn = { 0 };

	(void)state;
	expect_ok(resolve(a, "CN={{Umlaut}},E=a@b,C=US", &dn));
	expect_ok(dn_encode(a, &dn, &der));
	assert_hex(a, der,
	    "3031 310b 3009 0603550406 1302 5553"
	    "3112 3010 06092a864886f70d010901 1603 614062"
	    "310e 300c 0603550403 0c05 4ac3b67267");
}

static void
names_equal_whatever_their_string_types(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct dn x = { 0 }, y = { 0 }, z = { 0 };

	(void)state;
	expect_ok(dn_decode(a, hex(a, "300c 310a 3008 0603550403 130161"), &x));
	expect_ok(dn_decode(a, hex(a, "300c 310a 3008 0603550403 0c0161"), &y));
	expect_ok(dn_decode(a, hex(a, "300d 310b 3009 0603550403 1e020041"), &z));
	assert_true(dn_equal(&x, &y));
	assert_false(dn_equal(&x, &z));
}

static void
parts_are_the_same_in_whatever_order(void **state)
{
	static const struct {
		const char *one, *two;
		bool same;
	} rows[] = {
		{ "CN=a,O=b,C=DE", "C=DE,O=b,CN=a", true },
		{ "CN=a,O=b,C=DE", "O=b,CN=a,C=DE", true },
		{ "OU=x,OU=y,OU=x", "OU=y,OU=x,OU=x", true },
		{ "OU=x,OU=y,OU=x", "OU=x,OU=y,OU=y", false },
		{ "CN=a,O=b", "CN=b,O=a", false },
		{ "CN=a,O=b", "CN=a", false },
		{ "CN=a+O=b", "CN=a,O=b", false },
		{ "CN=a+O=b,C=DE", "C=DE,O=b+CN=a", true },
		{ "CN=a", "CN=A", false },
	};
	auto_arena struct arena *a = arena_new();
	struct dn one = { 0 }, two = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		expect_ok(resolve(a, rows[i].one, &one));
		expect_ok(resolve(a, rows[i].two, &two));
		assert_int_equal(dn_same_parts(&one, &two), rows[i].same);
		assert_int_equal(dn_same_parts(&two, &one), rows[i].same);
	}
	assert_false(dn_equal(&one, &two));
}

static void
rejects_der_that_is_no_name(void **state)
{
	static const char *const bad[] = { "", "3000 00", "31 00", "3002 3100", "3002 3000",
		"3009 3107 3005 0603550403", "300c 310a 3008 0603550403 130100",
		"300c 310a 3008 0603550403 0401 61", "300c 310a 3008 0603550403 1301 e9",
		"300c 310a 3008 0603550403 0c01 ff", "300d 310b 3009 0603550403 1e02 d800" };
	auto_arena struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct dn dn = { 0 };
		err_t e = dn_decode(a, hex(a, bad[i]), &dn);

		assert_false(err_ok(e));
		err_forget(e);
		assert_null(dn.rdn);
	}
}

static void
variables_are_listed_in_order(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct dn_format *f = NULL;
	const char *const *v = NULL;
	size_t n = 0;

	(void)state;
	expect_ok(dn_format_parse(a, "CN={{A}} {{ b }},O=\"{{A}}\"", &f));
	assert_int_equal(dn_format_variables(f, &v), 3);
	assert_string_equal(v[0], "A");
	assert_string_equal(v[1], "b");
	assert_string_equal(v[2], "A");
	expect_ok(dn_text_variables(a, "x{{A}}@{{b}}", &v, &n));
	assert_int_equal(n, 2);
}

static void
texts_with_variables_resolve(void **state)
{
	auto_arena struct arena *a = arena_new();
	const char *text = NULL;

	(void)state;
	expect_ok(dn_text_resolve(a, "{{UserName}}@x, y", look, NULL, &text));
	assert_string_equal(text, "ada@x, y");
	expect_err(ERR_VARIABLE_EMPTY, dn_text_resolve(a, "a{{Empty}}", look, NULL, &text));
	expect_err(ERR_VARIABLE_UNKNOWN, dn_text_resolve(a, "{{UserNam}}", look, NULL, &text));
	expect_err(ERR_NAME_FORMAT, dn_text_resolve(a, "{{UserName", look, NULL, &text));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_fill_and_print),
		cmocka_unit_test(rejects_formats_that_are_none),
		cmocka_unit_test(says_where_a_format_is_wrong),
		cmocka_unit_test(values_come_out_to_the_letter),
		cmocka_unit_test(rejects_values_that_do_not_fit),
		cmocka_unit_test(the_last_part_of_the_text_is_encoded_first),
		cmocka_unit_test(string_types_follow_the_value),
		cmocka_unit_test(names_equal_whatever_their_string_types),
		cmocka_unit_test(parts_are_the_same_in_whatever_order),
		cmocka_unit_test(rejects_der_that_is_no_name),
		cmocka_unit_test(variables_are_listed_in_order),
		cmocka_unit_test(texts_with_variables_resolve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
