/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "codec/rule.h"

/* A Windows machine without a category. */
static const struct rule_facts laptop = {
	.v = {
	    [RULE_DEVICE_NAME] = "Laptop-7",
	    [RULE_MANUFACTURER] = "Dell",
	    [RULE_MODEL] = "Latitude 5440",
	    [RULE_OS_VERSION_NUMBER] = "10.0.22621.9",
	    [RULE_OS_VERSION] = "10.0.22621.9",
	    [RULE_OWNERSHIP] = "Corporate",
	    [RULE_CPU] = "amd64",
	    [RULE_SKU] = "Enterprise",
	},
};

static bool
matches(const char *text)
{
	auto_arena struct arena *a = arena_new();
	struct rule *r;
	err_t e = rule_parse(a, text, 0, &r);

	if (!err_ok(e))
		fail_msg("%s: %s", text, err_detail());
	return rule_match(r, &laptop);
}

static void
every_operator_says_yes_and_no(void **state)
{
	static const struct {
		const char *yes, *no;
	} rows[] = {
		{ "device.manufacturer -eq \"DELL\"", "device.manufacturer -eq \"HP\"" },
		{ "device.manufacturer -ne \"HP\"", "device.manufacturer -ne \"dell\"" },
		{ "device.model -startsWith \"lat\"", "device.model -startsWith \"5440\"" },
		{ "device.model -notStartsWith \"x\"", "device.model -notStartsWith \"L\"" },
		{ "device.model -endsWith \"5440\"", "device.model -endsWith \"L\"" },
		{ "device.model -notEndsWith \"L\"", "device.model -notEndsWith \"40\"" },
		{ "device.model -contains \"TUDE\"", "device.model -contains \"desk\"" },
		{ "device.model -notContains \"desk\"", "device.model -notContains \"tude\"" },
		{ "device.deviceName -in [\"a\",\"laptop-7\"]", "device.deviceName -in [\"a\"]" },
		{ "device.deviceName -notIn ['a']", "device.deviceName -notIn ['laptop-7', 'a']" },
		{ "device.operatingSystemVersion -gt 10.0.9",
		    "device.operatingSystemVersion -gt 10.0.22621.9" },
		{ "device.operatingSystemVersion -ge \"10.0.22621.9\"",
		    "device.operatingSystemVersion -ge 11" },
		{ "device.operatingSystemVersion -lt 10.0.100000",
		    "device.operatingSystemVersion -lt 10" },
		{ "device.operatingSystemVersion -le 10.0.22621.9.0",
		    "device.operatingSystemVersion -le 9.9" },
		{ "device.operatingSystemVersion -eq 10.0.22621.9.0",
		    "device.operatingSystemVersion -eq 10.0.22621" },
		{ "device.deviceOwnership -eq \"corporate\"",
		    "device.deviceOwnership -eq 'Personal'" },
		{ "device.cpuArchitecture -in ['x86','AMD64']",
		    "device.cpuArchitecture -notIn ['amd64']" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (!matches(rows[i].yes))
			fail_msg("does not match: %s", rows[i].yes);
		if (matches(rows[i].no))
			fail_msg("matches: %s", rows[i].no);
	}
}

static void
what_a_device_has_not_equals_nothing_and_differs_from_everything(void **state)
{
	(void)state;
	assert_false(matches("device.deviceCategory -eq \"Sales\""));
	assert_true(matches("device.deviceCategory -ne \"Sales\""));
	assert_true(matches("device.deviceCategory -eq $null"));
	assert_false(matches("device.deviceCategory -ne Null"));
	assert_false(matches("device.model -eq $null"));
	assert_false(matches("device.deviceCategory -contains \"\""));
	assert_true(matches("device.deviceCategory -notIn [\"Sales\"]"));
	assert_false(matches("device.deviceCategory -startsWith \"S\""));
	assert_true(matches("device.deviceTrustType -eq \"unknown\""));
	assert_true(matches("device.isRooted -ne True"));
}

static void
and_binds_tighter_than_or_and_dashes_and_case_do_not_matter(void **state)
{
	(void)state;
	assert_true(matches(
	    "device.model -eq \"x\" and device.model -eq \"y\" or device.manufacturer -eq \"dell\""));
	assert_false(matches(
	    "device.model -eq \"x\" -and (device.model -eq \"y\" -or DEVICE.Manufacturer EQ 'dell')"));
	assert_true(matches("NOT (device.model -eq \"x\") AND -not device.model equals \"y\""));
	assert_true(matches("not not device.manufacturer eq 'Dell'"));
}

static void
a_rule_that_is_none_is_refused_with_place_and_reason(void **state)
{
	static const struct {
		const char *text, *platform, *word;
	} bad[] = {
		{ "", "linux", "property is expected" },
		{ "device.modell -eq \"x\"", "linux", "device.modell" },
		{ "app.appVersion -eq \"1\"", "ios", "app.appVersion" },
		{ "device.model", "linux", "operator" },
		{ "device.model -like \"x\"", "linux", "operator" },
		{ "device.model -gt \"x\"", "linux", "cannot be compared" },
		{ "device.operatingSystemVersion -startsWith \"10\"", "windows",
		    "cannot be compared" },
		{ "device.model -eq x", "linux", "quotes" },
		{ "device.model -eq \"x", "linux", "closing quote" },
		{ "device.model -eq \"x\" device.model", "linux", "the end is expected" },
		{ "(device.model -eq \"x\"", "linux", "')' is expected" },
		{ "device.model -eq \"x\")", "linux", "the end is expected" },
		{ "device.model -in \"x\"", "linux", "take a list" },
		{ "device.model -in [\"x\"", "linux", "']'" },
		{ "device.model -in [\"x\",]", "linux", "quotes" },
		{ "device.model -in [$null]", "linux", "null" },
		{ "device.model -contains $null", "linux", "null" },
		{ "device.operatingSystemVersion -gt \"ten\"", "windows", "no version" },
		{ "device.deviceOwnership -eq \"Mine\"", "ios", "is never" },
		{ "device.operatingSystemSKU -eq \"Enterprise\"", "linux", "platform" },
		{ "device.isRooted -eq True", "windows", "platform" },
		{ "device.model -eq \"x\" and", "linux", "property is expected" },
		{ "((((((((((((((((((device.model -eq \"x\"))))))))))))))))))", "linux",
		    "too deep" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		auto_arena struct arena *a = arena_new();
		struct rule *r;
		err_t e = rule_parse(a, bad[i].text, rule_platform(bad[i].platform), &r);

		if (!err_is(e, ERR_FILTER_RULE) || strstr(err_detail(), bad[i].word) == NULL)
			fail_msg("%s: %s", bad[i].text, err_detail());
		if (strncmp(err_detail(), "character ", 10) != 0)
			fail_msg("%s: names no place: %s", bad[i].text, err_detail());
		err_forget(e);
	}
}

static void
a_rule_is_bounded(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct rule *r;
	const char *one = "device.model -eq \"x\" or ";
	struct buf b;

	(void)state;
	buf_init(&b, 100000);
	while (b.n <= LIMIT_RULE)
		expect_ok(buf_puts(&b, one));
	expect_ok(buf_puts(&b, "device.model -eq \"x\""));
	expect_err(ERR_FILTER_RULE, rule_parse(a, arena_cstr(a, buf_str(&b)), 0, &r));
	buf_free(&b);
	expect_err(ERR_UTF8, rule_parse(a, "device.model -eq \"\xff\"", 0, &r));
}

static void
versions_compare_by_their_numbers(void **state)
{
	(void)state;
	assert_true(rule_version_cmp("10.0.9", "10.0.22621") < 0);
	assert_true(rule_version_cmp("12", "12.0.0") == 0);
	assert_true(rule_version_cmp("17.4.1", "17.4") > 0);
	assert_true(rule_version_cmp("6.1.0-13-amd64", "6.1.0-13-amd64") == 0);
	assert_true(rule_version_cmp("", "0") == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_operator_says_yes_and_no),
		cmocka_unit_test(what_a_device_has_not_equals_nothing_and_differs_from_everything),
		cmocka_unit_test(and_binds_tighter_than_or_and_dashes_and_case_do_not_matter),
		cmocka_unit_test(a_rule_that_is_none_is_refused_with_place_and_reason),
		cmocka_unit_test(a_rule_is_bounded),
		cmocka_unit_test(versions_compare_by_their_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
