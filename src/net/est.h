/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client of EST (RFC 7030, RFC 8951): sends a PKCS#10 request and reads what became of it. Authentication is that of the
 * fetch, or name and password.
 */
#ifndef NET_EST_H
#define NET_EST_H

#include "net/fetch.h"

struct est_server {
	const char *base;            /* "https://ca.example:9443", without /.well-known */
	const char *label;           /* RFC 7030 3.2.2; "" for none */
	const char *user, *password; /* RFC 7617; user "": none */
};

struct est_reply {
	bool pending; /* 202: ask again after retry_s */
	int64_t retry_s;
	const char
	    *said; /* 202: the server's words, at most 300 bytes that can be printed; "" if none */
	struct str leaf;
	struct str *
	    chain; /* leaf's issuer first; with what cacerts tells where the answer has no issuer */
	size_t nchain;
};

/* header: one more of the request, "Name: value"; NULL: none. What the server refuses is ERR_CA_DENIED with its words;
 * ERR_CA_ACCESS: it does not know us. */
err_t est_enroll(struct fetch *f, struct arena *a, const struct est_server *s, const char *header,
    struct str csr, int64_t timeout_ms, struct est_reply *ret);
/* The same without a further question: where the answer has no issuer, it is sought among `known` (what est_cacerts gave
 * before), so that nothing that can fail comes after the certificate exists. */
err_t est_enroll_knowing(struct fetch *f, struct arena *a, const struct est_server *s,
    const char *header, struct str csr, const struct str *known, size_t nknown, int64_t timeout_ms,
    struct est_reply *ret);
/* All CA certificates of the server. */
err_t est_cacerts(struct fetch *f, struct arena *a, const struct est_server *s, int64_t timeout_ms,
    struct str **ret, size_t *retn);
/* Whether the server takes us: asks for the attributes of requests, which wants the same rights. */
err_t est_check(struct fetch *f, struct arena *a, const struct est_server *s, int64_t timeout_ms);

#endif
