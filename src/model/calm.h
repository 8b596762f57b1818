/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Check-ins that found everything as it should be, remembered: the same report under the same certificate finds it again,
 * as long as nothing changed that it depends on. Asked again, it is known without reading the store.
 *
 * What is remembered ends with any change of directory, profiles, targets, filters or roll-outs, with any of the device, its
 * slots and requests (store/stamp.h), when a renewal is due, and after CALM_S seconds at the latest. A device that was
 * retired is not let through by it: that is a change of the device.
 *
 * A bounded number is kept; where two fall together the later one stays. All functions may be called from any thread, and
 * none of them but calm_seen() blocks.
 *
 * Not here: what a check-in is (model/checkin.h), who the caller is (device/device.h).
 */
#ifndef MODEL_CALM_H
#define MODEL_CALM_H

#include "store/stamp.h"

enum { CALM_S = 600 };

struct calm;

struct calm *calm_new(struct store *s, struct metrics *m); /* m may be NULL */
void calm_free(struct calm *c);                            /* NULL is fine */

/* certificate: SHA-256 of the client certificate; report: the message as it came. */
struct calm_hit {
	uint8_t certificate[32], report[32];
	struct id device;
	int64_t wait;   /* seconds that the report offers to wait */
	when_t written; /* the last contact on record */
};
/* ret gets both hashes in any case. */
bool calm_find(struct calm *c, struct str certificate_der, struct str report, struct calm_hit *ret);
/* stamp was taken before the check-in; until: when it holds no longer, whatever happens. */
void calm_put(struct calm *c, const struct calm_hit *hit, const struct stamp *stamp, when_t until);
/* Writes down when devices were last seen that calm_find() found. To be called now and then. */
err_t calm_seen(struct calm *c);

#endif
