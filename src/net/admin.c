/* SPDX-License-Identifier: Apache-2.0 */
#include "net/admin.h"

#include "base/limits.h"
#include "codec/admin_ipc.h"

err_t
admin_dispatch(
    const struct admin_verb *verbs, void *ctx, struct arena *a, struct str in, struct buf *out)
{
	auto_json json *args = NULL;
	auto_json json *answer = json_object_new();
	struct admin_req req;
	struct str text;

	TRY(admin_req_parse(a, in, &req));
	TRY(json_parse(str_c(req.arguments), LIMIT_IPC_MESSAGE, &args));
	for (const struct admin_verb *v = verbs; v->name != NULL; v++) {
		if (!str_eq_c(str_c(req.verb), v->name))
			continue;
		TRY(v->run(ctx, a, args, answer));
		TRY(json_print(a, answer, &text));
		return admin_rep_encode(&(struct admin_rep){ arena_cstr(a, text) }, out);
	}
	FAIL(ERR_USAGE, "no verb %s", req.verb);
}

err_t
admin_call(struct ipc_client *c, struct arena *a, const char *verb, const json *args, json **ret)
{
	struct admin_req req = { .verb = verb };
	struct admin_rep rep;
	auto_buf struct buf in = { 0 };
	struct str text, out;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(json_print(a, args, &text));
	req.arguments = arena_cstr(a, text);
	TRY(admin_req_encode(&req, &in));
	TRY(ipc_call(c, a, ADMIN, false, buf_str(&in), &out));
	TRY(admin_rep_parse(a, out, &rep));
	return json_parse(str_c(rep.answer), LIMIT_IPC_MESSAGE, ret);
}
