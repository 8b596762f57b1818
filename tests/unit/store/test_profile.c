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

/* Of an engine, where a reader has what another one made of the same. */
struct look {
	struct arena *a;
	unsigned group;
	const char *platform;
	bool user;
	struct profile *v;
	size_t n;
};

static err_t
look_tx(struct tx *tx, void *arg)
{
	struct look *l = arg;
	struct id group = id_n(l->group);
	struct assignment *by;

	return store_profiles_for(tx, l->a, l->platform, &group, 1, l->user, &l->v, &by, &l->n);
}

static struct look
look(struct store *s, struct arena *a, unsigned group, const char *platform, bool user)
{
	struct look l = { .a = a, .group = group, .platform = platform, .user = user };

	expect_ok(store_read(s, look_tx, &l));
	return l;
}

static err_t
two_profiles(struct tx *tx, void *arg)
{
	(void)arg;
	profile_put(tx, 1, "linux");
	profile_put(tx, 2, "linux");
	target(tx, 1, TARGET_GROUP, 50);
	target(tx, 2, TARGET_ALL_USERS, 0);
	return OK;
}

static err_t
retarget(struct tx *tx, void *arg)
{
	target(tx, 1, TARGET_GROUP, *(const unsigned *)arg);
	return OK;
}

static struct store *
engine(const struct scratch *x)
{
	struct store_conf conf = { .path = x->path, .schema = STORE_SERVICE };
	struct store *s = NULL;

	expect_ok(store_open(&conf, &s));
	expect_ok(store_write(s, two_profiles, NULL));
	return s;
}

static void
readers_share_what_is_the_same_for_many_devices(void **state)
{
	struct scratch *x = *state;
	struct store *s = engine(x);
	struct look one = look(s, x->a, 50, "linux", true);
	struct look other;

	assert_int_equal(one.n, 2);
	one.v[0].id = id_n(9); /* the array is its own */
	other = look(s, x->a, 50, "linux", true);
	assert_int_equal(other.n, 2);
	assert_true(id_eq(other.v[0].id, id_n(1)));
	assert_ptr_equal(other.v[0].settings, one.v[0].settings);
	store_close(s);
}

static void
who_is_in_another_group_has_no_user_or_is_of_another_platform_gets_a_list_of_its_own(void **state)
{
	struct scratch *x = *state;
	struct store *s = engine(x);

	assert_int_equal(look(s, x->a, 50, "linux", true).n, 2);
	assert_int_equal(look(s, x->a, 50, "linux", false).n, 1);
	assert_int_equal(look(s, x->a, 51, "linux", true).n, 1);
	assert_int_equal(look(s, x->a, 51, "linux", false).n, 0);
	assert_int_equal(look(s, x->a, 50, "linu", true).n, 0);
	store_close(s);
}

static void
after_a_change_every_reader_has_the_new_list(void **state)
{
	struct scratch *x = *state;
	struct store *s = engine(x);

	for (unsigned group = 51; group < 60; group++) {
		assert_int_equal(look(s, x->a, group, "linux", false).n, 0);
		expect_ok(store_write(s, retarget, &group));
		assert_int_equal(look(s, x->a, group, "linux", false).n, 1);
		assert_int_equal(look(s, x->a, group - 1, "linux", false).n, 0);
	}
	store_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SERVICE(a_profile_is_saved_changed_and_deleted_with_its_assignments),
		ON_SERVICE(assigning_replaces_all_and_needs_the_profile),
		ON_SERVICE(profiles_for_takes_groups_all_devices_and_all_users_of_the_platform),
		ON_SERVICE(an_exclusion_wins_and_every_inclusion_comes),
		ON_PATH(readers_share_what_is_the_same_for_many_devices),
		ON_PATH(
		    who_is_in_another_group_has_no_user_or_is_of_another_platform_gets_a_list_of_its_own),
		ON_PATH(after_a_change_every_reader_has_the_new_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
