/* SPDX-License-Identifier: Apache-2.0 */
#include "model/revoked.h"

#include "model/request.h"
#include "model/status.h"

struct taking {
	struct arena *a;
	const struct connector *connector;
	const struct revoked_item *v;
	size_t n, changed;
};

/* The slot's certificate is worth nothing any more: what was reached is not, and nothing is offered a second time. */
static err_t
lose(struct tx *tx, struct taking *t, struct slot *s, struct request *r, const char *detail)
{
	if (!s->wanted || !id_eq(s->request, r->id) || s->reached_hash.n == 0)
		return OK;
	TRY(request_note(tx, s, r->id, "authority", "revoked", detail));
	TRY(delivery_forget(tx, r));
	s->reached_hash = STR_EMPTY;
	s->since = when_now_ms();
	TRY(status_put(tx, s, r));
	tx_notify(tx, TOPIC_DEVICE, id_str(&r->device));
	t->changed++;
	return OK;
}

static err_t
take_one(struct tx *tx, struct taking *t, const struct revoked_item *x)
{
	const char *detail = arena_printf(
	    t->a, "serial %s was revoked at the authority, reason %d", x->serial, x->reason);
	struct request r;
	struct slot s;
	err_t e = store_request_get(tx, t->a, x->request, &r);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		return OK;
	}
	TRY(e);
	if ((r.kind != REQUEST_ISSUE && r.kind != REQUEST_ENROL) ||
	    !str_ieq_c(str_c(r.serial), x->serial) || !request_list_has(t->connector->cas, r.ca))
		return OK;
	TRY(store_slot_get(tx, t->a, r.slot, &s));
	if (r.state == REQUEST_DONE)
		return lose(tx, t, &s, &r, detail);
	if (r.state != REQUEST_READY && r.state != REQUEST_OFFERED)
		return OK;
	t->changed++;
	tx_notify(tx, TOPIC_DEVICE, id_str(&r.device));
	return request_withdraw(tx, t->a, &s, &r, detail);
}

static err_t
take(struct tx *tx, void *arg)
{
	struct taking *t = arg;

	t->changed = 0;
	for (size_t i = 0; i < t->n; i++)
		TRY(take_one(tx, t, &t->v[i]));
	return OK;
}

err_t
revoked_take(struct store *s, struct arena *a, const struct connector *c,
    const struct revoked_item *v, size_t n, size_t *ret)
{
	struct taking t = { .a = a, .connector = c, .v = v, .n = n };

	TRY(store_write(s, take, &t));
	*ret = t.changed;
	return OK;
}
