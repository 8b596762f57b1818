/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a slot stands, in words: for the API, the command line and the console, all from this one
 * place.
 *
 * A slot that waits says on what and since when. Counts and rows of one profile come from the same
 * slots, so they agree.
 */
#ifndef MODEL_STATUS_H
#define MODEL_STATUS_H

#include "model/kind.h"

enum status_state {
	STATUS_WAITING = 1,
	STATUS_ISSUING,
	STATUS_READY,
	STATUS_OFFERED,
	STATUS_INSTALLED,
	STATUS_RENEWING,
	STATUS_FAILED,
	STATUS_REMOVING,
	STATUS_REMOVED
};

struct status {
	enum status_state state;
	const char
	    *word; /* "waiting", "issuing", "ready", "offered", "installed", "renewing", ... */
	const char *fault; /* id of the catalogue; "" if none */
	const char *why;   /* one sentence: the fault's text and detail, or what it waits for */
	const char *next;  /* the one next step; "" if there is none */
	when_ms_t since;
	const char *compliance; /* Graph complianceStatus: unknown, compliant, error, notAssigned */
};

/* Expects a transaction. */
err_t status_of(struct tx *tx, struct arena *a, const struct slot *s, struct status *ret);

/* deviceStatusOverview of one profile. Slots that were removed are not counted and belong in no
 * list. */
struct status_counts {
	size_t pending, success, error;
	when_ms_t updated;
};
err_t status_counts(struct tx *tx, struct arena *a, struct id profile, struct status_counts *ret);

#endif
