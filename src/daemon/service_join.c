/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/service_join.h"

#include "pki/cert.h"

#define SETTING "join"

static err_t
read_pem(struct arena *a, const json *j, const char *key, struct cert_list *ret)
{
	const char *pem;

	TRY(json_need_text(j, key, LIMIT_CHAIN_CERTS * LIMIT_CERT_BYTES, &pem));
	TRY_CTX(text_unpem(a, str_c(pem), "CERTIFICATE", ret->v, LIMIT_CHAIN_CERTS, &ret->n), "%s", key);
	if (ret->n == 0)
		FAIL(ERR_BAD_REQUEST, "%s: no certificate in it", key);
	return OK;
}

static err_t
read_name(struct arena *a, const json *j, const char *key, const char **ret)
{
	const char *s;

	TRY(json_need_text(j, key, LIMIT_LONG_TEXT, &s));
	*ret = arena_strdup(a, s);
	return OK;
}

err_t
service_join_read(struct arena *a, const json *j, struct service_join *ret)
{
	auto_cert struct cert *ra = NULL;

	TRY(read_name(a, j, "ca_url", &ret->ca_url));
	TRY(read_name(a, j, "identity_ca", &ret->identity_name));
	TRY(read_name(a, j, "issuing_ca", &ret->issuing_name));
	TRY(read_pem(a, j, "tls_certificate", &ret->tls));
	TRY(read_pem(a, j, "ra_certificate", &ret->ra));
	TRY(read_pem(a, j, "root_certificate", &ret->root));
	TRY(read_pem(a, j, "issuing_certificate", &ret->issuing));
	TRY(read_pem(a, j, "identity_certificate", &ret->identity));
	TRY_CTX(cert_parse(ret->ra.v[0], &ra), "ra_certificate");
	memcpy(ret->holder, cert_sha256(ra), sizeof(ret->holder));
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
