/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/sigalg.h"

#define OID_BYTES(text) \
	{ \
		(const uint8_t *)(text), sizeof(text) - 1 \
	}

static const struct sigalg sigalgs[] = {
	{ OID_BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"), "SHA256", KEY_RSA, false },
	{ OID_BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c"), "SHA384", KEY_RSA, false },
	{ OID_BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d"), "SHA512", KEY_RSA, false },
	{ OID_BYTES("\x2a\x86\x48\xce\x3d\x04\x03\x02"), "SHA256", KEY_EC, false },
	{ OID_BYTES("\x2a\x86\x48\xce\x3d\x04\x03\x03"), "SHA384", KEY_EC, false },
	{ OID_BYTES("\x2a\x86\x48\xce\x3d\x04\x03\x04"), "SHA512", KEY_EC, false },
	{ OID_BYTES("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05"), "SHA1", KEY_RSA, true },
	{ OID_BYTES("\x2a\x86\x48\xce\x3d\x04\x01"), "SHA1", KEY_EC, true },
};

const struct sigalg *
sigalg_find(struct str oid)
{
	for (size_t i = 0; i < COUNT(sigalgs); i++)
		if (str_eq(oid, sigalgs[i].oid))
			return &sigalgs[i];
	return NULL;
}
