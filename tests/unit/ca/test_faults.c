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

static err_t
ask(struct lab *l, struct want *w, struct ca_submit_rep *ret)
{
	struct ca_attribute attrs[] = { { "CertificateTemplate", w->template },
		{ "ChanceryOrder", text_base64(l->a, lab_seal(l, w->sealer, &w->order)) } };
	struct ca_submit_req q = {
		.ca = w->ca, .caller = w->caller, .attributes = attrs, .nattributes = 2
	};
	auto_buf struct buf in;
	struct str answer;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(csr_make(l->a, w->key, &w->csr, &q.token));
	TRY(ca_submit_req_encode(&q, &in));
	TRY(lab_call(l, CA_SUBMIT, &in, &answer));
	return ca_submit_rep_parse(l->a, answer, ret);
}

static size_t
in_state(struct lab *l, const char *state)
{
	auto_json json *answer = NULL;

	expect_ok(lab_admin(l, "cert.list", lab_args("state", state, NULL), &answer));
	return json_count(json_get(answer, "certificates"));
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
	size_t before = in_state(l, "valid"), open = in_state(l, "intent");

	arm(f, 0);
	expect_err(ERR_STORE, ask(l, &w, &rep));
	expect_err(ERR_STORE, ask(l, &w, &rep));
	arm(NONE, 0);
	assert_int_equal(in_state(l, "valid"), before);
	assert_int_equal(in_state(l, "intent"), open);
	expect_ok(ask(l, &w, &rep));
	assert_int_equal(rep.disposition, CA_ISSUED);
	assert_int_equal(in_state(l, "valid"), before + 1);
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
	size_t valid = in_state(l, "valid"), revoked = in_state(l, "revoked");
	const char *lost;

	arm(f, 1); /* the intent goes to the disk, the certificate does not */
	expect_err(ERR_STORE, ask(l, &w, &rep));
	arm(NONE, 0);
	assert_int_equal(in_state(l, "intent"), 1);
	assert_int_equal(in_state(l, "valid"), valid);
	lab_close(l);
	lab_open(l);
	assert_int_equal(in_state(l, "intent"), 0);
	assert_int_equal(in_state(l, "revoked"), revoked + 1);
	{
		auto_json json *answer = NULL;

		expect_ok(lab_admin(l, "cert.list", lab_args("state", "revoked", NULL), &answer));
		lost = arena_strdup(l->a,
		    json_text(json_get(json_at(json_get(answer, "certificates"), 0), "serial")));
	}
	assert_true(lab_on_crl(l, ISSUING, lost));
	expect_ok(ask(l, &w, &rep));
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

static void
a_locked_store_refuses_and_goes_on(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);
	struct ca_submit_rep rep;
	sqlite3 *other = NULL;

	assert_int_equal(sqlite3_open(arena_printf(l->a, "%s/ca.db", l->dir), &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	expect_err(ERR_BUSY, ask(l, &w, &rep));
	assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	expect_ok(ask(l, &w, &rep));
	assert_int_equal(rep.disposition, CA_ISSUED);
	journal_is_whole(l);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_full_disk_refuses_and_loses_nothing),
	cmocka_unit_test(a_sync_that_fails_refuses_and_loses_nothing),
	cmocka_unit_test(a_full_disk_after_the_signature_leaves_no_unknown_certificate),
	cmocka_unit_test(a_failed_sync_after_the_signature_leaves_no_unknown_certificate),
	cmocka_unit_test(a_locked_store_refuses_and_goes_on),
};

LAB_MAIN(tests)
