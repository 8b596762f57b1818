/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate for a key that is made here and never leaves: see agent.h. */
#include "agent/agent.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "net/scep_client.h"
#include "pki/csr.h"

enum { URLS_MAX = 16, TIMEOUT_MS = 60000, BITS_MIN = 2048, BITS_MAX = 4096 };

struct order {
	const char *id, *name, *challenge;
	json *urls;
	int64_t bits;
	bool sha1;
	struct csr_spec csr;
};

static const struct {
	const char *name;
	uint8_t bit;
} usages[] = {
	{ "digitalSignature", 0x80 },
	{ "nonRepudiation", 0x40 },
	{ "keyEncipherment", 0x20 },
	{ "dataEncipherment", 0x10 },
};

static err_t
read_usage(struct arena *a, const json *c, uint8_t *ret)
{
	json *list;

	TRY(json_want_array(c, "key_usage", COUNT(usages), &list));
	for (size_t i = 0; i < json_count(list); i++) {
		const char *name = json_text(json_at(list, i));
		uint8_t bit = 0;

		for (size_t k = 0; k < COUNT(usages); k++)
			if (str_eq_c(str_c(name), usages[k].name))
				bit = usages[k].bit;
		if (bit == 0)
			FAIL(
			    ERR_BAD_REQUEST, "\"key_usage\" has \"%s\"", text_safe(a, str_c(name)));
		*ret |= bit;
	}
	return OK;
}

static err_t
read_ekus(struct arena *a, const json *c, struct csr_spec *ret)
{
	const char **v;
	json *list;

	TRY(json_want_array(c, "ekus", LIMIT_EKUS, &list));
	v = arena_array(a, json_count(list) + 1, sizeof(*v));
	for (size_t i = 0; i < json_count(list); i++)
		v[i] = json_text(json_at(list, i));
	ret->ekus = v;
	ret->nekus = json_count(list);
	return OK;
}

static err_t
read_key(const json *c, int64_t *ret)
{
	const char *alg;
	json *key;

	TRY(json_need_object(c, "key", &key));
	TRY(json_need_text(key, "algorithm", 16, &alg));
	if (!str_eq_c(str_c(alg), "rsa"))
		FAIL(ERR_UNSUPPORTED, "keys other than RSA by SCEP");
	TRY(json_need_int(key, "bits", 1, 65536, ret));
	if (*ret < BITS_MIN || *ret > BITS_MAX)
		FAIL(ERR_KEY_SIZE, "%d bits", (int)*ret);
	return OK;
}

static err_t
read_order(struct arena *a, const json *c, struct order *ret)
{
	struct order o = { 0 };

	TRY(json_need_text(c, "id", LIMIT_TEXT, &o.id));
	TRY(json_want_text(c, "name", LIMIT_TEXT, &o.name));
	TRY(json_need_text(c, "challenge", LIMIT_TEXT, &o.csr.challenge));
	TRY(json_need_array(c, "urls", URLS_MAX, &o.urls));
	TRY(json_want_base64(a, c, "subject", LIMIT_CSR_BYTES, &o.csr.subject));
	TRY(json_want_base64(a, c, "san", LIMIT_CSR_BYTES, &o.csr.san));
	TRY(read_key(c, &o.bits));
	TRY(read_usage(a, c, &o.csr.key_usage));
	TRY(read_ekus(a, c, &o.csr));
	o.sha1 = json_true(json_get(c, "sha1"));
	if (json_count(o.urls) == 0)
		FAIL(ERR_BAD_REQUEST, "\"urls\" is empty");
	*ret = o;
	return OK;
}

/* The root that the command names; else whatever of the organisation's this device trusts. */
static err_t
anchors_of(const struct agent *g, struct arena *a, const json *c, struct scep_server *ret)
{
	struct str *root = ARENA_NEW(a, struct str);

	TRY(json_want_base64(a, c, "root", LIMIT_CERT_BYTES, root));
	if (root->n == 0)
		return trust_anchors(g, a, &ret->anchors, &ret->nanchors);
	ret->anchors = root;
	ret->nanchors = 1;
	return OK;
}

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

err_t
enrol_scep(const struct agent *g, struct arena *a, const char *alias, const json *c,
    bool *ret_pending, struct str *ret_leaf)
{
	auto_key struct key *key = NULL;
	struct scep_server server = { 0 };
	struct scep_ask q = { 0 };
	struct scep_got got = { 0 };
	struct version v;
	struct pending p;
	struct order o;

	TRY(read_order(a, c, &o));
	TRY(anchors_of(g, a, c, &server));
	server.sha1 = o.sha1;
	TRY(pending_open(g, a, alias, o.id, (unsigned)o.bits, &p));
	key = p.key;
	q = (struct scep_ask){ .key = key, .subject = o.csr.subject, .again = p.asked };
	TRY(csr_make(a, key, &o.csr, &q.csr));
	TRY(ask(g, a, &server, &q, o.urls, &got));
	*ret_pending = got.pending;
	if (got.pending)
		return pending_asked(a, &p);
	v = (struct version){ .leaf = got.leaf,
		.chain = got.chain,
		.nchain = got.nchain,
		.key = key,
		.label = p.label,
		.name = o.name == NULL ? "" : o.name };
	TRY(identity_put(g, a, alias, &v));
	*ret_leaf = got.leaf;
	return pending_drop(g, a, alias);
}
