/* SPDX-License-Identifier: Apache-2.0 */
/* Extensions as OpenSSL objects, for certificates and requests. Not for other layers. */
#ifndef PKI_BUILD_H
#define PKI_BUILD_H

#include "base/when.h"
#include "pki/cert.h"
#include "pki/ssl_err.h"

/* One DER element. */
err_t build_wrap(struct arena *a, uint8_t tag, struct str content, struct str *ret);
/* Several, one after the other. */
struct str build_join(struct arena *a, const struct str *parts, size_t n);
/* UTCTime until 2049, GeneralizedTime after it (RFC 5280 4.1.2.5). */
err_t build_time(struct arena *a, when_t t, struct str *ret);
/* AuthorityKeyIdentifier with the issuer's key identifier, or with that of the key when it has none. */
err_t build_aki_der(
    struct arena *a, const struct cert *issuer, const struct key *signer, struct str *ret);
/* SHA-1 of the key's bit string (RFC 5280 4.2.1.2 method 1). */
err_t build_key_id(const struct key *k, uint8_t ret[20]);

/* The bytes stay as they are: names are not put into another form. */
err_t build_name(struct str der, X509_NAME **ret);
/* Appends to *list, which is made when NULL. value: content of extnValue. */
err_t build_ext(STACK_OF(X509_EXTENSION) * *list, const char *oid, bool critical, struct str value);
/* Extensions whose value OpenSSL or we know how to write. */
err_t build_key_usage(STACK_OF(X509_EXTENSION) * *list, uint8_t usage);
err_t build_ekus(STACK_OF(X509_EXTENSION) * *list, const char *const *ekus, size_t n);
err_t build_sid(STACK_OF(X509_EXTENSION) * *list, const char *sid);
/* The value of an EKU extension, and of a key usage; for builders and for checks. */
err_t build_ekus_der(struct arena *a, const char *const *ekus, size_t n, struct str *ret);
void build_key_usage_der(uint8_t usage, uint8_t ret[4]);

#endif
