/* SPDX-License-Identifier: Apache-2.0 */
#include "box.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

static void
a_delivery_is_stored_and_reported_with_its_key(void **state)
{
	struct box *b = *state;
	struct delivery d = pack(b->a, &keys.one);
	struct str pem, ders[4];
	size_t n;

	expect_ok(deliver(b, ALIAS, &d));
	expect_identity(b, ALIAS, keys.one.cert, true);
	pem = content(b, "certs/" ALIAS "/cert.pem");
	expect_ok(text_unpem(b->a, pem, "CERTIFICATE", ders, COUNT(ders), &n));
	assert_int_equal(n, 2);
	assert_true(str_eq(ders[0], cert_der(keys.one.cert)));
	assert_true(str_eq(ders[1], cert_der(keys.issuing.cert)));
	pem = content(b, "certs/" ALIAS "/chain.pem");
	expect_ok(text_unpem(b->a, pem, "CERTIFICATE", ders, COUNT(ders), &n));
	assert_int_equal(n, 1);
	assert_true(str_eq(ders[0], cert_der(keys.issuing.cert)));
}

static void
other_programs_read_what_was_stored(void **state)
{
	struct box *b = *state;
	struct delivery d = pack(b->a, &keys.one);

	expect_ok(deliver(b, ALIAS, &d));
	made_pem(b->a, b->dir, "root.pem", keys.root.cert);
	assert_true(made_run(b->a, b->dir,
	    "openssl verify -attime 1767225600 -CAfile root.pem -untrusted state/certs/" ALIAS
	    "/chain.pem state/certs/" ALIAS "/cert.pem"));
	assert_true(made_run(b->a, b->dir,
	    "test \"$(openssl pkey -in state/certs/" ALIAS "/key.pem -pubout)\" = "
	    "\"$(openssl x509 -in state/certs/" ALIAS "/cert.pem -noout -pubkey)\""));
}

static void
keys_are_for_their_owner_only(void **state)
{
	struct box *b = *state;
	struct delivery d = pack(b->a, &keys.one);
	mode_t before = umask(0);

	expect_ok(deliver(b, ALIAS, &d));
	umask(before);
	assert_int_equal(mode_of(b->conf.state_dir), 0700);
	assert_int_equal(mode_of(box_path(b, "identity.pem")), 0600);
	assert_int_equal(mode_of(box_path(b, "certs")), 0700);
	assert_int_equal(mode_of(box_path(b, "certs/" ALIAS "/.")), 0700);
	assert_int_equal(mode_of(box_path(b, "certs/" ALIAS "/key.pem")), 0600);
	assert_int_equal(mode_of(box_path(b, "certs/" ALIAS "/cert.pem")), 0644);
}

static void
a_new_version_replaces_the_old_one_without_a_rest(void **state)
{
	struct box *b = *state;
	struct delivery one = pack(b->a, &keys.one), two = pack(b->a, &keys.two);

	expect_ok(deliver(b, ALIAS, &one));
	expect_ok(deliver(b, ALIAS, &two));
	expect_identity(b, ALIAS, keys.two.cert, true);
	assert_int_equal(entries(b, "certs"), 2); /* the link and what it names */
}

static void
the_same_delivery_again_is_harmless(void **state)
{
	struct box *b = *state;
	struct delivery d = pack(b->a, &keys.one);

	expect_ok(deliver(b, ALIAS, &d));
	expect_ok(deliver(b, ALIAS, &d));
	expect_identity(b, ALIAS, keys.one.cert, true);
	assert_int_equal(entries(b, "certs"), 2);
}

static void
a_delivery_heals_what_was_damaged(void **state)
{
	struct box *b = *state;
	struct delivery d = pack(b->a, &keys.one);

	expect_ok(deliver(b, ALIAS, &d));
	expect_ok(file_remove(box_path(b, "certs/" ALIAS "/key.pem")));
	expect_identity(b, ALIAS, keys.one.cert, false);
	expect_ok(deliver(b, ALIAS, &d));
	expect_identity(b, ALIAS, keys.one.cert, true);
}

static void
aliases_do_not_touch_each_other(void **state)
{
	struct box *b = *state;
	struct delivery one = pack(b->a, &keys.one), two = pack(b->a, &keys.two);

	expect_ok(deliver(b, "chancery-a", &one));
	expect_ok(deliver(b, "chancery-a.b", &two));
	expect_ok(deliver(b, "tmp-x", &two));
	expect_ok(identity_remove(b->g, b->a, "chancery-a.b"));
	expect_ok(identity_remove(b->g, b->a, "tmp-x"));
	expect_identity(b, "chancery-a", keys.one.cert, true);
	assert_int_equal(entries(b, "certs"), 2);
}

static void
what_is_removed_is_gone_and_removing_again_is_harmless(void **state)
{
	struct box *b = *state;
	struct delivery d = pack(b->a, &keys.one);

	expect_ok(identity_remove(b->g, b->a, ALIAS));
	expect_ok(deliver(b, ALIAS, &d));
	expect_ok(identity_remove(b->g, b->a, ALIAS));
	expect_none(b);
	assert_int_equal(entries(b, "certs"), 0);
	expect_ok(identity_remove(b->g, b->a, ALIAS));
}

static void
a_certificate_that_was_not_announced_is_refused_and_nothing_changes(void **state)
{
	struct box *b = *state;
	struct delivery one = pack(b->a, &keys.one), two = pack(b->a, &keys.two);

	expect_ok(deliver(b, ALIAS, &one));
	two.sha256 = one.sha256;
	expect_err(ERR_DELIVERY_MISMATCH, deliver(b, ALIAS, &two));
	two.sha256 = STR_EMPTY;
	expect_err(ERR_DELIVERY_MISMATCH, deliver(b, ALIAS, &two));
	expect_identity(b, ALIAS, keys.one.cert, true);
	assert_int_equal(entries(b, "certs"), 2);
}

static void
what_is_sealed_to_another_device_is_refused(void **state)
{
	struct box *b = *state;
	auto_made struct made other =
	    made_under(b->a, &keys.identity_ca, "other", KEY_RSA, KEY_RSA_2048);
	struct delivery d = pack_for(b->a, &keys.one, other.cert);

	expect_err(ERR_CMS, deliver(b, ALIAS, &d));
	expect_none(b);
	assert_false(file_exists(box_path(b, "certs")));
}

static void
a_wrong_password_and_bytes_that_are_no_delivery_are_refused(void **state)
{
	struct box *b = *state;
	struct delivery d = pack(b->a, &keys.one), bad = d;

	expect_ok(cms_seal(b->a, keys.identity.cert, LIT("wrong"), &bad.password));
	expect_err(ERR_PFX_PASSWORD, deliver(b, ALIAS, &bad));
	expect_ok(cms_seal(b->a, keys.identity.cert, str_of("a\0b", 3), &bad.password));
	expect_err(ERR_UTF8, deliver(b, ALIAS, &bad));
	bad.password = LIT("x");
	expect_err(ERR_CMS, deliver(b, ALIAS, &bad));
	bad = d;
	bad.pfx = STR_EMPTY;
	expect_err(ERR_CMS, deliver(b, ALIAS, &bad));
	expect_ok(cms_seal(b->a, keys.identity.cert, LIT("no file"), &bad.pfx));
	expect_err(ERR_PFX, deliver(b, ALIAS, &bad));
	expect_none(b);
}

static void
an_alias_that_leaves_the_folder_is_refused(void **state)
{
	struct box *b = *state;
	struct delivery d = pack(b->a, &keys.one);

	for (size_t i = 0; i < COUNT(bad_aliases); i++) {
		expect_err(ERR_ALIAS, alias_check(bad_aliases[i]));
		expect_err(ERR_ALIAS, deliver(b, bad_aliases[i], &d));
		expect_err(ERR_ALIAS, identity_remove(b->g, b->a, bad_aliases[i]));
	}
	expect_none(b);
	assert_true(file_exists(box_path(b, "identity.pem")));
}

static void
a_key_of_another_certificate_is_reported_as_missing(void **state)
{
	struct box *b = *state;
	struct delivery d = pack(b->a, &keys.one);

	expect_ok(deliver(b, ALIAS, &d));
	made_key(b->a, box_path(b, "certs/" ALIAS), "key.pem", keys.two.key);
	expect_identity(b, ALIAS, keys.one.cert, false);
	made_write(b->a, box_path(b, "certs/" ALIAS), "key.pem", LIT("damaged"));
	expect_identity(b, ALIAS, keys.one.cert, false);
}

static void
what_cannot_be_read_is_not_reported(void **state)
{
	struct box *b = *state;
	struct delivery d = pack(b->a, &keys.one);

	expect_ok(deliver(b, ALIAS, &d));
	made_write(b->a, box_path(b, "certs/" ALIAS), "cert.pem", LIT("damaged"));
	expect_none(b);
	expect_ok(deliver(b, ALIAS, &d));
	expect_identity(b, ALIAS, keys.one.cert, true);
}

static void
what_a_kill_left_half_written_goes_at_the_next_start(void **state)
{
	struct box *b = *state;
	struct delivery d = pack(b->a, &keys.one);

	expect_ok(deliver(b, ALIAS, &d));
	expect_ok(dir_make(box_path(b, "certs/." ALIAS ".0123456789abcdef.00000000"), 0700));
	made_key(b->a, box_path(b, "certs/." ALIAS ".0123456789abcdef.00000000"),
	    ".tmp-chancery-AbCdEf", keys.two.key);
	assert_int_equal(symlink("nowhere", box_path(b, "certs/." ALIAS ".link")), 0);
	assert_int_equal(entries(b, "certs"), 4);
	made_key(b->a, b->conf.state_dir, ".tmp-chancery-AbCdEf", keys.two.key);
	box_reopen(b);
	assert_false(file_exists(box_path(b, ".tmp-chancery-AbCdEf")));
	assert_int_equal(entries(b, "certs"), 2);
	expect_identity(b, ALIAS, keys.one.cert, true);
}

static void
what_cannot_be_swept_does_not_make_an_installation_fail(void **state)
{
	struct box *b = *state;
	struct delivery d = pack(b->a, &keys.one);

	expect_ok(dir_make(box_path(b, "certs/.old/folder"), 0700));
	expect_ok(deliver(b, ALIAS, &d));
	expect_identity(b, ALIAS, keys.one.cert, true);
	expect_err(ERR_FILE, identity_sweep(b->g, b->a));
}

/* Installs one and two in turn until it is killed. */
static void
install_for_ever(struct box *b, const struct delivery *one, const struct delivery *two)
{
	for (;;) {
		err_t e = deliver(b, ALIAS, one);

		if (err_ok(e))
			e = deliver(b, ALIAS, two);
		if (!err_ok(e))
			_exit(1);
	}
}

static void
a_kill_at_any_time_leaves_the_old_pair_or_the_new_one(void **state)
{
	struct box *b = *state;
	struct delivery one = pack(b->a, &keys.one), two = pack(b->a, &keys.two);
	int status;

	expect_ok(deliver(b, ALIAS, &one));
	for (int i = 0; i < 30; i++) {
		auto_json json *list = NULL;
		const char *hash;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			install_for_ever(b, &one, &two);
		poll(NULL, 0, 3 + 7 * i);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		list = identities(b);
		assert_int_equal(json_count(list), 1);
		assert_true(json_true(json_get(json_at(list, 0), "has_key")));
		hash = json_text(json_get(json_at(list, 0), "sha256"));
		assert_true(str_eq_c(str_c(hash), text_hex(b->a, one.sha256)) ||
		    str_eq_c(str_c(hash), text_hex(b->a, two.sha256)));
	}
	expect_ok(identity_sweep(b->g, b->a));
	assert_int_equal(entries(b, "certs"), 2);
}

static void
all_of_them_can_be_removed_also_what_cannot_be_read(void **state)
{
	struct box *b = *state;
	struct delivery one = pack(b->a, &keys.one), two = pack(b->a, &keys.two);

	expect_ok(identity_remove_all(b->g, b->a));
	expect_ok(deliver(b, "chancery-a", &one));
	expect_ok(deliver(b, "chancery-b", &two));
	made_write(b->a, box_path(b, "certs/chancery-b"), "cert.pem", LIT("damaged"));
	expect_ok(identity_remove_all(b->g, b->a));
	assert_false(file_exists(box_path(b, "certs")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_delivery_is_stored_and_reported_with_its_key),
		CASE(other_programs_read_what_was_stored),
		CASE(keys_are_for_their_owner_only),
		CASE(a_new_version_replaces_the_old_one_without_a_rest),
		CASE(the_same_delivery_again_is_harmless),
		CASE(a_delivery_heals_what_was_damaged),
		CASE(aliases_do_not_touch_each_other),
		CASE(what_is_removed_is_gone_and_removing_again_is_harmless),
		CASE(a_certificate_that_was_not_announced_is_refused_and_nothing_changes),
		CASE(what_is_sealed_to_another_device_is_refused),
		CASE(a_wrong_password_and_bytes_that_are_no_delivery_are_refused),
		CASE(an_alias_that_leaves_the_folder_is_refused),
		CASE(a_key_of_another_certificate_is_reported_as_missing),
		CASE(what_cannot_be_read_is_not_reported),
		CASE(what_a_kill_left_half_written_goes_at_the_next_start),
		CASE(what_cannot_be_swept_does_not_make_an_installation_fail),
		CASE(a_kill_at_any_time_leaves_the_old_pair_or_the_new_one),
		CASE(all_of_them_can_be_removed_also_what_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
