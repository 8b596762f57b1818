/* SPDX-License-Identifier: Apache-2.0 */
/* DER elements: see der.h. X.690 8.1, 10.1. */
#include "codec/der.h"

#include "base/rd.h"

static err_t
length_take(struct str *in, size_t *ret)
{
	uint8_t first, b;
	size_t n = 0;

	TRY(rd_u8(in, &first));
	if (first < 0x80) {
		*ret = first;
		return OK;
	}
	if (first == 0x80)
		FAIL(ERR_DER, "indefinite length");
	if (first > 0x84)
		FAIL(ERR_DER, "length of %d bytes", first & 0x7f);
	for (int i = 0; i < (first & 0x7f); i++) {
		TRY(rd_u8(in, &b));
		if (i == 0 && b == 0)
			FAIL(ERR_DER, "length with leading zeros");
		n = n << 8 | b;
	}
	if (n < 0x80)
		FAIL(ERR_DER, "long form of a short length");
	*ret = n;
	return OK;
}

err_t
der_next(struct str *in, uint8_t *tag, struct str *ret)
{
	struct str rest = *in, content;
	uint8_t t;
	size_t n;

	TRY(rd_u8(&rest, &t));
	if ((t & 0x1f) == 0x1f)
		FAIL(ERR_DER, "high tag number");
	TRY(length_take(&rest, &n));
	TRY(rd_take(&rest, n, &content));
	*in = rest;
	*tag = t;
	*ret = content;
	return OK;
}

err_t
der_take(struct str *in, uint8_t tag, struct str *ret)
{
	struct str rest = *in, content;
	uint8_t t;

	TRY(der_next(&rest, &t, &content));
	if (t != tag)
		FAIL(ERR_DER, "tag %02x where %02x is expected", t, tag);
	*in = rest;
	*ret = content;
	return OK;
}

err_t
der_put(struct buf *b, uint8_t tag, struct str content)
{
	uint8_t head[6] = { tag };
	size_t n = 0, start = b->n;
	err_t e;

	if (content.n > 0xffffffff)
		FAIL(ERR_TOO_LARGE, "DER element of more than 4 GiB");
	if (content.n < 0x80) {
		head[1] = (uint8_t)content.n;
		n = 2;
	} else {
		size_t bytes = 1;

		for (size_t t = content.n >> 8; t != 0; t >>= 8)
			bytes++;
		head[1] = (uint8_t)(0x80 | bytes);
		for (size_t i = 0; i < bytes; i++)
			head[2 + i] = (uint8_t)(content.n >> 8 * (bytes - 1 - i));
		n = 2 + bytes;
	}
	TRY(buf_put(b, str_of(head, n)));
	e = buf_put(b, content);
	/* Whole or not at all. */
	if (!err_ok(e))
		b->n = start;
	return e;
}
