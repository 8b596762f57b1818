/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the private keys of the issuer are: a file of its folder, encrypted when there is a passphrase (pki/vault.h), or a
 * PKCS#11 token, named by a URI (RFC 7512):
 *
 *   pkcs11:token=LABEL;object=LABEL?module-path=/usr/lib/...so&pin-source=file:/etc/chancery/pin
 *
 * A token is opened when its key is first used and again after it was away: until then each use fails with
 * ERR_TOKEN_DEVICE, and the other CAs go on.
 */
#ifndef CA_CA_KEY_H
#define CA_CA_KEY_H

#include "pki/cert.h"

struct issuer;

/* where: a file's name, or a URI. The key of this certificate; ERR_KEY_MISMATCH for a file with another. */
err_t ca_key_open(struct issuer *is, struct arena *a, const char *where, const struct cert *cert,
    struct key **ret);
/* The same before there is a certificate: a file is made when it is not there; a token's key is made with `bits` and `alg`
 * when no object of that label is there. */
err_t ca_key_make(struct issuer *is, struct arena *a, const char *where, enum key_alg alg,
    unsigned bits, struct key **ret);
#endif
