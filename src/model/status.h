/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a slot stands, in words: for the API, the command line and the console, all from this one
 * place.
 *
 * A slot that waits says on what and since when. Each slot is written with its state, and the store counts states in
 * the same transaction, so counts and rows agree. Time alone changes one thing, that a certificate ends: status_ended()
 * writes that down.
 */
#ifndef MODEL_STATUS_H
#define MODEL_STATUS_H

#include "model/kind.h"

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

/* The one way to write a slot: with the state that it is in now, which the store counts. r: the slot's newest request
 * (s->request); NULL: it has none, or nothing is wanted. Expects a writing transaction. */
err_t status_put(struct tx *tx, struct slot *s, const struct request *r);
err_t status_insert(struct tx *tx, struct slot *s); /* a new one */
/* Certificates that devices hold and that have ended since: at most `max` slots are told so, in one transaction each.
 * *ret: how many. */
err_t status_ended(struct store *s, size_t max, size_t *ret);

/* 0: there is no such state. */
enum status_state status_by_word(const char *word);
const char *status_word(enum status_state state);

/* Whether slots may be said to have this fault that is not written at them: nobody there takes what waits (told while that is
 * so), or an older certificate cannot be revoked. So no look for it can go by what is written. */
bool status_is_told_only(const char *fault);
/* What waits for nobody: the CAs that requests are queued for and that no connector in contact reaches. */
struct status_lack {
	enum err_code fault;
	const char *detail;
};
err_t status_lacks(struct tx *tx, struct arena *a, struct status_lack **ret, size_t *retn);

/* Expects a transaction. */
err_t status_of(struct tx *tx, struct arena *a, const struct slot *s, struct status *ret);

/* deviceStatusOverview of one profile. Slots that were removed are not counted and belong in no
 * list. */
struct status_counts {
	size_t pending, success, error;
	when_ms_t updated;
};
err_t status_counts(struct tx *tx, struct arena *a, struct id profile, struct status_counts *ret);
/* Which of the three a state belongs to: 'p', 's', 'e'; 0 for what was removed. */
char status_group(enum status_state state);

#endif
