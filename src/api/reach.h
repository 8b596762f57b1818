/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a caller reaches who is limited by scope tags, asked inside the transaction that shows or changes it, so that an
 * object whose tags change meanwhile is seen and changed by its new tags or not at all.
 *
 * A profile and a device are reached by their tags; a slot, a roll-out and a version through their profile, so that who
 * has a profile sees where it stands on every device that it goes to; an imported certificate through the devices of its
 * user. Of a profile that was deleted a roll-out still knows the tags; its slots are shown to nobody who is limited.
 *
 * Whoever is not limited pays nothing: no record is read for it.
 *
 * Not here: what a role gives (api/rights.h), who may pass at all (api/gate.c).
 */
#ifndef API_REACH_H
#define API_REACH_H

#include "api/rights.h"
#include "api/token.h"
#include "model/profile.h"
#include "store/slot_search.h"

/* The profiles that the caller may do one of `perms` to; *ret NULL: all of them. Reads every profile's tags: there are
 * hundreds of profiles, not millions. Each of these expects a transaction. */
err_t reach_profiles(struct tx *tx, struct arena *a, const struct caller *who, unsigned perms,
    const struct slot_profiles **ret);
/* Whether it is one of them. */
bool reach_has(const struct slot_profiles *reach, struct id profile);

/* ERR_NOT_FOUND: not there, or not to be seen; ERR_OUTSIDE_SCOPE: to be seen, but not one of `perms`. */
err_t reach_profile(
    struct tx *tx, struct arena *a, const struct caller *who, unsigned perms, struct id profile);
err_t reach_device(
    struct tx *tx, struct arena *a, const struct caller *who, unsigned perms, struct id device);
err_t reach_slot(
    struct tx *tx, struct arena *a, const struct caller *who, unsigned perms, const struct slot *s);
/* Reading takes one active device of the user that the caller reaches, changing all of them, and one at least. */
err_t reach_user_pfx(
    struct tx *tx, struct arena *a, const struct caller *who, unsigned perms, struct id user);

/* For the model's changes of profiles: reach by the tags that the profile has in the transaction of the change, then
 * If-Match of the request. The context is a struct reach_guard. */
struct reach_guard {
	const struct caller *who;
	unsigned perms;
	const char *if_match; /* against the profile's ETag; NULL: none */
	bool access_only;     /* only of resourceAccessProfiles; another one is not there */
};
/* Without If-Match: most requests that change a profile name something of it that has an ETag of its own, or none. */
struct reach_guard *reach_guard_of(struct http_req *r, unsigned perms);
err_t reach_guard_check(void *guard, struct arena *a, const struct profile *now);

#endif
