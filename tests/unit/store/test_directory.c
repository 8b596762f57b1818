/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

static struct user
user_n(unsigned n, const char *upn)
{
	return (struct user){ .id = id_n(n),
		.upn = upn,
		.display_name = "Ada \xc3\x84",
		.mail = "a@x",
		.enabled = true,
		.created = 5,
		.modified = 6 };
}

static struct group
group_n(unsigned n)
{
	return (struct group){ .id = id_n(n), .display_name = "G", .source = "api", .created = 1 };
}

static void
a_user_comes_back_as_it_was_saved(void **state)
{
	IN(state);
	struct user u = user_n(1, "ada@example.com"), got;

	expect_ok(store_user_insert(tx, &u));
	expect_ok(store_user_get(tx, a, u.id, &got));
	assert_true(id_eq(got.id, u.id));
	assert_string_equal(got.upn, u.upn);
	assert_string_equal(got.display_name, u.display_name);
	assert_string_equal(got.sid, ""); /* was NULL */
	assert_true(got.enabled);
	assert_int_equal(got.created, 5);
	assert_int_equal(got.modified, 6);
}

static void
a_upn_is_found_and_unique_whatever_its_case(void **state)
{
	IN(state);
	struct user u = user_n(1, "ada@example.com"), v = user_n(2, "ADA@Example.com"), got;

	expect_ok(store_user_insert(tx, &u));
	expect_ok(store_user_by_upn(tx, a, "Ada@EXAMPLE.com", &got));
	expect_err(ERR_CONFLICT, store_user_insert(tx, &v));
	expect_err(ERR_NOT_FOUND, store_user_by_upn(tx, a, "bob@example.com", &got));
}

static void
an_unknown_user_cannot_be_changed_or_deleted(void **state)
{
	IN(state);
	struct user u = user_n(1, "a"), got;

	expect_err(ERR_NOT_FOUND, store_user_update(tx, &u));
	expect_err(ERR_NOT_FOUND, store_user_delete(tx, u.id));
	expect_err(ERR_NOT_FOUND, store_user_get(tx, a, u.id, &got));
	expect_ok(store_user_insert(tx, &u));
	u.department = "R&D";
	expect_ok(store_user_update(tx, &u));
	expect_ok(store_user_get(tx, a, u.id, &got));
	assert_string_equal(got.department, "R&D");
}

static void
a_list_comes_in_pages(void **state)
{
	IN(state);
	struct user *v;
	char upn[16];
	bool more;
	size_t n;

	for (unsigned i = 1; i <= 5; i++) {
		struct user u = user_n(i, upn);

		snprintf(upn, sizeof(upn), "u%u", i);
		expect_ok(store_user_insert(tx, &u));
	}
	expect_ok(store_user_list(tx, a, (struct page){ .limit = 3 }, &v, &n, &more));
	assert_int_equal(n, 3);
	assert_true(more);
	expect_ok(
	    store_user_list(tx, a, (struct page){ .after = v[2].id, .limit = 2 }, &v, &n, &more));
	assert_int_equal(n, 2);
	assert_false(more);
	assert_string_equal(v[1].upn, "u5");
}

static void
deleting_a_user_ends_its_memberships(void **state)
{
	IN(state);
	struct user u = user_n(1, "a");
	struct group g = group_n(10);
	struct id *of;
	size_t n;

	expect_ok(store_user_insert(tx, &u));
	expect_ok(store_group_insert(tx, &g));
	expect_ok(store_member_add(tx, g.id, (struct member){ u.id, MEMBER_USER }));
	expect_ok(store_user_delete(tx, u.id));
	expect_ok(store_groups_of(tx, a, u.id, &of, &n));
	assert_int_equal(n, 0);
}

static void
a_member_is_added_once_and_only_to_a_group_that_exists(void **state)
{
	IN(state);
	struct group g = group_n(10);
	struct member m = { id_n(1), MEMBER_DEVICE }, *v;
	bool more;
	size_t n;

	expect_err(ERR_NOT_FOUND, store_member_add(tx, g.id, m));
	expect_ok(store_group_insert(tx, &g));
	expect_ok(store_member_add(tx, g.id, m));
	expect_err(ERR_CONFLICT, store_member_add(tx, g.id, m));
	expect_ok(store_member_list(tx, a, g.id, (struct page){ .limit = 10 }, &v, &n, &more));
	assert_int_equal(n, 1);
	assert_int_equal(v[0].kind, MEMBER_DEVICE);
	expect_ok(store_member_remove(tx, g.id, m.id));
	expect_err(ERR_NOT_FOUND, store_member_remove(tx, g.id, m.id));
}

static void
groups_of_follows_groups_within_groups_and_cycles_are_refused(void **state)
{
	IN(state);
	struct id *of;
	size_t n;

	for (unsigned i = 10; i <= 13; i++) {
		struct group g = group_n(i);

		expect_ok(store_group_insert(tx, &g));
	}
	expect_ok(store_member_add(tx, id_n(10), (struct member){ id_n(1), MEMBER_USER }));
	expect_ok(store_member_add(tx, id_n(11), (struct member){ id_n(10), MEMBER_GROUP }));
	expect_ok(store_member_add(tx, id_n(12), (struct member){ id_n(11), MEMBER_GROUP }));
	expect_err(ERR_GROUP_CYCLE,
	    store_member_add(tx, id_n(10), (struct member){ id_n(12), MEMBER_GROUP }));
	expect_err(ERR_GROUP_CYCLE,
	    store_member_add(tx, id_n(10), (struct member){ id_n(10), MEMBER_GROUP }));
	/* What another program wrote may still be one. */
	expect_ok(row_run(tx, STMT_MEMBER_ADD,
	    VALS(val_id(id_n(10)), val_id(id_n(12)), val_i64(MEMBER_GROUP)), NULL));
	expect_ok(store_groups_of(tx, a, id_n(1), &of, &n));
	assert_int_equal(n, 3);
	expect_ok(store_groups_of(tx, a, id_n(2), &of, &n));
	assert_int_equal(n, 0);
}

static void
deleting_a_group_takes_its_members_rows_along(void **state)
{
	IN(state);
	struct group g = group_n(10), got, *v;
	struct id *of;
	bool more;
	size_t n;

	expect_ok(store_group_insert(tx, &g));
	expect_ok(store_member_add(tx, g.id, (struct member){ id_n(1), MEMBER_USER }));
	g.description = "new";
	expect_ok(store_group_update(tx, &g));
	expect_ok(store_group_get(tx, a, g.id, &got));
	assert_string_equal(got.description, "new");
	expect_ok(store_group_list(tx, a, (struct page){ .limit = 1 }, &v, &n, &more));
	assert_int_equal(n, 1);
	expect_ok(store_group_delete(tx, g.id));
	expect_err(ERR_NOT_FOUND, store_group_delete(tx, g.id));
	expect_err(ERR_NOT_FOUND, store_group_update(tx, &g));
	expect_ok(store_groups_of(tx, a, id_n(1), &of, &n));
	assert_int_equal(n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SERVICE(a_user_comes_back_as_it_was_saved),
		ON_SERVICE(a_upn_is_found_and_unique_whatever_its_case),
		ON_SERVICE(an_unknown_user_cannot_be_changed_or_deleted),
		ON_SERVICE(a_list_comes_in_pages),
		ON_SERVICE(deleting_a_user_ends_its_memberships),
		ON_SERVICE(a_member_is_added_once_and_only_to_a_group_that_exists),
		ON_SERVICE(groups_of_follows_groups_within_groups_and_cycles_are_refused),
		ON_SERVICE(deleting_a_group_takes_its_members_rows_along),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
