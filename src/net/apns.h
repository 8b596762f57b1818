/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Apple's push service: one wake-up to one device, over HTTP/2, shown the management's push certificate. What a push says is
 * nothing but "come by"; that it was accepted does not say that it arrives.
 *
 * Not here: whom to wake (daemon/push.h).
 */
#ifndef NET_APNS_H
#define NET_APNS_H

#include "base/when.h"
#include "net/fetch.h"

enum apns_outcome {
	APNS_SENT = 1,
	APNS_UNREGISTERED, /* this token is good no more; the device sends a new one when it comes by */
	APNS_NOT_A_TOKEN, /* none of this environment and topic: what is configured may be wrong, and not the device */
	APNS_DEVICE_LATER, /* too many for this device */
	APNS_LATER         /* too much at the moment, for all */
};

struct apns_result {
	enum apns_outcome outcome;
	const char *reason; /* the service's own word; "" */
	/* APNS_UNREGISTERED: since when; a token that the device sent later is good all the same. 0: it was not said. */
	when_ms_t gone_ms;
};

struct apns_note {
	struct str token;
	const char *magic, *topic;
	when_t expires; /* the service tries so long */
};

/* For apns_push(): fetch with the push certificate, speaking HTTP/2. */
err_t apns_open(const struct tls_client_conf *tls, struct fetch **ret);
/* url: "https://api.push.apple.com". ERR_APPLE_PUSH: refused, and the next would be as well (the certificate, the topic);
 * ERR_UNREACHABLE, ERR_TIMEOUT, ERR_TLS. */
err_t apns_push(struct fetch *f, struct arena *a, const char *url, const struct apns_note *n,
    int64_t timeout_ms, struct apns_result *ret);

#endif
