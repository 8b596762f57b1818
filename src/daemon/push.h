/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waking devices that hold no connection: Apple's, through its push service. Nudges are gathered, one device once, and sent
 * by a few threads. Where none gets through, devices come by of themselves, later.
 *
 * The push certificate is shown by its key in service/keys; it is Apple's, for a topic that every enrolled device was told.
 */
#ifndef DAEMON_PUSH_H
#define DAEMON_PUSH_H

#include "base/metric.h"
#include "net/ipc.h"
#include "net/tls.h"
#include "store/store.h"

struct push;

struct push_conf {
	struct store *store;
	struct metrics *metrics;
	const char *url; /* "https://api.push.apple.com" */
	const char *topic;
	struct tls_client_conf tls; /* the push certificate; anchors none: whom the system trusts */
};

/* The setting with the push certificate (PEM, with its chain), and the topic that it is for: UID of its subject.
 * ERR_NOT_FOUND: there is none. */
err_t push_certificate_get(struct tx *tx, struct arena *a, struct str *ret_pem);
/* It is one of Apple's for management (its subject has a UID "com.apple.mgmt."...), not over, and of this key (SPKI).
 * ERR_CERTIFICATE says what is wrong. */
err_t push_certificate_check(struct arena *a, struct str pem, struct str spki,
    struct str *ret_chain, size_t max, size_t *retn, const char **ret_topic);
/* The topic of one that need not be good any more. */
err_t push_certificate_topic(struct arena *a, struct str pem, const char **ret);
err_t push_certificate_put(struct tx *tx, const char *topic, struct str pem);

/* Starts its threads. Everything given stays the caller's. */
err_t push_start(const struct push_conf *conf, struct push **ret);
void push_stop(struct push *p);
/* From any thread, at no cost: this device (16 bytes of its id) shall come by. Empty: something changed that may be about
 * any of them; those that it is about are looked for. */
void push_nudge(struct push *p, struct str device);

#endif
