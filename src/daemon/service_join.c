/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/service_join.h"

#include "pki/cert.h"

#include "codec/oid.h"

#define SETTING "join"

/* As DER in the arena. */
static err_t
read_pem(struct arena *a, const json *j, const char *key, struct cert_list *ret)
{
	const char *pem;

	TRY(json_need_text(j, key, LIMIT_CHAIN_CERTS * LIMIT_CERT_BYTES, &pem));
	TRY_CTX(text_unpem(a, str_c(pem), "CERTIFICATE", ret->v, LIMIT_CHAIN_CERTS, &ret->n), "%s",
	    key);
	for (size_t i = 0; i < ret->n; i++) {
		auto_cert struct cert *c = NULL;

		/* A text that is no PEM comes back as it is, lent by j: it ends here. */
		TRY_CTX(cert_parse(ret->v[i], &c), "%s", key);
	}
	return OK;
}

static err_t
read_name(struct arena *a, const json *j, const char *key, const char **ret)
{
	const char *s;

	TRY(json_need_text(j, key, LIMIT_LONG_TEXT, &s));
	if (s[0] == '\0')
		FAIL(ERR_BAD_REQUEST, "\"%s\" is empty", key);
	*ret = arena_strdup(a, s);
	return OK;
}

/* The path to the root, as of the certificate's own beginning: who joined once starts again also after it has expired. */
static err_t
check_path(
    const struct cert_list *l, const struct cert_list *root, const char *eku, const char *what)
{
	auto_cert struct cert *c = NULL;

	TRY_CTX(cert_parse(l->v[0], &c), "%s", what);
	TRY_CTX(cert_verify_path(c, l->v + 1, l->n - 1, root->v, root->n, eku, cert_not_before(c)),
	    "%s", what);
	return OK;
}

/* Exactly one, of a CA, and under the root. */
static err_t
check_ca(const struct cert_list *l, const struct cert_list *root, const char *what)
{
	auto_cert struct cert *c = NULL;

	if (l->n != 1)
		FAIL(ERR_BAD_REQUEST, "\"%s\" holds %zu certificates instead of one", what, l->n);
	TRY_CTX(cert_parse(l->v[0], &c), "%s", what);
	if (!cert_is_ca(c))
		FAIL(ERR_CERTIFICATE, "%s: %s is no CA certificate", what, cert_subject(c));
	return check_path(l, root, NULL, what);
}

static err_t
check(const struct service_join *j)
{
	TRY(check_ca(&j->root, &j->root, "root_certificate"));
	TRY(check_ca(&j->issuing, &j->root, "issuing_certificate"));
	TRY(check_ca(&j->identity, &j->root, "identity_certificate"));
	TRY(check_path(&j->tls, &j->root, OID_EKU_SERVER_AUTH, "tls_certificate"));
	return check_path(&j->ra, &j->root, OID_EKU_CLIENT_AUTH, "ra_certificate");
}

err_t
service_join_read(struct arena *a, const json *j, struct service_join *ret)
{
	struct service_join read = { 0 };

	TRY(read_name(a, j, "ca_url", &read.ca_url));
	TRY(read_name(a, j, "identity_ca", &read.identity_name));
	TRY(read_name(a, j, "issuing_ca", &read.issuing_name));
	TRY(read_pem(a, j, "tls_certificate", &read.tls));
	TRY(read_pem(a, j, "ra_certificate", &read.ra));
	TRY(read_pem(a, j, "root_certificate", &read.root));
	TRY(read_pem(a, j, "issuing_certificate", &read.issuing));
	TRY(read_pem(a, j, "identity_certificate", &read.identity));
	TRY(check(&read));
	hash_sha256(read.ra.v[0], read.holder);
	*ret = read;
	return OK;
}

struct setting {
	struct arena *a;
	struct str value;
};

static err_t
get(struct tx *tx, void *arg)
{
	struct setting *s = arg;

	return store_setting_get(tx, s->a, SETTING, &s->value);
}

static err_t
put(struct tx *tx, void *arg)
{
	struct setting *s = arg;

	TRY(store_setting_put(tx, SETTING, s->value));
	return store_audit_add(tx, "local administrator", "service.join", "", "", "");
}

err_t
service_join_load(struct store *s, struct arena *a, struct service_join *ret)
{
	struct setting set = { .a = a };
	auto_json json *j = NULL;
	err_t e;

	e = store_read(s, get, &set);
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		FAIL(ERR_NOT_JOINED, "the service has no certificate of a CA");
	}
	TRY(e);
	TRY(json_parse(set.value, LIMIT_IPC_MESSAGE, &j));
	return service_join_read(a, j, ret);
}

err_t
service_join_save(struct store *s, struct arena *a, const json *j)
{
	struct service_join check = { 0 };
	struct setting set = { .a = a };

	TRY(service_join_read(a, j, &check));
	TRY(json_print(a, j, &set.value));
	return store_write(s, put, &set);
}
