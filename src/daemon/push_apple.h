/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waking Apple devices, through Apple's push service. The push certificate is shown by its key in service/keys; it is
 * Apple's, for a topic that every enrolled device was told.
 */
#ifndef DAEMON_PUSH_APPLE_H
#define DAEMON_PUSH_APPLE_H

#include "daemon/push.h"

struct push_apple {
	struct store *store;
	const char *url; /* "https://api.push.apple.com" */
	const char *topic;
	int64_t renew_before;       /* seconds before its end that an identity is renewed */
	struct tls_client_conf tls; /* the push certificate; anchors none: whom the system trusts */
};

/* c is the way's context: it lives as long. */
struct push_way push_apple_way(struct push_apple *c);

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

#endif
