/* SPDX-License-Identifier: Apache-2.0 */
/* Orders and sealed orders as bytes: see order.h. */
#include "codec/order.h"

#include "base/rd.h"
#include "codec/oid.h"

enum {
	ORDER_VERSION = 1,
	HASH_BYTES = 32,
	SIGNATURE_MAX = 512,
	SID_MAX = 184,
	SERIAL_HEX_MAX = 40,
	VALIDITY_DAYS_MAX = 36525
};

static err_t
id_take(struct str *in, struct id *ret)
{
	struct str s;

	TRY(rd_take(in, sizeof(ret->b), &s));
	memcpy(ret->b, s.p, sizeof(ret->b));
	return OK;
}

/* A SHA-256, or nothing. */
static err_t
hash_check(struct str s, const char *what)
{
	if (s.n != 0 && s.n != HASH_BYTES)
		FAIL(ERR_MALFORMED, "order: %s of %zu bytes", what, s.n);
	return OK;
}

static err_t
order_check(const struct order *o)
{
	if (o->kind < ORDER_ISSUE || o->kind > ORDER_REWRAP)
		FAIL(ERR_MALFORMED, "order of kind %d", (int)o->kind);
	if (id_is_zero(o->id))
		FAIL(ERR_MALFORMED, "order without an id");
	if (o->expires < o->issued)
		FAIL(ERR_MALFORMED, "order expires before it was issued");
	if (o->nekus > LIMIT_EKUS)
		FAIL(
		    ERR_TOO_LARGE, "order with %zu key purposes, at most %u", o->nekus, LIMIT_EKUS);
	for (size_t i = 0; i < o->nekus; i++)
		if (!oid_valid(o->ekus[i]))
			FAIL(ERR_MALFORMED, "order: key purpose %zu is no OID", i + 1);
	if (o->validity_days > VALIDITY_DAYS_MAX)
		FAIL(ERR_RANGE, "order: %u days of validity", o->validity_days);
	TRY(hash_check(o->spki, "public key hash"));
	TRY(hash_check(o->holder, "holder hash"));
	TRY(hash_check(o->challenge, "challenge hash"));
	TRY(hash_check(o->recipient, "recipient hash"));
	if ((o->maker.n == 0) != (o->recipient.n == 0))
		FAIL(ERR_MALFORMED, "order with %s alone",
		    o->maker.n == 0 ? "a recipient" : "a maker");
	TRY(hash_check(o->content, "content hash"));
	/* For anybody it would be worth nothing. */
	if ((o->kind == ORDER_IMPORT || o->kind == ORDER_REWRAP) && o->recipient.n == 0)
		FAIL(ERR_MALFORMED, "order of kind %d without a recipient", (int)o->kind);
	if ((o->kind == ORDER_IMPORT) != (o->content.n != 0))
		FAIL(ERR_MALFORMED, "order of kind %d with%s content", (int)o->kind,
		    o->content.n == 0 ? "out" : "");
	if (o->maker.n > LIMIT_ORDER_MAKER)
		FAIL(ERR_TOO_LARGE, "order: the maker's key has %zu bytes", o->maker.n);
	return OK;
}

static err_t
order_write(const struct order *o, struct buf *out)
{
	TRY(wr_u16(out, ORDER_VERSION));
	TRY(wr_u8(out, (uint8_t)o->kind));
	TRY(buf_put(out, id_str(&o->id)));
	TRY(buf_put(out, id_str(&o->slot)));
	TRY(buf_put(out, id_str(&o->device)));
	TRY(buf_put(out, id_str(&o->user)));
	TRY(buf_put(out, id_str(&o->profile)));
	TRY(wr_u32(out, o->profile_version));
	TRY(wr_u64(out, o->fence));
	TRY(wr_i64(out, o->issued));
	TRY(wr_i64(out, o->expires));
	TRY(wr_text(out, o->ca));
	TRY(wr_text(out, o->template));
	TRY(wr_blob(out, o->subject));
	TRY(wr_blob(out, o->san));
	TRY(wr_text(out, o->sid));
	TRY(wr_u8(out, (uint8_t)o->nekus));
	for (size_t i = 0; i < o->nekus; i++)
		TRY(wr_text(out, o->ekus[i]));
	TRY(wr_u32(out, o->validity_days));
	TRY(wr_u8(out, o->key_usage));
	TRY(wr_u16(out, o->key_bits));
	TRY(wr_blob(out, o->spki));
	TRY(wr_blob(out, o->holder));
	TRY(wr_blob(out, o->challenge));
	TRY(wr_blob(out, o->maker));
	TRY(wr_blob(out, o->recipient));
	TRY(wr_text(out, o->keep));
	TRY(wr_blob(out, o->content));
	return OK;
}

err_t
order_encode(const struct order *o, struct buf *out)
{
	auto_buf struct buf b;

	buf_init(&b, LIMIT_ORDER_BYTES);
	TRY(order_check(o));
	TRY_CTX(order_write(o, &b), "order");
	return buf_put(out, buf_str(&b));
}

static err_t
ekus_take(struct arena *a, struct str *in, struct order *o)
{
	uint8_t n;

	TRY(rd_u8(in, &n));
	if (n > LIMIT_EKUS)
		FAIL(ERR_TOO_LARGE, "order with %u key purposes, at most %u", n, LIMIT_EKUS);
	o->ekus = arena_array(a, n, sizeof(*o->ekus));
	o->nekus = n;
	for (size_t i = 0; i < n; i++)
		TRY(rd_text(a, in, LIMIT_OID_TEXT, &o->ekus[i]));
	return OK;
}

err_t
order_parse(struct arena *a, struct str in, struct order *ret)
{
	struct order o = { 0 };
	uint16_t version;
	uint8_t kind;

	if (in.n > LIMIT_ORDER_BYTES)
		FAIL(ERR_TOO_LARGE, "order of %zu bytes, at most %u", in.n, LIMIT_ORDER_BYTES);
	TRY(rd_u16(&in, &version));
	if (version != ORDER_VERSION)
		FAIL(ERR_UNSUPPORTED, "order of version %u", version);
	TRY(rd_u8(&in, &kind));
	o.kind = (enum order_kind)kind;
	TRY(id_take(&in, &o.id));
	TRY(id_take(&in, &o.slot));
	TRY(id_take(&in, &o.device));
	TRY(id_take(&in, &o.user));
	TRY(id_take(&in, &o.profile));
	TRY(rd_u32(&in, &o.profile_version));
	TRY(rd_u64(&in, &o.fence));
	TRY(rd_i64(&in, &o.issued));
	TRY(rd_i64(&in, &o.expires));
	TRY(rd_text(a, &in, LIMIT_TEXT, &o.ca));
	TRY(rd_text(a, &in, LIMIT_TEXT, &o.template));
	TRY(rd_blob(&in, LIMIT_ORDER_BYTES, &o.subject));
	TRY(rd_blob(&in, LIMIT_ORDER_BYTES, &o.san));
	TRY(rd_text(a, &in, SID_MAX, &o.sid));
	TRY(ekus_take(a, &in, &o));
	TRY(rd_u32(&in, &o.validity_days));
	TRY(rd_u8(&in, &o.key_usage));
	TRY(rd_u16(&in, &o.key_bits));
	TRY(rd_blob(&in, HASH_BYTES, &o.spki));
	TRY(rd_blob(&in, HASH_BYTES, &o.holder));
	TRY(rd_blob(&in, HASH_BYTES, &o.challenge));
	TRY(rd_blob(&in, LIMIT_ORDER_MAKER, &o.maker));
	TRY(rd_blob(&in, HASH_BYTES, &o.recipient));
	TRY(rd_text(a, &in, SERIAL_HEX_MAX, &o.keep));
	TRY(rd_blob(&in, HASH_BYTES, &o.content));
	TRY(rd_end(&in));
	TRY(order_check(&o));
	*ret = o;
	return OK;
}

err_t
sealed_encode(const struct sealed *s, struct buf *out)
{
	auto_buf struct buf b;

	buf_init(&b, LIMIT_ORDER_BYTES + SIGNATURE_MAX + HASH_BYTES + 8);
	if (s->body.n > LIMIT_ORDER_BYTES || s->signature.n > SIGNATURE_MAX)
		FAIL(ERR_TOO_LARGE, "sealed order");
	if (s->key_id.n != HASH_BYTES)
		FAIL(ERR_MALFORMED, "sealed order: key id of %zu bytes", s->key_id.n);
	TRY(wr_blob(&b, s->body));
	TRY(wr_blob(&b, s->signature));
	TRY(buf_put(&b, s->key_id));
	return buf_put(out, buf_str(&b));
}

err_t
sealed_parse(struct str in, struct sealed *ret)
{
	struct sealed s;

	TRY(rd_blob(&in, LIMIT_ORDER_BYTES, &s.body));
	TRY(rd_blob(&in, SIGNATURE_MAX, &s.signature));
	TRY(rd_take(&in, HASH_BYTES, &s.key_id));
	TRY(rd_end(&in));
	if (s.body.n == 0 || s.signature.n == 0)
		FAIL(ERR_MALFORMED, "sealed order without %s",
		    s.body.n == 0 ? "order" : "signature");
	*ret = s;
	return OK;
}
