/* SPDX-License-Identifier: Apache-2.0 */
/* Messages about imported files: see pfx_ipc.h. */
#include "codec/pfx_ipc.h"

#include "base/limits.h"
#include "codec/order.h"

enum { SPKI_MAX = 2048, WRAPPED_MAX = 1024, NAME_MAX_BYTES = 80, URI_MAX = 1024, HASH_MAX = 32 };

err_t
pfx_key_req_encode(const struct pfx_key_req *q, struct buf *out)
{
	TRY(wr_text(out, q->name));
	TRY(wr_u16(out, q->bits));
	return wr_text(out, q->uri);
}

err_t
pfx_key_req_parse(struct arena *a, struct str in, struct pfx_key_req *ret)
{
	struct pfx_key_req q;

	TRY(rd_text(a, &in, NAME_MAX_BYTES, &q.name));
	TRY(rd_u16(&in, &q.bits));
	TRY(rd_text(a, &in, URI_MAX, &q.uri));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
pfx_key_rep_encode(const struct pfx_key_rep *q, struct buf *out)
{
	return wr_blob(out, q->spki);
}

err_t
pfx_key_rep_parse(struct arena *a, struct str in, struct pfx_key_rep *ret)
{
	struct pfx_key_rep q;

	(void)a;
	TRY(rd_blob(&in, SPKI_MAX, &q.spki));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
pfx_keys_rep_encode(const struct pfx_keys_rep *q, struct buf *out)
{
	TRY(ipc_texts_put(out, &q->names));
	TRY(ipc_blobs_put(out, &q->spkis));
	return ipc_blobs_put(out, &q->admitted);
}

err_t
pfx_keys_rep_parse(struct arena *a, struct str in, struct pfx_keys_rep *ret)
{
	struct pfx_keys_rep q;

	TRY(ipc_texts_take(a, &in, LIMIT_IMPORT_KEYS, NAME_MAX_BYTES, &q.names));
	TRY(ipc_blobs_take(a, &in, LIMIT_IMPORT_KEYS, SPKI_MAX, &q.spkis));
	TRY(ipc_blobs_take(a, &in, LIMIT_IMPORT_KEYS, SPKI_MAX, &q.admitted));
	TRY(rd_end(&in));
	if (q.names.n != q.spkis.n)
		FAIL(ERR_MALFORMED, "%zu names for %zu keys", q.names.n, q.spkis.n);
	*ret = q;
	return OK;
}

err_t
pfx_admit_req_encode(const struct pfx_admit_req *q, struct buf *out)
{
	return wr_blob(out, q->spki);
}

err_t
pfx_admit_req_parse(struct arena *a, struct str in, struct pfx_admit_req *ret)
{
	struct pfx_admit_req q;

	(void)a;
	TRY(rd_blob(&in, SPKI_MAX, &q.spki));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
pfx_open_req_encode(const struct pfx_open_req *q, struct buf *out)
{
	TRY(wr_text(out, q->key));
	TRY(wr_u8(out, q->padding));
	TRY(wr_blob(out, q->wrapped));
	TRY(wr_blob(out, q->pfx));
	TRY(wr_blob(out, q->leaf));
	TRY(pack_put(out, &q->pack));
	TRY(wr_blob(out, q->thumbprint));
	TRY(wr_blob(out, q->device_certificate));
	return wr_blob(out, q->order);
}

err_t
pfx_open_req_parse(struct arena *a, struct str in, struct pfx_open_req *ret)
{
	struct pfx_open_req q;

	TRY(rd_text(a, &in, NAME_MAX_BYTES, &q.key));
	TRY(rd_u8(&in, &q.padding));
	TRY(rd_blob(&in, WRAPPED_MAX, &q.wrapped));
	TRY(rd_blob(&in, LIMIT_PFX_BYTES, &q.pfx));
	TRY(rd_blob(&in, LIMIT_CERT_BYTES, &q.leaf));
	TRY(pack_take(&in, &q.pack));
	TRY(rd_blob(&in, HASH_MAX, &q.thumbprint));
	TRY(rd_blob(&in, LIMIT_CERT_BYTES, &q.device_certificate));
	TRY(rd_blob(&in, LIMIT_SEALED_BYTES, &q.order));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
pfx_open_rep_encode(const struct pfx_open_rep *q, struct buf *out)
{
	TRY(wr_blob(out, q->leaf));
	TRY(wr_blob(out, q->pfx));
	return wr_blob(out, q->password);
}

err_t
pfx_open_rep_parse(struct arena *a, struct str in, struct pfx_open_rep *ret)
{
	struct pfx_open_rep q;

	(void)a;
	TRY(rd_blob(&in, LIMIT_CERT_BYTES, &q.leaf));
	TRY(rd_blob(&in, LIMIT_CMS_BYTES, &q.pfx));
	TRY(rd_blob(&in, LIMIT_CMS_BYTES, &q.password));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
pfx_rewrap_req_encode(const struct pfx_rewrap_req *q, struct buf *out)
{
	TRY(wr_text(out, q->key));
	TRY(wr_u8(out, q->padding));
	TRY(wr_blob(out, q->wrapped));
	TRY(wr_blob(out, q->to));
	return wr_blob(out, q->order);
}

err_t
pfx_rewrap_req_parse(struct arena *a, struct str in, struct pfx_rewrap_req *ret)
{
	struct pfx_rewrap_req q;

	TRY(rd_text(a, &in, NAME_MAX_BYTES, &q.key));
	TRY(rd_u8(&in, &q.padding));
	TRY(rd_blob(&in, WRAPPED_MAX, &q.wrapped));
	TRY(rd_blob(&in, HASH_MAX, &q.to));
	TRY(rd_blob(&in, LIMIT_SEALED_BYTES, &q.order));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
pfx_rewrap_rep_encode(const struct pfx_rewrap_rep *q, struct buf *out)
{
	return wr_blob(out, q->wrapped);
}

err_t
pfx_rewrap_rep_parse(struct arena *a, struct str in, struct pfx_rewrap_rep *ret)
{
	struct pfx_rewrap_rep q;

	(void)a;
	TRY(rd_blob(&in, WRAPPED_MAX, &q.wrapped));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}
