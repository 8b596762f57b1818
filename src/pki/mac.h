/* SPDX-License-Identifier: Apache-2.0 */
/* Message authentication: HMAC with SHA-256 (RFC 2104). */
#ifndef PKI_MAC_H
#define PKI_MAC_H

#include "base/str.h"

err_t mac_sha256(struct str key, struct str msg, uint8_t ret[32]);

#endif
