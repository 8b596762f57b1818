/* SPDX-License-Identifier: Apache-2.0 */
/* The audit: who did what to what, in a chain. */
#include "base/limits.h"
#include "store/access.h"
#include "store/chain.h"
#include "store/row.h"

static const struct col audit_cols[] = {
	COL(struct audit, seq),
	COL(struct audit, when),
	COL(struct audit, actor),
	COL(struct audit, action),
	COL(struct audit, target),
	COL(struct audit, before),
	COL(struct audit, after),
	COL(struct audit, hash),
};
static const struct shape audit_shape = SHAPE("audit line", struct audit, audit_cols);

/* The texts that its hash covers. */
static err_t
audit_hash(struct chain *c, const struct audit *x)
{
	const char *texts[] = { x->actor, x->action, x->target, x->before, x->after };

	return chain_next(c, x->when, texts, COUNT(texts));
}

err_t
store_audit_add(struct tx *tx, const char *actor, const char *action, const char *target,
    const char *before, const char *after)
{
	struct audit x = { .when = when_now_ms(),
		.actor = actor,
		.action = action,
		.target = target,
		.before = before,
		.after = after };
	struct chain c;

	TRY(chain_head(tx, "audit", &c));
	TRY(audit_hash(&c, &x));
	x.seq = c.seq;
	x.hash = STR(c.hash);
	TRY(row_insert(tx, STMT_AUDIT_ADD, &audit_shape, &x));
	return chain_put(tx, "audit", &c);
}

err_t
store_audit_list(
    struct tx *tx, struct arena *a, int64_t after, size_t limit, struct audit **ret, size_t *retn)
{
	return row_all(tx, a, STMT_AUDIT_LIST, &audit_shape,
	    VALS(val_i64(after), val_i64((int64_t)limit)), ret, retn);
}

/* Goes on from c over one page of lines; *ret_bad: the first that does not fit, or 0. */
static err_t
page_verify(struct tx *tx, struct chain *c, size_t *ret_n, int64_t *ret_bad)
{
	auto_arena struct arena *a = arena_new();
	struct audit *v;
	size_t n;

	TRY(row_all(tx, a, STMT_AUDIT_LIST, &audit_shape,
	    VALS(val_i64(c->seq), val_i64(LIMIT_PAGE)), &v, &n));
	for (size_t i = 0; i < n; i++) {
		int64_t seq = c->seq + 1;

		TRY(audit_hash(c, &v[i]));
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
store_audit_verify(struct tx *tx, int64_t *ret_bad)
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
	TRY(chain_head(tx, "audit", &head));
	if (head.seq == c.seq && str_eq(STR(head.hash), STR(c.hash)))
		*ret_bad = 0;
	else
		*ret_bad = c.seq + 1; /* lines are missing at the end, or there are too many */
	return OK;
}
