/* SPDX-License-Identifier: Apache-2.0 */
/* The journal: what the CA decided, in a chain. */
#include "base/limits.h"
#include "store/ca.h"
#include "store/chain.h"
#include "store/row.h"

struct line {
	int64_t seq;
	when_ms_t when;
	const char *actor, *event, *detail;
	struct str hash;
};
static const struct col line_cols[] = {
	COL(struct line, seq),
	COL(struct line, when),
	COL(struct line, actor),
	COL(struct line, event),
	COL(struct line, detail),
	COL(struct line, hash),
};
static const struct shape line_shape = SHAPE("journal line", struct line, line_cols);

/* The texts that its hash covers. */
static err_t
line_hash(struct chain *c, const struct line *x)
{
	const char *texts[] = { x->actor, x->event, x->detail };

	return chain_next(c, x->when, texts, COUNT(texts));
}

err_t
store_journal_add(struct tx *tx, const char *actor, const char *event, const char *detail)
{
	struct line x = { .when = when_now_ms(), .actor = actor, .event = event, .detail = detail };
	struct chain c;

	TRY(chain_head(tx, "journal", &c));
	TRY(line_hash(&c, &x));
	x.seq = c.seq;
	x.hash = STR(c.hash);
	TRY(row_insert(tx, STMT_JOURNAL_ADD, &line_shape, &x));
	return chain_put(tx, "journal", &c);
}

/* Goes on from c over one page of lines; *ret_bad: the first that does not fit, or 0. */
static err_t
page_verify(struct tx *tx, struct chain *c, size_t *ret_n, int64_t *ret_bad)
{
	auto_arena struct arena *a = arena_new();
	struct line *v;
	size_t n;

	TRY(row_all(tx, a, STMT_JOURNAL_LIST, &line_shape,
	    VALS(val_i64(c->seq), val_i64(LIMIT_PAGE)), &v, &n));
	for (size_t i = 0; i < n; i++) {
		int64_t seq = c->seq + 1;

		TRY(line_hash(c, &v[i]));
		if (v[i].seq != seq || !str_eq(v[i].hash, STR(c->hash))) {
			*ret_bad = seq;
			return OK;
		}
	}
	*ret_n = n;
	*ret_bad = 0;
	return OK;
}

err_t
store_journal_verify(struct tx *tx, int64_t *ret_bad)
{
	struct chain c = { .seq = 0 }, head;
	int64_t bad = 0;
	size_t n = 1;

	while (n > 0) {
		TRY(page_verify(tx, &c, &n, &bad));
		if (bad != 0) {
			*ret_bad = bad;
			return OK;
		}
	}
	TRY(chain_head(tx, "journal", &head));
	if (head.seq == c.seq && str_eq(STR(head.hash), STR(c.hash)))
		*ret_bad = 0;
	else
		*ret_bad = c.seq + 1; /* lines are missing at the end, or there are too many */
	return OK;
}
