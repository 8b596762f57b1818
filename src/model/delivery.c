/* SPDX-License-Identifier: Apache-2.0 */
/* The second half of a request's way: from READY to what the device has. See request.h. */
#include "model/request_int.h"
#include "pki/cert.h"
#include "pki/key.h"

enum { REFUSED_FIRST = 60, REFUSED_MAX = 3600 };

err_t
delivery_offer(struct tx *tx, struct arena *a, struct slot *s, struct request *r)
{
	(void)a;
	return request_step(
	    tx, s, r, REQUEST_OFFERED, &(struct step){ .actor = "service", .event = "offered" });
}

err_t
delivery_again(struct tx *tx, struct arena *a, struct slot *s, struct request *r)
{
	(void)a;
	r->not_before = 0;
	return request_step(tx, s, r, REQUEST_OFFERED,
	    &(struct step){ .actor = "service",
		.event = "offered-again",
		.detail = "the device no longer has it" });
}

/* A network has neither names nor an end. */
static err_t
network_ack(struct tx *tx, struct arena *a, struct slot *s, struct request *r)
{
	uint8_t *hash = arena_alloc(a, 32);

	hash_sha256(r->leaf, hash);
	r->not_before = 0;
	s->reached_hash = r->hash;
	s->cert_sha256 = str_of(hash, 32);
	s->installed = when_now_ms();
	return request_step(
	    tx, s, r, REQUEST_DONE, &(struct step){ .actor = "device", .event = "installed" });
}

err_t
delivery_ack(struct tx *tx, struct arena *a, struct slot *s, struct request *r)
{
	auto_cert struct cert *c = NULL;
	uint8_t sha1[20];

	TRY(request_may_write(tx));
	if (r->kind == REQUEST_NETWORK)
		return network_ack(tx, a, s, r);
	TRY(cert_parse(r->leaf, &c));
	r->not_before = 0;
	s->reached_hash = r->hash;
	s->serial = arena_strdup(a, cert_serial(c));
	s->subject = arena_strdup(a, cert_subject(c));
	s->issuer = r->kind == REQUEST_ISSUE || (r->kind == REQUEST_ENROL && r->ca[0] != '\0') ?
	    r->ca :
	    arena_strdup(a, cert_issuer(c));
	s->cert_sha256 = str_of(arena_copy(a, cert_sha256(c), 32), 32);
	hash_sha1(r->leaf, sha1);
	s->thumbprint = text_hex(a, STR(sha1));
	s->not_before = cert_not_before(c);
	s->not_after = cert_not_after(c);
	s->installed = when_now_ms();
	TRY(request_step(tx, s, r, REQUEST_DONE,
	    &(struct step){ .actor = "device", .event = "installed", .detail = s->serial }));
	if (r->kind == REQUEST_ISSUE || r->kind == REQUEST_ENROL)
		TRY(request_revoke_rest(tx, a, s));
	return OK;
}

err_t
request_renew_challenge(
    struct tx *tx, struct arena *a, struct slot *s, struct request *r, bool *ret_ready)
{
	const struct step step = { .actor = "service",
		.event = "challenge-ended",
		.detail = "the device did not use it in time",
		.repeats = true };

	struct request next = *r;

	(void)a;
	*ret_ready = true;
	/* By EST there is none, and a request may wait for somebody's decision as long as that takes. */
	if (r->kind != REQUEST_ENROL || r->lease_until == 0 ||
	    r->lease_until - REQUEST_CHALLENGE_MARGIN > when_now())
		return OK;
	TRY(request_may_write(tx));
	if (r->ca[0] == '\0') {
		next.lease_until = when_now() + REQUEST_CHALLENGE_LIFE;
		next.fence++;
		next.keep = ""; /* it may be another key's */
		TRY(store_request_move(tx, &next, r->state, r->fence));
		*r = next;
		return OK;
	}
	r->not_before = r->lease_until = 0;
	TRY(request_step(tx, s, r, REQUEST_QUEUED, &step));
	tx_notify(tx, TOPIC_QUEUE, STR_EMPTY);
	*ret_ready = false;
	return OK;
}

err_t
delivery_refuse(struct tx *tx, struct arena *a, struct slot *s, struct request *r, struct why why)
{
	bool denied = why.fault != NULL && strcmp(why.fault, err_info(ERR_CA_DENIED)->id) == 0;
	/* Whoever looks at requests by hand is not asked again in a minute. */
	int wait = denied ? REFUSED_MAX : REFUSED_FIRST;

	for (uint32_t i = 1; i < r->attempts && wait < REFUSED_MAX; i++)
		wait *= 2;
	r->not_before = when_now() + (wait < REFUSED_MAX ? wait : REFUSED_MAX);
	TRY(request_step(tx, s, r, REQUEST_FAILED,
	    &(struct step){ .actor = "device",
		.event = "refused",
		.detail = why.detail,
		.why = why,
		.repeats = true }));
	return r->kind == REQUEST_ISSUE || r->kind == REQUEST_ENROL ?
	    request_revoke_rest(tx, a, s) :
	    OK;
}

err_t
delivery_postpone(
    struct tx *tx, struct arena *a, struct slot *s, struct request *r, int seconds, struct why why)
{
	(void)a;
	r->not_before = when_now() + seconds;
	return request_step(tx, s, r, REQUEST_OFFERED,
	    &(struct step){ .actor = "device",
		.event = "not-now",
		.detail = why.detail,
		.why = why,
		.repeats = true });
}

err_t
delivery_forget(struct tx *tx, struct request *r)
{
	if (r->sealed.n == 0 && r->password.n == 0)
		return OK;
	TRY(request_may_write(tx));
	r->sealed = r->password = STR_EMPTY;
	return store_request_move(tx, r, r->state, r->fence);
}
