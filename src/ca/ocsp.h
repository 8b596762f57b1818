/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OCSP answers (RFC 6960) from the records of certificates, not from lists: "good" is only what was issued here and
 * is valid, "unknown" what was never issued or only begun, and a revocation counts from the transaction that made
 * it.
 *
 * Every answer states what the records say at that moment. A signature is used again only when it says exactly that,
 * is young enough, and no nonce was asked for; so nothing has to be thrown away when something is revoked.
 *
 * Not here: messages (pki/ocsp.h), signers (ca/ocsp_signer.h).
 */
#ifndef CA_OCSP_H
#define CA_OCSP_H

#include "codec/status_ipc.h"

struct issuer;
struct ocsp_answers;

struct ocsp_answers *ocsp_answers_new(void);    /* what the issuer keeps of answers */
void ocsp_answers_free(struct ocsp_answers *o); /* NULL is fine */

/* The issuer is that of the first certificate asked about; those of others are unknown. The answer is in the arena.
 * ERR_OCSP_ISSUER, ERR_OCSP_SIGNER. */
err_t ocsp_serve(
    struct issuer *is, struct arena *a, const struct ocsp_req *q, struct ocsp_rep *ret);

#endif
