/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of connector/keys: see ckeys_ipc.h. */
#include "codec/ckeys_ipc.h"

#include "base/rd.h"
#include "codec/order.h"

enum { HASH_BYTES = 32, SID_MAX = 184, PASSWORD_CMS_MAX = 16384, PEM_MAX = 65536 };

static err_t
key_check(unsigned alg, unsigned bits)
{
	if (alg == CKEYS_RSA && bits >= 2048 && bits <= 8192 && bits % 8 == 0)
		return OK;
	if (alg == CKEYS_EC && (bits == 256 || bits == 384 || bits == 521))
		return OK;
	FAIL(ERR_UNSUPPORTED, "key algorithm %u with %u bits", alg, bits);
}

err_t
ckeys_begin_req_encode(const struct ckeys_begin_req *q, struct buf *out)
{
	TRY(key_check(q->alg, q->bits));
	TRY(wr_u8(out, (uint8_t)q->alg));
	TRY(wr_u16(out, q->bits));
	TRY(wr_blob(out, q->subject));
	TRY(wr_blob(out, q->san));
	TRY(wr_text(out, q->sid));
	TRY(ipc_texts_put(out, &q->ekus));
	TRY(wr_blob(out, q->device_certificate));
	if (q->order.n != HASH_BYTES)
		FAIL(ERR_MALFORMED, "hash of an order of %zu bytes", q->order.n);
	return buf_put(out, q->order);
}

err_t
ckeys_begin_req_parse(struct arena *a, struct str in, struct ckeys_begin_req *ret)
{
	struct ckeys_begin_req q;
	uint8_t alg;

	TRY(rd_u8(&in, &alg));
	TRY(rd_u16(&in, &q.bits));
	TRY(key_check(alg, q.bits));
	q.alg = (enum ckeys_alg)alg;
	TRY(rd_blob(&in, LIMIT_ORDER_BYTES, &q.subject));
	TRY(rd_blob(&in, LIMIT_ORDER_BYTES, &q.san));
	TRY(rd_text(a, &in, SID_MAX, &q.sid));
	TRY(ipc_texts_take(a, &in, LIMIT_EKUS, LIMIT_OID_TEXT, &q.ekus));
	TRY(rd_blob(&in, LIMIT_CERT_BYTES, &q.device_certificate));
	TRY(rd_take(&in, HASH_BYTES, &q.order));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
ckeys_begin_rep_encode(const struct ckeys_begin_rep *q, struct buf *out)
{
	TRY(wr_u64(out, q->handle));
	return wr_blob(out, q->csr);
}

err_t
ckeys_begin_rep_parse(struct arena *a, struct str in, struct ckeys_begin_rep *ret)
{
	struct ckeys_begin_rep q;

	(void)a;
	TRY(rd_u64(&in, &q.handle));
	TRY(rd_blob(&in, LIMIT_CSR_BYTES, &q.csr));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
ckeys_finish_req_encode(const struct ckeys_finish_req *q, struct buf *out)
{
	TRY(wr_u64(out, q->handle));
	TRY(wr_blob(out, q->leaf));
	TRY(ipc_blobs_put(out, &q->chain));
	TRY(wr_blob(out, q->device_certificate));
	return pack_put(out, &q->pack);
}

err_t
ckeys_finish_req_parse(struct arena *a, struct str in, struct ckeys_finish_req *ret)
{
	struct ckeys_finish_req q;

	TRY(rd_u64(&in, &q.handle));
	TRY(rd_blob(&in, LIMIT_CERT_BYTES, &q.leaf));
	TRY(ipc_blobs_take(a, &in, LIMIT_CHAIN_CERTS, LIMIT_CERT_BYTES, &q.chain));
	TRY(rd_blob(&in, LIMIT_CERT_BYTES, &q.device_certificate));
	TRY(pack_take(&in, &q.pack));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
ckeys_finish_rep_encode(const struct ckeys_finish_rep *q, struct buf *out)
{
	TRY(wr_blob(out, q->pfx));
	return wr_blob(out, q->password);
}

err_t
ckeys_finish_rep_parse(struct arena *a, struct str in, struct ckeys_finish_rep *ret)
{
	struct ckeys_finish_rep q;

	(void)a;
	TRY(rd_blob(&in, LIMIT_CMS_BYTES, &q.pfx));
	TRY(rd_blob(&in, PASSWORD_CMS_MAX, &q.password));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
ckeys_drop_req_encode(const struct ckeys_drop_req *q, struct buf *out)
{
	return wr_u64(out, q->handle);
}

err_t
ckeys_drop_req_parse(struct arena *a, struct str in, struct ckeys_drop_req *ret)
{
	struct ckeys_drop_req q;

	(void)a;
	TRY(rd_u64(&in, &q.handle));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
ckeys_order_req_encode(const struct ckeys_order_req *q, struct buf *out)
{
	return wr_blob(out, q->spki);
}

err_t
ckeys_order_req_parse(struct arena *a, struct str in, struct ckeys_order_req *ret)
{
	struct ckeys_order_req q;

	(void)a;
	TRY(rd_blob(&in, LIMIT_ORDER_MAKER, &q.spki));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
ckeys_identity_req_encode(const struct ckeys_identity_req *q, struct buf *out)
{
	return wr_text(out, q->pem);
}

err_t
ckeys_identity_req_parse(struct arena *a, struct str in, struct ckeys_identity_req *ret)
{
	struct ckeys_identity_req q;

	TRY(rd_text(a, &in, PEM_MAX, &q.pem));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

static err_t
level_put(const struct ckeys_level *l, struct buf *out)
{
	TRY(wr_u16(out, l->bits));
	TRY(wr_u32(out, l->ready));
	TRY(wr_u32(out, l->room));
	TRY(wr_u32(out, l->making));
	TRY(wr_u64(out, l->taken));
	TRY(wr_u64(out, l->waited));
	return wr_u64(out, l->wait_ms);
}

static err_t
level_take(struct str *in, struct ckeys_level *ret)
{
	TRY(rd_u16(in, &ret->bits));
	TRY(rd_u32(in, &ret->ready));
	TRY(rd_u32(in, &ret->room));
	TRY(rd_u32(in, &ret->making));
	TRY(rd_u64(in, &ret->taken));
	TRY(rd_u64(in, &ret->waited));
	return rd_u64(in, &ret->wait_ms);
}

err_t
ckeys_maker_rep_encode(const struct ckeys_maker_rep *q, struct buf *out)
{
	return wr_blob(out, q->spki);
}

err_t
ckeys_maker_rep_parse(struct arena *a, struct str in, struct ckeys_maker_rep *ret)
{
	struct ckeys_maker_rep q;

	(void)a;
	TRY(rd_blob(&in, LIMIT_ORDER_MAKER, &q.spki));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
ckeys_pool_rep_encode(const struct ckeys_pool_rep *q, struct buf *out)
{
	if (q->n > CKEYS_LEVELS)
		FAIL(ERR_RANGE, "%zu sizes of keys", q->n);
	TRY(wr_u8(out, (uint8_t)q->n));
	for (size_t i = 0; i < q->n; i++)
		TRY(level_put(&q->v[i], out));
	return OK;
}

err_t
ckeys_pool_rep_parse(struct arena *a, struct str in, struct ckeys_pool_rep *ret)
{
	struct ckeys_pool_rep q;
	uint8_t n;

	TRY(rd_u8(&in, &n));
	if (n > CKEYS_LEVELS)
		FAIL(ERR_RANGE, "%u sizes of keys", n);
	q.v = arena_array(a, (size_t)n + 1, sizeof(*q.v));
	for (q.n = 0; q.n < n; q.n++)
		TRY(level_take(&in, &q.v[q.n]));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}
