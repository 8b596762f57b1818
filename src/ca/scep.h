/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SCEP (RFC 8894) in the issuer: from the parts of a client's message to the CertRep that answers it.
 *
 *   parts --signature checked again--> type --envelope opened with the RA's key--> request
 *     first request   the signer's key is the request's, and a challenge says who speaks for it (challenge.h)
 *     renewal         the signer's certificate is one of ours, valid, and names what the request names (renewal.h); one
 *                     that brings a challenge which was not used yet is a first request
 *   --> the policy and the mint of every protocol (submit.h) --> issued, pending or denied --> CertRep
 *
 * Every refusal is a CertRep with status failure, the failInfo of its row in errors.tbl, and a line for people; it is
 * in the journal. Only a failure of our own (store, keys) is an error, so that the client tries again. What is wrong
 * inside of an envelope is told to nobody but the journal: until a request proves its own key, "does not open" and
 * "is no request" are one answer, or the difference would open captured messages piece by piece.
 *
 * A message that is repeated gets the same answer: orders and challenges give one certificate, and the newest request
 * of each transaction is remembered with the key that signs it. Polling asks for that one.
 *
 * A CA that was renewed is known to clients by its certificate before, as long as that one has not ended. GetNextCACert
 * is for them: the certificates of now, signed by the key that they know.
 */
#ifndef CA_SCEP_H
#define CA_SCEP_H

#include "base/str.h"
#include "base/arena.h"

/* Handlers of codec/ca_scep_ipc.h; ctx is the struct issuer. */
err_t scep_on_message(void *ctx, struct arena *a, struct str in, struct buf *out);
err_t scep_on_refuse(void *ctx, struct arena *a, struct str in, struct buf *out);
err_t scep_on_info(void *ctx, struct arena *a, struct str in, struct buf *out);
err_t scep_on_next(void *ctx, struct arena *a, struct str in, struct buf *out);

#endif
