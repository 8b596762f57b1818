/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

#include "base/limits.h"
#include "base/when.h"
#include "codec/plist.h"

#include <plist/plist.h>

#define HEAD \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" " \
	"\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\">"

static void
reads_every_kind_of_member(void **state)
{
	static const char text[] = HEAD
	    "<dict><key>Status</key><string>A &amp; B</string><key>n</key><integer>-25293</integer><key>yes</key><true/>"
	    "<key>no</key><false/><key>d</key><data>\n AAEC\n</data><key>when</key><date>2026-01-31T12:00:00Z</date>"
	    "<key>list</key><array><string>x</string><real>1.5</real></array><key>e</key><dict/></dict></plist>";
	auto_arena struct arena *a = arena_new();
	struct pl *p = NULL;
	const struct pl *list;
	struct str data;
	const char *s;
	int64_t n;
	bool yes;

	(void)state;
	expect_ok(pl_parse(a, str_c(text), &p));
	expect_ok(pl_need_text(p, "Status", 10, &s));
	assert_string_equal(s, "A & B");
	expect_ok(pl_want_int(p, "n", &n));
	assert_int_equal(n, -25293);
	expect_ok(pl_want_bool(p, "yes", &yes));
	assert_true(yes);
	expect_ok(pl_want_bool(p, "no", &yes));
	assert_false(yes);
	expect_ok(pl_need_data(p, "d", 3, &data));
	assert_int_equal(data.n, 3);
	assert_int_equal(data.p[2], 2);
	assert_string_equal(when_text(a, pl_get(p, "when")->number), "2026-01-31T12:00:00Z");
	expect_ok(pl_want_array(p, "list", 2, &list));
	assert_int_equal(pl_count(list), 2);
	assert_true(list->child->next->real > 1.4 && list->child->next->real < 1.6);
	assert_int_equal(pl_count(pl_get(p, "e")), 0);
}

static void
refuses_members_of_another_kind_or_size(void **state)
{
	auto_arena struct arena *a = arena_new();
	const struct pl *list;
	struct pl *p = NULL;
	struct str data;
	const char *s;
	int64_t n;
	bool yes;

	(void)state;
	expect_ok(pl_parse(a,
	    str_c(HEAD
		"<dict><key>t</key><string>abc</string><key>l</key><array><true/><true/></array>"
		"</dict></plist>"),
	    &p));
	expect_err(ERR_PLIST, pl_want_text(p, "t", 2, &s));
	expect_err(ERR_PLIST, pl_want_text(p, "l", 2, &s));
	expect_err(ERR_PLIST, pl_need_text(p, "none", 2, &s));
	expect_err(ERR_PLIST, pl_want_data(p, "t", 9, &data));
	expect_err(ERR_PLIST, pl_need_data(p, "none", 9, &data));
	expect_err(ERR_PLIST, pl_want_int(p, "t", &n));
	expect_err(ERR_PLIST, pl_want_bool(p, "t", &yes));
	expect_err(ERR_PLIST, pl_want_array(p, "l", 1, &list));
	expect_err(ERR_PLIST, pl_want_array(p, "t", 1, &list));
	expect_ok(pl_want_text(p, "none", 2, &s));
	assert_string_equal(s, "");
	assert_null(pl_get(NULL, "x"));
}

static void
refuses_what_is_no_property_list(void **state)
{
	static const char *const bad[] = { "", " ", "<plist>", "text", "bplist00", "<a/>",
		HEAD "</plist>", HEAD "<dict><!-- c --></dict></plist>",
		HEAD "<string><![CDATA[x]]></string></plist>",
		"<!DOCTYPE plist [<!ENTITY e 'x'>]><plist><string>&e;</string></plist>",
		"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><plist><string>x</string></plist>",
		HEAD "<!DOCTYPE plist PUBLIC \"\" \"\"><string>x</string></plist>",
		HEAD "<string>&undefined;</string></plist>", HEAD "<string>\xff</string></plist>",
		HEAD "<string>\x01&#0;</string></plist>" };
	auto_arena struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct pl *p = NULL;
		err_t e = pl_parse(a, str_c(bad[i]), &p);

		if (err_ok(e))
			fail_msg("taken: %s", bad[i]);
		err_forget(e);
		assert_null(p);
	}
}

static void
refuses_deep_and_wide_lists(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b;
	struct pl *p = NULL;

	(void)state;
	buf_init(&b, LIMIT_PLIST_BYTES + 1000);
	expect_ok(buf_puts(&b, HEAD));
	for (int i = 0; i < 30000; i++)
		expect_ok(buf_puts(&b, "<array>"));
	expect_err(ERR_PLIST, pl_parse(a, buf_str(&b), &p));
	buf_reset(&b);
	expect_ok(buf_puts(&b, HEAD "<array>"));
	for (unsigned i = 0; i <= LIMIT_PLIST_NODES; i++)
		expect_ok(buf_puts(&b, "<true/>"));
	expect_ok(buf_puts(&b, "</array></plist>"));
	expect_err(ERR_PLIST, pl_parse(a, buf_str(&b), &p));
	buf_reset(&b);
	/* An attribute that looks like the end of an empty element does not make it one. */
	expect_ok(buf_puts(&b, HEAD));
	for (int i = 0; i < 100; i++)
		expect_ok(buf_puts(&b, "<array a=\"/>\">"));
	expect_err(ERR_PLIST, pl_parse(a, buf_str(&b), &p));
	buf_reset(&b);
	for (unsigned i = 0; i <= LIMIT_PLIST_BYTES; i++)
		expect_ok(buf_putc(&b, '<'));
	expect_err(ERR_TOO_LARGE, pl_parse(a, buf_str(&b), &p));
	assert_null(p);
}

static bool
taken(err_t e)
{
	bool ok = err_ok(e);

	err_forget(e);
	return ok;
}

/* A binary list as another program writes it. */
static struct str
binary(struct arena *a, const char *xml)
{
	plist_t list = NULL;
	char *out = NULL;
	uint32_t n = 0;
	struct str s;

	plist_from_xml(xml, (uint32_t)strlen(xml), &list);
	plist_to_bin(list, &out, &n);
	s = arena_str(a, str_of(out, n));
	plist_to_bin_free(out);
	plist_free(list);
	return s;
}

static void
reads_the_binary_form(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct str bin = binary(a,
	    HEAD "<dict><key>Status</key><string>Idle</string><key>a</key><array><data>AAEC</data>"
		 "<integer>70000</integer><string>\xc3\xa4</string></array></dict></plist>");
	struct pl *p = NULL;
	const char *s;

	(void)state;
	expect_ok(pl_parse(a, bin, &p));
	expect_ok(pl_need_text(p, "Status", 10, &s));
	assert_string_equal(s, "Idle");
	assert_int_equal(pl_get(p, "a")->child->next->number, 70000);
	assert_string_equal(pl_get(p, "a")->end->text, "\xc3\xa4");
}

static void
stands_binary_lists_that_were_cut_or_bent(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct str bin = binary(a,
	    HEAD
	    "<dict><key>k</key><array><data>AAEC</data><integer>7</integer></array></dict></plist>");
	uint8_t *bent = arena_copy(a, bin.p, bin.n);
	struct pl *p = NULL;

	(void)state;
	for (size_t n = 0; n < bin.n; n++)
		assert_false(taken(pl_parse(a, str_of(bin.p, n), &p)));
	for (size_t i = 8; i < bin.n; i++)
		for (int bit = 0; bit < 8; bit++) {
			bent[i] ^= (uint8_t)(1 << bit);
			err_forget(pl_parse(a, str_of(bent, bin.n), &p));
			bent[i] ^= (uint8_t)(1 << bit);
		}
}

/* libplist would end the process. */
static void
refuses_keys_with_a_nul_and_keys_that_are_no_text(void **state)
{
	static const char *const bad[] = { "<key>a&#0;b</key>", "<key>a&#x0;b</key>",
		"<key>&#00000;</key>", "<key>&#4294967296;</key>" };
	auto_arena struct arena *a = arena_new();
	struct str bin = binary(a, HEAD "<dict><key>kXk</key><string>s</string></dict></plist>");
	uint8_t *bent = arena_copy(a, bin.p, bin.n);
	uint8_t *key = memmem(bent, bin.n, "kXk", 3);
	struct pl *p = NULL;

	(void)state;
	assert_non_null(key);
	key[1] = 0;
	expect_err(ERR_PLIST, pl_parse(a, str_of(bent, bin.n), &p));
	key[1] = 'X';
	key[-1] = 0x43; /* data of three bytes instead */
	expect_err(ERR_PLIST, pl_parse(a, str_of(bent, bin.n), &p));
	for (size_t i = 0; i < COUNT(bad); i++)
		expect_err(ERR_PLIST,
		    pl_parse(a,
			str_c(arena_printf(
			    a, HEAD "<dict>%s<string>s</string></dict></plist>", bad[i])),
			&p));
	assert_null(p);
}

/* Arrays of eight references to the array before: 8^n copies. */
static void
refuses_a_binary_list_that_unfolds_without_end(void **state)
{
	auto_arena struct arena *a = arena_new();
	auto_buf struct buf b;
	struct pl *p = NULL;
	uint8_t at[20];

	(void)state;
	buf_init(&b, 4096);
	expect_ok(buf_puts(&b, "bplist00"));
	for (uint8_t i = 0; i < 20; i++) {
		at[i] = (uint8_t)b.n;
		expect_ok(buf_putc(&b, i == 19 ? 0x09 : 0xa8));
		for (int k = 0; k < 8 && i < 19; k++)
			expect_ok(buf_putc(&b, (uint8_t)(i + 1)));
	}
	for (int i = 0; i < 20; i++)
		expect_ok(buf_putc(&b, at[i]));
	expect_ok(buf_put(&b,
	    STR(((uint8_t[]){ 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0 }))));
	b.p[b.n - 1] = (uint8_t)(b.n - 32 - 20);
	expect_err(ERR_PLIST, pl_parse(a, buf_str(&b), &p));
	/* and one that holds itself */
	b.p[9] = 0;
	expect_err(ERR_PLIST, pl_parse(a, buf_str(&b), &p));
	assert_null(p);
}

static void
writes_what_it_and_others_read(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct pl *p = pl_dict(a), *list = pl_array(a), *again = NULL;
	plist_t other = NULL;
	struct str text;
	const char *s;

	(void)state;
	pl_set_text(a, p, "name", "old");
	pl_set_text(a, p, "last", "z");
	pl_set_text(a, p, "name", "<A & B>");
	pl_set_int(a, p, "n", -5);
	pl_set_bool(a, p, "b", true);
	pl_set_data(a, p, "d", LIT("\x00\xff"));
	pl_add(list, pl_int(a, 1));
	pl_add(list, pl_dict(a));
	pl_set(a, p, "list", list);
	expect_ok(pl_print(a, p, &text));
	expect_ok(pl_parse(a, text, &again));
	assert_int_equal(pl_count(again), 6);
	expect_ok(pl_need_text(again, "name", 20, &s));
	assert_string_equal(s, "<A & B>");
	assert_int_equal(pl_get(again, "d")->data.n, 2);
	plist_from_xml((const char *)text.p, (uint32_t)text.n, &other);
	assert_non_null(other);
	assert_int_equal(plist_dict_get_size(other), 6);
	plist_free(other);
}

static void
refuses_to_write_what_xml_cannot_hold(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct pl *p = pl_dict(a), *deep = pl_array(a);
	struct str text = { 0 };

	(void)state;
	pl_set_text(a, p, "k", "\x01");
	assert_false(taken(pl_print(a, p, &text)));
	for (unsigned i = 0; i < LIMIT_PLIST_DEPTH + 1; i++) {
		struct pl *outer = pl_array(a);

		pl_add(outer, deep);
		deep = outer;
	}
	expect_err(ERR_PLIST, pl_print(a, deep, &text));
	assert_int_equal(text.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_kind_of_member),
		cmocka_unit_test(refuses_members_of_another_kind_or_size),
		cmocka_unit_test(refuses_what_is_no_property_list),
		cmocka_unit_test(refuses_deep_and_wide_lists),
		cmocka_unit_test(reads_the_binary_form),
		cmocka_unit_test(stands_binary_lists_that_were_cut_or_bent),
		cmocka_unit_test(refuses_keys_with_a_nul_and_keys_that_are_no_text),
		cmocka_unit_test(refuses_a_binary_list_that_unfolds_without_end),
		cmocka_unit_test(writes_what_it_and_others_read),
		cmocka_unit_test(refuses_to_write_what_xml_cannot_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
