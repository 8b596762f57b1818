/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of profiles at a pace, with a brake. A change of settings, targets or the profile's existence that would issue
 * again, withdraw or revoke for more slots than the threshold becomes a roll-out; smaller ones work at once.
 *
 *                        rollout_pause
 *   rollout_begin ──► RUNNING ◄──────────► PAUSED
 *                       │ ▲ rollout_resume
 *      too many failures│ │ rollout_resume            rollout_back: from any of the three, to ROLLED BACK
 *      or withdrawals   ▼ │                           rollout_finish: from any of the three, all at once
 *                     STOPPED          RUNNING ──► DONE when all were released and settled, or a day after
 *
 * Nothing is fanned out. What a slot is given is decided when its device is compared with what it should have: its turn has
 * come when a hash of device and roll-out lies below the share released so far; until then it is given the profile as it was
 * before the change, with the targets that it had. So a held slot renews, and is delivered again when lost, under the old
 * settings. A slot that had nothing before gets the new settings at once, and who is disabled, deleted or retired loses what
 * he has at once: neither waits for a roll-out.
 *
 * The share grows with time (rollout_run, about once a second), and the row in the store is all there is: killed at any
 * point it goes on where it was. Time during which nothing ran is not made up for.
 *
 * Two brakes, both counted before more is released: the share of failures among what settled (STOPPED, rollout-failing), and
 * more withdrawals than were planned (STOPPED, rollout-harm). rollout_resume accepts what was counted so far.
 *
 * Whether a change is large is decided by a bounded look: one that is not known to be small is paced. What it takes is then
 * counted slot by slot in the background (rollout_run), and nothing is released before the count is whole.
 *
 * While a roll-out holds slots back its profile takes no other change of content (ERR_ROLLOUT_OPEN).
 *
 * Not here: what a change would do to the last slot (model/effect.h); changes of groups and filters (model/regroup.h), which
 * become roll-outs of the profiles that they take from somebody.
 */
#ifndef MODEL_ROLLOUT_H
#define MODEL_ROLLOUT_H

#include "model/assign.h"
#include "store/rollout.h"

/* Of a PATCH or assign body: terms of this change. */
#define ROLLOUT_MEMBER "@chancery.rollout"

/* How changes are rolled out. */
struct rollout_terms {
	int64_t threshold; /* slots; changes that touch more are paced */
	int64_t pace;      /* slots an hour */
	int64_t limit;     /* percent of failures, 1 to 100 */
	const char *steps; /* percents, rising, with commas: "1,10,50"; "": none */
	bool now;          /* of one change: not paced at all */
};
/* Those of the installation; 500 slots, 1,000 an hour, 5 percent, "1,10" until they are set. Expects a transaction. */
err_t rollout_terms(struct tx *tx, struct arena *a, struct rollout_terms *ret);
/* Members threshold, slotsPerHour, failureLimitPercent, steps and (of one change) now into *terms; others are refused.
 * ERR_ROLLOUT_TERMS. body may be NULL. */
err_t rollout_terms_read(
    struct arena *a, const json *body, bool one_change, struct rollout_terms *terms);
json *rollout_terms_json(const struct rollout_terms *t);
err_t rollout_terms_set(struct store *s, struct arena *a, const char *actor, const json *body,
    struct rollout_terms *ret);

/* A change that is about to be made. */
struct rollout_change {
	struct id profile;
	const char *name;                 /* "update", "assign", "delete" */
	const struct profile *draft;      /* the profile as it will be; NULL: it stays or goes */
	const struct assignment *targets; /* as they will be, if `assigns` */
	size_t ntargets;
	bool assigns;
	const json *terms; /* of this change; NULL: those of the installation */
};
struct rollout_plan {
	struct rollout_terms terms;
	bool paced;
	int64_t affected; /* counted up to what was needed to decide */
	int64_t withdraw; /* estimate of how many slots lose what they have */
	int64_t total;    /* wanted slots of the profile, if paced */
	bool exact;       /* nothing is an estimate: all slots were looked at, or all are meant */
};
/* Decides, with a bounded look at the profile's slots: what is not known to be small after 2,000 of them is paced. Expects
 * a transaction; reading is enough. */
err_t rollout_plan(
    struct tx *tx, struct arena *a, const struct rollout_change *c, struct rollout_plan *ret);
/* In the transaction of the change, before anything of it is written: keeps the profile as it is as a version, and makes the
 * roll-out if the plan says so. content false: names and the like alone change, so that nothing has to be kept.
 * Warns (rollout-begun) that it is paced. */
err_t rollout_begin(struct tx *tx, struct arena *a, const char *actor,
    const struct rollout_change *c, const struct rollout_plan *plan, bool content,
    struct warnings *warn);

/* In place of the profiles that a device would be given, those that roll-outs hold it at. The arrays have room for all.
 * Expects a transaction. */
struct subject_of;
err_t rollout_hold(struct tx *tx, struct arena *a, const struct subject_of *who,
    struct profile **profiles, struct assignment **by, size_t *n);

/* What administrators do with one, if check (NULL: none) agrees with its profile in the transaction that does it. */
err_t rollout_pause(struct store *s, struct arena *a, const char *actor, struct id id,
    profile_check check, void *ctx, struct rollout *ret);
err_t rollout_resume(struct store *s, struct arena *a, const char *actor, struct id id,
    profile_check check, void *ctx, struct rollout *ret);
/* All that is left works at once. */
err_t rollout_finish(struct store *s, struct arena *a, const char *actor, struct id id,
    profile_check check, void *ctx, struct rollout *ret);
/* The profile and its targets as they were before; at once. Groups and filters that are gone are left out. */
err_t rollout_back(struct store *s, struct arena *a, const char *actor, struct id id,
    profile_check check, void *ctx, struct rollout *ret);
/* Pace, limit, steps of one that is open. */
err_t rollout_adjust(struct store *s, struct arena *a, const char *actor, struct id id,
    const json *body, profile_check check, void *ctx, struct rollout *ret);
/* The profile that it is about, as it is now; one that is gone as it was last. */
err_t rollout_profile(struct tx *tx, struct arena *a, const struct rollout *r, struct profile *ret);
json *rollout_json(struct arena *a, const struct rollout *r);

struct rollout_counts {
	size_t running, paused, stopped;
};
/* Counts, brakes, releases. *ret: how many stand where. Takes time in proportion to the slots of their profiles, in short
 * transactions. */
err_t rollout_run(struct store *s, struct rollout_counts *ret);

#endif
