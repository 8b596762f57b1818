/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a Windows device is woken: the channel of the push service that it was given for the application of the installation
 * (DMClient CSP, Push). Asked for in every session, because it changes every few weeks; kept beside the session's state.
 *
 * An address outside of the push service is taken for none: a device does not say whom the service calls.
 */
#ifndef DEVICE_WINDOWS_PUSH_H
#define DEVICE_WINDOWS_PUSH_H

#include "device/device.h"
#include "device/windows_state.h"
#include "model/due.h"

struct windows_push {
	const char *uri;    /* its channel; "": none */
	const char *family; /* the application that the channel is of */
	uint32_t status;    /* Push/Status, 0: in order */
	when_t
	    refused; /* by the push service, last; 0: it was not; WINDOWS_PUSH_DEAD: it is good no more */
};
#define WINDOWS_PUSH_DEAD INT64_MAX
/* Seconds that a channel is left alone when it refused. */
#define WINDOWS_PUSH_PAUSE 86400

/* Expect a transaction. None is one without a channel. */
err_t windows_push_get(struct tx *tx, struct arena *a, struct id device, struct windows_push *ret);
/* With whose credentials channels are called, and since when: what was refused before says nothing of them. */
struct windows_pusher {
	const char *family;
	when_t since;
};
/* What it is due, if it can be woken. */
err_t windows_push_due(struct tx *tx, struct arena *a, struct id device,
    const struct windows_pusher *by, enum due_kind *ret);
/* What the push service said of this channel, in words, for who looks at the device; a channel that came meanwhile stays as
 * it is. refused: as above. */
err_t windows_push_note(struct tx *tx, struct arena *a, struct id device, const char *uri,
    when_t refused, const char *answer);
/* Can be woken by it now. */
bool windows_push_good(const struct windows_push *p, const struct windows_pusher *by);

/* ---- in a session; nothing happens where the installation has no application ---- */

/* Adds to what is asked. */
void windows_push_ask(const struct device_edge *edge, struct windows_state *st);
/* Keeps what the answers say. *ret_verb: by which the device is to be told the application ("Add", "Replace"), after which
 * it is asked again; NULL: it needs not. */
err_t windows_push_hear(const struct device_edge *edge, struct arena *a, struct id device,
    struct windows_state *st, const char **ret_verb);
#define WINDOWS_PUSH_FAMILY "./Device/Vendor/MSFT/DMClient/Provider/Chancery/Push/PFN"

#endif
