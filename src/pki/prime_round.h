/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Miller-Rabin for one number, on libcrypto's big numbers: the way that works everywhere, and the reference for
 * pki/prime_ifma.h.
 *
 * The power is BN_mod_exp_mont_consttime(), what follows are Montgomery squarings, as many as n - 1 has zero bits at
 * its end, wherever -1 appears. The time shows that count, as libcrypto's own test does.
 */
#ifndef PKI_PRIME_ROUND_H
#define PKI_PRIME_ROUND_H

#include <openssl/bn.h>

#include "base/err.h"

/* FIPS 186-5 B.3.1 for one base. n: odd, above 3, in words of 64 bits; base: 2 to n - 2, NULL: 2. */
err_t prime_round(
    BN_CTX *c, const uint64_t *n, unsigned words, const uint64_t *base, bool *ret_passed);

#endif
