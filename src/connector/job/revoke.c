/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Job: certificates that are no longer due are revoked at their CA. The sealed order says which; repeating it is harmless.
 *
 * Of what was left waiting at a CA that knows no orders the CA's own number is known: what became of it is asked first. Refused
 * there, nothing is left to revoke; issued, the service hears its serial number.
 */
#include "base/limits.h"
#include "base/text.h"
#include "connector/job.h"
#include "pki/cert.h"

static void
revoked(json *result, int64_t count)
{
	json_set_text(result, "outcome", outcome_name(OUTCOME_REVOKED));
	json_set_int(result, "count", count);
}

static void
refused(json *result, const char *fault, const char *detail)
{
	json_set_text(result, "outcome", outcome_name(OUTCOME_REJECTED));
	json_set_text(result, "fault", fault);
	json_set_text(result, "detail", detail);
}

/* What stands at the CA under that number, and that it must be revoked there. */
static err_t
found(const struct job_env *env, struct arena *a, const char *number, struct str leaf, json *result)
{
	auto_cert struct cert *c = NULL;

	TRY(cert_parse(leaf, &c));
	refused(result, err_info(ERR_CA_NO_REVOKE)->id,
	    arena_printf(a, "%s issued serial %s for its request %s", env->join->ca_url,
		cert_serial(c), number));
	json_set_base64(a, result, "certificate", leaf);
	return OK;
}

static err_t
traced(const struct job_env *env, struct arena *a, const char *ca, const char *number, json *result)
{
	struct submitted s;

	TRY(env->backend->trace(env->ca, a, ca, number, &s));
	if (s.outcome == OUTCOME_ISSUED)
		return found(env, a, number, s.leaf, result);
	if (s.outcome == OUTCOME_PENDING)
		FAIL(ERR_CA_APPROVAL, "request %s still waits at %s", number, env->join->ca_url);
	if (strcmp(s.fault, err_info(ERR_REQUEST_DENIED)->id) == 0)
		revoked(result, 0);
	else
		refused(result, s.fault, s.detail);
	return OK;
}

static err_t
run(const struct job_env *env, struct arena *a, const json *job, json *result)
{
	const char *ca, *number, *serial;
	struct err_report rep;
	struct str order;
	int64_t count;
	err_t e;

	TRY(json_need_text(job, "ca", LIMIT_TEXT, &ca));
	TRY(json_need_base64(a, job, "order", 2 * LIMIT_ORDER_BYTES, &order));
	TRY(json_want_text(job, "ca_request", LIMIT_TEXT, &number));
	TRY(json_want_text(job, "serial", LIMIT_TEXT, &serial));
	if (number != NULL && number[0] != '\0' && env->backend->trace != NULL)
		return traced(env, a, ca, number, result);
	e = env->backend->revoke(env->ca, a, order, &count);
	if (!err_ok(e) && !err_is(e, ERR_CA_NO_REVOKE))
		return e;
	err_take(e, &rep);
	if (rep.code == ERR_NONE)
		revoked(result, count);
	else
		refused(result, err_info(rep.code)->id,
		    serial == NULL || serial[0] == '\0' ?
			arena_printf(a, "%s; its serial number is not known", rep.detail) :
			arena_printf(a, "%s, serial %s", rep.detail, serial));
	return OK;
}

const struct job_kind job_kind_revoke = {
	.kind = "revoke",
	.feature = "revoke",
	.run = run,
};
