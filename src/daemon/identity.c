/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/identity.h"

#include "base/text.h"
#include "codec/json.h"
#include "codec/keys_ipc.h"
#include "net/url.h"
#include "net/wstep.h"

#include <pthread.h>

#define SUBMIT_TIMEOUT_MS 20000
#define POOL 4

struct identity {
	struct ipc_client *keys;
	struct arena *arena;
	struct tls_client_conf tls;
	const char *url, *revoke_url, *challenge_url, *scep_url;
	pthread_mutex_t lock;
	struct fetch *idle[POOL]; /* connections kept for the next caller */
	size_t nidle;
};

static const struct str *
copy_list(struct arena *a, const struct str *v, size_t n)
{
	struct str *copy = arena_array(a, n + 1, sizeof(*copy));

	for (size_t i = 0; i < n; i++)
		copy[i] = arena_str(a, v[i]);
	return copy;
}

err_t
identity_new(const struct identity_conf *conf, struct identity **ret)
{
	struct identity *i = calloc(1, sizeof(*i));

	i->keys = conf->keys;
	i->arena = arena_new();
	i->tls = conf->tls;
	i->tls.anchors = copy_list(i->arena, conf->tls.anchors, conf->tls.nanchors);
	i->tls.chain = copy_list(i->arena, conf->tls.chain, conf->tls.nchain);
	i->url = wstep_url(i->arena, conf->ca_url, conf->ca_name, WSTEP_BY_CERTIFICATE);
	i->revoke_url = arena_printf(i->arena, "%s/chancery/ca/v1/revoke", conf->ca_url);
	i->challenge_url = arena_printf(i->arena, "%s/chancery/ca/v1/challenge", conf->ca_url);
	i->scep_url = arena_printf(
	    i->arena, "%s/scep/%s", conf->ca_url, url_segment(i->arena, conf->ca_name));
	pthread_mutex_init(&i->lock, NULL);
	*ret = i;
	return OK;
}

void
identity_free(struct identity *i)
{
	if (i == NULL)
		return;
	for (size_t n = 0; n < i->nidle; n++)
		fetch_free(i->idle[n]);
	pthread_mutex_destroy(&i->lock);
	arena_free(i->arena);
	free(i);
}

static err_t
take_fetch(struct identity *i, struct fetch **ret)
{
	struct fetch *f = NULL;

	pthread_mutex_lock(&i->lock);
	if (i->nidle > 0)
		f = i->idle[--i->nidle];
	pthread_mutex_unlock(&i->lock);
	if (f == NULL)
		TRY(fetch_new(&i->tls, &f));
	*ret = f;
	return OK;
}

static void
give_fetch(struct identity *i, struct fetch *f)
{
	pthread_mutex_lock(&i->lock);
	if (i->nidle < POOL) {
		i->idle[i->nidle++] = f;
		f = NULL;
	}
	pthread_mutex_unlock(&i->lock);
	fetch_free(f);
}

static err_t
seal(struct identity *i, struct arena *a, const struct order *o, struct str *ret)
{
	auto_buf struct buf bytes, in;
	struct keys_seal_rep rep;
	struct str out;

	buf_init(&bytes, LIMIT_ORDER_BYTES);
	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(order_encode(o, &bytes));
	TRY(keys_seal_req_encode(&(struct keys_seal_req){ buf_str(&bytes) }, &in));
	TRY(ipc_call(i->keys, a, KEYS_SEAL_ORDER, true, buf_str(&in), &out));
	TRY(keys_seal_rep_parse(a, out, &rep));
	*ret = rep.sealed;
	return OK;
}

err_t
identity_issue(void *ctx, struct arena *a, const struct order *o, struct str csr,
    struct str *ret_cert, struct str **ret_chain, size_t *retn)
{
	struct identity *i = ctx;
	struct wstep_attr attrs[2];
	struct wstep_reply rep = { 0 };
	struct fetch *f;
	struct str sealed;
	err_t e;

	TRY(seal(i, a, o, &sealed));
	attrs[0] = (struct wstep_attr){ "CertificateTemplate", o->template };
	attrs[1] = (struct wstep_attr){ "ChanceryOrder", text_base64(a, sealed) };
	TRY(take_fetch(i, &f));
	e = wstep_submit(f, a, &(struct wstep_server){ .url = i->url }, csr, attrs, COUNT(attrs),
	    SUBMIT_TIMEOUT_MS, &rep);
	give_fetch(i, f);
	TRY_CTX(e, "device-identity CA");
	if (rep.outcome != WSTEP_ISSUED)
		FAIL(ERR_CA_DENIED, "%s (0x%08X)", rep.message, (unsigned)rep.hresult);
	*ret_cert = rep.leaf;
	*ret_chain = rep.chain;
	*retn = rep.nchain;
	return OK;
}

/* JSON to an address of the CA's front; a status that is none of success is an error. */
static err_t
post(struct identity *i, struct arena *a, const char *url, const json *body, int64_t timeout_ms)
{
	static const char *const headers[] = { "Content-Type: application/json", NULL };
	struct fetch_reply rep = { 0 };
	struct fetch *f;
	struct str text;
	err_t e;

	TRY(json_print(a, body, &text));
	TRY(take_fetch(i, &f));
	e = fetch_run(f, a, "POST", url, headers, text, timeout_ms, &rep);
	give_fetch(i, f);
	TRY_CTX(e, "device-identity CA");
	if (rep.status >= 500)
		FAIL(ERR_UNREACHABLE, "the device-identity CA answered %d", rep.status);
	if (rep.status != 200)
		FAIL(ERR_CA_DENIED, "status %d: %s", rep.status, text_safe(a, rep.body));
	return OK;
}

err_t
identity_deposit(void *ctx, struct arena *a, const struct order *o)
{
	struct identity *i = ctx;
	auto_json json *body = json_object_new();
	struct str sealed;

	TRY(seal(i, a, o, &sealed));
	json_set_base64(a, body, "order", sealed);
	json_set_text(body, "challenge", text_hex(a, o->challenge));
	return post(i, a, i->challenge_url, body, SUBMIT_TIMEOUT_MS);
}

err_t
identity_scep(void *ctx, struct arena *a, const char *operation, struct str message,
    int *ret_status, const char **ret_type, struct str *ret_body)
{
	static const char *const headers[] = { "Content-Type: application/x-pki-message", NULL };
	struct identity *i = ctx;
	struct fetch_reply rep = { 0 };
	const char *url = arena_printf(a, "%s?operation=%s", i->scep_url, operation);
	struct fetch *f;
	err_t e;

	TRY(take_fetch(i, &f));
	if (message.n > 0)
		e = fetch_run(f, a, "POST", url, headers, message, SUBMIT_TIMEOUT_MS, &rep);
	else
		e = fetch_run(f, a, "GET", url, NULL, STR_EMPTY, SUBMIT_TIMEOUT_MS, &rep);
	give_fetch(i, f);
	TRY_CTX(e, "device-identity CA");
	*ret_status = rep.status;
	*ret_type = rep.content_type;
	*ret_body = rep.body;
	return OK;
}

err_t
identity_revoke(struct identity *i, struct arena *a, const struct order *o, int64_t timeout_ms)
{
	auto_json json *body = json_object_new();
	struct str sealed;

	TRY(seal(i, a, o, &sealed));
	json_set_base64(a, body, "order", sealed);
	TRY_CTX(post(i, a, i->revoke_url, body, timeout_ms), "revocation");
	return OK;
}
