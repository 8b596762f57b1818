/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/service_apple.h"

#include "base/limits.h"
#include "codec/keys_ipc.h"
#include "daemon/push_apple.h"
#include "pki/cert.h"
#include "pki/csr.h"

#define PUSH_NAME "Chancery push"

struct setting {
	struct arena *a;
	const char *topic;
	struct str pem;
};

static err_t
get(struct tx *tx, void *arg)
{
	struct setting *s = arg;
	err_t e = push_certificate_get(tx, s->a, &s->pem);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		s->pem = STR_EMPTY;
		return OK;
	}
	return e;
}

static err_t
put(struct tx *tx, void *arg)
{
	struct setting *s = arg;

	return push_certificate_put(tx, s->topic, s->pem);
}

static err_t
fetch_csr(struct front *f, struct arena *a, struct str *ret)
{
	struct keys_csr_req req = { .which = KEYS_PUSH, .cn = PUSH_NAME };
	struct keys_csr_rep rep;
	auto_buf struct buf in = { 0 };
	struct str out;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(keys_csr_req_encode(&req, &in));
	TRY(ipc_call(f->keys, a, KEYS_CSR, true, buf_str(&in), &out));
	TRY(keys_csr_rep_parse(a, out, &rep));
	*ret = rep.csr;
	return OK;
}

static err_t
check(struct front *f, struct arena *a, struct str pem, struct str *chain, size_t max, size_t *retn,
    const char **ret_topic)
{
	auto_csr struct csr csr = { 0 };
	struct str der, spki;

	TRY(fetch_csr(f, a, &der));
	TRY(csr_parse(a, der, &csr));
	TRY(key_spki(a, csr.key, &spki));
	return push_certificate_check(a, pem, spki, chain, max, retn, ret_topic);
}

static err_t
start_push(struct front *f, const struct service *s, const struct str *chain, size_t n)
{
	struct str *anchors = arena_array(f->arena, LIMIT_CERTS, sizeof(*anchors));
	auto_cert struct cert *cert = NULL;
	auto_key struct key *public = NULL;
	struct push_apple *c = ARENA_NEW(f->arena, struct push_apple);
	struct str spki;

	*c = (struct push_apple){ .store = f->store,
		.url = f->conf->push_url,
		.topic = f->apple_topic,
		.renew_before = f->conf->apple_renew * 86400 };
	TRY(cert_parse(chain[0], &cert));
	expiry_watch(&f->ends_push, "apple-push", cert_not_after(cert), f->metrics);
	TRY(cert_key(cert, &public));
	TRY(key_spki(f->arena, public, &spki));
	f->far_push = (struct far_ipc){ f->keys, KEYS_SIGN, KEYS_PUSH };
	TRY(far_key_open(&f->far_push, spki, &f->push_key));
	c->tls = (struct tls_client_conf){
		.anchors = anchors, .key = f->push_key, .chain = chain, .nchain = n
	};
	if (s->push_ca.n > 0)
		TRY_CTX(text_unpem(f->arena, s->push_ca, "CERTIFICATE", anchors, LIMIT_CERTS,
			    &c->tls.nanchors),
		    "[apple] push_ca");
	return push_start(
	    &(struct push_conf){
		.store = f->store, .metrics = f->metrics, .way = push_apple_way(c) },
	    &f->push);
}

err_t
service_apple_open(struct front *f, const struct service *s)
{
	struct str *chain = arena_array(f->arena, LIMIT_CHAIN_CERTS, sizeof(*chain));
	struct setting set = { .a = f->arena };
	struct err_report why;
	size_t n;
	err_t e;

	f->apple_topic =
	    arena_printf(f->arena, "com.apple.mgmt.External.%s", id_text(f->arena, f->tenant));
	TRY(store_read(f->store, get, &set));
	if (set.pem.n == 0)
		return OK;
	e = check(f, f->arena, set.pem, chain, LIMIT_CHAIN_CERTS, &n, &f->apple_topic);
	if (err_ok(e))
		return start_push(f, s, chain, n);
	/* One that ended stops no service: the topic is what devices know, and they come by of themselves. */
	err_take(e, &why);
	log_report("the push certificate for Apple devices is not used", &why);
	return push_certificate_topic(f->arena, set.pem, &f->apple_topic);
}

err_t
service_apple_csr(void *ctx, struct arena *a, const json *args, json *answer)
{
	struct str csr;

	(void)args;
	TRY(fetch_csr(ctx, a, &csr));
	json_set_text(answer, "csr", text_pem(a, "CERTIFICATE REQUEST", csr));
	return OK;
}

/* The process ends after the answer and begins anew with it. */
err_t
service_apple_accept(void *ctx, struct arena *a, const json *args, json *answer)
{
	struct front *f = ctx;
	struct str *chain = arena_array(a, LIMIT_CHAIN_CERTS, sizeof(*chain));
	struct setting set = { .a = a };
	const char *text;
	size_t n;

	TRY(json_need_text(args, "certificate", LIMIT_CONF_BYTES, &text));
	if (!f->joined)
		FAIL(ERR_NOT_JOINED, "join the service to its CA first");
	set.pem = str_c(text);
	TRY(check(f, a, set.pem, chain, LIMIT_CHAIN_CERTS, &n, &set.topic));
	if (strcmp(set.topic, f->apple_topic) != 0 && f->push != NULL &&
	    !json_true(json_get(args, "new_topic")))
		FAIL(ERR_APPLE_TOPIC, "it is for %s, devices were enrolled for %s",
		    text_safe(a, str_c(set.topic)), f->apple_topic);
	TRY(store_write(f->store, put, &set));
	json_set_text(answer, "topic", set.topic);
	atomic_store(&f->restart, true);
	return OK;
}

err_t
service_apple_show(void *ctx, struct arena *a, const json *args, json *answer)
{
	struct front *f = ctx;

	(void)args;
	json_set_text(
	    answer, "enrolment_page", arena_printf(a, "%s/apple/enrol", f->conf->device_url));
	json_set_text(answer, "topic", f->apple_topic);
	json_set_bool(answer, "push", f->push != NULL);
	json_set_when(a, answer, "push_ends", f->push != NULL ? f->ends_push.until : 0);
	return OK;
}
