/* SPDX-License-Identifier: Apache-2.0 */
/* Messages about revocation status: see status_ipc.h. */
#include "codec/status_ipc.h"

#include "base/rd.h"

enum { SERIAL_MAX = 40, NONCE_MAX = LIMIT_OCSP_NONCE + 4 };

size_t
ocsp_hash_size(enum ocsp_hash h)
{
	return h == CERTID_SHA1 ? 20 : 32;
}

static err_t
take_bool(struct str *in, bool *ret)
{
	uint8_t v;

	TRY(rd_u8(in, &v));
	if (v > 1)
		FAIL(ERR_MALFORMED, "neither yes nor no: %u", v);
	*ret = v == 1;
	return OK;
}

err_t
crl_part_req_encode(const struct crl_part_req *q, struct buf *out)
{
	TRY(wr_text(out, q->ca));
	TRY(wr_u32(out, q->shard));
	TRY(wr_u8(out, q->delta));
	TRY(wr_u64(out, q->number));
	return wr_u32(out, q->offset);
}

err_t
crl_part_req_parse(struct arena *a, struct str in, struct crl_part_req *ret)
{
	struct crl_part_req q;

	TRY(rd_text(a, &in, LIMIT_TEXT, &q.ca));
	TRY(rd_u32(&in, &q.shard));
	if (q.shard > LIMIT_CRL_SHARDS)
		FAIL(ERR_RANGE, "shard %u", q.shard);
	TRY(take_bool(&in, &q.delta));
	TRY(rd_u64(&in, &q.number));
	TRY(rd_u32(&in, &q.offset));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
crl_part_rep_encode(const struct crl_part_rep *q, struct buf *out)
{
	TRY(wr_u64(out, q->number));
	TRY(wr_i64(out, q->this_update));
	TRY(wr_i64(out, q->next_update));
	TRY(wr_u32(out, q->total));
	return wr_blob(out, q->part);
}

err_t
crl_part_rep_parse(struct arena *a, struct str in, struct crl_part_rep *ret)
{
	struct crl_part_rep q;

	(void)a;
	TRY(rd_u64(&in, &q.number));
	TRY(rd_i64(&in, &q.this_update));
	TRY(rd_i64(&in, &q.next_update));
	TRY(rd_u32(&in, &q.total));
	TRY(rd_blob(&in, LIMIT_CRL_PART, &q.part));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

static err_t
id_check(const struct ocsp_id *id)
{
	if (id->hash != CERTID_SHA1 && id->hash != CERTID_SHA256)
		FAIL(ERR_MALFORMED, "hash %u", id->hash);
	if (id->name_hash.n != ocsp_hash_size(id->hash) ||
	    id->key_hash.n != ocsp_hash_size(id->hash))
		FAIL(ERR_MALFORMED, "hashes of %zu and %zu bytes", id->name_hash.n, id->key_hash.n);
	if (id->serial.n < 1 || id->serial.n > SERIAL_MAX)
		FAIL(ERR_MALFORMED, "a serial number of %zu bytes", id->serial.n);
	return OK;
}

static err_t
id_take(struct str *in, struct ocsp_id *ret)
{
	uint8_t hash;

	TRY(rd_u8(in, &hash));
	ret->hash = (enum ocsp_hash)hash;
	TRY(take_bool(in, &ret->params));
	TRY(rd_blob(in, 32, &ret->name_hash));
	TRY(rd_blob(in, 32, &ret->key_hash));
	TRY(rd_blob(in, SERIAL_MAX, &ret->serial));
	return id_check(ret);
}

static err_t
count_check(size_t n)
{
	if (n < 1 || n > LIMIT_OCSP_CERTS)
		FAIL(ERR_TOO_LARGE, "%zu certificates asked about, 1 to %u", n, LIMIT_OCSP_CERTS);
	return OK;
}

err_t
ocsp_req_encode(const struct ocsp_req *q, struct buf *out)
{
	TRY(count_check(q->n));
	TRY(wr_text(out, q->ca));
	TRY(wr_u8(out, (uint8_t)q->n));
	for (size_t i = 0; i < q->n; i++) {
		TRY(id_check(&q->v[i]));
		TRY(wr_u8(out, (uint8_t)q->v[i].hash));
		TRY(wr_u8(out, q->v[i].params));
		TRY(wr_blob(out, q->v[i].name_hash));
		TRY(wr_blob(out, q->v[i].key_hash));
		TRY(wr_blob(out, q->v[i].serial));
	}
	return wr_blob(out, q->nonce);
}

err_t
ocsp_req_parse(struct arena *a, struct str in, struct ocsp_req *ret)
{
	struct ocsp_req q;
	uint8_t n;

	TRY(rd_text(a, &in, LIMIT_TEXT, &q.ca));
	TRY(rd_u8(&in, &n));
	TRY(count_check(n));
	q.v = arena_array(a, n, sizeof(*q.v));
	q.n = n;
	for (size_t i = 0; i < n; i++)
		TRY(id_take(&in, &q.v[i]));
	TRY(rd_blob(&in, NONCE_MAX, &q.nonce));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
ocsp_rep_encode(const struct ocsp_rep *q, struct buf *out)
{
	TRY(wr_blob(out, q->der));
	TRY(wr_i64(out, q->this_update));
	return wr_i64(out, q->next_update);
}

err_t
ocsp_rep_parse(struct arena *a, struct str in, struct ocsp_rep *ret)
{
	struct ocsp_rep q;

	(void)a;
	TRY(rd_blob(&in, LIMIT_OCSP_ANSWER, &q.der));
	TRY(rd_i64(&in, &q.this_update));
	TRY(rd_i64(&in, &q.next_update));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}
