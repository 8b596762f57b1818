/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/login.h"
#include "cli/url.h"
#include "expect.h"

static void
reserved_and_foreign_bytes_are_encoded(void **state)
{
	auto_arena struct arena *a = arena_new();

	(void)state;
	assert_string_equal(url_encode(a, "a-b._~Z9"), "a-b._~Z9");
	assert_string_equal(
	    url_encode(a, "a/b?c#d e+f@\xc3\xa4"), "a%2Fb%3Fc%23d%20e%2Bf%40%C3%A4");
	assert_string_equal(url_encode(a, ""), "");
}

static void
quotes_in_a_filter_are_doubled(void **state)
{
	auto_arena struct arena *a = arena_new();

	(void)state;
	assert_string_equal(
	    url_filter(a, "displayName", "O'Hara"), "$filter=displayName%20eq%20%27O%27%27Hara%27");
}

static void
the_host_of_a_link_is_dropped(void **state)
{
	(void)state;
	assert_string_equal(
	    url_path("https://evil.example/v1.0/users?$skiptoken=k1"), "/v1.0/users?$skiptoken=k1");
	assert_string_equal(url_path("https://evil.example"), "");
	assert_string_equal(url_path(""), "");
}

static void
an_address_loses_its_last_slash(void **state)
{
	auto_arena struct arena *a = arena_new();
	const char *url;

	(void)state;
	expect_ok(login_url(a, "https://host:8443/", &url));
	assert_string_equal(url, "https://host:8443");
	expect_ok(login_url(a, "http://127.0.0.1:80", &url));
}

static void
an_address_without_tls_or_with_blanks_is_refused(void **state)
{
	auto_arena struct arena *a = arena_new();
	const char *url;

	(void)state;
	expect_err(ERR_USAGE, login_url(a, "http://host", &url));
	expect_err(ERR_USAGE, login_url(a, "host:8443", &url));
	expect_err(ERR_USAGE, login_url(a, "https://", &url));
	expect_err(ERR_USAGE, login_url(a, "https://a b", &url));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reserved_and_foreign_bytes_are_encoded),
		cmocka_unit_test(quotes_in_a_filter_are_doubled),
		cmocka_unit_test(the_host_of_a_link_is_dropped),
		cmocka_unit_test(an_address_loses_its_last_slash),
		cmocka_unit_test(an_address_without_tls_or_with_blanks_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
