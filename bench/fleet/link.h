/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device's connection: HTTP/1.1 over TLS, kept alive, by a fiber. An answer has Content-Length or no body, as the device
 * port's have; chunked ones are refused.
 *
 * The server's certificate is checked against what the fleet trusts, and its name. A kept connection that turns out to be
 * closed is opened again, once, if nothing of an answer came.
 */
#ifndef FLEET_LINK_H
#define FLEET_LINK_H

#include <openssl/ssl.h>

#include "base/arena.h"
#include "pki/cert.h"
#include "fiber.h"

struct link {
	SSL_CTX *tls;            /* shared */
	const struct cert *cert; /* shown from the next connection on; NULL: none */
	const struct key *key;
	char *host, *port; /* of the connection */
	SSL *ssl;
	int fd;
	SSL_SESSION *session; /* to be taken up again */
};

struct link_ask {
	const char *method, *url;
	const char *headers; /* lines that end with CR LF; NULL: none */
	struct str body;     /* without bytes: no Content-Length unless method is not GET */
	int64_t timeout_ms;  /* 0: a minute */
};

struct link_got {
	int status;
	const char *content_type; /* "": none */
	struct str body;          /* in the arena */
};

/* What all links share: trust is a PEM file. */
SSL_CTX *link_context(const char *trust);

void link_init(struct link *l, SSL_CTX *tls);
/* For the next connection; the one there is ends. Both are borrowed. */
void link_identity(struct link *l, const struct cert *cert, const struct key *key);
void link_close(struct link *l); /* the session is kept */
void link_free(struct link *l);

/* ERR_UNREACHABLE: no connection, or it broke; ERR_TIMEOUT; ERR_MALFORMED. Any status is an answer. */
err_t link_exchange(struct link *l, struct fiber *f, struct arena *a, const struct link_ask *q,
    struct link_got *ret);

#endif
