/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backend: a CA that speaks EST, with a client certificate, with name and password, or with Kerberos. The label of the address is the
 * template. A Chancery CA gets the order in a header beside it.
 *
 * EST has no revocation: such a job fails and says so; the certificate has to be revoked at the CA.
 */
#include "base/limits.h"
#include "base/text.h"
#include "connector/backend.h"
#include "net/est.h"

#define TIMEOUT_MS 30000

static struct est_server
server_of(const struct backend_session *s, const char *label)
{
	return (struct est_server){ .base = s->join->ca_url,
		.label = label,
		.user = s->join->ca_login == CA_LOGIN_PASSWORD ? s->join->ca_user : "",
		.password = s->join->ca_secret };
}

static err_t
submit(
    struct backend_session *s, struct arena *a, const struct submission *in, struct submitted *ret)
{
	const struct est_server server = server_of(s, in->template);
	const char *order = arena_printf(a, "Chancery-Order: %s", text_base64(a, in->order));
	struct est_reply rep;

	TRY(est_enroll(s->fetch, a, &server, order, in->csr, TIMEOUT_MS, &rep));
	*ret = (struct submitted){ .outcome = OUTCOME_ISSUED,
		.leaf = rep.leaf,
		.chain = rep.chain,
		.nchain = rep.nchain };
	if (rep.pending)
		*ret = (struct submitted){ .outcome = OUTCOME_PENDING,
			.request_id = "",
			.fault = err_info(ERR_CA_PENDING)->id,
			.detail = arena_printf(a, "at %s; it says to ask again in %lld s",
			    s->join->ca_url, (long long)rep.retry_s) };
	return OK;
}

static err_t
check(struct backend_session *s, struct arena *a, const char **ret)
{
	const struct est_server server = server_of(s, "");

	TRY(est_check(s->fetch, a, &server, TIMEOUT_MS));
	*ret = NULL;
	return OK;
}

static err_t
revoke(struct backend_session *s, struct arena *a, struct str order, int64_t *ret)
{
	(void)ret;
	return backend_no_revoke(s, a, order);
}

const struct backend backend_est = {
	.name = "est",
	.submit = submit,
	.check = check,
	.revoke = revoke,
};
