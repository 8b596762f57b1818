/* SPDX-License-Identifier: Apache-2.0 */
/* A backup that is put back learns from the lists that were published after it. */
#include "lab.h"

#include "ca/backup.h"
#include "ca/crl_shard.h"
#include "ca/revoke.h"
#include "pki/crl.h"
#include "store/crl.h"

static const char *
backup(struct lab *l)
{
	auto_json json *answer = NULL;

	expect_ok(lab_admin(l, "ca.backup", json_object_new(), &answer));
	return arena_strdup(l->a, json_text(json_get(answer, "folder")));
}

static void
revoke_cert(struct lab *l, const struct cert *c, const char *reason)
{
	lab_do(l, "cert.revoke", lab_args("serial", cert_serial(c), "reason", reason, NULL));
}

/* The disk is lost; the backup lies ready, with these files beside it. */
static void
lose(struct lab *l, const char *folder)
{
	lab_close(l);
	(void)lab_run(l,
	    arena_printf(l->a,
		"rm -rf ca.db ca.db-wal ca.db-shm keys restore; cp -a %s restore; mkdir restore/crls",
		folder));
}

static void
lay(struct lab *l, const char *name, struct str der)
{
	lab_write(l, arena_printf(l->a, "restore/crls/%s", name), der);
}

struct look {
	struct arena *a;
	const char *serial;
	struct issued x;
	uint32_t shard;
};

static err_t
look_tx(struct tx *tx, void *arg)
{
	struct look *k = arg;

	TRY(store_issued_by_serial(tx, k->a, ISSUING, k->serial, &k->x));
	return store_issued_shard(tx, k->x.id, &k->shard);
}

static struct issued
record(struct lab *l, const struct cert *c)
{
	struct look k = { .a = l->a, .serial = cert_serial(c) };

	expect_ok(store_read(l->is->store, look_tx, &k));
	return k.x;
}

static struct crl_part_rep
shard_list(struct lab *l, uint32_t shard)
{
	struct crl_part_req q = { .ca = ISSUING, .shard = shard };
	struct crl_part_rep rep;
	auto_buf struct buf in;
	struct str answer;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	expect_ok(crl_part_req_encode(&q, &in));
	expect_ok(lab_call(l, CA_CRL, &in, &answer));
	expect_ok(crl_part_rep_parse(l->a, answer, &rep));
	return rep;
}

static void
what_was_revoked_after_a_backup_stays_revoked(void **state)
{
	struct lab *l = *state;
	struct want ended = lab_want(l);
	auto_cert struct cert *known = lab_issued(l, lab_want(l)),
			      *held = lab_issued(l, lab_want(l));
	auto_cert struct cert *of_order = lab_issued(l, ended), *good = lab_issued(l, lab_want(l));
	auto_cert struct cert *later = NULL;
	const char *folder;
	struct crl_part_rep last;
	struct issued x;

	revoke_cert(l, held, "certificateHold");
	folder = backup(l);
	later = lab_issued(l, lab_want(l));
	revoke_cert(l, later, "superseded");
	revoke_cert(l, known, "affiliationChanged");
	revoke_cert(l, held, "privilegeWithdrawn");
	revoke_cert(l, of_order, "cessationOfOperation");
	last = lab_crl(l, ISSUING, false);
	lose(l, folder);
	lay(l, "issuing.crl", last.part);
	lab_open(l);

	x = record(l, known);
	assert_int_equal(x.state, ISSUED_REVOKED);
	assert_int_equal(x.reason, REASON_AFFILIATION);
	assert_true(when_now() - x.revoked < 600);
	assert_int_equal(record(l, held).reason, REASON_PRIVILEGE_WITHDRAWN);
	assert_int_equal(record(l, good).state, ISSUED_VALID);
	x = record(l, later);
	assert_int_equal(x.state, ISSUED_REVOKED);
	assert_int_equal(x.reason, REASON_SUPERSEDED);
	assert_non_null(strstr(x.message, "Known only from CRL"));
	assert_true(x.not_after >= cert_not_after(later));
	assert_true(lab_on_crl(l, ISSUING, cert_serial(known)));
	assert_true(lab_on_crl(l, ISSUING, cert_serial(later)));
	assert_false(lab_on_crl(l, ISSUING, cert_serial(good)));
	assert_true(lab_crl(l, ISSUING, false).number > last.number);
	ended.order.fence = 2;
	lab_denied(l, ended, ERR_ORDER_CLOSED);
	assert_false(file_exists(arena_printf(l->a, "%s/restore", l->dir)));
}

static void
a_list_in_pem_and_a_delta_will_do(void **state)
{
	struct lab *l = *state;
	auto_cert struct cert *one = lab_issued(l, lab_want(l));
	const char *folder = backup(l);
	struct crl_part_rep delta;

	revoke_cert(l, one, "superseded");
	delta = lab_crl(l, ISSUING, true);
	lose(l, folder);
	lay(l, "delta.pem", str_c(text_pem(l->a, "X509 CRL", delta.part)));
	lab_open(l);
	assert_int_equal(record(l, one).state, ISSUED_REVOKED);
	assert_true(lab_crl(l, ISSUING, false).number > delta.number);
}

static void
the_next_number_is_past_the_list_whatever_the_clock_says(void **state)
{
	struct lab *l = *state;
	const char *folder = backup(l);
	struct crl_part_rep last;

	for (int i = 0; i < 60;
	     i++) /* more than the age of the backup would let the numbers leap */
		lab_do(l, "crl.publish", json_object_new());
	last = lab_crl(l, ISSUING, false);
	lose(l, folder);
	lay(l, "x.crl", last.part);
	lab_open(l);
	assert_true(lab_crl(l, ISSUING, false).number > last.number);
}

/* Nobody knows which shard the certificate of a serial names that only the list of all tells of. */
static void
an_unknown_serial_stands_on_every_shard(void **state)
{
	struct lab *l = *state;
	auto_cert struct cert *later = NULL;
	const char *folder;
	struct crl_part_rep last;

	lab_do(l, "ca.set", lab_args("name", "crl.shards", "value", "3", NULL));
	folder = backup(l);
	later = lab_issued(l, lab_want(l));
	revoke_cert(l, later, "superseded");
	last = lab_crl(l, ISSUING, false);
	lose(l, folder);
	lay(l, "x.crl", last.part);
	lab_open(l);
	for (uint32_t i = 1; i <= 3; i++) {
		struct str serial, der = shard_list(l, i).part;

		expect_ok(text_unhex(l->a, str_c(cert_serial(later)), &serial));
		assert_non_null(memmem(der.p, der.n, serial.p, serial.n));
	}
}

static void
a_shard_that_the_backup_does_not_know_is_served_again(void **state)
{
	struct lab *l = *state;
	auto_cert struct cert *later = NULL;
	const char *folder;
	struct crl_part_rep last = { 0 };
	struct str serial;
	uint32_t shard = 4;

	lab_do(l, "ca.set", lab_args("name", "crl.shards", "value", "0", NULL));
	folder = backup(l);
	lab_do(l, "ca.set", lab_args("name", "crl.shards", "value", "9", NULL));
	later = lab_issued(l, lab_want(l));
	revoke_cert(l, later, "superseded");
	expect_ok(text_unhex(l->a, str_c(cert_serial(later)), &serial));
	for (shard = 1; shard <= 9; shard++) {
		last = shard_list(l, shard);
		if (memmem(last.part.p, last.part.n, serial.p, serial.n) != NULL)
			break;
	}
	assert_in_range(shard, 1, 9);
	lose(l, folder);
	lay(l, "x.crl", last.part);
	lab_open(l);
	last = shard_list(l, shard);
	assert_non_null(memmem(last.part.p, last.part.n, serial.p, serial.n));
	assert_true(lab_on_crl(l, ISSUING, cert_serial(later)));
}

static void
refused(struct lab *l, const char *says)
{
	struct issuer_conf conf = { .state_dir = l->dir };
	struct err_report why;
	err_t e = issuer_open(&conf, &l->is);

	assert_true(err_is(e, ERR_RESTORE_CRL));
	err_take(e, &why);
	if (strstr(why.detail, says) == NULL)
		print_error("%s\n", why.detail);
	assert_non_null(strstr(why.detail, says));
	(void)lab_run(l, "rm -f restore/crls/*");
}

static void
lists_that_prove_nothing_are_refused(void **state)
{
	struct lab *l = *state;
	auto_cert struct cert *c = lab_issued(l, lab_want(l));
	auto_key struct key *stranger = NULL;
	const struct ca *ca = NULL;
	struct crl_part_rep older = lab_crl(l, ISSUING, false), last;
	struct crl_entry one = { "4a01", when_now(), 4 };
	struct crl_spec spec;
	struct str forged, bent;
	const char *folder;

	lab_do(l, "crl.publish", json_object_new());
	folder = backup(l);
	revoke_cert(l, c, "superseded");
	last = lab_crl(l, ISSUING, false);
	expect_ok(hierarchy_find(issuer_hierarchy(l->is), ISSUING, &ca));
	expect_ok(key_make(KEY_EC, KEY_P256, &stranger));
	spec = (struct crl_spec){ .issuer = ca->cert,
		.signer = stranger,
		.number = last.number + 1,
		.this_update = when_now(),
		.next_update = when_now() + 600,
		.v = &one,
		.n = 1 };
	expect_ok(crl_make(l->a, &spec, &forged));
	bent = arena_str(l->a, last.part);
	((uint8_t *)(uintptr_t)bent.p)[bent.n - 5] ^= 1;
	lose(l, folder);

	lay(l, "x.crl", forged);
	refused(l, "not signed with a key that the backup has");
	lay(l, "x.crl", bent);
	refused(l, "not signed with a key that the backup has");
	lay(l, "x.crl", older.part);
	refused(l, "older than the backup");
	lay(l, "x.crl", str_of(last.part.p, last.part.n - 1));
	refused(l, "cannot be read");
	lay(l, "x.crl", LIT("nonsense"));
	refused(l, "cannot be read");
	/* One bad file, and none of them is taken over. */
	lay(l, "a.crl", last.part);
	lay(l, "b.crl", forged);
	refused(l, "b.crl");
	lab_open(l);
	assert_int_equal(record(l, c).state, ISSUED_VALID);
}

static void
the_list_of_another_ca_is_refused(void **state)
{
	struct lab *l = *state;
	struct lab *other = NULL;
	void *s = NULL;
	const char *folder = backup(l);
	struct str foreign;

	assert_int_equal(lab_setup(&s), 0);
	other = s;
	/* The same names, other keys. */
	foreign = arena_str(l->a, lab_crl(other, ISSUING, false).part);
	lab_teardown(&s);
	lose(l, folder);
	lay(l, "x.crl", foreign);
	refused(l, "not signed with a key that the backup has");
	{
		auto_key struct key *k = NULL;
		auto_cert struct cert *c = NULL;
		struct crl_spec spec;
		struct str der;

		(void)lab_run(l,
		    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=Stranger "
		    "-days 5 -keyout s.key -outform DER -out s.der");
		expect_ok(file_read(l->a, arena_printf(l->a, "%s/s.key", l->dir), 65536, &der));
		expect_ok(key_read(der, NULL, &k));
		expect_ok(file_read(l->a, arena_printf(l->a, "%s/s.der", l->dir), 65536, &der));
		expect_ok(cert_parse(der, &c));
		spec = (struct crl_spec){ .issuer = c,
			.signer = k,
			.number = 5000,
			.this_update = when_now(),
			.next_update = when_now() + 600 };
		expect_ok(crl_make(l->a, &spec, &der));
		lay(l, "x.crl", der);
		refused(l, "of no CA that the backup has");
	}
	lab_open(l);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(what_was_revoked_after_a_backup_stays_revoked),
	cmocka_unit_test(a_list_in_pem_and_a_delta_will_do),
	cmocka_unit_test(the_next_number_is_past_the_list_whatever_the_clock_says),
	cmocka_unit_test(a_shard_that_the_backup_does_not_know_is_served_again),
	cmocka_unit_test(an_unknown_serial_stands_on_every_shard),
	cmocka_unit_test(lists_that_prove_nothing_are_refused),
	cmocka_unit_test(the_list_of_another_ca_is_refused),
};
LAB_MAIN(tests)
