/* SPDX-License-Identifier: Apache-2.0 */
/* What makers of signed messages share within this folder. Not for other layers. */
#ifndef PKI_CMS_INT_H
#define PKI_CMS_INT_H

#include "pki/cert.h"
#include "pki/ssl_err.h"

/* Adds certificates (DER) to a message; ERR_RANGE: more than max. */
err_t cms_put_certs(CMS_ContentInfo *cms, const struct str *certs, size_t n, size_t max);

#endif
