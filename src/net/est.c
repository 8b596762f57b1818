/* SPDX-License-Identifier: Apache-2.0 */
#include "net/est.h"

#include "base/limits.h"
#include "base/text.h"
#include "codec/est_msg.h"
#include "net/issued.h"
#include "net/url.h"
#include "pki/cms.h"

enum { HEADERS = 6, REFUSAL_SHOWN = 300, RETRY_MAX = 86400 };

/* <base>/.well-known/est[/<label>]/<operation>. RFC 7030 3.2.2 */
static char *
address(struct arena *a, const struct est_server *s, const char *operation)
{
	if (s->label[0] == '\0')
		return arena_printf(a, "%s/.well-known/est/%s", s->base, operation);
	return arena_printf(
	    a, "%s/.well-known/est/%s/%s", s->base, url_segment(a, s->label), operation);
}

static err_t
exchange(struct fetch *f, struct arena *a, const struct est_server *s, const char *method,
    const char *operation, const char *header, struct str body, int64_t timeout_ms,
    struct fetch_reply *ret)
{
	const char *headers[HEADERS] = { 0 };
	size_t n = 0;

	if (body.n > 0) {
		headers[n++] = "Content-Type: application/pkcs10";
		headers[n++] = "Content-Transfer-Encoding: base64";
	}
	if (s->user[0] != '\0')
		headers[n++] = arena_printf(a, "Authorization: Basic %s",
		    text_base64(a, str_c(arena_printf(a, "%s:%s", s->user, s->password))));
	if (header != NULL)
		headers[n++] = header;
	TRY(fetch_run(f, a, method, address(a, s, operation), headers, body, timeout_ms, ret));
	if (ret->status == 401)
		FAIL(ERR_CA_ACCESS, "the EST server answers with status 401");
	if (ret->status == 408 || ret->status == 429 || ret->status >= 500)
		FAIL(ERR_UNREACHABLE, "the EST server answers with status %d", ret->status);
	if (ret->status >= 400)
		FAIL(ERR_CA_DENIED, "status %d: %.*s", ret->status, REFUSAL_SHOWN,
		    text_safe(a, str_trim(ret->body)));
	return OK;
}

static err_t
certificates(struct arena *a, const struct fetch_reply *reply, struct str **ret, size_t *retn)
{
	struct str der;

	if (!est_media_type(reply->content_type, "application/pkcs7-mime"))
		FAIL(ERR_MALFORMED, "the EST server's answer is %s",
		    text_safe(a, str_c(reply->content_type)));
	TRY(est_body_parse(a, reply->body, LIMIT_CMS_BYTES, &der));
	return cms_certs_parse(a, der, ret, retn);
}

err_t
est_cacerts(struct fetch *f, struct arena *a, const struct est_server *s, int64_t timeout_ms,
    struct str **ret, size_t *retn)
{
	struct fetch_reply reply;

	TRY(exchange(f, a, s, "GET", "cacerts", NULL, STR_EMPTY, timeout_ms, &reply));
	if (reply.status != 200)
		FAIL(ERR_HTTP_STATUS, "cacerts: status %d", reply.status);
	TRY_CTX(certificates(a, &reply, ret, retn), "cacerts");
	return OK;
}

err_t
est_check(struct fetch *f, struct arena *a, const struct est_server *s, int64_t timeout_ms)
{
	struct fetch_reply reply;
	err_t e = exchange(f, a, s, "GET", "csrattrs", NULL, STR_EMPTY, timeout_ms, &reply);

	/* RFC 7030 4.5.2: 204 and 404 mean that there is nothing to say. */
	if (err_is(e, ERR_CA_DENIED) && reply.status == 404) {
		err_forget(e);
		return OK;
	}
	return e;
}

static err_t
pending(struct arena *a, const struct fetch_reply *reply, struct est_reply *ret)
{
	struct str words = str_trim(reply->body);
	err_t e;

	words.n = words.n < REFUSAL_SHOWN ? words.n : REFUSAL_SHOWN;
	*ret = (struct est_reply){ .pending = true, .said = text_safe(a, words) };
	e = text_i64(str_c(reply->retry_after), 0, RETRY_MAX, &ret->retry_s);
	err_forget(e); /* it may be a date, too; then we ask when it suits us */
	return OK;
}

err_t
est_enroll(struct fetch *f, struct arena *a, const struct est_server *s, const char *header,
    struct str csr, int64_t timeout_ms, struct est_reply *ret)
{
	struct est_reply issued = { 0 };
	struct str *certs;
	size_t n;

	TRY(est_enroll_knowing(f, a, s, header, csr, NULL, 0, timeout_ms, &issued));
	if (!issued.pending && issued.nchain == 0) {
		TRY(est_cacerts(f, a, s, timeout_ms, &certs, &n));
		TRY(issued_chain(a, issued.leaf, certs, n, &issued.chain, &issued.nchain));
	}
	*ret = issued;
	return OK;
}

err_t
est_enroll_knowing(struct fetch *f, struct arena *a, const struct est_server *s, const char *header,
    struct str csr, const struct str *known, size_t nknown, int64_t timeout_ms,
    struct est_reply *ret)
{
	struct str body = str_c(est_body_print(a, csr, false));
	struct est_reply issued = { 0 };
	struct fetch_reply reply;
	struct str *certs;
	size_t n;

	fetch_once(f);
	TRY(exchange(f, a, s, "POST", "simpleenroll", header, body, timeout_ms, &reply));
	if (reply.status == 202)
		return pending(a, &reply, ret);
	if (reply.status != 200)
		FAIL(ERR_HTTP_STATUS, "simpleenroll: status %d", reply.status);
	TRY_CTX(certificates(a, &reply, &certs, &n), "simpleenroll");
	TRY(issued_leaf(a, csr, certs, n, &issued.leaf));
	TRY(issued_chain(a, issued.leaf, certs, n, &issued.chain, &issued.nchain));
	if (issued.nchain == 0 && nknown > 0)
		TRY(issued_chain(a, issued.leaf, known, nknown, &issued.chain, &issued.nchain));
	*ret = issued;
	return OK;
}
