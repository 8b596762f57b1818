/* SPDX-License-Identifier: Apache-2.0 */
/* CAs below a root elsewhere: what is installed, path lengths and name constraints. The openssl command is the other
 * side. */
#include "chain.h"

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

/* Corporate root -> policy CA (path length, name constraints) -> our CA, all by the openssl command. */
static void
corporate_policy(struct lab *l, const char *name, const char *length, const char *constraints)
{
	lab_write(l, "policy.ext",
	    str_c(arena_printf(l->a,
		"[sub]\nbasicConstraints=critical,CA:TRUE%s\nkeyUsage=critical,keyCertSign,cRLSign\n"
		"subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n%s\n",
		length, constraints)));
	lab_run(l,
	    arena_printf(l->a,
		"openssl req -newkey rsa:2048 -nodes -keyout %s.key -out %s.csr -subj '/O=Corp/CN=%s' && "
		"openssl x509 -req -in %s.csr -CA corp.pem -CAkey corp.key -CAcreateserial -days 25 "
		"-extfile policy.ext -extensions sub -out %s.pem",
		name, name, name, name, name));
}

static const char *
signed_by(struct lab *l, const char *policy, const char *csr, const char *ext, const char *out)
{
	lab_write(l, "sub.csr", str_c(csr));
	lab_run(l,
	    arena_printf(l->a,
		"openssl x509 -req -in sub.csr -CA %s.pem -CAkey %s.key -CAcreateserial -days 20 -extfile ca.ext "
		"-extensions %s -out %s",
		policy, policy, ext, out));
	return text_of(l, out);
}

static void
publish_on(struct lab *l, const char *ca)
{
	json *on = lab_args("template", TEMPLATE, "ca", ca, NULL);

	json_set_bool(on, "published", true);
	lab_do(l, "template.publish", on);
}

/* After a_corporate_root_signs_a_ca_and_signs_it_again(): the root is known here since then. */
static void
the_path_is_checked_against_roots_that_are_known(void **state)
{
	struct lab *l = *state;
	const char *ca = "Policy Sub CA", *csr, *good, *bad;
	struct ipc_blobs chain;

	corporate_policy(l, "policy", ",pathlen:0", "");
	csr = csr_of(l, "ca.add", lab_args("ca", ca, "key_alg", "p256", NULL));
	bad = signed_by(l, "policy", csr, "sub", "policy-sub.pem");
	/* The root does not come along. The policy CA may have none below it. */
	expect_err(ERR_CA_CERTIFICATE,
	    install(l, ca, arena_printf(l->a, "%s\n%s", bad, text_of(l, "policy.pem"))));
	/* An impostor of the root: the known one is the judge, alone or with it. */
	lab_run(l,
	    "openssl req -x509 -newkey rsa:2048 -nodes -keyout fake.key -out fake.pem -days 30 -subj '/O=Corp/CN=Corp Root' "
	    "-addext keyUsage=critical,keyCertSign,cRLSign");
	lab_write(l, "sub.csr", str_c(csr));
	lab_run(l,
	    "openssl x509 -req -in sub.csr -CA fake.pem -CAkey fake.key -CAcreateserial -days 20 "
	    "-extfile ca.ext -extensions sub -out faked.pem");
	expect_err(ERR_CHAIN, install(l, ca, text_of(l, "faked.pem")));
	/* An intermediate that nobody knows, alone. */
	lab_run(l,
	    "openssl req -x509 -newkey rsa:2048 -nodes -keyout lone.key -out lone.pem -days 30 -subj '/CN=Lone Root'");
	lab_run(l,
	    "cp corp.pem corp.was && cp corp.key corp.key.was && cp lone.pem corp.pem && cp lone.key corp.key");
	corporate_policy(l, "strange", "", "");
	lab_run(l, "mv corp.was corp.pem && mv corp.key.was corp.key");
	expect_err(ERR_CHAIN,
	    install(l, ca,
		arena_printf(l->a, "%s\n%s", signed_by(l, "strange", csr, "sub", "strange-sub.pem"),
		    text_of(l, "strange.pem"))));
	/* The good one, without its root; from then on its chain has the policy CA. */
	corporate_policy(l, "policy", ",pathlen:1", "");
	good = signed_by(l, "policy", csr, "sub", "policy-sub.pem");
	expect_ok(install(l, ca, arena_printf(l->a, "%s\n%s", good, text_of(l, "policy.pem"))));
	chain = hierarchy_chain(l->a, issuer_hierarchy(l->is), now_ca(l, ca));
	assert_int_equal(chain.n, 2);
	publish_on(l, ca);
	assert_true(verifies(l, issue_one(l, ca), "corp.pem", "chain.pem"));
	expect_err(ERR_CA_CERTIFICATE,
	    lab_admin(l, "ca.add", lab_args("ca", "Fourth CA", "issuer", ca, NULL), NULL));
}

static void
a_path_length_further_up_counts_too(void **state)
{
	struct lab *l = *state;
	const char *ca = "Wide Sub CA", *csr;

	corporate_policy(l, "narrow", ",pathlen:1", "");
	lab_run(l, "sed -i 's/,pathlen:0//' ca.ext");
	csr = csr_of(l, "ca.add", lab_args("ca", ca, "key_alg", "p256", NULL));
	expect_ok(install(l, ca,
	    arena_printf(l->a, "%s\n%s", signed_by(l, "narrow", csr, "sub", "wide-sub.pem"),
		text_of(l, "narrow.pem"))));
	/* It has no limit of its own; the one above it allows it, and nothing below it. */
	expect_err(ERR_CA_CERTIFICATE,
	    lab_admin(l, "ca.add", lab_args("ca", "Fourth CA", "issuer", ca, NULL), NULL));
	lab_run(
	    l, "openssl req -newkey rsa:2048 -nodes -keyout f.key -out f.csr -subj '/CN=Far CA'");
	expect_err(ERR_CA_CERTIFICATE,
	    lab_admin(
		l, "ca.sign", lab_args("request", text_of(l, "f.csr"), "ca", ca, NULL), NULL));
}

static void
names_that_a_ca_above_does_not_permit_are_not_certified(void **state)
{
	struct lab *l = *state;
	const char *ca = "Named Sub CA", *csr;
	struct want w;

	corporate_policy(l, "named", "",
	    "nameConstraints=critical,permitted;dirName:acme,permitted;email:example.test,excluded;email:bad@example.test\n"
	    "[acme]\nO=Acme");
	csr = csr_of(l, "ca.add", lab_args("ca", ca, "key_alg", "p256", NULL));
	/* Its own name is not below O=Acme. */
	expect_err(ERR_CHAIN,
	    install(l, ca,
		arena_printf(l->a, "%s\n%s", signed_by(l, "named", csr, "sub", "named-sub.pem"),
		    text_of(l, "named.pem"))));
	corporate_policy(l, "named", "",
	    "nameConstraints=critical,permitted;email:example.test,excluded;email:bad@example.test");
	expect_ok(install(l, ca,
	    arena_printf(l->a, "%s\n%s", signed_by(l, "named", csr, "sub", "named-sub.pem"),
		text_of(l, "named.pem"))));
	publish_on(l, ca);
	assert_true(verifies(l, issue_one(l, ca), "corp.pem", "chain.pem"));
	w = lab_want(l);
	w.ca = w.order.ca = ca;
	w.order.san = w.csr.san = lab_san(l, "jane@elsewhere.test");
	lab_denied(l, w, ERR_NAME_CONSTRAINT);
	w.order.san = w.csr.san = lab_san(l, "bad@example.test");
	lab_denied(l, w, ERR_NAME_CONSTRAINT);
	/* Beside a registeredID that is none: names that cannot be read are not names that fit. */
	w.order.san = w.csr.san = LIT("\x30\x19\x81\x15joe@elsewhere.example\x88\x00");
	lab_denied(l, w, ERR_DER);
	w.order.san = w.csr.san = lab_san(l, "good@example.test");
	assert_int_equal(lab_submit(l, w).disposition, CA_ISSUED);
	/* Nothing was written for those that were refused. */
	w.ca = w.order.ca = ISSUING;
	w.order.id = id_new();
	w.order.san = w.csr.san = lab_san(l, "jane@elsewhere.test");
	assert_int_equal(lab_submit(l, w).disposition, CA_ISSUED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_corporate_root_signs_a_ca_and_signs_it_again),
		cmocka_unit_test(the_path_is_checked_against_roots_that_are_known),
		cmocka_unit_test(a_path_length_further_up_counts_too),
		cmocka_unit_test(names_that_a_ca_above_does_not_permit_are_not_certified),
	};

	return cmocka_run_group_tests(tests, lab_setup, lab_teardown);
}
