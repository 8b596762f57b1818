/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include "store/user_pfx.h"

static void
somebody(struct tx *tx, unsigned n, const char *upn)
{
	struct user u = { .id = id_n(n), .upn = upn, .enabled = true };

	expect_ok(store_user_insert(tx, &u));
}

static struct user_pfx
pfx_n(unsigned n, unsigned user, const char *thumbprint, when_t ends)
{
	return (struct user_pfx){ .id = id_n(n),
		.user = id_n(user),
		.thumbprint = thumbprint,
		.purpose = PFX_SMIME_ENCRYPTION,
		.upn = "ada@example.com",
		.not_before = 1,
		.not_after = ends,
		.provider = "p",
		.key_name = "k",
		.padding = PFX_OAEP_SHA512,
		.blob = str_of("blob", 4),
		.password = str_of("password", 8),
		.created = 5,
		.modified = 6 };
}

static void
an_imported_certificate_comes_back_as_it_was_saved(void **state)
{
	IN(state);
	struct user_pfx p = pfx_n(10, 1, "aa", 100), got;

	somebody(tx, 1, "ada@example.com");
	expect_ok(store_pfx_insert(tx, &p));
	expect_ok(store_pfx_get(tx, a, p.id, &got));
	assert_string_equal(got.thumbprint, "aa");
	assert_int_equal(got.purpose, PFX_SMIME_ENCRYPTION);
	assert_int_equal(got.padding, PFX_OAEP_SHA512);
	assert_true(str_eq(got.blob, p.blob));
	assert_true(str_eq(got.password, p.password));
	p.purpose = PFX_VPN;
	expect_ok(store_pfx_update(tx, &p));
	expect_ok(store_pfx_by_thumbprint(tx, a, id_n(1), "aa", &got));
	assert_int_equal(got.purpose, PFX_VPN);
	expect_ok(store_pfx_delete(tx, p.id));
	expect_err(ERR_NOT_FOUND, store_pfx_get(tx, a, p.id, &got));
	expect_err(ERR_NOT_FOUND, store_pfx_delete(tx, p.id));
	expect_err(ERR_NOT_FOUND, store_pfx_update(tx, &p));
}

static void
those_that_end_in_a_span_are_counted(void **state)
{
	IN(state);
	const struct {
		when_t from, until;
		int64_t n;
	} rows[] = { { INT64_MIN, 99, 0 }, { INT64_MIN, 100, 1 }, { 99, 200, 2 }, { 100, 200, 1 },
		{ 200, INT64_MAX, 1 }, { 300, 200, 0 } };
	const char *const thumbs[] = { "aa", "bb", "cc" };
	int64_t n;

	somebody(tx, 1, "ada@example.com");
	for (unsigned i = 0; i < COUNT(thumbs); i++) {
		struct user_pfx p = pfx_n(10 + i, 1, thumbs[i], 100 * (i + 1));

		expect_ok(store_pfx_insert(tx, &p));
	}
	for (size_t i = 0; i < COUNT(rows); i++) {
		expect_ok(store_pfx_ending(tx, rows[i].from, rows[i].until, &n));
		assert_int_equal(n, rows[i].n);
	}
}

static void
one_user_has_one_record_for_a_thumbprint(void **state)
{
	IN(state);
	struct user_pfx p = pfx_n(10, 1, "aa", 100), q = pfx_n(11, 1, "aa", 100);

	somebody(tx, 1, "ada@example.com");
	somebody(tx, 2, "bob@example.com");
	expect_ok(store_pfx_insert(tx, &p));
	expect_err(ERR_CONFLICT, store_pfx_insert(tx, &q));
	q.user = id_n(2);
	expect_ok(store_pfx_insert(tx, &q));
}

static void
those_of_a_user_come_longest_validity_first_without_secrets(void **state)
{
	IN(state);
	struct user_pfx p = pfx_n(10, 1, "aa", 100), q = pfx_n(11, 1, "bb", 300);
	struct user_pfx *v;
	bool more;
	size_t n;

	somebody(tx, 1, "ada@example.com");
	expect_ok(store_pfx_insert(tx, &p));
	expect_ok(store_pfx_insert(tx, &q));
	expect_ok(store_pfx_of_user(tx, a, id_n(1), &v, &n));
	assert_int_equal(n, 2);
	assert_string_equal(v[0].thumbprint, "bb");
	assert_int_equal(v[0].blob.n + v[0].password.n, 0);
	expect_ok(store_pfx_list(tx, a, (struct page){ .limit = 1 }, &v, &n, &more));
	assert_int_equal(n, 1);
	assert_true(more);
	/* Who leaves takes them along. */
	expect_ok(store_user_delete(tx, id_n(1)));
	expect_ok(store_pfx_of_user(tx, a, id_n(1), &v, &n));
	assert_int_equal(n, 0);
}

static struct pfx_copy
copy_of(struct id pfx, const char *key)
{
	return (struct pfx_copy){ .pfx = pfx,
		.key = key,
		.key_name = "k",
		.padding = PFX_OAEP_SHA256,
		.password = str_of("wrapped", 7) };
}

static void
each_import_key_has_one_copy_of_the_password(void **state)
{
	IN(state);
	struct user_pfx p = pfx_n(10, 1, "aa", 100);
	struct pfx_copy c = copy_of(p.id, "one"), *v;
	size_t n;

	somebody(tx, 1, "ada@example.com");
	expect_ok(store_pfx_insert(tx, &p));
	expect_ok(store_pfx_copy_put(tx, &c));
	c.key = "ONE";
	c.password = str_of("again", 5);
	expect_ok(store_pfx_copy_put(tx, &c));
	c.key = "two";
	expect_ok(store_pfx_copy_put(tx, &c));
	expect_ok(store_pfx_copies(tx, a, p.id, &v, &n));
	assert_int_equal(n, 2);
	assert_true(str_eq(v[0].password, LIT("again")));
	expect_ok(store_pfx_delete(tx, p.id));
	expect_ok(store_pfx_copies(tx, a, p.id, &v, &n));
	assert_int_equal(n, 0);
}

static void
what_lacks_a_copy_is_found_once_each_and_page_by_page(void **state)
{
	IN(state);
	struct pfx_copy c, *v;
	size_t n;

	somebody(tx, 1, "ada@example.com");
	for (unsigned i = 0; i < 3; i++) {
		struct user_pfx p = pfx_n(10 + i, 1, i == 0 ? "aa" : i == 1 ? "bb" : "cc", 100);

		expect_ok(store_pfx_insert(tx, &p));
		c = copy_of(p.id, "one");
		expect_ok(store_pfx_copy_put(tx, &c));
		c.key = "name:k";
		expect_ok(store_pfx_copy_put(tx, &c));
	}
	c = copy_of(id_n(11), "new");
	expect_ok(store_pfx_copy_put(tx, &c));
	expect_ok(store_pfx_copies_lack(
	    tx, a, "one,name:k", "NEW", (struct page){ .limit = 10 }, &v, &n));
	assert_int_equal(n, 2);
	assert_true(id_eq(v[0].pfx, id_n(10)));
	assert_true(id_eq(v[1].pfx, id_n(12)));
	expect_ok(store_pfx_copies_lack(
	    tx, a, "one", "new", (struct page){ .after = id_n(10), .limit = 1 }, &v, &n));
	assert_int_equal(n, 1);
	assert_true(id_eq(v[0].pfx, id_n(12)));
	expect_ok(
	    store_pfx_copies_lack(tx, a, "other,", "new", (struct page){ .limit = 10 }, &v, &n));
	assert_int_equal(n, 0);
	expect_ok(store_pfx_copies_lack(tx, a, "", "new", (struct page){ .limit = 10 }, &v, &n));
	assert_int_equal(n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SERVICE(an_imported_certificate_comes_back_as_it_was_saved),
		ON_SERVICE(those_that_end_in_a_span_are_counted),
		ON_SERVICE(one_user_has_one_record_for_a_thumbprint),
		ON_SERVICE(those_of_a_user_come_longest_validity_first_without_secrets),
		ON_SERVICE(each_import_key_has_one_copy_of_the_password),
		ON_SERVICE(what_lacks_a_copy_is_found_once_each_and_page_by_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
