/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What server and client contexts have in common. For net only; a context is an SSL_CTX *.
 */
#ifndef NET_TLS_CTX_H
#define NET_TLS_CTX_H

#include <openssl/ssl.h>

#include "base/str.h"

struct key;

/* Versions, cipher suites, options. */
err_t tls_ctx_base(SSL_CTX *ctx);
/* Who we are: leaf first. The key is referenced by the context. ERR_TLS if key and leaf do not
 * belong together. */
err_t tls_ctx_identity(SSL_CTX *ctx, const struct key *key, const struct str *chain, size_t n);
/* Whom we trust. `announce`: tell the peer their names (a server that asks for client
 * certificates). */
err_t tls_ctx_anchors(SSL_CTX *ctx, const struct str *anchors, size_t n, bool announce);

#endif
