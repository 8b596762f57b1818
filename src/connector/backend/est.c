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

/* All that can be asked is asked before: once the certificate exists nothing may fail that need not. */
static err_t
enroll_once(struct backend_session *s, struct arena *a, const struct est_server *server,
    const char *order, struct str csr, struct est_reply *ret)
{
	struct str *known = NULL;
	size_t n = 0;
	err_t e = est_cacerts(s->fetch, a, server, TIMEOUT_MS, &known, &n);

	/* A server that has no such list may send the issuer along; who is away or does not know us is not asked for more. */
	if (!err_is(e, ERR_HTTP_STATUS) && !err_is(e, ERR_CA_DENIED) && !err_is(e, ERR_MALFORMED))
		TRY(e);
	err_forget(e);
	return est_enroll_knowing(s->fetch, a, server, order, csr, known, n, TIMEOUT_MS, ret);
}

static err_t
submit(
    struct backend_session *s, struct arena *a, const struct submission *in, struct submitted *ret)
{
	const struct est_server server = server_of(s, in->template);
	const char *order = arena_printf(a, "Chancery-Order: %s", text_base64(a, in->order));
	struct est_reply rep;
	bool repeatable, waits;

	TRY(backend_knows_orders(s, a, &repeatable));
	if (repeatable)
		TRY(est_enroll(s->fetch, a, &server, order, in->csr, TIMEOUT_MS, &rep));
	else
		TRY(enroll_once(s, a, &server, order, in->csr, &rep));
	*ret = (struct submitted){ .outcome = OUTCOME_ISSUED,
		.leaf = rep.leaf,
		.chain = rep.chain,
		.nchain = rep.nchain };
	/* Where the key is not kept nobody could take up what is approved. */
	waits = repeatable || in->key_kept;
	if (rep.pending)
		*ret = (struct submitted){ .outcome = waits ? OUTCOME_PENDING : OUTCOME_REJECTED,
			.request_id = "",
			.fault = err_info(waits ? ERR_CA_PENDING : ERR_CA_APPROVAL)->id,
			.detail = arena_printf(a, "at %s: %s; it says to ask again in %lld s",
			    s->join->ca_url, rep.said, (long long)rep.retry_s) };
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
	.repeatable = backend_knows_orders,
	.check = check,
	.revoke = revoke,
};
