/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SubjectPublicKeyInfo (RFC 5280 4.1.2.7) of the keys that we certify: read and written without OpenSSL's decoders and
 * encoders, which try every format that they know and take longer than three P-256 signatures. Not for other layers.
 *
 * Taken here are bytes that can be written in one way only: RSA with NULL parameters and minimal numbers (RFC 3279 2.3.1),
 * and uncompressed points on P-256 and P-384 (RFC 5480 2). Whatever else is left to OpenSSL by who calls this.
 */
#ifndef PKI_SPKI_H
#define PKI_SPKI_H

#include <openssl/evp.h>

#include "base/str.h"

/* The key, for the caller to free, or NULL when the bytes are not of this kind. ERR_KEY: they are, and hold no key. */
err_t spki_key(struct str spki, EVP_PKEY **ret);
/* The other way, for an RSA key (not RSA-PSS) that OpenSSL's own provider holds. Appended to out. ERR_KEY. */
err_t spki_put_rsa(const EVP_PKEY *k, struct buf *out);

#endif
