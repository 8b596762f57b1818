/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A signature asked of the process that holds the key. The asker hashes, the holder signs the
 * digest.
 *
 *   request: u8 which | u8 scheme | blob digest        reply: blob signature
 *
 * `which` is a row of the holder's key table; what rows there are is said beside the message that
 * uses this (KEYS_SIGN in keys_ipc.h, CA_SIGN_TLS in ca_ipc.h). A digest whose length is not the
 * scheme's is refused.
 */
#ifndef CODEC_SIGN_IPC_H
#define CODEC_SIGN_IPC_H

#include "base/arena.h"
#include "base/str.h"

enum sign_scheme {
	SIGN_ECDSA_SHA256 = 1, /* signature: DER ECDSA-Sig-Value */
	SIGN_ECDSA_SHA384,
	SIGN_RSA_PKCS1_SHA256,
	SIGN_RSA_PKCS1_SHA384,
	SIGN_RSA_PKCS1_SHA512,
	SIGN_RSA_PSS_SHA256, /* salt as long as the digest, MGF1 with the same hash */
	SIGN_RSA_PSS_SHA384,
	SIGN_RSA_PSS_SHA512,
};

struct sign_req {
	uint8_t which;
	enum sign_scheme scheme;
	struct str digest;
};

struct sign_rep {
	struct str signature;
};

/* Bytes of the scheme's digest; 0: no such scheme. */
size_t sign_scheme_digest(unsigned scheme);

err_t sign_req_encode(const struct sign_req *q, struct buf *out);
err_t sign_req_parse(struct arena *a, struct str in, struct sign_req *ret);
err_t sign_rep_encode(const struct sign_rep *q, struct buf *out);
err_t sign_rep_parse(struct arena *a, struct str in, struct sign_rep *ret);

#endif
