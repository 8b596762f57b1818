/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CMS (RFC 5652): sealing to one recipient, and bags of certificates.
 */
#ifndef PKI_CMS_H
#define PKI_CMS_H

#include "pki/cert.h"

/* EnvelopedData, AES-256-CBC, RSA key transport (PKCS#1 v1.5, what device importers open), id-data content, DER. */
err_t cms_seal(struct arena *a, const struct cert *to, struct str content, struct str *ret);
/* ERR_CMS without saying whether key, padding or content was wrong. */
err_t cms_open(
    struct arena *a, const struct cert *who, const struct key *k, struct str der, struct str *ret);
/* SignedData with content inside and one signer whose certificate is in it: the signature holds, with SHA-256 or better.
 * Whether that certificate is to be trusted is the caller's to find out. ERR_CMS. */
err_t cms_signed_open(
    struct arena *a, struct str der, struct str *ret_content, struct str *ret_signer);
bool cms_is(struct str der); /* does it look like CMS (ContentInfo), not like a PKCS#10 request? */
/* certs-only SignedData ("p7c"). DER sorts the set, so the order in the message says nothing; parsing gives the leaf first. */
err_t cms_certs(struct arena *a, const struct str *certs, size_t n, struct str *ret);
err_t cms_certs_parse(struct arena *a, struct str der, struct str **ret, size_t *retn);

#endif
