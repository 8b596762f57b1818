/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client of SCEP (RFC 8894): one certificate for a key that is made here.
 *
 * Asked are capabilities, CA certificates, then the request. What GetCACert answers is believed only as far as it chains
 * to the anchors given, and an answer only when one of those certificates signed it, for our transaction and our nonce. Never
 * used are single DES and MD5; SHA-1 not by our side, and in an answer only when the caller allows it.
 *
 * It remembers nothing: who asks again for the same certificate does so with the same key, which makes it the same
 * transaction to the server.
 */
#ifndef NET_SCEP_CLIENT_H
#define NET_SCEP_CLIENT_H

#include "net/fetch.h"
#include "pki/key.h"

struct scep_server {
	const char *url;           /* "https://ca.example/scep/pkiclient.exe" */
	const struct str *anchors; /* DER */
	size_t nanchors;
	bool sha1; /* an answer may be signed with SHA-1 */
};

struct scep_ask {
	struct key *key;    /* RSA */
	struct str csr;     /* PKCS#10 by that key, with the challenge in it */
	struct str subject; /* DER Name of it, as in the request */
	bool again;         /* the server said before that it will take its time (RFC 8894 4.4) */
};

struct scep_got {
	bool pending;      /* nothing yet: ask again later */
	struct str leaf;   /* for that key */
	struct str *chain; /* leaf's issuer first, without what is its own issuer */
	size_t nchain;
};

/* timeout_ms: of each of the three exchanges. ERR_SCEP_CAPS: the server can only do what we do not. ERR_CHAIN: its
 * certificates, or the one that it issued, lead to no anchor. ERR_SCEP_FAILED: it refuses, with its failInfo and words. ERR_SCEP_ANSWER:
 * the answer is none to this request. */
err_t scep_client_enrol(struct fetch *f, struct arena *a, const struct scep_server *s,
    const struct scep_ask *q, int64_t timeout_ms, struct scep_got *ret);

#endif
