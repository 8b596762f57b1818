/* SPDX-License-Identifier: Apache-2.0 */
#include "connector/keys_int.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/when.h"
#include "codec/ckeys_ipc.h"
#include "codec/oid.h"
#include "connector/pack.h"
#include "pki/attest.h"
#include "pki/cert_skim.h"
#include "pki/csr.h"
#include "pki/keypool.h"
#include "pki/pfx.h"

#include <pthread.h>

#define HANDLES 256
#define VERIFIED 64
#define VERIFIED_S 600
#define HANDLE_LIFE_MS (10 * 60 * 1000)

struct held {
	uint64_t handle; /* 0: free */
	struct key *key;
	uint8_t device[32]; /* SHA-256 of the certificate that it is for */
	int64_t until;      /* when_mono_ms() */
};

/* A device's certificate that was verified lately: it comes with each step of a job and with each job of the device. */
struct verified {
	struct cert *cert; /* NULL: free */
	when_t until;
};

struct connector_keys {
	const char *identity_file;
	int64_t life_ms;
	struct arena *arena;
	struct keypool *pool;
	struct import_keys *imports;
	struct keys_order *orders;
	struct key *maker; /* by which we say what we made (pki/attest.h) */
	pthread_t reaper;
	bool reaping, stop;
	pthread_mutex_t lock; /* of all below, and of stop */
	pthread_cond_t moved; /* a handle was given out, or stop */
	struct held held[HANDLES];
	struct verified verified[VERIFIED];
	size_t verified_next;
	struct cert *identity; /* the CA named at join; NULL: none. Set once. */
};

/* The CA's own certificate comes first; those above it are not trusted: what else they issued is no device. */
static err_t
read_identity(struct arena *a, struct str pem, struct cert **ret)
{
	struct str certs[LIMIT_CHAIN_CERTS];
	auto_cert struct cert *ca = NULL;
	size_t n;

	TRY(text_unpem(a, pem, "CERTIFICATE", certs, LIMIT_CHAIN_CERTS, &n));
	TRY(cert_parse(n > 0 ? certs[0] : STR_EMPTY, &ca));
	if (!cert_is_ca(ca))
		FAIL(ERR_CERTIFICATE, "%s is no CA certificate", cert_subject(ca));
	*ret = steal(ca);
	return OK;
}

static err_t
load_identity(struct connector_keys *k)
{
	struct str pem;

	if (!file_exists(k->identity_file))
		return OK;
	TRY(file_read(k->arena, k->identity_file, LIMIT_CHAIN_CERTS * LIMIT_CERT_BYTES, &pem));
	TRY_CTX(read_identity(k->arena, pem, &k->identity), "%s", k->identity_file);
	return OK;
}

/* Frees what is over; when the next one is, INT64_MAX: never. Called with the lock held. */
static int64_t
reap_locked(struct connector_keys *k)
{
	int64_t now = when_mono_ms(), next = INT64_MAX;

	for (size_t i = 0; i < HANDLES; i++) {
		struct held *h = &k->held[i];

		if (h->handle != 0 && h->until <= now) {
			key_free(h->key);
			*h = (struct held){ 0 };
		}
		if (h->handle != 0 && h->until < next)
			next = h->until;
	}
	return next;
}

static void *
reap(void *arg)
{
	struct connector_keys *k = arg;

	pthread_mutex_lock(&k->lock);
	while (!k->stop) {
		int64_t next = reap_locked(k);
		struct timespec t = { next / 1000, next % 1000 * 1000000 };

		if (next == INT64_MAX)
			pthread_cond_wait(&k->moved, &k->lock);
		else
			pthread_cond_timedwait(&k->moved, &k->lock, &t);
	}
	pthread_mutex_unlock(&k->lock);
	return NULL;
}

static err_t
start_reaper(struct connector_keys *k)
{
	if (pthread_create(&k->reaper, NULL, reap, k) != 0)
		FAIL(ERR_SYSTEM, "cannot start a thread");
	k->reaping = true;
	return OK;
}

static void
lock_init(struct connector_keys *k)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&k->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC); /* the clock of when_mono_ms() */
	pthread_cond_init(&k->moved, &attr);
	pthread_condattr_destroy(&attr);
}

err_t
connector_keys_open(const struct connector_keys_conf *conf, struct connector_keys **ret)
{
	struct connector_keys *k = calloc(1, sizeof(*k));
	err_t e;

	k->arena = arena_new();
	k->identity_file = arena_printf(k->arena, "%s/identity-ca.pem", conf->dir);
	k->life_ms = conf->life_ms > 0 ? conf->life_ms : HANDLE_LIFE_MS;
	lock_init(k);
	/* Files that others exported long ago are encrypted with RC2; without the provider those alone are refused. */
	(void)pfx_legacy();
	e = dir_make(conf->dir, 0700);
	if (err_ok(e))
		e = dir_sweep(conf->dir);
	if (err_ok(e))
		e = load_identity(k);
	if (err_ok(e))
		e = key_file(k->arena, arena_printf(k->arena, "%s/maker.pem", conf->dir), KEY_EC,
		    KEY_P256, &k->maker);
	if (err_ok(e))
		e = keys_order_open(
		    arena_printf(k->arena, "%s/order-key.pem", conf->dir), &k->orders);
	if (err_ok(e))
		e = import_keys_open(arena_printf(k->arena, "%s/import", conf->dir), &k->imports);
	if (err_ok(e))
		e = keypool_new(conf->threads, conf->pool, conf->maker, &k->pool);
	for (size_t i = 0; i < conf->nsizes && err_ok(e); i++)
		e = keypool_want(k->pool, KEY_RSA, conf->sizes[i]);
	if (err_ok(e))
		e = start_reaper(k);
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
	pthread_mutex_lock(&k->lock);
	k->stop = true;
	pthread_cond_signal(&k->moved);
	pthread_mutex_unlock(&k->lock);
	if (k->reaping)
		pthread_join(k->reaper, NULL);
	for (size_t i = 0; i < HANDLES; i++)
		key_free(k->held[i].key);
	keypool_free(k->pool);
	import_keys_close(k->imports);
	keys_order_close(k->orders);
	key_free(k->maker);
	for (size_t i = 0; i < VERIFIED; i++)
		cert_free(k->verified[i].cert);
	cert_free(k->identity);
	arena_free(k->arena);
	pthread_cond_destroy(&k->moved);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

size_t
connector_keys_room(struct connector_keys *k, unsigned bits)
{
	return keypool_room(k->pool, KEY_RSA, bits);
}

/* Puts the key for this device under a new handle. Called with the lock held. */
static err_t
hold_locked(struct connector_keys *k, struct key *key, const struct cert *device, uint64_t *ret)
{
	struct held *room = NULL;

	(void)reap_locked(k);
	for (size_t i = 0; i < HANDLES && room == NULL; i++)
		if (k->held[i].handle == 0)
			room = &k->held[i];
	if (room == NULL)
		FAIL(ERR_BUSY, "%d key pairs are under way", HANDLES);
	do {
		rand_bytes(&room->handle, sizeof(room->handle));
	} while (room->handle == 0);
	room->key = key;
	memcpy(room->device, cert_sha256(device), sizeof(room->device));
	room->until = when_mono_ms() + k->life_ms;
	*ret = room->handle;
	pthread_cond_signal(&k->moved);
	return OK;
}

/* Takes the key from under its handle, and says whom it is for. */
static err_t
take(struct connector_keys *k, uint64_t handle, struct key **ret, uint8_t ret_device[32])
{
	struct key *key = NULL;

	pthread_mutex_lock(&k->lock);
	(void)reap_locked(k);
	for (size_t i = 0; i < HANDLES && handle != 0; i++) {
		if (k->held[i].handle == handle) {
			key = k->held[i].key;
			memcpy(ret_device, k->held[i].device, 32);
			k->held[i] = (struct held){ 0 };
		}
	}
	pthread_mutex_unlock(&k->lock);
	if (key == NULL)
		FAIL(ERR_HANDLE, "this process was restarted, or its time went by");
	*ret = key;
	return OK;
}

static const struct cert *
identity_of(struct connector_keys *k)
{
	const struct cert *ca;

	pthread_mutex_lock(&k->lock);
	ca = k->identity;
	pthread_mutex_unlock(&k->lock);
	return ca;
}

struct import_keys *
connector_import_keys(struct connector_keys *k)
{
	return k->imports;
}

err_t
connector_keys_order(struct connector_keys *k, struct arena *a, enum order_kind kind,
    struct str sealed, struct order *ret)
{
	return keys_order_look(k->orders, a, kind, k->maker, sealed, ret);
}

/* NULL: it was not, or is over. */
static struct cert *
verified_find(struct connector_keys *k, struct str der)
{
	when_t now = when_now();
	struct cert *found = NULL;

	pthread_mutex_lock(&k->lock);
	for (size_t i = 0; i < VERIFIED && found == NULL; i++) {
		const struct verified *v = &k->verified[i];

		if (v->cert != NULL && v->until > now && str_eq(cert_der(v->cert), der) &&
		    cert_not_before(v->cert) <= now && cert_not_after(v->cert) > now)
			found = cert_share(v->cert);
	}
	pthread_mutex_unlock(&k->lock);
	return found;
}

static void
verified_note(struct connector_keys *k, struct cert *c)
{
	struct cert *old;

	pthread_mutex_lock(&k->lock);
	struct verified *v = &k->verified[k->verified_next++ % VERIFIED];

	old = v->cert;
	*v = (struct verified){ cert_share(c), when_now() + VERIFIED_S };
	pthread_mutex_unlock(&k->lock);
	cert_free(old);
}

err_t
connector_keys_device(struct connector_keys *k, struct str der, struct cert **ret)
{
	const struct cert *ca = identity_of(k);
	auto_cert struct cert *device = verified_find(k, der);

	if (device == NULL) {
		TRY_CTX(cert_parse(der, &device), "identity certificate of the device");
		if (ca == NULL)
			FAIL(ERR_NOT_JOINED, "no device-identity CA was named");
		TRY_CTX(cert_verify_under(device, ca, OID_EKU_CLIENT_AUTH, when_now()),
		    "identity certificate of the device");
		verified_note(k, device);
	}
	*ret = steal(device);
	return OK;
}

/* What goes into the request: that this key was made here, for this order and this device. */
static err_t
attest(struct connector_keys *k, struct arena *a, const struct key *key, const struct cert *device,
    struct str order, struct str *ret)
{
	uint8_t spki[32];

	TRY(key_spki_sha256(key, spki));
	return attest_make(a, k->maker,
	    &(struct attest){
		.order = order, .spki = STR(spki), .recipient = str_of(cert_sha256(device), 32) },
	    ret);
}

static err_t
begin(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct connector_keys *k = ctx;
	struct ckeys_begin_req req;
	struct ckeys_begin_rep rep;
	struct csr_spec spec = { 0 };
	auto_cert struct cert *device = NULL;
	auto_key struct key *key = NULL;
	enum key_alg alg;
	err_t e;

	TRY(ckeys_begin_req_parse(a, in, &req));
	alg = req.alg == CKEYS_EC ? KEY_EC : KEY_RSA;
	TRY(connector_keys_device(k, req.device_certificate, &device));
	TRY(keypool_want(k->pool, alg, req.bits)); /* what was asked for once will be again */
	TRY(keypool_take(k->pool, alg, req.bits, &key));
	spec.key_usage = alg == KEY_EC ? 0x80 : 0xA0; /* keys on curves encipher nothing */
	spec.subject = req.subject;
	spec.san = req.san;
	spec.sid = req.sid;
	spec.ekus = req.ekus.v;
	spec.nekus = req.ekus.n;
	TRY(attest(k, a, key, device, req.order, &spec.attest));
	TRY(csr_make(a, key, &spec, &rep.csr));
	pthread_mutex_lock(&k->lock);
	e = hold_locked(k, key, device, &rep.handle);
	pthread_mutex_unlock(&k->lock);
	TRY(e);
	(void)steal(key);
	return ckeys_begin_rep_encode(&rep, out);
}

static err_t
finish(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct connector_keys *k = ctx;
	struct ckeys_finish_req req;
	struct ckeys_finish_rep rep;
	struct packed packed;
	auto_cert struct cert *device = NULL;
	auto_key struct key *key = NULL;
	uint8_t whose[32];

	TRY(ckeys_finish_req_parse(a, in, &req));
	TRY(take(k, req.handle, &key, whose));
	TRY(connector_keys_device(k, req.device_certificate, &device));
	if (memcmp(whose, cert_sha256(device), sizeof(whose)) != 0)
		FAIL(ERR_HANDLE, "the key was made for another device");
	TRY_CTX(cert_for_key(req.leaf, key), "certificate from the CA");
	TRY(pack_key(a, &req.pack, device, key, req.leaf, req.chain.v, req.chain.n, &packed));
	rep.pfx = packed.pfx;
	rep.password = packed.password;
	return ckeys_finish_rep_encode(&rep, out);
}

static err_t
drop(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct connector_keys *k = ctx;
	struct ckeys_drop_req req;
	struct key *key = NULL;
	uint8_t whose[32];
	err_t e;

	(void)out;
	TRY(ckeys_drop_req_parse(a, in, &req));
	e = take(k, req.handle, &key, whose);
	if (!err_ok(e))
		err_forget(e); /* dropped is dropped */
	key_free(key);
	return OK;
}

/* Called with the lock held. */
static err_t
name_locked(struct connector_keys *k, const char *pem, struct cert *ca)
{
	if (k->identity != NULL && str_eq(cert_der(k->identity), cert_der(ca)))
		return OK;
	if (k->identity != NULL)
		FAIL(ERR_JOINED, "another device-identity CA was named before");
	TRY(file_write(k->identity_file, str_c(pem), 0600));
	k->identity = cert_share(ca);
	return OK;
}

static err_t
name_identity(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct connector_keys *k = ctx;
	struct ckeys_identity_req req;
	auto_cert struct cert *ca = NULL;
	err_t e;

	(void)out;
	TRY(ckeys_identity_req_parse(a, in, &req));
	TRY(read_identity(a, str_c(req.pem), &ca));
	pthread_mutex_lock(&k->lock);
	e = name_locked(k, req.pem, ca);
	pthread_mutex_unlock(&k->lock);
	return e;
}

static err_t
pool(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct connector_keys *k = ctx;
	struct keypool_state of[KEYPOOL_KINDS];
	struct ckeys_pool_rep rep = { .n = keypool_states(k->pool, of) };

	if (in.n != 0)
		FAIL(ERR_TRAILING, "%zu bytes", in.n);
	rep.v = arena_array(a, rep.n + 1, sizeof(*rep.v));
	for (size_t i = 0; i < rep.n; i++)
		rep.v[i] = (struct ckeys_level){ (uint16_t)of[i].bits, (uint32_t)of[i].ready,
			(uint32_t)of[i].room, (uint32_t)of[i].making, of[i].taken, of[i].waited,
			of[i].wait_ms };
	return ckeys_pool_rep_encode(&rep, out);
}

static err_t
maker(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct connector_keys *k = ctx;
	struct ckeys_maker_rep rep;

	if (in.n != 0)
		FAIL(ERR_TRAILING, "%zu bytes", in.n);
	TRY(key_spki(a, k->maker, &rep.spki));
	return ckeys_maker_rep_encode(&rep, out);
}

static err_t
name_order_key(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct connector_keys *k = ctx;
	struct ckeys_order_req req;

	(void)out;
	TRY(ckeys_order_req_parse(a, in, &req));
	return keys_order_name(k->orders, a, req.spki);
}

const struct ipc_verb connector_keys_verbs[] = {
	{ CKEYS_BEGIN, begin },
	{ CKEYS_FINISH, finish },
	{ CKEYS_DROP, drop },
	{ CKEYS_IDENTITY_CA, name_identity },
	{ CKEYS_POOL, pool },
	{ CKEYS_MAKER, maker },
	{ CKEYS_ORDER_KEY, name_order_key },
	{ PFX_KEY_MAKE, keys_pfx_make },
	{ PFX_KEY_LIST, keys_pfx_list },
	{ PFX_KEY_ADMIT, keys_pfx_admit },
	{ PFX_OPEN, keys_pfx_open },
	{ PFX_REWRAP, keys_pfx_rewrap },
	{ 0 },
};
