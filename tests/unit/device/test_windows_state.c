/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of a Windows device between two messages. */
#include "windows_box.h"

static struct windows_state
again(struct box *b)
{
	struct windows_state st;
	struct str text;

	expect_ok(windows_state_print(b->a, &b->st, &text));
	windows_state_read(b->a, text, &st);
	return st;
}

static void
what_is_kept_is_read_as_it_was(void **state)
{
	struct box *b = *state;
	struct windows_state st;

	b->st.source = "0A";
	b->st.msg = 7;
	b->st.push = WINDOWS_PUSH_ASKED;
	b->st.rounds = 3;
	b->st.looked = 1700000000;
	sent(b, WINDOWS_TRUST, ROOT_NODE, 418, 0x80070057);
	b->st.sent[0].again = true;
	says(b, PFX_NODE "/Thumbprint", 200, "AB");
	b->st.answers[0].more = true;
	st = again(b);
	assert_string_equal(st.session, "1");
	assert_string_equal(st.source, "0A");
	assert_int_equal(st.msg, 7);
	assert_int_equal(st.push, WINDOWS_PUSH_ASKED);
	assert_int_equal(st.rounds, 3);
	assert_int_equal(st.looked, 1700000000);
	assert_true(st.user && st.facts);
	assert_int_equal(st.nsent, 1);
	assert_int_equal(st.sent[0].op, WINDOWS_TRUST);
	assert_true(st.sent[0].again);
	assert_string_equal(st.sent[0].uri, ROOT_NODE);
	assert_int_equal(st.sent[0].code, 418);
	assert_int_equal(st.sent[0].original, 0x80070057);
	assert_int_equal(st.nanswers, 1);
	assert_true(st.answers[0].more);
	assert_string_equal(st.answers[0].data, "AB");
	assert_string_equal(windows_answer_of(&st, PFX_NODE "/Thumbprint")->data, "AB");
}

static void
what_cannot_be_read_counts_as_none(void **state)
{
	struct box *b = *state;
	struct windows_state st;
	static const char *const texts[] = { "", "{", "[]", "7", "{\"session\":[]}",
		"{\"sent\":[{\"op\":0},{\"op\":99},{}],\"push\":9}" };

	for (size_t i = 0; i < COUNT(texts); i++) {
		windows_state_read(b->a, str_c(texts[i]), &st);
		assert_string_equal(st.session, "");
		assert_int_equal(st.nsent, 0);
		assert_int_equal(st.nanswers, 0);
		assert_int_equal(st.push, WINDOWS_PUSH_UNTOLD);
	}
}

/* Everything that one device may have under way: what is kept of it must be read again, or no session would ever end. */
static void
the_most_that_is_kept_of_a_device_has_room(void **state)
{
	struct box *b = *state;
	struct windows_state st;
	struct str text;

	for (size_t i = 0; i < LIMIT_WINDOWS_SENT; i++)
		sent(b, WINDOWS_SCEP,
		    arena_printf(b->a,
			"./User/Vendor/MSFT/ClientCertificateInstall/SCEP/chancery-%08zx-%016zx", i,
			i),
		    200, 0x80070057);
	for (size_t i = 0; i < LIMIT_WINDOWS_NODES; i++)
		says(b,
		    arena_printf(b->a,
			"./User/Vendor/MSFT/ClientCertificateInstall/SCEP/chancery-%08zx-%016zx/"
			"CertThumbprint",
			i, i),
		    200, i < 16 ? arena_printf(b->a, "%016384d", 7) : ZEROS);
	expect_ok(windows_state_print(b->a, &b->st, &text));
	assert_true(text.n < LIMIT_DEVICE_STATE);
	st = again(b);
	assert_int_equal(st.nsent, LIMIT_WINDOWS_SENT);
	assert_int_equal(st.nanswers, LIMIT_WINDOWS_NODES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(what_is_kept_is_read_as_it_was),
		T(what_cannot_be_read_counts_as_none),
		T(the_most_that_is_kept_of_a_device_has_room),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
