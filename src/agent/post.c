/* SPDX-License-Identifier: Apache-2.0 */
/* One exchange of JSON with the service, and what a refusal means. */
#include "agent/agent.h"
#include "base/limits.h"
#include "base/text.h"

/* {"error":{"id","detail"}}: the service's fault becomes ours. */
static err_t
refused(struct arena *a, const char *url, const struct fetch_reply *rep)
{
	auto_json json *answer = NULL;
	const struct err_info *info = NULL;
	const json *error = NULL;
	err_t e = json_parse(rep->body, LIMIT_HTTP_REPLY, &answer);

	if (err_ok(e)) {
		error = json_get(answer, "error");
		info = err_info_by_id(json_text(json_get(error, "id")));
	}
	err_forget(e);
	if (info != NULL && info->code != ERR_NONE)
		FAIL(info->code, "%s says: %s", url,
		    text_safe(a, str_c(json_text(json_get(error, "detail")))));
	FAIL(ERR_HTTP_STATUS, "%s answered %d: %s", url, rep->status, text_safe(a, rep->body));
}

err_t
agent_post(const struct agent *g, struct fetch *f, struct arena *a, const char *path,
    const json *msg, int64_t timeout_ms, json **ret)
{
	static const char *const headers[] = { "Content-Type: application/json", NULL };
	const char *url = arena_printf(a, "%s%s", g->conf->url, path);
	struct fetch_reply rep;
	struct str text;

	TRY(json_print(a, msg, &text));
	TRY(fetch_run(f, a, "POST", url, headers, text, timeout_ms, &rep));
	if (rep.status != 200)
		return refused(a, url, &rep);
	return json_parse(rep.body, LIMIT_HTTP_REPLY, ret);
}
