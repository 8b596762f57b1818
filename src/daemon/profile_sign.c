/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/profile_sign.h"

#include "base/limits.h"
#include "codec/dn.h"
#include "codec/keys_ipc.h"
#include "codec/oid.h"
#include "pki/cert.h"
#include "pki/cms_sign.h"
#include "store/access.h"

#include <pthread.h>

#define SETTING "profile_signer"
#define NAME "Chancery profiles"

/* Seconds: a certificate that ends sooner is renewed; how long an order is good; how long a failed renewal rests. */
enum { RENEW_BEFORE = 30 * 86400, ORDER_LIFE = 600, REST = 600 };

struct profile_signer {
	struct store *store;
	struct ipc_client *keys;
	struct identity *identity;
	const struct service_join *join;
	struct id id;
	pthread_rwlock_t lock; /* writing: cert, key and rest change */
	when_t rest;           /* no renewal before */
	struct cert *cert;
	struct far_ipc far;
	struct key *key;
};

err_t
profile_signer_new(struct store *store, struct ipc_client *keys, struct identity *identity,
    const struct service_join *join, struct id id, struct profile_signer **ret)
{
	struct profile_signer *p = calloc(1, sizeof(*p));

	p->store = store;
	p->keys = keys;
	p->identity = identity;
	p->join = join;
	p->id = id;
	pthread_rwlock_init(&p->lock, NULL);
	*ret = p;
	return OK;
}

void
profile_signer_free(struct profile_signer *p)
{
	if (p == NULL)
		return;
	cert_free(p->cert);
	key_free(p->key);
	pthread_rwlock_destroy(&p->lock);
	free(p);
}

struct setting {
	struct arena *a;
	struct str value;
};

static err_t
get(struct tx *tx, void *arg)
{
	struct setting *s = arg;
	err_t e = store_setting_get(tx, s->a, SETTING, &s->value);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		s->value = STR_EMPTY;
		return OK;
	}
	return e;
}

static err_t
put(struct tx *tx, void *arg)
{
	struct setting *s = arg;

	return store_setting_put(tx, SETTING, s->value);
}

static err_t
adopt(struct profile_signer *p, struct arena *a, struct str der)
{
	auto_cert struct cert *cert = NULL;
	auto_key struct key *public = NULL, *key = NULL;
	struct str spki;

	TRY(cert_parse(der, &cert));
	TRY(cert_key(cert, &public));
	TRY(key_spki(a, public, &spki));
	p->far = (struct far_ipc){ p->keys, KEYS_SIGN, KEYS_PROFILE };
	TRY(far_key_open(&p->far, spki, &key));
	cert_free(p->cert);
	key_free(p->key);
	p->cert = steal(cert);
	p->key = steal(key);
	return OK;
}

static err_t
fetch_csr(struct profile_signer *p, struct arena *a, struct str *ret)
{
	struct keys_csr_req req = { .which = KEYS_PROFILE, .cn = NAME };
	struct keys_csr_rep rep;
	auto_buf struct buf in = { 0 };
	struct str out;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(keys_csr_req_encode(&req, &in));
	TRY(ipc_call(p->keys, a, KEYS_CSR, true, buf_str(&in), &out));
	TRY(keys_csr_rep_parse(a, out, &rep));
	*ret = rep.csr;
	return OK;
}

/* A new certificate; the one before is superseded by the order's later fence. */
static err_t
renew(struct profile_signer *p, struct arena *a)
{
	struct dn_ava ava = { "2.5.4.3", NAME };
	struct dn_rdn rdn = { &ava, 1 };
	struct order o = { .kind = ORDER_ISSUE, .id = p->id, .sid = "", .keep = "" };
	struct setting s = { .a = a };
	struct str csr, *chain;
	size_t n;

	o.fence = (uint64_t)when_now_ms();
	o.issued = when_now();
	o.expires = o.issued + ORDER_LIFE;
	o.ca = p->join->identity_name;
	o.template = "DeviceIdentity";
	TRY(dn_encode(a, &(struct dn){ &rdn, 1 }, &o.subject));
	o.ekus = (const char *[]){ OID_EKU_CLIENT_AUTH };
	o.nekus = 1;
	o.key_usage = 0x80; /* it only signs */
	o.holder = STR(p->join->holder);
	TRY(fetch_csr(p, a, &csr));
	TRY(identity_issue(p->identity, a, &o, csr, &s.value, &chain, &n));
	TRY(store_write(p->store, put, &s));
	return adopt(p, a, s.value);
}

/* Good for a while, or at least good and nothing better to be had at the moment. */
static bool
usable(const struct profile_signer *p, when_t now)
{
	if (p->cert == NULL || cert_not_after(p->cert) <= now)
		return false;
	return cert_not_after(p->cert) - now >= RENEW_BEFORE || now < p->rest;
}

/* Under the lock for writing. */
static err_t
prepare(struct profile_signer *p, struct arena *a)
{
	struct setting s = { .a = a };
	when_t now = when_now();
	err_t e;

	if (p->cert == NULL) {
		TRY(store_read(p->store, get, &s));
		e = s.value.n == 0 ? OK : adopt(p, a, s.value);
		err_forget(e); /* one that cannot be used is none */
	}
	if (usable(p, now))
		return OK;
	p->rest = now + REST;
	e = renew(p, a);
	if (!usable(p, now))
		return e;
	err_forget(e);
	return OK;
}

err_t
profile_sign(struct profile_signer *p, struct arena *a, struct str content, struct str *ret)
{
	err_t e = OK;

	pthread_rwlock_rdlock(&p->lock);
	if (!usable(p, when_now())) {
		pthread_rwlock_unlock(&p->lock);
		pthread_rwlock_wrlock(&p->lock);
		e = prepare(p, a);
	}
	if (err_ok(e))
		e = cms_sign(
		    a, p->cert, p->key, p->join->identity.v, p->join->identity.n, content, ret);
	pthread_rwlock_unlock(&p->lock);
	return e;
}
