/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of service/keys: see keys_ipc.h. */
#include "codec/keys_ipc.h"

#include "base/rd.h"

enum { SEALED_MAX = LIMIT_ORDER_BYTES + 1024, HOST_MAX = 255 };

err_t
keys_public_rep_encode(const struct keys_public_rep *q, struct buf *out)
{
	TRY(wr_text(out, q->order_key));
	return wr_text(out, q->jwks);
}

err_t
keys_public_rep_parse(struct arena *a, struct str in, struct keys_public_rep *ret)
{
	struct keys_public_rep q;

	TRY(rd_text(a, &in, LIMIT_LONG_TEXT, &q.order_key));
	TRY(rd_text(a, &in, LIMIT_JWT_BYTES, &q.jwks));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

static err_t
which_check(unsigned which)
{
	if (which < KEYS_TLS || which > KEYS_PUSH)
		FAIL(ERR_MALFORMED, "key %u", which);
	return OK;
}

err_t
keys_csr_req_encode(const struct keys_csr_req *q, struct buf *out)
{
	TRY(which_check(q->which));
	TRY(wr_u8(out, (uint8_t)q->which));
	TRY(wr_text(out, q->cn));
	return ipc_texts_put(out, &q->hosts);
}

err_t
keys_csr_req_parse(struct arena *a, struct str in, struct keys_csr_req *ret)
{
	struct keys_csr_req q;
	uint8_t which;

	TRY(rd_u8(&in, &which));
	TRY(which_check(which));
	q.which = (enum keys_which)which;
	TRY(rd_text(a, &in, LIMIT_TEXT, &q.cn));
	TRY(ipc_texts_take(a, &in, LIMIT_SANS, HOST_MAX, &q.hosts));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
keys_csr_rep_encode(const struct keys_csr_rep *q, struct buf *out)
{
	return wr_blob(out, q->csr);
}

err_t
keys_csr_rep_parse(struct arena *a, struct str in, struct keys_csr_rep *ret)
{
	struct keys_csr_rep q;

	(void)a;
	TRY(rd_blob(&in, LIMIT_CSR_BYTES, &q.csr));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
keys_seal_req_encode(const struct keys_seal_req *q, struct buf *out)
{
	return wr_blob(out, q->order);
}

err_t
keys_seal_req_parse(struct arena *a, struct str in, struct keys_seal_req *ret)
{
	struct keys_seal_req q;

	(void)a;
	TRY(rd_blob(&in, LIMIT_ORDER_BYTES, &q.order));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
keys_seal_rep_encode(const struct keys_seal_rep *q, struct buf *out)
{
	return wr_blob(out, q->sealed);
}

err_t
keys_seal_rep_parse(struct arena *a, struct str in, struct keys_seal_rep *ret)
{
	struct keys_seal_rep q;

	(void)a;
	TRY(rd_blob(&in, SEALED_MAX, &q.sealed));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
keys_token_req_encode(const struct keys_token_req *q, struct buf *out)
{
	return wr_text(out, q->claims);
}

err_t
keys_token_req_parse(struct arena *a, struct str in, struct keys_token_req *ret)
{
	struct keys_token_req q;

	TRY(rd_text(a, &in, LIMIT_JWT_BYTES / 2, &q.claims));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
keys_token_rep_encode(const struct keys_token_rep *q, struct buf *out)
{
	return wr_text(out, q->token);
}

err_t
keys_token_rep_parse(struct arena *a, struct str in, struct keys_token_rep *ret)
{
	struct keys_token_rep q;

	TRY(rd_text(a, &in, LIMIT_JWT_BYTES, &q.token));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
keys_challenge_req_encode(const struct keys_challenge_req *q, struct buf *out)
{
	TRY(buf_put(out, id_str(&q->request)));
	return wr_u64(out, q->fence);
}

err_t
keys_challenge_req_parse(struct arena *a, struct str in, struct keys_challenge_req *ret)
{
	struct keys_challenge_req q;
	struct str id;

	(void)a;
	TRY(rd_take(&in, sizeof(q.request.b), &id));
	memcpy(q.request.b, id.p, sizeof(q.request.b));
	TRY(rd_u64(&in, &q.fence));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
keys_challenge_rep_encode(const struct keys_challenge_rep *q, struct buf *out)
{
	return wr_text(out, q->text);
}

err_t
keys_challenge_rep_parse(struct arena *a, struct str in, struct keys_challenge_rep *ret)
{
	struct keys_challenge_rep q;

	TRY(rd_text(a, &in, LIMIT_CHALLENGE, &q.text));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
keys_hide_req_encode(const struct keys_hide_req *q, struct buf *out)
{
	TRY(wr_text(out, q->label));
	return wr_blob(out, q->bytes);
}

err_t
keys_hide_req_parse(struct arena *a, struct str in, struct keys_hide_req *ret)
{
	struct keys_hide_req q;

	TRY(rd_text(a, &in, LIMIT_TEXT, &q.label));
	TRY(rd_blob(&in, LIMIT_HIDDEN, &q.bytes));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
keys_hide_rep_encode(const struct keys_hide_rep *q, struct buf *out)
{
	return wr_blob(out, q->bytes);
}

err_t
keys_hide_rep_parse(struct arena *a, struct str in, struct keys_hide_rep *ret)
{
	struct keys_hide_rep q;

	(void)a;
	TRY(rd_blob(&in, LIMIT_HIDDEN, &q.bytes));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}
