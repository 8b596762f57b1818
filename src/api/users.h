/* SPDX-License-Identifier: Apache-2.0 */
/* Users, groups and devices as JSON, for the files that show one inside another resource. */
#ifndef API_USERS_H
#define API_USERS_H

#include "api/reply.h"
#include "codec/field.h"
#include "store/access.h"
#include "store/device.h"
#include "store/slot.h"

err_t user_json(struct arena *a, const struct user *u, json **ret);
err_t group_json(struct arena *a, const struct group *g, json **ret);
/* user: the primary one; NULL: none. */
err_t device_json(struct arena *a, const struct device *d, const struct user *user, json **ret);
/* `user` is filled when the device has one that still is in the directory; *ret_user is it or NULL. */
err_t device_user(struct tx *tx, struct arena *a, const struct device *d, struct user *user,
    const struct user **ret_user);

/* A key in a path that names a user: its identifier or its UPN. ERR_NOT_FOUND. */
err_t user_find(struct tx *tx, struct arena *a, const char *key, struct user *ret);

/* JSON text of an entity, for the audit. Consumes it. */
err_t entity_text(struct arena *a, json *entity, const char **ret);
const char *target_text(struct arena *a, const char *what, struct id id); /* "user <id>" */
/* After the change: what the devices of this member should have may be different. */
err_t nudge_member(struct tx *tx, struct arena *a, struct id id, enum member_kind kind);

#endif
