/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The private operation of an RSA key that nobody has used yet (RFC 8017 5.1.2, by the Chinese remainder theorem), for the
 * two times that a key pair is used where it is made: to see that its halves fit, and to sign its own request.
 *
 * Libcrypto blinds this operation, which for a key that is used once takes longer than the operation. Blinding keeps
 * somebody who measures many operations of one key from learning of it by what the arithmetic leaves uneven. Here there is
 * one of each, over a block that is not of his choosing, with libcrypto's exponentiation whose instructions and addresses do
 * not depend on the exponent, and without a branch on what comes out. A result is only good once it was checked against the
 * public half: a fault in one of the two exponentiations would give the factors away.
 *
 * Not for keys that sign for anybody else, nor in FIPS mode: those go through EVP. Not for other layers.
 */
#ifndef PKI_RSA_RAW_H
#define PKI_RSA_RAW_H

#include <openssl/evp.h>

#include "base/arena.h"
#include "base/str.h"

/* p above q. All borrowed. */
struct rsa_crt {
	const BIGNUM *p, *q, *dp, *dq, *qinv;
};

/* ret = in^d mod pq, for in below pq; c: its numbers are wiped as its maker chose. False: libcrypto's queue says why. */
bool rsa_raw(BN_CTX *c, const struct rsa_crt *k, const BIGNUM *in, BIGNUM *ret);
/* PKCS#1 v1.5 with SHA-256 (RFC 8017 8.2.1), with a key of libcrypto's own provider. The caller checks it with the public
 * half before it shows it to anybody. */
err_t rsa_raw_sign(struct arena *a, const EVP_PKEY *k, struct str msg, struct str *ret);

#endif
