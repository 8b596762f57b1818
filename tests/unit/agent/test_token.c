/* SPDX-License-Identifier: Apache-2.0 */
/* The agent with its keys in a PKCS#11 token. SoftHSM plays the token. */
#include "box.h"

#define MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define LABEL "device 1"

static int
setup_token(void **state)
{
	struct box *b = box_new();
	struct issue_spec s;
	struct cert *identity = NULL;

	*state = b;
	made_write(b->a, b->dir, "softhsm.conf",
	    str_c(arena_printf(b->a, "directories.tokendir = %s\nlog.level = ERROR\n", b->dir)));
	setenv("SOFTHSM2_CONF", arena_printf(b->a, "%s/softhsm.conf", b->dir), 1);
	if (!file_exists(MODULE) ||
	    !made_run(b->a, b->dir,
		"softhsm2-util --init-token --free --label '" LABEL "' --pin 1234 --so-pin 5678"))
		return 0;
	made_write(b->a, b->dir, "pin", LIT("1234\n"));
	b->conf.token_module = MODULE;
	b->conf.token_label = LABEL;
	b->conf.token_pin_file = arena_printf(b->a, "%s/pin", b->dir);
	/* The first start makes the key; then the identity CA issues for it. */
	expect_ok(agent_open(&b->conf, &b->g));
	s = made_spec(b->a, "device", b->g->key);
	s.issuer = keys.identity_ca.cert;
	identity = made_cert(b->a, &s, keys.identity_ca.key);
	box_enrol(b, identity);
	cert_free(identity);
	box_reopen(b);
	return 0;
}

static struct delivery
pack_here(struct box *b, const struct made *leaf)
{
	if (b->g == NULL)
		skip();
	return pack_for(b->a, leaf, b->g->identity);
}

static void
the_identity_key_is_in_the_token_and_not_on_disk(void **state)
{
	struct box *b = *state;
	auto_key struct key *k = NULL;

	if (b->g == NULL)
		skip();
	assert_false(file_exists(box_path(b, "identity.pem")));
	expect_ok(token_find(b->g->token, IDENTITY_LABEL, &k));
	assert_true(key_same_public(k, b->g->key));
}

static void
a_delivered_key_goes_into_the_token(void **state)
{
	struct box *b = *state;
	struct delivery d = pack_here(b, &keys.one);
	auto_key struct key *k = NULL;

	expect_ok(deliver(b, ALIAS, &d));
	expect_identity(b, ALIAS, keys.one.cert, true);
	expect_ok(token_find(b->g->token, ALIAS, &k));
	assert_true(key_same_public(k, keys.one.key));
	assert_false(file_exists(box_path(b, "certs/" ALIAS "/key.pem")));
	assert_string_equal(arena_cstr(b->a, content(b, "certs/" ALIAS "/key.uri")),
	    "pkcs11:token=device%201;object=" ALIAS ";type=private\n");
}

static void
a_new_version_replaces_the_key(void **state)
{
	struct box *b = *state;
	struct delivery one = pack_here(b, &keys.one), two = pack_here(b, &keys.two);

	expect_ok(deliver(b, ALIAS, &one));
	expect_ok(deliver(b, ALIAS, &two));
	expect_ok(deliver(b, ALIAS, &two));
	expect_identity(b, ALIAS, keys.two.cert, true);
}

static void
a_key_that_is_gone_from_the_token_is_reported_as_missing(void **state)
{
	struct box *b = *state;
	struct delivery d = pack_here(b, &keys.one);

	expect_ok(deliver(b, ALIAS, &d));
	expect_ok(token_import(b->g->token, ALIAS, keys.two.key));
	expect_identity(b, ALIAS, keys.one.cert, false);
	expect_ok(token_remove(b->g->token, ALIAS));
	expect_identity(b, ALIAS, keys.one.cert, false);
}

static void
removing_takes_the_key_out_of_the_token(void **state)
{
	struct box *b = *state;
	struct delivery d = pack_here(b, &keys.one);
	struct key *k = NULL;

	expect_ok(deliver(b, ALIAS, &d));
	expect_ok(identity_remove(b->g, b->a, ALIAS));
	expect_none(b);
	expect_err(ERR_NOT_FOUND, token_find(b->g->token, ALIAS, &k));
}

static void
leaving_empties_the_token(void **state)
{
	struct box *b = *state;
	struct delivery d = pack_here(b, &keys.one);
	struct key *k = NULL;

	expect_ok(deliver(b, ALIAS, &d));
	expect_ok(agent_forget(b->g, b->a));
	expect_err(ERR_NOT_FOUND, token_find(b->g->token, ALIAS, &k));
	expect_err(ERR_NOT_FOUND, token_find(b->g->token, IDENTITY_LABEL, &k));
}

static void
a_wrong_pin_is_an_error(void **state)
{
	struct box *b = *state;
	struct agent *g = NULL;

	if (b->g == NULL)
		skip();
	agent_close(steal(b->g));
	made_write(b->a, b->dir, "pin", LIT("9999\n"));
	expect_err(ERR_TOKEN_PIN, agent_open(&b->conf, &g));
	assert_null(g);
}

#undef CASE
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup_token, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_identity_key_is_in_the_token_and_not_on_disk),
		CASE(a_delivered_key_goes_into_the_token),
		CASE(a_new_version_replaces_the_key),
		CASE(a_key_that_is_gone_from_the_token_is_reported_as_missing),
		CASE(removing_takes_the_key_out_of_the_token),
		CASE(leaving_empties_the_token),
		CASE(a_wrong_pin_is_an_error),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
