/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MS-XCEP 3.1.4.1 GetPolicies: the templates that the caller may read, and where to send requests for them.
 */
#include "ca/front_int.h"

#include "codec/policies_ipc.h"
#include "codec/wstep_msg.h"
#include "codec/xcep_msg.h"

#define PROVIDER "ADPolicyProvider"

enum {
	NEXT_UPDATE_HOURS = 8,
	/* lastUpdate is the client's own clock; one that is wrong by less than this still hears of every change. */
	CLIENT_CLOCK = 86400,
	BY_PASSWORD = 4,
	BY_CERTIFICATE = 8,
	WAYS = 2
};

err_t
front_policies(struct http_req *r, const struct front_caller *c, struct policies_rep *ret)
{
	struct policies_req q = { c->certificate, c->user, c->password };
	auto_buf struct buf in = { 0 };
	struct str answer;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(policies_req_encode(&q, &in));
	TRY(front_call(http_ctx(r), http_arena(r), CA_POLICIES, true, &in, &answer));
	return policies_rep_parse(http_arena(r), answer, ret);
}

/* A CA's name as a segment of a path. */
static const char *
segment(struct arena *a, const char *name)
{
	const char *out = "";

	for (const uint8_t *p = (const uint8_t *)name; *p != '\0'; p++) {
		bool plain = (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
		    (*p >= 'A' && *p <= 'Z') || *p == '-' || *p == '_' || *p == '.';

		out = arena_printf(a, plain ? "%s%c" : "%s%%%02X", out, *p);
	}
	return out;
}

static const struct xcep_uri *
addresses(struct http_req *r, const struct policies_rep *rep)
{
	static const struct {
		unsigned authentication;
		const char *suffix;
	} ways[WAYS] = { { BY_CERTIFICATE, "Certificate" }, { BY_PASSWORD, "UsernamePassword" } };
	struct arena *a = http_arena(r);
	struct xcep_uri *v = arena_array(a, rep->ncas * WAYS + 1, sizeof(*v));

	for (size_t i = 0; i < rep->ncas * WAYS; i++) {
		v[i].authentication = ways[i % WAYS].authentication;
		v[i].url = arena_printf(a, "%s/%s_CES_%s/service.svc/CES", front_url(http_ctx(r)),
		    segment(a, rep->cas[i / WAYS].name), ways[i % WAYS].suffix);
	}
	return v;
}

err_t
front_xcep(struct http_req *r)
{
	struct arena *a = http_arena(r);
	struct xcep_response resp = { .next_update_hours = NEXT_UPDATE_HOURS, .nuris = WAYS };
	auto_buf struct buf out = { 0 };
	struct policies_rep rep;
	struct front_caller c;
	struct xcep_request q;
	const char *provider;

	TRY(front_soap_stem(r, "_CEP", &provider));
	if (!str_ieq_c(str_c(provider), PROVIDER))
		FAIL(ERR_NO_SEGMENT, "%s", provider);
	TRY(xcep_request_parse(a, http_body(r), &q));
	TRY(front_soap_caller(r, "_CEP", &q.user, &c));
	TRY(front_policies(r, &c, &rep));
	resp.message_id = arena_printf(a, "urn:uuid:%s", id_text(a, id_new()));
	resp.relates_to = q.message_id;
	resp.policies = &rep;
	resp.unchanged = q.last_update != 0 && rep.changed + CLIENT_CLOCK < q.last_update;
	resp.uris = addresses(r, &rep);
	buf_init(&out, LIMIT_HTTP_BODY);
	TRY(xcep_response_print(a, &q, &resp, &out));
	return http_reply(r, 200, WSTEP_CONTENT_TYPE, buf_str(&out));
}
