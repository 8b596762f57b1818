/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/slots.h"
#include "expect.h"

static json *
parse(const char *text)
{
	json *j;

	expect_ok(json_parse(str_c(text), 65536, &j));
	return j;
}

static const char *
missing(struct arena *a, const struct slots_goal *goal, const char *text)
{
	auto_json json *slots = parse(text);

	return slots_missing(a, goal, slots);
}

static void
all_installed_reaches_the_goal(void **state)
{
	auto_arena struct arena *a = arena_new();

	(void)state;
	assert_null(missing(a, &(struct slots_goal){ .count = 2 },
	    "[{\"deviceId\":\"1\",\"state\":\"installed\"},{\"deviceId\":\"2\",\"state\":\"renewing\"}]"));
}

static void
one_that_failed_is_named_with_its_fault(void **state)
{
	auto_arena struct arena *a = arena_new();

	(void)state;
	assert_string_equal(
	    missing(a, &(struct slots_goal){ .count = 1 },
		"[{\"deviceId\":\"1\",\"state\":\"installed\"},{\"deviceId\":\"2\",\"deviceName\":\"d2\","
		"\"profileName\":\"WiFi\",\"state\":\"failed\",\"fault\":\"variable-empty\"}]"),
	    "1 of 2 installed; d2/WiFi: failed (variable-empty)");
}

static void
no_slot_at_all_does_not_reach_the_goal(void **state)
{
	auto_arena struct arena *a = arena_new();

	(void)state;
	assert_non_null(missing(a, &(struct slots_goal){ .count = 1 }, "[]"));
}

static void
a_named_device_without_enough_slots_does_not_reach_the_goal(void **state)
{
	auto_arena struct arena *a = arena_new();
	const char *devices[] = { "1", "2" };
	struct slots_goal goal = { .device = devices, .ndevices = 2, .count = 1 };

	(void)state;
	assert_string_equal(missing(a, &goal, "[{\"deviceId\":\"1\",\"state\":\"installed\"}]"),
	    "1 of 1 installed; device 2: 0 of 1 slots are there");
}

static void
removal_waits_for_removed_and_is_reached_by_nothing(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct slots_goal goal = { .count = 1, .removed = true };

	(void)state;
	assert_null(missing(a, &goal, "[]"));
	assert_null(missing(a, &goal, "[{\"state\":\"removed\"}]"));
	assert_non_null(missing(a, &goal, "[{\"state\":\"removing\"}]"));
	assert_non_null(missing(a, &goal, "[{\"state\":\"installed\"}]"));
}

static const char *
took(struct arena *a, const char *text)
{
	auto_json json *slot = parse(text);

	return slot_took(a, slot);
}

static void
the_time_from_assignment_to_installed_has_its_fraction(void **state)
{
	auto_arena struct arena *a = arena_new();

	(void)state;
	assert_string_equal(took(a,
				"{\"assignedDateTime\":\"2026-01-01T10:00:00.250Z\","
				"\"installedDateTime\":\"2026-01-01T10:00:01.5Z\"}"),
	    "1.25 s");
	assert_string_equal(took(a,
				"{\"assignedDateTime\":\"2026-01-01T10:00:00Z\","
				"\"installedDateTime\":\"2026-01-01T10:05:00Z\"}"),
	    "5 min");
}

static void
what_is_not_installed_took_no_time(void **state)
{
	auto_arena struct arena *a = arena_new();

	(void)state;
	assert_string_equal(
	    took(a, "{\"assignedDateTime\":\"2026-01-01T10:00:00Z\",\"installedDateTime\":null}"),
	    "-");
	assert_string_equal(
	    took(a, "{\"assignedDateTime\":\"soon\",\"installedDateTime\":\"later\"}"), "-");
	assert_string_equal(took(a,
				"{\"assignedDateTime\":\"2026-01-01T10:00:01Z\","
				"\"installedDateTime\":\"2026-01-01T10:00:00Z\"}"),
	    "-");
}

static void
rows_are_sorted_by_device_then_profile(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_json json *rows = parse("[{\"deviceName\":\"b\",\"profileName\":\"x\"},"
				     "{\"deviceName\":\"a\",\"profileName\":\"y\"},"
				     "{\"deviceName\":\"a\",\"profileName\":\"x\"}]");
	auto_json json *sorted = NULL;
	struct str text;

	(void)state;
	slots_sort(a, rows, &sorted);
	expect_ok(json_print(a, sorted, &text));
	assert_string_equal(arena_cstr(a, text),
	    "[{\"deviceName\":\"a\",\"profileName\":\"x\"},{\"deviceName\":\"a\",\"profileName\":\"y\"},"
	    "{\"deviceName\":\"b\",\"profileName\":\"x\"}]");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_installed_reaches_the_goal),
		cmocka_unit_test(one_that_failed_is_named_with_its_fault),
		cmocka_unit_test(no_slot_at_all_does_not_reach_the_goal),
		cmocka_unit_test(a_named_device_without_enough_slots_does_not_reach_the_goal),
		cmocka_unit_test(removal_waits_for_removed_and_is_reached_by_nothing),
		cmocka_unit_test(the_time_from_assignment_to_installed_has_its_fraction),
		cmocka_unit_test(rows_are_sorted_by_device_then_profile),
		cmocka_unit_test(what_is_not_installed_took_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
