/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client of MS-WSTEP: sends a PKCS#10 request to a CA and reads what became of it. Client-certificate authentication
 * is that of the fetch it is given. MS-WSTEP 3.1.4.1 (RequestSecurityToken), 3.1.4.1.3.
 */
#ifndef NET_WSTEP_H
#define NET_WSTEP_H

#include "net/fetch.h"

enum wstep_outcome { WSTEP_ISSUED, WSTEP_PENDING, WSTEP_DENIED };

struct wstep_attr {
	const char *name;
	const char *value;
};

struct wstep_reply {
	enum wstep_outcome outcome;
	const char *request_id; /* "" if none */
	const char *message;    /* disposition message or fault reason */
	uint32_t hresult;       /* WSTEP_DENIED: of the fault */
	bool retry_elsewhere;   /* InvalidRequest was false */
	struct str leaf;        /* DER, WSTEP_ISSUED */
	struct str *chain;      /* the other certificates of the answer, leaf's issuer first */
	size_t nchain;
};

/* The address of a CA's enrolment service below `base` ("https://ca.example:9443"), for client-certificate
 * authentication: <base>/<CA name>_CES_Certificate/service.svc/CES, percent-encoded. */
char *wstep_url(struct arena *a, const char *base, const char *ca);

/* url: the whole service address. A transport failure is an error; a fault of the CA is WSTEP_DENIED. */
err_t wstep_submit(struct fetch *f, struct arena *a, const char *url, struct str csr,
    const struct wstep_attr *attrs, size_t nattrs, int64_t timeout_ms, struct wstep_reply *ret);
err_t wstep_query(struct fetch *f, struct arena *a, const char *url, const char *request_id,
    int64_t timeout_ms, struct wstep_reply *ret);

#endif
