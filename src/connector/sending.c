/* SPDX-License-Identifier: Apache-2.0 */
/*
 * To a CA that would issue anew if it were asked again: the service has it on disk that this is going to happen before the request
 * leaves, and what nobody can know afterwards is ca-outcome-unknown, never a reason to send again.
 */
#include "base/text.h"
#include "base/when.h"
#include "connector/job.h"

enum { ANNOUNCE_MS = 30000 };

/* The service writes down that it is going to be sent. Whatever it answers but yes: it is not sent. */
static err_t
announce(const struct job_env *env, struct arena *a, const json *job)
{
	static const char *const headers[] = { "Content-Type: application/json", NULL };
	const char *url = arena_printf(a, "%s/connector/v1/sending", env->join->service_url);
	auto_json json *msg = json_object_new();
	struct fetch_reply rep;
	struct str text;

	json_set_text(msg, "request", json_text(json_get(job, "request")));
	json_set_int(msg, "fence", json_int(json_get(job, "fence")));
	TRY(json_print(a, msg, &text));
	TRY(fetch_run(env->service, a, "POST", url, headers, text, ANNOUNCE_MS, &rep));
	if (rep.status == 409)
		FAIL(ERR_FENCE, "the job went elsewhere before it was sent to the CA");
	if (rep.status != 200)
		FAIL(ERR_UNREACHABLE, "%s answered %d", url, rep.status);
	return OK;
}

err_t
job_submit_once(const struct job_env *env, struct arena *a, const json *job,
    const struct submission *in, struct submitted *ret)
{
	struct err_report rep;
	err_t e;

	TRY(announce(env, a, job));
	e = env->backend->submit(env->ca, a, in, ret);
	if (err_ok(e) || !fetch_taken(env->ca->fetch))
		return e;
	err_take(e, &rep);
	FAIL(ERR_CA_OUTCOME, "sent to \"%s\", template %s, at %s: %s", in->ca, in->template,
	    when_text_ms(a, when_now_ms()), rep.detail);
}
