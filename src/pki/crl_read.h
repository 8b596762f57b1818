/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading revocation lists (RFC 5280 5): what a CA published itself, for who has to learn from it what its records have
 * lost. Bounded, strict DER, nothing is copied.
 *
 * A list that reads well has a number, entries that all read well, and no critical extension but the delta indicator
 * and an IssuingDistributionPoint of one address; indirect lists and lists of some reasons only are refused. Who signed
 * it is not looked at until crl_verify().
 *
 * Not here: relying parties (libcrypto checks lists for TLS), making lists (pki/crl.h).
 */
#ifndef PKI_CRL_READ_H
#define PKI_CRL_READ_H

#include "base/when.h"
#include "pki/cert.h"

/* Points into the bytes that were read. */
struct crl_doc {
	struct str tbs, algorithm, signature; /* tbs, algorithm: whole elements */
	struct str issuer;                    /* Name, DER */
	when_t this_update, next_update;      /* next_update 0: not said */
	uint64_t number;
	bool delta;
	uint64_t base;      /* delta: the number that it changes */
	struct str point;   /* address in IssuingDistributionPoint; empty: the list is of all */
	struct str entries; /* for crl_next() */
	size_t n;           /* <= LIMIT_CRL_ENTRIES */
};
/* Exactly one list of at most LIMIT_CRL_BYTES. ERR_CRL. */
err_t crl_parse(struct str der, struct crl_doc *ret);
/* ERR_CRL: the issuer has another name. ERR_SIGNATURE: it is not of this key. */
err_t crl_verify(const struct crl_doc *d, const struct cert *issuer);

struct crl_listed {
	struct str
	    serial; /* content of the INTEGER without leading zero; positive, 1 to 20 bytes */
	when_t when;
	int reason; /* RFC 5280 5.3.1; 0 when not said */
};
/* Takes the next entry off *entries, of a crl_doc, until that is empty. */
err_t crl_next(struct str *entries, struct crl_listed *ret);

#endif
