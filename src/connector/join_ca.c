/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CA's part of what was settled at joining: where it is, whom to trust there, and how it knows us.
 *
 * A password or API key stands in a file of its own beside join.json, so that join.json can be shown and copied.
 */
#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "connector/link.h"
#include "pki/cert.h"
#include "pki/seal.h"

#define TRUST_SYSTEM "system" /* ca_trust: whomever this host trusts */

enum { SECRET_MAX = 1024 };

static const struct {
	const char *name;
	enum ca_login login;
} logins[] = {
	{ "certificate", CA_LOGIN_CERTIFICATE },
	{ "password", CA_LOGIN_PASSWORD },
	{ "kerberos", CA_LOGIN_KERBEROS },
	{ "key", CA_LOGIN_KEY },
};

const char *
join_login_name(enum ca_login login)
{
	for (size_t i = 0; i < COUNT(logins); i++)
		if (logins[i].login == login)
			return logins[i].name;
	return "";
}

static char *
secret_path(struct arena *a, const struct link *l)
{
	return arena_printf(a, "%s/ca.secret", l->conf.dir);
}

err_t
join_proxy_check(const char *what, const char *url)
{
	if (url[0] != '\0' && !str_starts(str_c(url), LIT("http://")))
		FAIL(ERR_BAD_REQUEST, "%s: must be http://[USER:PASSWORD@]HOST:PORT", what);
	return OK;
}

err_t
join_pem_list(
    struct arena *a, const json *obj, const char *key, const struct str **ret, size_t *retn)
{
	struct str *v = arena_array(a, LIMIT_CHAIN_CERTS, sizeof(*v));
	const char *pem;
	size_t n;

	TRY(json_need_text(obj, key, LIMIT_CHAIN_CERTS * LIMIT_CERT_BYTES, &pem));
	TRY_CTX(text_unpem(a, str_c(pem), "CERTIFICATE", v, LIMIT_CHAIN_CERTS, &n), "%s", key);
	for (size_t i = 0; i < n; i++) {
		auto_cert struct cert *c = NULL;

		/* A text that is no PEM comes back as it is, lent by obj: it ends here. */
		TRY_CTX(cert_parse(v[i], &c), "%s", key);
	}
	*ret = v;
	*retn = n;
	return OK;
}

static err_t
want_copy(struct arena *a, const json *obj, const char *key, const char **ret)
{
	const char *s = NULL;

	TRY(json_want_text(obj, key, LIMIT_TEXT, &s));
	*ret = s == NULL ? "" : arena_strdup(a, s);
	return OK;
}

/* What goes into a header as it is. */
static err_t
secret_check(const char *s)
{
	if (s[0] == '\0' || strlen(s) > SECRET_MAX || !text_printable_ascii(str_c(s)))
		FAIL(ERR_BAD_REQUEST, "ca_secret: 1 to %d printable ASCII characters", SECRET_MAX);
	return OK;
}

err_t
join_keep_secret(const struct link *l, struct arena *a, const json *args)
{
	const char *path = secret_path(a, l);
	const char *secret = NULL;

	TRY(json_want_text(args, "ca_secret", SECRET_MAX, &secret));
	if (secret == NULL)
		return OK;
	TRY(secret_check(secret));
	return file_write(path, str_c(secret), 0600);
}

static err_t
read_secret(const struct link *l, struct arena *a, struct join *j)
{
	const char *path = secret_path(a, l);
	struct str text;

	j->ca_secret = "";
	if (!file_exists(path))
		return OK;
	TRY(file_read(a, path, SECRET_MAX, &text));
	j->ca_secret = arena_cstr(a, text);
	return secret_check(j->ca_secret);
}

static err_t
check_login(const struct join *j)
{
	bool secret = j->ca_login == CA_LOGIN_PASSWORD || j->ca_login == CA_LOGIN_KEY;

	if (secret && j->ca_secret[0] == '\0')
		FAIL(ERR_BAD_REQUEST, "there is no password or key for the CA: --ca-secret-file");
	if (j->ca_login == CA_LOGIN_PASSWORD && j->ca_user[0] == '\0')
		FAIL(ERR_BAD_REQUEST, "there is no name to go with the password: --ca-user");
	return OK;
}

static err_t
read_login(const struct link *l, struct arena *a, const json *obj, struct join *j)
{
	const char *name = NULL;

	TRY(want_copy(a, obj, "ca_user", &j->ca_user));
	TRY(json_want_text(obj, "ca_login", LIMIT_TEXT, &name));
	if (name == NULL)
		name = "certificate";
	for (size_t i = 0; i < COUNT(logins); i++) {
		if (!str_eq_c(str_c(name), logins[i].name))
			continue;
		j->ca_login = logins[i].login;
		TRY(read_secret(l, a, j));
		return check_login(j);
	}
	FAIL(ERR_BAD_REQUEST, "ca_login: certificate, password, kerberos or key, not %s", name);
}

/* Without a certificate: the name that goes with the password, else a key of this host. */
static err_t
read_holder(const struct link *l, struct join *j)
{
	if (j->ca_login == CA_LOGIN_PASSWORD)
		return seal_holder(j->ca_user, j->holder);
	return key_spki_sha256(l->ca_key, j->holder);
}

/* An order names the holder, so that nobody else may present it. */
static err_t
read_certificate(const struct link *l, struct arena *a, const json *obj, struct join *j)
{
	auto_cert struct cert *ours = NULL;
	auto_key struct key *certified = NULL;

	TRY(read_holder(l, j));
	if (json_is_null(json_get(obj, "ca_certificate")))
		return OK;
	TRY(join_pem_list(a, obj, "ca_certificate", &j->ca.chain, &j->ca.nchain));
	TRY_CTX(cert_parse(j->ca.chain[0], &ours), "ca_certificate");
	TRY(cert_key(ours, &certified));
	if (!key_same_public(l->ca_key, certified))
		FAIL(ERR_KEY_MISMATCH, "ca_certificate is not for the request of connector.csr");
	if (j->ca_login != CA_LOGIN_PASSWORD)
		memcpy(j->holder, cert_sha256(ours), sizeof(j->holder));
	j->ca.key = l->ca_key;
	j->ca_end = cert_not_after(ours);
	return OK;
}

err_t
join_read_ca(const struct link *l, struct arena *a, const json *obj, struct join *j)
{
	const char *url;

	TRY(json_need_text(obj, "ca_url", LIMIT_LONG_TEXT, &url));
	j->ca_url = arena_strdup(a, url);
	TRY(want_copy(a, obj, "ca_proxy", &j->ca_proxy));
	TRY(join_proxy_check("ca_proxy", j->ca_proxy));
	if (strcmp(json_text(json_get(obj, "ca_trust")), TRUST_SYSTEM) != 0)
		TRY(join_pem_list(a, obj, "ca_trust", &j->ca.anchors, &j->ca.nanchors));
	TRY(read_login(l, a, obj, j));
	TRY(read_certificate(l, a, obj, j));
	if (j->ca_login == CA_LOGIN_CERTIFICATE && j->ca.nchain == 0)
		FAIL(ERR_BAD_REQUEST, "there is no certificate for the CA: ca_certificate");
	return OK;
}
