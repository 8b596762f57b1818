/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "base/limits.h"
#include "codec/pack.h"

#define FRAME LIT("<a>" PACK_MARK_PFX "</a><b>" PACK_MARK_PASSWORD "</b>")

static void
every_form_comes_back_whole(void **state)
{
	const struct pack packs[] = {
		{ PACK_AGENT, PFX_FORMAT_AES, STR_EMPTY },
		{ PACK_WINDOWS, PFX_FORMAT_3DES, STR_EMPTY },
		{ PACK_APPLE, PFX_FORMAT_3DES, FRAME },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(packs); i++) {
		auto_buf struct buf out = { 0 };
		struct pack got;
		struct str in;

		buf_init(&out, LIMIT_IPC_MESSAGE);
		expect_ok(pack_put(&out, &packs[i]));
		in = buf_str(&out);
		expect_ok(pack_take(&in, &got));
		assert_int_equal(in.n, 0);
		assert_int_equal(got.form, packs[i].form);
		assert_int_equal(got.format, packs[i].format);
		assert_true(str_eq(got.frame, packs[i].frame));
		for (size_t n = 0; n < out.n; n++) {
			in = str_of(out.p, n);
			assert_false(err_ok(pack_take(&in, &got)));
		}
	}
}

static void
a_form_or_format_that_nobody_knows_is_refused(void **state)
{
	const struct pack packs[] = {
		{ (enum pack_form)0, PFX_FORMAT_AES, STR_EMPTY },
		{ (enum pack_form)4, PFX_FORMAT_AES, STR_EMPTY },
		{ PACK_AGENT, (enum pfx_format)0, STR_EMPTY },
		{ PACK_AGENT, (enum pfx_format)3, STR_EMPTY },
	};
	enum pack_form form;
	enum pfx_format format;

	(void)state;
	for (size_t i = 0; i < COUNT(packs); i++)
		expect_err(ERR_UNSUPPORTED, pack_check(&packs[i]));
	expect_err(ERR_UNSUPPORTED, pack_form_by_name("Apple", &form));
	expect_err(ERR_UNSUPPORTED, pack_form_by_name("", &form));
	expect_err(ERR_UNSUPPORTED, pack_format_by_name("rc2", &format));
}

static void
a_frame_goes_with_apple_alone_and_must(void **state)
{
	(void)state;
	expect_err(
	    ERR_MALFORMED, pack_check(&(struct pack){ PACK_APPLE, PFX_FORMAT_3DES, STR_EMPTY }));
	expect_err(ERR_MALFORMED, pack_check(&(struct pack){ PACK_AGENT, PFX_FORMAT_AES, FRAME }));
	expect_err(
	    ERR_MALFORMED, pack_check(&(struct pack){ PACK_WINDOWS, PFX_FORMAT_AES, FRAME }));
}

static void
names_and_forms_belong_together(void **state)
{
	enum pack_form form;
	enum pfx_format format;

	(void)state;
	expect_ok(pack_form_by_name("windows", &form));
	assert_int_equal(form, PACK_WINDOWS);
	assert_string_equal(pack_form_name(form), "windows");
	expect_ok(pack_format_by_name("3des", &format));
	assert_string_equal(pack_format_name(format), "3des");
}

static void
fills(struct str frame, const char *want)
{
	auto_buf struct buf out = { 0 };

	buf_init(&out, LIMIT_CMS_BYTES);
	expect_ok(pack_fill(frame, LIT("QUJD"), LIT("secret"), &out));
	assert_true(str_eq_c(buf_str(&out), want));
}

static void
a_frame_is_filled_in_whatever_order_its_marks_are(void **state)
{
	(void)state;
	fills(FRAME, "<a>QUJD</a><b>secret</b>");
	fills(LIT(PACK_MARK_PASSWORD PACK_MARK_PFX), "secretQUJD");
}

static void
a_frame_without_a_mark_or_with_one_twice_is_refused(void **state)
{
	const struct str frames[] = {
		LIT("<a/>"),
		LIT(PACK_MARK_PFX),
		LIT(PACK_MARK_PASSWORD),
		LIT(PACK_MARK_PFX PACK_MARK_PASSWORD PACK_MARK_PASSWORD),
		LIT(PACK_MARK_PFX PACK_MARK_PFX PACK_MARK_PASSWORD),
		LIT("@CHANCERY-PF"),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(frames); i++) {
		auto_buf struct buf out = { 0 };

		buf_init(&out, LIMIT_CMS_BYTES);
		expect_err(ERR_MALFORMED, pack_fill(frames[i], LIT("QUJD"), LIT("secret"), &out));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_comes_back_whole),
		cmocka_unit_test(a_form_or_format_that_nobody_knows_is_refused),
		cmocka_unit_test(a_frame_goes_with_apple_alone_and_must),
		cmocka_unit_test(names_and_forms_belong_together),
		cmocka_unit_test(a_frame_is_filled_in_whatever_order_its_marks_are),
		cmocka_unit_test(a_frame_without_a_mark_or_with_one_twice_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
