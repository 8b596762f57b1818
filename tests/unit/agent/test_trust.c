/* SPDX-License-Identifier: Apache-2.0 */
#include "box.h"

#define UPDATER "/usr/sbin/update-ca-certificates"

static err_t
install(struct box *b, const char *alias, const struct cert *c)
{
	return trust_install(b->g, b->a, alias, cert_der(c));
}

static size_t
reported(struct box *b)
{
	auto_json json *list = json_array_new();

	expect_ok(trust_inventory(b->g, b->a, list));
	return json_count(list);
}

static const char *
trust_file(struct box *b, const char *name)
{
	return arena_printf(b->a, "%s/%s", b->conf.trust_dir, name);
}

/* From now on the updater is a script of this text. */
static void
replace_updater(struct box *b, const char *text)
{
	const char *bin = arena_printf(b->a, "%s/bin", b->dir);

	expect_ok(dir_make(bin, 0755));
	expect_ok(
	    file_write(arena_printf(b->a, "%s/update-ca-certificates", bin), str_c(text), 0755));
	setenv("PATH", arena_printf(b->a, "%s:/usr/sbin:/usr/bin:/sbin:/bin", bin), 1);
	b->conf.trust_update = true;
}

static int
end(void **state)
{
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	return teardown(state);
}

static void
a_ca_certificate_is_stored_and_reported(void **state)
{
	struct box *b = *state;
	auto_json json *list = json_array_new();
	const json *item;
	struct str pem, der;
	size_t n;

	expect_ok(install(b, ALIAS, keys.root.cert));
	expect_ok(trust_inventory(b->g, b->a, list));
	item = json_at(list, 0);
	assert_int_equal(json_count(list), 1);
	assert_string_equal(json_text(json_get(item, "alias")), ALIAS);
	assert_string_equal(json_text(json_get(item, "kind")), "ca");
	assert_string_equal(json_text(json_get(item, "sha256")),
	    text_hex(b->a, str_of(cert_sha256(keys.root.cert), 32)));
	assert_true(json_is_bool(json_get(item, "has_key")));
	assert_false(json_true(json_get(item, "has_key")));
	assert_string_equal(json_text(json_get(item, "not_after")),
	    when_text(b->a, cert_not_after(keys.root.cert)));
	expect_ok(file_read(b->a, trust_file(b, ALIAS ".crt"), 65536, &pem));
	expect_ok(text_unpem(b->a, pem, "CERTIFICATE", &der, 1, &n));
	assert_true(str_eq(der, cert_der(keys.root.cert)));
	assert_int_equal(mode_of(trust_file(b, ALIAS ".crt")), 0644);
}

static void
another_certificate_under_its_name_replaces_it_and_again_is_harmless(void **state)
{
	struct box *b = *state;

	expect_ok(install(b, ALIAS, keys.root.cert));
	expect_ok(install(b, ALIAS, keys.issuing.cert));
	expect_ok(install(b, ALIAS, keys.issuing.cert));
	assert_int_equal(reported(b), 1);
}

static void
what_is_removed_is_gone_and_removing_again_is_harmless(void **state)
{
	struct box *b = *state;

	expect_ok(dir_make(b->conf.trust_dir, 0755));
	expect_ok(trust_remove(b->g, b->a, ALIAS));
	expect_ok(install(b, ALIAS, keys.root.cert));
	expect_ok(trust_remove(b->g, b->a, ALIAS));
	expect_ok(trust_remove(b->g, b->a, ALIAS));
	assert_int_equal(reported(b), 0);
	assert_false(file_exists(trust_file(b, ALIAS ".crt")));
}

static void
a_certificate_that_is_no_ca_is_refused(void **state)
{
	struct box *b = *state;

	expect_err(ERR_CERTIFICATE, install(b, ALIAS, keys.one.cert));
	expect_err(ERR_CERTIFICATE, trust_install(b->g, b->a, ALIAS, LIT("damaged")));
	expect_err(ERR_CERTIFICATE, trust_install(b->g, b->a, ALIAS, STR_EMPTY));
	assert_int_equal(reported(b), 0);
	assert_false(file_exists(b->conf.trust_dir));
}

static void
an_alias_that_leaves_the_folder_or_is_not_ours_is_refused(void **state)
{
	struct box *b = *state;

	for (size_t i = 0; i < COUNT(bad_aliases); i++) {
		expect_err(ERR_ALIAS, install(b, bad_aliases[i], keys.root.cert));
		expect_err(ERR_ALIAS, trust_remove(b->g, b->a, bad_aliases[i]));
	}
	expect_err(ERR_ALIAS, install(b, "distribution-ca", keys.root.cert));
	expect_err(ERR_ALIAS, trust_remove(b->g, b->a, "distribution-ca"));
	assert_false(file_exists(b->conf.trust_dir));
}

static void
files_of_others_and_broken_ones_are_not_reported(void **state)
{
	struct box *b = *state;

	expect_ok(install(b, ALIAS, keys.root.cert));
	made_pem(b->a, b->conf.trust_dir, "other-ca.crt", keys.issuing.cert);
	made_pem(b->a, b->conf.trust_dir, "chancery-x.pem", keys.issuing.cert);
	made_write(b->a, b->conf.trust_dir, "chancery-broken.crt", LIT("damaged"));
	made_write(b->a, b->conf.trust_dir, "chancery-empty.crt", STR_EMPTY);
	assert_int_equal(reported(b), 1);
}

static void
all_of_ours_can_be_removed_and_those_of_others_stay(void **state)
{
	struct box *b = *state;

	expect_ok(trust_remove_all(b->g, b->a));
	expect_ok(install(b, ALIAS, keys.root.cert));
	made_pem(b->a, b->conf.trust_dir, "other-ca.crt", keys.issuing.cert);
	made_write(b->a, b->conf.trust_dir, "chancery-broken.crt", LIT("damaged"));
	expect_ok(trust_remove_all(b->g, b->a));
	assert_false(file_exists(trust_file(b, ALIAS ".crt")));
	assert_false(file_exists(trust_file(b, "chancery-broken.crt")));
	assert_true(file_exists(trust_file(b, "other-ca.crt")));
	assert_int_equal(entries(b, ""), 3); /* identity.pem, enrolment.json, lock */
}

static void
the_system_trusts_it_and_then_no_longer(void **state)
{
	struct box *b = *state;
	const char *verify = "openssl verify -attime 1767225600 -no-CAfile -CApath etc issuing.pem";

	if (!file_exists(UPDATER))
		skip();
	b->conf.trust_update = true;
	made_pem(b->a, b->dir, "issuing.pem", keys.issuing.cert);
	expect_ok(install(b, ALIAS, keys.root.cert));
	assert_true(made_run(b->a, b->dir, verify));
	assert_true(made_run(b->a, b->dir, "grep -q CERTIFICATE etc/ca-certificates.crt"));
	assert_int_equal(reported(b), 1);
	expect_ok(trust_remove(b->g, b->a, ALIAS));
	assert_false(made_run(b->a, b->dir, verify));
	assert_int_equal(reported(b), 0);
}

static void
when_the_system_does_not_take_it_that_is_an_error_and_it_is_not_reported(void **state)
{
	struct box *b = *state;

	replace_updater(b, "#!/bin/sh\nexit 3\n");
	expect_err(ERR_TRUST_STORE, install(b, ALIAS, keys.root.cert));
	assert_int_equal(reported(b), 0);
	expect_err(ERR_TRUST_STORE, trust_settle(b->g, b->a));
	replace_updater(b, "#!/bin/sh\nexit 0\n");
	expect_ok(trust_settle(b->g, b->a));
	assert_int_equal(reported(b), 1);
}

static void
a_delivery_again_makes_good_what_failed(void **state)
{
	struct box *b = *state;

	replace_updater(b, "#!/bin/sh\nkill -9 $$\n");
	expect_err(ERR_TRUST_STORE, install(b, ALIAS, keys.root.cert));
	replace_updater(b, "#!/bin/sh\nexit 0\n");
	expect_ok(install(b, ALIAS, keys.root.cert));
	assert_int_equal(reported(b), 1);
	assert_int_equal(entries(b, ""), 3);
}

static void
what_the_system_still_trusts_is_reported_until_it_does_not(void **state)
{
	struct box *b = *state;
	auto_json json *list = json_array_new();

	expect_ok(install(b, ALIAS, keys.root.cert));
	replace_updater(b, "#!/bin/sh\nexit 3\n");
	expect_err(ERR_TRUST_STORE, trust_remove(b->g, b->a, ALIAS));
	assert_false(file_exists(trust_file(b, ALIAS ".crt")));
	assert_int_equal(reported(b), 1);
	expect_err(ERR_TRUST_STORE, trust_remove(b->g, b->a, ALIAS));
	expect_err(ERR_TRUST_STORE, trust_settle(b->g, b->a));
	expect_ok(trust_inventory(b->g, b->a, list));
	assert_string_equal(json_text(json_get(json_at(list, 0), "alias")), ALIAS);
	assert_string_equal(json_text(json_get(json_at(list, 0), "kind")), "ca");
	assert_string_equal(json_text(json_get(json_at(list, 0), "sha256")),
	    text_hex(b->a, str_of(cert_sha256(keys.root.cert), 32)));
	replace_updater(b, "#!/bin/sh\nexit 0\n");
	expect_ok(trust_settle(b->g, b->a));
	assert_int_equal(reported(b), 0);
	assert_int_equal(entries(b, ""), 3);
}

static void
a_removal_that_was_cut_off_before_the_file_went_is_reported(void **state)
{
	struct box *b = *state;

	expect_ok(install(b, ALIAS, keys.root.cert));
	made_pem(b->a, b->conf.state_dir, "unsettled-" ALIAS, keys.root.cert);
	assert_int_equal(reported(b), 1);
	expect_ok(trust_settle(b->g, b->a));
	assert_int_equal(reported(b), 1);
	expect_ok(trust_remove(b->g, b->a, ALIAS));
	assert_int_equal(reported(b), 0);
}

static void
a_missing_updater_is_an_error(void **state)
{
	struct box *b = *state;

	b->conf.trust_update = true;
	setenv("PATH", b->dir, 1);
	expect_err(ERR_TRUST_STORE, install(b, ALIAS, keys.root.cert));
}

static void
the_updater_is_run_on_our_folders_and_afresh_only_for_removals(void **state)
{
	struct box *b = *state;
	struct str said;

	replace_updater(b, "#!/bin/sh\necho \"$@\" >> \"${0%/*}/said\"\n");
	expect_ok(install(b, ALIAS, keys.root.cert));
	expect_ok(trust_remove(b->g, b->a, ALIAS));
	expect_ok(trust_settle(b->g, b->a));
	expect_ok(file_read(b->a, arena_printf(b->a, "%s/bin/said", b->dir), 4096, &said));
	assert_string_equal(arena_cstr(b->a, said),
	    arena_printf(b->a,
		"--localcertsdir %s --etccertsdir %s\n--localcertsdir %s --etccertsdir %s --fresh\n",
		b->conf.trust_dir, b->conf.etc_dir, b->conf.trust_dir, b->conf.etc_dir));
}

#undef CASE
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_ca_certificate_is_stored_and_reported),
		CASE(another_certificate_under_its_name_replaces_it_and_again_is_harmless),
		CASE(what_is_removed_is_gone_and_removing_again_is_harmless),
		CASE(a_certificate_that_is_no_ca_is_refused),
		CASE(an_alias_that_leaves_the_folder_or_is_not_ours_is_refused),
		CASE(files_of_others_and_broken_ones_are_not_reported),
		CASE(all_of_ours_can_be_removed_and_those_of_others_stay),
		CASE(the_system_trusts_it_and_then_no_longer),
		CASE(when_the_system_does_not_take_it_that_is_an_error_and_it_is_not_reported),
		CASE(a_delivery_again_makes_good_what_failed),
		CASE(what_the_system_still_trusts_is_reported_until_it_does_not),
		CASE(a_removal_that_was_cut_off_before_the_file_went_is_reported),
		CASE(a_missing_updater_is_an_error),
		CASE(the_updater_is_run_on_our_folders_and_afresh_only_for_removals),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
