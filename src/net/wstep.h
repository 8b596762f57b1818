/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client of MS-WSTEP: sends a PKCS#10 request to a CA and reads what became of it. A client certificate or a Kerberos
 * ticket is that of the fetch it is given; name and password go into the message. MS-WSTEP 3.1.4.1 (RequestSecurityToken), 3.1.4.1.3.
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

/* How the asker shows itself; each has an address of its own. */
enum wstep_way { WSTEP_BY_CERTIFICATE, WSTEP_BY_PASSWORD, WSTEP_BY_KERBEROS };
const char *wstep_way_name(enum wstep_way way); /* "Certificate", "UsernamePassword", "Kerberos" */

/* The address of a CA's enrolment service below `base` ("https://ca.example:9443"):
 * <base>/<CA name>_CES_<way>/service.svc/CES, percent-encoded. */
char *wstep_url(struct arena *a, const char *base, const char *ca, enum wstep_way way);

struct wstep_server {
	const char *url;             /* the whole service address */
	const char *user, *password; /* user NULL or "": not in the message */
};

/* A transport failure is an error; a fault of the CA is WSTEP_DENIED. */
err_t wstep_submit(struct fetch *f, struct arena *a, const struct wstep_server *s, struct str csr,
    const struct wstep_attr *attrs, size_t nattrs, int64_t timeout_ms, struct wstep_reply *ret);
err_t wstep_query(struct fetch *f, struct arena *a, const struct wstep_server *s,
    const char *request_id, int64_t timeout_ms, struct wstep_reply *ret);

#endif
