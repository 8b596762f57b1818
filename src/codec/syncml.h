/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SyncML messages of device management (OMA-DM 1.2, as far as MS-MDM uses it): reads what a device sends, writes what a
 * server says. One message is one XML document.
 *
 * Not here: sessions and what the paths mean (device/windows*.h).
 */
#ifndef CODEC_SYNCML_H
#define CODEC_SYNCML_H

#include "base/arena.h"
#include "base/str.h"

#define SYNCML_CONTENT_TYPE "application/vnd.syncml.dm+xml"

/* What a device may send. The rest is told apart by name only, so that it can be refused by its number. */
enum syncml_verb { SYNCML_STATUS, SYNCML_RESULTS, SYNCML_ALERT, SYNCML_REPLACE, SYNCML_OTHER };

struct syncml_item {
	const char *target, *source; /* LocURI; "" if none */
	const char *type, *format;   /* of its Meta; "" if none */
	const char *data;            /* "" if none */
	bool more;                   /* MoreData: the rest comes in the next message */
};

struct syncml_command {
	enum syncml_verb verb;
	const char *name; /* "Status", ... */
	uint32_t id;      /* CmdID */
	/* Of Status and Results: the server's message and command that they answer; 0 in cmd_ref is the header. */
	uint32_t msg_ref, cmd_ref;
	uint32_t code;     /* Status: its code. Alert: its kind */
	uint32_t original; /* Status: the HRESULT that Windows adds, msft:originalerror; 0: none */
	const struct syncml_item *items;
	size_t nitems;
};

struct syncml_message {
	const char *session;
	uint32_t id; /* MsgID */
	const char *target, *source;
	uint32_t max_size; /* bytes that the device takes in one message; 0: it does not say */
	const struct syncml_command *commands;
	size_t ncommands;
	bool final;
};

/* ERR_XML, ERR_MALFORMED (not such a message), ERR_TOO_LARGE. */
err_t syncml_parse(struct arena *a, struct str xml, struct syncml_message *ret);

/* Writing, in the order of a message. Each call writes all of its part or nothing. ERR_TOO_LARGE: b is full. */
err_t syncml_open(struct buf *b, const struct syncml_message *answered);
err_t syncml_status(struct buf *b, uint32_t id, uint32_t msg_ref, uint32_t cmd_ref,
    const char *name, uint32_t code);
/* name: "Add", "Replace", "Delete", "Exec", "Get". format and data NULL: none. */
err_t syncml_put(struct buf *b, uint32_t id, const char *name, const char *uri, const char *format,
    const char *data);
err_t syncml_alert(struct buf *b, uint32_t id, uint32_t kind);
err_t syncml_atomic_open(struct buf *b, uint32_t id);
err_t syncml_atomic_close(struct buf *b);
err_t syncml_close(struct buf *b);

#endif
