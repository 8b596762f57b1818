/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Assignment filters and scope tags. Every function expects a transaction.
 *
 * A change of a filter's rule counts as a change of the directory (store/device.h: store_device_due), as the rule can take
 * a profile from devices that are away.
 *
 * Not here: what a rule means (codec/rule.h), who uses it (model/assign.h).
 */
#ifndef STORE_FILTER_H
#define STORE_FILTER_H

#include "store/directory.h"

struct filter {
	struct id id;
	const char *display_name; /* unique, case ignored */
	const char *description;
	const char *platform;   /* as profiles have it: "linux", "windows", ... */
	const char *rule;       /* text of codec/rule.h, checked */
	const char *scope_tags; /* JSON array of text; "": ["0"] */
	when_t created, modified;
};

err_t store_filter_insert(struct tx *tx, const struct filter *f); /* ERR_CONFLICT: name taken */
err_t store_filter_update(struct tx *tx, const struct filter *f);
err_t store_filter_delete(struct tx *tx, struct id id); /* the caller looks at store_filter_use */
err_t store_filter_get(struct tx *tx, struct arena *a, struct id id, struct filter *ret);
err_t store_filter_list(
    struct tx *tx, struct arena *a, struct page p, struct filter **ret, size_t *retn, bool *more);
/* Profiles that are assigned by it, at most `limit`. */
err_t store_filter_use(
    struct tx *tx, struct arena *a, struct id id, size_t limit, struct id **ret, size_t *retn);

struct scope_tag {
	int64_t number; /* 0: built in */
	const char *display_name, *description;
};

/* Gives it its number. ERR_CONFLICT: the name is taken. */
err_t store_scope_tag_insert(struct tx *tx, struct arena *a, struct scope_tag *t);
err_t store_scope_tag_update(struct tx *tx, const struct scope_tag *t);
/* ERR_SCOPE_TAG: something has it still. */
err_t store_scope_tag_delete(struct tx *tx, int64_t number);
err_t store_scope_tag_get(struct tx *tx, struct arena *a, int64_t number, struct scope_tag *ret);
/* All of them, by number. */
err_t store_scope_tag_list(struct tx *tx, struct arena *a, struct scope_tag **ret, size_t *retn);

#endif
