/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making certificates: from a complete statement of what shall stand in it to bytes. Decides nothing.
 *
 * Two steps, so that what is signed is what was checked: issue_tbs() builds the to-be-signed bytes, issue_lint() reads
 * them back from DER and refuses what RFC 5280 or the statement does not allow, issue_sign() signs exactly those bytes.
 */
#ifndef PKI_ISSUE_H
#define PKI_ISSUE_H

#include "base/when.h"
#include "pki/cert.h"

struct issue_ext {
	const char *oid;
	bool critical;
	struct str value; /* extnValue content */
};

struct issue_spec {
	uint8_t serial[20];        /* positive; issue_serial() */
	const struct cert *issuer; /* NULL: self-signed with `key` */
	struct key *key;           /* public key to certify */
	struct str subject;        /* DER Name */
	struct str san; /* DER GeneralNames; empty: none; critical when the subject is empty */
	when_t not_before, not_after;
	bool ca;
	int path_len;      /* CA: -1 none */
	uint8_t key_usage; /* first byte */
	const char *const *ekus;
	size_t nekus;
	const char *sid;              /* NULL or "": none */
	const char *crl_url;          /* NULL: none */
	const char *aia_url;          /* NULL: none; caIssuers */
	const char *ocsp_url;         /* NULL: none */
	const struct issue_ext *more; /* template extensions */
	size_t nmore;
};

void issue_serial(uint8_t ret
	[20]); /* 20 bytes, 159 random bits, top bit 0, second bit 1 (never a leading zero byte) */
err_t issue_tbs(
    struct arena *a, const struct issue_spec *s, const struct key *signer, struct str *ret_tbs);
err_t issue_lint(struct str tbs, const struct issue_spec *s); /* ERR_LINT names the rule */
err_t issue_sign(struct arena *a, struct str tbs, const struct key *signer, struct str *ret_der);

#endif
