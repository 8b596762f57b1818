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
	windows_push_ask(&edge, &st);
	assert_int_equal(st.nanswers, 0);
	edge.windows_family = FAMILY;
	windows_push_ask(&edge, &st);
	assert_true(asked(&st, WINDOWS_PUSH_FAMILY));
	assert_int_equal(st.nanswers, 3);
	/* Once a session, and once more after it was told the application. */
	st.facts = true;
	st.nanswers = 0;
	windows_push_ask(&edge, &st);
	assert_int_equal(st.nanswers, 0);
	st.push = WINDOWS_PUSH_TOLD;
	windows_push_ask(&edge, &st);
	assert_int_equal(st.nanswers, 2);
	assert_false(asked(&st, WINDOWS_PUSH_FAMILY));
}

static void
a_channel_is_used_for_its_application_and_when_it_was_not_refused(void **state)
{
	struct windows_push p = { .uri = "https://notify.windows.com/", .family = FAMILY };
	const struct windows_pusher us = { FAMILY, 1 }, other = { "Other_8wekyb3d8bbwe", 1 };

	(void)state;
	assert_true(windows_push_good(&p, &us));
	assert_false(windows_push_good(&p, &other));
	p.refused = WINDOWS_PUSH_DEAD;
	assert_false(windows_push_good(&p, &us));
	p.refused = when_now() - WINDOWS_PUSH_PAUSE;
	assert_true(windows_push_good(&p, &us));
	p.refused = when_now() - WINDOWS_PUSH_PAUSE + 60;
	assert_false(windows_push_good(&p, &us));
	p.refused = 0;
	p.uri = "";
	assert_false(windows_push_good(&p, &us));
}

static void
what_was_refused_says_nothing_of_who_comes_after_that(void **state)
{
	struct windows_push p = { .uri = "https://notify.windows.com/", .family = FAMILY };
	const struct windows_pusher before = { FAMILY, when_now() - 60 },
				    after = { FAMILY, when_now() - 10 };

	(void)state;
	p.refused = when_now() - 30;
	assert_false(windows_push_good(&p, &before));
	assert_true(windows_push_good(&p, &after));
	p.refused = WINDOWS_PUSH_DEAD;
	assert_false(windows_push_good(&p, &after));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_channel_is_asked_for_where_there_is_an_application),
		cmocka_unit_test(a_channel_is_used_for_its_application_and_when_it_was_not_refused),
		cmocka_unit_test(what_was_refused_says_nothing_of_who_comes_after_that),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
