/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CMS SignedData (RFC 5652 5) with one signer, as management of devices uses it: documents signed with their content
 * inside, and requests with a signature beside them.
 *
 * Not here: whether a signer is to be trusted; SCEP messages (pki/scep.h).
 */
#ifndef PKI_CMS_SIGN_H
#define PKI_CMS_SIGN_H

#include "pki/cert.h"

/* DER with the content inside, SHA-256, signed attributes, the signer's certificate and `others` (DER). At most
 * LIMIT_CMS_BYTES of content. ERR_TOO_LARGE, ERR_CRYPTO. */
err_t cms_sign(struct arena *a, const struct cert *signer, const struct key *key,
    const struct str *others, size_t n, struct str content, struct str *ret);
/* A signature over `content`, which is not in it: it holds, by the certificate that it carries, given in DER. One signer,
 * SHA-2, or SHA-1 (which some devices still sign with). ERR_CMS. */
err_t cms_detached_check(
    struct arena *a, struct str der, struct str content, struct str *ret_signer);

#endif
