/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is remembered of a Windows device between two messages of an OMA-DM session, and of what runs on in the device
 * beyond one. Kept as JSON in the device's own channel (store/device_state.h).
 *
 * Whoever loses it loses a session: the device is asked again, and what it was told is offered again.
 */
#ifndef DEVICE_WINDOWS_STATE_H
#define DEVICE_WINDOWS_STATE_H

#include "store/device.h"
#include "store/store.h"

/* A command that the device was told, until what it shows settles it. */
enum windows_op {
	WINDOWS_TRUST = 1, /* a certificate for one of its trust stores */
	WINDOWS_PFX,       /* a key with its certificate */
	WINDOWS_SCEP,      /* it makes a key and requests */
	WINDOWS_REMOVE,
	WINDOWS_WIPE,
	WINDOWS_WIFI /* a network */
};
struct windows_sent {
	enum windows_op op;
	bool again;     /* by Replace, because something of that name was there */
	const char *id; /* of the model's command; "": a node of ours that nothing needs any more */
	const char *alias; /* "" with that */
	const char *uri;   /* its node */
	const char *sha1;  /* upper-case hex of the certificate; "": not known before */
	const char *sha256;
	uint32_t first,
	    last; /* CmdIDs that carried it in the newest message of the session; 0: another message */
	uint32_t code, original; /* what the device said; 0: nothing yet */
	when_t since;
};

/* A node that the device was asked for, and what it said. */
struct windows_answer {
	const char *uri;
	uint32_t id;      /* CmdID of the Get in the newest message; 0: answered before */
	uint32_t code;    /* 0: no word yet */
	const char *data; /* "" */
	bool more;        /* only the beginning of it came so far */
	bool heard;       /* something of it came in this message; not kept */
};

/* Whether the device was told the application by which it is woken (device/windows_push.h), in this session. */
enum windows_push_step {
	WINDOWS_PUSH_UNTOLD,
	WINDOWS_PUSH_TOLD, /* and is to be asked for its channel */
	WINDOWS_PUSH_ASKED
};

struct windows_state {
	const char *session; /* "": none */
	const char *source;  /* who speaks in it, as its messages have it */
	uint32_t msg;        /* the newest of the device that was answered */
	uint32_t asked;      /* that in the answer to which the CmdIDs below were given */
	bool user;           /* its user is signed in */
	bool facts;          /* asked for in this session already */
	enum windows_push_step push;
	unsigned rounds; /* times that it was told something in this session */
	when_t looked;   /* when it was last asked for what seldom changes */
	struct windows_sent *sent;
	size_t nsent;
	struct windows_answer *answers;
	size_t nanswers;
};

/* As it is kept. Reading: what cannot be read counts as none. */
err_t windows_state_print(struct arena *a, const struct windows_state *st, struct str *ret);
void windows_state_read(struct arena *a, struct str text, struct windows_state *ret);

err_t windows_state_load(
    struct store *s, struct arena *a, struct id device, struct windows_state *ret);
err_t windows_state_save(
    struct store *s, struct arena *a, struct id device, const struct windows_state *st);

/* There is room for LIMIT_WINDOWS_SENT commands; past it they are forgotten, so windows_sent_full() is asked before. */
void windows_sent_add(struct windows_state *st, const struct windows_sent *s);
bool windows_sent_full(const struct windows_state *st);
/* Past LIMIT_WINDOWS_NODES a node is not asked for, and what lies there counts as it did before. */
void windows_ask_add(struct windows_state *st, const char *uri);
/* NULL: not asked, or no word yet. */
const struct windows_answer *windows_answer_of(const struct windows_state *st, const char *uri);

/* In which store the enrolment put the device's own certificate, for what renews it: the machine's, or a person's. Nothing
 * on record: *ret stays. */
err_t windows_place_put(struct store *s, struct arena *a, struct id device, bool of_machine);
err_t windows_place_get(struct store *s, struct arena *a, struct id device, bool *ret);

#endif
