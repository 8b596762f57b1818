/* SPDX-License-Identifier: Apache-2.0 */
/* CAs over time: renewals, more CAs, roots elsewhere, keys at rest and in tokens. The openssl command is the judge. */
#include "lab.h"

#include "ca/crl.h"
#include "ca/ocsp_signer.h"

#define MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define PASSPHRASE "correct horse battery staple"

static const struct ca *
now_ca(struct lab *l, const char *name)
{
	const struct ca *ca = NULL;

	expect_ok(hierarchy_find(issuer_hierarchy(l->is), name, &ca));
	return ca;
}

static struct str
issue_one(struct lab *l, const char *ca)
{
	struct want w = lab_want(l);
	struct ca_submit_rep rep;

	w.ca = w.order.ca = ca;
	rep = lab_submit(l, w);
	if (rep.disposition != CA_ISSUED)
		print_error("denied: %s\n", rep.message);
	assert_int_equal(rep.disposition, CA_ISSUED);
	assert_true(rep.chain.n >= 1);
	lab_write(l, "chain.pem", str_c(text_pem(l->a, "CERTIFICATE", rep.chain.v[0])));
	return rep.leaf;
}

/* Does the leaf verify to the root over the chain that came with it? */
static bool
verifies(struct lab *l, struct str leaf, const char *root, const char *chain)
{
	lab_write(l, "leaf.pem", str_c(text_pem(l->a, "CERTIFICATE", leaf)));
	return strstr(lab_run(l,
			  arena_printf(l->a, "openssl verify -CAfile %s -untrusted %s leaf.pem",
			      root, chain)),
		   "leaf.pem: OK") != NULL;
}

static void
write_cert(struct lab *l, const char *file, const struct ca *ca)
{
	lab_write(l, file, str_c(text_pem(l->a, "CERTIFICATE", cert_der(ca->cert))));
}

static void
renew(struct lab *l, const char *name, bool new_key)
{
	json *args = lab_args("ca", name, NULL);

	json_set_bool(args, "new_key", new_key);
	lab_do(l, "ca.renew", args);
}

static const char *
serial_of(struct lab *l, struct str der)
{
	auto_cert struct cert *c = NULL;

	expect_ok(cert_parse(der, &c));
	return arena_strdup(l->a, cert_serial(c));
}

static bool
crl_is_good(struct lab *l, const char *file, const char *ca_pem, const char *serial)
{
	const char *out;
	char *upper = arena_strdup(l->a, serial);

	for (char *p = upper; *p != '\0'; p++)
		*p = (char)(*p >= 'a' && *p <= 'f' ? *p - 'a' + 'A' : *p);
	lab_write(l, "one.crl", lab_crl(l, file, false).part);
	out = lab_run(l,
	    arena_printf(
		l->a, "openssl crl -inform DER -in one.crl -CAfile %s -noout -text", ca_pem));
	return strstr(out, "verify OK") != NULL && strstr(out, upper) != NULL;
}

static void
a_renewal_with_the_same_key_keeps_every_chain(void **state)
{
	struct lab *l = *state;
	struct str before = issue_one(l, ISSUING), file;
	const struct ca *was = now_ca(l, ISSUING), *is;

	write_cert(l, "root.pem", now_ca(l, "Test Root CA"));
	write_cert(l, "old.pem", was);
	renew(l, ISSUING, false);
	is = now_ca(l, ISSUING);
	assert_int_equal(is->cert_index, was->cert_index + 1);
	assert_int_equal(is->key_index, was->key_index);
	assert_true(key_same_public(is->key, was->key));
	write_cert(l, "new.pem", is);
	assert_true(verifies(l, before, "root.pem", "old.pem"));
	assert_true(verifies(l, before, "root.pem", "new.pem"));
	assert_true(verifies(l, issue_one(l, ISSUING), "root.pem", "chain.pem"));
	/* Both certificates are published, each in its file. */
	expect_ok(hierarchy_cert_of_file(issuer_hierarchy(l->is), ISSUING "(1)", &file));
	assert_true(str_eq(file, cert_der(is->cert)));
	expect_ok(hierarchy_cert_of_file(issuer_hierarchy(l->is), ISSUING, &file));
	assert_true(str_eq(file, cert_der(was->cert)));
	assert_non_null(
	    strstr(lab_run(l, "openssl x509 -in new.pem -noout -text"), "1.3.6.1.4.1.311.21.2"));
}

static void
a_new_key_leaves_the_old_one_its_certificates_and_lists(void **state)
{
	struct lab *l = *state;
	struct str before = issue_one(l, ISSUING), after;
	const struct ca *was = now_ca(l, ISSUING), *is, *found = NULL;
	const char *file;

	write_cert(l, "root.pem", now_ca(l, "Test Root CA"));
	write_cert(l, "old.pem", was);
	renew(l, ISSUING, true);
	is = now_ca(l, ISSUING);
	assert_int_equal(is->key_index, is->cert_index);
	assert_false(key_same_public(is->key, was->key));
	write_cert(l, "new.pem", is);
	after = issue_one(l, ISSUING);
	assert_true(verifies(l, before, "root.pem", "old.pem"));
	assert_false(verifies(l, before, "root.pem", "new.pem"));
	assert_true(verifies(l, after, "root.pem", "chain.pem"));
	assert_false(verifies(l, after, "root.pem", "old.pem"));
	/* Callers that the old key certified are known as before; a revocation is on the lists of both keys. */
	lab_do(l, "cert.revoke",
	    lab_args("serial", serial_of(l, before), "reason", "keyCompromise", NULL));
	lab_new_key(&l->leaf_key);
	file = arena_printf(l->a, ISSUING "(%u)", is->key_index);
	assert_true(crl_is_good(l, ISSUING, "old.pem", serial_of(l, before)));
	assert_true(crl_is_good(l, file, "new.pem", serial_of(l, before)));
	assert_non_null(strstr(is->crl_url, arena_printf(l->a, "%%28%u%%29.crl", is->key_index)));
	expect_ok(hierarchy_of_file(issuer_hierarchy(l->is), ISSUING, &found));
	assert_true(found->retired);
	for (size_t i = 0; i < issuer_hierarchy(l->is)->n; i++) {
		struct ocsp_signer s;

		expect_ok(ocsp_signer_get(l->is, &issuer_hierarchy(l->is)->v[i], &s));
		expect_ok(cert_verify(s.cert, issuer_hierarchy(l->is)->v[i].cert, when_now()));
	}
	lab_close(l);
	lab_open(l);
	assert_int_equal(now_ca(l, ISSUING)->key_index, now_ca(l, ISSUING)->cert_index);
	assert_true(verifies(l, issue_one(l, ISSUING), "root.pem", "chain.pem"));
}

static void
a_root_renews_itself_and_what_is_below_stays(void **state)
{
	struct lab *l = *state;
	struct str before = issue_one(l, ISSUING);

	lab_write(
	    l, "mid.pem", str_c(text_pem(l->a, "CERTIFICATE", cert_der(now_ca(l, ISSUING)->cert))));
	write_cert(l, "root0.pem", now_ca(l, "Test Root CA"));
	renew(l, "Test Root CA", true);
	write_cert(l, "root1.pem", now_ca(l, "Test Root CA"));
	assert_true(verifies(l, before, "root0.pem", "mid.pem"));
	assert_true(verifies(l, issue_one(l, ISSUING), "root0.pem", "chain.pem"));
	renew(l, ISSUING, false);
	assert_true(verifies(l, issue_one(l, ISSUING), "root1.pem", "chain.pem"));
	assert_true(verifies(l, before, "root1.pem", "chain.pem"));
}

static void
more_cas_issue_beside_the_first(void **state)
{
	struct lab *l = *state;
	json *args = lab_args("ca", "Second CA", "issuer", "Test Root CA", "key_alg", "p384", NULL);
	json *on = lab_args("template", TEMPLATE, "ca", "Second CA", NULL);
	const struct ca *ca = NULL;

	lab_do(l, "ca.add", args);
	assert_int_equal(key_bits(now_ca(l, "second ca")->key), KEY_P384);
	expect_ok(hierarchy_by_role(issuer_hierarchy(l->is), CA_ROLE_ISSUING, &ca));
	assert_string_equal(ca->name, ISSUING);
	json_set_bool(on, "published", true);
	lab_do(l, "template.publish", on);
	write_cert(l, "root.pem", now_ca(l, "Test Root CA"));
	assert_true(verifies(l, issue_one(l, "Second CA"), "root.pem", "chain.pem"));
	/* Not twice, not under nobody, and not below a CA that may have none below it. */
	expect_err(ERR_CONFLICT,
	    lab_admin(
		l, "ca.add", lab_args("ca", "Second CA", "issuer", "Test Root CA", NULL), NULL));
	expect_err(ERR_CA_UNKNOWN,
	    lab_admin(l, "ca.add", lab_args("ca", "Third CA", "issuer", "Nobody", NULL), NULL));
	expect_err(ERR_CA_CERTIFICATE,
	    lab_admin(l, "ca.add", lab_args("ca", "Third CA", "issuer", ISSUING, NULL), NULL));
	expect_err(ERR_BAD_REQUEST,
	    lab_admin(
		l, "ca.add", lab_args("ca", "Third (1)", "issuer", "Test Root CA", NULL), NULL));
}

static const char *
text_of(struct lab *l, const char *file)
{
	struct str s;

	expect_ok(file_read(l->a, arena_printf(l->a, "%s/%s", l->dir, file), 1 << 20, &s));
	return arena_cstr(l->a, s);
}

/* A corporate root that the openssl command keeps. */
static void
corporate_root(struct lab *l)
{
	lab_write(l, "ca.ext",
	    LIT("[sub]\nbasicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n"
		"subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
		"[leaf]\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"));
	lab_run(l,
	    "openssl req -x509 -newkey rsa:2048 -nodes -keyout corp.key -out corp.pem -days 30 -subj '/O=Corp/CN=Corp Root' "
	    "-addext keyUsage=critical,keyCertSign,cRLSign");
}

static const char *
corporate_sign(struct lab *l, const char *csr, const char *ext, const char *out)
{
	lab_write(l, "sub.csr", str_c(csr));
	lab_run(l,
	    arena_printf(l->a,
		"openssl x509 -req -in sub.csr -CA corp.pem -CAkey corp.key -CAcreateserial -days 20 -extfile ca.ext "
		"-extensions %s -out %s",
		ext, out));
	return text_of(l, out);
}

static err_t
install(struct lab *l, const char *ca, const char *pem)
{
	auto_json json *answer = NULL;

	return lab_admin(l, "ca.install", lab_args("ca", ca, "certificate", pem, NULL), &answer);
}

static const char *
csr_of(struct lab *l, const char *verb, json *args)
{
	auto_json json *answer = NULL;

	expect_ok(lab_admin(l, verb, args, &answer));
	return arena_strdup(l->a, json_text(json_get(answer, "request")));
}

static void
a_corporate_root_signs_a_ca_and_signs_it_again(void **state)
{
	struct lab *l = *state;
	const char *csr, *again, *pem, *other, *root;
	json *on = lab_args("template", TEMPLATE, "ca", "Corp Sub CA", NULL), *fresh;

	corporate_root(l);
	root = text_of(l, "corp.pem");
	csr = csr_of(l, "ca.add", lab_args("ca", "Corp Sub CA", "key_alg", "p256", NULL));
	again = csr_of(l, "ca.csr", lab_args("ca", "Corp Sub CA", "key_alg", "p256", NULL));
	expect_err(ERR_CA_NO_REQUEST, install(l, ISSUING, root));
	pem = corporate_sign(l, again, "sub", "sub.pem");
	(void)csr;
	/* What is not the certificate of this CA is refused. */
	expect_err(ERR_KEY_MISMATCH, install(l, "Corp Sub CA", root));
	expect_err(ERR_CA_CERTIFICATE,
	    install(l, "Corp Sub CA", corporate_sign(l, again, "leaf", "leaf0.pem")));
	lab_run(l,
	    "openssl req -x509 -newkey rsa:2048 -nodes -keyout bad.key -out bad.pem -days 30 -subj '/O=Corp/CN=Corp Root'");
	expect_err(ERR_CHAIN,
	    install(l, "Corp Sub CA", arena_printf(l->a, "%s\n%s", pem, text_of(l, "bad.pem"))));
	expect_ok(install(l, "Corp Sub CA", arena_printf(l->a, "%s\n%s", pem, root)));
	expect_err(ERR_CA_NO_REQUEST, install(l, "Corp Sub CA", pem));
	json_set_bool(on, "published", true);
	lab_do(l, "template.publish", on);
	assert_true(verifies(l, issue_one(l, "Corp Sub CA"), "corp.pem", "chain.pem"));
	/* It is renewed there, here it cannot be. */
	expect_err(
	    ERR_CA_ABOVE, lab_admin(l, "ca.renew", lab_args("ca", "Corp Sub CA", NULL), NULL));
	fresh = lab_args("ca", "Corp Sub CA", NULL);
	json_set_bool(fresh, "new_key", true);
	other = corporate_sign(l, csr_of(l, "ca.csr", fresh), "sub", "sub2.pem");
	assert_true(verifies(l, issue_one(l, "Corp Sub CA"), "corp.pem", "sub.pem"));
	expect_ok(install(l, "Corp Sub CA", arena_printf(l->a, "%s\n%s", other, root)));
	assert_int_equal(now_ca(l, "Corp Sub CA")->key_index, 1);
	assert_true(verifies(l, issue_one(l, "Corp Sub CA"), "corp.pem", "sub2.pem"));
}

static void
the_root_here_signs_a_ca_elsewhere(void **state)
{
	struct lab *l = *state;
	auto_json json *answer = NULL;
	const char *csr;

	lab_run(l,
	    "openssl req -newkey rsa:2048 -nodes -keyout e.key -out e.csr -subj '/O=Else/CN=Else CA'");
	csr = text_of(l, "e.csr");
	expect_ok(lab_admin(l, "ca.sign", lab_args("request", csr, NULL), &answer));
	write_cert(l, "root.pem", now_ca(l, "Test Root CA"));
	lab_write(l, "none.pem", STR_EMPTY);
	lab_write(l, "else.pem", str_c(json_text(json_get(answer, "certificate"))));
	assert_non_null(
	    strstr(lab_run(l, "openssl verify -CAfile root.pem else.pem"), "else.pem: OK"));
	assert_non_null(strstr(lab_run(l, "openssl x509 -in else.pem -noout -text"), "pathlen:0"));
	expect_err(ERR_CA_CERTIFICATE,
	    lab_admin(l, "ca.sign", lab_args("request", csr, "ca", ISSUING, NULL), NULL));
	lab_run(l, "openssl req -newkey rsa:1024 -nodes -keyout w.key -out w.csr -subj '/CN=Weak'");
	expect_err(ERR_KEY_SIZE,
	    lab_admin(l, "ca.sign", lab_args("request", text_of(l, "w.csr"), NULL), NULL));
}

static err_t
reopen(struct lab *l, const char *passphrase)
{
	struct issuer_conf conf = { .state_dir = l->dir, .passphrase = passphrase };

	lab_close(l);
	return issuer_open(&conf, &l->is);
}

static bool
keys_are_plain(struct lab *l)
{
	return strstr(lab_run(l, "grep -l 'PRIVATE KEY' keys/*.key || echo none"), "none") == NULL;
}

static void
keys_at_rest_need_the_passphrase(void **state)
{
	struct lab *l = *state;
	auto_json json *answer = NULL;

	assert_true(keys_are_plain(l));
	expect_ok(reopen(l, PASSPHRASE)); /* from now on they are encrypted */
	expect_ok(crl_all(l->is, true));
	expect_ok(ocsp_signers_upkeep(l->is));
	(void)issue_one(l, ISSUING);
	assert_null(
	    strstr(lab_run(l, "cat keys/root.key keys/issuing.key keys/tls.key"), "PRIVATE KEY"));
	expect_err(ERR_KEY_PASSPHRASE, reopen(l, "wrong passphrase"));
	expect_err(ERR_KEY_PASSPHRASE, reopen(l, NULL));
	expect_err(ERR_KEY_PASSPHRASE, reopen(l, "short"));
	expect_ok(reopen(l, PASSPHRASE));
	expect_err(ERR_KEY_PASSPHRASE,
	    lab_admin(l, "ca.passwd", lab_args("old", "not the one", "new", "another one", NULL),
		&answer));
	lab_do(l, "ca.passwd", lab_args("old", PASSPHRASE, "new", "another one", NULL));
	expect_err(ERR_KEY_PASSPHRASE, reopen(l, PASSPHRASE));
	expect_ok(reopen(l, "another one"));
	(void)issue_one(l, ISSUING);
	/* One key file in the place of another is no key. */
	lab_run(
	    l, "cp keys/identity.key keys/identity.was && cp keys/issuing.key keys/identity.key");
	expect_err(ERR_KEY, reopen(l, "another one"));
	lab_run(l, "mv keys/identity.was keys/identity.key");
	expect_ok(reopen(l, "another one"));
	lab_do(l, "ca.passwd", lab_args("old", "another one", "new", PASSPHRASE, NULL));
}

static void
in_token(struct lab *l, const char *name, const char *alg)
{
	const char *uri = arena_printf(l->a,
	    "pkcs11:token=lab;object=%s?module-path=" MODULE "&pin-source=file:%s/pin", alg,
	    l->dir);
	json *on = lab_args("template", TEMPLATE, "ca", name, NULL);

	lab_do(l, "ca.add",
	    lab_args("ca", name, "issuer", "Test Root CA", "key_alg", alg, "key", uri, NULL));
	json_set_bool(on, "published", true);
	lab_do(l, "template.publish", on);
}

static void
a_token_that_is_removed_refuses_and_loses_nothing(void **state)
{
	static const char *const algs[] = { "p256", "p384", "rsa2048" };
	struct lab *l = *state;
	struct want w;

	if (!file_exists(MODULE))
		skip();
	lab_write(l, "softhsm.conf",
	    str_c(arena_printf(
		l->a, "directories.tokendir = %s/tokens\nlog.level = ERROR\n", l->dir)));
	setenv("SOFTHSM2_CONF", arena_printf(l->a, "%s/softhsm.conf", l->dir), 1);
	lab_write(l, "pin", LIT("1234\n"));
	lab_run(l,
	    "mkdir tokens && softhsm2-util --init-token --free --label lab --pin 1234 --so-pin 5678");
	write_cert(l, "root.pem", now_ca(l, "Test Root CA"));
	for (size_t i = 0; i < COUNT(algs); i++) {
		const char *name = arena_printf(l->a, "Token %s CA", algs[i]);

		in_token(l, name, algs[i]);
		assert_true(verifies(l, issue_one(l, name), "root.pem", "chain.pem"));
	}
	lab_run(l, "mv tokens away && mkdir tokens");
	expect_ok(reopen(l, PASSPHRASE)); /* the others go on */
	(void)issue_one(l, ISSUING);
	w = lab_want(l);
	w.ca = w.order.ca = "Token p256 CA";
	for (int i = 0; i < 2; i++) {
		struct ca_attribute attrs[] = { { "CertificateTemplate", w.template },
			{ "ChanceryOrder", text_base64(l->a, lab_seal(l, w.sealer, &w.order)) } };
		struct ca_submit_req q = {
			.ca = w.ca, .caller = w.caller, .attributes = attrs, .nattributes = 2
		};
		auto_buf struct buf in;
		struct str answer;

		buf_init(&in, LIMIT_IPC_MESSAGE);
		expect_ok(csr_make(l->a, w.key, &w.csr, &q.token));
		expect_ok(ca_submit_req_encode(&q, &in));
		expect_err(ERR_CRYPTO, lab_call(l, CA_SUBMIT, &in, &answer));
	}
	lab_run(l, "rmdir tokens && mv away tokens");
	assert_int_equal(lab_submit(l, w).disposition, CA_ISSUED); /* the same order again */
	assert_true(verifies(l, issue_one(l, "Token rsa2048 CA"), "root.pem", "chain.pem"));
	assert_non_null(strstr(lab_run(l, "softhsm2-util --show-slots"), "lab"));
	expect_err(ERR_TOKEN_URI,
	    lab_admin(l, "ca.add",
		lab_args("ca", "Token x", "issuer", "Test Root CA", "key",
		    "pkcs11:token=lab;object=x?module-path=" MODULE "&pin-value=1234", NULL),
		NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_renewal_with_the_same_key_keeps_every_chain),
		cmocka_unit_test(a_new_key_leaves_the_old_one_its_certificates_and_lists),
		cmocka_unit_test(a_root_renews_itself_and_what_is_below_stays),
		cmocka_unit_test(more_cas_issue_beside_the_first),
		cmocka_unit_test(a_corporate_root_signs_a_ca_and_signs_it_again),
		cmocka_unit_test(the_root_here_signs_a_ca_elsewhere),
		cmocka_unit_test(keys_at_rest_need_the_passphrase),
		cmocka_unit_test(a_token_that_is_removed_refuses_and_loses_nothing),
	};

	return cmocka_run_group_tests(tests, lab_setup, lab_teardown);
}
