/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate for a key that is made here, by SCEP: see agent.h. */
#include "agent/agent.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "base/when.h"
#include "net/scep_client.h"
#include "pki/csr.h"

enum { URLS_MAX = 16, TIMEOUT_MS = 60000 };

/* To the service itself with who we are, to others as anybody. */
static err_t
connection(const struct agent *g, struct arena *a, const char *url, struct fetch **ret)
{
	struct tls_client_conf tls = g->tls;

	if (str_starts(str_c(url), str_c(arena_printf(a, "%s/", g->conf->url))))
		return fetch_new(&tls, ret);
	tls.key = NULL;
	tls.nchain = 0;
	TRY(trust_anchors(g, a, &tls.anchors, &tls.nanchors));
	return fetch_new(&tls, ret);
}

static bool
is_elsewhere(err_t e)
{
	return err_is(e, ERR_UNREACHABLE) || err_is(e, ERR_TIMEOUT) || err_is(e, ERR_TLS) ||
	    err_is(e, ERR_HTTP_STATUS);
}

/* One address after the other, until one answers. */
static err_t
ask(const struct agent *g, struct arena *a, struct scep_server *s, const struct scep_ask *q,
    const json *urls, struct scep_got *ret)
{
	for (size_t i = 0; i < json_count(urls); i++) {
		auto_fetch struct fetch *f = NULL;
		err_t e;

		s->url = json_text(json_at(urls, i));
		TRY(connection(g, a, s->url, &f));
		e = scep_client_enrol(f, a, s, q, TIMEOUT_MS, ret);
		if (!is_elsewhere(e) || i + 1 == json_count(urls))
			return e;
		log_error("SCEP server", e);
	}
	FAIL(ERR_BAD_REQUEST, "\"urls\" is empty");
}

struct where {
	const char *challenge;
	json *urls;
};

static err_t
read_where(const json *c, struct where *ret)
{
	struct where w;

	TRY(json_need_text(c, "challenge", LIMIT_TEXT, &w.challenge));
	TRY(json_need_array(c, "urls", URLS_MAX, &w.urls));
	if (json_count(w.urls) == 0)
		FAIL(ERR_BAD_REQUEST, "\"urls\" is empty");
	*ret = w;
	return OK;
}

err_t
enrol_scep(
    const struct agent *g, struct arena *a, const char *alias, const json *c, struct outcome *ret)
{
	auto_key struct key *key = NULL;
	struct scep_server server = { .sha1 = json_true(json_get(c, "sha1")) };
	struct scep_ask q = { 0 };
	struct scep_got got = { 0 };
	struct own_order o;
	struct pending p;
	struct where w;

	TRY(own_order_read(a, c, &o));
	TRY(read_where(c, &w));
	o.csr.challenge = w.challenge;
	TRY(own_anchors(g, a, c, &server.anchors, &server.nanchors));
	if (o.alg != KEY_RSA)
		FAIL(ERR_UNSUPPORTED, "SCEP with a key on a curve");
	TRY(pending_open(g, a, alias, &o, &p));
	key = p.key;
	q = (struct scep_ask){ .key = key, .subject = o.csr.subject, .again = p.since != 0 };
	TRY(csr_make(a, key, &o.csr, &q.csr));
	TRY(ask(g, a, &server, &q, w.urls, &got));
	if (got.pending) {
		TRY(pending_asked(a, &p, STR_EMPTY, ""));
		ret->waits = ERR_SCEP_PENDING_LONG;
		ret->detail = arena_printf(a, "since %s", when_text(a, p.since));
		return OK;
	}
	TRY(own_keep(g, a, alias, &o, &p,
	    &(struct own_got){ .leaf = got.leaf, .chain = got.chain, .nchain = got.nchain }));
	ret->leaf = got.leaf;
	return OK;
}
