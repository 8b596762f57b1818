/* SPDX-License-Identifier: Apache-2.0 */
#include "hex.h"

#include "codec/san.h"

static const struct san some[] = {
	{ SAN_UPN, "jane@contoso.example" },
	{ SAN_EMAIL, "jane@contoso.example" },
	{ SAN_DNS, "pc1.contoso.example" },
	{ SAN_URI,
	    "tag:microsoft.com,2022-09-14:sid:S-1-5-21-1004336348-1177238915-682003330-1104" },
	{ SAN_IP, "192.0.2.1" },
	{ SAN_IP, "2001:db8::1" },
	/* directoryName CN=a; NTDS replication GUID */
	{ SAN_DIRECTORY, "a40e300c310a300806035504030c0161" },
	{ SAN_OTHER, "a01f06092b0601040182371901a012041041acc3f7ceb8b44faa583d1dc0e36b39" },
};

static void
what_is_written_is_read(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct str der = STR_EMPTY;
	struct san *back = NULL;
	size_t n = 0;

	(void)state;
	expect_ok(san_encode(a, some, COUNT(some), &der));
	expect_ok(san_decode(a, der, &back, &n));
	assert_int_equal(n, COUNT(some));
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(back[i].type, some[i].type);
		assert_string_equal(back[i].value, some[i].value);
	}
}

static void
a_upn_is_an_other_name(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct str der = STR_EMPTY;

	(void)state;
	expect_ok(san_encode(a, some, 1, &der));
	assert_hex(a, der,
	    "3026 a024 060a2b060104018237140203 a016 0c14 6a616e6540636f6e746f736f2e6578616d706c65");
}

static void
the_sid_uri_has_the_known_bytes(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct str der = STR_EMPTY;

	(void)state;
	expect_ok(san_encode(a, &some[3], 1, &der));
	assert_memory_equal(der.p, "\x30\x50\x86\x4etag:microsoft.com", 21);
}

static void
rejects_values_that_do_not_fit(void **state)
{
	static const struct san bad[] = { { SAN_EMAIL, "j\xc3\xb6rg@x" },
		{ SAN_DNS, "\xc3\xb6.example" }, { SAN_URI, "a b" }, { SAN_UPN, "" },
		{ SAN_UPN, "a\nb" }, { SAN_UPN, "\xff" }, { SAN_IP, "1.2.3" } };
	auto_arena struct arena *a = arena_new();
	struct str der;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		expect_err(ERR_NAME_CHARACTERS, san_encode(a, &bad[i], 1, &der));
	expect_err(ERR_MALFORMED, san_encode(a, some, 0, &der));
	expect_err(ERR_MALFORMED, san_encode(a, &(struct san){ SAN_OTHER, "zz" }, 1, &der));
	expect_err(ERR_MALFORMED, san_encode(a, &(struct san){ SAN_OTHER, "a4023000" }, 1, &der));
	expect_err(ERR_DER, san_encode(a, &(struct san){ SAN_OTHER, "8800" }, 1, &der));
	expect_err(ERR_MALFORMED, san_encode(a, &(struct san){ SAN_OTHER, "820161" }, 1, &der));
}

static void
rejects_der_that_is_no_list_of_names(void **state)
{
	static const char *const bad[] = { "", "3000", "3003 820161 00", "3003 8201ff",
		"3003 820100", "3003 870101", "3003 890161", "3002 a000", "3006 a004 0602 2a03",
		"3105 82036162", "3004 820161", "3011 a00f 060a2b060104018237140203 a001 0c",
		/* kinds that are kept as they are: registered id, other name, directory name, and two of old */
		"3002 8800", "3004 8802 2a80", "3009 a007 0602 2a03 a001 30", "3004 a402 0500",
		"3004 a302 3000", "3007 a505 a103 0c0161" };
	auto_arena struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct san *sans = NULL;
		size_t n;
		err_t e = san_decode(a, hex(a, bad[i]), &sans, &n);

		assert_false(err_ok(e));
		err_forget(e);
		assert_null(sans);
	}
}

static void
lists_compare_as_sets(void **state)
{
	static const struct san x[] = { { SAN_DNS, "A.Example" }, { SAN_EMAIL, "Jane@A.example" } };
	static const struct san y[] = { { SAN_EMAIL, "Jane@a.EXAMPLE" }, { SAN_DNS, "a.example" } };
	static const struct san z[] = { { SAN_EMAIL, "jane@a.example" }, { SAN_DNS, "a.example" } };
	static const struct san u[] = { { SAN_UPN, "jane@a.example" }, { SAN_DNS, "a.example" } };

	(void)state;
	assert_true(san_equal(x, 2, y, 2));
	assert_false(san_equal(x, 2, z, 2));
	assert_false(san_equal(z, 2, u, 2));
	assert_false(san_equal(x, 2, y, 1));
	assert_true(san_equal(NULL, 0, NULL, 0));
}

static void
prints_for_people(void **state)
{
	auto_arena struct arena *a = arena_new();

	(void)state;
	assert_string_equal(san_print(a, some, 3),
	    "upn:jane@contoso.example, mail:jane@contoso.example, dns:pc1.contoso.example");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(a_upn_is_an_other_name),
		cmocka_unit_test(the_sid_uri_has_the_known_bytes),
		cmocka_unit_test(rejects_values_that_do_not_fit),
		cmocka_unit_test(rejects_der_that_is_no_list_of_names),
		cmocka_unit_test(lists_compare_as_sets),
		cmocka_unit_test(prints_for_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
