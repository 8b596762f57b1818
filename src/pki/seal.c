/* SPDX-License-Identifier: Apache-2.0 */
/* See seal.h. */
#include "pki/seal.h"

#include <string.h>

#include "base/rd.h"

static err_t
signed_bytes(struct arena *a, struct str body, struct str *ret)
{
	static const char context[] = "chancery-order-v1"; /* its NUL is signed too */
	uint8_t *out = arena_alloc(a, sizeof context + body.n);

	memcpy(out, context, sizeof context);
	if (body.n > 0)
		memcpy(out + sizeof context, body.p, body.n);
	*ret = str_of(out, sizeof context + body.n);
	return OK;
}

static bool
is_order_key(const struct key *k)
{
	return key_algorithm(k) == KEY_EC && key_bits(k) == KEY_P256;
}

err_t
seal_order(struct arena *a, const struct key *k, const struct order *o, struct str *ret_sealed)
{
	auto_buf struct buf body, out;
	uint8_t id[32];
	struct sealed s;
	struct str msg;

	buf_init(&body, LIMIT_ORDER_BYTES);
	buf_init(&out, LIMIT_ORDER_BYTES + 1024);
	if (!is_order_key(k))
		FAIL(ERR_KEY, "orders are sealed with P-256");
	TRY(order_encode(o, &body));
	TRY(key_spki_sha256(k, id));
	TRY(signed_bytes(a, buf_str(&body), &msg));
	s.body = buf_str(&body);
	s.key_id = STR(id);
	TRY(key_sign(a, k, msg, &s.signature));
	TRY(sealed_encode(&s, &out));
	*ret_sealed = arena_str(a, buf_str(&out));
	return OK;
}

static const struct key *
key_by_id(const struct key *const *keys, size_t n, struct str id)
{
	uint8_t have[32];

	for (size_t i = 0; i < n; i++)
		if (is_order_key(keys[i]) && err_ok(key_spki_sha256(keys[i], have)) &&
		    str_eq(id, STR(have)))
			return keys[i];
	return NULL;
}

static err_t
not_an_order(err_t e)
{
	struct err_report rep;

	err_take(e, &rep);
	FAIL(ERR_ORDER, "%s", rep.detail);
}

err_t
seal_open(
    struct arena *a, const struct key *const *keys, size_t n, struct str sealed, struct order *ret)
{
	const struct key *k;
	struct sealed s;
	struct str msg;
	err_t e = sealed_parse(sealed, &s);

	if (!err_ok(e))
		return not_an_order(e);
	k = key_by_id(keys, n, s.key_id);
	if (k == NULL)
		FAIL(ERR_ORDER_SIGNATURE, "no key with this id is admitted");
	TRY(signed_bytes(a, s.body, &msg));
	e = key_verify(k, msg, s.signature);
	if (!err_ok(e)) {
		err_forget(e);
		FAIL(ERR_ORDER_SIGNATURE, "%s", "");
	}
	e = order_parse(a, s.body, ret);
	return err_ok(e) ? OK : not_an_order(e);
}

err_t
seal_holder(const char *name, uint8_t ret[32])
{
	auto_buf struct buf b;

	buf_init(&b, LIMIT_TEXT + 32);
	TRY(buf_put(&b, str_of("chancery-holder-v1", sizeof("chancery-holder-v1"))));
	if (strlen(name) > LIMIT_TEXT)
		FAIL(ERR_TOO_LARGE, "name of a principal");
	for (const char *p = name; *p != '\0'; p++) {
		uint8_t c = (uint8_t)(*p >= 'A' && *p <= 'Z' ? *p + ('a' - 'A') : *p);

		TRY(buf_put(&b, str_of(&c, 1)));
	}
	hash_sha256(buf_str(&b), ret);
	return OK;
}

err_t
seal_import(const struct seal_import *i, uint8_t ret[32])
{
	static const char context[] = "chancery-import-v1";
	auto_buf struct buf b;
	uint8_t file[32];

	buf_init(&b, LIMIT_ORDER_BYTES);
	hash_sha256(i->pfx, file);
	TRY(buf_put(&b, str_of(context, sizeof(context))));
	TRY(wr_text(&b, i->key));
	TRY(wr_u8(&b, i->padding));
	TRY(wr_blob(&b, i->wrapped));
	TRY(wr_blob(&b, STR(file)));
	TRY(wr_blob(&b, i->thumbprint));
	hash_sha256(buf_str(&b), ret);
	return OK;
}
