/* SPDX-License-Identifier: Apache-2.0 */
#include "device/device.h"

#include "codec/json.h"
#include "model/challenge.h"
#include "model/scep_validate.h"
#include "model/enrol_scep.h"
#include "model/life.h"
#include "model/renew.h"
#include "model/secret.h"
#include "model/use.h"
#include "pki/key.h"

struct lookup {
	struct arena *a;
	struct str sha256;
	struct device *device;
};

static err_t
find(struct tx *tx, void *arg)
{
	struct lookup *l = arg;

	return store_device_by_identity(tx, l->a, l->sha256, l->device);
}

struct caller {
	struct device device;
	bool calm;
	struct calm_hit hit;
};

err_t
device_known(const struct device_edge *edge, struct arena *a, struct str cert, unsigned perm,
    struct device **ret)
{
	struct device *device = ARENA_NEW(a, struct device);
	uint8_t hash[32];
	struct lookup l = { a, STR(hash), device };
	err_t e;

	hash_sha256(cert, hash);
	e = store_read(edge->store, find, &l);
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		e = renew_used_device(edge->store, a, STR(hash), device);
	}
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		e = enrol_scep_bind(edge->store, a, cert, device);
	}
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		FAIL(ERR_DEVICE_UNKNOWN, "certificate %s", text_hex(a, STR(hash)));
	}
	TRY(e);
	if (device->state != DEVICE_ACTIVE &&
	    !(device->state == DEVICE_RETIRED && perm == DEVICE_LEAVING))
		return life_refuse(edge->store, a, device->id);
	*ret = device;
	return OK;
}

err_t
device_gate(struct http_req *r, unsigned perm)
{
	struct device_edge *edge = http_ctx(r);
	struct arena *a = http_arena(r);
	struct str cert = http_peer_cert(r);
	struct caller *caller = ARENA_NEW(a, struct caller);
	struct device *device;

	if (perm == DEVICE_ANYONE)
		return OK;
	if (http_peer_over(r))
		FAIL(ERR_IDENTITY_OVER, "%s", "");
	if (cert.n == 0)
		FAIL(ERR_DEVICE_UNKNOWN, "no client certificate was presented");
	if (perm == DEVICE_LEAVING && calm_find(edge->calm, cert, http_body(r), &caller->hit)) {
		caller->calm = true;
		caller->device.id = caller->hit.device;
		http_set_caller(r, caller);
		return OK;
	}
	if (http_on_loop(r))
		FAIL(ERR_BUSY, "the store has to be asked");
	TRY(device_known(edge, a, cert, perm, &device));
	caller->device = *device;
	http_set_caller(r, caller);
	return OK;
}

const struct device *
device_caller(const struct http_req *r)
{
	const struct caller *c = http_caller(r);

	return &c->device;
}

bool
device_calm(const struct http_req *r, const struct calm_hit **ret)
{
	const struct caller *c = http_caller(r);

	*ret = &c->hit;
	return c->calm;
}

/* Scheme, host and port are compared as addresses are, the rest is whose it is. */
static bool
is_own(const struct device_edge *edge, const char *url)
{
	size_t n = strlen(edge->url);

	return strlen(url) > n && url[n] == '/' && str_ieq_c(str_of(url, n), edge->url);
}

err_t
device_network_key(
    const struct device_edge *edge, struct arena *a, const struct command *c, const char **ret)
{
	const struct wifi *w = c->what->use->wifi;

	*ret = "";
	if (!wifi_by_key(w))
		return OK;
	return secrets_open(edge->keys, a, c->profile->id, WIFI_KEY,
	    w->shared_key == NULL ? "" : w->shared_key, ret);
}

err_t
device_enrol_of(const struct device_edge *edge, struct arena *a, const struct command *c,
    struct device_enrol *ret)
{
	struct device_enrol e = { .nurls = c->what->nurls };

	/* Our CA knows the short one by its hash; others ask us, and we find the request by it. */
	if (c->what->ca[0] != '\0')
		TRY(challenge_of(edge->keys, a, c->request, c->fence, &e.challenge));
	else
		TRY(scep_challenge_of(edge->keys, a, c->request, c->fence, &e.challenge));
	e.urls = arena_array(a, e.nurls + 1, sizeof(*e.urls));
	for (size_t i = 0; i < e.nurls; i++)
		e.urls[i] = is_own(edge, c->what->urls[i]) ?
		    arena_printf(a, "%s/scep/%s/pkiclient.exe", edge->url, id_text(a, c->request)) :
		    c->what->urls[i];
	*ret = e;
	return OK;
}

void
device_error(struct http_req *r, err_t e)
{
	struct device_edge *edge = http_ctx(r);
	struct arena *a = http_arena(r);
	struct err_report rep;
	const struct err_info *info;
	auto_json json *body = json_object_new();
	json *error = json_object_new();
	struct str text;

	json_set(body, "error", error);
	err_take(e, &rep);
	edge_count_refused(edge->count, rep.code);
	refusals_note(edge->refusals, REFUSED_DEVICE, rep.code, http_peer_addr(r), rep.detail);
	for (size_t i = 0; i < platform_count; i++)
		if (platform_table[i]->error != NULL && platform_table[i]->error(r, &rep))
			return;
	info = err_info(rep.code);
	json_set_text(error, "id", info->id);
	json_set_text(error, "message", info->text);
	/* What broke inside is for our log; what the caller did wrong is for the caller. */
	json_set_text(error, "detail", info->http < 500 ? text_safe(a, str_c(rep.detail)) : "");
	json_set_text(error, "hint", info->hint);
	if (info->http == 503)
		http_reply_header(r, "Retry-After", "2");
	e = json_print(a, body, &text);
	if (err_ok(e))
		e = http_reply(r, info->http, "application/json", text);
	err_forget(e);
}
