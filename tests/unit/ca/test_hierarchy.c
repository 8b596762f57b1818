/* SPDX-License-Identifier: Apache-2.0 */
/* CAs over time: renewals, more CAs, roots elsewhere, keys at rest and in tokens. The openssl command is the judge. */
#include "chain.h"

#include "ca/crl.h"
#include "ca/ocsp_signer.h"
#include "ca/succession.h"

#define BEHIND "/usr/lib/softhsm/libsofthsm2.so"
#define PASSPHRASE "correct horse battery staple"

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
	/* A list has one name: the front keeps what it fetched under each. */
	expect_ok(hierarchy_of_file(issuer_hierarchy(l->is), file, &found));
	file = arena_printf(l->a, ISSUING "(0%u)", is->key_index);
	expect_err(ERR_CA_UNKNOWN, hierarchy_of_file(issuer_hierarchy(l->is), file, &found));
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

static struct str
published(struct lab *l, const char *file)
{
	struct str der;

	expect_ok(hierarchy_cert_of_file(issuer_hierarchy(l->is), file, &der));
	return der;
}

/* `leaf` by what the new key of the root signed, `trusted` only the other root; `with` is what EST and AIA give
 * besides. */
static bool
verifies_with(struct lab *l, const char *leaf, const char *trusted, const char *with)
{
	return strstr(lab_run(l,
			  arena_printf(l->a,
			      "openssl verify -x509_strict -CAfile %s -untrusted chain.pem %s%s %s",
			      trusted, with[0] != '\0' ? "-untrusted " : "", with, leaf)),
		   "OK") != NULL;
}

static void
leaf_pem(struct lab *l, const char *name, struct str der)
{
	lab_write(l, name, str_c(text_pem(l->a, "CERTIFICATE", der)));
}

/* RFC 4210 4.4: a root below another name, so that the other tests keep theirs. */
static void
the_keys_of_a_root_certify_each_other(void **state)
{
	struct lab *l = *state;
	const char *root = "Test Root CA", *one, *two, *text;
	uint32_t was = now_ca(l, root)->key_index, is;
	size_t n;

	renew(l, ISSUING, false); /* under the newest root */
	write_cert(l, "old-root.pem", now_ca(l, root));
	leaf_pem(l, "old-leaf.pem", issue_one(l, ISSUING));
	lab_run(l, "cp chain.pem old-chain.pem");
	renew(l, root, true);
	is = now_ca(l, root)->key_index;
	write_cert(l, "new-root.pem", now_ca(l, root));
	renew(l, ISSUING, false);
	leaf_pem(l, "new-leaf.pem", issue_one(l, ISSUING));
	one = arena_printf(l->a, "%s(%u-%u)", root, was, is);
	two = arena_printf(l->a, "%s(%u-%u)", root, is, was);
	leaf_pem(l, "new-with-old.pem", published(l, one));
	leaf_pem(l, "old-with-new.pem", published(l, two));
	/* Who trusts only the old root, and what the new one signed. */
	assert_false(verifies_with(l, "new-leaf.pem", "old-root.pem", ""));
	assert_true(verifies_with(l, "new-leaf.pem", "old-root.pem", "new-with-old.pem"));
	assert_false(verifies_with(l, "new-leaf.pem", "old-root.pem", "old-with-new.pem"));
	/* Who trusts only the new root, and what the old one signed. */
	lab_run(l, "mv old-chain.pem chain.pem");
	assert_false(verifies_with(l, "old-leaf.pem", "new-root.pem", ""));
	assert_true(verifies_with(l, "old-leaf.pem", "new-root.pem", "old-with-new.pem"));
	assert_non_null(strstr(lab_run(l,
				   "certtool --verify --load-ca-certificate new-root.pem "
				   "--infile old-with-new.pem"),
	    "Verified"));
	/* Until the first of the two keys ends, and with the lists of who signed it. */
	text = lab_run(l, "openssl x509 -in new-with-old.pem -noout -text");
	assert_non_null(strstr(text, "CA:TRUE"));
	assert_non_null(strstr(text, "/crl/Test%20Root%20CA"));
	n = issuer_hierarchy(l->is)->extra.n;
	assert_true(n >= 2);
	/* Made once; still there after a restart; made later when they are missing. */
	expect_ok(succession_upkeep(l->is));
	assert_int_equal(issuer_hierarchy(l->is)->extra.n, n);
	lab_close(l);
	lab_open(l);
	assert_int_equal(issuer_hierarchy(l->is)->extra.n, n);
	assert_true(published(l, one).n > 0);
}

/* What EST gives as cacerts and the front as its list: they are in it, and nobody is let in by them. */
static void
cross_certificates_come_with_the_list_of_cas(void **state)
{
	struct lab *l = *state;
	const struct hierarchy *h = issuer_hierarchy(l->is);
	auto_buf struct buf in = { 0 };
	struct ca_list_rep list;
	struct str answer;
	size_t found = 0;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	expect_ok(lab_call(l, CA_LIST, &in, &answer));
	expect_ok(ca_list_rep_parse(l->a, answer, &list));
	assert_int_equal(list.n, h->n + h->extra.n);
	for (size_t i = 0; i < list.n; i++) {
		for (size_t k = 0; k < h->extra.n; k++) {
			if (!str_eq(list.v[i].certificate, h->extra.v[k].der))
				continue;
			assert_int_equal(list.v[i].role, CA_ROLE_ROOT);
			found++;
		}
	}
	assert_int_equal(found, h->extra.n);
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
	lab_do(l, "ca.add",
	    lab_args("ca", "Third CA", "issuer", "Test Root CA", "key_alg", "p256", NULL));
	expect_err(ERR_BAD_REQUEST,
	    lab_admin(
		l, "ca.add", lab_args("ca", "Third (1)", "issuer", "Test Root CA", NULL), NULL));
}

/* The lists of each are out of date for themselves. */
static void
a_ca_that_is_named_like_a_key_of_another_publishes_its_revocations(void **state)
{
	struct lab *l = *state;
	const char *ca = "Second CA.0", *serial = "";
	json *on = lab_args("template", TEMPLATE, "ca", ca, NULL);

	lab_do(l, "ca.add", lab_args("ca", ca, "issuer", "Test Root CA", "key_alg", "p256", NULL));
	json_set_bool(on, "published", true);
	lab_do(l, "template.publish", on);
	for (int i = 0; i < 3; i++) {
		serial = serial_of(l, issue_one(l, "Second CA"));
		lab_do(l, "cert.revoke", lab_args("serial", serial, "reason", "superseded", NULL));
		expect_ok(crl_all(l->is, false));
		serial = serial_of(l, issue_one(l, ca));
		lab_do(l, "cert.revoke", lab_args("serial", serial, "reason", "superseded", NULL));
		expect_ok(crl_all(l->is, false));
		assert_true(lab_on_crl(l, ca, serial));
	}
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
	/* One key file in the place of another is no key, nor is one that is not sealed. */
	lab_run(
	    l, "cp keys/identity.key keys/identity.was && cp keys/issuing.key keys/identity.key");
	expect_err(ERR_KEY_SEAL, reopen(l, "another one"));
	lab_run(l,
	    "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out keys/identity.key");
	expect_err(ERR_KEY_SEAL, reopen(l, "another one"));
	lab_run(l, "mv keys/identity.was keys/identity.key");
	expect_ok(reopen(l, "another one"));
	lab_do(l, "ca.passwd", lab_args("old", "another one", "new", PASSPHRASE, NULL));
}

static void
in_token(struct lab *l, const char *name, const char *alg)
{
	const char *uri = arena_printf(l->a,
	    "pkcs11:token=lab;object=%s?module-path=" FLAKY "&pin-source=file:%s/pin", alg, l->dir);
	json *on = lab_args("template", TEMPLATE, "ca", name, NULL);

	lab_do(l, "ca.add",
	    lab_args("ca", name, "issuer", "Test Root CA", "key_alg", alg, "key", uri, NULL));
	json_set_bool(on, "published", true);
	lab_do(l, "template.publish", on);
}

static bool
soft_token(struct lab *l)
{
	if (!file_exists(BEHIND))
		return false;
	lab_write(l, "softhsm.conf",
	    str_c(arena_printf(
		l->a, "directories.tokendir = %s/tokens\nlog.level = ERROR\n", l->dir)));
	setenv("SOFTHSM2_CONF", arena_printf(l->a, "%s/softhsm.conf", l->dir), 1);
	setenv("FLAKY_P11", l->dir, 1);
	lab_write(l, "pin", LIT("1234\n"));
	lab_run(l,
	    "mkdir -p tokens && softhsm2-util --init-token --free --label lab --pin 1234 --so-pin 5678");
	return true;
}

/* Refused while the token is away, however it goes: the fault says so, nothing is left open, and the same order is
 * served afterwards by the same process. */
static void
pulled_out(struct lab *l, const char *how, const char *ca)
{
	struct want w = lab_want(l);
	size_t valid = lab_in_state(l, "valid"), open = lab_in_state(l, "intent"),
	       failed = lab_in_state(l, "failed");
	struct ca_submit_rep rep;

	w.ca = w.order.ca = ca;
	lab_write(l, how, STR_EMPTY);
	expect_err(ERR_TOKEN_DEVICE, lab_try(l, w, &rep));
	expect_err(ERR_TOKEN_DEVICE, lab_try(l, w, &rep));
	assert_int_equal(lab_in_state(l, "valid"), valid);
	assert_int_equal(lab_in_state(l, "intent"), open);
	assert_int_equal(lab_in_state(l, "failed"), failed + 2);
	(void)issue_one(l, ISSUING); /* the other CAs go on */
	lab_run(l, arena_printf(l->a, "rm %s", how));
	expect_ok(lab_try(l, w, &rep));
	assert_int_equal(rep.disposition, CA_ISSUED);
	assert_int_equal(lab_in_state(l, "valid"), valid + 2);
}

static void
a_token_that_is_removed_refuses_and_loses_nothing(void **state)
{
	static const char *const algs[] = { "p256", "p384", "rsa2048", "rsa3072", "rsa4096" };
	struct lab *l = *state;
	struct ca_submit_rep rep;
	struct want w;

	if (!soft_token(l))
		skip();
	write_cert(l, "root.pem", now_ca(l, "Test Root CA"));
	for (size_t i = 0; i < COUNT(algs); i++) {
		const char *name = arena_printf(l->a, "Token %s CA", algs[i]);

		in_token(l, name, algs[i]);
		assert_true(verifies(l, issue_one(l, name), "root.pem", "chain.pem"));
	}
	/* While its session is open, between two signatures and within one. */
	pulled_out(l, "gone", "Token p256 CA");
	pulled_out(l, "gone-at-sign", "Token p384 CA");
	pulled_out(l, "gone", "Token rsa3072 CA");
	/* From the start on. */
	lab_run(l, "mv tokens away && mkdir tokens");
	expect_ok(reopen(l, PASSPHRASE));
	(void)issue_one(l, ISSUING);
	w = lab_want(l);
	w.ca = w.order.ca = "Token p256 CA";
	for (int i = 0; i < 2; i++)
		expect_err(ERR_TOKEN_DEVICE, lab_try(l, w, &rep));
	lab_run(l, "rmdir tokens && mv away tokens");
	assert_int_equal(lab_submit(l, w).disposition, CA_ISSUED); /* the same order again */
	assert_true(verifies(l, issue_one(l, "Token rsa2048 CA"), "root.pem", "chain.pem"));
	assert_non_null(strstr(lab_run(l, "softhsm2-util --show-slots"), "lab"));
	expect_err(ERR_TOKEN_URI,
	    lab_admin(l, "ca.add",
		lab_args("ca", "Token x", "issuer", "Test Root CA", "key",
		    "pkcs11:token=lab;object=x?module-path=" FLAKY "&pin-value=1234", NULL),
		NULL));
}

static void
the_first_cas_are_made_in_a_token(void **state)
{
	struct lab *l = *state, t = { .a = l->a };
	auto_json json *shown = NULL;
	json *args, *cas;

	if (!soft_token(l))
		skip();
	memcpy(t.dir, "/tmp/chancery-ca-XXXXXX", 24);
	assert_non_null(mkdtemp(t.dir));
	lab_open(&t);
	args = lab_args("name", "Corp", "host", "127.0.0.1", "http_url", "http://ca.example.test",
	    "key_alg", "p256", "key",
	    arena_printf(
		l->a, "pkcs11:token=lab?module-path=" FLAKY "&pin-source=file:%s/pin", l->dir),
	    NULL);
	expect_err(ERR_TOKEN_URI,
	    lab_admin(&t, "ca.init",
		lab_args("name", "Corp", "host", "127.0.0.1", "http_url", "http://ca.example.test",
		    "key",
		    "pkcs11:token=lab;object=mine?module-path=" FLAKY "&pin-source=file:/pin",
		    NULL),
		NULL));
	expect_ok(lab_admin(&t, "ca.init", args, &shown));
	cas = json_get(shown, "cas");
	assert_int_equal(json_count(cas), 3);
	for (size_t i = 0; i < json_count(cas); i++)
		assert_string_equal(json_text(json_get(json_at(cas, i), "key_place")), "token");
	/* Only the key of the enrolment port is a file. */
	assert_string_equal(lab_run(&t, "ls keys"), "tls.key\n");
	assert_non_null(
	    strstr(lab_run(l,
		       "p11tool --provider " BEHIND
		       " --login --set-pin 1234 --list-privkeys 'pkcs11:token=lab' 2>&1; true"),
		"Corp Root CA"));
	lab_close(&t);
	lab_open(&t);
	expect_ok(crl_all(t.is, true));
	lab_close(&t);
	lab_run(l, arena_printf(l->a, "rm -rf %s", t.dir));
}

/* Else who trusts the new root would trust again what the old key signs. */
static void
a_root_key_that_was_revoked_is_not_certified_by_the_next(void **state)
{
	static const char *const reasons[] = { "cACompromise", "keyCompromise", "superseded" };
	struct lab *l = *state;
	const char *root = "Test Root CA";
	struct str der;

	for (size_t i = 0; i < COUNT(reasons); i++) {
		uint32_t was = now_ca(l, root)->key_index;

		lab_do(l, "cert.revoke",
		    lab_args(
			"serial", cert_serial(now_ca(l, root)->cert), "reason", reasons[i], NULL));
		/* Nor by itself, when others have it. */
		if (i < 2)
			expect_err(ERR_KEY_COMPROMISED,
			    lab_admin(l, "ca.renew", lab_args("ca", root, NULL), NULL));
		renew(l, root, true);
		expect_ok(succession_upkeep(l->is));
		expect_err(ERR_CA_UNKNOWN,
		    hierarchy_cert_of_file(issuer_hierarchy(l->is),
			arena_printf(l->a, "%s(%u-%u)", root, now_ca(l, root)->key_index, was),
			&der));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_renewal_with_the_same_key_keeps_every_chain),
		cmocka_unit_test(a_new_key_leaves_the_old_one_its_certificates_and_lists),
		cmocka_unit_test(a_root_renews_itself_and_what_is_below_stays),
		cmocka_unit_test(the_keys_of_a_root_certify_each_other),
		cmocka_unit_test(cross_certificates_come_with_the_list_of_cas),
		cmocka_unit_test(more_cas_issue_beside_the_first),
		cmocka_unit_test(
		    a_ca_that_is_named_like_a_key_of_another_publishes_its_revocations),
		cmocka_unit_test(the_root_here_signs_a_ca_elsewhere),
		cmocka_unit_test(keys_at_rest_need_the_passphrase),
		cmocka_unit_test(a_token_that_is_removed_refuses_and_loses_nothing),
		cmocka_unit_test(the_first_cas_are_made_in_a_token),
		cmocka_unit_test(a_root_key_that_was_revoked_is_not_certified_by_the_next),
	};

	return cmocka_run_group_tests(tests, lab_setup, lab_teardown);
}
