/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this layer know of each other's keys and signatures. Not for other layers. */
#ifndef PKI_KEY_INT_H
#define PKI_KEY_INT_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "pki/key.h"

/* Takes one reference over, also when it fails. has_private: it can sign, here or far away. */
err_t key_adopt(EVP_PKEY *pkey, bool has_private, struct key **ret);
/* key_verify() with this digest, PKCS#1 v1.5 where the key is RSA. */
err_t key_verify_with(const struct key *k, const char *md, struct str msg, struct str signature);
/* The private RSA key of these numbers (pki/rsa_gen.h), which nobody has used yet: key_sign() with it is for its own request
 * and the like, once or twice (pki/rsa_raw.h). */
err_t key_of_numbers(unsigned bits, const uint64_t *numbers, struct key **ret);
/* What key_make() makes; ERR_KEY_SIZE for anything else. */
err_t key_check_kind(enum key_alg alg, unsigned bits);
/* The public half, always of OpenSSL's own provider, and maybe the private one with it: to check and to encrypt with. The
 * caller frees it. */
err_t key_public(const struct key *k, EVP_PKEY **ret);
/* The AlgorithmIdentifier of key_sign() with this key, DER, static. RFC 5758, RFC 4055. */
struct str key_sigalg(const struct key *k);
struct str key_sigalg_of(const EVP_PKEY *p);
/* SEQUENCE { tbs, key_sigalg, BIT STRING signature }: certificates, CRLs and requests alike. */
err_t key_sign_tbs(struct arena *a, const struct key *k, struct str tbs, struct str *ret);

#define KEYPROV_NAME "chancery"

#endif
