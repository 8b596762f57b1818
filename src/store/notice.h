/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notifications: where they go, and those on their way. Every function expects a transaction.
 *
 *   notice_insert ──► WAITING ── delivered ──► DELIVERED
 *                       │  ▲
 *                       └──┘ refused: later again         WAITING ── refused for a day ──► GIVEN_UP
 *
 * What is over stays for 30 days and is removed when others are added.
 */
#ifndef STORE_NOTICE_H
#define STORE_NOTICE_H

#include "store/store.h"

enum notice_kind { NOTICE_WEBHOOK = 1, NOTICE_MAIL };
struct notice_target {
	struct id id;
	const char *display_name; /* unique, case ignored */
	enum notice_kind kind;
	const char *address; /* https://... or user@domain */
	const char *secret;  /* of a webhook; never shown */
	bool expiry, failure;
	int64_t period; /* seconds between two messages about failures */
	bool enabled;
	when_ms_t cursor;         /* failures up to this time were told */
	when_t told, told_expiry; /* when a message was made last; 0: never */
	when_t created, modified;
};
err_t store_notice_target_insert(struct tx *tx, const struct notice_target *x); /* ERR_CONFLICT */
err_t store_notice_target_update(struct tx *tx, const struct notice_target *x);
err_t store_notice_target_delete(struct tx *tx, struct id id); /* and what is on its way to it */
err_t store_notice_target_get(
    struct tx *tx, struct arena *a, struct id id, struct notice_target *ret);
err_t store_notice_target_list(
    struct tx *tx, struct arena *a, struct notice_target **ret, size_t *retn);

enum notice_state { NOTICE_WAITING = 1, NOTICE_DELIVERED, NOTICE_GIVEN_UP };
struct notice {
	struct id id, target;
	enum notice_state state;
	const char *subject, *body; /* body: JSON text */
	const char *detail;         /* of the last refusal */
	int64_t tries;
	when_t next, created, ended;
};
err_t store_notice_insert(struct tx *tx, const struct notice *x);
err_t store_notice_update(struct tx *tx, const struct notice *x);
err_t store_notice_get(struct tx *tx, struct arena *a, struct id id, struct notice *ret);
/* WAITING ones whose time has come, the oldest first. */
err_t store_notice_due(
    struct tx *tx, struct arena *a, when_t now, size_t limit, struct notice **ret, size_t *retn);
/* Those of a target, newest first, at most LIMIT_PAGE. */
err_t store_notice_list(
    struct tx *tx, struct arena *a, struct id target, struct notice **ret, size_t *retn);

/* Slots that failed in (after, until] and still have, by fault: how many, and one of them. */
struct notice_fault {
	const char *fault;
	int64_t slots;
	struct id example;
	const char *detail; /* of one of them */
};
err_t store_notice_faults(struct tx *tx, struct arena *a, when_ms_t after, when_ms_t until,
    struct notice_fault **ret, size_t *retn);
/* When the first of them did; 0: none. */
err_t store_notice_first(struct tx *tx, when_ms_t after, when_ms_t *ret);

/* Certificates on devices that end before a time and have less than a tenth of their life left, which renewal should have
 * prevented: how many, and the first of them. */
struct notice_ending {
	struct id slot, device, profile;
	const char *subject, *serial;
	when_t not_after;
};
err_t store_notice_ending_count(struct tx *tx, when_t until, int64_t *ret);
err_t store_notice_ending(struct tx *tx, struct arena *a, when_t until, size_t limit,
    struct notice_ending **ret, size_t *retn);

#endif
