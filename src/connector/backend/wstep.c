/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backend: a CA that speaks MS-WSTEP, with a client certificate, with name and password, or with Kerberos. Revocation goes
 * to Chancery's own address beside it, with the sealed order that names what goes; it wants the certificate.
 */
#include "base/limits.h"
#include "base/text.h"
#include "connector/backend.h"
#include "connector/hresult.h"
#include "net/url.h"
#include "net/wstep.h"
#include "net/xcep.h"

#define TIMEOUT_MS 30000
#define RELAY_MS 20000 /* the device waits for it */

static enum wstep_way
way_of(const struct join *j)
{
	switch (j->ca_login) {
	case CA_LOGIN_PASSWORD:
		return WSTEP_BY_PASSWORD;
	case CA_LOGIN_KERBEROS:
		return WSTEP_BY_KERBEROS;
	case CA_LOGIN_CERTIFICATE:
	case CA_LOGIN_KEY:
		break;
	}
	return WSTEP_BY_CERTIFICATE;
}

static const char *
user_of(const struct join *j)
{
	return j->ca_login == CA_LOGIN_PASSWORD ? j->ca_user : "";
}

/* "Ask another server": not where the one that was asked lost its CA in the middle. */
static bool
passes_by_itself(const struct wstep_reply *rep, const struct hresult *known)
{
	if (known != NULL && known->code == ERR_CA_OUTCOME)
		return false;
	return rep->retry_elsewhere || (known != NULL && known->passes);
}

static struct submitted
read_reply(struct arena *a, const char *ca, const struct wstep_reply *rep)
{
	struct submitted got = { .request_id = rep->request_id };
	const struct hresult *known;

	switch (rep->outcome) {
	case WSTEP_ISSUED:
		got.outcome = OUTCOME_ISSUED;
		got.leaf = rep->leaf;
		got.chain = rep->chain;
		got.nchain = rep->nchain;
		break;
	case WSTEP_PENDING:
		got.outcome = OUTCOME_PENDING;
		got.fault = err_info(ERR_CA_PENDING)->id;
		got.detail =
		    arena_printf(a, "request %s at %s: %s", rep->request_id, ca, rep->message);
		break;
	case WSTEP_DENIED:
		known = hresult_find(rep->hresult);
		got.outcome = passes_by_itself(rep, known) ? OUTCOME_UNREACHABLE : OUTCOME_REJECTED;
		got.fault = err_info(known == NULL ? ERR_CA_DENIED : known->code)->id;
		got.detail =
		    arena_printf(a, "%s: %s (0x%08X)", ca, rep->message, (unsigned)rep->hresult);
		break;
	}
	return got;
}

static err_t
submit(
    struct backend_session *s, struct arena *a, const struct submission *in, struct submitted *ret)
{
	const struct join *j = s->join;
	struct wstep_attr attrs[2] = {
		{ "CertificateTemplate", in->template },
		{ "ChanceryOrder", text_base64(a, in->order) },
	};
	const struct wstep_server server = { .url = wstep_url(a, j->ca_url, in->ca, way_of(j)),
		.user = user_of(j),
		.password = j->ca_secret };
	struct wstep_reply rep = { 0 };
	bool repeatable;

	TRY(backend_knows_orders(s, a, &repeatable));
	if (!repeatable)
		fetch_once(s->fetch);
	TRY(wstep_submit(s->fetch, a, &server, in->csr, attrs, COUNT(attrs), TIMEOUT_MS, &rep));
	*ret = read_reply(a, in->ca, &rep);
	/* Nobody could take up what is approved: the key is not kept, and the next request would be another. */
	if (ret->outcome == OUTCOME_PENDING && !repeatable && !in->key_kept) {
		ret->outcome = OUTCOME_REJECTED;
		ret->fault = err_info(ERR_CA_APPROVAL)->id;
	}
	return OK;
}

/* MS-WSTEP 3.1.4.1.3.2: QueryTokenStatus, by the number that the CA gave. */
static err_t
trace(struct backend_session *s, struct arena *a, const char *ca, const char *request_id,
    struct submitted *ret)
{
	const struct join *j = s->join;
	const struct wstep_server server = { .url = wstep_url(a, j->ca_url, ca, way_of(j)),
		.user = user_of(j),
		.password = j->ca_secret };
	struct wstep_reply rep = { 0 };

	TRY(wstep_query(s->fetch, a, &server, request_id, TIMEOUT_MS, &rep));
	*ret = read_reply(a, ca, &rep);
	return OK;
}

static err_t
check(struct backend_session *s, struct arena *a, const char **ret)
{
	const struct join *j = s->join;
	const struct soap_user user = { .name = user_of(j), .password = j->ca_secret };
	struct xcep_answer answer;
	const char *names = "";

	TRY(xcep_ask(s->fetch, a, j->ca_url, way_of(j), &user, TIMEOUT_MS, &answer));
	for (size_t i = 0; i < answer.ntemplates; i++)
		if (answer.templates[i].enrol)
			names = arena_printf(a, "%s%s%s", names, *names == '\0' ? "" : ", ",
			    answer.templates[i].name);
	*ret = names;
	return OK;
}

static err_t
revoke_ordered(struct backend_session *s, struct arena *a, struct str order, int64_t *ret)
{
	static const char *const headers[] = { "Content-Type: application/json", NULL };
	auto_json json *body = json_object_new();
	auto_json json *answer = NULL;
	struct fetch_reply rep;
	struct str text;

	json_set_base64(a, body, "order", order);
	/* Chancery's own addresses know who asks by its certificate alone. */
	if (s->join->ca_login != CA_LOGIN_CERTIFICATE)
		return backend_no_revoke(s, a, order);
	TRY(json_print(a, body, &text));
	TRY(fetch_run(s->fetch, a, "POST",
	    arena_printf(a, "%s/chancery/ca/v1/revoke", s->join->ca_url), headers, text, TIMEOUT_MS,
	    &rep));
	if (rep.status == 404)
		return backend_no_revoke(s, a, order);
	if (rep.status != 200)
		return outcome_http("revocation", rep.status,
		    arena_printf(a, "%.*s", (int)(rep.body.n < 300 ? rep.body.n : 300),
			text_safe(a, rep.body)));
	TRY(json_parse(rep.body, LIMIT_IPC_MESSAGE, &answer));
	return json_need_int(answer, "revoked", 0, INT64_MAX, ret);
}

static err_t
deposit(struct backend_session *s, struct arena *a, struct str order, const char *sha256)
{
	static const char *const headers[] = { "Content-Type: application/json", NULL };
	auto_json json *body = json_object_new();
	struct fetch_reply rep;
	struct str text;

	json_set_base64(a, body, "order", order);
	json_set_text(body, "challenge", sha256);
	TRY(json_print(a, body, &text));
	TRY(fetch_run(s->fetch, a, "POST",
	    arena_printf(a, "%s/chancery/ca/v1/challenge", s->join->ca_url), headers, text,
	    TIMEOUT_MS, &rep));
	if (rep.status == 200)
		return OK;
	return outcome_http("challenge", rep.status,
	    arena_printf(
		a, "%.*s", (int)(rep.body.n < 300 ? rep.body.n : 300), text_safe(a, rep.body)));
}

/* Messages go by POST whatever way they came: that takes any size. */
static err_t
relay(struct backend_session *s, struct arena *a, const char *ca, const char *operation,
    struct str message, struct fetch_reply *ret)
{
	static const char *const headers[] = { "Content-Type: application/x-pki-message", NULL };
	const char *url = arena_printf(
	    a, "%s/scep/%s?operation=%s", s->join->ca_url, url_segment(a, ca), operation);

	if (message.n > 0)
		return fetch_run(s->fetch, a, "POST", url, headers, message, RELAY_MS, ret);
	return fetch_run(s->fetch, a, "GET", url, NULL, STR_EMPTY, RELAY_MS, ret);
}

static err_t
revoked(struct backend_session *s, struct arena *a, const char *after, const char **ret_after,
    json **ret_list)
{
	auto_json json *answer = NULL;
	json *list = NULL;
	struct fetch_reply rep;
	const char *next;

	if (s->join->ca_login != CA_LOGIN_CERTIFICATE)
		FAIL(ERR_CA_NO_REVOKE, "%s", s->join->ca_url);
	TRY(fetch_run(s->fetch, a, "GET",
	    arena_printf(a, "%s/chancery/ca/v1/revoked%s%s", s->join->ca_url,
		*after == '\0' ? "" : "?after=", after),
	    NULL, STR_EMPTY, TIMEOUT_MS, &rep));
	if (rep.status == 404)
		FAIL(ERR_CA_NO_REVOKE, "%s keeps no list for us", s->join->ca_url);
	if (rep.status != 200)
		return outcome_http("list of revocations", rep.status, "");
	TRY(json_parse(rep.body, LIMIT_HTTP_REPLY, &answer));
	TRY(json_need_text(answer, "after", LIMIT_TEXT, &next));
	TRY(json_want_array(answer, "revoked", LIMIT_PAGE, &list));
	*ret_after = arena_strdup(a, next);
	*ret_list = list == NULL ? json_array_new() : json_ref(list);
	return OK;
}

const struct backend backend_wstep = {
	.name = "wstep",
	.submit = submit,
	.repeatable = backend_knows_orders,
	.trace = trace,
	.check = check,
	.revoke = revoke_ordered,
	.deposit = deposit,
	.relay = relay,
	.revoked = revoked,
};
