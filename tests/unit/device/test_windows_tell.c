/* SPDX-License-Identifier: Apache-2.0 */
/* What a Windows device is told, and what not. */
#include "device/windows_tell.h"

#include "pki/made.h"
#include "windows_box.h"

static struct windows_telling
telling(struct box *b, const struct command *v, size_t n, struct buf *out, size_t room)
{
	static const struct device_edge edge;

	return (struct windows_telling){ .edge = &edge,
		.a = b->a,
		.has = &b->has,
		.st = &b->st,
		.v = v,
		.n = n,
		.b = out,
		.room = room };
}

static bool
told(const struct buf *out, const char *text)
{
	return memmem(out->p, out->n, text, strlen(text)) != NULL;
}

static void
what_does_not_fit_comes_later_and_what_never_fits_is_told(void **state)
{
	struct box *b = *state;
	auto_buf struct buf out = { 0 };
	struct primitive what = { .kind = PRIM_TRUST };
	struct command v[] = {
		{ .kind = COMMAND_INSTALL_CA,
		    .id = "s:1",
		    .alias = "a",
		    .der = LIT("one"),
		    .what = &what },
		{ .kind = COMMAND_INSTALL_CA,
		    .id = "s:2",
		    .alias = "b",
		    .der = LIT("two"),
		    .what = &what },
	};
	struct windows_telling t = telling(b, v, 2, &out, 400);

	buf_init(&out, 400);
	expect_ok(windows_tell(&t));
	assert_int_equal(t.told, 1);
	assert_int_equal(t.nheld, 0);
	assert_int_equal(b->st.nsent, 1);
	assert_string_equal(b->st.sent[0].id, "s:1");
	buf_reset(&out);
	t = telling(b, v, 1, &out, 100);
	expect_ok(windows_tell(&t));
	assert_int_equal(t.told, 0);
	assert_int_equal(t.nheld, 1);
	assert_int_equal(t.held[0].status, RESULT_ERROR);
	assert_int_equal(out.n, 0);
}

static void
what_is_for_a_user_waits_for_him(void **state)
{
	struct box *b = *state;
	auto_buf struct buf out = { 0 };
	struct primitive what = { .kind = PRIM_TRUST, .trust_store = TRUST_USER_CA };
	struct command v[] = {
		{ .kind = COMMAND_INSTALL_CA,
		    .id = "s:1",
		    .alias = "a",
		    .der = LIT("one"),
		    .what = &what },
	};
	struct windows_telling t = telling(b, v, 1, &out, 4096);

	buf_init(&out, 4096);
	b->st.user = false;
	expect_ok(windows_tell(&t));
	assert_int_equal(t.told, 0);
	assert_int_equal(t.held[0].status, RESULT_NOT_NOW);
	b->st.user = true;
	expect_ok(windows_tell(&t));
	assert_int_equal(t.told, 1);
}

static void
a_node_that_two_profiles_share_goes_with_the_second(void **state)
{
	struct box *b = *state;
	auto_buf struct buf out = { 0 };
	struct command v[] = {
		{ .kind = COMMAND_REMOVE_CA,
		    .id = "s:1",
		    .alias = "a",
		    .place = ROOT_NODE "#AB12" },
		{ .kind = COMMAND_REMOVE_CA,
		    .id = "s:2",
		    .alias = "b",
		    .place = ROOT_NODE "#AB12" },
	};
	struct windows_telling t = telling(b, v, 1, &out, 4096);

	buf_init(&out, 4096);
	holds(b, "a", ROOT_NODE "#AB12");
	holds(b, "b", ROOT_NODE "#AB12");
	expect_ok(windows_tell(&t));
	assert_int_equal(out.n, 0);
	assert_int_equal(b->st.sent[0].code, 200);
	b->st.nsent = 0;
	t.n = 2;
	expect_ok(windows_tell(&t));
	assert_int_equal(t.told, 2);
}

static void
what_the_device_trusts_for_the_service_goes_with_its_enrolment_only(void **state)
{
	struct box *b = *state;
	auto_buf struct buf out = { 0 };
	/* SHA-1 of "x" and of "y" */
	static const char *const places[] = {
		"./Device/Vendor/MSFT/RootCATrustedCertificates/Root/"
		"11F6AD8EC52A2984ABAAFD7C3B516503785C2072#11F6AD8EC52A2984ABAAFD7C3B516503785C2072",
		"./Device/Vendor/MSFT/RootCATrustedCertificates/CA/"
		"11F6AD8EC52A2984ABAAFD7C3B516503785C2072#11F6AD8EC52A2984ABAAFD7C3B516503785C2072",
		"./Device/Vendor/MSFT/RootCATrustedCertificates/Root/"
		"95CB0BFD2977C761298D9624E4B4D4C72A39974A#95CB0BFD2977C761298D9624E4B4D4C72A39974A",
	};
	const struct str root = LIT("x");
	const struct device_edge edge = { .roots = &root, .nroots = 1 };

	buf_init(&out, 4096);
	for (size_t i = 0; i < COUNT(places); i++) {
		struct command v[] = {
			{ .kind = COMMAND_REMOVE_CA, .id = "s:1", .alias = "a", .place = places[i] }
		};
		struct windows_telling t = telling(b, v, 1, &out, 4096);

		t.edge = &edge;
		buf_reset(&out);
		b->st.nsent = 0;
		expect_ok(windows_tell(&t));
		assert_int_equal(t.told, i == 0 ? 0 : 1);
		/* It counts as done: the profile is gone from the device. */
		assert_int_equal(b->st.sent[0].code, i == 0 ? 200 : 0);
	}
}

static void
what_lies_there_and_is_another_one_is_replaced_once(void **state)
{
	struct box *b = *state;
	auto_buf struct buf out = { 0 };
	struct primitive what = { .kind = PRIM_TRUST };
	struct command v[] = { { .kind = COMMAND_INSTALL_CA,
	    .id = "s:1",
	    .alias = "a",
	    .der = LIT("x"),
	    .what = &what } };
	struct windows_telling t = telling(b, v, 1, &out, 4096);
	const char *node;

	buf_init(&out, 4096);
	expect_ok(windows_tell(&t));
	assert_true(told(&out, "<Add>"));
	node = arena_printf(b->a, "%s/EncodedCertificate", b->st.sent[0].uri);
	b->st.sent[0].code = 418;
	says(b, node, 200, ZEROS);
	windows_report(b->a, &b->has, &b->st, &b->rep);
	/* Nothing is said of it yet. */
	assert_int_equal(b->rep.nresults, 0);
	assert_int_equal(b->st.nsent, 1);
	buf_reset(&out);
	t = telling(b, v, 1, &out, 4096);
	expect_ok(windows_tell(&t));
	assert_true(told(&out, "<Replace>"));
	assert_false(told(&out, "<Add>"));
	assert_int_equal(b->st.nsent, 1);
	/* One that does not show after that either is told, and is kept no longer. */
	b->st.sent[0].code = 418;
	windows_report(b->a, &b->has, &b->st, &b->rep);
	assert_int_equal(b->rep.nresults, 1);
	assert_int_equal(b->st.nsent, 0);
	/* What is wanted no more is not remembered. */
	sent(b, WINDOWS_TRUST, ROOT_NODE, 418, 0);
	t = telling(b, v, 0, &out, 4096);
	expect_ok(windows_tell(&t));
	assert_int_equal(b->st.nsent, 0);
}

static void
past_as_many_as_are_managed_it_waits_and_says_so(void **state)
{
	struct box *b = *state;
	auto_buf struct buf out = { 0 };
	struct primitive what = { .kind = PRIM_TRUST };
	struct held *has = arena_array(b->a, LIMIT_INVENTORY, sizeof(*has));
	struct command v[] = { { .kind = COMMAND_INSTALL_CA,
				   .id = "s:1",
				   .alias = "new",
				   .der = LIT("x"),
				   .what = &what },
		{ .kind = COMMAND_INSTALL_CA,
		    .id = "s:2",
		    .alias = "7",
		    .der = LIT("y"),
		    .what = &what },
		{ .kind = COMMAND_REMOVE_CA, .id = "s:3", .alias = "8", .place = ROOT_NODE "8" } };
	struct windows_telling t = telling(b, v, COUNT(v), &out, 4096);

	buf_init(&out, 4096);
	for (size_t i = 0; i < LIMIT_INVENTORY; i++)
		has[i] = (struct held){ .alias = arena_printf(b->a, "%zu", i), .place = "" };
	b->has = (struct holdings){ .v = has, .n = LIMIT_INVENTORY, .known = true };
	expect_ok(windows_tell(&t));
	/* Neither what takes the place of another nor what goes waits for that. */
	assert_int_equal(t.told, 2);
	assert_int_equal(t.nheld, 1);
	assert_string_equal(t.held[0].id, "s:1");
	assert_int_equal(t.held[0].status, RESULT_NOT_NOW);
	assert_non_null(strstr(t.held[0].detail, "256"));
	b->has.n--;
	b->st.nsent = 0;
	t = telling(b, v, 1, &out, 4096);
	expect_ok(windows_tell(&t));
	assert_int_equal(t.told, 1);
}

static void
what_is_under_way_already_leaves_no_room_for_more_and_nothing_breaks(void **state)
{
	struct box *b = *state;
	auto_buf struct buf out = { 0 };
	struct command v[] = {
		{ .kind = COMMAND_REMOVE_CA, .id = "s:1", .alias = "a", .place = ROOT_NODE "#AB12" }
	};
	struct windows_telling t = telling(b, v, 1, &out, 4096);

	buf_init(&out, 4096);
	for (size_t i = 0; i < LIMIT_WINDOWS_SENT; i++)
		sent(b, WINDOWS_SCEP, SCEP_NODE, 200, 0);
	sent(b, WINDOWS_SCEP, SCEP_NODE, 200, 0);
	assert_int_equal(b->st.nsent, LIMIT_WINDOWS_SENT);
	expect_ok(windows_tell(&t));
	assert_int_equal(t.told, 0);
	b->st.nsent--;
	expect_ok(windows_tell(&t));
	assert_int_equal(t.told, 1);
}

/* KeyLocation of the command that brings a certificate with such a key. */
static char
location_of(struct box *b, enum key_alg alg, unsigned bits, int store)
{
	auto_buf struct buf out = { 0 };
	struct made made = made_root(b->a, "Key", alg, bits);
	struct primitive what = { .kind = PRIM_DELIVER, .of_machine = true, .key_store = store };
	struct command v[] = {
		{ .kind = COMMAND_INSTALL_IDENTITY,
		    .id = "s:1",
		    .alias = "a",
		    .leaf = cert_der(made.cert),
		    .pfx = LIT("sealed"),
		    .password = LIT("sealed"),
		    .what = &what },
	};
	struct windows_telling t = telling(b, v, 1, &out, 65536);
	const char *text, *at;

	buf_init(&out, 65536);
	b->st.nsent = 0;
	expect_ok(windows_tell(&t));
	assert_int_equal(t.told, 1);
	text = arena_cstr(b->a, buf_str(&out));
	at = strstr(text, "/KeyLocation");
	assert_non_null(at);
	at = strstr(at, "<Data>");
	assert_non_null(at);
	made_free(&made);
	return at[strlen("<Data>")];
}

static void
keys_that_no_chip_takes_go_to_software_unless_a_chip_is_demanded(void **state)
{
	struct box *b = *state;

	assert_int_equal(location_of(b, KEY_RSA, 2048, KEY_STORE_TPM_OR_SOFTWARE), '2');
	assert_int_equal(location_of(b, KEY_RSA, 3072, KEY_STORE_TPM_OR_SOFTWARE), '3');
	assert_int_equal(location_of(b, KEY_EC, 256, KEY_STORE_TPM_OR_SOFTWARE), '3');
	assert_int_equal(location_of(b, KEY_EC, 256, KEY_STORE_TPM), '1');
	assert_int_equal(location_of(b, KEY_RSA, 2048, KEY_STORE_TPM), '1');
	assert_int_equal(location_of(b, KEY_RSA, 2048, KEY_STORE_SOFTWARE), '3');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(what_does_not_fit_comes_later_and_what_never_fits_is_told),
		T(what_is_for_a_user_waits_for_him),
		T(keys_that_no_chip_takes_go_to_software_unless_a_chip_is_demanded),
		T(a_node_that_two_profiles_share_goes_with_the_second),
		T(what_the_device_trusts_for_the_service_goes_with_its_enrolment_only),
		T(what_lies_there_and_is_another_one_is_replaced_once),
		T(past_as_many_as_are_managed_it_waits_and_says_so),
		T(what_is_under_way_already_leaves_no_room_for_more_and_nothing_breaks),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
