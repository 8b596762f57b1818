/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "base/limits.h"
#include "codec/xml.h"

static void
reads_names_texts_and_attributes(void **state)
{
	static const char text[] =
	    "<?xml version=\"1.0\"?><a:r xmlns:a='urn:a' xmlns='urn:d' k='1 &amp; 2'>x&lt;"
	    "<![CDATA[&]]><b a:n='v'/><b>two</b><!-- c --></a:r>";
	auto_arena struct arena *a = arena_new();
	struct xml_node *r = NULL;

	(void)state;
	expect_ok(xml_parse(a, str_c(text), &r));
	assert_string_equal(r->ns, "urn:a");
	assert_string_equal(r->name, "r");
	assert_string_equal(r->text, "x<&");
	assert_string_equal(xml_attr(r, "k"), "1 & 2");
	assert_null(xml_attr(r, "none"));
	assert_string_equal(xml_child(r, "urn:d", "b")->attrs->ns, "urn:a");
	assert_null(xml_child(r, "urn:a", "b"));
	assert_string_equal(xml_child(r, NULL, "b")->next->text, "two");
	assert_ptr_equal(xml_path(r, "b", NULL), r->child);
	assert_null(xml_path(r, "b", "c", NULL));
}

static void
rejects_what_is_no_xml_or_has_a_dtd(void **state)
{
	static const char *const bad[] = { "", " ", "<a>", "<a></b>", "<a/><b/>",
		"<a x='1' x='2'/>", "<a>&no;</a>", "<a>&#0;</a>", "<!DOCTYPE a><a/>",
		"<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>",
		"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "<b:a/>", "text" };
	auto_arena struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct xml_node *r = NULL;

		expect_err(ERR_XML, xml_parse(a, str_c(bad[i]), &r));
		assert_null(r);
	}
}

static void
rejects_bytes_that_are_not_utf8(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct xml_node *r;

	(void)state;
	expect_err(ERR_UTF8, xml_parse(a, LIT("<a>\xff</a>"), &r));
	expect_err(ERR_UTF8, xml_parse(a, LIT("<a>\0</a>"), &r));
}

static void
rejects_deep_and_wide_documents(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b;
	struct xml_node *r;

	(void)state;
	buf_init(&b, LIMIT_XML_BYTES);
	for (unsigned i = 0; i <= LIMIT_XML_DEPTH; i++)
		expect_ok(buf_puts(&b, "<a>"));
	for (unsigned i = 0; i <= LIMIT_XML_DEPTH; i++)
		expect_ok(buf_puts(&b, "</a>"));
	expect_err(ERR_XML, xml_parse(a, buf_str(&b), &r));
	buf_reset(&b);
	expect_ok(buf_puts(&b, "<a>"));
	for (unsigned i = 0; i < LIMIT_XML_NODES; i++)
		expect_ok(buf_puts(&b, "<b/>"));
	expect_ok(buf_puts(&b, "</a>"));
	expect_err(ERR_XML, xml_parse(a, buf_str(&b), &r));
}

static void
written_text_comes_back(void **state)
{
	static const char text[] = "<&>\"' \r\n\t\xc3\xa9";
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b;
	struct xml_node *r = NULL;

	(void)state;
	buf_init(&b, 1000);
	expect_ok(buf_puts(&b, "<a k=\""));
	expect_ok(xml_put_text(&b, text));
	expect_ok(buf_puts(&b, "\">"));
	expect_ok(xml_put_text(&b, text));
	expect_ok(buf_puts(&b, "</a>"));
	expect_ok(xml_parse(a, buf_str(&b), &r));
	assert_string_equal(r->text, text);
	assert_string_equal(xml_attr(r, "k"), text);
}

static void
rejects_text_that_xml_cannot_hold(void **state)
{
	auto_buf struct buf b;

	(void)state;
	buf_init(&b, 100);
	expect_err(ERR_XML, xml_put_text(&b, "a\x01"));
	expect_err(ERR_XML, xml_put_text(&b, "\xef\xbf\xbf"));
	expect_err(ERR_UTF8, xml_put_text(&b, "\xff"));
	assert_int_equal(b.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_names_texts_and_attributes),
		cmocka_unit_test(rejects_what_is_no_xml_or_has_a_dtd),
		cmocka_unit_test(rejects_bytes_that_are_not_utf8),
		cmocka_unit_test(rejects_deep_and_wide_documents),
		cmocka_unit_test(written_text_comes_back),
		cmocka_unit_test(rejects_text_that_xml_cannot_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
