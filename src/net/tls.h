/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS settings of our servers and clients: 1.2 and 1.3, one session ticket, forward secrecy, no renegotiation.
 *
 * A server may take client certificates; then only those that chain to the given anchors and are valid now pass the
 * handshake. TLS_CLIENT_ENDED is TLS_CLIENT_OPTIONAL, but one that is over passes as well and counts as none, so that its
 * holder can be told more than that there is no connection (http_peer_over()). Whether
 * the holder may do anything is decided later by a look-up of the certificate's hash.
 *
 * Keys come as struct key (pki/key.h) and may live in another process or a token.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/arena.h"
#include "base/str.h"

struct key;
struct tls_server;

enum tls_client_auth {
	TLS_CLIENT_NONE,
	TLS_CLIENT_OPTIONAL,
	TLS_CLIENT_ENDED,
	TLS_CLIENT_REQUIRED
};

struct tls_server_conf {
	struct key *key;         /* borrowed for the life of the server */
	const struct str *chain; /* DER, leaf first */
	size_t nchain;
	enum tls_client_auth client;
	const struct str *
	    anchors; /* DER of CA certificates that client certificates must chain to (root or partial) */
	size_t nanchors;
};

err_t tls_server_new(const struct tls_server_conf *conf, struct tls_server **ret);
void tls_server_free(struct tls_server *t);
void *tls_server_ctx(struct tls_server *t); /* SSL_CTX *, for net only */

/* A client's side: who it trusts and who it is. Everything is copied but the key, which is borrowed. */
struct tls_client_conf {
	const struct str *anchors; /* DER; none: the system's */
	size_t nanchors;
	struct key *key;         /* NULL: no client certificate */
	const struct str *chain; /* leaf first */
	size_t nchain;
};

#endif
