/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots by what people look for: a state, a profile, a device, a user, a serial number, a thumbprint, a fault, a text, an
 * end. Each question goes one way through one index, in the order of that index's keys, and looks at so many slots at
 * most; what the way does not settle is compared slot by slot. So an answer's cost does not grow with the store: a page may
 * be short, and says from where on to ask again. Every function expects a transaction.
 *
 * The index of texts holds subject, serial number, thumbprint, names of device and user. It follows in batches: whoever
 * opens the store to write calls store_slot_index() every second or so; until then a new name is not found.
 *
 * Not here: words for states (model/status.h).
 */
#ifndef STORE_SLOT_SEARCH_H
#define STORE_SLOT_SEARCH_H

#include "store/slot.h"

/* Profiles, in order of their id; of none of them is a slot given of which only those of `v` are asked for. */
struct slot_profiles {
	const struct id *v;
	size_t n;
};

/* Conditions that all must hold; zero and NULL leave one out. */
struct slot_filter {
	struct id profile, device, user;
	enum status_state state;
	const char *fault;
	const char *serial,
	    *thumbprint;   /* whole, case ignored; the second may be SHA-1 or SHA-256 */
	const char *text;  /* a part of it, three characters or more: fewer are no condition here;
	                      * of case, that of a to z is ignored */
	when_t ends_until; /* of what devices hold now, soonest first; the moment itself is in */
	const struct slot_profiles *only;
};

struct slot_hit {
	struct slot slot;
	struct id key; /* of the way: ask for what comes after */
};

/* After the key `p.after`, at most p.limit, after looking at no more than `looks` (0: as measured). *more: there may be
 * others after *ret_last. The same filter must be asked with that key. */
err_t store_slot_search(struct tx *tx, struct arena *a, const struct slot_filter *f, struct page p,
    size_t looks, struct slot_hit **ret, size_t *retn, struct id *ret_last, bool *more);

/* Revocations, newest first: kind REQUEST_REVOKE, without bodies. Keys as above. */
struct revocation {
	struct id key;
	struct request request;
};
err_t store_revocations(struct tx *tx, struct arena *a, struct page p, struct revocation **ret,
    size_t *retn, bool *more);

/* Brings the index of texts on by at most `max` slots. *ret: how many there were to do. */
err_t store_slot_index(struct tx *tx, size_t max, size_t *ret);
/* Whether there is anything to do. */
err_t store_slot_unindexed(struct tx *tx, bool *ret);

#endif
