/* SPDX-License-Identifier: Apache-2.0 */
#include "store/chain.h"

#include <assert.h>

#include "base/limits.h"
#include "pki/line_hash.h"

#define CHAIN_HASH 32
#define CHAIN_TEXTS 8u /* of a line, at most */

struct chain {
	int64_t seq; /* of the newest line; 0: none yet */
	uint8_t hash[CHAIN_HASH];
};

struct head {
	int64_t seq;
	struct str hash;
};
static const struct col head_cols[] = {
	COL(struct head, seq),
	COL(struct head, hash),
};
static const struct shape head_shape = SHAPE("chain", struct head, head_cols);

static err_t
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

static err_t
chain_put(struct tx *tx, const char *name, const struct chain *c)
{
	return row_run(tx, STMT_CHAIN_PUT,
	    VALS(val_text(name), val_i64(c->seq), val_bytes(STR(c->hash))), NULL);
}

/* The columns of a line: first seq and when, then texts, last its hash. */
enum { SEQ, WHEN, TEXTS };

static int64_t *
number_at(const struct chain_table *t, void *line, size_t col)
{
	assert(t->shape->cols[col].type == COL_TYPE_I64);
	return (void *)((uint8_t *)line + t->shape->cols[col].offset);
}

static const char *
text_at(const struct chain_table *t, void *line, size_t col)
{
	assert(t->shape->cols[col].type == COL_TYPE_TEXT);
	return *(const char **)(void *)((uint8_t *)line + t->shape->cols[col].offset);
}

static struct str *
hash_at(const struct chain_table *t, void *line)
{
	const struct col *last = &t->shape->cols[t->shape->n - 1];

	assert(last->type == COL_TYPE_BYTES);
	return (void *)((uint8_t *)line + last->offset);
}

/* The line after c becomes c. */
static err_t
chain_next(struct chain *c, const struct chain_table *t, void *line)
{
	const char *texts[CHAIN_TEXTS];
	size_t n = 0;

	for (size_t i = TEXTS; i + 1 < t->shape->n; i++) {
		assert(n < CHAIN_TEXTS);
		texts[n++] = text_at(t, line, i);
	}
	TRY(line_hash(c->hash, c->seq + 1, *number_at(t, line, WHEN), texts, n, c->hash));
	c->seq++;
	return OK;
}

err_t
chain_add(struct tx *tx, const struct chain_table *t, void *line)
{
	struct chain c;
	err_t e;

	TRY(chain_head(tx, t->name, &c));
	TRY(chain_next(&c, t, line));
	*number_at(t, line, SEQ) = c.seq;
	*hash_at(t, line) = STR(c.hash);
	e = row_insert(tx, t->add, t->shape, line);
	*hash_at(t, line) = STR_EMPTY;
	TRY(e);
	return chain_put(tx, t->name, &c);
}

/* Goes on from c over one page of lines; *ret_bad: the first that does not fit, or 0. */
static err_t
page_verify(
    struct tx *tx, const struct chain_table *t, struct chain *c, size_t *ret_n, int64_t *ret_bad)
{
	auto_arena struct arena *a = arena_new();
	uint8_t *v;
	size_t n;

	TRY(row_all(tx, a, t->list, t->shape, VALS(val_i64(c->seq), val_i64(LIMIT_PAGE)), &v, &n));
	for (size_t i = 0; i < n; i++) {
		void *line = v + i * t->shape->size;
		int64_t seq = c->seq + 1;

		TRY(chain_next(c, t, line));
		if (*number_at(t, line, SEQ) != seq || !str_eq(*hash_at(t, line), STR(c->hash))) {
			*ret_bad = seq;
			return OK;
		}
	}
	*ret_n = n;
	*ret_bad = 0;
	return OK;
}

err_t
chain_verify(struct tx *tx, const struct chain_table *t, int64_t *ret_bad)
{
	struct chain c = { .seq = 0 }, head;
	int64_t bad = 0;
	size_t n = 1;

	while (n > 0) {
		TRY(page_verify(tx, t, &c, &n, &bad));
		if (bad != 0) {
			*ret_bad = bad;
			return OK;
		}
	}
	TRY(chain_head(tx, t->name, &head));
	if (head.seq == c.seq && str_eq(STR(head.hash), STR(c.hash)))
		*ret_bad = 0;
	else
		*ret_bad = c.seq + 1; /* lines are missing at the end, or there are too many */
	return OK;
}
