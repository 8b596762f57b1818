/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Job: a certificate for a key that a device made. The device's request goes to the CA with an order for that very key, and what
 * the CA says goes back to the device, which waits for it. Nothing is tried again here: the device asks again. A CA that knows
 * the order gives the certificate that it gave before; to another one the request goes once (sending.c), and the service keeps
 * the answer. That it asks for what was ordered the service has looked at before.
 */
#include "base/limits.h"
#include "connector/job.h"
#include "pki/cms.h"

/* The certificate and what is above it, as certs-only. */
static err_t
pack(struct arena *a, const struct submitted *s, struct str *ret)
{
	struct str *v = arena_array(a, s->nchain + 1, sizeof(*v));

	v[0] = s->leaf;
	for (size_t i = 0; i < s->nchain; i++)
		v[i + 1] = s->chain[i];
	return cms_certs(a, v, s->nchain + 1, ret);
}

static int
status_of(const struct submitted *s)
{
	if (s->outcome == OUTCOME_ISSUED)
		return 200;
	if (s->outcome == OUTCOME_PENDING)
		return 202;
	if (s->outcome != OUTCOME_REJECTED)
		return 503;
	return str_eq_c(str_c(s->fault), err_info(ERR_CA_OUTCOME)->id) ? 502 : 403;
}

/* What goes to the device: HTTP status, and the certificate or words. And what the service is to know of it. */
static err_t
answer(struct arena *a, const struct submitted *s, json *result)
{
	bool issued = s->outcome == OUTCOME_ISSUED;
	struct str body;

	if (issued)
		TRY(pack(a, s, &body));
	else
		body = str_c(arena_printf(a, "%s (%s)\n", s->detail, s->fault));
	json_set_text(result, "outcome", outcome_name(OUTCOME_RELAYED));
	json_set_int(result, "status", status_of(s));
	json_set_text(result, "type", issued ? "application/pkcs7-mime" : "text/plain");
	json_set_base64(a, result, "body", body);
	json_set_text(result, "fault", issued ? "" : s->fault);
	json_set_text(result, "detail", issued ? "" : s->detail);
	json_set_text(result, "ca_request",
	    s->outcome == OUTCOME_PENDING && s->request_id != NULL ? s->request_id : "");
	return OK;
}

/* What waits there under a name is asked for by it; a CA that knows orders finds it by the order. */
static err_t
ask(const struct job_env *env, struct arena *a, const json *job, const struct submission *in,
    struct submitted *ret)
{
	const char *waits;
	bool repeatable;

	TRY(json_want_text(job, "ca_request", LIMIT_TEXT, &waits));
	TRY(env->backend->repeatable(env->ca, a, &repeatable));
	if (repeatable)
		return env->backend->submit(env->ca, a, in, ret);
	if (waits != NULL && waits[0] != '\0' && env->backend->trace != NULL)
		return env->backend->trace(env->ca, a, in->ca, waits, ret);
	return job_submit_once(env, a, job, in, ret);
}

static err_t
run(const struct job_env *env, struct arena *a, const json *job, json *result)
{
	struct submission in = { .key_kept = true };
	struct submitted out = { 0 };
	struct err_report rep;
	err_t e;

	TRY(json_need_text(job, "ca", LIMIT_TEXT, &in.ca));
	TRY(json_need_text(job, "template", LIMIT_TEXT, &in.template));
	TRY(json_need_base64(a, job, "order", 2 * LIMIT_ORDER_BYTES, &in.order));
	TRY(json_need_base64(a, job, "csr", LIMIT_CSR_BYTES, &in.csr));
	e = ask(env, a, job, &in, &out);
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
