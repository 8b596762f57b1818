/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RSA key pairs from our own primes: FIPS 186-5 A.1.3 and SP 800-56B 6.3.1, 6.4.1.
 *
 * Two primes of pki/prime.h, more than 2^(bits/2 - 100) apart; d the inverse of e = 65537 modulo the least common
 * multiple of p - 1 and q - 1, larger than 2^(bits/2); p above q. Before numbers are given out it was checked that
 * they belong together: n = pq of the full length, e d = 1, dP, dQ and qInv right, and that what is encrypted with the
 * public half comes back from the private one (pairwise consistency, SP 800-56B 6.4.1.1).
 *
 * Four to six times as fast as libcrypto 3.0's own generator with the portable way, twenty times and more with AVX-512
 * IFMA (bench/bench_keygen.c). Never used when libcrypto is told to use approved implementations alone (key_make_by()).
 *
 * Not here: the choice between this and libcrypto's generator (pki/key.h); keys ahead of time (pki/keypool.h).
 */
#ifndef PKI_RSA_GEN_H
#define PKI_RSA_GEN_H

#include <openssl/evp.h>

#include "pki/key.h"
#include "pki/prime.h"

#define RSA_NUMBERS_MAX 288 /* words, for 4096 bits */

/* Words of 64 bits, lowest first: n and d of bits / 64, then p, q, dP, dQ, qInv of half as many. */
static inline size_t
rsa_numbers_words(unsigned bits)
{
	return bits / 64 * 9 / 2;
}

/* How that maker looks for primes. */
static inline enum prime_way
rsa_gen_way(enum key_maker by)
{
	return by == KEY_MAKER_PORTABLE ? PRIME_PORTABLE : PRIME_BEST;
}

struct rsa_gen; /* one thread at a time */

/* bits of the modulus: 2048, 3072, 4096; 1024 for tests alone. way, batch: prime_work_new(). ERR_RANGE, ERR_CRYPTO. */
err_t rsa_gen_new(unsigned bits, enum prime_way way, unsigned batch, struct rsa_gen **ret);
void rsa_gen_free(struct rsa_gen *g);
/* ret: rsa_numbers_words(bits). */
err_t rsa_gen_next(struct rsa_gen *g, uint64_t *ret);
/* The key of these numbers, of libcrypto's own provider. The caller frees it. */
err_t rsa_numbers_pkey(unsigned bits, const uint64_t *numbers, EVP_PKEY **ret);
/* The numbers of a key of that size with two primes, whoever made it. ERR_KEY: it has others, or does not show them. */
err_t rsa_numbers_of(unsigned bits, const EVP_PKEY *k, uint64_t *ret);
/* A.1.3 step 5.5: |p - q| > 2^(bits/2 - 100), bits being those of the modulus. */
bool rsa_far_apart(unsigned bits, const uint64_t *p, const uint64_t *q);

#endif
