/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/made.h"

#include "daemon/service_join.h"

struct box {
	struct arena *a;
	const char *dir;
	struct made root, issuing, identity, tls, ra, stranger;
	json *j;
};

static const char *
pem_of(struct box *b, const struct cert *c)
{
	return text_pem(b->a, "CERTIFICATE", cert_der(c));
}

static void
put(struct box *b, const char *key, const struct cert *first, const struct cert *second)
{
	const char *pem = pem_of(b, first);

	json_set_text(
	    b->j, key, second == NULL ? pem : arena_printf(b->a, "%s%s", pem, pem_of(b, second)));
}

static struct made
under(struct box *b, const struct made *ca, const char *cn, const char *eku)
{
	const char *const ekus[] = { eku };
	struct made m = { NULL, NULL };
	struct issue_spec s;

	expect_ok(key_make(KEY_EC, KEY_P256, &m.key));
	s = eku == NULL ? made_ca_spec(b->a, cn, m.key) : made_spec(b->a, cn, m.key);
	s.issuer = ca->cert;
	if (eku != NULL) {
		s.key_usage = 0x80;
		s.ekus = ekus;
		s.nekus = 1;
	}
	m.cert = made_cert(b->a, &s, ca->key);
	return m;
}

static int
setup(void **state)
{
	struct box *b = calloc(1, sizeof(*b));

	when_set(MADE_NOW);
	b->a = arena_new();
	b->dir = made_dir(b->a);
	b->root = made_root(b->a, "Corp Root CA", KEY_EC, KEY_P256);
	b->stranger = made_root(b->a, "Corp Root CA", KEY_EC, KEY_P256);
	b->issuing = under(b, &b->root, "Corp Issuing CA", NULL);
	b->identity = under(b, &b->root, "Corp Device Identity CA", NULL);
	b->tls = under(b, &b->issuing, "service.test", OID_EKU_SERVER_AUTH);
	b->ra = under(b, &b->issuing, "service", OID_EKU_CLIENT_AUTH);
	b->j = json_object_new();
	json_set_text(b->j, "ca_url", "https://ca.test:9443");
	json_set_text(b->j, "identity_ca", "Corp Device Identity CA");
	json_set_text(b->j, "issuing_ca", "Corp Issuing CA");
	put(b, "tls_certificate", b->tls.cert, b->issuing.cert);
	put(b, "ra_certificate", b->ra.cert, b->issuing.cert);
	put(b, "root_certificate", b->root.cert, NULL);
	put(b, "issuing_certificate", b->issuing.cert, NULL);
	put(b, "identity_certificate", b->identity.cert, NULL);
	*state = b;
	return 0;
}

static int
teardown(void **state)
{
	struct box *b = *state;
	struct made *all[] = { &b->root, &b->issuing, &b->identity, &b->tls, &b->ra, &b->stranger };

	for (size_t i = 0; i < COUNT(all); i++)
		made_free(all[i]);
	json_free(b->j);
	made_dir_free(b->a, b->dir);
	arena_free(b->a);
	free(b);
	when_set(0);
	return 0;
}

static err_t
read_it(struct box *b)
{
	struct service_join sj = { .ca_url = NULL };
	err_t e = service_join_read(b->a, b->j, &sj);

	assert_true(err_ok(e) == (sj.ca_url != NULL));
	assert_true(err_ok(e) == (sj.tls.n != 0));
	return e;
}

static void
what_the_ca_answered_is_read(void **state)
{
	struct box *b = *state;
	struct service_join sj;

	expect_ok(service_join_read(b->a, b->j, &sj));
	assert_string_equal(sj.ca_url, "https://ca.test:9443");
	assert_string_equal(sj.identity_name, "Corp Device Identity CA");
	assert_string_equal(sj.issuing_name, "Corp Issuing CA");
	assert_int_equal(sj.tls.n, 2);
	assert_int_equal(sj.ra.n, 2);
	assert_true(str_eq(sj.identity.v[0], cert_der(b->identity.cert)));
	assert_memory_equal(sj.holder, cert_sha256(b->ra.cert), 32);
}

static void
without_one_of_its_members_it_is_refused(void **state)
{
	static const char *const needed[] = { "ca_url", "identity_ca", "issuing_ca",
		"tls_certificate", "ra_certificate", "root_certificate", "issuing_certificate",
		"identity_certificate" };
	struct box *b = *state;

	for (size_t i = 0; i < COUNT(needed); i++) {
		json *kept = json_ref(json_get(b->j, needed[i]));
		err_t e;

		json_del(b->j, needed[i]);
		expect_err(ERR_BAD_REQUEST, read_it(b));
		json_set_text(b->j, needed[i], "");
		e = read_it(b);
		assert_false(err_ok(e));
		err_forget(e);
		json_set(b->j, needed[i], kept);
	}
	expect_ok(read_it(b));
}

static void
a_certificate_that_is_none_is_refused(void **state)
{
	static const char *const members[] = { "tls_certificate", "ra_certificate",
		"root_certificate", "issuing_certificate", "identity_certificate" };
	struct box *b = *state;

	for (size_t i = 0; i < COUNT(members); i++) {
		json *kept = json_ref(json_get(b->j, members[i]));

		json_set_text(b->j, members[i], "no certificate");
		expect_err(ERR_CERTIFICATE, read_it(b));
		json_set_text(b->j, members[i],
		    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
		expect_err(ERR_CERTIFICATE, read_it(b));
		json_set(b->j, members[i], kept);
	}
}

static void
a_ca_that_is_no_ca_is_refused(void **state)
{
	static const char *const members[] = { "root_certificate", "issuing_certificate",
		"identity_certificate" };
	struct box *b = *state;

	for (size_t i = 0; i < COUNT(members); i++) {
		json *kept = json_ref(json_get(b->j, members[i]));

		put(b, members[i], b->ra.cert, NULL);
		expect_err(ERR_CERTIFICATE, read_it(b));
		json_set(b->j, members[i], kept);
	}
}

static void
two_certificates_where_one_belongs_are_refused(void **state)
{
	struct box *b = *state;

	put(b, "identity_certificate", b->identity.cert, b->root.cert);
	expect_err(ERR_BAD_REQUEST, read_it(b));
}

static void
certificates_under_another_root_are_refused(void **state)
{
	struct box *b = *state;

	put(b, "root_certificate", b->stranger.cert, NULL);
	expect_err(ERR_CHAIN, read_it(b));
	put(b, "root_certificate", b->root.cert, NULL);
	expect_ok(read_it(b));
	put(b, "identity_certificate", b->stranger.cert, NULL);
	expect_err(ERR_CHAIN, read_it(b));
}

static void
a_chain_with_a_gap_is_refused(void **state)
{
	struct box *b = *state;

	put(b, "tls_certificate", b->tls.cert, NULL);
	expect_err(ERR_CHAIN, read_it(b));
	put(b, "tls_certificate", b->tls.cert, b->identity.cert);
	expect_err(ERR_CHAIN, read_it(b));
}

static void
certificates_of_the_other_purpose_are_refused(void **state)
{
	struct box *b = *state;

	put(b, "tls_certificate", b->ra.cert, b->issuing.cert);
	expect_err(ERR_CHAIN, read_it(b));
	put(b, "tls_certificate", b->tls.cert, b->issuing.cert);
	put(b, "ra_certificate", b->tls.cert, b->issuing.cert);
	expect_err(ERR_CHAIN, read_it(b));
}

static void
who_joined_starts_also_after_its_certificates_have_expired(void **state)
{
	struct box *b = *state;
	err_t e;

	when_set(MADE_NOW + 5000 * MADE_DAY);
	e = read_it(b);
	when_set(MADE_NOW);
	expect_ok(e);
}

static void
what_was_saved_is_loaded_and_what_is_refused_changes_nothing(void **state)
{
	struct box *b = *state;
	struct store *s = NULL;
	struct service_join sj;

	expect_ok(
	    store_open(&(struct store_conf){ .path = arena_printf(b->a, "%s/service.db", b->dir),
			   .schema = STORE_SERVICE },
		&s));
	expect_err(ERR_NOT_JOINED, service_join_load(s, b->a, &sj));
	expect_ok(service_join_save(s, b->a, b->j));
	json_set_text(b->j, "ca_url", "https://other.test");
	json_del(b->j, "root_certificate");
	expect_err(ERR_BAD_REQUEST, service_join_save(s, b->a, b->j));
	expect_ok(service_join_load(s, b->a, &sj));
	assert_string_equal(sj.ca_url, "https://ca.test:9443");
	store_close(s);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_the_ca_answered_is_read),
		CASE(without_one_of_its_members_it_is_refused),
		CASE(a_certificate_that_is_none_is_refused),
		CASE(a_ca_that_is_no_ca_is_refused),
		CASE(two_certificates_where_one_belongs_are_refused),
		CASE(certificates_under_another_root_are_refused),
		CASE(a_chain_with_a_gap_is_refused),
		CASE(certificates_of_the_other_purpose_are_refused),
		CASE(who_joined_starts_also_after_its_certificates_have_expired),
		CASE(what_was_saved_is_loaded_and_what_is_refused_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
