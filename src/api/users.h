/* SPDX-License-Identifier: Apache-2.0 */
/* Users, groups and devices as JSON, for the files that show one inside another resource. */
#ifndef API_USERS_H
#define API_USERS_H

#include "api/reply.h"
#include "codec/field.h"
#include "store/access.h"
#include "store/device.h"
#include "store/slot.h"

/* Fields of Graph's user that these records have, for other files that show or read them. */
extern const struct field user_fields[];
extern const size_t user_nfields;
extern const struct field group_fields[];
extern const size_t group_nfields;
extern const struct field filter_fields[];
/* A filter's platform as the enum writes it, whatever the case that came. ERR_MODEL_INVALID. */
err_t filter_platform_read(struct arena *a, const char **platform);
extern const size_t filter_nfields;
extern const struct field scope_tag_fields[];
extern const size_t scope_tag_nfields;

/* A SID as text; "" passes. For field tables. */
err_t check_sid(struct arena *a, const struct field *f, const void *at);
/* ERR_RECORD_OWNED: a directory elsewhere keeps the record. */
err_t owned_check(const char *source, const char *name);

/* One row of an import, in the import's transaction. *again grows by the certificates that are issued again or taken for it. */
enum import_outcome { IMPORT_CREATED, IMPORT_UPDATED, IMPORT_UNCHANGED };
err_t user_import(struct tx *tx, struct arena *a, const struct caller *who, const json *row,
    enum import_outcome *ret, int64_t *again);
err_t group_import(struct tx *tx, struct arena *a, const struct caller *who, const json *row,
    enum import_outcome *ret, int64_t *again);
err_t device_import(struct tx *tx, struct arena *a, const struct caller *who, const json *row,
    enum import_outcome *ret, int64_t *again);

/* Adds a member with all checks, audited; ERR_REFERENCE_EXISTS. */
err_t member_add(
    struct tx *tx, struct arena *a, const struct caller *who, struct id group, struct id member);
/* Each of "members@odata.bind", at most 20. */
err_t members_bind(
    struct tx *tx, struct arena *a, const struct caller *who, struct id group, const json *body);

/* The first 20 members, as $expand=members shows them: an array. */
err_t members_json(struct tx *tx, struct arena *a, unsigned perms, struct id group, json **ret);

/* A directory object as members and memberOf show it: @odata.type and what `perms` may see of it; kind of it. */
struct object {
	enum member_kind kind;
	json *entity; /* the caller's */
};
err_t object_find(struct tx *tx, struct arena *a, unsigned perms, struct id id, struct object *ret);

err_t user_json(struct arena *a, const struct user *u, json **ret);
err_t group_json(struct arena *a, const struct group *g, json **ret);
/* user: the primary one; NULL: none. */
err_t device_json(struct arena *a, const struct device *d, const struct user *user, json **ret);
/* What device_json() does not know: that a wipe was asked for, and how it stands. */
err_t device_wipe_json(struct tx *tx, struct arena *a, const struct device *d, json *j);
/* Properties that have one value here; of device_json(). */
void device_rest_json(json *j);
const char *text_or_null(const char *s); /* NULL for "" as well */
/* Empty texts of an entity become null, as Graph shows what is not set. */
void texts_to_null(json *entity);
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
