/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CA backends: how a connector has certificates issued and revoked. One file in connector/backend/ a kind of CA.
 *
 * The outcome says what the service must do next: issued; pending (ask again later); rejected (a person must act);
 * unreachable (try again by itself); misconfigured (this connector must be corrected).
 */
#ifndef CONNECTOR_BACKEND_H
#define CONNECTOR_BACKEND_H

#include "connector/link.h"

enum outcome {
	OUTCOME_ISSUED = 1,
	OUTCOME_REVOKED,
	OUTCOME_PENDING,
	OUTCOME_REJECTED,
	OUTCOME_UNREACHABLE,
	OUTCOME_MISCONFIGURED
};

const char *outcome_name(enum outcome o); /* "issued", ... as on the wire */
/* The outcome that an error of ours means. */
enum outcome outcome_of(err_t e);

struct backend_session; /* a connection to the CA, kept by one loop */

struct submission {
	const char *ca, *template;
	struct str csr;
	struct str order; /* sealed */
};

struct submitted {
	enum outcome outcome;
	struct str leaf; /* OUTCOME_ISSUED */
	struct str *chain;
	size_t nchain;
	const char *request_id;     /* OUTCOME_PENDING */
	const char *fault, *detail; /* otherwise */
};

struct backend {
	const char *name;
	err_t (*open)(const struct join *j, struct backend_session **ret);
	void (*close)(struct backend_session *s);
	err_t (*submit)(struct backend_session *s, struct arena *a, const struct submission *in,
	    struct submitted *ret);
	/* order: sealed order of kind revoke. *ret: how many certificates were revoked by this call. */
	err_t (*revoke)(struct backend_session *s, struct arena *a, struct str order, int64_t *ret);
};

extern const struct backend *const backend_table[];
extern const size_t backend_count;
const struct backend *backend_by_name(const char *name); /* NULL: none */

#endif
