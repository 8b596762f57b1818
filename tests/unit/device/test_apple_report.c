/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "base/limits.h"
#include "codec/json.h"
#include "device/apple_declare.h"
#include "device/apple_heard.h"
#include "model/checkin.h"
#include "pki/key.h"

#define LIST(body) \
	"{\"StatusItems\":{\"security\":{\"certificate\":{\"list\":[" body "]}}},\"Errors\":[]}"
#define WHOLE(body) \
	"{\"StatusItems\":{\"security\":{\"certificate\":{\"list\":[" body \
	"]}}},\"Errors\":[],\"FullReport\":true}"
#define HAS(id, data) \
	"{\"identifier\":\"" id \
	"\",\"subject-summary\":\"x\",\"is-identity\":true,\"data\":\"" data "\"}"
#define GONE(id) "{\"identifier\":\"" id "\",\"_removed\":true}"

/* Two certificates, as far as a report goes. */
#define ONE "b25l"
#define TWO "dHdv"

static struct apple_report
read_ok(struct arena *a, const char *text)
{
	struct apple_report r;

	expect_ok(apple_report_read(a, str_c(text), &r));
	return r;
}

static void
a_report_tells_certificates_removals_version_and_whether_it_is_whole(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct apple_report r = read_ok(a, LIST(HAS("1", ONE) "," GONE("2")));
	uint8_t hash[32];

	(void)state;
	assert_true(r.lists && !r.full);
	assert_int_equal(r.n, 2);
	hash_sha256(LIT("one"), hash);
	assert_memory_equal(r.v[0].sha256, hash, APPLE_MARK);
	assert_true(!r.v[0].removed && r.v[1].removed);
	assert_true(read_ok(a, WHOLE("")).full);
	r = read_ok(
	    a, "{\"StatusItems\":{\"device\":{\"operating-system\":{\"version\":\"17.5\"}}}}");
	assert_false(r.lists);
	assert_string_equal(r.os_version, "17.5");
	assert_string_equal(r.refused, "");
}

static void
what_a_device_does_not_report_is_told_with_its_own_code(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct apple_report r = read_ok(a,
	    "{\"StatusItems\":{\"management\":{\"declarations\":{\"configurations\":[{\"identifier\":\"chancery.status\","
	    "\"active\":false,\"valid\":\"invalid\",\"reasons\":[{\"code\":\"Error.ConfigurationNotSupported\"}]}]}}}}");

	(void)state;
	assert_string_equal(r.refused, "Error.ConfigurationNotSupported");
	r = read_ok(a,
	    "{\"StatusItems\":{},\"Errors\":[{\"StatusItem\":\"security.certificate.list\",\"Reasons\":[{\"Code\":"
	    "\"Error.X\"}]},{\"StatusItem\":\"passcode.is-present\"}]}");
	assert_string_equal(r.refused, "Error.X");
	r = read_ok(a,
	    "{\"StatusItems\":{\"management\":{\"declarations\":{\"configurations\":[{\"identifier\":\"another\","
	    "\"valid\":\"invalid\"},{\"identifier\":\"chancery.status\",\"valid\":\"valid\"}]}}}}");
	assert_string_equal(r.refused, "");
	assert_true(r.accepted);
	r = read_ok(
	    a, "{\"StatusItems\":{},\"Errors\":[{\"StatusItem\":\"security.certificate.list\"}]}");
	assert_string_equal(r.refused, "refused");
}

static void
a_code_is_cut_to_a_size_and_stays_text(void **state)
{
	auto_arena struct arena *a = arena_new();
	const char *long_code = "";
	struct apple_report r;

	(void)state;
	for (unsigned i = 0; i < 60; i++)
		long_code = arena_printf(a, "%s\xe2\x82\xac", long_code);
	r = read_ok(a,
	    arena_printf(a,
		"{\"StatusItems\":{},\"Errors\":[{\"StatusItem\":\"security.certificate.list\",\"Reasons\":"
		"[{\"Code\":\"%s\\n\"}]}]}",
		long_code));
	assert_in_range(strlen(r.refused), 60, LIMIT_TEXT);
	expect_ok(text_utf8(str_c(r.refused)));
	assert_null(strchr(r.refused, '\n'));
	long_code = "";
	for (unsigned i = 0; i < 100; i++)
		long_code = arena_printf(a, "%s\\u0001", long_code);
	r = read_ok(a,
	    arena_printf(a,
		"{\"StatusItems\":{},\"Errors\":[{\"StatusItem\":\"security.certificate.list\",\"Reasons\":"
		"[{\"Code\":\"%s\"}]}]}",
		long_code));
	assert_in_range(strlen(r.refused), 60, LIMIT_TEXT);
}

static void
refuses_what_is_no_report(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"StatusItems\":[]}",
		"{\"StatusItems\":{},\"FullReport\":1}",
		"{\"StatusItems\":{},\"Errors\":{}}",
		"{\"StatusItems\":{\"security\":{\"certificate\":{\"list\":{}}}}}",
		LIST("1"),
		LIST("{}"),
		LIST("{\"identifier\":7,\"data\":\"" ONE "\"}"),
		LIST("{\"identifier\":\"1\"}"),
		LIST("{\"identifier\":\"1\",\"data\":\"!\"}"),
		LIST("{\"identifier\":\"1\",\"data\":\"" ONE "\",\"_removed\":\"yes\"}"),
		LIST("{\"identifier\":\"1\",\"identifier\":\"2\",\"data\":\"" ONE "\"}"),
		"{\"StatusItems\":{\"device\":{\"operating-system\":{\"version\":17}}}}",
		"{\"StatusItems\":{\"management\":{\"declarations\":{\"configurations\":{}}}}}",
	};
	auto_arena struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct apple_report r = { .n = 99 };
		err_t e = apple_report_read(a, str_c(bad[i]), &r);

		if (err_ok(e))
			fail_msg("taken: %s", bad[i]);
		err_forget(e);
		assert_int_equal(r.n, 99);
	}
}

static void
refuses_more_certificates_than_one_device_has(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b = { 0 };
	struct apple_report r;

	(void)state;
	buf_init(&b, LIMIT_APPLE_REPORT + 64);
	expect_ok(
	    buf_puts(&b, "{\"StatusItems\":{\"security\":{\"certificate\":{\"list\":[" GONE("1")));
	for (unsigned i = 0; i < LIMIT_APPLE_TOLD; i++)
		expect_ok(buf_puts(&b, "," GONE("1")));
	expect_ok(buf_puts(&b, "]}}}}"));
	expect_err(ERR_TOO_LARGE, apple_report_read(a, buf_str(&b), &r));
	while (b.n < LIMIT_APPLE_REPORT)
		expect_ok(buf_puts(&b, " "));
	expect_ok(buf_puts(&b, " "));
	assert_false(err_ok(apple_report_read(a, buf_str(&b), &r)));
}

/* A device that holds certificates of these hashes by our profiles, as its lists said at 1,000. */
static struct apple_state
holding(struct arena *a, const char *const *certs, size_t n)
{
	struct apple_state s;

	apple_state_read(a, STR_EMPTY, &s);
	s.known_ms = 1000;
	s.items = arena_array(a, n + 1, sizeof(*s.items));
	s.nitems = n;
	for (size_t i = 0; i < n; i++) {
		s.items[i].alias = arena_printf(a, "chancery-%zu", i);
		hash_sha256(str_c(certs[i]), s.items[i].sha256);
	}
	return s;
}

static const char *const both[] = { "one", "two" };

static enum apple_news
hear(struct arena *a, struct apple_heard *h, const struct apple_state *s, when_ms_t now,
    const char *text)
{
	struct apple_report r = read_ok(a, text);

	return apple_heard_take(a, h, &r, s, now);
}

static struct apple_heard
nothing(struct arena *a)
{
	struct apple_heard h;

	apple_heard_read(a, STR_EMPTY, &h);
	return h;
}

static void
what_was_told_and_is_removed_is_lost(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct apple_state s = holding(a, both, 2);
	struct apple_heard h = nothing(a);

	(void)state;
	assert_int_equal(
	    hear(a, &h, &s, 2000, LIST(HAS("1", ONE) "," HAS("2", TWO))), APPLE_NEWS_NONE);
	assert_int_equal(hear(a, &h, &s, 3000, LIST(GONE("2"))), APPLE_NEWS_LOST);
	assert_false(apple_heard_gone(&h, &s, &s.items[0]));
	assert_true(apple_heard_gone(&h, &s, &s.items[1]));
	assert_true(h.doubt == 3000 && h.since == 3);
	/* Told once is enough; and what its lists say later counts. */
	assert_int_equal(hear(a, &h, &s, 4000, LIST(GONE("2"))), APPLE_NEWS_NONE);
	s.known_ms = 5000;
	assert_false(apple_heard_gone(&h, &s, &s.items[1]));
	/* A whole report tells by leaving out. */
	s = holding(a, both, 2);
	h = nothing(a);
	assert_int_equal(
	    hear(a, &h, &s, 2000, WHOLE(HAS("1", ONE) "," HAS("2", TWO))), APPLE_NEWS_NONE);
	assert_int_equal(hear(a, &h, &s, 3000, WHOLE(HAS("9", ONE))), APPLE_NEWS_LOST);
	assert_true(
	    apple_heard_gone(&h, &s, &s.items[1]) && !apple_heard_gone(&h, &s, &s.items[0]));
	/* It came back before anybody looked. */
	assert_int_equal(hear(a, &h, &s, 3500, LIST(HAS("3", TWO))), APPLE_NEWS_NONE);
	assert_false(apple_heard_gone(&h, &s, &s.items[1]));
}

static void
what_was_never_told_cannot_be_told_gone(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct apple_state s = holding(a, both, 2);
	struct apple_heard h = nothing(a);

	(void)state;
	assert_int_equal(hear(a, &h, &s, 2000, WHOLE("")), APPLE_NEWS_NONE);
	assert_int_equal(hear(a, &h, &s, 2000, LIST(GONE("1") "," GONE("2"))), APPLE_NEWS_NONE);
	assert_int_equal(hear(a, &h, &s, 2000, WHOLE(HAS("1", "b3RoZXI="))), APPLE_NEWS_NONE);
	assert_int_equal(h.ngone, 0);
	assert_int_equal(h.doubt, 0);
}

static void
a_certificate_that_is_being_replaced_is_looked_up_and_not_lost(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct apple_state s = holding(a, both, 2);
	struct apple_result r = { .id = "1", .status = RESULT_OK };
	struct apple_heard h = nothing(a), told;

	(void)state;
	hear(a, &h, &s, 2000, LIST(HAS("1", ONE) "," HAS("2", TWO)));
	told = h;
	assert_int_equal(hear(a, &h, &s, 3000, LIST(HAS("2", "bmV3"))), APPLE_NEWS_LOOK);
	assert_int_equal(h.ngone, 0);
	assert_int_equal(h.doubt, 3000);
	/* A command is under way, an answer of it not told yet, its lists not read yet. */
	h = told;
	s.sent = "slot:1";
	assert_int_equal(hear(a, &h, &s, 3000, LIST(GONE("2"))), APPLE_NEWS_LOOK);
	s.sent = "";
	s.ask = APPLE_ASK_CERTIFICATES;
	h = told;
	assert_int_equal(hear(a, &h, &s, 3000, LIST(GONE("2"))), APPLE_NEWS_LOOK);
	s.ask = 0;
	s.results = &r;
	s.nresults = 1;
	h = told;
	assert_int_equal(hear(a, &h, &s, 3000, LIST(GONE("2"))), APPLE_NEWS_LOOK);
	r.status = RESULT_NOT_NOW;
	h = told;
	assert_int_equal(hear(a, &h, &s, 3000, LIST(GONE("2"))), APPLE_NEWS_LOST);
	s.fresh = true;
	h = told;
	assert_int_equal(hear(a, &h, &s, 3000, LIST(GONE("2"))), APPLE_NEWS_LOOK);
	assert_int_equal(h.ngone, 0);
}

static void
only_what_is_told_of_alone_and_lately_is_covered(void **state)
{
	static const char *const twice[] = { "one", "one" };
	auto_arena struct arena *a = arena_new();
	struct apple_state s = holding(a, both, 2);
	struct apple_heard h = nothing(a);

	(void)state;
	assert_false(apple_heard_covers(&h, &s, 2));
	hear(a, &h, &s, 2000, LIST(HAS("1", ONE)));
	assert_false(apple_heard_covers(&h, &s, 3));
	hear(a, &h, &s, 2000, LIST(HAS("2", TWO)));
	assert_true(apple_heard_covers(&h, &s, 3));
	assert_false(apple_heard_covers(&h, &s, 2 + APPLE_SILENT));
	s = holding(a, twice, 2);
	assert_false(apple_heard_covers(&h, &s, 3));
	s = holding(a, both, 2);
	hear(a, &h, &s, 2000,
	    "{\"StatusItems\":{},\"Errors\":[{\"StatusItem\":\"security.certificate.list\",\"Reasons\":[]}]}");
	assert_false(apple_heard_covers(&h, &s, 3));
	hear(a, &h, &s, 2000, LIST(""));
	assert_true(apple_heard_covers(&h, &s, 3));
}

static void
of_more_certificates_than_are_kept_none_is_lost_or_covered(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct apple_state s = holding(a, both, 1);
	struct apple_heard h = nothing(a);
	struct apple_report r = { .lists = true, .full = true, .os_version = "", .refused = "" };

	(void)state;
	hear(a, &h, &s, 2000, LIST(HAS("1", ONE)));
	r.n = APPLE_HEARD_MAX + 1;
	r.v = arena_array(a, r.n, sizeof(*r.v));
	for (size_t i = 0; i < r.n; i++)
		r.v[i].id[0] = (uint8_t)i, r.v[i].id[1] = (uint8_t)(i >> 8);
	assert_int_equal(apple_heard_take(a, &h, &r, &s, 3000), APPLE_NEWS_NONE);
	assert_true(h.partial && h.n == APPLE_HEARD_MAX);
	assert_false(apple_heard_covers(&h, &s, 3));
	hear(a, &h, &s, 4000, WHOLE(HAS("1", ONE)));
	assert_true(apple_heard_covers(&h, &s, 4));
}

static void
what_was_heard_is_kept_and_what_cannot_be_read_is_nothing(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct apple_state s = holding(a, both, 2);
	struct apple_heard h = nothing(a), again;
	struct str blob, other;

	(void)state;
	hear(a, &h, &s, 2000, LIST(HAS("1", ONE) "," HAS("2", TWO)));
	hear(a, &h, &s, 3000, LIST(GONE("2")));
	h.refused = "why";
	expect_ok(apple_heard_write(a, &h, &blob));
	apple_heard_read(a, blob, &again);
	expect_ok(apple_heard_write(a, &again, &other));
	assert_true(str_eq(blob, other));
	assert_true(apple_heard_gone(&again, &s, &s.items[1]));
	for (size_t n = 0; n < blob.n; n++) {
		apple_heard_read(a, str_of(blob.p, n), &again);
		assert_int_equal(again.n, 0);
		assert_string_equal(again.refused, "");
	}
}

static const json *
answer(struct arena *a, bool on, const char *endpoint)
{
	struct str text;
	json *j;

	expect_ok(apple_declare_answer(a, on, endpoint, &text));
	expect_ok(json_parse(text, 65536, &j));
	return j;
}

static void
each_item_of_the_manifest_is_there_with_its_token(void **state)
{
	static const char *const kinds[][2] = { { "Activations", "activation" },
		{ "Configurations", "configuration" } };
	auto_arena struct arena *a = arena_new();
	auto_json json *all = (json *)(uintptr_t)answer(a, true, "declaration-items");
	auto_json json *none = (json *)(uintptr_t)answer(a, false, "declaration-items");
	auto_json json *tokens = (json *)(uintptr_t)answer(a, true, "tokens");
	struct str text;

	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		const json *item = json_at(json_get(json_get(all, "Declarations"), kinds[i][0]), 0);
		const char *id = json_text(json_get(item, "Identifier"));
		auto_json json *d = (json *)(uintptr_t)answer(
		    a, true, arena_printf(a, "declaration/%s/%s", kinds[i][1], id));

		assert_string_equal(json_text(json_get(d, "Identifier")), id);
		assert_string_equal(json_text(json_get(d, "ServerToken")),
		    json_text(json_get(item, "ServerToken")));
		assert_true(json_is_object(json_get(d, "Payload")));
		assert_int_equal(
		    json_count(json_get(json_get(none, "Declarations"), kinds[i][0])), 0);
	}
	assert_string_equal(
	    json_text(json_get(all, "DeclarationsToken")), apple_declare_token(a, true));
	assert_string_equal(
	    json_text(json_get(json_get(tokens, "SyncTokens"), "DeclarationsToken")),
	    apple_declare_token(a, true));
	assert_string_not_equal(apple_declare_token(a, true), apple_declare_token(a, false));
	expect_err(ERR_NOT_FOUND,
	    apple_declare_answer(a, false, "declaration/configuration/" APPLE_SUBSCRIPTION, &text));
	expect_err(ERR_NOT_FOUND,
	    apple_declare_answer(a, true, "declaration/activation/" APPLE_SUBSCRIPTION, &text));
	expect_err(ERR_NOT_FOUND, apple_declare_answer(a, true, "", &text));
}

static void
systems_that_list_certificates_in_reports_are_asked_to(void **state)
{
	static const struct {
		const char *platform, *version;
		bool can;
	} rows[] = { { "ios", "17.0", true }, { "ios", "16.7.8", false }, { "ios", "26.1", true },
		{ "ios", "17", true }, { "ios", "1.1", false }, { "ios", "", false },
		{ "ios", NULL, false }, { "ios", "17beta", false }, { "macos", "14.0", true },
		{ "macos", "13.6", false } };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct device d = { .platform = rows[i].platform, .os_version = rows[i].version };

		assert_int_equal(apple_declare_can(&d), rows[i].can);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_report_tells_certificates_removals_version_and_whether_it_is_whole),
		cmocka_unit_test(what_a_device_does_not_report_is_told_with_its_own_code),
		cmocka_unit_test(a_code_is_cut_to_a_size_and_stays_text),
		cmocka_unit_test(refuses_what_is_no_report),
		cmocka_unit_test(refuses_more_certificates_than_one_device_has),
		cmocka_unit_test(what_was_told_and_is_removed_is_lost),
		cmocka_unit_test(what_was_never_told_cannot_be_told_gone),
		cmocka_unit_test(a_certificate_that_is_being_replaced_is_looked_up_and_not_lost),
		cmocka_unit_test(only_what_is_told_of_alone_and_lately_is_covered),
		cmocka_unit_test(of_more_certificates_than_are_kept_none_is_lost_or_covered),
		cmocka_unit_test(what_was_heard_is_kept_and_what_cannot_be_read_is_nothing),
		cmocka_unit_test(each_item_of_the_manifest_is_there_with_its_token),
		cmocka_unit_test(systems_that_list_certificates_in_reports_are_asked_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
