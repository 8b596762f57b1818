/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OCSP messages (RFC 6960, the profile of RFC 5019, nonces of RFC 9654): requests to structs, statements to signed
 * answers.
 *
 * Requests are read strictly as DER and bounded; a requestor's name and signature are passed over, as is any
 * extension that is not critical. CertIDs may use SHA-1 (what everybody sends: it only names the issuer) or SHA-256.
 * A nonce of more than 32 bytes is left out of the answer, one of none or more than 128 is a malformed request.
 *
 * Written by hand: OpenSSL's writer costs more than a P-256 signature. Not here: who is revoked (ca/ocsp.h).
 */
#ifndef PKI_OCSP_H
#define PKI_OCSP_H

#include "codec/status_ipc.h"
#include "pki/cert.h"

/* RFC 6960 4.2.1 */
enum ocsp_failure {
	REFUSE_MALFORMED = 1,
	REFUSE_INTERNAL = 2,
	REFUSE_TRY_LATER = 3,
	REFUSE_UNAUTHORIZED = 6
};

/* Sets v, n and nonce of *ret; ca is "". What it points at is in `der`; the array is in the arena. ERR_OCSP_REQUEST. */
err_t ocsp_request_parse(struct arena *a, struct str der, struct ocsp_req *ret);

/* How requests name an issuer. */
struct ocsp_issuer {
	uint8_t name_sha1[20], key_sha1[20], name_sha256[32], key_sha256[32];
};
err_t ocsp_issuer(const struct cert *c, struct ocsp_issuer *ret);
bool ocsp_issuer_is(const struct ocsp_issuer *i, const struct ocsp_id *id);

enum ocsp_status { STATUS_GOOD, STATUS_REVOKED, STATUS_UNKNOWN };

struct ocsp_single {
	struct ocsp_id id;
	enum ocsp_status status;
	when_t revoked;
	int reason; /* RFC 5280 5.3.1; 0 is left out */
};

struct ocsp_answer {
	const struct ocsp_single *v;
	size_t n;
	when_t produced, this_update, next_update;
	struct str nonce; /* content of extnValue; empty: none */
	const struct cert *signer;
	const struct key *key; /* of the signer */
	struct str key_id;     /* SHA-1 of its bit string: ocsp_issuer() of the signer has it */
};
err_t ocsp_answer_make(struct arena *a, const struct ocsp_answer *s, struct str *ret_der);
/* An unsigned refusal; static. */
struct str ocsp_refusal(enum ocsp_failure f);

#endif
