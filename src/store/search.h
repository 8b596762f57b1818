/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists, counts and searches over all that a CA issued, quick at any number of records. Every function expects a
 * transaction of a store opened with STORE_CA.
 *
 * What makes them quick is in the schema: cells hold how many records there are of each kind and time and where they lie,
 * an index holds any three characters of names. The index of texts follows the records in batches: whoever opens the
 * store to write calls store_issued_index() every few seconds. A record that it does not hold yet is found all the same.
 *
 * Case: names, templates and serials ignore it; texts of three characters and more ignore that of every alphabet (in
 * records of the last seconds, and in shorter texts, of a to z alone).
 *
 * Cost grows with what is shown, not with what is there, but for two things: a count by a text that very many names
 * have, and a text of one or two characters that few names have.
 */
#ifndef STORE_SEARCH_H
#define STORE_SEARCH_H

#include "store/ca.h"

/* Conditions that all must hold; 0 and NULL leave one out. */
struct issued_filter {
	int64_t before; /* ids below this one */
	int state;      /* enum issued_state */
	const char *ca, *template, *requester;
	const char *serial;                      /* its beginning, in hex */
	const char *text;                        /* in subject or alternative names */
	when_t requested_from, requested_before; /* the second is outside, as below */
	when_t ends_from, ends_before; /* end of validity; who has none is not before any */
	int64_t
	    few; /* no condition: how many are looked up rather than passed by; 0: as measured. For tests */
};
/* Newest first, at most LIMIT_PAGE; the records come without certificate and to-be-signed bytes. */
err_t store_issued_search(struct tx *tx, struct arena *a, const struct issued_filter *f,
    size_t limit, struct issued **ret, size_t *retn);
err_t store_issued_count(struct tx *tx, const struct issued_filter *f, int64_t *ret);

/* Whether there are records that the index of texts does not hold yet. */
err_t store_issued_unindexed(struct tx *tx, bool *ret);
/* Brings it on by at most `max` records; *ret_more: there may be others. */
err_t store_issued_index(struct tx *tx, size_t max, bool *ret_more);

#endif
