/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/ca_scep_ipc.h"

#include "base/rd.h"

enum { SIGNATURE_MAX = 1024 /* RSA-8192 */ };

static err_t
take_bool(struct str *in, bool *ret)
{
	uint8_t v;

	TRY(rd_u8(in, &v));
	if (v > 1)
		FAIL(ERR_MALFORMED, "a flag of %u", v);
	*ret = v != 0;
	return OK;
}

err_t
ca_scep_req_encode(const struct ca_scep_req *q, struct buf *out)
{
	TRY(wr_text(out, q->ca));
	TRY(wr_text(out, q->template));
	TRY(wr_text(out, q->peer));
	TRY(wr_blob(out, q->signer));
	TRY(wr_blob(out, q->attrs));
	TRY(wr_blob(out, q->signature));
	TRY(wr_blob(out, q->content));
	TRY(wr_u8(out, q->digest));
	TRY(wr_u8(out, q->cipher));
	return wr_u8(out, q->pss);
}

err_t
ca_scep_req_parse(struct arena *a, struct str in, struct ca_scep_req *ret)
{
	struct ca_scep_req q;

	TRY(rd_text(a, &in, LIMIT_TEXT, &q.ca));
	TRY(rd_text(a, &in, LIMIT_TEXT, &q.template));
	TRY(rd_text(a, &in, LIMIT_TEXT, &q.peer));
	TRY(rd_blob(&in, LIMIT_CERT_BYTES, &q.signer));
	TRY(rd_blob(&in, LIMIT_SCEP_BYTES, &q.attrs));
	TRY(rd_blob(&in, SIGNATURE_MAX, &q.signature));
	TRY(rd_blob(&in, LIMIT_SCEP_BYTES, &q.content));
	TRY(rd_u8(&in, &q.digest));
	TRY(rd_u8(&in, &q.cipher));
	TRY(take_bool(&in, &q.pss));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
ca_scep_refuse_req_encode(const struct ca_scep_refuse_req *q, struct buf *out)
{
	TRY(wr_text(out, q->ca));
	TRY(wr_text(out, q->peer));
	TRY(wr_text(out, q->transaction));
	TRY(wr_blob(out, q->nonce));
	TRY(wr_text(out, q->fault));
	return wr_text(out, q->detail);
}

err_t
ca_scep_refuse_req_parse(struct arena *a, struct str in, struct ca_scep_refuse_req *ret)
{
	struct ca_scep_refuse_req q;

	TRY(rd_text(a, &in, LIMIT_TEXT, &q.ca));
	TRY(rd_text(a, &in, LIMIT_TEXT, &q.peer));
	TRY(rd_text(a, &in, LIMIT_TEXT, &q.transaction));
	TRY(rd_blob(&in, LIMIT_SCEP_NONCE, &q.nonce));
	TRY(rd_text(a, &in, LIMIT_TEXT, &q.fault));
	TRY(rd_text(a, &in, LIMIT_LONG_TEXT, &q.detail));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
ca_scep_info_rep_encode(const struct ca_scep_info_rep *q, struct buf *out)
{
	TRY(wr_blob(out, q->certs));
	TRY(wr_u8(out, q->sha1));
	return wr_u8(out, q->next);
}

err_t
ca_scep_info_rep_parse(struct arena *a, struct str in, struct ca_scep_info_rep *ret)
{
	struct ca_scep_info_rep q;

	(void)a;
	TRY(rd_blob(&in, LIMIT_CMS_BYTES, &q.certs));
	TRY(take_bool(&in, &q.sha1));
	TRY(take_bool(&in, &q.next));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
ca_deposit_req_encode(const struct ca_deposit_req *q, struct buf *out)
{
	TRY(wr_blob(out, q->caller));
	TRY(wr_blob(out, q->order));
	return buf_put(out, q->sha256);
}

err_t
ca_deposit_req_parse(struct arena *a, struct str in, struct ca_deposit_req *ret)
{
	struct ca_deposit_req q;

	(void)a;
	TRY(rd_blob(&in, LIMIT_CERT_BYTES, &q.caller));
	TRY(rd_blob(&in, 2 * LIMIT_ORDER_BYTES, &q.order));
	TRY(rd_take(&in, 32, &q.sha256));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}
