/* SPDX-License-Identifier: Apache-2.0 */
/* What "secrets" of a profile in a file may name, and where it may send what is read. */
#include "cli/config_secrets.h"
#include "codec/json.h"
#include "expect.h"

static void
read_json(const char *text, json **ret)
{
	expect_ok(json_parse(str_c(text), 4096, ret));
}

static void
a_secret_of_the_environment_becomes_its_property(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_json json *in = NULL, *out = json_object_new();
	struct cli c = { .arena = a };

	(void)state;
	setenv("GUESTS_KEY", "correct horse", 1);
	read_json("{\"preSharedKey\": {\"env\": \"GUESTS_KEY\"}}", &in);
	expect_ok(config_secrets_to_api(&c, in, out));
	assert_string_equal(json_text(json_get(out, "preSharedKey")), "correct horse");
}

static void
what_has_a_mark_is_not_sent(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_json json *in = NULL, *out = json_object_new();
	struct cli c = { .arena = a };

	(void)state;
	read_json("{\"preSharedKey\": {\"mark\": \"0f1e2d3c4b5a\"}}", &in);
	expect_ok(config_secrets_to_api(&c, in, out));
	assert_int_equal(json_count(out), 0);
}

/* Who writes the file shall not read the variables of who applies it. */
static void
a_secret_goes_into_no_property_that_is_shown(void **state)
{
	static const char *const bad[] = { "{\"description\": {\"env\": \"GUESTS_KEY\"}}",
		"{\"ssid\": {\"env\": \"GUESTS_KEY\"}}",
		"{\"preSharedKey\": {\"env\": \"GUESTS_KEY\"}, \"networkName\": {\"file\": \"/etc/hostname\"}}",
		"{\"@odata.type\": {\"env\": \"GUESTS_KEY\"}}" };

	(void)state;
	setenv("GUESTS_KEY", "correct horse", 1);
	for (size_t i = 0; i < COUNT(bad); i++) {
		auto_arena struct arena *a = arena_new();
		auto_json json *in = NULL, *out = json_object_new(), *known = NULL;
		struct cli c = { .arena = a };

		read_json(bad[i], &in);
		expect_err(ERR_USAGE, config_secrets_to_api(&c, in, out));
		expect_err(ERR_USAGE, config_secrets_known(&c, "", "", in, NULL, &known));
	}
}

static void
a_place_is_one_and_has_a_name(void **state)
{
	static const char *const bad[] = { "[]", "\"preSharedKey\"",
		"{\"preSharedKey\": \"correct horse\"}", "{\"preSharedKey\": {}}",
		"{\"preSharedKey\": {\"env\": \"\"}}",
		"{\"preSharedKey\": {\"env\": \"GUESTS_KEY\", \"file\": \"x\"}}",
		"{\"preSharedKey\": {\"value\": \"correct horse\"}}",
		"{\"preSharedKey\": {\"env\": \"NOBODY_HAS_SET_THIS\"}}" };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		auto_arena struct arena *a = arena_new();
		auto_json json *in = NULL, *out = json_object_new();
		struct cli c = { .arena = a };

		read_json(bad[i], &in);
		expect_err(ERR_USAGE, config_secrets_to_api(&c, in, out));
		assert_int_equal(json_count(out), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_secret_of_the_environment_becomes_its_property),
		cmocka_unit_test(what_has_a_mark_is_not_sent),
		cmocka_unit_test(a_secret_goes_into_no_property_that_is_shown),
		cmocka_unit_test(a_place_is_one_and_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
