/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule: a disk that is full, a sync that fails, a store that is locked, and the failure of exactly the write that follows
 * the signature refuse cleanly and lose nothing. The calls by which SQLite writes are replaced in this program.
 */
#include "lab.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include <sqlite3.h>

enum fault { NONE, DISK_FULL, SYNC_FAILS };

static atomic_int fault;
static atomic_int syncs_left; /* the fault begins after so many syncs */

static bool
strikes(enum fault f)
{
	return atomic_load(&fault) == (int)f && atomic_load(&syncs_left) <= 0;
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at);
ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	if (strikes(DISK_FULL)) {
		errno = ENOSPC;
		return -1;
	}
	return syscall(SYS_pwrite64, fd, p, n, at);
}

int
fdatasync(int fd)
{
	if (strikes(SYNC_FAILS)) {
		errno = EIO;
		return -1;
	}
	atomic_fetch_sub(&syncs_left, 1);
	return (int)syscall(SYS_fdatasync, fd);
}

static void
arm(enum fault f, int after)
{
	atomic_store(&syncs_left, after);
	atomic_store(&fault, f);
}

static void
journal_is_whole(struct lab *l)
{
	auto_json json *answer = NULL;

	expect_ok(lab_admin(l, "journal.verify", json_object_new(), &answer));
	assert_true(json_true(json_get(answer, "whole")));
}

/* Refused while it lasts; the same order afterwards is served, once. */
static void
refused_then_served(struct lab *l, enum fault f)
{
	struct want w = lab_want(l);
	struct ca_submit_rep rep;
	size_t before = lab_in_state(l, "valid"), open = lab_in_state(l, "intent");

	arm(f, 0);
	expect_err(ERR_STORE, lab_try(l, w, &rep));
	expect_err(ERR_STORE, lab_try(l, w, &rep));
	arm(NONE, 0);
	assert_int_equal(lab_in_state(l, "valid"), before);
	assert_int_equal(lab_in_state(l, "intent"), open);
	expect_ok(lab_try(l, w, &rep));
	assert_int_equal(rep.disposition, CA_ISSUED);
	assert_int_equal(lab_in_state(l, "valid"), before + 1);
	journal_is_whole(l);
}

static void
a_full_disk_refuses_and_loses_nothing(void **state)
{
	refused_then_served(*state, DISK_FULL);
}

static void
a_sync_that_fails_refuses_and_loses_nothing(void **state)
{
	refused_then_served(*state, SYNC_FAILS);
}

/* The signature exists and was never answered: it is on the CRL, and the order is served with another one. */
static void
lost_after_the_signature(struct lab *l, enum fault f)
{
	struct want w = lab_want(l);
	struct ca_submit_rep rep;
	size_t valid = lab_in_state(l, "valid"), revoked = lab_in_state(l, "revoked");
	const char *lost;

	arm(f, 1); /* the intent goes to the disk, the certificate does not */
	expect_err(ERR_STORE, lab_try(l, w, &rep));
	arm(NONE, 0);
	assert_int_equal(lab_in_state(l, "intent"), 1);
	assert_int_equal(lab_in_state(l, "valid"), valid);
	lab_close(l);
	lab_open(l);
	assert_int_equal(lab_in_state(l, "intent"), 0);
	assert_int_equal(lab_in_state(l, "revoked"), revoked + 1);
	{
		auto_json json *answer = NULL;

		expect_ok(lab_admin(l, "cert.list", lab_args("state", "revoked", NULL), &answer));
		lost = arena_strdup(l->a,
		    json_text(json_get(json_at(json_get(answer, "certificates"), 0), "serial")));
	}
	assert_true(lab_on_crl(l, ISSUING, lost));
	expect_ok(lab_try(l, w, &rep));
	assert_int_equal(rep.disposition, CA_ISSUED);
	journal_is_whole(l);
}

static void
a_full_disk_after_the_signature_leaves_no_unknown_certificate(void **state)
{
	lost_after_the_signature(*state, DISK_FULL);
}

static void
a_failed_sync_after_the_signature_leaves_no_unknown_certificate(void **state)
{
	lost_after_the_signature(*state, SYNC_FAILS);
}

/* The same without a restart: the tick closes what is left over once nobody can be working on it any more. */
static void
what_was_lost_after_the_signature_is_closed_while_it_runs(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	struct ca_submit_rep rep;
	size_t revoked = lab_in_state(l, "revoked");

	arm(SYNC_FAILS, 1);
	expect_err(ERR_STORE, lab_try(l, w, &rep));
	arm(NONE, 0);
	expect_err(ERR_BUSY, lab_try(l, w, &rep)); /* somebody may be at it still */
	err_forget(issuer_tick(l->is));
	assert_int_equal(lab_in_state(l, "intent"), 1);
	when_set(when_now() + 121);
	err_forget(issuer_tick(l->is));
	assert_int_equal(lab_in_state(l, "intent"), 0);
	assert_int_equal(lab_in_state(l, "revoked"), revoked + 1);
	w.order.expires = when_now() + 600;
	expect_ok(lab_try(l, w, &rep));
	assert_int_equal(rep.disposition, CA_ISSUED);
	when_set(0);
	journal_is_whole(l);
}

/* A revocation that cannot be written is none, and says so; the same again revokes. */
static void
a_revocation_on_a_full_disk_is_refused_and_not_lost(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	auto_cert struct cert *c = lab_issued(l, w);
	json *args = lab_args("serial", cert_serial(c), "reason", "superseded", NULL);
	auto_json json *answer = NULL;

	arm(DISK_FULL, 0);
	expect_err(ERR_STORE, lab_admin(l, "cert.revoke", args, &answer));
	arm(NONE, 0);
	assert_false(lab_on_crl(l, ISSUING, cert_serial(c)));
	lab_do(l, "cert.revoke", lab_args("serial", cert_serial(c), "reason", "superseded", NULL));
	assert_true(lab_on_crl(l, ISSUING, cert_serial(c)));
	journal_is_whole(l);
}

/* What waits for a manager is written whole or not at all, and so is his answer. */
static void
an_approval_on_a_full_disk_is_refused_and_goes_on_waiting(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	auto_json json *answer = NULL, *list = NULL;
	json *args = lab_copy("User", "Slow"), *id = json_object_new(), *again = json_object_new();
	struct ca_submit_rep rep;

	json_set_bool(args, "manager_approval", true);
	lab_do(l, "template.duplicate", args);
	lab_grant(l, "Slow", "connector", "enrol");
	w.template = w.order.template = "Slow";
	arm(DISK_FULL, 0);
	expect_err(ERR_STORE, lab_try(l, w, &rep));
	arm(NONE, 0);
	assert_int_equal(lab_in_state(l, "pending"), 0);
	expect_ok(lab_try(l, w, &rep));
	assert_int_equal(rep.disposition, CA_PENDING);
	json_set_int(id, "id", (int64_t)rep.request_id);
	json_set_int(again, "id", (int64_t)rep.request_id);
	arm(DISK_FULL, 0);
	expect_err(ERR_STORE, lab_admin(l, "request.approve", id, &answer));
	arm(NONE, 0);
	assert_int_equal(lab_in_state(l, "pending"), 1);
	lab_do(l, "request.approve", again);
	expect_ok(lab_admin(l, "request.list", json_object_new(), &list));
	assert_int_equal(json_count(json_get(list, "requests")), 0);
	journal_is_whole(l);
}

static void
a_locked_store_refuses_and_goes_on(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	struct ca_submit_rep rep;
	sqlite3 *other = NULL;

	assert_int_equal(sqlite3_open(arena_printf(l->a, "%s/ca.db", l->dir), &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	expect_err(ERR_BUSY, lab_try(l, w, &rep));
	assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	expect_ok(lab_try(l, w, &rep));
	assert_int_equal(rep.disposition, CA_ISSUED);
	journal_is_whole(l);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_full_disk_refuses_and_loses_nothing),
	cmocka_unit_test(a_sync_that_fails_refuses_and_loses_nothing),
	cmocka_unit_test(a_full_disk_after_the_signature_leaves_no_unknown_certificate),
	cmocka_unit_test(a_failed_sync_after_the_signature_leaves_no_unknown_certificate),
	cmocka_unit_test(what_was_lost_after_the_signature_is_closed_while_it_runs),
	cmocka_unit_test(a_revocation_on_a_full_disk_is_refused_and_not_lost),
	cmocka_unit_test(an_approval_on_a_full_disk_is_refused_and_goes_on_waiting),
	cmocka_unit_test(a_locked_store_refuses_and_goes_on),
};

LAB_MAIN(tests)
