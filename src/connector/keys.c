/* SPDX-License-Identifier: Apache-2.0 */
#include "connector/keys.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/when.h"
#include "codec/ckeys_ipc.h"
#include "codec/oid.h"
#include "pki/cms.h"
#include "pki/csr.h"
#include "pki/keypool.h"
#include "pki/pfx.h"

#include <pthread.h>

#define HANDLES 256
#define HANDLE_LIFE_MS (10 * 60 * 1000)
#define PASSWORD_BYTES 18 /* 24 characters of base64url: ASCII, short enough for every importer */

struct held {
	uint64_t handle; /* 0: free */
	struct key *key;
	int64_t until;   /* when_mono_ms() */
};

struct connector_keys {
	const char *identity_file;
	struct arena *arena;
	struct keypool *pool;
	pthread_mutex_t lock;
	struct held held[HANDLES];
	struct str identity[LIMIT_CHAIN_CERTS]; /* named at join; in identity_arena */
	size_t nidentity;
	struct arena *identity_arena;
};

static err_t
load_identity(struct connector_keys *k)
{
	struct arena *a = arena_new();
	struct str pem, certs[LIMIT_CHAIN_CERTS];
	size_t n = 0;
	err_t e;

	e = file_read(a, k->identity_file, LIMIT_CHAIN_CERTS * LIMIT_CERT_BYTES, &pem);
	if (err_ok(e))
		e = text_unpem(a, pem, "CERTIFICATE", certs, LIMIT_CHAIN_CERTS, &n);
	if (!err_ok(e)) {
		arena_free(a);
		return e;
	}
	pthread_mutex_lock(&k->lock);
	arena_free(k->identity_arena);
	k->identity_arena = a;
	memcpy(k->identity, certs, sizeof(certs));
	k->nidentity = n;
	pthread_mutex_unlock(&k->lock);
	return OK;
}

err_t
connector_keys_open(const char *dir, unsigned threads, unsigned pool, struct connector_keys **ret)
{
	struct connector_keys *k = calloc(1, sizeof(*k));
	err_t e;

	k->arena = arena_new();
	k->identity_file = arena_printf(k->arena, "%s/identity-ca.pem", dir);
	pthread_mutex_init(&k->lock, NULL);
	e = dir_make(dir, 0700);
	if (err_ok(e))
		e = keypool_new(threads, pool, &k->pool);
	if (err_ok(e))
		e = keypool_want(k->pool, KEY_RSA, KEY_RSA_2048);
	if (err_ok(e) && file_exists(k->identity_file))
		e = load_identity(k);
	if (!err_ok(e)) {
		connector_keys_close(k);
		return e;
	}
	*ret = k;
	return OK;
}

void
connector_keys_close(struct connector_keys *k)
{
	if (k == NULL)
		return;
	for (size_t i = 0; i < HANDLES; i++)
		key_free(k->held[i].key);
	keypool_free(k->pool);
	arena_free(k->identity_arena);
	arena_free(k->arena);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

/* Frees what is over, then puts the key under a new handle. Called with the lock held. */
static err_t
hold_locked(struct connector_keys *k, struct key *key, uint64_t *ret)
{
	int64_t now = when_mono_ms();
	struct held *room = NULL;

	for (size_t i = 0; i < HANDLES; i++) {
		struct held *h = &k->held[i];

		if (h->handle != 0 && h->until < now) {
			key_free(h->key);
			*h = (struct held){ 0 };
		}
		if (h->handle == 0 && room == NULL)
			room = h;
	}
	if (room == NULL)
		FAIL(ERR_BUSY, "%d key pairs are under way", HANDLES);
	do {
		rand_bytes(&room->handle, sizeof(room->handle));
	} while (room->handle == 0);
	room->key = key;
	room->until = now + HANDLE_LIFE_MS;
	*ret = room->handle;
	return OK;
}

/* Takes the key from under its handle. */
static err_t
take(struct connector_keys *k, uint64_t handle, struct key **ret)
{
	struct key *key = NULL;

	pthread_mutex_lock(&k->lock);
	for (size_t i = 0; i < HANDLES && handle != 0; i++) {
		if (k->held[i].handle == handle) {
			key = k->held[i].key;
			k->held[i] = (struct held){ 0 };
		}
	}
	pthread_mutex_unlock(&k->lock);
	if (key == NULL)
		FAIL(ERR_HANDLE, "this process was restarted, or ten minutes went by");
	*ret = key;
	return OK;
}

static err_t
begin(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct connector_keys *k = ctx;
	struct ckeys_begin_req req;
	struct ckeys_begin_rep rep;
	struct csr_spec spec = { .key_usage = 0xA0 };
	auto_key struct key *key = NULL;
	err_t e;

	TRY(ckeys_begin_req_parse(a, in, &req));
	TRY(keypool_take(k->pool, req.alg == CKEYS_EC ? KEY_EC : KEY_RSA, req.bits, &key));
	spec.subject = req.subject;
	spec.san = req.san;
	spec.sid = req.sid;
	spec.ekus = req.ekus.v;
	spec.nekus = req.ekus.n;
	TRY(csr_make(a, key, &spec, &rep.csr));
	pthread_mutex_lock(&k->lock);
	e = hold_locked(k, key, &rep.handle);
	pthread_mutex_unlock(&k->lock);
	TRY(e);
	(void)steal(key);
	return ckeys_begin_rep_encode(&rep, out);
}

/* May we seal to this certificate? */
static err_t
check_device(struct connector_keys *k, const struct cert *device)
{
	err_t e;

	pthread_mutex_lock(&k->lock);
	if (k->nidentity == 0)
		e = ERROR(ERR_NOT_JOINED, "no device-identity CA was named");
	else
		e = cert_verify_path(device, NULL, 0, k->identity, k->nidentity, OID_EKU_CLIENT_AUTH, when_now());
	pthread_mutex_unlock(&k->lock);
	TRY_CTX(e, "identity certificate of the device");
	return OK;
}

static err_t
pack(struct arena *a, const struct key *key, const struct ckeys_finish_req *req, struct ckeys_finish_rep *ret,
    const struct cert *device)
{
	char *password = rand_token(a, PASSWORD_BYTES);
	struct str pfx = STR_EMPTY;
	err_t e;

	e = pfx_make(a, PFX_AES, key, req->leaf, req->chain.v, req->chain.n, password, "Chancery", &pfx);
	if (err_ok(e))
		e = cms_seal(a, device, pfx, &ret->pfx);
	if (err_ok(e))
		e = cms_seal(a, device, str_c(password), &ret->password);
	secret_wipe(password, strlen(password));
	secret_wipe((void *)(uintptr_t)pfx.p, pfx.n);
	return e;
}

static err_t
finish(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct connector_keys *k = ctx;
	struct ckeys_finish_req req;
	struct ckeys_finish_rep rep;
	auto_cert struct cert *device = NULL;
	auto_cert struct cert *leaf = NULL;
	auto_key struct key *key = NULL;
	auto_key struct key *certified = NULL;

	TRY(ckeys_finish_req_parse(a, in, &req));
	TRY(take(k, req.handle, &key));
	TRY_CTX(cert_parse(req.device_certificate, &device), "identity certificate of the device");
	TRY(check_device(k, device));
	TRY_CTX(cert_parse(req.leaf, &leaf), "certificate from the CA");
	TRY(cert_key(leaf, &certified));
	if (!key_same_public(key, certified))
		FAIL(ERR_KEY_MISMATCH, "serial %s", cert_serial(leaf));
	TRY(pack(a, key, &req, &rep, device));
	return ckeys_finish_rep_encode(&rep, out);
}

static err_t
drop(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct connector_keys *k = ctx;
	struct ckeys_drop_req req;
	struct key *key = NULL;
	err_t e;

	(void)out;
	TRY(ckeys_drop_req_parse(a, in, &req));
	e = take(k, req.handle, &key);
	if (!err_ok(e))
		err_forget(e); /* dropped is dropped */
	key_free(key);
	return OK;
}

static err_t
name_identity(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct connector_keys *k = ctx;
	struct ckeys_identity_req req;
	struct str certs[LIMIT_CHAIN_CERTS];
	auto_cert struct cert *ca = NULL;
	size_t n;

	(void)out;
	TRY(ckeys_identity_req_parse(a, in, &req));
	TRY(text_unpem(a, str_c(req.pem), "CERTIFICATE", certs, LIMIT_CHAIN_CERTS, &n));
	TRY(cert_parse(n > 0 ? certs[0] : STR_EMPTY, &ca));
	if (!cert_is_ca(ca))
		FAIL(ERR_CERTIFICATE, "%s is no CA certificate", cert_subject(ca));
	TRY(file_write(k->identity_file, str_c(req.pem), 0600));
	return load_identity(k);
}

const struct ipc_verb connector_keys_verbs[] = {
	{ CKEYS_BEGIN, begin },
	{ CKEYS_FINISH, finish },
	{ CKEYS_DROP, drop },
	{ CKEYS_IDENTITY_CA, name_identity },
	{ 0 },
};
