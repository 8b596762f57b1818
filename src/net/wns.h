/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Microsoft's push service (WNS): one wake-up to one channel, over HTTPS with a token that the login service gave for the
 * credentials of the application (OAuth 2.0 client credentials, RFC 6749 4.4). What a push says is nothing but "come by"; that
 * it was accepted does not say that it arrives.
 *
 * Channels are addresses that devices say: none is called that wns_channel_good() does not take.
 *
 * Not here: whom to wake (daemon/push.h), tokens between two pushes (daemon/push_windows.h).
 */
#ifndef NET_WNS_H
#define NET_WNS_H

#include "base/when.h"
#include "net/fetch.h"

struct wns_conf {
	/* Of a registration in the Store: its Package SID ("ms-app://..."), tenant "". Of one in Entra ID: application and
	 * directory (tenant) id. */
	const char *client, *tenant, *secret;
	const char *token_url; /* ""; else this in place of Microsoft's */
};

/* ERR_CONF says what is wrong. */
err_t wns_conf_check(const struct wns_conf *c);
/* As the Store has it: "Name_publisher", letters, digits, "." and "-"; 13 letters and digits of the publisher. */
bool wns_package_good(const char *family_name);
/* https://, at this host or below it ("notify.windows.com"; with a port only if `host` has one), at most 2048 bytes. */
bool wns_channel_good(const char *host, const char *uri);

/* For the two below: fetch with whom to trust. */
err_t wns_open(const struct tls_client_conf *tls, struct fetch **ret);
const char *wns_token_url(struct arena *a, const struct wns_conf *c);
/* *ret_seconds: for how long it is good. ERR_WINDOWS_PUSH: the credentials are refused, with the reason; ERR_BUSY: at the
 * moment; ERR_UNREACHABLE, ERR_TIMEOUT, ERR_TLS. */
err_t wns_token(struct fetch *f, struct arena *a, const struct wns_conf *c, int64_t timeout_ms,
    const char **ret_token, int64_t *ret_seconds);

enum wns_outcome {
	WNS_SENT = 1,
	WNS_TOKEN,     /* the token is good no more */
	WNS_GONE,      /* this channel is good no more; the device has a new one when it comes by */
	WNS_REFUSED,   /* this push: dropped, or the channel is another application's */
	WNS_THROTTLED, /* too much for this channel */
	WNS_LATER      /* too much, or something is broken over there: for all of them */
};
struct wns_reply {
	enum wns_outcome outcome;
	int64_t after_s;    /* of THROTTLED and LATER: not before; 0: it does not say */
	const char *reason; /* in words, for the log */
};
/* ERR_UNREACHABLE, ERR_TIMEOUT, ERR_TLS. */
err_t wns_push(struct fetch *f, struct arena *a, const char *channel, const char *token,
    int64_t timeout_ms, struct wns_reply *ret);

#endif
