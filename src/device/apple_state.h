/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept of an Apple device and channel between two messages (store/device_state.h): how to wake it, where its session
 * stands, and what it was last seen to hold.
 *
 * Written as binary with a version in front. A blob of another version, or one that cannot be read, is an empty state: the
 * device is asked anew.
 */
#ifndef DEVICE_APPLE_STATE_H
#define DEVICE_APPLE_STATE_H

#include "base/arena.h"
#include "base/when.h"
#include "device/apple_msg.h"

/* Still to be asked in this session. */
enum {
	APPLE_ASK_PROFILES = 1,
	APPLE_ASK_CERTIFICATES = 2,
	APPLE_ASK_INFORMATION = 4,
	/* profiles and certificates, as soon as the command that was sent is answered */
	APPLE_ASK_AFTER = 8,
	/* not in this session any more: the device put a question off, or did not answer it */
	APPLE_ASK_LATER = 16
};

/* A certificate of ours on the device, or a network. */
struct apple_item {
	const char *alias;
	uint8_t sha256[32];
	bool identity, network;
	when_t not_after;
};

/* Which certificate came of a profile that let the device make its own key, or what is in one that brings a network. */
struct apple_claim {
	const char *alias;
	const char *uuid; /* of the profile */
	const char *
	    subject; /* apple_subject_mark(); of a network: what its content is named by, in hexadecimal digits */
	const char *command; /* that installs the profile; "": it was answered */
	when_t since;
};

/* The device's answer to a command, until the inventory confirms it. */
struct apple_result {
	const char *id;
	uint8_t status; /* enum result_status */
	const char *code, *detail, *fault;
};

struct apple_state {
	const char *udid, *user, *topic, *magic;
	struct str token;
	when_ms_t token_ms; /* when the device sent it last */
	bool deaf;          /* the push service knows the token no more */
	when_ms_t known_ms; /* last whole inventory; 0: never */
	when_t informed;    /* last answer to DeviceInformation */
	when_t renewing;    /* a new identity was offered, and not put off; 0: none */
	uint8_t ask;        /* APPLE_ASK_* */
	const char *sent;   /* the command of the model's that is not answered yet; "" */
	/* Declarative management (device/apple_declare.h): the token that the device was told last, when, and why it did not
	 * take it, in its own code. */
	const char *declared, *refused;
	when_t declared_at;
	bool fresh;        /* items are newer than what is on record */
	const char *round; /* what the commands of this round of asking begin with */
	struct apple_listed
	    *listed; /* of a round that has asked for profiles and not for certificates yet */
	size_t nlisted;
	struct apple_item *items;
	size_t nitems;
	struct apple_claim *claims;
	size_t nclaims;
	struct apple_result *results;
	size_t nresults;
	const char **away; /* commands that were put off in this session */
	size_t naway;
};

/* In the arena; all texts are not NULL. */
void apple_state_read(struct arena *a, struct str blob, struct apple_state *ret);
/* ERR_TOO_LARGE past LIMIT_DEVICE_STATE. */
err_t apple_state_write(struct arena *a, const struct apple_state *s, struct str *ret);

/* Whether it is to be offered a new identity: its own ends within so many seconds, and it was not offered one since a day. */
bool apple_state_renews(const struct apple_state *s, when_t not_after, int64_t before);

/* Appends; at most LIMIT_RESULTS, then the oldest is forgotten. An older one of the same id goes. */
void apple_state_result(struct arena *a, struct apple_state *s, const struct apple_result *r);
void apple_state_away(struct arena *a, struct apple_state *s, const char *id);
bool apple_state_answered(const struct apple_state *s, const char *id); /* a result or put off */
/* Whether one more profile, of this alias, would be more than are managed: what is there and what was installed since. */
bool apple_state_full(const struct apple_state *s, const char *alias);
/* In place of one of the same alias. */
void apple_state_claim(struct arena *a, struct apple_state *s, const struct apple_claim *c);

#endif
