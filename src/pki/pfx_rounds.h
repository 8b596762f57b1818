/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a PKCS#12 file would keep us busy: every count of key derivation rounds that can be seen before the password
 * is tried is held against LIMIT_PFX_ROUNDS. Not for other layers.
 */
#ifndef PKI_PFX_ROUNDS_H
#define PKI_PFX_ROUNDS_H

#include "pki/ssl_err.h"

err_t pfx_check_rounds(const PKCS12 *p12); /* ERR_PFX */

#endif
