/* SPDX-License-Identifier: Apache-2.0 */
/* Client of MS-WSTEP. See wstep.h. */
#include "net/wstep.h"

#include "base/limits.h"
#include "base/text.h"
#include "codec/wstep_msg.h"
#include "net/issued.h"
#include "pki/cms.h"

static void
read_fault(const struct wstep_fault *f, struct wstep_reply *ret)
{
	*ret = (struct wstep_reply){
		.outcome = WSTEP_DENIED,
		.request_id = f->request_id,
		.message = f->reason,
		.hresult = f->hresult,
		.retry_elsewhere = !f->invalid_request,
	};
}

static err_t
read_response(struct arena *a, const struct wstep_response *r, struct wstep_reply *ret)
{
	struct wstep_reply reply = { .request_id = r->request_id, .message = r->disposition };
	struct str *certs = NULL;
	size_t n = 0;

	if (r->leaf.n == 0) {
		if (r->request_id[0] == '\0')
			FAIL(ERR_MALFORMED,
			    "the CA's answer has neither a certificate nor a request number");
		reply.outcome = WSTEP_PENDING;
		*ret = reply;
		return OK;
	}
	reply.outcome = WSTEP_ISSUED;
	reply.leaf = r->leaf;
	if (r->pkcs7.n > 0)
		TRY_CTX(
		    cms_certs_parse(a, r->pkcs7, &certs, &n), "certificates of the CA's answer");
	TRY(issued_chain(a, r->leaf, certs, n, &reply.chain, &reply.nchain));
	*ret = reply;
	return OK;
}

/* MS-WSTEP 3.1.4: an answer comes with 200, a fault with 500; what else has no SOAP to read. */
static err_t
exchange(struct fetch *f, struct arena *a, const struct wstep_server *s, struct wstep_request *req,
    int64_t timeout_ms, struct wstep_reply *ret)
{
	static const char *const headers[] = { "Content-Type: " WSTEP_CONTENT_TYPE,
		"Accept: application/soap+xml", NULL };
	auto_buf struct buf body;
	struct wstep_response response;
	struct wstep_fault fault;
	struct fetch_reply reply;
	bool is_fault = false;

	buf_init(&body, LIMIT_XML_BYTES);
	req->message_id = arena_printf(a, "urn:uuid:%s", id_text(a, id_new()));
	req->to = s->url;
	req->user = (struct soap_user){ .name = s->user, .password = s->password };
	TRY(wstep_request_print(a, req, &body));
	TRY(fetch_run(f, a, "POST", s->url, headers, buf_str(&body), timeout_ms, &reply));
	if (reply.status == 401)
		FAIL(ERR_CA_ACCESS, "the CA's enrolment service answers with status 401");
	if (reply.status == 408 || reply.status == 429 || reply.status > 500)
		FAIL(ERR_UNREACHABLE, "the CA's enrolment service answers with status %d",
		    reply.status);
	if (reply.status >= 400 && reply.status < 500)
		FAIL(ERR_CA_DENIED, "the CA's enrolment service answers with status %d",
		    reply.status);
	if (reply.status != 200 && reply.status != 500)
		FAIL(ERR_HTTP_STATUS, "the CA's enrolment service answers with status %d",
		    reply.status);
	TRY_CTX(wstep_answer_parse(a, reply.body, &is_fault, &response, &fault),
	    "answer of the CA, status %d", reply.status);
	if (!is_fault)
		return read_response(a, &response, ret);
	read_fault(&fault, ret);
	return OK;
}

err_t
wstep_submit(struct fetch *f, struct arena *a, const struct wstep_server *s, struct str csr,
    const struct wstep_attr *attrs, size_t nattrs, int64_t timeout_ms, struct wstep_reply *ret)
{
	struct wstep_request req = {
		.type = WSTEP_ISSUE, .token = csr, .request_id = "", .nitems = nattrs
	};

	req.items = arena_array(a, nattrs + 1, sizeof(*req.items));
	for (size_t i = 0; i < nattrs; i++)
		req.items[i] =
		    (struct wstep_item){ .name = attrs[i].name, .value = attrs[i].value };
	return exchange(f, a, s, &req, timeout_ms, ret);
}

err_t
wstep_query(struct fetch *f, struct arena *a, const struct wstep_server *s, const char *request_id,
    int64_t timeout_ms, struct wstep_reply *ret)
{
	struct wstep_request req = { .type = WSTEP_QUERY, .request_id = request_id };

	return exchange(f, a, s, &req, timeout_ms, ret);
}
