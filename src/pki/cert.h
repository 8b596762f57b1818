/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates: parsed once, facts at hand. RFC 5280.
 */
#ifndef PKI_CERT_H
#define PKI_CERT_H

#include "base/when.h"
#include "codec/dn.h"
#include "codec/san.h"
#include "pki/key.h"

struct cert;

/* Exactly one certificate, nothing after it, at most LIMIT_CERT_BYTES. ERR_CERTIFICATE. */
err_t cert_parse(struct str der, struct cert **ret);
/* The same for what a client made for itself as a mere envelope of its key: its serial number may be of any size and sign. */
err_t cert_parse_odd(struct str der, struct cert **ret);
/* One more holder of the same certificate, which nobody changes; each frees it. From any thread. */
struct cert *cert_share(struct cert *c);
void cert_free(struct cert *c);
static inline void
cert_cleanup(struct cert **c)
{
	cert_free(*c);
}
#define auto_cert __attribute__((cleanup(cert_cleanup)))

struct str cert_der(const struct cert *c); /* all of these borrow from c */
const uint8_t *cert_sha256(const struct cert *c);
const uint8_t *cert_spki_sha256(const struct cert *c);
const char *cert_serial(
    const struct cert *c); /* lower-case hex, no leading zero byte beyond DER's, e.g. "7f3a..." */
const char *cert_subject(const struct cert *c); /* dn_print text */
const char *cert_issuer(const struct cert *c);
struct str cert_subject_der(const struct cert *c);
struct str cert_issuer_der(const struct cert *c);
struct str cert_san_der(const struct cert *c); /* extnValue content; empty: none */
when_t cert_not_before(const struct cert *c);
when_t cert_not_after(const struct cert *c);
bool cert_is_ca(const struct cert *c);
bool cert_self_issued(const struct cert *c);
bool cert_has_ekus(const struct cert *c);                 /* does it say what it is for at all? */
bool cert_has_eku(const struct cert *c, const char *oid); /* false when there is no EKU extension */
uint8_t cert_key_usage(const struct cert *c); /* first byte of the bit string; 0 if absent */
err_t cert_key(const struct cert *c, struct key **ret); /* a new reference */
/* Is this certificate for the key? It is parsed only where the bytes of both are not the same. ERR_KEY_MISMATCH,
 * ERR_CERTIFICATE. */
err_t cert_for_key(struct str der, const struct key *k);
/* extnValue content of any extension; ERR_NOT_FOUND. */
err_t cert_extension(struct arena *a, const struct cert *c, const char *oid, struct str *ret);

/* Signed by `issuer`, names chain, issuer is a CA with keyCertSign, both valid at `now`. No revocation. ERR_CHAIN, ERR_EXPIRED. */
err_t cert_verify(const struct cert *c, const struct cert *issuer, when_t now);
/* A path from c over the others to one of the anchors (an anchor need not be self-signed). purpose EKU NULL: any. */
err_t cert_verify_path(const struct cert *c, const struct str *others, size_t nothers,
    const struct str *anchors, size_t nanchors, const char *eku, when_t now);

/* The same with one anchor and nothing between. */
err_t cert_verify_under(
    const struct cert *c, const struct cert *anchor, const char *eku, when_t now);

void *cert_x509(const struct cert *c); /* X509 *, borrowed; for pki and net only */

#endif
