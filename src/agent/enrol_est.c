/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate for a key that is made here, by EST at the service, to which the device shows its identity: see agent.h. The
 * same command is done with the same key, for which the CA gives the certificate that it gave before.
 */
#include "agent/agent.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/when.h"
#include "net/est.h"
#include "pki/csr.h"

enum { TIMEOUT_MS = 60000 };

/* Its own service, and nobody else: who we are is for the service alone. */
static err_t
read_server(const struct agent *g, struct arena *a, const json *c, struct est_server *ret)
{
	struct est_server s = { .user = "", .password = "" };

	TRY(json_need_text(c, "server", LIMIT_TEXT, &s.base));
	TRY(json_need_text(c, "label", LIMIT_TEXT, &s.label));
	if (!str_eq_c(str_c(s.base), g->conf->url))
		FAIL(ERR_UNSUPPORTED, "EST at %s, which is not the service",
		    text_safe(a, str_c(s.base)));
	if (s.label[0] == '\0')
		FAIL(ERR_BAD_REQUEST, "\"label\" is empty");
	*ret = s;
	return OK;
}

/* The clock of a device may be wrong: the path counts as of the certificate's own beginning. */
static err_t
check_path(const struct agent *g, struct arena *a, const json *c, const struct est_reply *got)
{
	auto_cert struct cert *leaf = NULL;
	const struct str *anchors;
	size_t n;

	TRY(own_anchors(g, a, c, &anchors, &n));
	TRY(cert_parse(got->leaf, &leaf));
	return cert_verify_path(
	    leaf, got->chain, got->nchain, anchors, n, NULL, cert_not_before(leaf));
}

/* The service says on whom it waits; we know since when. */
static err_t
wait_on(struct arena *a, struct pending *p, struct str csr, const char *said, struct outcome *ret)
{
	TRY(pending_asked(a, p, csr, said));
	ret->waits = ERR_CA_PENDING;
	ret->detail = arena_printf(a, "since %s: %s", when_text(a, p->since), said);
	return OK;
}

err_t
enrol_est(
    const struct agent *g, struct arena *a, const char *alias, const json *c, struct outcome *ret)
{
	auto_fetch struct fetch *f = NULL;
	auto_key struct key *key = NULL;
	struct est_server server;
	struct est_reply got;
	struct own_order o;
	struct pending p;

	TRY(own_order_read(a, c, &o));
	TRY(read_server(g, a, c, &server));
	TRY(pending_open(g, a, alias, &o, &p));
	key = p.key;
	if (p.csr.n == 0)
		TRY(csr_make(a, key, &o.csr, &p.csr));
	TRY(fetch_new(&g->tls, &f));
	TRY(est_enroll(f, a, &server, NULL, p.csr, TIMEOUT_MS, &got));
	if (got.pending)
		return wait_on(a, &p, p.csr, got.said, ret);
	TRY(check_path(g, a, c, &got));
	TRY(own_keep(g, a, alias, &o, &p,
	    &(struct own_got){ .leaf = got.leaf, .chain = got.chain, .nchain = got.nchain }));
	ret->leaf = got.leaf;
	return OK;
}
