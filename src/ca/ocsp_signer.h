/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who signs OCSP answers: for each CA key a delegated signer (RFC 6960 4.2.2.2), certified by that very key from the
 * template OCSPResponseSigning, with id-pkix-ocsp-nocheck. Made when first needed, renewed by itself before it ends,
 * with the same key, which stays in the issuer's folder of keys. Its kind of key is the CA's, so whoever can check
 * the CA can check the answer.
 *
 * Not here: answers (ca/ocsp.h).
 */
#ifndef CA_OCSP_SIGNER_H
#define CA_OCSP_SIGNER_H

#include "ca/own_cert.h"

struct issuer;

struct own_certs *ocsp_signers_new(void);

struct ocsp_signer {
	const struct key *key;
	const struct cert *cert;
	struct str key_id; /* SHA-1, by which answers name it */
};
/* Good until issuer_close(). ERR_OCSP_SIGNER: none can be made or renewed, and there is no valid one. */
err_t ocsp_signer_get(struct issuer *is, const struct ca *ca, struct ocsp_signer *ret);
/* One for every CA. Goes on when one fails; returns the first failure. */
err_t ocsp_signers_upkeep(struct issuer *is);

#endif
