/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key pairs and public keys. A struct key may hold its private half here, in another process, or in a token; who uses it
 * cannot tell (pki/keyprov.h).
 */
#ifndef PKI_KEY_H
#define PKI_KEY_H

#include "base/arena.h"
#include "base/str.h"

struct key;

enum key_alg { KEY_RSA, KEY_EC };
enum {
	KEY_RSA_2048 = 2048,
	KEY_RSA_3072 = 3072,
	KEY_RSA_4096 = 4096,
	KEY_P256 = 256,
	KEY_P384 = 384
};

/* Whose generator makes RSA keys. In FIPS mode always libcrypto's. */
enum key_maker {
	KEY_MAKER_CHANCERY, /* pki/rsa_gen.h, many times faster, in the best way that the processor has */
	KEY_MAKER_PORTABLE, /* the same in the portable way, whatever the processor has */
	KEY_MAKER_LIBCRYPTO
};

/* bits: RSA modulus or curve size (256, 384). ERR_KEY_SIZE for others. By libcrypto: for keys that are made now and then. */
err_t key_make(enum key_alg alg, unsigned bits, struct key **ret);
err_t key_make_by(enum key_maker by, enum key_alg alg, unsigned bits, struct key **ret);
void key_free(struct key *k);
static inline void
key_cleanup(struct key **k)
{
	key_free(*k);
}
#define auto_key __attribute__((cleanup(key_cleanup)))

enum key_alg key_algorithm(const struct key *k);
unsigned key_bits(const struct key *k);
bool key_is_private(const struct key *k);
/* SubjectPublicKeyInfo DER, and its SHA-256. */
err_t key_spki(struct arena *a, const struct key *k, struct str *ret);
err_t key_spki_sha256(const struct key *k, uint8_t ret[32]);
bool key_same_public(const struct key *a, const struct key *b);
err_t key_from_spki(struct str der, struct key **ret);

/* PKCS#8 in PEM; passphrase NULL: not encrypted, else PBES2 (AES-256-CBC, PBKDF2-SHA256 with 600,000 rounds). */
err_t key_write(struct buf *out, const struct key *k, const char *passphrase);
err_t key_read(struct str pem, const char *passphrase, struct key **ret);
/* The key file: read it, or make the key and write it with mode 0600 (never over an existing file). */
err_t key_file(
    struct arena *a, const char *path, enum key_alg alg, unsigned bits, struct key **ret);

/* Signature over a message: SHA-256 (SHA-384 with P-384); RSA PKCS#1 v1.5; ECDSA in DER. */
err_t key_sign(struct arena *a, const struct key *k, struct str msg, struct str *ret);
err_t key_verify(const struct key *k, struct str msg, struct str signature); /* ERR_SIGNATURE */
/* Over a digest, as the other end of keyprov asks: scheme is enum sign_scheme of codec/sign_ipc.h. */
err_t key_sign_digest(
    struct arena *a, const struct key *k, uint8_t scheme, struct str digest, struct str *ret);

void *key_pkey(const struct key *k); /* EVP_PKEY *, borrowed; for pki and net only */

void hash_sha256(struct str in, uint8_t ret[32]);
void hash_sha1(struct str in, uint8_t ret[20]); /* for names of things only, never for trust */

#endif
