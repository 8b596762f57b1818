/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/ocsp.h"

#include "ca/ocsp_signer.h"
#include "ca/revoke.h"
#include "ca/setting.h"
#include "ca/state.h"
#include "pki/ocsp.h"
#include "store/crl.h"

/* How far the clocks of those who ask may be behind ours; answers that are kept. */
enum { CLOCK_SKEW = 300, SLOTS = 4096 };

struct slot {
	uint8_t says[32]; /* hash of all that the answer states */
	when_t produced, this_update, next_update;
	uint8_t *der;
	size_t n;
};

/* How requests name the CAs of one hierarchy. */
struct names {
	const struct hierarchy *h;
	struct names *older;
	struct ocsp_issuer v[LIMIT_CAS];
};

struct ocsp_answers {
	pthread_mutex_t lock; /* guards what follows */
	struct names *names;  /* added to, never changed */
	struct slot slots[SLOTS];
};

struct ocsp_answers *
ocsp_answers_new(void)
{
	struct ocsp_answers *o = calloc(1, sizeof(*o));

	if (o == NULL)
		abort();
	pthread_mutex_init(&o->lock, NULL);
	return o;
}

void
ocsp_answers_free(struct ocsp_answers *o)
{
	if (o == NULL)
		return;
	while (o->names != NULL) {
		struct names *older = o->names->older;

		free(o->names);
		o->names = older;
	}
	for (size_t i = 0; i < SLOTS; i++)
		free(o->slots[i].der);
	pthread_mutex_destroy(&o->lock);
	free(o);
}

/* ---- which CA ---- */

static err_t
names_locked(struct ocsp_answers *o, const struct hierarchy *h, const struct names **ret)
{
	auto_free struct names *n = NULL;

	for (const struct names *x = o->names; x != NULL; x = x->older) {
		if (x->h == h) {
			*ret = x;
			return OK;
		}
	}
	n = calloc(1, sizeof(*n));
	if (n == NULL)
		abort();
	n->h = h;
	for (size_t i = 0; i < h->n; i++)
		TRY(ocsp_issuer(h->v[i].cert, &n->v[i]));
	n->older = o->names;
	o->names = n;
	*ret = steal(n);
	return OK;
}

static err_t
names_of(struct ocsp_answers *o, const struct hierarchy *h, const struct names **ret)
{
	err_t e;

	pthread_mutex_lock(&o->lock);
	e = names_locked(o, h, ret);
	pthread_mutex_unlock(&o->lock);
	return e;
}

static err_t
find_ca(const struct names *n, const struct ocsp_req *q, size_t *ret)
{
	for (size_t i = 0; i < n->h->n; i++) {
		if (!ocsp_issuer_is(&n->v[i], &q->v[0]))
			continue;
		if (q->ca[0] != '\0' && !str_ieq_c(str_c(q->ca), n->h->v[i].name))
			FAIL(ERR_OCSP_ISSUER, "it is %s, not %s", n->h->v[i].name, q->ca);
		*ret = i;
		return OK;
	}
	FAIL(ERR_OCSP_ISSUER, "%s", "");
}

/* ---- what the records say ---- */

struct look {
	struct arena *a;
	const struct ca *ca;
	const struct ocsp_issuer *issuer;
	const struct ocsp_req *q;
	struct ocsp_single *v;
	int64_t validity;
};

static err_t
status(struct tx *tx, struct look *l, const struct ocsp_id *id, struct ocsp_single *ret)
{
	const char *serial;
	struct cert_status s;
	err_t e;

	*ret = (struct ocsp_single){ .id = *id, .status = STATUS_UNKNOWN };
	/* Ours are positive and have 20 bytes at most. */
	if (!ocsp_issuer_is(l->issuer, id) || (id->serial.p[0] & 0x80) != 0 || id->serial.n > 20)
		return OK;
	TRY(serial_text(l->a, text_hex(l->a, id->serial), &serial));
	e = store_issued_status(tx, l->a, l->ca->name, serial, &s);
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		return OK;
	}
	TRY(e);
	if (s.state == ISSUED_VALID)
		ret->status = STATUS_GOOD;
	if (s.state == ISSUED_REVOKED) {
		ret->status = STATUS_REVOKED;
		ret->revoked = s.revoked;
		ret->reason = s.reason;
	}
	return OK;
}

static err_t
look_tx(struct tx *tx, void *arg)
{
	struct look *l = arg;

	TRY(setting_get(tx, SETTING_OCSP_VALIDITY, &l->validity));
	for (size_t i = 0; i < l->q->n; i++)
		TRY(status(tx, l, &l->q->v[i], &l->v[i]));
	return OK;
}

/* ---- answers that are kept ---- */

static err_t
hash_of(const struct ocsp_single *s, const struct ocsp_signer *by, uint8_t ret[32])
{
	auto_buf struct buf b;

	buf_init(&b, 512);
	TRY(buf_put(&b, str_of(cert_sha256(by->cert), 32)));
	TRY(buf_printf(&b, "%d %d %d %lld %d ", s->id.hash, s->id.params, s->status,
	    (long long)s->revoked, s->reason));
	TRY(buf_put(&b, s->id.key_hash));
	TRY(buf_put(&b, s->id.serial));
	hash_sha256(buf_str(&b), ret);
	return OK;
}

static struct slot *
slot_of(struct ocsp_answers *o, const uint8_t says[32])
{
	return &o->slots[((size_t)says[0] << 8 | says[1]) % SLOTS];
}

static bool
kept(struct ocsp_answers *o, struct arena *a, const uint8_t says[32], int64_t most,
    struct ocsp_rep *ret)
{
	const struct slot *s;
	when_t now = when_now();
	bool found;

	pthread_mutex_lock(&o->lock);
	s = slot_of(o, says);
	found = s->der != NULL && memcmp(s->says, says, 32) == 0 && s->produced <= now &&
	    now - s->produced < most;
	if (found)
		*ret = (struct ocsp_rep){ arena_str(a, str_of(s->der, s->n)), s->this_update,
			s->next_update };
	pthread_mutex_unlock(&o->lock);
	return found;
}

static void
keep(struct ocsp_answers *o, const uint8_t says[32], when_t produced, const struct ocsp_rep *rep)
{
	uint8_t *der = malloc(rep->der.n);
	struct slot *s;

	if (der == NULL)
		abort();
	memcpy(der, rep->der.p, rep->der.n);
	pthread_mutex_lock(&o->lock);
	s = slot_of(o, says);
	free(s->der);
	*s = (struct slot){ .produced = produced,
		.this_update = rep->this_update,
		.next_update = rep->next_update,
		.der = der,
		.n = rep->der.n };
	memcpy(s->says, says, 32);
	pthread_mutex_unlock(&o->lock);
}

/* ---- serving ---- */

static err_t
make(struct arena *a, const struct look *l, const struct ocsp_signer *by, when_t now,
    struct ocsp_rep *ret)
{
	struct ocsp_answer s = { .v = l->v,
		.n = l->q->n,
		.produced = now,
		.this_update = now - CLOCK_SKEW,
		.next_update = now + l->validity,
		.nonce = l->q->nonce,
		.signer = by->cert,
		.key = by->key,
		.key_id = by->key_id };

	if (s.this_update < cert_not_before(by->cert))
		s.this_update = cert_not_before(by->cert);
	if (s.next_update > cert_not_after(by->cert))
		s.next_update = cert_not_after(by->cert);
	ret->this_update = s.this_update;
	ret->next_update = s.next_update;
	return ocsp_answer_make(a, &s, &ret->der);
}

err_t
ocsp_serve(struct issuer *is, struct arena *a, const struct ocsp_req *q, struct ocsp_rep *ret)
{
	struct look l = { .a = a, .q = q };
	bool single = q->n == 1 && q->nonce.n == 0;
	when_t now = when_now();
	const struct names *names;
	struct ocsp_signer by;
	uint8_t says[32];
	size_t at;

	TRY(names_of(is->ocsp, issuer_hierarchy(is), &names));
	TRY(find_ca(names, q, &at));
	l.ca = &names->h->v[at];
	l.issuer = &names->v[at];
	l.v = arena_array(a, q->n, sizeof(*l.v));
	TRY(store_read(is->store, look_tx, &l));
	TRY(ocsp_signer_get(is, l.ca, &by));
	if (!single)
		return make(a, &l, &by, now, ret);
	TRY(hash_of(&l.v[0], &by, says));
	if (kept(is->ocsp, a, says, l.validity / 2, ret))
		return OK;
	TRY(make(a, &l, &by, now, ret));
	keep(is->ocsp, says, now, ret);
	return OK;
}
