/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Revocation lists, version 2, base and delta (RFC 5280 5), with the extensions that Windows looks for (MS-WCCE
 * 3.2.1.4.3: CA version, next publication, published locations). From a complete statement to signed bytes; decides
 * nothing.
 *
 * Written directly, so that a long list costs one pass. Not here: who is on a list, and when one is due (ca/crl.h).
 */
#ifndef PKI_CRL_H
#define PKI_CRL_H

#include "base/when.h"
#include "pki/cert.h"

enum { CRL_REASON_REMOVE = 8 }; /* removeFromCRL: in deltas only */

struct crl_entry {
	const char *serial; /* hex */
	when_t when;
	int reason; /* RFC 5280 5.3.1; 0 unspecified is left out */
};

struct crl_spec {
	const struct cert *issuer;
	const struct key *signer;
	uint32_t ca_version; /* key index << 16 | certificate index */
	uint64_t number;
	bool delta;
	uint64_t base; /* delta: number of the base that it changes */
	when_t this_update, next_update;
	when_t next_publish;   /* 0: not written */
	const char *fresh_url; /* base: where its deltas are; NULL: none */
	const char *own_url;   /* where this list is published; NULL: not written */
	const char *point; /* only for certificates that name this address (5.2.5); NULL: for all */
	const struct crl_entry *v;
	size_t n; /* <= LIMIT_CRL_ENTRIES */
};

/* ERR_TOO_LARGE, ERR_RANGE for a serial number or reason that lists cannot hold. */
err_t crl_make(struct arena *a, const struct crl_spec *s, struct str *ret_der);

#endif
