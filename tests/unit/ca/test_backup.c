/* SPDX-License-Identifier: Apache-2.0 */
/* Backup while in use, and putting it back: numbers never come again. */
#include "lab.h"

#include "ca/backup.h"

static void
run(struct lab *l, const char *cmd)
{
	(void)lab_run(l, cmd);
}

static const char *
backup(struct lab *l)
{
	auto_json json *answer = NULL;

	expect_ok(lab_admin(l, "ca.backup", json_object_new(), &answer));
	return arena_strdup(l->a, json_text(json_get(answer, "folder")));
}

static struct ca_submit_rep
issued(struct lab *l)
{
	struct ca_submit_rep rep = lab_submit(l, lab_want(l));

	assert_int_equal(rep.disposition, CA_ISSUED);
	return rep;
}

static uint64_t
crl_number(struct lab *l)
{
	struct str out;
	char *text;
	int64_t n;

	lab_write(l, "n.crl", lab_crl(l, ISSUING, false).part);
	text = lab_run(l, "openssl crl -inform DER -in n.crl -noout -crlnumber");
	assert_non_null(strstr(text, "crlNumber=0x"));
	out = str_trim(str_c(strstr(text, "0x") + 2));
	n = (int64_t)strtoull(arena_cstr(l->a, out), NULL, 16);
	return (uint64_t)n;
}

/* Away with the database, as after the loss of a disk. */
static void
lose(struct lab *l)
{
	lab_close(l);
	run(l, "rm -rf ca.db ca.db-wal ca.db-shm keys restore");
}

static void
a_backup_put_back_goes_on_with_numbers_never_seen(void **state)
{
	struct lab *l = *state;
	const char *folder = backup(l);
	struct ca_submit_rep last = { 0 }, next;
	uint64_t number;
	auto_json json *verify = NULL;

	for (int i = 0; i < 5; i++) {
		last = issued(l);
		lab_do(l, "crl.publish", json_object_new());
	}
	number = crl_number(l);
	lose(l);
	run(l, arena_printf(l->a, "cp -a %s restore", folder));
	lab_open(l);
	next = issued(l);
	assert_true(next.request_id > last.request_id);
	lab_do(l, "crl.publish", json_object_new());
	assert_true(crl_number(l) > number);
	expect_ok(lab_admin(l, "journal.verify", json_object_new(), &verify));
	assert_true(json_true(json_get(verify, "whole")));
}

static void
it_is_put_back_once(void **state)
{
	struct lab *l = *state;
	struct ca_submit_rep before = issued(l), after;

	lab_close(l);
	lab_open(l);
	after = issued(l);
	assert_int_equal(after.request_id, before.request_id + 1);
}

static void
challenges_that_were_open_in_a_backup_are_ended(void **state)
{
	struct lab *l = *state;
	auto_json json *answer = NULL, *before = NULL, *after = NULL;
	const char *folder;

	err_forget(lab_admin(l, "challenge.make", lab_args("template", TEMPLATE, NULL), &answer));
	lab_do(l, "template.duplicate", ({
		json *o = lab_args("source", "IPSECIntermediateOffline", "name", "Routers", NULL);

		json_set_bool(o, "manager_approval", true);
		o;
	}));
	lab_grant(l, "Routers", "scep", "enrol");
	lab_do(l, "challenge.make", lab_args("template", "Routers", NULL));
	expect_ok(lab_admin(l, "challenge.list", json_object_new(), &before));
	assert_int_equal(json_count(json_get(before, "challenges")), 1);
	folder = backup(l);
	lose(l);
	run(l, arena_printf(l->a, "cp -a %s restore", folder));
	lab_open(l);
	expect_ok(lab_admin(l, "challenge.list", json_object_new(), &after));
	assert_int_equal(json_count(json_get(after, "challenges")), 0);
}

static void
numbers_leap_by_the_age_of_the_backup(void **state)
{
	(void)state;
	assert_true(backup_crl_leap(86400) >= 4 * 86400);
	assert_true(backup_request_leap(10) >= 1000000);
	assert_true(backup_request_leap(30 * 86400) >= 10LL * 30 * 86400);
	assert_true(backup_crl_leap(-5) > 0); /* a clock that went back */
}

static void
a_database_that_has_gone_on_is_not_thrown_away(void **state)
{
	struct lab *l = *state;
	struct issuer_conf conf = { .state_dir = l->dir };
	const char *folder = backup(l);
	struct ca_submit_rep last = issued(l);

	lab_close(l);
	run(l, arena_printf(l->a, "cp -a %s restore", folder));
	expect_err(ERR_RESTORE, issuer_open(&conf, &l->is));
	run(l, "rm -rf restore");
	lab_open(l);
	assert_int_equal(issued(l).request_id, last.request_id + 1);
}

static void
a_broken_database_gives_way(void **state)
{
	struct lab *l = *state;
	const char *folder = backup(l);

	lab_close(l);
	run(l,
	    arena_printf(l->a,
		"rm -f ca.db-wal ca.db-shm; head -c 100000 /dev/urandom > ca.db; cp -a %s restore",
		folder));
	lab_open(l);
	(void)issued(l);
	assert_true(file_exists(arena_printf(l->a, "%s/ca.db.replaced", l->dir)));
}

static void
a_backup_that_is_not_whole_or_was_changed_is_refused(void **state)
{
	struct lab *l = *state;
	struct issuer_conf conf = { .state_dir = l->dir };
	const char *folder = backup(l);

	lab_close(l);
	/* Without its mark it is only a folder that lies there. */
	run(l, arena_printf(l->a, "cp -a %s restore && rm restore/backup.txt", folder));
	lab_open(l);
	lab_close(l);
	run(l,
	    arena_printf(l->a,
		"rm -rf restore; cp -a %s restore && echo other > restore/backup.txt", folder));
	expect_err(ERR_RESTORE, issuer_open(&conf, &l->is));
	run(l, "rm -rf restore");
	lab_open(l);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_backup_put_back_goes_on_with_numbers_never_seen),
	cmocka_unit_test(it_is_put_back_once),
	cmocka_unit_test(challenges_that_were_open_in_a_backup_are_ended),
	cmocka_unit_test(numbers_leap_by_the_age_of_the_backup),
	cmocka_unit_test(a_database_that_has_gone_on_is_not_thrown_away),
	cmocka_unit_test(a_broken_database_gives_way),
	cmocka_unit_test(a_backup_that_is_not_whole_or_was_changed_is_refused),
};
LAB_MAIN(tests)
