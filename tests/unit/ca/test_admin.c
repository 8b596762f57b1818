/* SPDX-License-Identifier: Apache-2.0 */
#include "lab.h"

#include <sys/stat.h>

static void
before_init_there_is_no_ca(void **state)
{
	struct lab *l = *state, n = { .a = l->a };
	struct want w = lab_want(l);
	struct crl_part_req q = { .ca = ISSUING };
	auto_buf struct buf in;
	struct str answer;

	(void)w;
	memcpy(n.dir, "/tmp/chancery-ca-XXXXXX", 24);
	assert_non_null(mkdtemp(n.dir));
	lab_open(&n);
	buf_init(&in, LIMIT_IPC_MESSAGE);
	expect_ok(crl_part_req_encode(&q, &in));
	expect_err(ERR_CA_NONE, lab_call(&n, CA_CRL, &in, &answer));
	lab_close(&n);
	assert_int_equal(system(arena_printf(l->a, "rm -rf %s", n.dir)), 0);
}

static void
init_can_be_repeated_and_changes_nothing(void **state)
{
	struct lab *l = *state;
	const struct ca *before, *after;

	expect_ok(hierarchy_find(issuer_hierarchy(l->is), ISSUING, &before));
	lab_init(l, "p256");
	expect_ok(hierarchy_find(issuer_hierarchy(l->is), ISSUING, &after));
	assert_string_equal(cert_serial(before->cert), cert_serial(after->cert));
}

/* The records of one step are gone, as after a crash in it: the step is done anew, the others stay. */
static err_t
forget_identity_tx(struct tx *tx, void *arg)
{
	struct arena *a = arg;
	struct ca_row row;

	TRY(store_ca_get(tx, a, IDENTITY, &row));
	row.cert = STR_EMPTY;
	return store_ca_update(tx, &row);
}

static void
init_goes_on_after_an_interruption(void **state)
{
	struct lab *l = *state;
	const struct ca *before, *after;
	uint8_t spki[32];

	expect_ok(hierarchy_find(issuer_hierarchy(l->is), IDENTITY, &before));
	memcpy(spki, cert_spki_sha256(before->cert), 32);
	expect_ok(store_write(l->is->store, forget_identity_tx, l->a));
	lab_close(l);
	lab_run(l, "sqlite3 ca.db \"DELETE FROM ca_certs WHERE ca = '" IDENTITY "'\"");
	lab_open(l);
	expect_err(ERR_CA_UNKNOWN, hierarchy_find(issuer_hierarchy(l->is), IDENTITY, &after));
	lab_init(l, "p256");
	expect_ok(hierarchy_find(issuer_hierarchy(l->is), IDENTITY, &after));
	assert_memory_equal(cert_spki_sha256(after->cert), spki, 32);
}

static void
init_under_another_name_is_refused(void **state)
{
	auto_json json *answer = NULL;

	expect_err(ERR_CONFLICT,
	    lab_admin(*state, "ca.init",
		lab_args("name", "Other", "host", "h", "http_url", "http://h", NULL), &answer));
}

static void
names_that_need_quoting_are_refused(void **state)
{
	auto_json json *answer = NULL;

	expect_err(ERR_BAD_REQUEST,
	    lab_admin(*state, "ca.init",
		lab_args("name", "A/B", "host", "h", "http_url", "http://h", NULL), &answer));
	expect_err(ERR_BAD_REQUEST,
	    lab_admin(*state, "ca.init",
		lab_args("name", "A", "host", "h", "http_url", "https://h", NULL), &answer));
	expect_err(ERR_BAD_REQUEST,
	    lab_admin(
		*state, "ca.init", lab_args("name", "A", "http_url", "http://h", NULL), &answer));
}

static void
keys_are_readable_by_their_owner_only(void **state)
{
	static const char *const files[] = { "root.key", "issuing.key", "identity.key", "tls.key" };
	struct lab *l = *state;
	struct stat st;

	for (size_t i = 0; i < COUNT(files); i++) {
		assert_int_equal(stat(arena_printf(l->a, "%s/keys/%s", l->dir, files[i]), &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
	assert_int_equal(stat(arena_printf(l->a, "%s/keys", l->dir), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
}

static void
openssl_verifies_the_hierarchy(void **state)
{
	struct lab *l = *state;
	auto_json json *answer = NULL;
	char *text;

	expect_ok(lab_admin(l, "ca.show", json_object_new(), &answer));
	for (size_t i = 0; i < 3; i++) {
		const json *ca = json_at(json_get(answer, "cas"), i);

		lab_write(l, arena_printf(l->a, "%s.pem", json_text(json_get(ca, "role"))),
		    str_c(json_text(json_get(ca, "certificate"))));
	}
	text = lab_run(l, "openssl verify -x509_strict -CAfile root.pem issuing.pem identity.pem");
	assert_string_equal(text, "issuing.pem: OK\nidentity.pem: OK\n");
}

static void
a_listed_certificate_can_be_shown_and_revoked_once(void **state)
{
	struct lab *l = *state;
	auto_cert struct cert *c = lab_issued(l, lab_want(l));
	auto_json json *list = NULL, *one = NULL, *again = NULL;
	json *args = lab_args("text", "jane", NULL);

	json_set_int(args, "limit", 1);
	expect_ok(lab_admin(l, "cert.list", args, &list));
	assert_string_equal(
	    json_text(json_get(json_at(json_get(list, "certificates"), 0), "serial")),
	    cert_serial(c));
	expect_ok(lab_admin(l, "cert.show", lab_args("serial", cert_serial(c), NULL), &one));
	assert_string_equal(json_text(json_get(json_get(one, "request"), "state")), "valid");
	lab_do(
	    l, "cert.revoke", lab_args("serial", cert_serial(c), "reason", "keyCompromise", NULL));
	lab_new_key(&l->leaf_key);
	expect_err(ERR_CONFLICT,
	    lab_admin(l, "cert.revoke", lab_args("serial", cert_serial(c), NULL), &again));
	assert_true(lab_on_crl(l, ISSUING, cert_serial(c)));
}

static void
serials_and_verbs_that_do_not_exist_are_refused(void **state)
{
	auto_json json *answer = NULL;

	expect_err(
	    ERR_NOT_FOUND, lab_admin(*state, "cert.show", lab_args("serial", "7f", NULL), &answer));
	expect_err(ERR_BAD_REQUEST,
	    lab_admin(*state, "cert.show", lab_args("serial", "xyz", NULL), &answer));
	expect_err(ERR_BAD_REQUEST,
	    lab_admin(
		*state, "cert.revoke", lab_args("serial", "7f", "reason", "x", NULL), &answer));
	expect_err(ERR_USAGE, lab_admin(*state, "cert.forge", json_object_new(), &answer));
	expect_err(ERR_NOT_FOUND,
	    lab_admin(*state, "ca.grant",
		lab_args("principal", "nobody", "rights", "officer", NULL), &answer));
}

static void
rights_add_up_and_can_be_taken_back(void **state)
{
	struct lab *l = *state;
	struct want w = lab_want(l);

	w.caller = lab_principal(l, "worker", l->caller_key);
	w.order.holder = lab_hash(l, w.caller);
	lab_grant(l, TEMPLATE, "worker", "enrol");
	lab_do(l, "ca.grant", lab_args("principal", "worker", "rights", "request", NULL));
	lab_do(l, "ca.grant", lab_args("principal", "worker", "rights", "officer", NULL));
	cert_free(lab_issued(l, w));
	lab_do(
	    l, "ca.withdraw", lab_args("principal", "worker", "rights", "request|officer", NULL));
	lab_denied(l, w, ERR_CA_ENROL_DENIED);
	lab_do(l, "ca.grant", lab_args("principal", "worker", "rights", "request", NULL));
	lab_do(l, "template.withdraw",
	    lab_args("principal", "worker", "template", TEMPLATE, "rights", "enrol", NULL));
	lab_denied(l, w, ERR_TEMPLATE_DENIED);
}

static void
a_service_without_hosts_or_with_another_kind_of_order_key_is_refused(void **state)
{
	struct lab *l = *state;
	auto_json json *answer = NULL;
	struct str spki;
	char *csr = lab_csr_pem(l, l->caller_key);

	expect_ok(key_spki(l->a, l->leaf_key, &spki));
	expect_err(ERR_BAD_REQUEST,
	    lab_admin(l, "service.admit",
		lab_args("name", "s2", "csr_tls", csr, "csr_ra", csr, "order_key",
		    text_pem(l->a, "PUBLIC KEY", spki), NULL),
		&answer));
	expect_ok(key_spki(l->a, l->order_key, &spki));
	expect_err(ERR_BAD_REQUEST,
	    lab_admin(l, "service.admit",
		lab_args("name", "s2", "csr_tls", csr, "csr_ra", csr, "order_key",
		    text_pem(l->a, "PUBLIC KEY", spki), NULL),
		&answer));
}

static void
no_principal_passes_for_who_acts_without_being_one(void **state)
{
	static const char *const names[] = { "administrator", "Issuer", "UNKNOWN" };
	struct lab *l = *state;
	auto_json json *listed = NULL;

	for (size_t i = 0; i < COUNT(names); i++) {
		auto_json json *by_key = NULL, *by_password = NULL;

		expect_err(ERR_BAD_REQUEST,
		    lab_admin(l, "principal.add",
			lab_args("name", names[i], "csr", lab_csr_pem(l, l->leaf_key), NULL),
			&by_key));
		expect_err(ERR_BAD_REQUEST,
		    lab_admin(l, "principal.add",
			lab_args("name", names[i], "password", "long enough to be one", NULL),
			&by_password));
	}
	expect_ok(lab_admin(l, "principal.list", json_object_new(), &listed));
	for (size_t i = 0; i < json_count(json_get(listed, "principals")); i++)
		assert_string_not_equal("administrator",
		    json_text(json_get(json_at(json_get(listed, "principals"), i), "name")));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(before_init_there_is_no_ca),
	cmocka_unit_test(init_can_be_repeated_and_changes_nothing),
	cmocka_unit_test(init_goes_on_after_an_interruption),
	cmocka_unit_test(init_under_another_name_is_refused),
	cmocka_unit_test(names_that_need_quoting_are_refused),
	cmocka_unit_test(keys_are_readable_by_their_owner_only),
	cmocka_unit_test(openssl_verifies_the_hierarchy),
	cmocka_unit_test(a_listed_certificate_can_be_shown_and_revoked_once),
	cmocka_unit_test(serials_and_verbs_that_do_not_exist_are_refused),
	cmocka_unit_test(rights_add_up_and_can_be_taken_back),
	cmocka_unit_test(no_principal_passes_for_who_acts_without_being_one),
	cmocka_unit_test(a_service_without_hosts_or_with_another_kind_of_order_key_is_refused),
};
LAB_MAIN(tests)
