/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses that secrets are sent to: what could be read as another host than it looks is refused. */
#include "expect.h"

#include "net/fetch.h"

static void
addresses_of_servers_and_of_this_machine_are_taken(void **state)
{
	static const char *const good[] = {
		"https://hooks.contoso.example/chancery",
		"https://hooks.contoso.example:8443/a?b=c@d",
		"https://10.0.0.7/",
		"https://[2001:db8::1]:8443/hook",
		"http://127.0.0.1:8080/hook",
		"http://localhost:8080",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		if (!fetch_address_good(good[i]))
			fail_msg("refused: %s", good[i]);
}

static void
what_only_looks_like_this_machine_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"https://",
		"https:///path",
		"http://contoso.example/",
		"http://127.0.0.1/",
		"http://127.0.0.1:80@contoso.example/",
		"http://localhost:x@contoso.example/",
		"http://127.0.0.1:80\\@contoso.example/",
		"http://127.0.0.1.contoso.example:80/",
		"https://user:password@contoso.example/",
		"https://contoso.example\\@127.0.0.1/",
		"https://contoso.example/a b",
		"https://contoso.example/\n",
		"https://contoso%2eexample/",
		"ftp://contoso.example/",
		"HTTPS://contoso.example/",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (fetch_address_good(bad[i]))
			fail_msg("taken: %s", bad[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_of_servers_and_of_this_machine_are_taken),
		cmocka_unit_test(what_only_looks_like_this_machine_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
