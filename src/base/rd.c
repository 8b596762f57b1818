/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rd.h"

#include "base/text.h"

err_t
rd_take(struct str *in, size_t n, struct str *ret)
{
	if (n > in->n)
		FAIL(ERR_TRUNCATED, "%zu bytes wanted, %zu left", n, in->n);
	*ret = str_of(in->p, n);
	if (n > 0)
		*in = str_of(in->p + n, in->n - n);
	return OK;
}

/* A big-endian integer of n bytes. */
static err_t
rd_int(struct str *in, size_t n, uint64_t *ret)
{
	struct str s;
	uint64_t v = 0;

	TRY(rd_take(in, n, &s));
	for (size_t i = 0; i < n; i++)
		v = v << 8 | s.p[i];
	*ret = v;
	return OK;
}

err_t
rd_u8(struct str *in, uint8_t *ret)
{
	uint64_t v;

	TRY(rd_int(in, 1, &v));
	*ret = (uint8_t)v;
	return OK;
}

err_t
rd_u16(struct str *in, uint16_t *ret)
{
	uint64_t v;

	TRY(rd_int(in, 2, &v));
	*ret = (uint16_t)v;
	return OK;
}

err_t
rd_u32(struct str *in, uint32_t *ret)
{
	uint64_t v;

	TRY(rd_int(in, 4, &v));
	*ret = (uint32_t)v;
	return OK;
}

err_t
rd_u64(struct str *in, uint64_t *ret)
{
	return rd_int(in, 8, ret);
}

err_t
rd_i64(struct str *in, int64_t *ret)
{
	uint64_t v;

	TRY(rd_u64(in, &v));
	*ret = (int64_t)v;
	return OK;
}

err_t
rd_blob(struct str *in, size_t max, struct str *ret)
{
	struct str rest = *in;
	struct str blob;
	uint32_t n;

	TRY(rd_u32(&rest, &n));
	if (n > max)
		FAIL(ERR_TOO_LARGE, "%u bytes; at most %zu allowed here", n, max);
	TRY(rd_take(&rest, n, &blob));
	*in = rest;
	*ret = blob;
	return OK;
}

err_t
rd_text(struct arena *a, struct str *in, size_t max, const char **ret)
{
	struct str rest = *in;
	struct str blob;

	TRY(rd_blob(&rest, max, &blob));
	TRY(text_cstr(a, blob, ret));
	*in = rest;
	return OK;
}

err_t
rd_end(const struct str *in)
{
	if (in->n != 0)
		FAIL(ERR_TRAILING, "%zu bytes", in->n);
	return OK;
}

static void
put_int(uint8_t *to, size_t n, uint64_t v)
{
	for (size_t i = n; i > 0; i--) {
		to[i - 1] = (uint8_t)v;
		v >>= 8;
	}
}

static err_t
wr_int(struct buf *b, size_t n, uint64_t v)
{
	uint8_t *to;

	TRY(buf_reserve(b, n, &to));
	put_int(to, n, v);
	buf_commit(b, n);
	return OK;
}

err_t
wr_u8(struct buf *b, uint8_t v)
{
	return wr_int(b, 1, v);
}

err_t
wr_u16(struct buf *b, uint16_t v)
{
	return wr_int(b, 2, v);
}

err_t
wr_u32(struct buf *b, uint32_t v)
{
	return wr_int(b, 4, v);
}

err_t
wr_u64(struct buf *b, uint64_t v)
{
	return wr_int(b, 8, v);
}

err_t
wr_i64(struct buf *b, int64_t v)
{
	return wr_int(b, 8, (uint64_t)v);
}

err_t
wr_blob(struct buf *b, struct str s)
{
	uint8_t *to;

	if (s.n > UINT32_MAX - 4)
		FAIL(ERR_TOO_LARGE, "%zu bytes", s.n);
	TRY(buf_reserve(b, 4 + s.n, &to));
	put_int(to, 4, s.n);
	if (s.n > 0)
		memcpy(to + 4, s.p, s.n);
	buf_commit(b, 4 + s.n);
	return OK;
}

err_t
wr_text(struct buf *b, const char *s)
{
	return wr_blob(b, str_c(s));
}
