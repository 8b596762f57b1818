/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an administrator of a CA looks at and decides on: requests that wait, the journal's lines. Every function expects
 * a transaction of a store opened with STORE_CA.
 *
 * Not here: lists and searches over all that was issued (store/search.h).
 */
#ifndef STORE_PENDING_H
#define STORE_PENDING_H

#include "store/ca.h"

/* What was asked, beside the record in issued that is ISSUED_PENDING. */
struct pending {
	int64_t id;               /* of the record */
	const char *principal;    /* who asked */
	struct str caller_sha256; /* its certificate; empty: it came with a password */
	struct str request;   /* the message of the front (codec/ca_ipc.h), without the password */
	const char *vouched;  /* the principal that spoke for who asked; "": none */
	struct str stated;    /* its challenge, as an order's bytes (codec/order.h); empty: none */
	struct str challenge; /* SHA-256 of the one that its order lay behind; empty: none */
	bool sha1;            /* the request may be signed with SHA-1 */
	int64_t room;         /* to insert: how many of the principal may wait; not kept */
};
err_t store_pending_insert(struct tx *tx, const struct pending *p); /* ERR_REQUEST_LIMIT */
err_t store_pending_get(struct tx *tx, struct arena *a, int64_t id, struct pending *ret);
err_t store_pending_delete(struct tx *tx, int64_t id); /* none there is success */
err_t store_pending_count(struct tx *tx, const char *principal, int64_t *ret);

/* The highest number a request has had, also of rows that are gone; and a floor for the next one: never lowers it. */
err_t store_issued_last(struct tx *tx, int64_t *ret);
err_t store_issued_raise(struct tx *tx, int64_t floor);
err_t store_journal_length(struct tx *tx, int64_t *ret);

struct journal_line {
	int64_t seq;
	when_ms_t when;
	const char *actor, *event, *detail;
	struct str hash;
};
/* Newest first; before 0: from the newest; NULL texts: any; text is searched in the detail. */
err_t store_journal_page(struct tx *tx, struct arena *a, int64_t before, const char *event,
    const char *actor, const char *text, size_t limit, struct journal_line **ret, size_t *retn);

#endif
