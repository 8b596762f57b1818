/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of revocation status: the newest lists of each CA key, when the next ones are due, who stands on them,
 * and the status of one certificate. Every function expects a transaction of a store opened with STORE_CA.
 *
 * Not here: revoking (store/ca.h), what the times mean (ca/crl_plan.h).
 */
#ifndef STORE_CRL_H
#define STORE_CRL_H

#include "store/ca.h"

/* The newest base or delta of one key, or the list of one shard of it. */
struct crl_row {
	const char *ca;
	uint32_t key_index;
	uint32_t shard; /* 0: of all certificates */
	bool delta;
	uint64_t number;
	when_t this_update, next_update, next_publish;
	struct str der;
};
err_t store_crl_put(struct tx *tx, const struct crl_row *c); /* insert or replace */
/* The one of which's CA, key, shard and kind. ERR_NOT_FOUND. head: without its bytes. */
err_t store_crl_get(
    struct tx *tx, struct arena *a, const struct crl_row *which, struct crl_row *ret);
err_t store_crl_head(
    struct tx *tx, struct arena *a, const struct crl_row *which, struct crl_row *ret);
/* Every newest list without its bytes, by CA, key and shard: the first LIMIT_PAGE. */
err_t store_crl_list(struct tx *tx, struct arena *a, struct crl_row **ret, size_t *retn);
/* Lists of shards that were made before and whose next publication is due by `now`, without their bytes. */
err_t store_crl_shards_due(
    struct tx *tx, struct arena *a, when_t now, struct crl_row **ret, size_t *retn);
/* They are made anew when they are asked for. */
err_t store_crl_shards_forget(struct tx *tx);

/* The two last bases of the schedule: a delta changes the older one until nobody can hold it any more. */
struct crl_plan_row {
	const char *ca;
	uint32_t key_index, shard;
	uint64_t base_number, older_number;
	when_t base_made, base_until;   /* its data are of the first; it is good until the second */
	when_t older_made, older_until; /* 0: there is none */
};
err_t store_crl_plan_put(struct tx *tx, const struct crl_plan_row *p);
/* All zero but for the key when there is none yet. */
err_t store_crl_plan_get(struct tx *tx, struct arena *a, const char *ca, uint32_t key_index,
    uint32_t shard, struct crl_plan_row *ret);

/* The next number of the CA's one sequence. It never goes back. */
err_t store_crl_number_take(struct tx *tx, const char *ca, uint64_t *ret);

struct crl_item {
	const char *serial;
	when_t when;
	int reason;
};
/* Everything revoked whose certificate ends at this time or later. */
err_t store_crl_items(struct tx *tx, struct arena *a, const char *ca, when_t not_after_from,
    struct crl_item **ret, size_t *retn);
/* The same of one shard, 1 or more, and of those of which nobody knows the shard. */
err_t store_crl_shard_items(struct tx *tx, struct arena *a, const char *ca, uint32_t shard,
    when_t not_after_from, struct crl_item **ret, size_t *retn);
/* Which shard a certificate is of: for good. 0: none. */
enum { STORE_SHARD_EVERY = 65535 }; /* it stands on the list of each */
err_t store_issued_shard_put(struct tx *tx, int64_t id, uint32_t shard);
err_t store_issued_shard(struct tx *tx, int64_t id, uint32_t *ret);
/* Revoked at this time or later, and released from hold at this time or later (with the reason removeFromCRL). */
err_t store_crl_changes(struct tx *tx, struct arena *a, const char *ca, when_t from,
    struct crl_item **ret, size_t *retn);
/* A certificate was released from hold now: deltas say so. */
err_t store_crl_release(struct tx *tx, const char *ca, const char *serial, when_t when);
/* Forgets releases before this time. */
err_t store_crl_release_sweep(struct tx *tx, const char *ca, when_t before);

struct cert_status {
	enum issued_state state;
	int reason;
	when_t revoked;
};
err_t store_issued_status(
    struct tx *tx, struct arena *a, const char *ca, const char *serial, struct cert_status *ret);

#endif
