/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DER reader and writer for the few structures we handle ourselves (names, alternative names, Microsoft extensions).
 * Strict: definite minimal lengths only. X.690. Certificates, CSRs and CMS are pki's and OpenSSL's.
 */
#ifndef CODEC_DER_H
#define CODEC_DER_H

#include "base/arena.h"
#include "base/str.h"

enum {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BITSTRING = 0x03,
	DER_OCTETS = 0x04,
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_UTF8 = 0x0c,
	DER_PRINTABLE = 0x13,
	DER_T61 = 0x14,
	DER_IA5 = 0x16,
	DER_BMP = 0x1e,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31
};
#define DER_CONTEXT(n) (0xa0 | (n)) /* constructed */
#define DER_CONTEXT_PRIMITIVE(n) (0x80 | (n))

/* Takes one element: its tag byte (high tag numbers are refused) and content. */
err_t der_next(struct str *in, uint8_t *tag, struct str *ret);
/* The same, and the tag must be this one. */
err_t der_take(struct str *in, uint8_t tag, struct str *ret);
err_t der_put(struct buf *b, uint8_t tag, struct str content);

#endif
