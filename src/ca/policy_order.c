/* SPDX-License-Identifier: Apache-2.0 */
/* Opening sealed orders: seal, kind, time, holder, challenge. */
#include "ca/policy.h"

#include "ca/attribute.h"
#include "ca/renewal.h"
#include "pki/seal.h"

struct order_keys {
	struct arena *a;
	struct str *v;
	size_t n;
};

static err_t
order_keys_tx(struct tx *tx, void *arg)
{
	struct order_keys *k = arg;

	return store_order_keys(tx, k->a, &k->v, &k->n);
}

static err_t
open_sealed(struct arena *a, const struct order_keys *spkis, struct str sealed, struct order *ret)
{
	struct key **keys = arena_array(a, spkis->n + 1, sizeof(struct key *));
	err_t e = OK;
	size_t n;

	for (n = 0; n < spkis->n && err_ok(e); n++)
		e = key_from_spki(spkis->v[n], &keys[n]);
	if (err_ok(e))
		e = seal_open(a, (const struct key *const *)keys, n, sealed, ret);
	for (size_t i = 0; i < n; i++)
		key_free(keys[i]);
	return e;
}

err_t
policy_order_open(struct store *s, struct arena *a, enum order_kind kind, struct str sealed,
    const struct policy_shown *by, struct order *ret)
{
	when_t now = by->at != 0 ? by->at : when_now();
	struct order_keys keys = { .a = a };
	struct order o;

	TRY(store_read(s, order_keys_tx, &keys));
	TRY(open_sealed(a, &keys, sealed, &o));
	if (o.kind != kind)
		FAIL(ERR_ORDER_CA, "it is not an order to %s",
		    kind == ORDER_ISSUE ? "issue" : "revoke");
	if (o.expires <= now)
		FAIL(ERR_ORDER_EXPIRED, "it expired at %s", when_text(a, o.expires));
	if (o.issued > now + POLICY_CLOCK_SKEW)
		FAIL(ERR_ORDER_EXPIRED, "it was made at %s, which is yet to come",
		    when_text(a, o.issued));
	if (!str_eq(o.holder, by->holder))
		FAIL(ERR_ORDER_HOLDER, "caller %s, holder %s", text_hex(a, by->holder),
		    text_hex(a, o.holder));
	/* An order that lies behind a challenge is worth nothing by itself: who carried it does not know the challenge. */
	if (!str_eq(o.challenge, by->challenge))
		FAIL(ERR_ORDER_CHALLENGE, "order %s, %s", id_text(a, o.id),
		    by->challenge.n == 0 ? "shown without its challenge" :
					   "shown with another challenge");
	*ret = o;
	return OK;
}

void
policy_order_note(struct str sealed, const struct order *o, struct policy_order *ret)
{
	ret->expires = o->expires;
	/* The last field of a sealed order: which key sealed it. */
	memcpy(ret->key, sealed.p + sealed.n - sizeof(ret->key), sizeof(ret->key));
}

err_t
policy_order_in_time(struct arena *a, const struct policy_order *o, when_t now)
{
	if (o->expires != 0 && o->expires <= now)
		FAIL(ERR_ORDER_EXPIRED, "it expired at %s", when_text(a, o->expires));
	return OK;
}

err_t
policy_order_still(struct tx *tx, struct arena *a, const struct policy_order *o, when_t now)
{
	uint8_t sha256[32];
	struct str *v;
	size_t n;

	if (o->expires == 0)
		return OK;
	TRY(policy_order_in_time(a, o, now));
	TRY(store_order_keys(tx, a, &v, &n));
	for (size_t i = 0; i < n; i++) {
		hash_sha256(v[i], sha256);
		if (memcmp(sha256, o->key, sizeof(sha256)) == 0)
			return OK;
	}
	FAIL(ERR_ORDER_SIGNATURE, "the service that sealed it is not admitted any more");
}

bool
policy_order_same(const struct issued *row, const struct grant *g)
{
	return id_eq(row->order, g->order) && id_eq(row->user, g->user) &&
	    id_eq(row->device, g->device) && str_ieq_c(str_c(row->ca), g->ca->name) &&
	    str_ieq_c(str_c(row->template), g->template.name) &&
	    str_eq_c(str_c(row->subject), g->subject_text) &&
	    str_eq_c(str_c(row->san), g->san_text);
}

/* Whose request has an order; it was opened when it was written down. */
static err_t
sid_asked(struct arena *a, const struct ca_submit_req *was, const char **ret)
{
	struct sealed s;
	struct order o;
	struct str bytes;

	TRY(text_unbase64(a, str_c(attribute_get(was, ATTRIBUTE_ORDER)), &bytes));
	TRY(sealed_parse(bytes, &s));
	TRY(order_parse(a, s.body, &o));
	*ret = o.sid;
	return OK;
}

err_t
policy_order_waits(struct arena *a, const struct issued *row, const struct ca_submit_req *was,
    const struct grant *g, bool *ret)
{
	const char *sid = "";

	if (attribute_get(was, ATTRIBUTE_ORDER)[0] != '\0' &&
	    (g->template.enrolment_flags & TEMPLATE_NO_SECURITY_EXTENSION) == 0)
		TRY(sid_asked(a, was, &sid));
	*ret = policy_order_same(row, g) && str_eq_c(str_c(sid), g->sid);
	return OK;
}

struct approved {
	struct arena *a;
	const struct grant *g;
	int64_t id;
};

static err_t
approved_tx(struct tx *tx, void *arg)
{
	struct approved *p = arg;
	struct issued row;
	const char *sid;
	int64_t id;

	TRY(store_order_approved_get(tx, p->g->order, &id));
	if (id == 0)
		return OK;
	TRY(store_issued_get(tx, p->a, id, &row));
	/* No certificate came of it: then it is not known for which SID it was. */
	if (row.cert.n == 0 || !policy_order_same(&row, p->g))
		return OK;
	TRY(renewal_sid(p->a, row.cert, &sid));
	if (str_eq_c(str_c(sid), p->g->sid))
		p->id = id;
	return OK;
}

err_t
policy_order_approved(struct store *s, struct arena *a, const struct grant *g, int64_t *ret)
{
	struct approved p = { .a = a, .g = g };

	if (g->ordered)
		TRY(store_read(s, approved_tx, &p));
	*ret = p.id;
	return OK;
}
