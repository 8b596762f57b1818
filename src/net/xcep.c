/* SPDX-License-Identifier: Apache-2.0 */
#include "net/xcep.h"

#include "base/limits.h"
#include "base/text.h"
#include "codec/wstep_msg.h"

/* A fault comes with 500, and its number says whether it is about who asks: E_ACCESSDENIED, ERROR_LOGON_FAILURE. */
static err_t
refused(struct arena *a, struct str body)
{
	struct wstep_response response;
	struct wstep_fault fault;
	bool is_fault = false;
	err_t e = wstep_answer_parse(a, body, &is_fault, &response, &fault);

	if (!err_ok(e) || !is_fault) {
		err_forget(e);
		FAIL(ERR_HTTP_STATUS, "the CA's policy service answers with status 500");
	}
	FAIL(fault.hresult == 0x80070005 || fault.hresult == 0x8007052E ? ERR_CA_ACCESS :
									  ERR_CA_DENIED,
	    "the CA's policy service: %s (0x%08X)", text_safe(a, str_c(fault.reason)),
	    (unsigned)fault.hresult);
}

err_t
xcep_ask(struct fetch *f, struct arena *a, const char *base, enum wstep_way way,
    const struct soap_user *user, int64_t timeout_ms, struct xcep_answer *ret)
{
	static const char *const headers[] = { "Content-Type: " WSTEP_CONTENT_TYPE,
		"Accept: application/soap+xml", NULL };
	const char *url = arena_printf(
	    a, "%s/ADPolicyProvider_CEP_%s/service.svc/CEP", base, wstep_way_name(way));
	const char *id = arena_printf(a, "urn:uuid:%s", id_text(a, id_new()));
	auto_buf struct buf body;
	struct fetch_reply reply;

	buf_init(&body, LIMIT_XML_BYTES);
	TRY(xcep_ask_print(a, id, url, user, &body));
	TRY(fetch_run(f, a, "POST", url, headers, buf_str(&body), timeout_ms, &reply));
	if (reply.status == 500)
		return refused(a, reply.body);
	if (reply.status == 401)
		FAIL(ERR_CA_ACCESS, "the CA's policy service answers with status 401");
	if (reply.status == 403)
		FAIL(ERR_CA_DENIED, "the CA's policy service answers with status %d", reply.status);
	if (reply.status != 200)
		FAIL(ERR_HTTP_STATUS, "the CA's policy service answers with status %d",
		    reply.status);
	TRY_CTX(xcep_answer_parse(a, reply.body, ret), "%s", url);
	return OK;
}
