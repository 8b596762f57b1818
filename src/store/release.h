/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Releases of the connector that administrators uploaded, in parts, as one file each (codec/release.h). Every function
 * expects a transaction.
 */
#ifndef STORE_RELEASE_H
#define STORE_RELEASE_H

#include "store/directory.h"

struct release_row {
	struct id id;
	const char *version, *machine; /* ""; as the bundle says, once it is there */
	int64_t size, got;
	struct str sha256; /* as it was announced */
	when_t created;
};

err_t store_release_insert(struct tx *tx, const struct release_row *r);
err_t store_release_get(struct tx *tx, struct arena *a, struct id id, struct release_row *ret);
err_t store_release_list(struct tx *tx, struct arena *a, struct page p, struct release_row **ret,
    size_t *retn, bool *more);
/* Version, machine and how much is there. */
err_t store_release_update(struct tx *tx, const struct release_row *r);
err_t store_release_delete(struct tx *tx, struct id id);
err_t store_release_part_add(struct tx *tx, struct id id, int64_t at, struct str bytes);
/* The part that begins at this byte. ERR_NOT_FOUND. */
err_t store_release_part(struct tx *tx, struct arena *a, struct id id, int64_t at, struct str *ret);

#endif
