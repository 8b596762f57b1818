/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an Apple device is asked: what it is (DeviceInformation), and its lists of profiles and of certificates (ProfileList,
 * CertificateList), one after the other. st->ask says what is asked for; a round of asking has a name of its own, by which
 * answers to an older one are known.
 *
 * Not here: when a device is asked (device/apple_session.h), and what its lists say (device/apple_inventory.h).
 */
#ifndef DEVICE_APPLE_ASK_H
#define DEVICE_APPLE_ASK_H

#include "device/apple_msg.h"
#include "device/apple_state.h"

/* What it answered in this exchange. */
struct apple_answers {
	bool has_facts;
	struct device facts;
	struct str *found; /* DER for each item of the state, where it is news */
};

/* Begins a round. what: APPLE_ASK_INFORMATION, _PROFILES, _CERTIFICATES, added to what is asked for already. */
void apple_ask(struct arena *a, struct apple_state *st, uint8_t what);
/* Something is asked for. */
bool apple_asking(const struct apple_state *st);
/* The next question, a property list. */
err_t apple_ask_print(struct arena *a, const struct apple_state *st, struct str *ret);
/* The answer to a question of this round; *ret false: it is to something else. A question that was not answered is not asked
 * again before the next session. */
err_t apple_ask_taken(struct arena *a, struct apple_state *st, const struct apple_msg *m,
    struct apple_answers *told, bool *ret);

#endif
