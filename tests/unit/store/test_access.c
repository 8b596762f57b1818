/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include <sqlite3.h>

#include "base/limits.h"
#include "store/access.h"

static void
apps_and_admins_come_back_and_admin_names_are_unique(void **state)
{
	IN(state);
	struct app p = { .id = id_n(1), .name = "app", .enabled = true }, gotp, *v;
	struct admin m = { .id = id_n(2), .name = "Root", .enabled = true },
		     n = { .id = id_n(3), .name = "root" }, got, *all;
	size_t count;

	expect_ok(store_app_insert(tx, &p));
	expect_ok(store_app_get(tx, a, p.id, &gotp));
	expect_err(ERR_NOT_FOUND, store_app_get(tx, a, id_n(9), &gotp));
	expect_ok(store_app_list(tx, a, &v, &count));
	assert_int_equal(count, 1);
	expect_ok(store_app_delete(tx, p.id));
	expect_err(ERR_NOT_FOUND, store_app_delete(tx, p.id));
	expect_err(ERR_NOT_FOUND, store_app_get(tx, a, p.id, &gotp));
	expect_ok(store_admin_insert(tx, &m));
	expect_err(ERR_CONFLICT, store_admin_insert(tx, &n));
	expect_ok(store_admin_by_name(tx, a, "ROOT", &got));
	expect_err(ERR_NOT_FOUND, store_admin_by_name(tx, a, "other", &got));
	expect_ok(store_admin_get(tx, a, m.id, &got));
	assert_string_equal(got.name, "Root");
	expect_err(ERR_NOT_FOUND, store_admin_get(tx, a, n.id, &got));
	expect_ok(store_admin_list(tx, a, &all, &count));
	assert_int_equal(count, 1);
	expect_ok(store_admin_delete(tx, m.id));
	expect_err(ERR_NOT_FOUND, store_admin_delete(tx, m.id));
	expect_ok(store_admin_insert(tx, &n)); /* the name is free again */
}

static void
a_log_in_moves_on_once_and_old_ones_are_forgotten(void **state)
{
	IN(state);
	struct login l = { .code_hash = LIT("c"),
		.user_code = "ABCD",
		.state = LOGIN_PENDING,
		.created = 10,
		.expires = 20 },
		     got, later = l;

	expect_ok(store_login_insert(tx, &l));
	expect_err(ERR_CONFLICT, store_login_insert(tx, &l));
	l.state = LOGIN_APPROVED;
	expect_ok(store_login_update(tx, &l, LOGIN_PENDING));
	expect_err(ERR_STATE_MOVED, store_login_update(tx, &l, LOGIN_PENDING));
	expect_ok(store_login_by_code(tx, a, LIT("c"), &got));
	expect_ok(store_login_by_user_code(tx, a, "ABCD", &got));
	assert_int_equal(got.state, LOGIN_APPROVED);
	later.code_hash = LIT("d");
	later.user_code = "EFGH";
	later.created = 100000;
	expect_ok(store_login_insert(tx, &later));
	expect_err(ERR_NOT_FOUND, store_login_by_code(tx, a, LIT("c"), &got));
	expect_err(ERR_NOT_FOUND, store_login_by_user_code(tx, a, "ABCD", &got));
	expect_err(ERR_NOT_FOUND, store_login_update(tx, &l, LOGIN_APPROVED));
}

static void
a_sign_in_that_goes_on_is_found_by_its_token_and_the_one_before(void **state)
{
	IN(state);
	struct admin somebody = { .id = id_n(30), .name = "Somebody" };
	struct refresh mine = {
		.id = id_n(31), .hash = LIT("mine"), .admin = id_n(30), .created = 21, .expires = 99
	};
	struct refresh r = { .id = id_n(1),
		.hash = LIT("one"),
		.admin = id_n(7),
		.created = 10,
		.used = 10,
		.expires = 20 },
		       got, other = { .admin = id_n(8), .created = 15, .used = 1, .expires = 99 };

	expect_ok(store_refresh_insert(tx, &r));
	expect_err(ERR_NOT_FOUND, store_refresh_by_hash(tx, a, LIT("two"), &got));
	r.before = r.hash;
	r.hash = LIT("two");
	expect_ok(store_refresh_update(tx, &r, LIT("one")));
	expect_err(ERR_STATE_MOVED, store_refresh_update(tx, &r, LIT("one")));
	expect_ok(store_refresh_by_hash(tx, a, LIT("one"), &got));
	expect_ok(store_refresh_by_hash(tx, a, LIT("two"), &got));
	assert_true(str_eq(got.hash, LIT("two")));
	/* Of one person's the oldest go, whatever others have; what is over goes with the next. */
	for (unsigned i = 0; i <= LIMIT_REFRESHES; i++) {
		other.id = id_n((uint8_t)(100 + i));
		other.hash = str_c(arena_printf(a, "other %u", i));
		other.used = i;
		expect_ok(store_refresh_insert(tx, &other));
	}
	expect_err(ERR_NOT_FOUND, store_refresh_by_hash(tx, a, LIT("other 0"), &got));
	expect_ok(store_refresh_by_hash(tx, a, LIT("other 1"), &got));
	expect_ok(store_refresh_by_hash(tx, a, LIT("two"), &got));
	other.id = id_n(9);
	other.hash = LIT("later");
	other.created = 21;
	expect_ok(store_refresh_insert(tx, &other));
	expect_err(ERR_NOT_FOUND, store_refresh_by_hash(tx, a, LIT("two"), &got));
	expect_ok(store_refresh_delete(tx, id_n(9)));
	expect_ok(store_refresh_delete(tx, id_n(9)));
	/* Whose they are takes them along, and nobody else's. */
	expect_ok(store_admin_insert(tx, &somebody));
	expect_ok(store_refresh_insert(tx, &mine));
	expect_ok(store_admin_delete(tx, somebody.id));
	expect_err(ERR_NOT_FOUND, store_refresh_by_hash(tx, a, LIT("mine"), &got));
	expect_ok(store_refresh_by_hash(tx, a, LIT("other 9"), &got));
}

static void
the_audit_shows_a_changed_a_removed_and_a_cut_line(void **state)
{
	IN(state);
	static const char *const harm[] = { "UPDATE audit SET actor = 'eve' WHERE seq = 2",
		"DELETE FROM audit WHERE seq = 2", "DELETE FROM audit WHERE seq = 3" };
	static const int64_t where[] = { 2, 2, 3 };
	struct audit *v;
	int64_t bad;
	size_t n;

	for (int i = 0; i < 3; i++)
		expect_ok(store_audit_add(tx, "ada", "delete", "user", "{}", ""));
	expect_ok(store_audit_verify(tx, &bad));
	assert_int_equal(bad, 0);
	expect_ok(store_audit_list(tx, a, 1, 10, &v, &n));
	assert_int_equal(n, 2);
	assert_string_equal(v[0].before, "{}");
	expect_ok(db_commit(x->db));
	for (size_t i = 0; i < COUNT(harm); i++) {
		sqlite3 *h = NULL;

		assert_int_equal(sqlite3_open(x->path, &h), SQLITE_OK);
		assert_int_equal(
		    sqlite3_exec(h, "CREATE TABLE keep AS SELECT * FROM audit", 0, 0, 0),
		    SQLITE_OK);
		assert_int_equal(sqlite3_exec(h, harm[i], 0, 0, 0), SQLITE_OK);
		expect_ok(store_audit_verify(tx, &bad));
		assert_int_equal(bad, where[i]);
		assert_int_equal(sqlite3_exec(h,
				     "DELETE FROM audit; INSERT INTO audit SELECT * FROM keep;"
				     "DROP TABLE keep",
				     0, 0, 0),
		    SQLITE_OK);
		sqlite3_close(h);
	}
	expect_ok(store_audit_verify(tx, &bad));
	assert_int_equal(bad, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SERVICE(apps_and_admins_come_back_and_admin_names_are_unique),
		ON_SERVICE(a_log_in_moves_on_once_and_old_ones_are_forgotten),
		ON_SERVICE(a_sign_in_that_goes_on_is_found_by_its_token_and_the_one_before),
		ON_SERVICE(the_audit_shows_a_changed_a_removed_and_a_cut_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
