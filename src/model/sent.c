/* SPDX-License-Identifier: Apache-2.0 */
#include "model/sent.h"

#include "model/request_int.h"

#include <string.h>

enum { LOST_RETRY = 3600, PAUSE_MAX = 86400 };

/* Faults after which a certificate may lie at the CA that nobody has. */
static const enum err_code open_ends[] = { ERR_CA_OUTCOME, ERR_CA_UNUSED, ERR_CA_APPROVAL };

static bool
is_open_end(const char *fault)
{
	for (size_t i = 0; i < COUNT(open_ends); i++)
		if (fault != NULL && strcmp(fault, err_info(open_ends[i])->id) == 0)
			return true;
	return false;
}

/* "<connector>" or "<connector>/<worker>". */
static bool
is_owner(struct arena *a, const struct request *r, const struct connector *c)
{
	struct str owner = str_c(r->owner);

	return str_eq_c(str_cut(&owner, '/'), id_text(a, c->id));
}

err_t
sent_begin(
    struct tx *tx, struct arena *a, const struct connector *c, struct id request, uint64_t fence)
{
	struct request r;
	struct slot s;

	TRY(request_may_write(tx));
	TRY(store_request_get(tx, a, request, &r));
	if (r.state != REQUEST_LEASED || r.fence != fence || r.kind != REQUEST_ISSUE ||
	    !is_owner(a, &r, c))
		FAIL(ERR_FENCE, "request %s is %s with fence %llu, to be sent is %llu",
		    id_text(a, r.id), request_state_name(r.state), (unsigned long long)r.fence,
		    (unsigned long long)fence);
	if (r.sent[0] != '\0')
		return OK;
	r.sent = id_text(a, c->id);
	TRY(store_request_move(tx, &r, REQUEST_LEASED, fence));
	TRY(store_slot_get(tx, a, r.slot, &s));
	return request_note(tx, &s, r.id, arena_printf(a, "connector %s", c->name), "sent", r.ca);
}

int
sent_pause(const struct request *r, const char *fault, int usual)
{
	int pause = usual;

	if (!is_open_end(fault))
		return usual;
	for (uint32_t i = 1; i < r->attempts && pause < PAUSE_MAX; i++)
		pause *= 2;
	return pause < PAUSE_MAX ? pause : PAUSE_MAX;
}

err_t
sent_lost(struct tx *tx, struct arena *a, struct slot *s, struct request *r)
{
	const char *fault = err_info(ERR_CA_OUTCOME)->id;
	const struct why why = { fault,
		arena_printf(a,
		    "request %s was being sent to \"%s\" when the connector was last heard of, at %s",
		    id_text(a, r->id), r->ca, when_text_ms(a, r->updated)) };

	r->lease_until = 0;
	r->not_before = when_now() + sent_pause(r, fault, LOST_RETRY);
	TRY(request_step(tx, s, r, REQUEST_FAILED,
	    &(struct step){ .actor = "service",
		.event = "outcome-unknown",
		.detail = why.detail,
		.why = why }));
	return request_revoke_rest(tx, a, s);
}

bool
sent_awaits(struct arena *a, const struct request *r, const struct connector *c, uint64_t fence)
{
	return r->state == REQUEST_FAILED && r->fence == fence && r->sent != NULL &&
	    strcmp(r->sent, id_text(a, c->id)) == 0;
}

void
sent_refused(struct request *r, const char *fault)
{
	r->unissued = (r->kind == REQUEST_ISSUE || r->kind == REQUEST_ENROL) &&
	    r->sent[0] != '\0' && r->serial[0] == '\0' && !is_open_end(fault);
}

err_t
sent_call_off(struct tx *tx, struct arena *a, struct slot *s, const struct request *r)
{
	struct request *v, revocation;
	size_t n;

	TRY(store_requests_of_slot(tx, a, s->id, &v, &n));
	for (size_t i = 0; i < n; i++) {
		if (v[i].kind != REQUEST_REVOKE || v[i].state == REQUEST_WITHDRAWN ||
		    !id_eq(v[i].about, r->id))
			continue;
		if (v[i].state != REQUEST_QUEUED)
			FAIL(ERR_FENCE, "the revocation of request %s is %s", id_text(a, r->id),
			    request_state_name(v[i].state));
		TRY(store_request_get(tx, a, v[i].id, &revocation));
		TRY(request_step(tx, s, &revocation, REQUEST_WITHDRAWN,
		    &(struct step){ .actor = "service",
			.event = "revoke-withdrawn",
			.detail = "the connector told what became of the request" }));
	}
	return OK;
}

err_t
sent_settled(struct tx *tx, struct arena *a, struct slot *s)
{
	struct request *v, r;
	bool found;
	size_t n;

	TRY(request_of(tx, a, s, &found, &r));
	if (!found || r.state != REQUEST_FAILED || !is_open_end(r.fault))
		return OK;
	TRY(store_requests_of_slot(tx, a, s->id, &v, &n));
	for (size_t i = 0; i < n; i++)
		if (v[i].kind == REQUEST_REVOKE && id_eq(v[i].about, r.id) &&
		    request_is_open(&v[i]))
			return OK;
	r.not_before = 0;
	r.sent = ""; /* what comes now comes too late: its certificate is revoked */
	TRY(store_request_move(tx, &r, REQUEST_FAILED, r.fence));
	tx_notify(tx, TOPIC_DEVICE, id_str(&s->device));
	return OK;
}

err_t
sent_named(struct tx *tx, struct arena *a, const struct connector *c, struct id request,
    const char *serial)
{
	struct request r;
	struct slot s;
	err_t e = store_request_get(tx, a, request, &r);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		return OK;
	}
	TRY(e);
	if ((r.kind != REQUEST_ISSUE && r.kind != REQUEST_ENROL) || r.fence == 0 ||
	    r.serial[0] != '\0' || request_is_open(&r) || !request_list_has(c->cas, r.ca))
		return OK;
	TRY(store_request_name_serial(tx, r.slot, r.id, serial));
	TRY(store_slot_get(tx, a, r.slot, &s));
	return request_note(tx, &s, r.id, arena_printf(a, "connector %s", c->name), "issued-late",
	    arena_printf(a, "serial %s; it came too late and is to be revoked", serial));
}
