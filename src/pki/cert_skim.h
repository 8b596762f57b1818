/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a certificate belongs (RFC 5280 4.1), read without parsing it whole, which costs as much as three P-256
 * signatures: most of that goes to OpenSSL looking for who could read the key.
 *
 * For sorting chains and for comparing keys. Nothing is verified, extensions are not looked at, and the names may be
 * malformed inside: what is to be trusted or shown is parsed (pki/cert.h).
 */
#ifndef PKI_CERT_SKIM_H
#define PKI_CERT_SKIM_H

#include "base/err.h"
#include "base/str.h"

/* Whole elements, tag and length with them; all borrowed. */
struct cert_skim {
	struct str der, issuer, subject, spki;
};

/* Exactly one certificate in strict DER, at most LIMIT_CERT_BYTES. ERR_CERTIFICATE. */
err_t cert_skim(struct str der, struct cert_skim *ret);
/* Is the issuer's name its own? */
static inline bool
cert_skim_self(const struct cert_skim *c)
{
	return str_eq(c->subject, c->issuer);
}
/* Does the name say that c was issued by this one? */
static inline bool
cert_skim_under(const struct cert_skim *c, const struct cert_skim *issuer)
{
	return str_eq(c->issuer, issuer->subject);
}

#endif
