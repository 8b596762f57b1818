/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gates before a request is looked at: may this caller ask this CA for this template? See policy.h for their order.
 *
 * Who passed is remembered, for callers with a certificate of their own, until the records change: every change of a
 * template, right, principal, group, setting, CA or order key, and every certificate that stops being valid, gives the
 * records a new generation by itself (store/policy.h). What is remembered counts only in the generation in which it was
 * read, so a right that was taken is gone for the next request, and an intent is written in the generation of its gates
 * or after passing them again.
 *
 * Not here: the request itself, its key and names (policy.h).
 */
#ifndef CA_GATES_H
#define CA_GATES_H

#include "ca/caller.h"
#include "store/ca.h"

/* Every place that may name the template. */
struct gate_names {
	const char *v[2 + LIMIT_CA_ATTRIBUTES]; /* and that of the certificate that is renewed */
	size_t n;
};

struct gates {
	struct arena *a;
	const struct ca *ca;
	const struct gate_names *names;
	const struct proof *who;
	const uint8_t
	    *renews;  /* SHA-256 of the certificate that is renewed; NULL: it is no renewal */
	bool ordered; /* by an order of its own */
	/* found: */
	struct caller caller;
	struct template_row template;
	struct issued renewed;
	int64_t heard, max_days; /* settings */
};

/* Expects a transaction; what is found is in the arena. */
err_t gates_pass(struct tx *tx, struct gates *g);

/* Who passed, and in which generation of the records. Shared: never changed. */
struct gate_pass {
	struct gates found;
	int64_t generation;
};
struct gate_memory;

struct gate_memory *gate_memory_new(void);
void gate_memory_free(struct gate_memory *m); /* NULL is fine; passes that were given out stay */

/* Asks the gates, or remembers. The pass is given back with gate_pass_free(). */
err_t gates_ask(
    struct store *s, struct gate_memory *m, const struct gates *q, const struct gate_pass **ret);
void gate_pass_free(const struct gate_pass *p); /* NULL is fine */

#endif
