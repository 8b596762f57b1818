/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a PKCS#12 file holds, before its one key is taken out: how many keys, and whether we have the ciphers that it is
 * encrypted with. Not for other layers.
 */
#ifndef PKI_PFX_BAGS_H
#define PKI_PFX_BAGS_H

#include "pki/ssl_err.h"

/* The password is the right one: the MAC was looked at before, and pfx_check_rounds(). NULL: none. ERR_PFX_NO_KEY,
 * ERR_PFX_TWO_KEYS, ERR_PFX_LEGACY, ERR_PFX. */
err_t pfx_check_bags(const PKCS12 *p12, const char *password);

#endif
