/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Job: a SCEP message of a device is carried to its CA, and the answer back. The device waits for it: the service gives
 * these before all others, and nothing is tried again here.
 */
#include "base/limits.h"
#include "base/text.h"
#include "connector/job.h"

static const char *const operations[] = { "GetCACaps", "GetCACert", "GetNextCACert",
	"PKIOperation" };

/* It becomes a part of an address. */
static err_t
check_operation(const char *name)
{
	for (size_t i = 0; i < COUNT(operations); i++)
		if (str_eq_c(str_c(name), operations[i]))
			return OK;
	FAIL(ERR_UNSUPPORTED, "operation %.32s", name);
}

static err_t
run(const struct job_env *env, struct arena *a, const json *job, json *result)
{
	const char *ca, *operation;
	struct fetch_reply rep;
	struct str message;

	TRY(json_need_text(job, "ca", LIMIT_TEXT, &ca));
	TRY(json_need_text(job, "operation", 32, &operation));
	TRY(check_operation(operation));
	TRY(json_want_base64(a, job, "message", LIMIT_SCEP_BYTES, &message));
	if (env->backend->relay == NULL)
		FAIL(ERR_UNSUPPORTED, "SCEP to a CA behind the backend %s", env->backend->name);
	TRY(env->backend->relay(env->ca, a, ca, operation, message, &rep));
	if (rep.body.n > LIMIT_IPC_MESSAGE)
		FAIL(ERR_TOO_LARGE, "the answer has %zu bytes", rep.body.n);
	json_set_text(result, "outcome", outcome_name(OUTCOME_RELAYED));
	json_set_int(result, "status", rep.status);
	json_set_text(result, "type", rep.content_type);
	json_set_base64(a, result, "body", rep.body);
	return OK;
}

const struct job_kind job_kind_message = {
	.kind = "message",
	.feature = "relay",
	.run = run,
};
