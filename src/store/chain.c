/* SPDX-License-Identifier: Apache-2.0 */
#include "store/chain.h"

#include "base/rd.h"
#include "pki/key.h"
#include "store/row.h"

#define CHAIN_LINE_MAX (4u << 20)

struct head {
	int64_t seq;
	struct str hash;
};
static const struct col head_cols[] = {
	COL(struct head, seq),
	COL(struct head, hash),
};
static const struct shape head_shape = SHAPE("chain", struct head, head_cols);

err_t
chain_head(struct tx *tx, const char *name, struct chain *ret)
{
	auto_arena struct arena *a = arena_new();
	struct head h;
	err_t e = row_one(tx, a, STMT_CHAIN_GET, &head_shape, VALS(val_text(name)), &h);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		*ret = (struct chain){ .seq = 0 };
		return OK;
	}
	TRY(e);
	if (h.hash.n != CHAIN_HASH)
		FAIL(ERR_STORE, "the chain %s has a hash of %zu bytes", name, h.hash.n);
	ret->seq = h.seq;
	memcpy(ret->hash, h.hash.p, CHAIN_HASH);
	return OK;
}

err_t
chain_put(struct tx *tx, const char *name, const struct chain *c)
{
	return row_run(tx, STMT_CHAIN_PUT,
	    VALS(val_text(name), val_i64(c->seq), val_bytes(STR(c->hash))), NULL);
}

err_t
chain_next(struct chain *c, when_ms_t when, const char *const *texts, size_t n)
{
	auto_buf struct buf b = { 0 };

	buf_init(&b, CHAIN_LINE_MAX);
	TRY(buf_put(&b, STR(c->hash)));
	TRY(wr_i64(&b, c->seq + 1));
	TRY(wr_i64(&b, when));
	for (size_t i = 0; i < n; i++)
		TRY(wr_text(&b, texts[i]));
	hash_sha256(buf_str(&b), c->hash);
	c->seq++;
	return OK;
}
