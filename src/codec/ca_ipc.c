/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of ca/issuer: see ca_ipc.h. */
#include "codec/ca_ipc.h"

#include "base/rd.h"

enum { SEALED_MAX = LIMIT_ORDER_BYTES + 1024 };

const char *
ca_disposition_name(enum ca_disposition d)
{
	switch (d) {
	case CA_DENIED:
		return "denied";
	case CA_PENDING:
		return "pending";
	case CA_ISSUED:
		break;
	}
	return "issued";
}

static err_t
attributes_put(struct buf *out, const struct ca_attribute *v, size_t n)
{
	if (n > LIMIT_CA_ATTRIBUTES)
		FAIL(ERR_TOO_LARGE, "%zu attributes, at most %u", n, LIMIT_CA_ATTRIBUTES);
	TRY(wr_u8(out, (uint8_t)n));
	for (size_t i = 0; i < n; i++) {
		TRY(wr_text(out, v[i].name));
		TRY(wr_text(out, v[i].value));
	}
	return OK;
}

static err_t
attributes_take(struct arena *a, struct str *in, struct ca_submit_req *q)
{
	uint8_t n;

	TRY(rd_u8(in, &n));
	if (n > LIMIT_CA_ATTRIBUTES)
		FAIL(ERR_TOO_LARGE, "%u attributes, at most %u", n, LIMIT_CA_ATTRIBUTES);
	q->attributes = arena_array(a, n, sizeof(*q->attributes));
	q->nattributes = n;
	for (size_t i = 0; i < n; i++) {
		TRY(rd_text(a, in, LIMIT_TEXT, &q->attributes[i].name));
		TRY(rd_text(a, in, LIMIT_CA_ATTRIBUTE, &q->attributes[i].value));
	}
	return OK;
}

err_t
ca_submit_req_encode(const struct ca_submit_req *q, struct buf *out)
{
	TRY(wr_text(out, q->ca));
	TRY(wr_blob(out, q->caller));
	TRY(wr_text(out, q->user));
	TRY(wr_text(out, q->password));
	TRY(wr_blob(out, q->renews));
	TRY(wr_u8(out, q->again));
	TRY(wr_blob(out, q->token));
	return attributes_put(out, q->attributes, q->nattributes);
}

err_t
ca_submit_req_parse(struct arena *a, struct str in, struct ca_submit_req *ret)
{
	struct ca_submit_req q;
	uint8_t again;

	TRY(rd_text(a, &in, LIMIT_TEXT, &q.ca));
	TRY(rd_blob(&in, LIMIT_CERT_BYTES, &q.caller));
	TRY(rd_text(a, &in, LIMIT_TEXT, &q.user));
	TRY(rd_text(a, &in, LIMIT_TEXT, &q.password));
	TRY(rd_blob(&in, LIMIT_CERT_BYTES, &q.renews));
	TRY(rd_u8(&in, &again));
	if (again > 1)
		FAIL(ERR_MALFORMED, "%u is neither yes nor no", again);
	q.again = again == 1;
	TRY(rd_blob(&in, LIMIT_CSR_BYTES, &q.token));
	TRY(attributes_take(a, &in, &q));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

static err_t
disposition_check(unsigned d, struct str leaf)
{
	if (d != CA_DENIED && d != CA_PENDING && d != CA_ISSUED)
		FAIL(ERR_MALFORMED, "disposition %u", d);
	if ((d == CA_ISSUED) != (leaf.n > 0))
		FAIL(ERR_MALFORMED, "disposition %u with a certificate of %zu bytes", d, leaf.n);
	return OK;
}

err_t
ca_submit_rep_encode(const struct ca_submit_rep *q, struct buf *out)
{
	TRY(disposition_check(q->disposition, q->leaf));
	TRY(wr_u8(out, (uint8_t)q->disposition));
	TRY(wr_u32(out, q->hresult));
	TRY(wr_text(out, q->message));
	TRY(wr_text(out, q->fault));
	TRY(wr_u64(out, q->request_id));
	TRY(wr_blob(out, q->leaf));
	return ipc_blobs_put(out, &q->chain);
}

err_t
ca_submit_rep_parse(struct arena *a, struct str in, struct ca_submit_rep *ret)
{
	struct ca_submit_rep q;
	uint8_t disposition;

	TRY(rd_u8(&in, &disposition));
	TRY(rd_u32(&in, &q.hresult));
	TRY(rd_text(a, &in, LIMIT_LONG_TEXT, &q.message));
	TRY(rd_text(a, &in, LIMIT_TEXT, &q.fault));
	TRY(rd_u64(&in, &q.request_id));
	TRY(rd_blob(&in, LIMIT_CERT_BYTES, &q.leaf));
	TRY(ipc_blobs_take(a, &in, LIMIT_CHAIN_CERTS, LIMIT_CERT_BYTES, &q.chain));
	TRY(rd_end(&in));
	TRY(disposition_check(disposition, q.leaf));
	q.disposition = (enum ca_disposition)disposition;
	*ret = q;
	return OK;
}

static err_t
keygen_check(const struct ca_keygen_rep *q)
{
	if ((q->answer.disposition == CA_ISSUED) != (q->key.n > 0))
		FAIL(ERR_MALFORMED, "a key comes with its certificate, and only so");
	return OK;
}

err_t
ca_keygen_rep_encode(const struct ca_keygen_rep *q, struct buf *out)
{
	TRY(keygen_check(q));
	TRY(wr_blob(out, q->key));
	return ca_submit_rep_encode(&q->answer, out);
}

err_t
ca_keygen_rep_parse(struct arena *a, struct str in, struct ca_keygen_rep *ret)
{
	struct ca_keygen_rep q;

	TRY(rd_blob(&in, LIMIT_KEY_BYTES, &q.key));
	TRY(ca_submit_rep_parse(a, in, &q.answer));
	TRY(keygen_check(&q));
	*ret = q;
	return OK;
}

err_t
ca_query_req_encode(const struct ca_query_req *q, struct buf *out)
{
	TRY(wr_text(out, q->ca));
	TRY(wr_blob(out, q->caller));
	TRY(wr_text(out, q->user));
	TRY(wr_text(out, q->password));
	return wr_u64(out, q->request_id);
}

err_t
ca_query_req_parse(struct arena *a, struct str in, struct ca_query_req *ret)
{
	struct ca_query_req q;

	TRY(rd_text(a, &in, LIMIT_TEXT, &q.ca));
	TRY(rd_blob(&in, LIMIT_CERT_BYTES, &q.caller));
	TRY(rd_text(a, &in, LIMIT_TEXT, &q.user));
	TRY(rd_text(a, &in, LIMIT_TEXT, &q.password));
	TRY(rd_u64(&in, &q.request_id));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
ca_revoke_req_encode(const struct ca_revoke_req *q, struct buf *out)
{
	TRY(wr_blob(out, q->caller));
	return wr_blob(out, q->order);
}

err_t
ca_revoke_req_parse(struct arena *a, struct str in, struct ca_revoke_req *ret)
{
	struct ca_revoke_req q;

	(void)a;
	TRY(rd_blob(&in, LIMIT_CERT_BYTES, &q.caller));
	TRY(rd_blob(&in, SEALED_MAX, &q.order));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
ca_revoke_rep_encode(const struct ca_revoke_rep *q, struct buf *out)
{
	return wr_u32(out, q->count);
}

err_t
ca_revoke_rep_parse(struct arena *a, struct str in, struct ca_revoke_rep *ret)
{
	struct ca_revoke_rep q;

	(void)a;
	TRY(rd_u32(&in, &q.count));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

static err_t
place_put(struct buf *out, const struct ca_revoked_place *p)
{
	TRY(wr_i64(out, p->at));
	return wr_i64(out, p->id);
}

static err_t
place_take(struct str *in, struct ca_revoked_place *ret)
{
	TRY(rd_i64(in, &ret->at));
	return rd_i64(in, &ret->id);
}

err_t
ca_revoked_req_encode(const struct ca_revoked_req *q, struct buf *out)
{
	TRY(wr_blob(out, q->caller));
	return place_put(out, &q->after);
}

err_t
ca_revoked_req_parse(struct arena *a, struct str in, struct ca_revoked_req *ret)
{
	struct ca_revoked_req q;

	(void)a;
	TRY(rd_blob(&in, LIMIT_CERT_BYTES, &q.caller));
	TRY(place_take(&in, &q.after));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
ca_revoked_rep_encode(const struct ca_revoked_rep *q, struct buf *out)
{
	if (q->n > LIMIT_PAGE)
		FAIL(ERR_TOO_LARGE, "%zu revocations, at most %u", q->n, LIMIT_PAGE);
	TRY(wr_u16(out, (uint16_t)q->n));
	for (size_t i = 0; i < q->n; i++) {
		TRY(buf_put(out, id_str(&q->v[i].order)));
		TRY(wr_text(out, q->v[i].serial));
		TRY(wr_u8(out, q->v[i].reason));
	}
	return place_put(out, &q->next);
}

err_t
ca_revoked_rep_parse(struct arena *a, struct str in, struct ca_revoked_rep *ret)
{
	struct ca_revoked_rep q = { 0 };
	struct str id;
	uint16_t n;

	TRY(rd_u16(&in, &n));
	if (n > LIMIT_PAGE)
		FAIL(ERR_TOO_LARGE, "%u revocations, at most %u", n, LIMIT_PAGE);
	q.v = arena_array(a, n + 1u, sizeof(*q.v));
	for (; q.n < n; q.n++) {
		TRY(rd_take(&in, sizeof(struct id), &id));
		memcpy(&q.v[q.n].order, id.p, id.n);
		TRY(rd_text(a, &in, LIMIT_TEXT, &q.v[q.n].serial));
		TRY(rd_u8(&in, &q.v[q.n].reason));
	}
	TRY(place_take(&in, &q.next));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
ca_name_req_encode(const struct ca_name_req *q, struct buf *out)
{
	return wr_text(out, q->ca);
}

err_t
ca_name_req_parse(struct arena *a, struct str in, struct ca_name_req *ret)
{
	struct ca_name_req q;

	TRY(rd_text(a, &in, LIMIT_TEXT, &q.ca));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
ca_der_rep_encode(const struct ca_der_rep *q, struct buf *out)
{
	return wr_blob(out, q->der);
}

err_t
ca_der_rep_parse(struct arena *a, struct str in, struct ca_der_rep *ret)
{
	struct ca_der_rep q;

	(void)a;
	TRY(rd_blob(&in, LIMIT_IPC_MESSAGE, &q.der));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

static err_t
role_check(unsigned role)
{
	if (role != CA_ROLE_ROOT && role != CA_ROLE_ISSUING && role != CA_ROLE_IDENTITY)
		FAIL(ERR_MALFORMED, "role %u of a CA", role);
	return OK;
}

err_t
ca_list_rep_encode(const struct ca_list_rep *q, struct buf *out)
{
	if (q->n > LIMIT_CAS)
		FAIL(ERR_TOO_LARGE, "%zu CAs, at most %u", q->n, LIMIT_CAS);
	TRY(wr_u8(out, (uint8_t)q->n));
	for (size_t i = 0; i < q->n; i++) {
		TRY(role_check(q->v[i].role));
		TRY(wr_text(out, q->v[i].name));
		TRY(wr_u8(out, (uint8_t)q->v[i].role));
		TRY(wr_blob(out, q->v[i].certificate));
	}
	return OK;
}

static err_t
entry_take(struct arena *a, struct str *in, struct ca_entry *ret)
{
	uint8_t role;

	TRY(rd_text(a, in, LIMIT_TEXT, &ret->name));
	TRY(rd_u8(in, &role));
	TRY(role_check(role));
	ret->role = (enum ca_role)role;
	return rd_blob(in, LIMIT_CERT_BYTES, &ret->certificate);
}

err_t
ca_list_rep_parse(struct arena *a, struct str in, struct ca_list_rep *ret)
{
	struct ca_list_rep q;
	uint8_t n;

	TRY(rd_u8(&in, &n));
	if (n > LIMIT_CAS)
		FAIL(ERR_TOO_LARGE, "%u CAs, at most %u", n, LIMIT_CAS);
	q.v = arena_array(a, n, sizeof(*q.v));
	q.n = n;
	for (size_t i = 0; i < n; i++)
		TRY(entry_take(a, &in, &q.v[i]));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

err_t
ca_chain_rep_encode(const struct ca_chain_rep *q, struct buf *out)
{
	return ipc_blobs_put(out, &q->chain);
}

err_t
ca_chain_rep_parse(struct arena *a, struct str in, struct ca_chain_rep *ret)
{
	struct ca_chain_rep q;

	TRY(ipc_blobs_take(a, &in, LIMIT_CHAIN_CERTS, LIMIT_CERT_BYTES, &q.chain));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}
