/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of who is a target: members of a group, a group that is deleted, the rule of a filter. They can take certificates
 * from many at once, as a change of a profile's targets can, so they are shown first and paced likewise (model/rollout.h).
 *
 *   regroup_member, regroup_group or regroup_filter ──► the change itself ──► regroup_after      all in one transaction
 *
 * What it looks at are devices that the change can concern: those of the members, or those that have slots of the profiles
 * that use the filter; LOOK_MAX of them. It is paced when more slots than the threshold of the installation would be
 * withdrawn, or when there are more devices than that and it is not known to be small; also when smaller ones of the last hour
 * together have reached the threshold, so that many small changes are no way around it. Each profile that loses slots gets a
 * roll-out; one that has such a roll-out already takes the change in and begins anew. A profile that another kind of
 * roll-out holds refuses the change (ERR_ROLLOUT_OPEN).
 *
 * A small change of a profile that such a roll-out holds waits with it, uncounted: the roll-out's allowance has room for some.
 *
 * Only what is taken waits. What the change brings comes at once, and so does the end of who is disabled, deleted or
 * retired.
 *
 * Attributes of people and devices are in the names of certificates, and filters look at those of devices. What one such change
 * has issued again or takes counts with the small changes of the hour; past the threshold it is refused until its author says
 * that he means it: regroup_moved(), then regroup_names(), or regroup_hour() for an import as a whole.
 *
 * Not here: what holds the slots (model/rollout_hold.c).
 */
#ifndef MODEL_REGROUP_H
#define MODEL_REGROUP_H

#include "model/rollout.h"

enum { REGROUP_LOOK_MAX = 2000 };

struct regroup_profile {
	struct profile profile;
	const char *targets; /* as they were, in the roll-out's form */
	int64_t withdraw;
};

struct regroup {
	const char *change; /* "members", "group", "filter" */
	bool shows; /* nothing is made: also what it brings is counted, and nothing is paced */
	struct id *devices;
	size_t ndevices, devices_room;
	bool more; /* devices that are not among them */
	struct regroup_profile *v;
	size_t n, room;
};

struct regroup_effect {
	size_t devices; /* looked at */
	bool complete, paced;
	size_t issue, withdraw, revoke;
};

/* Before the change: what it can concern is added to *g, of which change and shows were set and the rest is zero. m is about
 * to become a member of the group, or to be one no more. */
err_t regroup_member(struct tx *tx, struct arena *a, struct id group, struct member m, bool joins,
    struct regroup *g);
/* The group is about to be deleted. */
err_t regroup_group(struct tx *tx, struct arena *a, struct id group, struct regroup *g);
/* The rule of the filter is about to change. */
err_t regroup_filter(struct tx *tx, struct arena *a, struct id filter, struct regroup *g);
/* The change was made. terms as ROLLOUT_MEMBER of a body; NULL: those of the installation. Warns rollout-begun. ret may be
 * NULL. */
err_t regroup_after(struct tx *tx, struct arena *a, const char *actor, struct regroup *g,
    const json *terms, struct regroup_effect *ret, struct warnings *warn);

/* What is due for a person's active devices, or for one device: looked at before a change of attributes, and again when the
 * devices were compared with what they should have by now (model/diff.h). */
struct regroup_due {
	int64_t
	    held; /* it should have, and was given; of a person 0: who is disabled does not wait */
	int64_t again; /* of these, what it should have with other content, and is issued again */
};
err_t regroup_user(struct tx *tx, struct id user, struct regroup_due *ret);
err_t regroup_device(struct tx *tx, struct id device, struct regroup_due *ret);
/* How many certificates the change has issued again or takes. */
int64_t regroup_moved(const struct regroup_due *before, const struct regroup_due *after);
/* ERR_IMPORT_LARGE: regroup_hour() has no room for so many, and terms (ROLLOUT_MEMBER of a body; NULL: none) do not say "now". */
err_t regroup_names(struct tx *tx, struct arena *a, const json *terms, int64_t count);

/* Whether so many more, with what small changes took within the hour, are more than the threshold of the installation; if not,
 * they count from now on. */
err_t regroup_hour(struct tx *tx, struct arena *a, int64_t add, bool *ret_full);
json *regroup_json(struct arena *a, const struct regroup *g, const struct regroup_effect *e);

#endif
