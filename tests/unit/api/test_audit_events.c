/* SPDX-License-Identifier: Apache-2.0 */
/* The audit in Graph's shape, when it is long: dates go by an index, and no answer looks at all of it. */
#include "expect.h"
#include "fixture.h"

#include "store/access.h"

#define EVENTS "/beta/deviceManagement/auditEvents"
#define READ "DeviceManagementApps.Read.All"
#define FIRST 1700000000 /* 2023-11-14T22:13:20Z */

enum { MANY = 21000, GROUPED = 1000 };

struct filling {
	size_t done;
};

/* An event a second. */
static err_t
add_some(struct tx *tx, void *arg)
{
	struct filling *f = arg;

	for (size_t i = 0; i < GROUPED; i++, f->done++) {
		when_set(FIRST + (when_t)f->done);
		TRY(store_audit_add(tx, "app test",
		    f->done == MANY - 5 ? "device.retire" : "user.update", "user x", "", ""));
	}
	return OK;
}

static int
long_setup(void **state)
{
	struct filling fill = { 0 };
	struct fixture *f;

	assert_int_equal(fixture_setup(state), 0);
	f = *state;
	while (fill.done < MANY)
		expect_ok(store_write(f->store, add_some, &fill));
	when_set(0);
	return 0;
}

static size_t
events(const struct reply *r)
{
	return json_count(json_get(r->json, "value"));
}

static void
dates_are_gone_to(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, READ);
	auto_reply struct reply r = call(f, "GET",
	    EVENTS
	    "?$filter=activityDateTime%20ge%202023-11-14T22:13:30Z%20and%20"
	    "activityDateTime%20lt%202023-11-14T22:13:40Z&$orderby=activityDateTime%20desc&$count=true",
	    token, NULL);

	assert_int_equal(r.status, 200);
	assert_int_equal(events(&r), 10);
	assert_int_equal(json_int(json_get(r.json, "@odata.count")), 10);
	assert_string_equal(
	    json_text(json_get(json_at(json_get(r.json, "value"), 0), "activityDateTime")),
	    "2023-11-14T22:13:39.000Z");
}

static void
what_is_after_all_is_nothing(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, READ);
	auto_reply struct reply r = call(
	    f, "GET", EVENTS "?$filter=activityDateTime%20gt%202090-01-01T00:00:00Z", token, NULL);

	assert_int_equal(r.status, 200);
	assert_int_equal(events(&r), 0);
	assert_null(json_get(r.json, "@odata.nextLink"));
}

static void
a_rare_event_is_found_on_a_later_page(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, READ), *next;
	auto_reply struct reply first =
	    call(f, "GET", EVENTS "?$filter=activity%20eq%20'device.retire'", token, NULL);
	auto_reply struct reply second = { 0 };

	assert_int_equal(first.status, 200);
	assert_int_equal(events(&first), 0);
	next = json_text(json_get(first.json, "@odata.nextLink"));
	assert_non_null(strstr(next, EVENTS));
	second = call(f, "GET", strstr(next, EVENTS), token, NULL);
	assert_int_equal(second.status, 200);
	assert_int_equal(events(&second), 1);
	assert_null(json_get(second.json, "@odata.nextLink"));
}

static void
counting_and_sorting_all_of_it_are_refused_in_words(void **state)
{
	static const char *const asked[] = { "?$count=true&$top=1",
		"?$orderby=activityDateTime%20desc" };
	struct fixture *f = *state;
	const char *token = token_for(f, READ);

	for (size_t i = 0; i < COUNT(asked); i++) {
		auto_reply struct reply r =
		    call(f, "GET", arena_printf(f->a, "%s%s", EVENTS, asked[i]), token, NULL);

		assert_int_equal(r.status, 413);
		assert_non_null(strstr(error_message(&r), "$filter"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates_are_gone_to),
		cmocka_unit_test(what_is_after_all_is_nothing),
		cmocka_unit_test(a_rare_event_is_found_on_a_later_page),
		cmocka_unit_test(counting_and_sorting_all_of_it_are_refused_in_words),
	};

	return cmocka_run_group_tests(tests, long_setup, fixture_teardown);
}
