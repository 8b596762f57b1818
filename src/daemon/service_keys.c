/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/service_keys.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/secret.h"
#include "base/text.h"
#include "codec/dn.h"
#include "codec/jws.h"
#include "codec/keys_ipc.h"
#include "codec/oid.h"
#include "codec/san.h"
#include "pki/csr.h"
#include "pki/mac.h"
#include "pki/seal.h"
#include "pki/siv.h"

#define ORDER_LIFE_MAX 86400
#define CHALLENGE_KEY 32
#define CHALLENGE_BYTES 16

struct service_keys {
	struct key *order, *tls, *ra;
	struct key *profile, *push; /* RSA */
	struct jws_key *token;
	uint8_t challenge[CHALLENGE_KEY]; /* what challenges are derived with */
	uint8_t secret[SIV_KEY];          /* what secrets are sealed with */
};

/* The token key's file: read it, or make the key. */
static err_t
token_key(struct arena *a, const char *path, struct jws_key **ret)
{
	struct str jwk;

	if (!file_exists(path)) {
		TRY(jws_key_make(a, &jwk));
		TRY(file_create(path, jwk, 0600));
	}
	TRY(file_read(a, path, LIMIT_JWT_BYTES, &jwk));
	return jws_key_parse(jwk, ret);
}

/* A file of n random bytes, SIV_KEY at most: read it, or make it. */
static err_t
bytes_file(struct arena *a, const char *path, size_t n, uint8_t *ret)
{
	uint8_t fresh[SIV_KEY];
	struct str key;
	err_t e = OK;

	if (!file_exists(path)) {
		rand_bytes(fresh, n);
		e = file_create(path, str_of(fresh, n), 0600);
		secret_wipe(fresh, sizeof(fresh));
	}
	TRY(e);
	TRY(file_read(a, path, n, &key));
	if (key.n != n)
		FAIL(ERR_MALFORMED, "%s has %zu bytes", path, key.n);
	memcpy(ret, key.p, n);
	secret_wipe((void *)(uintptr_t)key.p, key.n);
	return OK;
}

/* An RSA key's file: read it, or make the key, by the quick way. */
static err_t
rsa_file(struct arena *a, const char *path, struct key **ret)
{
	auto_key struct key *k = NULL;
	auto_buf struct buf pem = { 0 };

	if (!file_exists(path)) {
		buf_init(&pem, LIMIT_KEY_BYTES);
		TRY(key_make_by(KEY_MAKER_CHANCERY, KEY_RSA, KEY_RSA_2048, &k));
		TRY(key_write(&pem, k, NULL));
		TRY(file_create(path, buf_str(&pem), 0600));
	}
	return key_file(a, path, KEY_RSA, KEY_RSA_2048, ret);
}

err_t
service_keys_open(const char *dir, struct service_keys **ret)
{
	auto_arena struct arena *a = arena_new();
	struct service_keys *k = calloc(1, sizeof(*k));
	const struct {
		const char *name;
		struct key **key;
	} files[] = {
		{ "order.pem", &k->order },
		{ "tls.pem", &k->tls },
		{ "ra.pem", &k->ra },
	};
	err_t e;

	e = dir_make(dir, 0700);
	if (err_ok(e))
		e = dir_sweep(dir);
	for (size_t i = 0; i < COUNT(files) && err_ok(e); i++)
		e = key_file(a, arena_printf(a, "%s/%s", dir, files[i].name), KEY_EC, KEY_P256,
		    files[i].key);
	if (err_ok(e))
		e = rsa_file(a, arena_printf(a, "%s/profile.pem", dir), &k->profile);
	if (err_ok(e))
		e = rsa_file(a, arena_printf(a, "%s/push.pem", dir), &k->push);
	if (err_ok(e))
		e = token_key(a, arena_printf(a, "%s/token.jwk", dir), &k->token);
	if (err_ok(e))
		e = bytes_file(
		    a, arena_printf(a, "%s/challenge.key", dir), CHALLENGE_KEY, k->challenge);
	if (err_ok(e))
		e = bytes_file(a, arena_printf(a, "%s/secret.key", dir), SIV_KEY, k->secret);
	if (!err_ok(e)) {
		service_keys_close(k);
		return e;
	}
	*ret = k;
	return OK;
}

void
service_keys_close(struct service_keys *k)
{
	if (k == NULL)
		return;
	key_free(k->order);
	key_free(k->tls);
	key_free(k->ra);
	key_free(k->profile);
	key_free(k->push);
	jws_key_free(k->token);
	secret_wipe(k->challenge, sizeof(k->challenge));
	secret_wipe(k->secret, sizeof(k->secret));
	free(k);
}

static const struct key *
lent_key(const struct service_keys *k, unsigned which)
{
	switch (which) {
	case KEYS_TLS:
		return k->tls;
	case KEYS_RA:
		return k->ra;
	case KEYS_PROFILE:
		return k->profile;
	case KEYS_PUSH:
		return k->push;
	}
	return NULL;
}

static err_t public(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct service_keys *k = ctx;
	struct keys_public_rep rep;
	auto_json json *jwk = NULL;
	auto_json json *set = json_object_new();
	json *list;
	struct str spki, text;

	TRY(rd_end(&in));
	TRY(key_spki(a, k->order, &spki));
	TRY(jws_key_public(a, k->token, &text));
	TRY(json_parse(text, LIMIT_JWT_BYTES, &jwk));
	list = json_array_new();
	json_add(list, json_ref(jwk));
	json_set(set, "keys", list);
	TRY(json_print(a, set, &text));
	rep.order_key = text_pem(a, "PUBLIC KEY", spki);
	rep.jwks = arena_cstr(a, text);
	return keys_public_rep_encode(&rep, out);
}

/* A host is an IP address when it holds a colon or only digits and dots. */
static bool
is_address(const char *host)
{
	return strchr(host, ':') != NULL || strspn(host, "0123456789.") == strlen(host);
}

static err_t
csr(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct service_keys *k = ctx;
	struct keys_csr_req req;
	struct keys_csr_rep rep;
	struct csr_spec spec = { .key_usage = 0x80 };
	struct dn_ava ava = { "2.5.4.3", NULL };
	struct dn_rdn rdn = { &ava, 1 };
	struct san *sans;
	const struct key *key;

	TRY(keys_csr_req_parse(a, in, &req));
	key = lent_key(k, req.which);
	if (key == NULL)
		FAIL(ERR_BAD_REQUEST, "no key %u", (unsigned)req.which);
	ava.value = req.cn;
	TRY(dn_encode(a, &(struct dn){ &rdn, 1 }, &spec.subject));
	sans = arena_array(a, req.hosts.n + 1, sizeof(*sans));
	for (size_t i = 0; i < req.hosts.n; i++)
		sans[i] =
		    (struct san){ is_address(req.hosts.v[i]) ? SAN_IP : SAN_DNS, req.hosts.v[i] };
	if (req.hosts.n > 0)
		TRY(san_encode(a, sans, req.hosts.n, &spec.san));
	TRY(csr_make(a, key, &spec, &rep.csr));
	return keys_csr_rep_encode(&rep, out);
}

static err_t
seal(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct service_keys *k = ctx;
	struct keys_seal_req req;
	struct keys_seal_rep rep;
	struct order order;
	when_t now = when_now();

	TRY(keys_seal_req_parse(a, in, &req));
	TRY(order_parse(a, req.order, &order));
	if (order.expires <= now || order.expires > now + ORDER_LIFE_MAX)
		FAIL(ERR_ORDER, "an order lasts at most %d s from now", ORDER_LIFE_MAX);
	/* Whoever gets hold of it could use it. */
	if (order.holder.n == 0 && order.spki.n == 0 && order.challenge.n == 0)
		FAIL(ERR_ORDER, "an order names its holder, its key or its challenge");
	TRY(seal_order(a, k->order, &order, &rep.sealed));
	return keys_seal_rep_encode(&rep, out);
}

static err_t
sign_token(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct service_keys *k = ctx;
	struct keys_token_req req;
	struct keys_token_rep rep;
	auto_json json *claims = NULL;

	TRY(keys_token_req_parse(a, in, &req));
	TRY_CTX(json_parse(str_c(req.claims), LIMIT_JWT_BYTES, &claims), "claims");
	if (!json_is_object(claims))
		FAIL(ERR_BAD_REQUEST, "claims are a JSON object");
	TRY(jws_sign(a, k->token, str_c(req.claims), &rep.token));
	return keys_token_rep_encode(&rep, out);
}

static err_t
challenge(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	static const char label[] = "chancery-challenge-v1";
	struct service_keys *k = ctx;
	struct keys_challenge_req req;
	struct keys_challenge_rep rep;
	uint8_t mac[32];
	auto_buf struct buf msg = { 0 };

	TRY(keys_challenge_req_parse(a, in, &req));
	buf_init(&msg, LIMIT_TEXT);
	TRY(buf_put(&msg, str_of(label, sizeof(label))));
	TRY(buf_put(&msg, in));
	TRY(mac_sha256(STR(k->challenge), buf_str(&msg), mac));
	rep.text = text_hex(a, str_of(mac, CHALLENGE_BYTES));
	return keys_challenge_rep_encode(&rep, out);
}

static err_t
hide(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct service_keys *k = ctx;
	struct keys_hide_req req;
	struct keys_hide_rep rep;

	TRY(keys_hide_req_parse(a, in, &req));
	TRY(siv_seal(a, k->secret, req.label, req.bytes, &rep.bytes));
	return keys_hide_rep_encode(&rep, out);
}

static err_t
show(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct service_keys *k = ctx;
	struct keys_hide_req req;
	struct keys_hide_rep rep;
	err_t e;

	TRY(keys_hide_req_parse(a, in, &req));
	TRY(siv_open(a, k->secret, req.label, req.bytes, &rep.bytes));
	e = keys_hide_rep_encode(&rep, out);
	secret_wipe((void *)(uintptr_t)rep.bytes.p, rep.bytes.n);
	return e;
}

static err_t
sign(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct service_keys *k = ctx;
	struct sign_req req;
	struct sign_rep rep;
	const struct key *key;

	TRY(sign_req_parse(a, in, &req));
	key = lent_key(k, req.which);
	if (key == NULL)
		FAIL(ERR_BAD_REQUEST, "no key %u", (unsigned)req.which);
	TRY(key_sign_digest(a, key, req.scheme, req.digest, &rep.signature));
	return sign_rep_encode(&rep, out);
}

const struct ipc_verb service_keys_verbs[] = {
	{ KEYS_PUBLIC, public },
	{ KEYS_CSR, csr },
	{ KEYS_SEAL_ORDER, seal },
	{ KEYS_SIGN_TOKEN, sign_token },
	{ KEYS_SIGN, sign },
	{ KEYS_CHALLENGE, challenge },
	{ KEYS_HIDE, hide },
	{ KEYS_SHOW, show },
	{ 0 },
};
