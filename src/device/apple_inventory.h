/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an Apple device holds, from its lists of profiles and of certificates: which certificate came by which profile.
 *
 * A profile whose certificate was known when it was sent has its hash for a UUID. Of one that let the device make the key,
 * the certificate is found by its subject, among the identities that came since and belong to no other profile. One that
 * brings a network shows that by its UUID; what is in it is known from when it was sent, or it counts as another content.
 */
#ifndef DEVICE_APPLE_INVENTORY_H
#define DEVICE_APPLE_INVENTORY_H

#include "device/apple_heard.h"
#include "device/device.h"

/* The states of all channels of a device, and what was heard of them. */
struct apple_channels {
	struct {
		const char *name;
		struct apple_state state;
		struct str blob; /* the state as it is stored; empty: none is */
		struct apple_heard heard;
		when_t updated; /* the state; 0: never */
	} * v;
	size_t n, own;
};

/* A subject, as cert_subject() has it, in a few characters. */
const char *apple_subject_mark(struct arena *a, const char *subject);

/* Expects a transaction. The channel named is there, with an empty state if it has none yet. */
err_t apple_channels_load(struct tx *tx, struct arena *a, struct id device, const char *channel,
    struct apple_channels *ret);

/* From the answer to CertificateList, with st->listed: the items of the channel, which are fresh then. *ret: DER of each. */
err_t apple_inventory_take(
    struct arena *a, struct apple_state *st, const struct pl *body, struct str **ret);
/* The items of all channels into the report, less those that the device told to be gone; unless the device's own were never listed. found: of ch->own; NULL: none. */
void apple_inventory_report(
    struct arena *a, const struct apple_channels *ch, const struct str *found, struct report *r);

#endif
