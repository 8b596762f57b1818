/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for keys that devices made and request by EST, at any CA: see job.h. */
#include "model/asked.h"
#include "model/job_int.h"
#include "model/relay.h"
#include "model/request.h"
#include "model/sent.h"

enum { KEY_NAME = 20 /* bytes of the key's hash that name it */ };

static err_t
match(struct arena *a, const struct csr *csr, const struct primitive *what)
{
	const char *code, *why;

	TRY(asked_match(a, csr, what, true, &code, &why));
	if (code != NULL)
		FAIL(asked_fault(code), "%s%s%s", code, why[0] == '\0' ? "" : ": ", why);
	/* The order names it; some CAs would look at the request as well. */
	if (csr->template[0] != '\0' && !str_ieq_c(str_c(csr->template), what->template))
		FAIL(ERR_ORDER_TEMPLATE, "requested %s, ordered %s", csr->template, what->template);
	return OK;
}

struct ordering {
	struct arena *a;
	const struct connector *connector;
	struct id request;
	const struct csr *csr;
	struct order order;
	const char *ca_request;
};

static bool
is_open(const struct request *r)
{
	return r->state == REQUEST_READY || r->state == REQUEST_OFFERED || r->state == REQUEST_DONE;
}

/* The key is granted the request before its order leaves: no other one is. */
static err_t
grant(struct tx *tx, struct ordering *g, const struct slot *s, struct request *r)
{
	const char *key = text_hex(g->a, str_of(g->csr->spki_sha256, KEY_NAME));

	if (r->sent[0] != '\0')
		FAIL(ERR_FENCE, "request %s was sent to the CA, which has not answered yet",
		    id_text(g->a, r->id));
	if (r->keep[0] != '\0' && strcmp(r->keep, key) != 0)
		FAIL(ERR_ORDER_KEY, "request %s was made with another key", id_text(g->a, r->id));
	if (r->keep[0] != '\0' && !r->unissued)
		return OK;
	r->keep = key;
	r->unissued = false;
	TRY(store_request_move(tx, r, r->state, r->fence));
	return request_note(
	    tx, s, r->id, arena_printf(g->a, "connector %s", g->connector->name), "validated", "");
}

static err_t
order(struct tx *tx, void *arg)
{
	struct ordering *g = arg;
	const struct desired *d = NULL;
	struct device device;
	struct request r;
	struct slot s;

	TRY(store_request_get(tx, g->a, g->request, &r));
	TRY(store_slot_get(tx, g->a, r.slot, &s));
	TRY(job_wanted(tx, g->a, &s, &device, &d));
	if (r.kind != REQUEST_ENROL || !is_open(&r) || d == NULL || d->fault != NULL ||
	    !d->what.est || !str_eq(d->what.hash, r.hash))
		FAIL(ERR_SCEP_ADDRESS, "request %s is not to be made by EST (any more)",
		    id_text(g->a, r.id));
	TRY(match(g->a, g->csr, &d->what));
	TRY(grant(tx, g, &s, &r));
	g->ca_request = r.ca_request;
	return job_order_of(g->a, g->connector, &s, &r, d, &device, &g->order);
}

err_t
job_device_order(struct store *s, struct arena *a, const struct connector *c, struct id request,
    const struct csr *csr, struct order *ret, const char **ret_ca_request)
{
	struct ordering g = { .a = a, .connector = c, .request = request, .csr = csr };

	TRY(store_write(s, order, &g));
	*ret = g.order;
	/* The CA knows this connector, and the order knows the key. */
	ret->holder = c->holder;
	ret->spki = STR(csr->spki_sha256);
	*ret_ca_request = g.ca_request;
	return OK;
}

struct telling {
	struct arena *a;
	const struct connector *connector;
	struct id message;
	const struct job_told *told; /* NULL: it is about to be sent */
	bool there;
};

static err_t
find(struct tx *tx, struct telling *t, struct relay *row, struct request *r, struct slot *s)
{
	err_t e = store_relay_get(tx, t->a, t->message, when_now(), row);

	t->there = err_ok(e) && strcmp(row->operation, RELAY_CERTIFY) == 0;
	if (err_is(e, ERR_NOT_FOUND))
		err_forget(e);
	else
		TRY(e);
	if (!t->there)
		return OK;
	TRY(store_request_get(tx, t->a, row->request, r));
	return store_slot_get(tx, t->a, r->slot, s);
}

static err_t
sending(struct tx *tx, void *arg)
{
	struct telling *t = arg;
	const char *id = id_text(t->a, t->connector->id);
	struct request r;
	struct relay row;
	struct slot s;

	TRY(find(tx, t, &row, &r, &s));
	if (!t->there)
		FAIL(ERR_FENCE, "no such message is on its way");
	if (row.state != RELAY_TAKEN || strcmp(row.owner, id) != 0 || !is_open(&r) ||
	    (r.sent[0] != '\0' && strcmp(r.sent, id) != 0))
		FAIL(ERR_FENCE, "the message went elsewhere, or request %s is %s",
		    id_text(t->a, r.id), request_state_name(r.state));
	/* Nobody else is given it, and its answer is kept for who asks again. */
	TRY(store_relay_keep(tx, row.id, id, when_now() + RELAY_KEPT));
	r.sent = id;
	TRY(store_request_move(tx, &r, r.state, r.fence));
	return request_note(
	    tx, &s, r.id, arena_printf(t->a, "connector %s", t->connector->name), "sent", r.ca);
}

err_t
job_device_sending(struct store *s, struct arena *a, const struct connector *c, struct id message)
{
	struct telling t = { .a = a, .connector = c, .message = message };

	return store_write(s, sending, &t);
}

static err_t
refused(struct tx *tx, struct telling *t, struct slot *s, struct request *r)
{
	const struct err_info *known = err_info_by_id(t->told->fault);
	const struct why why = { known != NULL && known->code != ERR_NONE ?
		    known->id :
		    err_info(ERR_CA_REJECTED)->id,
		t->told->detail };

	sent_refused(r, why.fault);
	return request_reject(
	    tx, t->a, s, r, arena_printf(t->a, "connector %s", t->connector->name), why);
}

static err_t
told(struct tx *tx, void *arg)
{
	struct telling *t = arg;
	const struct job_told *k = t->told;
	struct request r;
	struct relay row;
	struct slot s;

	TRY(find(tx, t, &row, &r, &s));
	/* The word of who has it, and of nobody else. */
	if (!t->there || row.state == RELAY_ANSWERED ||
	    strcmp(row.owner, id_text(t->a, t->connector->id)) != 0)
		return OK;
	/* It is over: what was issued all the same is named for its revocation. */
	if (!is_open(&r))
		return k->serial[0] == '\0' ? OK :
					      sent_named(tx, t->a, t->connector, r.id, k->serial);
	if (r.state != REQUEST_DONE && k->fault[0] != '\0')
		return refused(tx, t, &s, &r);
	if (r.sent[0] == '\0' && k->serial[0] == '\0' && k->ca_request[0] == '\0')
		return OK;
	/* Its number is known no more, so whoever asks again must find the answer itself. */
	if (r.ca_request[0] != '\0' && k->serial[0] != '\0')
		TRY(store_relay_expire(tx, row.id, when_now() + RELAY_KEPT));
	r.sent = "";
	r.ca_request = k->serial[0] != '\0' ? "" : k->ca_request;
	if (k->serial[0] != '\0')
		r.serial = k->serial;
	return store_request_move(tx, &r, r.state, r.fence);
}

err_t
job_device_told(struct store *s, struct arena *a, const struct connector *c, struct id message,
    const struct job_told *said)
{
	struct telling t = { .a = a, .connector = c, .message = message, .told = said };

	return store_write(s, told, &t);
}

struct losing {
	struct arena *a;
	const struct relay *row;
};

static err_t
lose(struct tx *tx, void *arg)
{
	struct losing *l = arg;
	const char *fault = err_info(ERR_CA_OUTCOME)->id;
	struct request r;
	struct slot s;

	TRY(store_request_get(tx, l->a, l->row->request, &r));
	if (!is_open(&r) || r.sent[0] == '\0')
		return OK;
	TRY(store_slot_get(tx, l->a, r.slot, &s));
	return request_reject(tx, l->a, &s, &r, "service",
	    (struct why){ fault,
		arena_printf(l->a, "request %s was sent to \"%s\", and no answer came back",
		    id_text(l->a, r.id), r.ca) });
}

err_t
job_device_lost(struct store *s, struct arena *a, const struct relay *row)
{
	struct losing l = { .a = a, .row = row };

	return store_write(s, lose, &l);
}
