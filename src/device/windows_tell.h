/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands of the model as SyncML for a Windows device: RootCATrustedCertificates, ClientCertificateInstall with PFX and
 * SCEP, and WiFi.
 *
 * Each certificate gets a node of its own, named by profile and command, so that a new one is in place before the old
 * one goes. A key and all that belongs to it is one Atomic: all of it, or nothing.
 */
#ifndef DEVICE_WINDOWS_TELL_H
#define DEVICE_WINDOWS_TELL_H

#include "device/device.h"
#include "device/windows_ask.h"

struct windows_telling {
	const struct device_edge *edge;
	struct arena *a;
	const struct holdings *has;
	struct windows_state *st;
	const struct command *v;
	size_t n;
	struct buf *b;              /* the message, after our statuses */
	uint32_t id;                /* newest CmdID in it */
	uint32_t cleared;           /* Deletes at the beginning of the present command */
	size_t room;                /* bytes that it may have in the end */
	size_t told;                /* commands that were put into it */
	struct report_result *held; /* those that cannot be told, with the reason */
	size_t nheld;
};

/* Parts of a command, each with the next number. ERR_TOO_LARGE: the message is full. */
err_t windows_put(struct windows_telling *t, const char *verb, const char *uri, const char *format,
    const char *data);
err_t windows_add(struct windows_telling *t, const char *parent, const char *name,
    const char *format, const char *data);
err_t windows_add_number(
    struct windows_telling *t, const char *parent, const char *name, int64_t v);
/* Clears the way; what the device says to it does not count. Before anything else of a command. */
err_t windows_clear(struct windows_telling *t, const char *uri);

/* Puts in as many as fit; what does not comes when the device has answered. */
err_t windows_tell(struct windows_telling *t);

#endif
