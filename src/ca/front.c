/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/front.h"

#include <pthread.h>

#include "ca/front_int.h"
#include "ca/front_scep.h"
#include "codec/json.h"
#include "pki/cert.h"
#include "pki/keyprov.h"

/* How long certificates of CAs are kept, and of how many at most. */
enum { KEEP_MS = 5000, KEEP_MAX = 16 };

struct kept {
	uint16_t type;
	char *ca;
	uint8_t *der;
	size_t n;
	int64_t until;
};

struct front {
	struct ipc_client *issuer;
	char *url;
	struct metrics *metrics;
	pthread_mutex_t lock; /* guards kept */
	struct kept kept[KEEP_MAX];
	struct front_lists *lists;
	struct front_answers *answers;
	uint8_t cas[32]; /* hash of the list of CAs that the TLS port knows */
};

err_t
front_open(const struct front_conf *conf, struct front **ret)
{
	struct front *f = calloc(1, sizeof(*f));

	if (f == NULL)
		abort();
	f->issuer = conf->issuer;
	f->metrics = conf->metrics;
	f->url = strdup(conf->url);
	if (f->url == NULL)
		abort();
	pthread_mutex_init(&f->lock, NULL);
	f->lists = front_lists_new();
	f->answers = front_answers_new();
	*ret = f;
	return OK;
}

static void
kept_drop(struct kept *k)
{
	free(k->ca);
	free(k->der);
	*k = (struct kept){ 0 };
}

void
front_close(struct front *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < KEEP_MAX; i++)
		kept_drop(&f->kept[i]);
	front_lists_free(f->lists);
	front_answers_free(f->answers);
	pthread_mutex_destroy(&f->lock);
	free(f->url);
	free(f);
}

const char *
front_url(const struct front *f)
{
	return f->url;
}

struct front_lists *
front_lists(struct front *f)
{
	return f->lists;
}

struct front_answers *
front_answers(struct front *f)
{
	return f->answers;
}

struct metrics *
front_metric_set(struct front *f)
{
	return f->metrics;
}

err_t
front_call(struct front *f, struct arena *a, uint16_t type, bool repeatable, const struct buf *in,
    struct str *ret)
{
	return ipc_call(f->issuer, a, type, repeatable, buf_str(in), ret);
}

/* ---- bytes that are kept for some seconds ---- */

static bool
kept_get(struct front *f, struct arena *a, uint16_t type, const char *ca, struct str *ret)
{
	int64_t now = when_mono_ms();
	bool found = false;

	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < KEEP_MAX && !found; i++) {
		struct kept *k = &f->kept[i];

		if (k->ca == NULL || k->type != type || k->until < now ||
		    !str_ieq_c(str_c(k->ca), ca))
			continue;
		*ret = arena_str(a, str_of(k->der, k->n));
		found = true;
	}
	pthread_mutex_unlock(&f->lock);
	return found;
}

/* In the place of the same name, else of the one that ends first. */
static void
kept_put(struct front *f, uint16_t type, const char *ca, struct str der)
{
	struct kept *k = &f->kept[0];

	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < KEEP_MAX; i++) {
		struct kept *c = &f->kept[i];

		if (c->ca != NULL && c->type == type && str_ieq_c(str_c(c->ca), ca)) {
			k = c;
			break;
		}
		if (c->until < k->until)
			k = c;
	}
	kept_drop(k);
	k->ca = strdup(ca);
	k->der = malloc(der.n > 0 ? der.n : 1);
	if (k->ca == NULL || k->der == NULL)
		abort();
	memcpy(k->der, der.p, der.n);
	k->n = der.n;
	k->type = type;
	k->until = when_mono_ms() + KEEP_MS;
	pthread_mutex_unlock(&f->lock);
}

err_t
front_kept(struct front *f, struct arena *a, uint16_t type, const char *ca, struct str *ret)
{
	auto_buf struct buf in = { 0 };
	struct ca_name_req q = { ca };
	struct ca_der_rep rep;
	struct str answer;

	if (kept_get(f, a, type, ca, ret))
		return OK;
	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(ca_name_req_encode(&q, &in));
	TRY(front_call(f, a, type, true, &in, &answer));
	TRY(ca_der_rep_parse(a, answer, &rep));
	kept_put(f, type, ca, rep.der);
	*ret = rep.der;
	return OK;
}

/* ---- gate, errors, tables ---- */

static err_t
gate(struct http_req *r, unsigned perm)
{
	switch ((enum front_perm)perm) {
	case FRONT_PUBLIC:
		return OK;
	case FRONT_IN_MESSAGE:
		return OK;
	case FRONT_SIGNED_ON:
		if (http_peer_cert(r).n == 0 && http_header(r, "Authorization") == NULL)
			FAIL(ERR_CREDENTIALS,
			    "neither a client certificate nor a password was sent");
		return OK;
	case FRONT_CALLER:
		if (http_peer_cert(r).n == 0)
			FAIL(ERR_FORBIDDEN, "a client certificate of this CA is needed");
		return OK;
	}
	FAIL(ERR_FORBIDDEN, "permission %u", perm);
}

/* {"error": {"code": id, "message": ..., "detail": ..., "hint": ..., "hresult": "0x..."}} */
static void
on_json_error(struct http_req *r, const struct err_report *rep)
{
	const struct err_info *info = err_info(rep->code);
	struct arena *a = http_arena(r);
	auto_json json *o = json_object_new();
	json *e = json_object_new();
	struct str text;

	json_set(o, "error", e);
	json_set_text(e, "code", info->id);
	json_set_text(e, "message", info->text);
	json_set_text(e, "detail", text_safe(a, str_c(rep->detail)));
	json_set_text(e, "hint", info->hint);
	if (info->hresult != 0)
		json_set_text(e, "hresult", arena_printf(a, "0x%08x", info->hresult));
	if (!err_ok(json_print(a, o, &text)))
		text = LIT("{}");
	err_forget(http_reply(r, info->http, "application/json", text));
}

static void
on_error(struct http_req *r, err_t e)
{
	struct err_report rep;

	err_take(e, &rep);
	if (front_is_soap(r))
		front_wstep_fault(r, &rep);
	else if (front_is_est(r))
		front_est_fault(r, &rep);
	else
		on_json_error(r, &rep);
}

const struct http_route front_tls_routes[] = {
	ROUTE(POST, "/{service}/service.svc/CES", FRONT_IN_MESSAGE, front_wstep),
	ROUTE(POST, "/{service}/service.svc/CEP", FRONT_IN_MESSAGE, front_xcep),
	ROUTE(GET, "/.well-known/est/cacerts", FRONT_PUBLIC, front_est_cacerts),
	ROUTE(GET, "/.well-known/est/csrattrs", FRONT_SIGNED_ON, front_est_csrattrs),
	ROUTE(POST, "/.well-known/est/simpleenroll", FRONT_SIGNED_ON, front_est_enroll),
	ROUTE(POST, "/.well-known/est/simplereenroll", FRONT_SIGNED_ON, front_est_reenroll),
	ROUTE(POST, "/.well-known/est/serverkeygen", FRONT_SIGNED_ON, front_est_keygen),
	ROUTE(POST, "/.well-known/est/fullcmc", FRONT_PUBLIC, front_est_fullcmc),
	ROUTE(POST, "/.well-known/est/{label}/fullcmc", FRONT_PUBLIC, front_est_fullcmc),
	ROUTE(GET, "/.well-known/est/{label}/cacerts", FRONT_PUBLIC, front_est_cacerts),
	ROUTE(GET, "/.well-known/est/{label}/csrattrs", FRONT_SIGNED_ON, front_est_csrattrs),
	ROUTE(POST, "/.well-known/est/{label}/simpleenroll", FRONT_SIGNED_ON, front_est_enroll),
	ROUTE(POST, "/.well-known/est/{label}/simplereenroll", FRONT_SIGNED_ON, front_est_reenroll),
	ROUTE(POST, "/.well-known/est/{label}/serverkeygen", FRONT_SIGNED_ON, front_est_keygen),
	ROUTE(POST, "/chancery/ca/v1/revoke", FRONT_CALLER, front_revoke),
	ROUTE(GET, "/chancery/ca/v1/revoked", FRONT_CALLER, front_revoked),
	ROUTE(POST, "/chancery/ca/v1/challenge", FRONT_CALLER, front_deposit),
	FRONT_SCEP_ROUTES,
	ROUTE(GET, "/healthz", FRONT_PUBLIC, front_health),
	{ .path = NULL },
};

const struct http_route front_http_routes[] = {
	ROUTE_QUICK(GET, "/crl/{file}", FRONT_PUBLIC, front_crl, front_crl_quick),
	ROUTE(GET, "/aia/{file}", FRONT_PUBLIC, front_aia),
	ROUTE(POST, "/ocsp", FRONT_PUBLIC, front_ocsp_post),
	ROUTE(POST, "/ocsp/{ca}", FRONT_PUBLIC, front_ocsp_post),
	ROUTE_QUICK(GET, "/ocsp/{rest*}", FRONT_PUBLIC, front_ocsp_get, front_ocsp_quick),
	FRONT_SCEP_ROUTES,
	ROUTE(GET, "/healthz", FRONT_PUBLIC, front_health),
	ROUTE(GET, "/metrics", FRONT_PUBLIC, front_metrics),
	{ .path = NULL },
};

struct http_mount
front_tls_mount(struct front *f)
{
	return (struct http_mount){
		.routes = front_tls_routes, .ctx = f, .gate = gate, .on_error = on_error
	};
}

struct http_mount
front_http_mount(struct front *f)
{
	return (struct http_mount){
		.routes = front_http_routes, .ctx = f, .gate = gate, .on_error = on_error
	};
}

/* ---- the TLS key, which is the issuer's ---- */

static err_t
far_sign(void *ctx, struct arena *a, uint8_t scheme, struct str digest, struct str *ret)
{
	auto_buf struct buf in = { 0 };
	struct sign_req q = { 0, (enum sign_scheme)scheme, digest };
	struct sign_rep rep;
	struct str answer;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(sign_req_encode(&q, &in));
	TRY(front_call(ctx, a, CA_SIGN_TLS, true, &in, &answer));
	TRY(sign_rep_parse(a, answer, &rep));
	*ret = rep.signature;
	return OK;
}

static err_t
far_key(struct front *f, struct arena *a, struct str leaf, struct key **ret)
{
	struct far_key far = { .ctx = f, .sign = far_sign };
	auto_cert struct cert *c = NULL;
	auto_key struct key *public = NULL;
	struct str spki;

	TRY(cert_parse(leaf, &c));
	TRY(cert_key(c, &public));
	TRY(key_spki(a, public, &spki));
	return keyprov_key(&far, spki, ret);
}

err_t
front_tls(struct front *f, struct arena *a, struct tls_server_conf *ret, struct key **ret_key)
{
	struct buf none = { 0 };
	struct ca_chain_rep chain;
	struct ca_list_rep list;
	struct str answer;
	struct str *anchors;
	size_t n = 0;

	TRY(front_call(f, a, CA_TLS_CHAIN, true, &none, &answer));
	TRY(ca_chain_rep_parse(a, answer, &chain));
	TRY(front_call(f, a, CA_LIST, true, &none, &answer));
	TRY(ca_list_rep_parse(a, answer, &list));
	hash_sha256(answer, f->cas);
	if (chain.chain.n == 0)
		FAIL(ERR_CA_NONE, "%s", "");
	/* Callers are principals (issuing CA) and, later, devices (identity CA); the root is none. */
	anchors = arena_array(a, list.n + 1, sizeof(*anchors));
	for (size_t i = 0; i < list.n; i++) {
		if (list.v[i].role != CA_ROLE_ROOT)
			anchors[n++] = list.v[i].certificate;
	}
	TRY(far_key(f, a, chain.chain.v[0], ret_key));
	*ret = (struct tls_server_conf){
		.key = *ret_key,
		.chain = chain.chain.v,
		.nchain = chain.chain.n,
		.client = TLS_CLIENT_OPTIONAL,
		.anchors = anchors,
		.nanchors = n,
	};
	return OK;
}

err_t
front_tls_changed(struct front *f, struct str leaf, bool *ret)
{
	auto_arena struct arena *a = arena_new();
	struct buf none = { 0 };
	struct ca_chain_rep chain;
	struct str answer;
	uint8_t cas[32];

	TRY(front_call(f, a, CA_TLS_CHAIN, true, &none, &answer));
	TRY(ca_chain_rep_parse(a, answer, &chain));
	TRY(front_call(f, a, CA_LIST, true, &none, &answer));
	hash_sha256(answer, cas);
	*ret = chain.chain.n > 0 &&
	    (!str_eq(chain.chain.v[0], leaf) || memcmp(cas, f->cas, sizeof(cas)) != 0);
	return OK;
}
