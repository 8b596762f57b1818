/* SPDX-License-Identifier: Apache-2.0 */
#include "net/xcep.h"

#include "base/limits.h"
#include "base/text.h"
#include "codec/wstep_msg.h"

err_t
xcep_ask(
    struct fetch *f, struct arena *a, const char *base, int64_t timeout_ms, struct xcep_answer *ret)
{
	static const char *const headers[] = { "Content-Type: " WSTEP_CONTENT_TYPE,
		"Accept: application/soap+xml", NULL };
	const char *url =
	    arena_printf(a, "%s/ADPolicyProvider_CEP_Certificate/service.svc/CEP", base);
	const char *id = arena_printf(a, "urn:uuid:%s", id_text(a, id_new()));
	auto_buf struct buf body;
	struct fetch_reply reply;

	buf_init(&body, LIMIT_XML_BYTES);
	TRY(xcep_ask_print(a, id, url, &body));
	TRY(fetch_run(f, a, "POST", url, headers, buf_str(&body), timeout_ms, &reply));
	if (reply.status == 401 || reply.status == 403)
		FAIL(ERR_CA_DENIED, "the CA's policy service answers with status %d", reply.status);
	if (reply.status != 200)
		FAIL(ERR_HTTP_STATUS, "the CA's policy service answers with status %d",
		    reply.status);
	TRY_CTX(xcep_answer_parse(a, reply.body, ret), "%s", url);
	return OK;
}
