/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/made.h"

#include "base/limits.h"
#include "codec/dn.h"
#include "codec/san.h"
#include "device/apple_profile.h"
#include "device/apple_state.h"
#include "model/use.h"
#include "pki/cms.h"
#include "pki/key.h"

static struct apple_state
full(struct arena *a)
{
	struct apple_state s = { .udid = "U",
		.user = "ada",
		.topic = "t",
		.magic = "m",
		.token = LIT("\x00\xff"),
		.deaf = true,
		.known_ms = 5,
		.sent = "s",
		.declared = "d",
		.refused = "w",
		.declared_at = 4,
		.informed = 6,
		.renewing = 7,
		.ask = APPLE_ASK_CERTIFICATES,
		.fresh = true,
		.round = "r" };
	struct apple_result r = {
		.id = "1", .status = RESULT_OK, .code = "c", .detail = "d", .fault = "f"
	};
	struct apple_claim c = { "alias", "uuid", "CN=x", "1", 9 };

	s.listed = arena_array(a, 1, sizeof(*s.listed));
	s.listed[0] = (struct apple_listed){ "n", "u" };
	s.nlisted = 1;
	s.items = arena_array(a, 1, sizeof(*s.items));
	s.items[0] = (struct apple_item){
		.alias = "a", .sha256 = { 1, 2 }, .identity = true, .not_after = 8
	};
	s.nitems = 1;
	apple_state_result(a, &s, &r);
	apple_state_claim(a, &s, &c);
	apple_state_away(a, &s, "2");
	return s;
}

static void
what_was_written_is_read(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct apple_state s = full(a), again;
	struct str blob, other;

	(void)state;
	expect_ok(apple_state_write(a, &s, &blob));
	apple_state_read(a, blob, &again);
	expect_ok(apple_state_write(a, &again, &other));
	assert_true(str_eq(blob, other));
	assert_string_equal(again.user, "ada");
	assert_int_equal(again.token.n, 2);
	assert_true(again.deaf && again.fresh && again.items[0].identity);
	assert_string_equal(again.claims[0].subject, "CN=x");
	assert_true(apple_state_answered(&again, "1"));
	assert_true(apple_state_answered(&again, "2"));
	assert_false(apple_state_answered(&again, "3"));
}

static void
what_cannot_be_read_is_an_empty_state(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct apple_state s = full(a), again;
	struct str blob;

	(void)state;
	expect_ok(apple_state_write(a, &s, &blob));
	for (size_t n = 0; n < blob.n; n++) {
		apple_state_read(a, str_of(blob.p, n), &again);
		assert_string_equal(again.udid, "");
		assert_int_equal(again.nresults, 0);
	}
	((uint8_t *)(uintptr_t)blob.p)[0] = 99;
	apple_state_read(a, blob, &again);
	assert_string_equal(again.udid, "");
}

static void
a_newer_result_takes_the_place_of_the_older(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct apple_state s;

	(void)state;
	apple_state_read(a, STR_EMPTY, &s);
	for (unsigned i = 0; i < LIMIT_RESULTS + 10; i++) {
		struct apple_result r = { .id = arena_printf(a, "%u", i),
			.status = RESULT_ERROR,
			.code = "",
			.detail = "",
			.fault = "" };

		apple_state_result(a, &s, &r);
		r.status = RESULT_OK;
		apple_state_result(a, &s, &r);
	}
	assert_int_equal(s.nresults, LIMIT_RESULTS);
	assert_string_equal(s.results[0].id, "10");
	for (size_t i = 0; i < s.nresults; i++)
		assert_int_equal(s.results[i].status, RESULT_OK);
}

static void
more_profiles_than_are_managed_are_not_begun(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct apple_result r = { .id = "1", .code = "", .detail = "", .fault = "" };
	struct apple_state s;

	(void)state;
	apple_state_read(a, STR_EMPTY, &s);
	s.items = arena_array(a, APPLE_PROFILES_MAX, sizeof(*s.items));
	for (; s.nitems < APPLE_PROFILES_MAX - 1; s.nitems++)
		s.items[s.nitems].alias = arena_printf(a, "chancery-%zu", s.nitems);
	assert_false(apple_state_full(&s, "chancery-new"));
	r.status = RESULT_ERROR;
	apple_state_result(a, &s, &r);
	assert_false(apple_state_full(&s, "chancery-new"));
	r.status = RESULT_OK;
	apple_state_result(a, &s, &r);
	assert_true(apple_state_full(&s, "chancery-new"));
	assert_false(apple_state_full(&s, "chancery-0"));
}

/* An order for a certificate that the device shall request itself. */
static struct command
enrolling(struct arena *a, struct primitive *w, struct profile *p)
{
	struct dn_ava ava[] = { { "2.5.4.10", "Example" }, { "2.5.4.3", "ada" } };
	struct dn_rdn rdn[] = { { &ava[0], 1 }, { &ava[1], 1 } };
	struct san sans[] = { { SAN_EMAIL, "ada@example.test" }, { SAN_UPN, "ada@example.test" },
		{ SAN_DNS, "a.example.test" }, { SAN_DNS, "b.example.test" } };

	*w = (struct primitive){
		.kind = PRIM_ENROL, .key_bits = 2048, .key_usage = 0xa0, .ca = "Issuing CA"
	};
	*p = (struct profile){ .display_name = "Wi-Fi & more" };
	expect_ok(dn_encode(a, &(struct dn){ rdn, 2 }, &w->subject));
	expect_ok(san_encode(a, sans, COUNT(sans), &w->san));
	return (struct command){ .kind = COMMAND_ENROL,
		.id = "slot:1",
		.alias = "chancery-p",
		.what = w,
		.profile = p };
}

static void
a_scep_payload_says_names_key_and_challenge(void **state)
{
	static const char *const urls[] = { "https://scep.example.test/x" };
	auto_arena struct arena *a = arena_new();
	struct device_enrol e = {
		.challenge = "0123", .urls = (const char **)(uintptr_t)urls, .nurls = 1
	};
	struct primitive w;
	struct profile p;
	struct command c = enrolling(a, &w, &p);
	struct pl *top, *d;
	struct str text;

	(void)state;
	expect_ok(apple_profile_print(a, &c, &e, &text));
	expect_ok(pl_parse(a, text, &top));
	assert_string_equal(pl_get(top, "PayloadIdentifier")->text, "chancery-p");
	assert_string_equal(pl_get(top, "PayloadUUID")->text, apple_uuid_of(a, &c));
	d = pl_get(pl_get(top, "PayloadContent")->child, "PayloadContent");
	assert_string_equal(pl_get(d, "URL")->text, urls[0]);
	assert_string_equal(pl_get(d, "Challenge")->text, "0123");
	assert_int_equal(pl_get(d, "Keysize")->number, 2048);
	assert_int_equal(pl_get(d, "Key Usage")->number, 5);
	assert_string_equal(pl_get(d, "Subject")->child->child->child->text, "O");
	assert_string_equal(pl_get(d, "Subject")->end->child->end->text, "ada");
	assert_int_equal(pl_count(pl_get(pl_get(d, "SubjectAltName"), "dNSName")), 2);
	assert_string_equal(
	    pl_get(pl_get(d, "SubjectAltName"), "ntPrincipalName")->text, "ada@example.test");
}

static void
a_profile_of_a_network_is_known_by_its_uuid_and_its_key_is_for_the_device(void **state)
{
	static const uint8_t hash[32] = { 1, 2, 3 }, other[32] = { 3, 2, 1 };
	auto_arena struct arena *a = arena_new();
	struct made root = made_root(a, "Identity CA", KEY_EC, KEY_P256);
	struct made device = made_under(a, &root, "device", KEY_RSA, KEY_RSA_2048);
	const struct wifi w = { .name = "Guests", .ssid = "guests", .security = WIFI_WPA_PERSONAL };
	const struct use use = { .kind = USE_WIFI, .wifi = &w };
	const struct primitive what = { .kind = PRIM_NETWORK, .use = &use };
	const struct profile p = { .display_name = "Guests" };
	const struct command c = { .kind = COMMAND_INSTALL_NETWORK,
		.id = "slot:1",
		.alias = "chancery-p",
		.sha256 = STR(hash),
		.what = &what,
		.profile = &p };
	struct pl *top, *content;
	struct str text, clear;

	(void)state;
	expect_ok(apple_network_print(a, &c, "correct horse", cert_der(device.cert), &text));
	expect_ok(pl_parse(a, text, &top));
	assert_string_equal(pl_get(top, "PayloadUUID")->text, apple_uuid_of(a, &c));
	assert_null(pl_get(top, "PayloadContent"));
	expect_ok(cms_open(
	    a, device.cert, device.key, pl_get(top, "EncryptedPayloadContent")->data, &clear));
	expect_ok(pl_parse(a, clear, &content));
	assert_string_equal(pl_get(content->child, "Password")->text, "correct horse");
	assert_true(apple_uuid_is_network(a, "chancery-p", apple_uuid_of(a, &c)));
	assert_false(apple_uuid_is_network(a, "chancery-q", apple_uuid_of(a, &c)));
	assert_false(apple_uuid_is_network(a, "chancery-p", apple_uuid(a, STR(hash))));
	assert_string_not_equal(
	    apple_uuid_of(a, &c), apple_uuid_network(a, "chancery-p", STR(other)));
	made_free(&device);
	made_free(&root);
}

static const struct pl *
scep_says(struct arena *a, const struct command *c, const char *key)
{
	static const char *const urls[] = { "https://scep.example.test/x" };
	struct device_enrol e = {
		.challenge = "0123", .urls = (const char **)(uintptr_t)urls, .nurls = 1
	};
	struct pl *top;
	struct str text;

	expect_ok(apple_profile_print(a, c, &e, &text));
	expect_ok(pl_parse(a, text, &top));
	return pl_get(pl_get(pl_get(top, "PayloadContent")->child, "PayloadContent"), key);
}

static const struct pl *
fingerprint(struct arena *a, const struct command *c)
{
	return scep_says(a, c, "CAFingerprint");
}

static void
one_name_of_a_kind_is_a_text_and_several_are_a_list(void **state)
{
	static const struct san names[] = { { SAN_EMAIL, "ada@example.test" },
		{ SAN_DNS, "a.example.test" }, { SAN_DNS, "b.example.test" },
		{ SAN_UPN, "ada@corp" } };
	auto_arena struct arena *a = arena_new();
	struct primitive w;
	struct profile p;
	struct command c = enrolling(a, &w, &p);
	const struct pl *san, *list;

	(void)state;
	expect_ok(san_encode(a, names, COUNT(names), &w.san));
	san = scep_says(a, &c, "SubjectAltName");
	assert_int_equal(pl_count(san), 3);
	assert_int_equal(pl_get(san, "rfc822Name")->kind, PL_TEXT);
	assert_string_equal(pl_get(san, "rfc822Name")->text, "ada@example.test");
	assert_string_equal(pl_get(san, "ntPrincipalName")->text, "ada@corp");
	list = pl_get(san, "dNSName");
	assert_int_equal(list->kind, PL_ARRAY);
	assert_string_equal(list->child->text, "a.example.test");
	assert_string_equal(list->child->next->text, "b.example.test");
	assert_int_equal(pl_count(list), 2);
}

static void
a_scep_payload_says_the_fingerprint_of_our_cas_root_and_of_no_others(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct primitive w;
	struct profile p;
	struct command c = enrolling(a, &w, &p);
	uint8_t hash[20];

	(void)state;
	assert_null(fingerprint(a, &c));
	c.root = LIT("the root");
	hash_sha1(c.root, hash);
	assert_non_null(fingerprint(a, &c));
	assert_true(str_eq(fingerprint(a, &c)->data, STR(hash)));
	w.ca = "";
	assert_null(fingerprint(a, &c));
}

static void
what_the_scep_payload_cannot_say_is_refused(void **state)
{
	static const char *const urls[] = { "https://scep.example.test/x" };
	auto_arena struct arena *a = arena_new();
	struct device_enrol e = {
		.challenge = "0123", .urls = (const char **)(uintptr_t)urls, .nurls = 1
	};
	struct san ip = { SAN_IP, "10.0.0.1" }, two[] = { { SAN_UPN, "a@b" }, { SAN_UPN, "c@d" } };
	struct primitive w;
	struct profile p;
	struct command c = enrolling(a, &w, &p);
	struct str text = { 0 };

	(void)state;
	expect_ok(san_encode(a, &ip, 1, &w.san));
	expect_err(ERR_APPLE_SCEP, apple_profile_print(a, &c, &e, &text));
	expect_ok(san_encode(a, two, 2, &w.san));
	expect_err(ERR_APPLE_SCEP, apple_profile_print(a, &c, &e, &text));
	c = enrolling(a, &w, &p);
	w.key_bits = 3072;
	expect_err(ERR_APPLE_SCEP, apple_profile_print(a, &c, &e, &text));
	w.key_bits = 4096;
	e.nurls = 0;
	expect_err(ERR_APPLE_SCEP, apple_profile_print(a, &c, &e, &text));
	assert_int_equal(text.n, 0);
}

static void
a_frame_has_each_mark_once(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct job j = { .alias = "chancery-p", .profile = { .display_name = "Mail" } };
	auto_buf struct buf filled = { 0 };
	struct pl *list;
	struct str frame;

	(void)state;
	expect_ok(apple_frame(a, &j, &frame));
	buf_init(&filled, 65536);
	expect_ok(pack_fill(frame, LIT("AAEC"), LIT("secret"), &filled));
	expect_ok(pl_parse(a, buf_str(&filled), &list));
	assert_int_equal(list->kind, PL_ARRAY);
	assert_string_equal(pl_get(list->child, "PayloadType")->text, "com.apple.security.pkcs12");
	assert_string_equal(pl_get(list->child, "Password")->text, "secret");
	assert_int_equal(pl_get(list->child, "PayloadContent")->data.n, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read),
		cmocka_unit_test(
		    a_profile_of_a_network_is_known_by_its_uuid_and_its_key_is_for_the_device),
		cmocka_unit_test(what_cannot_be_read_is_an_empty_state),
		cmocka_unit_test(a_newer_result_takes_the_place_of_the_older),
		cmocka_unit_test(more_profiles_than_are_managed_are_not_begun),
		cmocka_unit_test(a_scep_payload_says_names_key_and_challenge),
		cmocka_unit_test(
		    a_scep_payload_says_the_fingerprint_of_our_cas_root_and_of_no_others),
		cmocka_unit_test(one_name_of_a_kind_is_a_text_and_several_are_a_list),
		cmocka_unit_test(what_the_scep_payload_cannot_say_is_refused),
		cmocka_unit_test(a_frame_has_each_mark_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
