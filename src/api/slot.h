/* SPDX-License-Identifier: Apache-2.0 */
/* Slots as JSON, for the files that show one. */
#ifndef API_SLOT_H
#define API_SLOT_H

#include "api/users.h"
#include "model/status.h"

/* The slot with the names beside its identifiers, where it stands and why. Expects a transaction. */
err_t slot_json(struct tx *tx, struct arena *a, const struct slot *s, json **ret);
/* What $search looks in. */
extern const char *const slot_search[];

/* Graph's certificateRevocationStatus of the slot's certificate, and since when (0: never). */
err_t slot_revoked(
    struct tx *tx, struct arena *a, const struct slot *s, const char **ret_word, when_ms_t *ret_at);

/* Device and user of a slot; what is gone from the directory has an empty name. */
struct slot_names {
	const char *device, *upn, *user;
};
err_t slot_names(struct tx *tx, struct arena *a, const struct slot *s, struct slot_names *ret);

#endif
