/* SPDX-License-Identifier: Apache-2.0 */
/* See relay.h. */
#include "model/relay.h"

#include "codec/der.h"
#include "model/job.h"
#include "model/request.h"
#include "pki/key.h"

struct asking {
	struct arena *a;
	struct relay row;
	bool there;
};

/* A request for a certificate with its signature left out, which on curves is another one each time. */
static struct str
content_of(const char *operation, struct str message)
{
	struct str rest = message, whole, content;
	err_t e;

	if (strcmp(operation, RELAY_CERTIFY) != 0)
		return message;
	e = der_take(&rest, DER_SEQUENCE, &whole);
	if (err_ok(e))
		e = der_take(&whole, DER_SEQUENCE, &content);
	if (err_ok(e))
		return content;
	err_forget(e);
	return message;
}

/* One row for one message: its id is made of what it says. */
static struct id
id_of(struct arena *a, struct id request, const char *operation, struct str message)
{
	uint8_t hash[32], of_message[32];
	struct id id;

	hash_sha256(content_of(operation, message), of_message);
	hash_sha256(str_c(arena_printf(a, "relay %s %s %s", id_text(a, request), operation,
			text_hex(a, STR(of_message)))),
	    hash);
	memcpy(id.b, hash, sizeof(id.b));
	return id;
}

static err_t
look(struct tx *tx, void *arg)
{
	struct asking *k = arg;
	struct relay row;
	err_t e = store_relay_get(tx, k->a, k->row.id, when_now(), &row);

	k->there = err_ok(e);
	if (k->there)
		k->row = row;
	if (!err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	return OK;
}

/* Is it a request that a device may make, or made and may renew? */
static err_t
addressed(struct tx *tx, struct asking *k)
{
	struct request r;
	err_t e = store_request_get(tx, k->a, k->row.request, &r);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		FAIL(ERR_SCEP_ADDRESS, "request %s", id_text(k->a, k->row.request));
	}
	TRY(e);
	if (r.kind != REQUEST_ENROL || r.ca[0] == '\0' ||
	    (r.state != REQUEST_READY && r.state != REQUEST_OFFERED && r.state != REQUEST_DONE))
		FAIL(ERR_SCEP_ADDRESS, "request %s is %s", id_text(k->a, r.id),
		    request_state_name(r.state));
	k->row.ca = r.ca;
	return OK;
}

static err_t
ask(struct tx *tx, void *arg)
{
	struct asking *k = arg;

	TRY(look(tx, k));
	if (k->there)
		return OK;
	TRY(addressed(tx, k));
	TRY(store_relay_insert(tx, &k->row));
	tx_notify(tx, TOPIC_QUEUE, STR_EMPTY);
	return OK;
}

static err_t
still_addressed(struct tx *tx, void *arg)
{
	return addressed(tx, arg);
}

static bool
is_lost(const struct relay *r)
{
	return strcmp(r->operation, RELAY_CERTIFY) == 0 && r->state == RELAY_TAKEN &&
	    when_now_ms() - r->created > RELAY_LOST * 1000;
}

err_t
relay_ask(struct store *s, struct arena *a, struct id request, const char *operation,
    struct str message, struct relay *ret)
{
	struct asking k = { .a = a,
		.row = { .id = id_of(a, request, operation, message),
		    .request = request,
		    .operation = operation,
		    .message = message,
		    .state = RELAY_WAITING,
		    .created = when_now_ms(),
		    .expires = when_now() + RELAY_LIFE } };

	TRY(store_read(s, look, &k));
	if (k.there && is_lost(&k.row)) {
		TRY(job_device_lost(s, a, &k.row));
		FAIL(ERR_CA_OUTCOME, "request %s", id_text(a, request));
	}
	/* A certificate is for who may still have it: it may have been kept for a day. */
	if (k.there && k.row.status == 200 && strcmp(operation, RELAY_CERTIFY) == 0)
		TRY(store_read(s, still_addressed, &k));
	if (!k.there)
		TRY(store_write(s, ask, &k));
	*ret = k.row;
	return OK;
}

static err_t
certified(struct tx *tx, void *arg)
{
	struct asking *k = arg;

	return store_relay_done(tx, k->a, k->row.request, RELAY_CERTIFY, when_now(), &k->row);
}

err_t
relay_certified(struct store *s, struct arena *a, struct id request, struct relay *ret)
{
	struct asking k = { .a = a, .row = { .request = request } };

	TRY(store_read(s, certified, &k));
	*ret = k.row;
	return OK;
}

struct owning {
	struct arena *a;
	struct id request, device;
};

static err_t
owned(struct tx *tx, void *arg)
{
	const struct owning *o = arg;
	struct request r;
	err_t e = store_request_get(tx, o->a, o->request, &r);

	if (!err_ok(e) && !err_is(e, ERR_NOT_FOUND))
		return e;
	if (!err_ok(e) || !id_eq(r.device, o->device)) {
		err_forget(e);
		FAIL(ERR_SCEP_ADDRESS, "request %s is none of this device",
		    id_text(o->a, o->request));
	}
	return OK;
}

err_t
relay_owned(struct store *s, struct arena *a, struct id request, struct id device)
{
	struct owning o = { .a = a, .request = request, .device = device };

	return store_read(s, owned, &o);
}

struct taking {
	struct arena *a;
	const struct connector *connector;
	const char *owner;
	struct relay *v;
	size_t n, max;
};

static err_t
waits(struct tx *tx, void *arg)
{
	struct taking *t = arg;
	int64_t n;

	TRY(store_relay_waiting(tx, &n));
	t->n = (size_t)n;
	return OK;
}

static err_t
take(struct tx *tx, void *arg)
{
	struct taking *t = arg;
	err_t e;

	for (t->n = 0; t->n < t->max; t->n++) {
		e = store_relay_take(
		    tx, t->a, t->connector->cas, t->owner, when_now_ms(), &t->v[t->n]);
		if (err_is(e, ERR_NOT_FOUND)) {
			err_forget(e);
			return OK;
		}
		TRY(e);
	}
	return OK;
}

err_t
relay_lease(struct store *s, struct arena *a, const struct connector *c, size_t max,
    struct relay **ret, size_t *retn)
{
	struct taking t = { .a = a,
		.connector = c,
		.owner = id_text(a, c->id),
		.v = arena_array(a, max + 1, sizeof(struct relay)),
		.max = max };

	*retn = 0;
	*ret = t.v;
	if (max == 0 || !request_list_has(c->features, "relay"))
		return OK;
	/* Connectors ask all the time: without a message on its way they only read. */
	TRY(store_read(s, waits, &t));
	if (t.n == 0)
		return OK;
	TRY(store_write(s, take, &t));
	*retn = t.n;
	return OK;
}

static err_t
answer(struct tx *tx, void *arg)
{
	const struct relay *r = arg;

	TRY(store_relay_answer(tx, r));
	if (r->status != 200)
		TRY(store_relay_expire(
		    tx, r->id, when_now() + (r->status == 202 ? RELAY_UNDECIDED : RELAY_LIFE)));
	tx_notify(tx, TOPIC_RELAY, id_str(&r->id));
	return OK;
}

err_t
relay_answer(struct store *s, struct arena *a, const struct connector *c, struct id id, int status,
    const char *type, struct str body)
{
	struct relay r = {
		.id = id, .owner = id_text(a, c->id), .status = status, .type = type, .body = body
	};

	return store_write(s, answer, &r);
}

struct sweeping {
	when_ms_t taken;
	int64_t over, lying;
};

static err_t
is_due(struct tx *tx, void *arg)
{
	struct sweeping *w = arg;

	TRY(store_relay_over(tx, when_now(), &w->over));
	return store_relay_lying(tx, w->taken, &w->lying);
}

static err_t
sweep(struct tx *tx, void *arg)
{
	const struct sweeping *w = arg;

	TRY(store_relay_prune(tx, when_now()));
	TRY(store_relay_give_back(tx, w->taken));
	if (w->lying > 0)
		tx_notify(tx, TOPIC_QUEUE, STR_EMPTY);
	return OK;
}

err_t
relay_sweep(struct store *s)
{
	struct sweeping w = { .taken = when_now_ms() - RELAY_PATIENCE * 1000 };

	TRY(store_read(s, is_due, &w));
	return w.over == 0 && w.lying == 0 ? OK : store_write(s, sweep, &w);
}
