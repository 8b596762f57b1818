/* SPDX-License-Identifier: Apache-2.0 */
/* The request's way to a certificate: see request.h. What happens after it, on the device, is in
 * delivery.c. */
#include "model/request.h"
#include "model/request_int.h"
#include "model/sent.h"
#include "model/status.h"
#include "store/user_pfx.h"

/* KEPT: how many of its newest requests a slot keeps on record whatever became of them. */
enum { BACKOFF_MAX = 300, REJECTED_RETRY = 3600, EXPIRED_FREE = 2, KEPT = 20 };

err_t
request_may_write(const struct tx *tx)
{
	if (!tx_writes(tx))
		FAIL(ERR_READ_ONLY, "%s", "");
	return OK;
}

bool
request_is_open(const struct request *r)
{
	return r->state >= REQUEST_QUEUED && r->state <= REQUEST_OFFERED;
}

bool
request_is_plain(enum request_kind k)
{
	return k == REQUEST_TRUST || k == REQUEST_NETWORK;
}

const char *
request_state_name(enum request_state s)
{
	switch (s) {
	case REQUEST_QUEUED:
		return "queued";
	case REQUEST_LEASED:
		return "leased";
	case REQUEST_READY:
		return "ready";
	case REQUEST_OFFERED:
		return "offered";
	case REQUEST_DONE:
		return "done";
	case REQUEST_FAILED:
		return "failed";
	case REQUEST_WITHDRAWN:
		return "withdrawn";
	}
	return "unknown";
}

static const char *
or_empty(const char *s)
{
	return s == NULL ? "" : s;
}

static err_t
note(struct tx *tx, const struct slot *s, struct id request, const struct step *step)
{
	const struct event e = { .slot = s->id,
		.request = request,
		.when = when_now_ms(),
		.actor = step->actor,
		.event = step->event,
		.detail = or_empty(step->detail),
		.fault = or_empty(step->why.fault) };

	return step->repeats ? store_event_repeat(tx, &e) : store_event_add(tx, &e);
}

err_t
request_note(struct tx *tx, const struct slot *s, struct id request, const char *actor,
    const char *event, const char *detail)
{
	TRY(request_may_write(tx));
	return note(
	    tx, s, request, &(struct step){ .actor = actor, .event = event, .detail = detail });
}

err_t
request_note_again(struct tx *tx, const struct slot *s, struct id request, const char *actor,
    const char *event, struct why why)
{
	TRY(request_may_write(tx));
	return note(tx, s, request,
	    &(struct step){ .actor = actor,
		.event = event,
		.detail = why.detail,
		.why = why,
		.repeats = true });
}

/* The slot tells what its newest request is about; a revocation speaks only where nothing else
 * is wanted. */
static err_t
slot_follow(struct tx *tx, struct slot *s, const struct request *r, const struct step *step)
{
	if (r->kind == REQUEST_REVOKE && s->wanted)
		return OK;
	if (r->kind != REQUEST_REVOKE)
		s->request = r->id;
	s->fault = or_empty(step->why.fault);
	s->detail = or_empty(step->why.detail);
	s->since = when_now_ms();
	return status_put(tx, s, r->kind == REQUEST_REVOKE ? NULL : r);
}

err_t
request_step(struct tx *tx, struct slot *s, struct request *r, enum request_state to,
    const struct step *step)
{
	enum request_state from = r->state;
	struct request next = *r;

	TRY(request_may_write(tx));
	next.state = to;
	next.updated = when_now_ms();
	next.fault = or_empty(step->why.fault);
	next.detail = or_empty(step->why.detail);
	if (to != REQUEST_LEASED)
		next.owner = "";
	if (to != REQUEST_LEASED && to != REQUEST_FAILED && r->kind != REQUEST_ENROL)
		next.sent = "";
	TRY(store_request_move(tx, &next, from, r->fence));
	*r = next;
	TRY(slot_follow(tx, s, r, step));
	return note(tx, s, r->id, step);
}

static err_t
insert(struct tx *tx, struct slot *s, const struct request *r, const struct step *step)
{
	TRY(request_may_write(tx));
	TRY(store_request_insert(tx, r));
	TRY(slot_follow(tx, s, r, step));
	TRY(note(tx, s, r->id, step));
	if (r->state == REQUEST_QUEUED)
		tx_notify(tx, TOPIC_QUEUE, STR_EMPTY);
	return OK;
}

/* attempts: those that came before, for the growing pauses. */
static err_t
request_start(struct tx *tx, struct slot *s, const struct primitive *p, uint32_t attempts,
    struct request *ret)
{
	struct request r = {
		.id = id_new_ordered(),
		.slot = s->id,
		.device = s->device,
		.attempts = attempts,
		.hash = p->hash,
		.created = when_now_ms(),
		.updated = when_now_ms(),
	};
	struct step step = { .actor = "service" };

	if (p->kind == PRIM_TRUST || p->kind == PRIM_NETWORK) {
		r.kind = p->kind == PRIM_TRUST ? REQUEST_TRUST : REQUEST_NETWORK;
		r.state = REQUEST_READY;
		r.leaf = p->kind == PRIM_TRUST ? p->der : p->hash;
		step.event = "ready";
	} else if (p->kind == PRIM_IMPORT) {
		r.kind = REQUEST_IMPORT;
		r.state = REQUEST_QUEUED;
		r.about = p->pfx[0].id;
		step.event = "queued";
		step.detail = p->pfx[0].thumbprint;
	} else {
		r.kind = p->kind == PRIM_ENROL ? REQUEST_ENROL : REQUEST_ISSUE;
		r.state = REQUEST_QUEUED;
		r.ca = p->ca;
		step.event = "queued";
		step.detail = p->ca;
	}
	/* Somebody else's CA asks us what a challenge stands for, and by EST the device shows who it is: nothing goes before. */
	if (p->kind == PRIM_ENROL && (p->est || p->ca[0] == '\0')) {
		r.state = REQUEST_READY;
		r.fence = 1;
		r.unissued = p->est; /* until an order is made for it */
		r.lease_until = p->est ? 0 : when_now() + REQUEST_CHALLENGE_LIFE;
		step.event = "ready";
		step.detail =
		    p->est ? "the device requests it by EST" : "its challenge is validated here";
	}
	TRY(insert(tx, s, &r, &step));
	TRY(store_request_prune(tx, s->device, s->id, KEPT));
	*ret = r;
	return OK;
}

err_t
request_insert(
    struct tx *tx, struct arena *a, struct slot *s, const struct primitive *p, struct request *ret)
{
	(void)a;
	return request_start(tx, s, p, 0, ret);
}

bool
request_list_has(const char *list, const char *name)
{
	struct str rest = str_c(list);

	while (rest.n > 0)
		if (str_ieq_c(str_trim(str_cut(&rest, ',')), name))
			return true;
	return false;
}

err_t
request_lease(struct tx *tx, struct arena *a, const struct connector *c, const char *owner,
    when_t now, when_t until, struct slot *ret_slot, struct request *ret)
{
	enum request_kind kinds[4];
	struct request r;
	struct slot s;
	size_t n = 0;

	TRY(request_may_write(tx));
	if (request_list_has(c->features, "pkcs"))
		kinds[n++] = REQUEST_ISSUE;
	if (request_list_has(c->features, "revoke"))
		kinds[n++] = REQUEST_REVOKE;
	/* Their orders are for a maker of keys that looks at them itself. */
	if (request_list_has(c->features, "pfx") && c->maker.n > 0)
		kinds[n++] = REQUEST_IMPORT;
	if (request_list_has(c->features, "scep"))
		kinds[n++] = REQUEST_ENROL;
	if (n == 0)
		FAIL(ERR_NOT_FOUND, "connector %s can do none of our jobs", c->name);
	TRY(store_request_lease(tx, a, kinds, n, c->cas,
	    c->import_keys == NULL ? "" : c->import_keys, owner, now, until, &r));
	TRY(store_slot_get(tx, a, r.slot, &s));
	/* Why it waited before is no news any more once somebody works on it; the slot keeps it
	 * until there is an answer. */
	TRY(note(tx, &s, r.id,
	    &(struct step){ .actor = arena_printf(a, "connector %s", c->name),
		.event = r.kind == REQUEST_REVOKE ? "revoke-leased" : "leased",
		.detail = arena_printf(a, "attempt %u", r.attempts),
		.repeats = true }));
	if (id_eq(s.request, r.id))
		TRY(status_put(tx, &s, &r));
	*ret_slot = s;
	*ret = r;
	return OK;
}

err_t
request_unlease(struct tx *tx, struct request *r)
{
	auto_arena struct arena *a = arena_new();
	struct request next = *r;
	struct slot s;

	next.state = REQUEST_QUEUED;
	next.owner = "";
	next.lease_until = 0;
	next.fence--;
	TRY(store_request_move(tx, &next, REQUEST_LEASED, r->fence));
	*r = next;
	TRY(store_slot_get(tx, a, r->slot, &s));
	return id_eq(s.request, r->id) ? status_put(tx, &s, r) : OK;
}

static int
backoff(uint32_t attempts, int first, int max)
{
	int s = first;

	for (uint32_t i = 1; i < attempts && s < max; i++)
		s *= 2;
	return s < max ? s : max;
}

err_t
request_expire(struct tx *tx, struct arena *a, struct slot *s, struct request *r)
{
	struct why why = { r->fault, r->detail };

	if (r->sent != NULL && r->sent[0] != '\0')
		return sent_lost(tx, a, s, r);
	r->lease_until = 0;
	if (r->attempts > EXPIRED_FREE)
		r->not_before = when_now() + backoff(r->attempts - EXPIRED_FREE, 1, BACKOFF_MAX);
	TRY(request_step(tx, s, r, REQUEST_QUEUED,
	    &(struct step){ .actor = "service",
		.event = "lease-expired",
		.detail = "the connector did not answer in time",
		.why = why,
		.repeats = true }));
	tx_notify(tx, TOPIC_QUEUE, STR_EMPTY);
	return OK;
}

err_t
request_postpone(struct tx *tx, struct arena *a, struct slot *s, struct request *r,
    const char *actor, struct why why)
{
	int wait = backoff(r->attempts, 1, BACKOFF_MAX);

	r->lease_until = 0;
	r->not_before = when_now() + wait;
	return request_step(tx, s, r, REQUEST_QUEUED,
	    &(struct step){ .actor = actor,
		.event = "postponed",
		.detail = arena_printf(a, "again in %d s: %s", wait, or_empty(why.detail)),
		.why = why,
		.repeats = true });
}

err_t
request_reject(struct tx *tx, struct arena *a, struct slot *s, struct request *r, const char *actor,
    struct why why)
{
	const struct step step = { .actor = actor,
		.event = "rejected",
		.detail = why.detail,
		.why = why,
		.repeats = true };

	r->lease_until = 0;
	r->not_before = when_now() + sent_pause(r, why.fault, REJECTED_RETRY);
	r->sent = "";
	/* A revocation is never given up: what must not be valid stays in the queue. */
	if (r->kind == REQUEST_REVOKE)
		return request_step(tx, s, r, REQUEST_QUEUED, &step);
	TRY(request_step(tx, s, r, REQUEST_FAILED, &step));
	return request_revoke_rest(tx, a, s);
}

err_t
request_retry(
    struct tx *tx, struct arena *a, struct slot *s, struct request *r, const struct primitive *p)
{
	uint32_t attempts = r->attempts;

	if (request_is_plain(r->kind)) {
		r->not_before = 0;
		return request_step(tx, s, r, REQUEST_READY,
		    &(struct step){ .actor = "service", .event = "retried" });
	}
	TRY(request_withdraw(tx, a, s, r, "tried again with a new request"));
	return request_start(tx, s, p, attempts, r);
}

err_t
request_complete(struct tx *tx, struct arena *a, struct slot *s, struct request *r,
    const char *actor, const struct issued *got)
{
	(void)a;
	r->lease_until = 0;
	r->not_before = 0;
	if (r->kind == REQUEST_REVOKE)
		return request_step(tx, s, r, REQUEST_DONE,
		    &(struct step){ .actor = actor, .event = "revoked", .detail = r->serial });
	if (r->kind == REQUEST_ENROL) {
		/* The order behind the challenge was made when it was leased. */
		r->lease_until = (when_t)(r->updated / 1000) + REQUEST_CHALLENGE_LIFE;
		TRY(request_step(tx, s, r, REQUEST_READY,
		    &(struct step){ .actor = actor, .event = "challenge-left", .detail = r->ca }));
		tx_notify(tx, TOPIC_DEVICE, id_str(&r->device));
		return OK;
	}
	r->leaf = got->leaf;
	r->sealed = got->sealed;
	r->password = got->password;
	r->serial = got->serial;
	TRY(request_step(tx, s, r, REQUEST_READY,
	    &(struct step){ .actor = actor,
		.event = r->kind == REQUEST_IMPORT ? "packed" : "issued",
		.detail = got->text }));
	tx_notify(tx, TOPIC_DEVICE, id_str(&r->device));
	return OK;
}

err_t
request_withdraw(
    struct tx *tx, struct arena *a, struct slot *s, struct request *r, const char *detail)
{
	r->lease_until = 0;
	r->sealed = r->password = STR_EMPTY;
	TRY(request_step(tx, s, r, REQUEST_WITHDRAWN,
	    &(struct step){ .actor = "service", .event = "withdrawn", .detail = detail }));
	return request_revoke_rest(tx, a, s);
}

/* A CA issues for it, under its id. One that asks us what a challenge stands for is told to revoke in another way. */
static bool
is_issuing(const struct request *r)
{
	return r->kind == REQUEST_ISSUE || r->kind == REQUEST_ENROL;
}

/* Whether what was issued for v[i] must not stay valid. */
static bool
is_over(const struct slot *s, const struct request *v, size_t n, size_t i)
{
	if (!is_issuing(&v[i]) || v[i].unissued || v[i].fence == 0 || v[i].ca == NULL ||
	    v[i].ca[0] == '\0')
		return false;
	if (v[i].state == REQUEST_WITHDRAWN || v[i].state == REQUEST_FAILED)
		return true;
	if (v[i].state != REQUEST_DONE)
		return false;
	for (size_t k = i + 1; k < n; k++)
		if (is_issuing(&v[k]) && v[k].state == REQUEST_DONE)
			return true;
	return !s->wanted;
}

static bool
is_revoked(const struct request *v, size_t n, struct id about)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].kind == REQUEST_REVOKE && v[i].state != REQUEST_WITHDRAWN &&
		    id_eq(v[i].about, about))
			return true;
	return false;
}

err_t
request_revoke_rest(struct tx *tx, struct arena *a, const struct slot *s)
{
	struct request *v, r;
	struct slot copy = *s;
	size_t n;

	TRY(request_may_write(tx));
	TRY(store_requests_of_slot(tx, a, s->id, &v, &n));
	for (size_t i = 0; i < n; i++) {
		if (!is_over(s, v, n, i) || is_revoked(v, n, v[i].id))
			continue;
		TRY(store_request_forget(tx, v[i].id));
		r = (struct request){
			.id = id_new_ordered(),
			.slot = s->id,
			.device = s->device,
			.kind = REQUEST_REVOKE,
			.state = REQUEST_QUEUED,
			.ca = v[i].ca,
			.about = v[i].id,
			.serial = v[i].serial,
			.ca_request = v[i].ca_request,
			.created = when_now_ms(),
			.updated = when_now_ms(),
		};
		TRY(insert(tx, &copy, &r,
		    &(struct step){
			.actor = "service", .event = "revoke-queued", .detail = v[i].serial }));
	}
	return OK;
}

err_t
request_revoked_there(
    struct tx *tx, struct arena *a, struct slot *s, const char *actor, size_t *ret)
{
	struct request *v;
	size_t n, done = 0;

	TRY(request_may_write(tx));
	TRY(store_requests_of_slot(tx, a, s->id, &v, &n));
	for (size_t i = 0; i < n; i++) {
		if (v[i].kind != REQUEST_REVOKE || v[i].state != REQUEST_QUEUED ||
		    strcmp(or_empty(v[i].fault), err_info(ERR_CA_NO_REVOKE)->id) != 0)
			continue;
		v[i].not_before = 0;
		TRY(request_step(tx, s, &v[i], REQUEST_DONE,
		    &(struct step){
			.actor = actor, .event = "revoked-by-hand", .detail = v[i].serial }));
		done++;
	}
	*ret = done;
	return done > 0 ? sent_settled(tx, a, s) : OK;
}

err_t
request_of(struct tx *tx, struct arena *a, const struct slot *s, bool *found, struct request *ret)
{
	*found = !id_is_zero(s->request);
	if (*found)
		TRY(store_request_get(tx, a, s->request, ret));
	return OK;
}
