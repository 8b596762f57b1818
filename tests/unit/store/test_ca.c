/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include "store/search.h"

static struct issued
issued_n(unsigned n, const char *serial)
{
	return (struct issued){ .ca = "CA",
		.state = ISSUED_INTENT,
		.serial = serial,
		.order = id_n(n),
		.fence = 1,
		.subject = "CN=Ada",
		.not_after = 100 };
}

static void
cas_are_found_whatever_the_case(void **state)
{
	IN(state);
	struct ca_row c = { .name = "Corp CA", .cert = LIT("der") }, got, *v;
	size_t n;

	expect_err(ERR_NOT_FOUND, store_ca_update(tx, &c));
	expect_ok(store_ca_insert(tx, &c));
	expect_err(ERR_CONFLICT, store_ca_insert(tx, &c));
	c.crl_number = 5;
	expect_ok(store_ca_update(tx, &c));
	expect_ok(store_ca_get(tx, a, "corp ca", &got));
	assert_int_equal(got.crl_number, 5);
	expect_err(ERR_NOT_FOUND, store_ca_get(tx, a, "other", &got));
	expect_ok(store_ca_list(tx, a, &v, &n));
	assert_int_equal(n, 1);
}

static void
templates_principals_and_rights_go_together(void **state)
{
	IN(state);
	struct template_row t = { .name = "User",
		.oid = "1.2.3",
		.min_key_bits = 2048,
		.key_usage = 0xa0 },
			    gott, *vt;
	struct principal p = { .name = "svc",
		.cert_sha256 = LIT("h"),
		.ca_rights = 3,
		.enabled = true },
			 gotp, *vp;
	unsigned allow, deny;
	size_t n;

	expect_err(ERR_NOT_FOUND, store_template_right_put(tx, "User", "svc", 1, 0));
	expect_ok(store_template_put(tx, &t));
	t.min_key_bits = 3072;
	expect_ok(store_template_put(tx, &t));
	expect_ok(store_template_get(tx, a, "1.2.3", &gott));
	assert_int_equal(gott.min_key_bits, 3072);
	assert_int_equal(gott.key_usage, 0xa0);
	expect_err(ERR_NOT_FOUND, store_template_get(tx, a, "", &gott));
	expect_ok(store_template_list(tx, a, &vt, &n));
	assert_int_equal(n, 1);
	expect_ok(store_principal_put(tx, &p));
	expect_ok(store_principal_get(tx, a, "svc", &gotp));
	expect_ok(store_principal_by_cert(tx, a, LIT("h"), &gotp));
	expect_err(ERR_NOT_FOUND, store_principal_by_cert(tx, a, STR_EMPTY, &gotp));
	expect_ok(store_principal_list(tx, a, &vp, &n));
	expect_ok(store_template_right_get(tx, "User", "svc", &allow, &deny));
	assert_int_equal(allow | deny, 0);
	expect_ok(store_template_right_put(tx, "User", "svc", 3, 4));
	expect_ok(store_template_right_get(tx, "User", "svc", &allow, &deny));
	assert_int_equal(allow, 3);
	assert_int_equal(deny, 4);
	expect_ok(store_template_delete(tx, "User"));
	expect_err(ERR_NOT_FOUND, store_template_delete(tx, "User"));
	expect_ok(store_template_right_get(tx, "User", "svc", &allow, &deny));
	assert_int_equal(allow, 0);
}

static void
a_group_gives_its_members_its_rights_and_its_denials(void **state)
{
	IN(state);
	struct template_row t = { .name = "User" };
	struct principal p = { .name = "svc", .enabled = true }, *v;
	struct principal g = { .name = "all", .enabled = true, .is_group = true, .ca_rights = 1 };
	struct template_right *sums;
	unsigned may;
	size_t n;

	expect_ok(store_template_put(tx, &t));
	expect_ok(store_principal_put(tx, &p));
	expect_ok(store_principal_put(tx, &g));
	expect_err(ERR_NOT_FOUND, store_principal_join(tx, "all", "nobody"));
	expect_ok(store_principal_join(tx, "ALL", "svc"));
	expect_ok(store_principal_join(tx, "all", "SVC"));
	expect_ok(store_principal_groups(tx, a, "svc", &v, &n));
	assert_int_equal(n, 1);
	assert_true(v[0].is_group);
	expect_ok(store_template_right_put(tx, "User", "all", 3, 0));
	expect_ok(store_template_right_put(tx, "User", "svc", 8, 0));
	expect_ok(store_template_rights_of(tx, "User", "svc", &may));
	assert_int_equal(may, 11);
	expect_ok(store_template_right_put(tx, "User", "svc", 8, 2));
	expect_ok(store_template_rights_of(tx, "User", "svc", &may));
	assert_int_equal(may, 9);
	expect_ok(store_template_right_put(tx, "User", "svc", 2, 0));
	expect_ok(store_template_right_put(tx, "User", "all", 1, 2));
	expect_ok(store_template_rights_of(tx, "User", "svc", &may));
	assert_int_equal(may, 1);
	expect_ok(store_template_right_sums(tx, a, "User", &sums, &n));
	assert_int_equal(n, 2);
	assert_string_equal(sums[1].principal, "svc");
	assert_int_equal(sums[1].allow, 3);
	assert_int_equal(sums[1].deny, 2);
	g.enabled = false;
	expect_ok(store_principal_put(tx, &g));
	expect_ok(store_template_rights_of(tx, "User", "svc", &may));
	assert_int_equal(may, 0);
	expect_ok(store_principal_leave(tx, "all", "svc"));
	expect_err(ERR_NOT_FOUND, store_principal_leave(tx, "all", "svc"));
	expect_ok(store_template_rights_of(tx, "User", "svc", &may));
	assert_int_equal(may, 2);
	expect_err(ERR_NOT_FOUND, store_principal_group_delete(tx, "svc"));
	expect_ok(store_principal_group_delete(tx, "all"));
	expect_ok(store_template_right_sums(tx, a, "User", &sums, &n));
	assert_int_equal(n, 1);
}

static void
a_certificate_goes_from_intent_to_valid_to_revoked(void **state)
{
	IN(state);
	struct issued x1 = issued_n(1, "0a"), twin = issued_n(2, "0A"), got, *v;
	size_t n;

	expect_ok(store_issued_insert(tx, &x1));
	assert_true(x1.id > 0);
	expect_err(ERR_CONFLICT, store_issued_insert(tx, &twin));
	expect_ok(store_issued_open(tx, a, &v, &n));
	assert_int_equal(n, 1);
	x1.state = ISSUED_VALID;
	x1.cert_sha256 = LIT("h");
	expect_ok(store_issued_update(tx, &x1, ISSUED_INTENT));
	expect_err(ERR_STATE_MOVED, store_issued_update(tx, &x1, ISSUED_INTENT));
	expect_ok(store_issued_by_cert(tx, a, LIT("h"), &got));
	expect_err(ERR_NOT_FOUND, store_issued_by_cert(tx, a, STR_EMPTY, &got));
	expect_ok(store_issued_by_serial(tx, a, "ca", "0A", &got));
	expect_err(ERR_NOT_FOUND, store_issued_by_serial(tx, a, "ca", "0b", &got));
	x1.state = ISSUED_REVOKED;
	expect_ok(store_issued_update(tx, &x1, ISSUED_VALID));
	expect_ok(store_issued_by_order(tx, a, id_n(1), &v, &n));
	assert_int_equal(n, 1);
	expect_ok(store_issued_search(tx, a, &(struct issued_filter){ .text = "ada" }, 5, &v, &n));
	assert_int_equal(n, 1);
	expect_ok(store_issued_search(
	    tx, a, &(struct issued_filter){ .state = ISSUED_VALID, .ca = "CA" }, 5, &v, &n));
	assert_int_equal(n, 0);
	expect_ok(store_issued_get(tx, a, x1.id, &got));
	x1.id = 99;
	expect_err(ERR_NOT_FOUND, store_issued_update(tx, &x1, ISSUED_VALID));
	expect_err(ERR_NOT_FOUND, store_issued_get(tx, a, 99, &got));
}

static void
a_fence_never_goes_back_and_closed_stays_closed(void **state)
{
	IN(state);
	uint64_t fence = 9;
	bool closed = true;

	expect_ok(store_order_state_get(tx, id_n(1), &fence, &closed));
	assert_int_equal(fence, 0);
	assert_false(closed);
	expect_ok(store_order_state_put(tx, id_n(1), 5, true));
	expect_ok(store_order_state_put(tx, id_n(1), 3, false));
	expect_ok(store_order_state_get(tx, id_n(1), &fence, &closed));
	assert_int_equal(fence, 5);
	assert_true(closed);
	expect_err(ERR_RANGE, store_order_state_put(tx, id_n(1), UINT64_MAX, false));
}

static void
keys_settings_and_the_journal_are_kept(void **state)
{
	IN(state);
	struct str *keys, v;
	int64_t bad;
	size_t n;

	expect_ok(store_order_key_put(tx, "svc", LIT("spki")));
	expect_ok(store_order_key_put(tx, "svc", LIT("spki2")));
	expect_ok(store_order_keys(tx, a, &keys, &n));
	assert_int_equal(n, 1);
	assert_true(str_eq_c(keys[0], "spki2"));
	expect_err(ERR_NOT_FOUND, store_ca_setting_get(tx, a, "tls", &v));
	expect_ok(store_ca_setting_put(tx, "tls", LIT("der")));
	expect_ok(store_ca_setting_get(tx, a, "tls", &v));
	expect_ok(store_journal_add(tx, "svc", "issued", "serial 1"));
	expect_ok(store_journal_add(tx, "svc", "revoked", "serial 1"));
	expect_ok(store_journal_verify(tx, &bad));
	assert_int_equal(bad, 0);
	expect_ok(row_run(tx, STMT_JOURNAL_ADD,
	    VALS(val_i64(3), val_i64(1), val_text("eve"), val_text("x"), val_text(""),
		val_bytes(LIT("forged"))),
	    NULL));
	expect_ok(store_journal_verify(tx, &bad));
	assert_int_equal(bad, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_CA(cas_are_found_whatever_the_case),
		ON_CA(templates_principals_and_rights_go_together),
		ON_CA(a_group_gives_its_members_its_rights_and_its_denials),
		ON_CA(a_certificate_goes_from_intent_to_valid_to_revoked),
		ON_CA(a_fence_never_goes_back_and_closed_stays_closed),
		ON_CA(keys_settings_and_the_journal_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
