/* SPDX-License-Identifier: Apache-2.0 */
/* The agent as a whole: its folder, its enrolment, its commands, its end. */
#include "box.h"

static int
setup_fresh(void **state)
{
	*state = box_new();
	return 0;
}

static void
a_folder_that_is_new_gets_a_key_and_is_not_enrolled(void **state)
{
	struct box *b = *state;

	expect_ok(agent_open(&b->conf, &b->g));
	assert_null(b->g->device_id);
	assert_null(b->g->identity);
	assert_int_equal(mode_of(box_path(b, "identity.pem")), 0600);
	assert_int_equal(key_algorithm(b->g->key), KEY_RSA);
	assert_int_equal(key_bits(b->g->key), 2048);
}

static void
the_key_stays_the_same(void **state)
{
	struct box *b = *state;

	box_reopen(b);
	assert_true(key_same_public(b->g->key, keys.identity.key));
}

static void
who_is_enrolled_knows_it_after_a_restart(void **state)
{
	struct box *b = *state;

	assert_string_equal(b->g->device_id, "7b6f2c1e-0000-4000-8000-000000000001");
	assert_true(str_eq(cert_der(b->g->identity), cert_der(keys.identity.cert)));
	assert_int_equal(b->g->tls.nanchors, 1);
	assert_true(str_eq(b->g->tls.anchors[0], cert_der(keys.root.cert)));
	assert_int_equal(b->g->tls.nchain, 1);
	assert_true(b->g->tls.key == b->g->key);
}

static void
a_second_agent_on_one_folder_is_refused(void **state)
{
	struct box *b = *state;
	struct agent *second = NULL;

	expect_err(ERR_AGENT_BUSY, agent_open(&b->conf, &second));
	assert_null(second);
	agent_close(steal(b->g));
	expect_ok(agent_open(&b->conf, &b->g));
}

static err_t
read_again(struct box *b, const json *j)
{
	struct agent g = { .arena = b->a, .key = b->g->key };
	struct str text;
	err_t e;

	TRY(json_print(b->a, j, &text));
	e = agent_enrolment_read(&g, text);
	assert_true(err_ok(e) == (g.device_id != NULL));
	assert_true(err_ok(e) == (g.identity != NULL));
	cert_free(g.identity);
	return e;
}

static void
an_enrolment_without_one_of_its_members_is_refused(void **state)
{
	static const char *const needed[] = { "device_id", "certificate", "roots" };
	struct box *b = *state;
	auto_json json *j = enrolment(b->a, keys.identity.cert);

	expect_ok(read_again(b, j));
	for (size_t i = 0; i < COUNT(needed); i++) {
		json *kept = json_ref(json_get(j, needed[i]));

		json_del(j, needed[i]);
		expect_err(ERR_BAD_REQUEST, read_again(b, j));
		json_set_int(j, needed[i], 7);
		expect_err(ERR_BAD_REQUEST, read_again(b, j));
		json_set(j, needed[i], kept);
	}
	expect_ok(read_again(b, j));
}

static void
an_enrolment_without_roots_would_trust_the_system_and_is_refused(void **state)
{
	struct box *b = *state;
	auto_json json *j = enrolment(b->a, keys.identity.cert);

	json_set(j, "roots", json_array_new());
	expect_err(ERR_BAD_REQUEST, read_again(b, j));
	json_add(json_get(j, "roots"), json_text_new("eHg="));
	expect_err(ERR_CERTIFICATE, read_again(b, j));
	json_set(j, "roots", json_array_new());
	json_add(json_get(j, "roots"), json_int_new(1));
	expect_err(ERR_CERTIFICATE, read_again(b, j));
}

static void
an_enrolment_of_another_key_is_refused(void **state)
{
	struct box *b = *state;
	struct agent *g = NULL;
	auto_json json *j = enrolment(b->a, keys.one.cert);

	expect_err(ERR_KEY_MISMATCH, read_again(b, j));
	agent_close(steal(b->g));
	box_enrol(b, keys.one.cert);
	expect_err(ERR_KEY_MISMATCH, agent_open(&b->conf, &g));
	assert_null(g);
}

static void
an_enrolment_that_is_no_json_is_refused(void **state)
{
	struct box *b = *state;
	struct agent g = { .arena = b->a, .key = b->g->key };

	expect_err(ERR_JSON, agent_enrolment_read(&g, LIT("{\"device_id\":")));
	expect_err(ERR_JSON, agent_enrolment_read(&g, STR_EMPTY));
	expect_err(ERR_BAD_REQUEST, agent_enrolment_read(&g, LIT("[]")));
	assert_null(g.device_id);
}

static void
the_service_must_answer_with_a_certificate_for_our_key(void **state)
{
	struct box *b = *state;
	auto_json json *good = enrolment(b->a, keys.identity.cert);
	auto_json json *bad = enrolment(b->a, keys.one.cert);

	expect_ok(agent_answer_check(b->g, b->a, good));
	expect_err(ERR_KEY_MISMATCH, agent_answer_check(b->g, b->a, bad));
}

static void
the_certificate_must_chain_to_a_root_that_came_with_it(void **state)
{
	struct box *b = *state;
	auto_json json *j = enrolment(b->a, keys.identity.cert);
	auto_made struct made other = made_root(b->a, "Root", KEY_EC, KEY_P256);

	json_set(j, "roots", base64_list(b->a, other.cert));
	expect_err(ERR_CHAIN, agent_answer_check(b->g, b->a, j));
	json_set(j, "roots", json_array_new());
	expect_err(ERR_CHAIN, agent_answer_check(b->g, b->a, j));
	json_set(j, "roots", base64_list(b->a, keys.root.cert));
	json_set(j, "chain", json_array_new());
	expect_err(ERR_CHAIN, agent_answer_check(b->g, b->a, j));
}

static void
a_wrong_clock_of_the_device_does_not_hinder_enrolment(void **state)
{
	struct box *b = *state;
	auto_json json *j = enrolment(b->a, keys.identity.cert);
	err_t e;

	when_set(MADE_NOW - 3000 * MADE_DAY);
	e = agent_answer_check(b->g, b->a, j);
	when_set(MADE_NOW);
	expect_ok(e);
}

static json *
command(const char *kind, const char *alias)
{
	json *c = json_object_new();

	json_set_text(c, "id", "slot:0123456789abcdef");
	json_set_text(c, "kind", kind);
	json_set_text(c, "alias", alias);
	return c;
}

static json *
install_identity(struct box *b, const struct delivery *d)
{
	json *c = command("install_identity", ALIAS);

	json_set_base64(b->a, c, "pfx", d->pfx);
	json_set_base64(b->a, c, "password", d->password);
	json_set_text(c, "sha256", text_hex(b->a, d->sha256));
	return c;
}

static err_t
obey(struct box *b, const json *c)
{
	struct outcome out;

	return agent_command(b->g, b->a, c, &out);
}

static void
commands_install_and_remove(void **state)
{
	struct box *b = *state;
	struct delivery d = pack(b->a, &keys.one);
	auto_json json *ca = command("install_ca", ALIAS);
	auto_json json *identity = install_identity(b, &d);
	auto_json json *no_ca = command("remove_ca", ALIAS);
	auto_json json *no_identity = command("remove_identity", ALIAS);
	auto_json json *list = json_array_new();

	json_set_base64(b->a, ca, "der", cert_der(keys.root.cert));
	expect_ok(obey(b, ca));
	expect_ok(obey(b, identity));
	expect_ok(trust_inventory(b->g, b->a, list));
	assert_int_equal(json_count(list), 1);
	expect_identity(b, ALIAS, keys.one.cert, true);
	expect_ok(obey(b, no_ca));
	expect_ok(obey(b, no_identity));
	expect_none(b);
	assert_false(file_exists(arena_printf(b->a, "%s/" ALIAS ".crt", b->conf.trust_dir)));
}

static void
a_command_of_a_later_release_is_answered_as_unsupported(void **state)
{
	struct box *b = *state;
	auto_json json *c = command("install_vpn", ALIAS);

	expect_err(ERR_UNSUPPORTED, obey(b, c));
}

static void
a_command_without_one_of_its_members_is_refused(void **state)
{
	static const char *const needed[] = { "kind", "alias", "pfx", "password", "sha256" };
	struct box *b = *state;
	struct delivery d = pack(b->a, &keys.one);
	auto_json json *c = install_identity(b, &d);
	auto_json json *ca = command("install_ca", ALIAS);

	for (size_t i = 0; i < COUNT(needed); i++) {
		json *kept = json_ref(json_get(c, needed[i]));

		json_del(c, needed[i]);
		expect_err(ERR_BAD_REQUEST, obey(b, c));
		json_set_bool(c, needed[i], true);
		expect_err(ERR_BAD_REQUEST, obey(b, c));
		json_set(c, needed[i], kept);
	}
	expect_err(ERR_BAD_REQUEST, obey(b, ca));
	expect_err(ERR_BAD_REQUEST, obey(b, NULL));
	expect_none(b);
}

static void
a_command_for_a_path_is_refused(void **state)
{
	static const char *const kinds[] = { "remove_ca", "remove_identity" };
	struct box *b = *state;

	for (size_t i = 0; i < COUNT(kinds); i++) {
		auto_json json *c = command(kinds[i], "../identity.pem");

		expect_err(ERR_ALIAS, obey(b, c));
	}
	assert_true(file_exists(box_path(b, "identity.pem")));
}

static void
leaving_leaves_nothing_behind(void **state)
{
	struct box *b = *state;
	struct delivery d = pack(b->a, &keys.one);

	expect_ok(deliver(b, ALIAS, &d));
	expect_ok(trust_install(b->g, b->a, ALIAS, cert_der(keys.root.cert)));
	expect_ok(agent_forget(b->g, b->a));
	assert_int_equal(entries(b, ""), 1);
	assert_true(file_exists(box_path(b, "lock")));
	assert_true(made_run(b->a, b->dir, "test -z \"$(ls -A trust)\""));
	expect_ok(agent_forget(b->g, b->a));
}

static void
who_is_not_enrolled_neither_works_nor_leaves(void **state)
{
	struct box *b = *state;
	volatile sig_atomic_t stop = 0;

	expect_ok(agent_open(&b->conf, &b->g));
	expect_err(ERR_NOT_JOINED, agent_run(b->g, true, &stop));
	expect_err(ERR_NOT_JOINED, agent_unenrol(b->g));
}

static void
who_is_enrolled_does_not_enrol_again(void **state)
{
	struct box *b = *state;

	expect_err(ERR_JOINED, agent_enrol(b->g, "code"));
}

static void
the_facts_name_the_device_and_what_could_not_be_read(void **state)
{
	struct box *b = *state;
	auto_json json *facts = agent_facts(b->a, b->g);

	assert_string_equal(json_text(json_get(facts, "device_name")), "laptop-1");
	assert_string_equal(json_text(json_get(facts, "agent_version")), CHANCERY_VERSION);
	assert_true(json_is_text(json_get(facts, "os")));
	assert_true(json_is_array(json_get(facts, "unavailable")));
}

#define FRESH(f) cmocka_unit_test_setup_teardown(f, setup_fresh, teardown)

/* A command to request a certificate by EST. */
static json *
est_command(struct box *b, const char *server)
{
	json *c = json_object_new(), *key = json_object_new();

	json_set_text(c, "id", "1:2");
	json_set_text(c, "kind", "enrol_est");
	json_set_text(c, "alias", ALIAS);
	json_set_text(c, "server", server);
	json_set_text(c, "label", "7b6f2c1e-0000-4000-8000-000000000002");
	json_set_base64(b->a, c, "subject", cert_subject_der(keys.one.cert));
	json_set_text(key, "algorithm", "rsa");
	json_set_int(key, "bits", 2048);
	json_set(c, "key", key);
	return c;
}

static void
who_it_is_is_shown_to_its_own_service_and_to_nobody_else(void **state)
{
	struct box *b = *state;
	auto_json json *own = est_command(b, b->conf.url);
	auto_json json *other = est_command(b, "https://service.test.example:8444");

	expect_err(ERR_UNSUPPORTED, obey(b, other));
	json_set_text(other, "server", "https://service.test:8444@evil.example");
	expect_err(ERR_UNSUPPORTED, obey(b, other));
	json_set_text(own, "label", "");
	expect_err(ERR_BAD_REQUEST, obey(b, own));
	json_del(own, "label");
	expect_err(ERR_BAD_REQUEST, obey(b, own));
}

static void
a_key_that_it_cannot_make_is_refused_before_it_asks(void **state)
{
	struct box *b = *state;
	auto_json json *c = est_command(b, b->conf.url);
	char **names;
	size_t n;

	json_set_int(json_get(c, "key"), "bits", 1024);
	expect_err(ERR_KEY_SIZE, obey(b, c));
	json_set_text(json_get(c, "key"), "algorithm", "ec");
	json_set_int(json_get(c, "key"), "bits", 521);
	expect_err(ERR_KEY_SIZE, obey(b, c));
	json_set_int(json_get(c, "key"), "bits", 2048);
	expect_err(ERR_KEY_SIZE, obey(b, c));
	json_set_text(json_get(c, "key"), "algorithm", "ed25519");
	expect_err(ERR_UNSUPPORTED, obey(b, c));
	/* The answers of SCEP are sealed to the key, so it must be RSA. */
	json_set_text(json_get(c, "key"), "algorithm", "ec");
	json_set_int(json_get(c, "key"), "bits", 256);
	json_set_text(c, "kind", "enrol_scep");
	json_set_text(c, "challenge", "x");
	json_set(c, "urls", json_array_new());
	json_add(json_get(c, "urls"), json_text_new("https://service.test:8444/scep/1"));
	expect_err(ERR_UNSUPPORTED, obey(b, c));
	expect_ok(dir_list(b->a, b->conf.state_dir, 64, &names, &n));
	for (size_t i = 0; i < n; i++)
		assert_false(str_starts(str_c(names[i]), LIT("pend-")));
	json_del(c, "key");
	expect_err(ERR_BAD_REQUEST, obey(b, c));
}

static void
the_address_of_the_first_radio_is_a_fact_where_there_is_one(void **state)
{
	struct box *b = *state;
	const char *folder = arena_printf(b->a, "%s/radios", b->dir);
	const char *one = arena_printf(b->a, "%s/phy0", folder);
	const char *two = arena_printf(b->a, "%s/phy1", folder);

	assert_null(agent_wifi_mac(b->a, folder));
	expect_ok(dir_make(folder, 0755));
	assert_null(agent_wifi_mac(b->a, folder));
	expect_ok(dir_make(two, 0755));
	assert_null(agent_wifi_mac(b->a, folder));
	expect_ok(
	    file_write(arena_printf(b->a, "%s/macaddress", two), LIT("02:00:00:00:00:02\n"), 0444));
	assert_string_equal(agent_wifi_mac(b->a, folder), "02:00:00:00:00:02");
	expect_ok(dir_make(one, 0755));
	expect_ok(
	    file_write(arena_printf(b->a, "%s/macaddress", one), LIT("02:00:00:00:00:01\n"), 0444));
	assert_string_equal(agent_wifi_mac(b->a, folder), "02:00:00:00:00:01");
	expect_ok(file_write(arena_printf(b->a, "%s/macaddress", one), LIT("02:\0"), 0444));
	assert_null(agent_wifi_mac(b->a, folder));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(a_folder_that_is_new_gets_a_key_and_is_not_enrolled),
		CASE(the_key_stays_the_same),
		CASE(who_it_is_is_shown_to_its_own_service_and_to_nobody_else),
		CASE(a_key_that_it_cannot_make_is_refused_before_it_asks),
		CASE(who_is_enrolled_knows_it_after_a_restart),
		CASE(a_second_agent_on_one_folder_is_refused),
		CASE(an_enrolment_without_one_of_its_members_is_refused),
		CASE(an_enrolment_without_roots_would_trust_the_system_and_is_refused),
		CASE(an_enrolment_of_another_key_is_refused),
		CASE(an_enrolment_that_is_no_json_is_refused),
		CASE(the_service_must_answer_with_a_certificate_for_our_key),
		CASE(the_certificate_must_chain_to_a_root_that_came_with_it),
		CASE(a_wrong_clock_of_the_device_does_not_hinder_enrolment),
		CASE(commands_install_and_remove),
		CASE(a_command_of_a_later_release_is_answered_as_unsupported),
		CASE(a_command_without_one_of_its_members_is_refused),
		CASE(a_command_for_a_path_is_refused),
		CASE(leaving_leaves_nothing_behind),
		FRESH(who_is_not_enrolled_neither_works_nor_leaves),
		CASE(who_is_enrolled_does_not_enrol_again),
		CASE(the_facts_name_the_device_and_what_could_not_be_read),
		CASE(the_address_of_the_first_radio_is_a_fact_where_there_is_one),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
