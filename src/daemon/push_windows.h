/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waking Windows devices, through Microsoft's push service, by the channel that each was given for the installation's
 * application. The token for it is fetched when the first device is to be woken, and again when it is used up or refused.
 */
#ifndef DAEMON_PUSH_WINDOWS_H
#define DAEMON_PUSH_WINDOWS_H

#include "daemon/push.h"
#include "net/wns.h"

struct push_windows;

struct push_windows_conf {
	struct store *store;
	struct wns_conf wns;
	const char *family; /* package family name */
	const char *host;   /* at or below which channels are */
	struct tls_client_conf tls;
};

/* Everything given stays the caller's. */
struct push_windows *push_windows_new(const struct push_windows_conf *conf);
void push_windows_free(struct push_windows *c); /* after push_stop(); NULL is fine */
/* c is the way's context. */
struct push_way push_windows_way(struct push_windows *c);
/* Until when the token is used; 0: there is none. */
when_t push_windows_token_ends(struct push_windows *c);

#endif
