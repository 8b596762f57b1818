/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/mac.h"

#include <openssl/evp.h>

#include "pki/ssl_err.h"

err_t
mac_sha256(struct str key, struct str msg, uint8_t ret[32])
{
	static char digest[] = "SHA256";
	size_t n = 0;

	if (EVP_Q_mac(NULL, "HMAC", NULL, digest, NULL, key.p, key.n, msg.p, msg.n, ret, 32, &n) ==
		NULL ||
	    n != 32)
		FAIL_SSL(ERR_INTERNAL, "HMAC");
	return OK;
}
