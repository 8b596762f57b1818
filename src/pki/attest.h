/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The word of who makes keys for others: that it made this key pair, for this order, and gives the private half to nobody
 * but the holder of that certificate. connector/keys gives it, as an attribute of its request; the CA asks for it where an
 * order names the maker. So whoever carries order and request between the two cannot put a key of his own in the place of
 * the one that was made, nor another order, nor another device.
 *
 * ECDSA P-256 with SHA-256 over "chancery-attest-v1" NUL and the three hashes.
 *
 * Not here: that the maker keeps its word (connector/keys.c), which maker an order names (model/job.c).
 */
#ifndef PKI_ATTEST_H
#define PKI_ATTEST_H

#include "pki/key.h"

struct attest {
	struct str order;     /* SHA-256 of the sealed order */
	struct str spki;      /* SHA-256 of the public key that was made */
	struct str recipient; /* SHA-256 of the certificate of who gets it */
};

/* Is this a key that gives such a word? ERR_KEY. */
err_t attest_key(struct str spki);
err_t attest_make(
    struct arena *a, const struct key *maker, const struct attest *w, struct str *ret_signature);
/* maker: SPKI. ERR_ORDER_KEY: nothing was said, by another one, or of something else. */
err_t attest_check(struct arena *a, struct str maker, const struct attest *w, struct str signature);

#endif
