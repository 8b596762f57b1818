/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/policies_ipc.h"

#include "base/rd.h"

err_t
policies_req_encode(const struct policies_req *q, struct buf *out)
{
	TRY(wr_blob(out, q->caller));
	TRY(wr_text(out, q->user));
	return wr_text(out, q->password);
}

err_t
policies_req_parse(struct arena *a, struct str in, struct policies_req *ret)
{
	struct policies_req q;

	TRY(rd_blob(&in, LIMIT_CERT_BYTES, &q.caller));
	TRY(rd_text(a, &in, LIMIT_TEXT, &q.user));
	TRY(rd_text(a, &in, LIMIT_TEXT, &q.password));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}

static err_t
bool_take(struct str *in, bool *ret)
{
	uint8_t b;

	TRY(rd_u8(in, &b));
	if (b > 1)
		FAIL(ERR_MALFORMED, "%u is neither yes nor no", b);
	*ret = b == 1;
	return OK;
}

static err_t
exts_put(struct buf *out, const struct policy_template *t)
{
	if (t->nexts > LIMIT_POLICY_EXTS)
		FAIL(ERR_TOO_LARGE, "%zu extensions, at most %u", t->nexts, LIMIT_POLICY_EXTS);
	TRY(wr_u8(out, (uint8_t)t->nexts));
	for (size_t i = 0; i < t->nexts; i++) {
		TRY(wr_text(out, t->exts[i].oid));
		TRY(wr_u8(out, t->exts[i].critical));
		TRY(wr_blob(out, t->exts[i].value));
	}
	return OK;
}

static err_t
exts_take(struct arena *a, struct str *in, struct policy_template *t)
{
	uint8_t n;

	TRY(rd_u8(in, &n));
	if (n > LIMIT_POLICY_EXTS)
		FAIL(ERR_TOO_LARGE, "%u extensions, at most %u", n, LIMIT_POLICY_EXTS);
	t->exts = arena_array(a, n, sizeof(*t->exts));
	t->nexts = n;
	for (size_t i = 0; i < n; i++) {
		TRY(rd_text(a, in, LIMIT_OID_TEXT, &t->exts[i].oid));
		TRY(bool_take(in, &t->exts[i].critical));
		TRY(rd_blob(in, LIMIT_LONG_TEXT, &t->exts[i].value));
	}
	return OK;
}

static err_t
template_put(struct buf *out, const struct policy_template *t)
{
	const uint32_t numbers[] = { t->schema, t->major, t->minor, t->flags, t->name_flags,
		t->enrolment_flags, t->private_key_flags, t->min_key_bits };
	const bool flags[] = { t->rsa, t->p256, t->p384, t->enrol, t->autoenrol };

	TRY(wr_text(out, t->name));
	TRY(wr_text(out, t->display_name));
	TRY(wr_text(out, t->oid));
	for (size_t i = 0; i < COUNT(numbers); i++)
		TRY(wr_u32(out, numbers[i]));
	for (size_t i = 0; i < COUNT(flags); i++)
		TRY(wr_u8(out, flags[i]));
	TRY(wr_i64(out, t->validity));
	TRY(wr_i64(out, t->overlap));
	TRY(wr_u64(out, t->cas));
	return exts_put(out, t);
}

static err_t
template_take(struct arena *a, struct str *in, struct policy_template *t)
{
	uint32_t *const numbers[] = { &t->schema, &t->major, &t->minor, &t->flags, &t->name_flags,
		&t->enrolment_flags, &t->private_key_flags, &t->min_key_bits };
	bool *const flags[] = { &t->rsa, &t->p256, &t->p384, &t->enrol, &t->autoenrol };

	TRY(rd_text(a, in, LIMIT_TEXT, &t->name));
	TRY(rd_text(a, in, LIMIT_TEXT, &t->display_name));
	TRY(rd_text(a, in, LIMIT_OID_TEXT, &t->oid));
	for (size_t i = 0; i < COUNT(numbers); i++)
		TRY(rd_u32(in, numbers[i]));
	for (size_t i = 0; i < COUNT(flags); i++)
		TRY(bool_take(in, flags[i]));
	TRY(rd_i64(in, &t->validity));
	TRY(rd_i64(in, &t->overlap));
	TRY(rd_u64(in, &t->cas));
	return exts_take(a, in, t);
}

static err_t
cas_put(struct buf *out, const struct policies_rep *q)
{
	if (q->ncas > LIMIT_CAS)
		FAIL(ERR_TOO_LARGE, "%zu CAs, at most %u", q->ncas, LIMIT_CAS);
	TRY(wr_u8(out, (uint8_t)q->ncas));
	for (size_t i = 0; i < q->ncas; i++) {
		TRY(wr_text(out, q->cas[i].name));
		TRY(wr_blob(out, q->cas[i].certificate));
		TRY(wr_u8(out, q->cas[i].enrol));
	}
	return OK;
}

static err_t
cas_take(struct arena *a, struct str *in, struct policies_rep *q)
{
	uint8_t n;

	TRY(rd_u8(in, &n));
	if (n > LIMIT_CAS)
		FAIL(ERR_TOO_LARGE, "%u CAs, at most %u", n, LIMIT_CAS);
	q->cas = arena_array(a, n, sizeof(*q->cas));
	q->ncas = n;
	for (size_t i = 0; i < n; i++) {
		TRY(rd_text(a, in, LIMIT_TEXT, &q->cas[i].name));
		TRY(rd_blob(in, LIMIT_CERT_BYTES, &q->cas[i].certificate));
		TRY(bool_take(in, &q->cas[i].enrol));
	}
	return OK;
}

err_t
policies_rep_encode(const struct policies_rep *q, struct buf *out)
{
	if (q->n > LIMIT_POLICIES)
		FAIL(ERR_TOO_LARGE, "%zu templates, at most %u", q->n, LIMIT_POLICIES);
	TRY(buf_put(out, id_str(&q->id)));
	TRY(wr_text(out, q->name));
	TRY(wr_i64(out, q->changed));
	TRY(cas_put(out, q));
	TRY(wr_u16(out, (uint16_t)q->n));
	for (size_t i = 0; i < q->n; i++)
		TRY(template_put(out, &q->v[i]));
	return OK;
}

err_t
policies_rep_parse(struct arena *a, struct str in, struct policies_rep *ret)
{
	struct policies_rep q;
	struct str id;
	uint16_t n;

	TRY(rd_take(&in, sizeof(q.id.b), &id));
	memcpy(q.id.b, id.p, sizeof(q.id.b));
	TRY(rd_text(a, &in, LIMIT_TEXT, &q.name));
	TRY(rd_i64(&in, &q.changed));
	TRY(cas_take(a, &in, &q));
	TRY(rd_u16(&in, &n));
	if (n > LIMIT_POLICIES)
		FAIL(ERR_TOO_LARGE, "%u templates, at most %u", n, LIMIT_POLICIES);
	q.v = arena_array(a, n, sizeof(*q.v));
	q.n = n;
	for (size_t i = 0; i < n; i++)
		TRY(template_take(a, &in, &q.v[i]));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}
