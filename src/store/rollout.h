/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Versions that profiles had before they were changed, and roll-outs: changes that reach their slots one after the other.
 * Every function expects a transaction. What the numbers mean: model/rollout.h.
 */
#ifndef STORE_ROLLOUT_H
#define STORE_ROLLOUT_H

#include "store/profile.h"

/* A profile as it was, with its targets. */
struct version {
	int64_t seq; /* 0 when it is added: the store numbers */
	struct profile profile;
	const char *targets; /* JSON, as the model writes it */
	const char *actor;   /* who changed it after that */
	const char *change;  /* "update", "assign", "delete", "members", "group", "filter" */
	when_ms_t at;
};

enum rollout_state {
	ROLLOUT_RUNNING = 1,
	ROLLOUT_PAUSED,  /* by an administrator */
	ROLLOUT_STOPPED, /* by itself */
	ROLLOUT_DONE,
	ROLLOUT_BACK /* rolled back */
};

#define ROLLOUT_WHOLE 1000000000u /* share */

struct rollout {
	struct id id, profile;
	const char *name, *platform; /* of the profile */
	const char *change, *actor;
	enum rollout_state state;
	int64_t before;    /* version.seq */
	unsigned share;    /* released so far, of ROLLOUT_WHOLE */
	unsigned pace;     /* slots an hour */
	const char *steps; /* "1,10,50": percent at which it waits; "": none */
	unsigned passed;   /* steps behind it */
	unsigned limit;    /* percent of failures at which it stops */
	int64_t total;     /* slots that were wanted when it began */
	int64_t planned;   /* of them, to be withdrawn */
	int64_t released, reached, failed, withdrawn; /* as last counted */
	int64_t forgiven; /* failures and withdrawals that a resume accepted */
	int64_t allowed;
	const char *fault, *detail; /* why it stopped */
	when_ms_t created, since, ticked;
	bool counted;     /* total and planned are exact, not estimates */
	struct id cursor; /* the slot that the count has come to */
};

/* What a held slot is given. */
struct rollout_open {
	struct id id;
	unsigned share;
	const char *change;
	struct profile profile;
	const char *targets;
};

/* Keeps the newest `keep` of the profile, and those that roll-outs need. *ret: its number. */
err_t store_version_add(struct tx *tx, const struct version *v, size_t keep, int64_t *ret);
err_t store_version_get(struct tx *tx, struct arena *a, int64_t seq, struct version *ret);
/* Newest first. */
err_t store_version_list(
    struct tx *tx, struct arena *a, struct id profile, struct version **ret, size_t *retn);

err_t store_rollout_insert(
    struct tx *tx, const struct rollout *r); /* ERR_CONFLICT: the profile has an open one */
err_t store_rollout_update(struct tx *tx, const struct rollout *r);
err_t store_rollout_get(struct tx *tx, struct arena *a, struct id id, struct rollout *ret);
/* The one of a profile that is running, paused or stopped. ERR_NOT_FOUND. */
err_t store_rollout_of(struct tx *tx, struct arena *a, struct id profile, struct rollout *ret);
err_t store_rollout_list(
    struct tx *tx, struct arena *a, struct page p, struct rollout **ret, size_t *retn, bool *more);
/* Running, paused and stopped. */
err_t store_rollout_all_open(struct tx *tx, struct arena *a, struct rollout **ret, size_t *retn);
/* Those for devices of the platform that hold slots back. */
err_t store_rollout_holding(
    struct tx *tx, struct arena *a, const char *platform, struct rollout_open **ret, size_t *retn);
/* What is over since before then, and versions as old that no open one needs. */
err_t store_rollout_forget(struct tx *tx, when_ms_t before);
/* Wanted slots of a profile, counted up to a limit. */
err_t store_rollout_slots(struct tx *tx, struct id profile, int64_t limit, int64_t *ret);
/* Profiles with a target that includes (or excludes) this very group. */
err_t store_assigned_to(struct tx *tx, struct arena *a, struct id group, enum target_kind kind,
    struct id **ret, size_t *retn);
/* Every device is compared with what it should have once more: model/upkeep.h. */
err_t store_rollout_look_again(struct tx *tx);

#endif
