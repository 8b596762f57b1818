/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Job: the order behind a SCEP challenge is left at its CA. What passes here is the hash of the challenge; the challenge
 * itself goes from the service to the device, and from there to the CA.
 */
#include "base/limits.h"
#include "connector/job.h"

static err_t
run(const struct job_env *env, struct arena *a, const json *job, json *result)
{
	struct str order;
	const char *sha256;

	TRY(json_need_base64(a, job, "order", 2 * LIMIT_ORDER_BYTES, &order));
	TRY(json_need_text(job, "challenge", 64, &sha256));
	if (env->backend->deposit == NULL)
		FAIL(ERR_UNSUPPORTED, "challenges at a CA behind the backend %s",
		    env->backend->name);
	TRY(env->backend->deposit(env->ca, a, order, sha256));
	json_set_text(result, "outcome", outcome_name(OUTCOME_DEPOSITED));
	return OK;
}

const struct job_kind job_kind_challenge = {
	.kind = "challenge",
	.feature = "scep",
	.run = run,
};
