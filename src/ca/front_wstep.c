/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MS-WSTEP 3.1.4.1: issue, renewal and status, for callers with a client certificate or with name and password.
 */
#include "ca/front_int.h"

#include "base/text.h"
#include "codec/wstep_msg.h"
#include "pki/cms.h"

#define KIND "_CES"

bool
front_is_soap(const struct http_req *r)
{
	return http_param(r, "service") != NULL;
}

/* What the fault of a request refers to; "" if the request cannot be read at all. */
static const char *
message_id(struct http_req *r)
{
	const char *id = "";
	err_t e = soap_message_id(http_arena(r), http_body(r), &id);

	err_forget(e);
	return id;
}

/* MS-WSTEP 3.1.4.1.3.4: a fault is always HTTP 500. */
static void
reply_fault(struct http_req *r, const struct wstep_fault *fault)
{
	auto_buf struct buf out = { 0 };
	err_t e;

	buf_init(&out, LIMIT_XML_BYTES);
	e = wstep_fault_print(http_arena(r), fault, &out);
	if (!err_ok(e)) {
		err_forget(e);
		buf_reset(&out);
	}
	err_forget(http_reply(r, 500, WSTEP_CONTENT_TYPE, buf_str(&out)));
}

void
front_wstep_fault(struct http_req *r, const struct err_report *rep)
{
	const struct err_info *info = err_info(rep->code);
	struct arena *a = http_arena(r);
	struct wstep_fault fault = {
		.relates_to = message_id(r),
		.reason = arena_printf(a, "%s%s%s  0x%08x (%s)", info->text,
		    rep->detail[0] != '\0' ? ": " : "", text_safe(a, str_c(rep->detail)),
		    info->hresult, info->id),
		.hresult = info->hresult != 0 ? info->hresult : 0x8000FFFF,
		/* Ours to mend: the same request may be sent again, here or elsewhere. */
		.invalid_request = info->http < 500,
		.request_id = "",
	};

	reply_fault(r, &fault);
}

static err_t
ask_submit(
    struct http_req *r, const struct wstep_request *w, const char *ca, struct ca_submit_rep *ret)
{
	struct arena *a = http_arena(r);
	struct ca_attribute *attrs;
	struct ca_submit_req q = { .ca = ca, .token = w->token };
	auto_buf struct buf in = { 0 };
	struct front_caller c;
	struct str answer;
	bool ordered = false;

	TRY(front_soap_caller(r, KIND, &w->user, &c));
	q.caller = c.certificate;
	q.user = c.user;
	q.password = c.password;
	if (w->nitems > LIMIT_CA_ATTRIBUTES)
		FAIL(ERR_TOO_LARGE, "more than %u context items", LIMIT_CA_ATTRIBUTES);
	attrs = arena_array(a, w->nitems + 1, sizeof(*attrs));
	for (size_t i = 0; i < w->nitems; i++) {
		attrs[i] = (struct ca_attribute){ w->items[i].name, w->items[i].value };
		/* Asked twice, an order gives the same certificate. Without one it would be a second certificate. */
		ordered = ordered || str_ieq_c(str_c(w->items[i].name), "ChanceryOrder");
	}
	q.attributes = attrs;
	q.nattributes = w->nitems;
	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(ca_submit_req_encode(&q, &in));
	TRY(front_call(http_ctx(r), a, CA_SUBMIT, ordered, &in, &answer));
	return ca_submit_rep_parse(a, answer, ret);
}

static err_t
ask_query(
    struct http_req *r, const struct wstep_request *w, const char *ca, struct ca_submit_rep *ret)
{
	struct arena *a = http_arena(r);
	struct ca_query_req q = { .ca = ca };
	auto_buf struct buf in = { 0 };
	struct front_caller c;
	struct str answer;
	int64_t id;

	TRY(front_soap_caller(r, KIND, &w->user, &c));
	q.caller = c.certificate;
	q.user = c.user;
	q.password = c.password;
	TRY_CTX(text_i64(str_trim(str_c(w->request_id)), 1, INT64_MAX, &id), "RequestID");
	q.request_id = (uint64_t)id;
	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(ca_query_req_encode(&q, &in));
	TRY(front_call(http_ctx(r), a, CA_QUERY, true, &in, &answer));
	return ca_submit_rep_parse(a, answer, ret);
}

static err_t
reply_response(struct http_req *r, const struct wstep_request *w, const struct ca_submit_rep *rep)
{
	struct arena *a = http_arena(r);
	struct wstep_response resp = {
		.message_id = arena_printf(a, "urn:uuid:%s", id_text(a, id_new())),
		.relates_to = w->message_id,
		.disposition = rep->message,
		.leaf = rep->leaf,
		.service_url = arena_printf(a, "%s%s", front_url(http_ctx(r)), http_path(r)),
		.request_id = arena_printf(a, "%llu", (unsigned long long)rep->request_id),
	};
	auto_buf struct buf out = { 0 };

	if (rep->disposition == CA_ISSUED) {
		struct str *all = arena_array(a, rep->chain.n + 1, sizeof(*all));

		all[0] = rep->leaf;
		for (size_t i = 0; i < rep->chain.n; i++)
			all[i + 1] = rep->chain.v[i];
		TRY(cms_certs(a, all, rep->chain.n + 1, &resp.pkcs7));
	}
	buf_init(&out, LIMIT_XML_BYTES);
	TRY(wstep_response_print(a, &resp, &out));
	return http_reply(r, 200, WSTEP_CONTENT_TYPE, buf_str(&out));
}

err_t
front_wstep(struct http_req *r)
{
	struct arena *a = http_arena(r);
	struct ca_submit_rep rep;
	struct wstep_request w;
	const char *ca;

	TRY(front_soap_stem(r, KIND, &ca));
	TRY(wstep_request_parse(a, http_body(r), &w));
	switch (w.type) {
	case WSTEP_ISSUE:
		TRY(ask_submit(r, &w, ca, &rep));
		break;
	case WSTEP_QUERY:
		TRY(ask_query(r, &w, ca, &rep));
		break;
	}
	if (rep.disposition == CA_DENIED) {
		struct wstep_fault fault = {
			.relates_to = w.message_id,
			.reason = rep.message,
			.hresult = rep.hresult,
			.invalid_request = true,
			.request_id = arena_printf(a, "%llu", (unsigned long long)rep.request_id),
		};

		reply_fault(r, &fault);
		return OK;
	}
	return reply_response(r, &w, &rep);
}
