/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backend: DigiCert ONE (Trust Lifecycle Manager) by its REST API, with an API key. The template of a request is the id of
 * a profile there, whose enrolment method is "REST API".
 *
 * DigiCert knows no orders, so a request is found there by its seat: each has one of its own. Revoking is looking up
 * what stands under the seat and revoking all of it but what is to stay, then giving the seat back. A request that comes
 * with a higher fence first revokes what an earlier connector may have had signed for it and never heard of.
 *
 * Not seen: what somebody revokes in DigiCert's own console, as the API does not say what is new.
 */
#include "base/limits.h"
#include "base/text.h"
#include "codec/digicert.h"
#include "codec/ms_ext.h"
#include "codec/oid.h"
#include "connector/backend.h"
#include "net/issued.h"
#include "net/url.h"
#include "pki/cert.h"

enum { TIMEOUT_MS = 30000, PAGE = 100, PAGES_MAX = 10 };

#define REASON_SUPERSEDED "superseded"
#define REASON_OVER "cessation_of_operation"

struct refusal {
	int status;
	enum err_code code;
	bool of_profile; /* only where a profile was named */
};

/* What the statuses of the API mean; doc/digicert.md. */
static const struct refusal refusals[] = {
	{ 401, ERR_CA_ACCESS, false },
	{ 403, ERR_TEMPLATE_DENIED, true },
	{ 404, ERR_TEMPLATE_UNKNOWN, true },
	{ 408, ERR_TIMEOUT, false },
	{ 429, ERR_THROTTLED, false },
};

static err_t
call(struct backend_session *s, struct arena *a, const char *method, const char *path,
    struct str body, struct fetch_reply *ret)
{
	const char *key = arena_printf(a, "x-api-key: %s", s->join->ca_secret);
	const char *headers[] = { key, "Accept: application/json",
		body.n > 0 ? "Content-Type: application/json" : NULL, NULL };

	return fetch_run(s->fetch, a, method,
	    arena_printf(a, "%s/mpki/api%s", s->join->ca_url, path), headers, body, TIMEOUT_MS,
	    ret);
}

static err_t
refuse(struct arena *a, const char *what, bool profile, const struct fetch_reply *rep)
{
	const char *said = digicert_refusal(a, rep->body);

	for (size_t i = 0; i < COUNT(refusals); i++)
		if (refusals[i].status == rep->status && (profile || !refusals[i].of_profile))
			FAIL(refusals[i].code, "%s: status %d: %s", what, rep->status, said);
	return outcome_http(what, rep->status, said);
}

static err_t
revoke_one(
    struct backend_session *s, struct arena *a, const struct digicert_item *c, const char *reason)
{
	const char *path = arena_printf(a, "/v1/certificate/%s/revoke%s%s", c->serial,
	    c->thumbprint[0] == '\0' ? "" : "?thumbprint_sha256=", c->thumbprint);
	auto_json json *body = json_object_new();
	struct fetch_reply rep;
	struct str text;

	json_set_text(body, "revocation_reason", reason);
	TRY(json_print(a, body, &text));
	TRY(call(s, a, "PUT", path, text, &rep));
	/* Somebody was faster; DigiCert's own programs know it by these words, too. */
	if (rep.status == 400 && strstr(digicert_refusal(a, rep.body), "already") != NULL &&
	    strstr(digicert_refusal(a, rep.body), "revoked") != NULL)
		return OK;
	if (rep.status >= 300)
		return refuse(a, arena_printf(a, "revoking serial %s", c->serial), false, &rep);
	return OK;
}

/* One page of what stands under a seat; a seat that nothing was signed for may not be known at all. */
static err_t
search(struct backend_session *s, struct arena *a, const char *seat, size_t offset,
    struct digicert_page *ret)
{
	struct fetch_reply rep;

	TRY(call(s, a, "GET",
	    arena_printf(a, "/v1/certificate-search?seat_id=%s&offset=%zu&limit=%d",
		url_segment(a, seat), offset, PAGE),
	    STR_EMPTY, &rep));
	if (rep.status == 404) {
		*ret = (struct digicert_page){ 0 };
		return OK;
	}
	if (rep.status != 200)
		return refuse(a, "certificate-search", false, &rep);
	return digicert_page_parse(a, rep.body, ret);
}

/* Revokes all that stands under the seat but the serial `keep`. */
static err_t
sweep(struct backend_session *s, struct arena *a, const char *seat, const char *keep,
    const char *reason, int64_t *ret)
{
	int64_t count = 0;
	size_t offset = 0;
	struct digicert_page page;

	for (int i = 0; i < PAGES_MAX; i++) {
		TRY(search(s, a, seat, offset, &page));
		for (size_t k = 0; k < page.n; k++) {
			const struct digicert_item *c = &page.items[k];

			if (!c->valid || (keep[0] != '\0' && digicert_serial_eq(c->serial, keep)))
				continue;
			TRY(revoke_one(s, a, c, reason));
			count++;
		}
		offset += page.n;
		if (page.n == 0 || (int64_t)offset >= page.total)
			break;
	}
	*ret = count;
	return OK;
}

/* Its licence is free again. Which type it has is the profile's affair: asked for in turn. That it stays is no failure of
 * the revocation. */
static void
give_back(struct backend_session *s, struct arena *a, const char *seat)
{
	static const char *const types[] = { "USER_SEAT", "DEVICE_SEAT", "SERVER_SEAT" };
	struct fetch_reply rep = { 0 };

	for (size_t i = 0; i < COUNT(types) && (rep.status < 200 || rep.status >= 300); i++) {
		err_t e = call(s, a, "DELETE",
		    arena_printf(a, "/v1/seat/%s?seat_type_id=%s", url_segment(a, seat), types[i]),
		    STR_EMPTY, &rep);

		err_forget(e);
	}
}

/* The SID is in the request; whether it comes through is a setting of the profile. */
static err_t
check_sid(struct arena *a, struct str leaf, const char *wanted)
{
	auto_cert struct cert *c = NULL;
	struct str der;
	const char *sid = "";
	err_t e;

	TRY(cert_parse(leaf, &c));
	e = cert_extension(a, c, OID_NTDS_SECURITY, &der);
	if (err_ok(e))
		TRY_CTX(ms_sid_parse(a, der, &sid), "SID of the certificate");
	else if (err_is(e, ERR_NOT_FOUND))
		err_forget(e);
	else
		return e;
	if (strcmp(sid, wanted) != 0)
		FAIL(ERR_LEAF_MISMATCH,
		    "it has %s%s, ordered was %s%s: set the Security identifier extension of the "
		    "DigiCert profile to \"From CSR\", or switch the SID off in ours",
		    sid[0] == '\0' ? "no SID" : "SID ", sid, wanted[0] == '\0' ? "none" : "SID ",
		    wanted);
	return OK;
}

static err_t
read_issued(struct arena *a, const struct submission *in, const struct order *o,
    const struct digicert_answer *answer, struct submitted *ret)
{
	struct submitted got = { .outcome = OUTCOME_ISSUED };

	TRY(issued_leaf(a, in->csr, answer->certs, answer->ncerts, &got.leaf));
	TRY(issued_chain(a, got.leaf, answer->certs, answer->ncerts, &got.chain, &got.nchain));
	TRY(check_sid(a, got.leaf, o->sid));
	*ret = got;
	return OK;
}

static err_t
submit(
    struct backend_session *s, struct arena *a, const struct submission *in, struct submitted *ret)
{
	struct digicert_answer answer;
	struct fetch_reply rep;
	struct order o;
	struct str body;
	int64_t count;

	TRY(backend_order(a, in->order, &o));
	if (o.fence > 1)
		TRY(sweep(s, a, digicert_seat(a, o.id), "", REASON_SUPERSEDED, &count));
	TRY(digicert_ask(a, &o, in->csr, &body));
	fetch_once(s->fetch);
	TRY(call(s, a, "POST", "/v1/certificate", body, &rep));
	if (rep.status >= 300)
		return refuse(a, arena_printf(a, "profile %s", in->template), true, &rep);
	TRY(digicert_answer_parse(a, rep.body, &answer));
	if (!answer.pending)
		return read_issued(a, in, &o, &answer, ret);
	*ret = (struct submitted){ .outcome = OUTCOME_PENDING,
		.request_id = answer.request_id,
		.fault = err_info(ERR_CA_PENDING)->id,
		.detail = arena_printf(a, "request %s at %s", answer.request_id, s->join->ca_url) };
	return OK;
}

/* What an earlier sending brought stands under the request's seat, and is revoked before the next. */
static err_t
repeatable(struct backend_session *s, struct arena *a, bool *ret)
{
	(void)s;
	(void)a;
	*ret = true;
	return OK;
}

static err_t
check(struct backend_session *s, struct arena *a, const char **ret)
{
	struct fetch_reply rep;

	TRY(call(s, a, "GET", arena_printf(a, "/v2/profile?limit=%d", PAGE), STR_EMPTY, &rep));
	if (rep.status != 200)
		return refuse(a, "profiles", false, &rep);
	return digicert_profiles_parse(a, rep.body, ret);
}

static err_t
revoke(struct backend_session *s, struct arena *a, struct str order, int64_t *ret)
{
	const char *seat;
	struct order o;

	TRY(backend_order(a, order, &o));
	seat = digicert_seat(a, o.id);
	TRY(sweep(s, a, seat, o.keep, REASON_OVER, ret));
	if (o.keep[0] == '\0')
		give_back(s, a, seat);
	return OK;
}

const struct backend backend_digicert = {
	.name = "digicert",
	.by_key = true,
	.submit = submit,
	.repeatable = repeatable,
	.check = check,
	.revoke = revoke,
};
