/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs about CAs over time: more of them, requests and certificates, renewals, the passphrase of the keys. */
#include "ca/admin.h"

#include "base/secret.h"
#include "ca/make.h"
#include "ca/state.h"
#include "ca/succession.h"

enum { YEARS_MAX = 50, PATH_MAX_LEN = 127 };

/* What verbs have in common: "ca", and the kind of a new key. */
struct common {
	const char *name;
	bool new_key;
	struct succession_key key;
};

static err_t
take_common(const json *args, struct common *ret)
{
	const json *fresh = json_get(args, "new_key");
	struct common c = { 0 };
	const char *alg;

	TRY(json_need_text(args, "ca", LIMIT_TEXT, &c.name));
	if (fresh != NULL && !json_is_bool(fresh))
		FAIL(ERR_BAD_REQUEST, "new_key: true or false");
	c.new_key = json_true(fresh);
	TRY(json_want_text(args, "key_alg", LIMIT_TEXT, &alg));
	TRY(admin_key_alg(alg, &c.key.alg, &c.key.bits));
	TRY(json_want_text(args, "key", LIMIT_LONG_TEXT, &c.key.key));
	if (c.key.key == NULL)
		c.key.key = "";
	if (c.key.key[0] != '\0' && !token_uri_is(c.key.key))
		FAIL(ERR_TOKEN_URI, "it begins with pkcs11:");
	*ret = c;
	return OK;
}

static err_t
answer_ca(struct issuer *is, struct arena *a, const char *name, json *out)
{
	const struct ca *ca;

	TRY(hierarchy_find(issuer_hierarchy(is), name, &ca));
	admin_show_ca(a, out, ca);
	return OK;
}

static void
answer_csr(struct arena *a, json *out, struct str der)
{
	json_set_text(out, "request", text_pem(a, "CERTIFICATE REQUEST", der));
}

static err_t
ca_add(struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct succession_add q;
	struct common c;
	struct str csr;
	const char *up;

	TRY(take_common(args, &c));
	TRY(json_want_text(args, "issuer", LIMIT_TEXT, &up));
	q = (struct succession_add){ c.name, up != NULL ? up : "", c.key };
	TRY(succession_add(is, a, &q, &csr));
	if (csr.n == 0)
		return answer_ca(is, a, c.name, out);
	answer_csr(a, out, csr);
	return OK;
}

static err_t
ca_csr(struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct common c;
	struct str csr;

	TRY(take_common(args, &c));
	TRY(succession_csr(is, a, c.name, c.new_key, &c.key, &csr));
	answer_csr(a, out, csr);
	return OK;
}

static err_t
ca_renew(struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct common c;

	TRY(take_common(args, &c));
	TRY(succession_renew(is, a, c.name, c.new_key, &c.key));
	return answer_ca(is, a, c.name, out);
}

/* PEM with one certificate or more, or the base64 of one in DER. */
static err_t
take_certs(struct arena *a, const char *text, struct str *v, size_t *ret)
{
	if (str_starts(str_trim(str_c(text)), LIT("-----BEGIN ")))
		TRY(text_unpem(a, str_c(text), "CERTIFICATE", v, LIMIT_CHAIN_CERTS, ret));
	else {
		TRY(text_unbase64(a, str_c(text), &v[0]));
		*ret = 1;
	}
	if (*ret == 0)
		FAIL(ERR_BAD_REQUEST, "certificate: the text has none");
	return OK;
}

static err_t
ca_install(struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct str v[LIMIT_CHAIN_CERTS];
	const char *name, *text;
	size_t n = 0;

	TRY(json_need_text(args, "ca", LIMIT_TEXT, &name));
	TRY(json_need_text(args, "certificate", LIMIT_CERT_BYTES * 2 * LIMIT_CHAIN_CERTS, &text));
	TRY(take_certs(a, text, v, &n));
	TRY(succession_install(is, a, name, v, n));
	return answer_ca(is, a, name, out);
}

static err_t
ca_sign(struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct succession_sign q = { .ca = "" };
	const char *text, *name;
	int64_t years, length;
	struct str der;

	TRY(json_need_text(args, "request", LIMIT_CSR_BYTES * 2, &text));
	TRY(admin_der(a, text, "CERTIFICATE REQUEST", LIMIT_CSR_BYTES, &q.csr));
	TRY(json_want_text(args, "ca", LIMIT_TEXT, &name));
	TRY(json_want_int(args, "years", 1, YEARS_MAX, 10, &years));
	TRY(json_want_int(args, "path_length", -1, PATH_MAX_LEN, 0, &length));
	if (name != NULL)
		q.ca = name;
	q.years = (int)years;
	q.path_len = (int)length;
	TRY(succession_sign(is, a, &q, &der));
	admin_set_cert(a, out, "certificate", der);
	return OK;
}

static err_t
passwd_tx(struct tx *tx, void *arg)
{
	(void)arg;
	return store_journal_add(tx, "administrator", "passphrase", "of the key files");
}

static err_t
ca_passwd(struct issuer *is, struct arena *a, const json *args, json *out)
{
	const char *old, *fresh;

	(void)a;
	(void)out;
	TRY(json_need_text(args, "old", LIMIT_TEXT, &old));
	TRY(json_need_text(args, "new", LIMIT_TEXT, &fresh));
	if (is->vault == NULL)
		FAIL(ERR_CONFLICT, "the key files are not encrypted: the issuer has no passphrase");
	TRY(vault_passwd(is->vault, old, fresh));
	return store_write(is->store, passwd_tx, NULL);
}

#define KEY_ARGS "key_alg", "key"
const struct ca_verb admin_hierarchy_verbs[] = {
	{ "ca.add", ca_add, ADMIN_ARGS("ca", "issuer", KEY_ARGS),
	    "Add an issuing CA below one here; without an issuer: below one elsewhere, and the answer is its request." },
	{ "ca.csr", ca_csr, ADMIN_ARGS("ca", "new_key", KEY_ARGS),
	    "The request of a CA that has its certificate from elsewhere." },
	{ "ca.install", ca_install, ADMIN_ARGS("ca", "certificate"),
	    "Take the certificate that was made for a request of ca.csr, with those above it." },
	{ "ca.renew", ca_renew, ADMIN_ARGS("ca", "new_key", KEY_ARGS),
	    "A new certificate for a CA whose issuer is here, for the same key or a new one." },
	{ "ca.sign", ca_sign, ADMIN_ARGS("request", "ca", "years", "path_length"),
	    "Sign the request of a CA elsewhere." },
	{ "ca.passwd", ca_passwd, ADMIN_ARGS("old", "new"),
	    "A new passphrase for the key files; the next start needs it." },
	{ NULL, NULL, NULL, NULL },
};
