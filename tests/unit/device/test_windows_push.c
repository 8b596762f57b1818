/* SPDX-License-Identifier: Apache-2.0 */
/* How a Windows device is woken: what it is asked, and when its channel is used. */
#include "expect.h"

#include "base/limits.h"
#include "device/windows_push.h"

#define FAMILY "Contoso.Management_8wekyb3d8bbwe"

static bool
asked(const struct windows_state *st, const char *uri)
{
	for (size_t i = 0; i < st->nanswers; i++)
		if (strcmp(st->answers[i].uri, uri) == 0)
			return true;
	return false;
}

static void
the_channel_is_asked_for_where_there_is_an_application(void **state)
{
	struct device_edge edge = { .windows_family = "" };
	struct windows_answer room[LIMIT_WINDOWS_NODES];
	struct windows_state st = { .session = "1", .source = "", .answers = room };

	(void)state;
	expect_ok(windows_push_ask(&edge, &st));
	assert_int_equal(st.nanswers, 0);
	edge.windows_family = FAMILY;
	expect_ok(windows_push_ask(&edge, &st));
	assert_true(asked(&st, WINDOWS_PUSH_FAMILY));
	assert_int_equal(st.nanswers, 3);
	/* Once a session, and once more after it was told the application. */
	st.facts = true;
	st.nanswers = 0;
	expect_ok(windows_push_ask(&edge, &st));
	assert_int_equal(st.nanswers, 0);
	st.push = WINDOWS_PUSH_TOLD;
	expect_ok(windows_push_ask(&edge, &st));
	assert_int_equal(st.nanswers, 2);
	assert_false(asked(&st, WINDOWS_PUSH_FAMILY));
}

static void
a_channel_is_used_for_its_application_and_when_it_is_not_silent(void **state)
{
	struct windows_push p = { .uri = "https://notify.windows.com/", .family = FAMILY };

	(void)state;
	assert_true(windows_push_good(&p, FAMILY));
	assert_false(windows_push_good(&p, "Other_8wekyb3d8bbwe"));
	p.silent = WINDOWS_PUSH_DEAD;
	assert_false(windows_push_good(&p, FAMILY));
	p.silent = when_now() - 1;
	assert_true(windows_push_good(&p, FAMILY));
	p.uri = "";
	assert_false(windows_push_good(&p, FAMILY));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_channel_is_asked_for_where_there_is_an_application),
		cmocka_unit_test(a_channel_is_used_for_its_application_and_when_it_is_not_silent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
