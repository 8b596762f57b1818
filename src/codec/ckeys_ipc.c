/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of connector/keys: see ckeys_ipc.h. */
#include "codec/ckeys_ipc.h"

#include "base/rd.h"

enum { SID_MAX = 184, PASSWORD_CMS_MAX = 16384, PEM_MAX = 65536 };

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
	return wr_blob(out, q->device_certificate);
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
	return wr_blob(out, q->device_certificate);
}

err_t
ckeys_finish_req_parse(struct arena *a, struct str in, struct ckeys_finish_req *ret)
{
	struct ckeys_finish_req q;

	TRY(rd_u64(&in, &q.handle));
	TRY(rd_blob(&in, LIMIT_CERT_BYTES, &q.leaf));
	TRY(ipc_blobs_take(a, &in, LIMIT_CHAIN_CERTS, LIMIT_CERT_BYTES, &q.chain));
	TRY(rd_blob(&in, LIMIT_CERT_BYTES, &q.device_certificate));
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
