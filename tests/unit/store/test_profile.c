/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include "store/profile.h"

static void
profile_put(struct tx *tx, unsigned n, const char *platform)
{
	struct profile p = { .id = id_n(n), .platform = platform, .settings = "{}", .version = 1 };

	expect_ok(store_profile_insert(tx, &p));
}

static void
target(struct tx *tx, unsigned profile, enum target_kind kind, unsigned group)
{
	struct assignment v = { .kind = kind, .group = id_n(group), .created = 3 };

	expect_ok(store_assign(tx, id_n(profile), &v, 1));
}

static void
a_profile_is_saved_changed_and_deleted_with_its_assignments(void **state)
{
	IN(state);
	struct profile p = { .id = id_n(1), .type = "t", .version = 1 }, got, *v;
	struct assignment *as;
	bool more;
	size_t n;

	expect_err(ERR_NOT_FOUND, store_profile_update(tx, &p));
	expect_err(ERR_NOT_FOUND, store_profile_get(tx, a, p.id, &got));
	expect_ok(store_profile_insert(tx, &p));
	expect_err(ERR_CONFLICT, store_profile_insert(tx, &p));
	p.version = 2;
	expect_ok(store_profile_update(tx, &p));
	expect_ok(store_profile_get(tx, a, p.id, &got));
	assert_int_equal(got.version, 2);
	target(tx, 1, TARGET_GROUP, 50);
	expect_ok(store_profile_list(tx, a, (struct page){ .limit = 2 }, &v, &n, &more));
	assert_int_equal(n, 1);
	expect_ok(store_profile_delete(tx, p.id));
	expect_err(ERR_NOT_FOUND, store_profile_delete(tx, p.id));
	expect_ok(store_assignments(tx, a, p.id, &as, &n));
	assert_int_equal(n, 0);
}

static void
assigning_replaces_all_and_needs_the_profile(void **state)
{
	IN(state);
	struct assignment two[] = { { .kind = TARGET_GROUP, .group = id_n(50) },
		{ .kind = TARGET_ALL_DEVICES } },
			  *v;
	struct assignment twice[] = { two[0], two[0] };
	size_t n;

	expect_err(ERR_NOT_FOUND, store_assign(tx, id_n(1), two, 2));
	profile_put(tx, 1, "linux");
	expect_ok(store_assign(tx, id_n(1), two, 2));
	expect_err(ERR_CONFLICT, store_assign(tx, id_n(1), twice, 2));
	expect_ok(store_assign(tx, id_n(1), two + 1, 1));
	expect_ok(store_assignments(tx, a, id_n(1), &v, &n));
	assert_int_equal(n, 1);
	assert_int_equal(v[0].kind, TARGET_ALL_DEVICES);
	expect_ok(store_assign(tx, id_n(1), NULL, 0));
	expect_ok(store_assignments(tx, a, id_n(1), &v, &n));
	assert_int_equal(n, 0);
}

static size_t
wanted(struct tx *tx, struct arena *a, bool user, unsigned first[8])
{
	const struct id groups[] = { id_n(50), id_n(51) };
	struct assignment *by;
	struct profile *v;
	size_t n;

	expect_ok(store_profiles_for(tx, a, "linux", groups, 2, user, &v, &by, &n));
	for (size_t i = 0; i < n && i < 8; i++) {
		first[i] = v[i].id.b[15];
		assert_true(id_eq(by[i].profile, v[i].id));
	}
	return n;
}

static void
profiles_for_takes_groups_all_devices_and_all_users_of_the_platform(void **state)
{
	IN(state);
	unsigned got[8];

	for (unsigned i = 1; i <= 5; i++)
		profile_put(tx, i, i == 5 ? "ios" : "linux");
	target(tx, 1, TARGET_GROUP, 51);
	target(tx, 2, TARGET_ALL_DEVICES, 0);
	target(tx, 3, TARGET_ALL_USERS, 0);
	target(tx, 4, TARGET_GROUP, 99);
	target(tx, 5, TARGET_ALL_DEVICES, 0);
	assert_int_equal(wanted(tx, a, true, got), 3);
	assert_int_equal(got[0], 1);
	assert_int_equal(got[1], 2);
	assert_int_equal(got[2], 3);
	assert_int_equal(wanted(tx, a, false, got), 2);
}

static void
an_exclusion_wins_and_every_inclusion_comes(void **state)
{
	IN(state);
	struct assignment out[] = { { .kind = TARGET_GROUP, .group = id_n(50) },
		{ .kind = TARGET_EXCLUDE_GROUP, .group = id_n(51) },
		{ .kind = TARGET_ALL_DEVICES } };
	struct assignment both[] = { { .kind = TARGET_GROUP, .group = id_n(50) },
		{ .kind = TARGET_GROUP, .group = id_n(51) },
		{ .kind = TARGET_EXCLUDE_GROUP, .group = id_n(99) } };
	unsigned got[8];

	profile_put(tx, 1, "linux");
	profile_put(tx, 2, "linux");
	expect_ok(store_assign(tx, id_n(1), out, COUNT(out)));
	expect_ok(store_assign(tx, id_n(2), both, COUNT(both)));
	/* A row a target that includes. */
	assert_int_equal(wanted(tx, a, true, got), 2);
	assert_int_equal(got[0], 2);
	assert_int_equal(got[1], 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SERVICE(a_profile_is_saved_changed_and_deleted_with_its_assignments),
		ON_SERVICE(assigning_replaces_all_and_needs_the_profile),
		ON_SERVICE(profiles_for_takes_groups_all_devices_and_all_users_of_the_platform),
		ON_SERVICE(an_exclusion_wins_and_every_inclusion_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
