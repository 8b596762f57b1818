/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/revoke.h"

#include "ca/crl.h"
#include "ca/policy.h"
#include "ca/state.h"
#include "store/pending.h"

err_t
serial_text(struct arena *a, const char *in, const char **ret)
{
	size_t n = strlen(in), k = 0;
	char *out = arena_alloc(a, n + 1);

	for (size_t i = 0; i < n; i++) {
		char c = in[i];

		if (c == ' ' || c == ':')
			continue;
		if (c >= 'A' && c <= 'F')
			c = (char)(c - 'A' + 'a');
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			FAIL(ERR_BAD_REQUEST, "a serial number is written in hexadecimal digits");
		out[k++] = c;
	}
	/* Whole bytes, as records have them; a zero byte in front is DER's. */
	while (k > 2 && out[0] == '0' && out[1] == '0') {
		memmove(out, out + 2, k - 2);
		k -= 2;
	}
	out[k] = '\0';
	if (k == 0 || k > 40)
		FAIL(ERR_BAD_REQUEST, "a serial number has 1 to 20 bytes");
	*ret = k % 2 == 0 ? out : arena_printf(a, "0%s", out);
	return OK;
}

static bool
on_hold(const struct issued *x)
{
	return x->state == ISSUED_REVOKED && x->reason == REASON_HOLD && x->cert.n > 0;
}

/* Nothing was issued yet, so nothing is revoked. */
static err_t
drop_waiting(struct tx *tx, struct arena *a, const struct issued *x, const char *actor)
{
	struct issued y = *x;

	y.state = ISSUED_DENIED;
	y.resolved = when_now();
	y.hresult = 0x80094003; /* CERTSRV_E_BAD_REQUESTSTATUS */
	y.message = arena_printf(a, "Withdrawn: a newer order, or the end of it, by %s", actor);
	TRY(store_issued_update(tx, &y, ISSUED_PENDING));
	TRY(store_pending_delete(tx, x->id));
	return store_journal_add(tx, actor, "denied",
	    arena_printf(a, "request=%lld ca=%s reason=withdrawn", (long long)x->id, x->ca));
}

err_t
revoke_record(struct tx *tx, const struct issued *x, int reason, const char *actor, bool *ret_done)
{
	auto_arena struct arena *a = arena_new();
	struct issued y = *x;
	uint32_t shard;

	*ret_done = false;
	if (x->state == ISSUED_PENDING)
		return drop_waiting(tx, a, x, actor);
	if (x->state != ISSUED_VALID && x->state != ISSUED_INTENT &&
	    !(on_hold(x) && reason != REASON_HOLD))
		return OK;
	y.state = ISSUED_REVOKED;
	y.reason = reason;
	y.revoked = when_now();
	if (x->state == ISSUED_INTENT)
		y.resolved = y.revoked;
	y.message = arena_printf(a, "Revoked by %s", actor);
	TRY(store_issued_update(tx, &y, x->state));
	TRY(store_issued_shard(tx, x->id, &shard));
	TRY(crl_mark(tx, x->ca, shard));
	TRY(store_journal_add(tx, actor, "revoked",
	    arena_printf(a, "request=%lld ca=%s serial=%s reason=%d subject=%s", (long long)x->id,
		x->ca, x->serial, reason, x->subject)));
	*ret_done = true;
	return OK;
}

err_t
revoke_under(struct tx *tx, struct arena *a, struct id order, const char *ca, const char *keep,
    int reason, const char *actor, uint32_t *ret_count)
{
	struct issued *v;
	uint32_t count = 0;
	size_t n;

	TRY(store_issued_by_order(tx, a, order, &v, &n));
	for (size_t i = 0; i < n; i++) {
		bool done;

		if (ca != NULL && !str_ieq_c(str_c(v[i].ca), ca))
			continue;
		if (keep[0] != '\0' && str_ieq_c(str_c(v[i].serial), keep))
			continue;
		TRY(revoke_record(tx, &v[i], reason, actor, &done));
		count += done ? 1 : 0;
	}
	*ret_count = count;
	return OK;
}

struct by_order {
	struct arena *a;
	const uint8_t *sha256;
	const struct order *o;
	const char *keep;
	struct caller caller;
	uint32_t count;
};

static err_t
officer_tx(struct tx *tx, void *arg)
{
	struct by_order *b = arg;

	TRY(caller_principal(tx, b->a, b->sha256, &b->caller));
	if (!(b->caller.who.ca_rights & CA_RIGHT_OFFICER))
		FAIL(ERR_CA_OFFICER_DENIED, "principal %s", b->caller.who.name);
	return OK;
}

static err_t
by_order_tx(struct tx *tx, void *arg)
{
	struct by_order *b = arg;
	uint64_t fence = 0;
	bool closed = false;

	TRY(officer_tx(tx, b));
	TRY(revoke_under(tx, b->a, b->o->id, b->o->ca, b->keep, REASON_CESSATION,
	    b->caller.who.name, &b->count));
	TRY(store_order_state_get(tx, b->o->id, &fence, &closed));
	if (b->o->fence > fence)
		fence = b->o->fence;
	TRY(store_order_state_put(tx, b->o->id, fence, true));
	return store_journal_add(tx, b->caller.who.name, "order-closed",
	    arena_printf(b->a, "order=%s ca=%s keep=%s revoked=%u", id_text(b->a, b->o->id),
		b->o->ca, b->keep, b->count));
}

err_t
revoke_by_order(
    struct issuer *is, struct arena *a, struct str caller, struct str sealed, uint32_t *ret_count)
{
	const struct hierarchy *h = issuer_hierarchy(is);
	struct by_order b = { .a = a, .keep = "" };
	const struct ca *ca;
	uint8_t sha256[32];
	struct order o;

	TRY(caller_certificate(h, caller, sha256));
	b.sha256 = sha256;
	TRY(store_read(is->store, officer_tx, &b));
	TRY(policy_order_open(is->store, a, ORDER_REVOKE, sealed,
	    &(struct policy_shown){ .holder = STR(sha256) }, &o));
	TRY(hierarchy_find(h, o.ca, &ca));
	if (id_is_zero(o.id))
		FAIL(ERR_ORDER, "%s", "it has no request id");
	if (o.keep[0] != '\0')
		TRY(serial_text(a, o.keep, &b.keep));
	b.o = &o;
	TRY(store_write(is->store, by_order_tx, &b));
	*ret_count = b.count;
	return OK;
}

struct by_serial {
	struct issuer *is;
	struct arena *a;
	const char *ca, *serial;
	int reason;
};

static err_t
find_serial(struct tx *tx, struct by_serial *b, struct issued *ret)
{
	const struct hierarchy *h = issuer_hierarchy(b->is);
	err_t e = { ERR_NOT_FOUND };

	if (b->ca != NULL)
		return store_issued_by_serial(tx, b->a, b->ca, b->serial, ret);
	for (size_t i = 0; i < h->n && err_is(e, ERR_NOT_FOUND); i++) {
		err_forget(e);
		e = store_issued_by_serial(tx, b->a, h->v[i].name, b->serial, ret);
	}
	return e;
}

static err_t
by_serial_tx(struct tx *tx, void *arg)
{
	struct by_serial *b = arg;
	struct issued x;
	bool done;

	TRY(find_serial(tx, b, &x));
	TRY(revoke_record(tx, &x, b->reason, "administrator", &done));
	if (!done)
		FAIL(ERR_CONFLICT, "the certificate with serial %s is not valid any more",
		    b->serial);
	return OK;
}

err_t
revoke_by_serial(struct issuer *is, struct arena *a, const char *ca, const char *serial, int reason)
{
	struct by_serial b = { .is = is, .a = a, .ca = ca, .reason = reason };

	TRY(serial_text(a, serial, &b.serial));
	TRY(store_write(is->store, by_serial_tx, &b));
	return OK;
}

static err_t
release_tx(struct tx *tx, void *arg)
{
	struct by_serial *b = arg;
	struct issued x;
	uint32_t shard;

	TRY(find_serial(tx, b, &x));
	if (!on_hold(&x))
		FAIL(ERR_NOT_ON_HOLD, "serial %s: %s", b->serial, x.message);
	x.state = ISSUED_VALID;
	x.reason = 0;
	x.revoked = 0;
	x.message = "Unrevoked by administrator";
	TRY(store_issued_update(tx, &x, ISSUED_REVOKED));
	TRY(store_issued_shard(tx, x.id, &shard));
	TRY(crl_release(tx, x.ca, shard, x.serial));
	return store_journal_add(tx, "administrator", "released",
	    arena_printf(b->a, "request=%lld ca=%s serial=%s", (long long)x.id, x.ca, x.serial));
}

err_t
revoke_release(struct issuer *is, struct arena *a, const char *ca, const char *serial)
{
	struct by_serial b = { .is = is, .a = a, .ca = ca };

	TRY(serial_text(a, serial, &b.serial));
	return store_write(is->store, release_tx, &b);
}
