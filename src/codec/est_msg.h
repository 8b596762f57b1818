/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts around EST: bodies in base64, HTTP's name and password, the answer with a key made by the server, and CSR
 * attributes. RFC 7030 4, RFC 8951, RFC 7617, RFC 2046 5.1.
 *
 * Clients differ in the base64 that they read: libest wants lines, strongSwan wants none. Answers are one line,
 * and lines for who says that it is libest (est_wants_lines()).
 *
 * Not here: what is inside (pki), who may have it (ca).
 */
#ifndef CODEC_EST_MSG_H
#define CODEC_EST_MSG_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/str.h"

/* Base64 with or without lines, or PEM. ERR_BASE64, ERR_MALFORMED (empty), ERR_TOO_LARGE. */
err_t est_body_parse(struct arena *a, struct str body, size_t max, struct str *ret);
/* Lines of 64 characters, each ended; or one line without an end. */
char *est_body_print(struct arena *a, struct str der, bool lines);
bool est_wants_lines(const char *user_agent); /* NULL: the client says nothing */

/* Is this header value of that media type? Parameters and case do not matter. NULL: no. */
bool est_media_type(const char *value, const char *type);

/* RFC 7617 2: "Basic " and base64 of name:password in UTF-8. ERR_CREDENTIALS for anything else. */
err_t est_basic_parse(
    struct arena *a, const char *value, const char **ret_name, const char **ret_password);

/* RFC 7030 4.4.2: a PKCS#8 key in clear and a certs-only message, as two parts. boundary: 1 to 70 characters that
 * occur in neither, which base64 and '_' grant. */
err_t est_keygen_print(struct arena *a, const char *boundary, struct str key, struct str certs,
    bool lines, struct buf *out);

/* What the server wants of a request's key. RFC 7030 4.5.2, RFC 8951 3.4. */
struct est_attrs {
	unsigned rsa_bits; /* the least; 0: RSA is not taken */
	bool p256, p384;   /* curves that are taken */
};
err_t est_attrs_encode(struct arena *a, const struct est_attrs *t, struct str *ret);

#endif
