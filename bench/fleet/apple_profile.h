/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration profiles as a device opens them: the signature around, the envelope inside, the payloads, and the
 * certificates that they bring.
 */
#ifndef FLEET_APPLE_PROFILE_H
#define FLEET_APPLE_PROFILE_H

#include "codec/plist.h"
#include "fleet.h"

struct apple_profile {
	const char *identifier, *uuid;
	const struct pl *payloads; /* array */
};

/* Everything in the arena. ERR_CMS, ERR_PLIST. */
err_t apple_profile_open(
    struct arena *a, const struct device *d, struct str bytes, struct apple_profile *ret);

struct apple_item {
	struct str der; /* owned */
	bool identity;
};

/* What its payloads bring; identities by SCEP are requested. Items are malloc'd, at most max. key: of a SCEP identity. */
err_t apple_profile_items(struct device *d, struct fiber *f, struct arena *a,
    const struct apple_profile *p, struct key *key, struct apple_item *ret, size_t max,
    size_t *retn);
/* A payload of this type; NULL: none. */
const struct pl *apple_payload(const struct apple_profile *p, const char *type);
/* Runs com.apple.security.scep with this key. */
err_t apple_scep(struct device *d, struct fiber *f, struct arena *a, const struct pl *payload,
    struct key *key, struct str *ret_leaf);

#endif
