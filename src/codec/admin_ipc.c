/* SPDX-License-Identifier: Apache-2.0 */
/* The administrator's message: see admin_ipc.h. */
#include "codec/admin_ipc.h"

#include "base/rd.h"

enum { VERB_MAX = 64, JSON_MAX = LIMIT_IPC_MESSAGE - 256 };

static err_t
verb_check(const char *verb)
{
	size_t n = strspn(verb, "abcdefghijklmnopqrstuvwxyz0123456789.-_");

	if (n == 0 || n > VERB_MAX || verb[n] != '\0')
		FAIL(ERR_MALFORMED, "a verb has 1 to %d of a-z 0-9 . - _", VERB_MAX);
	return OK;
}

err_t
admin_req_encode(const struct admin_req *q, struct buf *out)
{
	TRY(verb_check(q->verb));
	TRY(wr_text(out, q->verb));
	return wr_text(out, q->arguments);
}

err_t
admin_req_parse(struct arena *a, struct str in, struct admin_req *ret)
{
	struct admin_req q;

	TRY(rd_text(a, &in, VERB_MAX, &q.verb));
	TRY(rd_text(a, &in, JSON_MAX, &q.arguments));
	TRY(rd_end(&in));
	TRY(verb_check(q.verb));
	*ret = q;
	return OK;
}

err_t
admin_rep_encode(const struct admin_rep *q, struct buf *out)
{
	return wr_text(out, q->answer);
}

err_t
admin_rep_parse(struct arena *a, struct str in, struct admin_rep *ret)
{
	struct admin_rep q;

	TRY(rd_text(a, &in, JSON_MAX, &q.answer));
	TRY(rd_end(&in));
	*ret = q;
	return OK;
}
