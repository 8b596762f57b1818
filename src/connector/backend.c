/* SPDX-License-Identifier: Apache-2.0 */
#include "connector/backend.h"

#include "base/limits.h"

enum { ASK_TIMEOUT_MS = 15000 };

static const char *const names[] = {
	[OUTCOME_ISSUED] = "issued",
	[OUTCOME_REVOKED] = "revoked",
	[OUTCOME_PENDING] = "pending",
	[OUTCOME_REJECTED] = "rejected",
	[OUTCOME_UNREACHABLE] = "unreachable",
	[OUTCOME_MISCONFIGURED] = "misconfigured",
	[OUTCOME_DEPOSITED] = "deposited",
	[OUTCOME_RELAYED] = "relayed",
};

/* What the catalogue's status alone does not tell: a CA or a certificate from it that is not as it should be needs a
 * person; an answer that cannot be read may come from a proxy that stands in for the CA at the moment. */
static const struct {
	enum err_code code;
	enum outcome outcome;
} outcomes[] = {
	{ ERR_CA_DENIED, OUTCOME_REJECTED },
	{ ERR_KEY_MISMATCH, OUTCOME_REJECTED },
	{ ERR_UNSUPPORTED, OUTCOME_REJECTED },
	{ ERR_CA_NO_REVOKE, OUTCOME_REJECTED },
	{ ERR_CA_OUTCOME, OUTCOME_REJECTED },
	{ ERR_CA_UNUSED, OUTCOME_REJECTED },
	{ ERR_CA_APPROVAL, OUTCOME_REJECTED },
	{ ERR_THROTTLED, OUTCOME_UNREACHABLE },
	{ ERR_HANDLE, OUTCOME_UNREACHABLE },
	{ ERR_XML, OUTCOME_UNREACHABLE },
	{ ERR_JSON, OUTCOME_UNREACHABLE },
	{ ERR_MALFORMED, OUTCOME_UNREACHABLE },
	{ ERR_TRUNCATED, OUTCOME_UNREACHABLE },
	{ ERR_TRAILING, OUTCOME_UNREACHABLE },
	{ ERR_TOO_LARGE, OUTCOME_UNREACHABLE },
	{ ERR_UTF8, OUTCOME_UNREACHABLE },
	{ ERR_BASE64, OUTCOME_UNREACHABLE },
	{ ERR_TLS, OUTCOME_MISCONFIGURED },
	{ ERR_NOT_JOINED, OUTCOME_MISCONFIGURED },
	{ ERR_FILE, OUTCOME_MISCONFIGURED },
	{ ERR_SYSTEM, OUTCOME_MISCONFIGURED },
};

const char *
outcome_name(enum outcome o)
{
	return names[o];
}

enum outcome
outcome_of(err_t e)
{
	for (size_t i = 0; i < COUNT(outcomes); i++)
		if (err_is(e, outcomes[i].code))
			return outcomes[i].outcome;
	return err_info(e.code)->http >= 500 ? OUTCOME_UNREACHABLE : OUTCOME_REJECTED;
}

err_t
outcome_http(const char *what, int status, const char *detail)
{
	if (status == 408 || status == 425 || status == 429 || status >= 500)
		FAIL(ERR_UNREACHABLE, "%s: status %d: %s", what, status, detail);
	if (status >= 400)
		FAIL(ERR_CA_DENIED, "%s: status %d: %s", what, status, detail);
	FAIL(ERR_HTTP_STATUS, "%s: status %d: %s", what, status, detail);
}

static err_t
session_fetch(const struct join *j, struct fetch **ret)
{
	auto_fetch struct fetch *f = NULL;

	TRY(fetch_new(&j->ca, &f));
	TRY(fetch_proxy(f, j->ca_proxy));
	if (j->ca_login == CA_LOGIN_KERBEROS)
		TRY(fetch_negotiate(f));
	*ret = steal(f);
	return OK;
}

err_t
backend_open(const struct join *j, struct backend_session **ret)
{
	struct fetch *f;
	struct backend_session *s;

	TRY(session_fetch(j, &f));
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		abort();
	*s = (struct backend_session){ .join = j, .fetch = f };
	*ret = s;
	return OK;
}

void
backend_close(struct backend_session *s)
{
	if (s == NULL)
		return;
	fetch_free(s->fetch);
	free(s);
}

/* Chancery's list of what it revoked, after the end of time: short, and of a form that no other server's answer has. */
static err_t
ask_orders(struct backend_session *s, struct arena *a, bool *ret)
{
	auto_json json *answer = NULL;
	json *list = NULL;
	struct fetch_reply rep;
	err_t e;

	TRY(fetch_run(s->fetch, a, "GET",
	    arena_printf(
		a, "%s/chancery/ca/v1/revoked?after=%lld-0", s->join->ca_url, (long long)INT64_MAX),
	    NULL, STR_EMPTY, ASK_TIMEOUT_MS, &rep));
	if (rep.status == 408 || rep.status == 429 || rep.status >= 500)
		FAIL(ERR_UNREACHABLE, "%s answers with status %d", s->join->ca_url, rep.status);
	*ret = false;
	if (rep.status != 200)
		return OK;
	e = json_parse(rep.body, LIMIT_HTTP_REPLY, &answer);
	if (err_ok(e))
		e = json_need_array(answer, "revoked", LIMIT_PAGE, &list);
	*ret = err_ok(e) && json_get(answer, "after") != NULL;
	err_forget(e);
	return OK;
}

err_t
backend_knows_orders(struct backend_session *s, struct arena *a, bool *ret)
{
	bool known = false;

	if (s->orders == ORDERS_UNASKED) {
		if (s->join->ca_login == CA_LOGIN_CERTIFICATE)
			TRY_CTX(ask_orders(s, a, &known), "is it a Chancery CA?");
		s->orders = known ? ORDERS_KNOWN : ORDERS_UNKNOWN;
	}
	*ret = s->orders == ORDERS_KNOWN;
	return OK;
}

err_t
backend_order(struct arena *a, struct str sealed, struct order *ret)
{
	struct sealed parts;

	TRY(sealed_parse(sealed, &parts));
	return order_parse(a, parts.body, ret);
}

err_t
backend_no_revoke(const struct backend_session *s, struct arena *a, struct str order)
{
	struct order o;

	TRY(backend_order(a, order, &o));
	FAIL(ERR_CA_NO_REVOKE, "%s, request %s", s->join->ca_url, id_text(a, o.id));
}

const struct backend *
backend_by_name(const char *name)
{
	for (size_t i = 0; i < backend_count; i++)
		if (str_eq_c(str_c(name), backend_table[i]->name))
			return backend_table[i];
	return NULL;
}
