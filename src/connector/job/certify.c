/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Job: a certificate for a key that a device made. The device's request goes to the CA with an order for that very key, and what
 * the CA says goes back to the device, which waits for it. Nothing is tried again here: the device asks again, and the CA,
 * which knows the order, gives the certificate that it gave before.
 */
#include "base/limits.h"
#include "connector/job.h"
#include "pki/cms.h"

/* What goes to the device: HTTP status, and the certificate (certs-only) or words. */
static err_t
answer(struct arena *a, const struct submitted *s, json *result)
{
	bool issued = s->outcome == OUTCOME_ISSUED;
	struct str body;

	if (issued)
		TRY(cms_certs(a, &s->leaf, 1, &body));
	else
		body = str_c(arena_printf(a, "%s (%s)\n", s->detail, s->fault));
	json_set_text(result, "outcome", outcome_name(OUTCOME_RELAYED));
	json_set_int(result, "status",
	    issued                             ? 200 :
		s->outcome == OUTCOME_PENDING  ? 202 :
		s->outcome == OUTCOME_REJECTED ? 403 :
						 503);
	json_set_text(result, "type", issued ? "application/pkcs7-mime" : "text/plain");
	json_set_base64(a, result, "body", body);
	return OK;
}

static err_t
run(const struct job_env *env, struct arena *a, const json *job, json *result)
{
	struct submission in;
	struct submitted out;
	struct err_report rep;
	err_t e;

	TRY(json_need_text(job, "ca", LIMIT_TEXT, &in.ca));
	TRY(json_need_text(job, "template", LIMIT_TEXT, &in.template));
	TRY(json_need_base64(a, job, "order", 2 * LIMIT_ORDER_BYTES, &in.order));
	TRY(json_need_base64(a, job, "csr", LIMIT_CSR_BYTES, &in.csr));
	/* Where an order cannot be left it is not known either, and a request that comes again would be another certificate. */
	if (env->backend->deposit == NULL)
		FAIL(ERR_UNSUPPORTED, "keys of devices at a CA behind the backend %s",
		    env->backend->name);
	e = env->backend->submit(env->ca, a, &in, &out);
	if (err_ok(e))
		return answer(a, &out, result);
	if (outcome_of(e) != OUTCOME_REJECTED)
		return e;
	err_take(e, &rep);
	out = (struct submitted){ .outcome = OUTCOME_REJECTED,
		.fault = err_info(rep.code)->id,
		.detail = arena_strdup(a, rep.detail) };
	return answer(a, &out, result);
}

const struct job_kind job_kind_certify = {
	.kind = "certify",
	.feature = "relay",
	.run = run,
};
