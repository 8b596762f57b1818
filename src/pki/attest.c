/* SPDX-License-Identifier: Apache-2.0 */
/* See attest.h. */
#include "pki/attest.h"

#include "base/text.h"
#include "codec/order.h"

enum { HASH_BYTES = 32, SIGNED_MAX = 128 };

static bool
is_maker(const struct key *k)
{
	return key_algorithm(k) == KEY_EC && key_bits(k) == KEY_P256;
}

static err_t
put_hash(struct buf *out, struct str hash)
{
	if (hash.n != HASH_BYTES)
		FAIL(ERR_MALFORMED, "a hash of %zu bytes", hash.n);
	return buf_put(out, hash);
}

static err_t
signed_bytes(const struct attest *w, struct buf *out)
{
	static const char context[] = "chancery-attest-v1"; /* its NUL is signed too */

	TRY(buf_put(out, str_of(context, sizeof(context))));
	TRY(put_hash(out, w->order));
	TRY(put_hash(out, w->spki));
	return put_hash(out, w->recipient);
}

err_t
attest_key(struct str spki)
{
	auto_key struct key *k = NULL;

	if (spki.n > LIMIT_ORDER_MAKER)
		FAIL(ERR_KEY, "%zu bytes", spki.n);
	TRY(key_from_spki(spki, &k));
	if (!is_maker(k))
		FAIL(ERR_KEY, "it is no key of P-256");
	return OK;
}

err_t
attest_make(
    struct arena *a, const struct key *maker, const struct attest *w, struct str *ret_signature)
{
	auto_buf struct buf msg = { 0 };

	buf_init(&msg, SIGNED_MAX);
	if (!is_maker(maker))
		FAIL(ERR_KEY, "it is no key of P-256");
	TRY(signed_bytes(w, &msg));
	return key_sign(a, maker, buf_str(&msg), ret_signature);
}

err_t
attest_check(struct arena *a, struct str maker, const struct attest *w, struct str signature)
{
	auto_key struct key *k = NULL;
	auto_buf struct buf msg = { 0 };
	err_t e;

	buf_init(&msg, SIGNED_MAX);
	if (signature.n == 0)
		FAIL(ERR_ORDER_KEY, "the request has no such word");
	TRY(attest_key(maker));
	TRY(key_from_spki(maker, &k));
	TRY(signed_bytes(w, &msg));
	e = key_verify(k, buf_str(&msg), signature);
	if (err_ok(e))
		return OK;
	err_forget(e);
	FAIL(ERR_ORDER_KEY, "key %s: it is the word of another one, or of something else",
	    text_hex(a, w->spki));
}
