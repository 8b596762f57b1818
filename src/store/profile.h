/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles and their assignments. Every function expects a transaction. Settings are the JSON text that the profile's
 * kind reads by its field table.
 */
#ifndef STORE_PROFILE_H
#define STORE_PROFILE_H

#include "store/directory.h"

struct profile {
	struct id id;
	const char *type;     /* "#chancery.linuxPkcsCertificateProfile" */
	const char *platform; /* "linux" */
	const char *display_name, *description;
	const char *settings;   /* JSON object */
	const char *scope_tags; /* JSON array of text */
	struct id root;         /* the trusted-root profile it refers to; zero: none */
	uint32_t version;       /* 1, then +1 for each change of content */
	when_t created, modified;
};

enum target_kind { TARGET_GROUP = 1, TARGET_EXCLUDE_GROUP, TARGET_ALL_DEVICES, TARGET_ALL_USERS };
enum filter_mode { FILTER_NONE, FILTER_INCLUDE, FILTER_EXCLUDE };
struct assignment {
	struct id profile;
	enum target_kind kind;
	struct id group;  /* zero for all devices, all users */
	struct id filter; /* zero: none */
	enum filter_mode filter_mode;
	when_ms_t created;
};

err_t store_profile_insert(struct tx *tx, const struct profile *p);
err_t store_profile_update(struct tx *tx, const struct profile *p); /* caller counts version up */
err_t store_profile_delete(struct tx *tx, struct id id);            /* and its assignments */
err_t store_profile_get(struct tx *tx, struct arena *a, struct id id, struct profile *ret);
err_t store_profile_list(
    struct tx *tx, struct arena *a, struct page p, struct profile **ret, size_t *retn, bool *more);
/* Those that refer to it as their trusted root, at most `limit`. */
err_t store_profile_by_root(struct tx *tx, struct arena *a, struct id root, size_t limit,
    struct profile **ret, size_t *retn);
/* Those whose settings hold this text, at most `limit`. */
err_t store_profile_by_reference(struct tx *tx, struct arena *a, const char *text, size_t limit,
    struct profile **ret, size_t *retn);
/* Replaces all assignments of a profile. */
err_t store_assign(struct tx *tx, struct id profile, const struct assignment *v, size_t n);
err_t store_assignments(
    struct tx *tx, struct arena *a, struct id profile, struct assignment **ret, size_t *retn);
/* Every profile of the platform that targets all devices, all users, or one of these groups, exclusions applied:
 * groups is the union of the groups of user and device. A row for each target that includes, those of a profile one
 * after the other; whether its filter lets the device pass is the caller's to judge. One indexed query, whatever the
 * number of profiles; readers make it once for all devices of the same groups, until anything changes that can concern any
 * device (store/stamp.h). The arrays are the caller's, the texts are shared. */
err_t store_profiles_for(struct tx *tx, struct arena *a, const char *platform,
    const struct id *groups, size_t ngroups, bool has_user, struct profile **ret,
    struct assignment **ret_by, size_t *retn);

#endif
