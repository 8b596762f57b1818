/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Revocation lists of every CA key (RFC 5280 5, with what AD CS puts in).
 *
 * Bases come by the schedule of crl_plan.h, and at once after each revocation; the one in between keeps the dates of
 * the schedule. A delta comes with each base and by its own, shorter period. Base and delta that are made together
 * have one number; numbers are one sequence for the CA and only go up.
 *
 *   numbers  ..7 [8] 9 10 [11] 12     [n]: of the schedule
 *   delta 12 changes 8 for as long as 8 may still be in use, then 11: who holds any base since can apply it.
 *
 * A certificate that has expired leaves the list after a base of the schedule listed it. When deltas are switched
 * off, one last delta points at the newest base, so that nobody goes on with an old one.
 *
 * A list that is out of date is made when it is asked for, or at the next tick. Shards (crl_shard.h) keep the same
 * rules, but have no deltas, and the tick makes only those whose time is over.
 */
#ifndef CA_CRL_H
#define CA_CRL_H

#include "ca/hierarchy.h"
#include "store/crl.h"

/* A certificate of this CA and shard (0: none) was revoked: what is published is out of date. Expects a transaction. */
err_t crl_mark(struct tx *tx, const char *ca, uint32_t shard);
/* A certificate was released from hold: bases omit it, deltas take it off. Expects a transaction. */
err_t crl_release(struct tx *tx, const char *ca, uint32_t shard, const char *serial);

/* Which list of a CA's key. */
struct crl_which {
	const struct ca *ca;
	uint32_t shard; /* 0: of all */
	bool delta;     /* of all only */
};
/* The newest one, made anew if it is out of date or due; if that cannot be done, the one before it while it is good.
 * ERR_NOT_FOUND: there are no deltas, or no such shard. */
err_t crl_get(struct issuer *is, struct arena *a, const struct crl_which *w, struct crl_row *ret);
/* The same without its bytes. */
err_t crl_head(struct issuer *is, struct arena *a, const struct crl_which *w, struct crl_row *ret);
/* Of every CA, those that are due, or all that were made before (which begins the schedule anew). Goes on when one
 * fails; returns the first failure. */
err_t crl_all(struct issuer *is, bool force);

/* "http://host/crl/Name.crl" -> "http://host/crl/Name+.crl" */
const char *crl_delta_url(struct arena *a, const char *url);

#endif
