/* SPDX-License-Identifier: Apache-2.0 */
#include "connector/backend.h"

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
