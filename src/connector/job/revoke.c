/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Job: certificates that are no longer due are revoked at their CA. The sealed order says which; repeating it is harmless.
 */
#include "base/limits.h"
#include "connector/job.h"

static err_t
run(const struct job_env *env, struct arena *a, const json *job, json *result)
{
	struct str order;
	int64_t count;

	TRY(json_need_base64(a, job, "order", 2 * LIMIT_ORDER_BYTES, &order));
	TRY(env->backend->revoke(env->ca, a, order, &count));
	json_set_text(result, "outcome", outcome_name(OUTCOME_REVOKED));
	json_set_int(result, "count", count);
	return OK;
}

const struct job_kind job_kind_revoke = {
	.kind = "revoke",
	.feature = "revoke",
	.run = run,
};
