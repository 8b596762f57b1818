/* SPDX-License-Identifier: Apache-2.0 */
/* The journal: what the CA decided, in a chain. */
#include "store/ca.h"
#include "store/chain.h"

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

static const struct chain_table journal_table = { "journal", &line_shape, STMT_JOURNAL_ADD,
	STMT_JOURNAL_LIST };

err_t
store_journal_add(struct tx *tx, const char *actor, const char *event, const char *detail)
{
	struct line x = { .when = when_now_ms(), .actor = actor, .event = event, .detail = detail };

	return chain_add(tx, &journal_table, &x);
}

err_t
store_journal_verify(struct tx *tx, int64_t *ret_bad)
{
	return chain_verify(tx, &journal_table, ret_bad);
}
