/* SPDX-License-Identifier: Apache-2.0 */
/*
 * People, groups and their members. Every function expects a transaction. Text is UTF-8, NULL or "" when absent.
 */
#ifndef STORE_DIRECTORY_H
#define STORE_DIRECTORY_H

#include "store/store.h"

/* Who owns a record: made here, imported from a file, or kept by a directory elsewhere. */
#define SOURCE_CLOUD "cloud"
#define SOURCE_FILE "file"
#define SOURCE_DIRECTORY "directory"

struct user {
	struct id id;
	const char *upn, *display_name, *given_name, *surname, *mail, *mail_nickname;
	const char *sam_account, *dn, *sid; /* on-premises */
	const char *op_upn, *op_domain;
	const char *immutable_id; /* key of the directory that owns the record; unique */
	const char *cloud_sid;    /* not the one for mapping on premises */
	const char *job_title, *department, *employee_id;
	const char *office, *mobile, *company;
	const char *source; /* who owns the record: SOURCE_* */
	bool enabled;
	when_t created, modified;
};

struct group {
	struct id id;
	const char *display_name, *description, *mail_nickname;
	const char *sam_account, *op_domain, *sid, *cloud_sid; /* sid is unique */
	const char *source;
	when_t created, modified;
};

enum member_kind { MEMBER_USER = 1, MEMBER_DEVICE, MEMBER_GROUP };
struct member {
	struct id id;
	enum member_kind kind;
};

/* A page of a list: rows after `after` (zero: from the start) in order of id; *more: there are further ones. */
struct page {
	struct id after;
	size_t limit; /* 1 .. LIMIT_PAGE */
};

err_t store_user_insert(
    struct tx *tx, const struct user *u); /* ERR_CONFLICT: UPN taken (case ignored) */
err_t store_user_update(struct tx *tx, const struct user *u);
err_t store_user_delete(struct tx *tx, struct id id); /* and its memberships. ERR_NOT_FOUND */
err_t store_user_get(struct tx *tx, struct arena *a, struct id id, struct user *ret);
err_t store_user_by_upn(struct tx *tx, struct arena *a, const char *upn, struct user *ret);
err_t store_user_by_immutable(
    struct tx *tx, struct arena *a, const char *immutable, struct user *ret);
err_t store_user_list(
    struct tx *tx, struct arena *a, struct page p, struct user **ret, size_t *retn, bool *more);

err_t store_group_insert(struct tx *tx, const struct group *g);
err_t store_group_update(struct tx *tx, const struct group *g);
err_t store_group_delete(struct tx *tx, struct id id);
err_t store_group_get(struct tx *tx, struct arena *a, struct id id, struct group *ret);
err_t store_group_by_sid(struct tx *tx, struct arena *a, const char *sid, struct group *ret);
/* By display name, case ignored: two at most, so that the caller sees that it is ambiguous. */
err_t store_group_by_name(
    struct tx *tx, struct arena *a, const char *name, struct group **ret, size_t *retn);
err_t store_group_list(
    struct tx *tx, struct arena *a, struct page p, struct group **ret, size_t *retn, bool *more);
err_t store_member_add(struct tx *tx, struct id group,
    struct member m); /* ERR_CONFLICT: is one already; ERR_GROUP_CYCLE */
err_t store_member_remove(struct tx *tx, struct id group, struct id member); /* ERR_NOT_FOUND */
err_t store_member_list(struct tx *tx, struct arena *a, struct id group, struct page p,
    struct member **ret, size_t *retn, bool *more);
/* Members of the group and of the groups below it, each once. */
err_t store_member_list_all(struct tx *tx, struct arena *a, struct id group, struct page p,
    struct member **ret, size_t *retn, bool *more);
/* Whether there is a member of this kind in the group or below it: one look through an index for each group. */
err_t store_member_has_kind(struct tx *tx, struct id group, enum member_kind kind, bool *ret);
err_t store_groups_direct(
    struct tx *tx, struct arena *a, struct id member, struct id **ret, size_t *retn);
/* Every group that holds the member, directly or through groups (each once, cycles are harmless). */
err_t store_groups_of(
    struct tx *tx, struct arena *a, struct id member, struct id **ret, size_t *retn);

#endif
