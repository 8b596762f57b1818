/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RSA paddings (RFC 8017), for tokens that only compute the bare power. Taking a padding off tells good or bad and
 * nothing else; where the text begins is found without branches. Not for other layers.
 */
#ifndef PKI_RSA_PAD_H
#define PKI_RSA_PAD_H

#include "base/arena.h"
#include "base/str.h"

/* 9.2: DigestInfo. md: "SHA256", "SHA384", "SHA512". */
err_t rsa_digest_info(struct arena *a, const char *md, struct str digest, struct str *ret);
/* 9.2: the whole block of n bytes. */
err_t rsa_pad_pkcs1(struct arena *a, const char *md, struct str digest, size_t n, struct str *ret);
/* 9.1.1: salt as long as the digest, MGF1 with the same hash; bits of the modulus. */
err_t rsa_pad_pss(struct arena *a, const char *md, struct str digest, size_t bits, struct str *ret);

/* 7.2.2, 7.1.2 (no label); block as long as the modulus. ERR_CRYPTO. */
err_t rsa_unpad_pkcs1(struct arena *a, struct str block, struct str *ret);
err_t rsa_unpad_oaep(struct arena *a, const char *md, struct str block, struct str *ret);

#endif
