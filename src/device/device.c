/* SPDX-License-Identifier: Apache-2.0 */
#include "device/device.h"

#include "codec/json.h"
#include "model/renew.h"
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
device_gate(struct http_req *r, unsigned perm)
{
	struct device_edge *edge = http_ctx(r);
	struct arena *a = http_arena(r);
	struct str cert = http_peer_cert(r);
	struct caller *caller = ARENA_NEW(a, struct caller);
	struct device *device = &caller->device;
	uint8_t hash[32];
	struct lookup l = { a, STR(hash), device };
	err_t e;

	if (perm == DEVICE_ANYONE)
		return OK;
	if (cert.n == 0)
		FAIL(ERR_DEVICE_UNKNOWN, "no client certificate was presented");
	if (perm == DEVICE_LEAVING && calm_find(edge->calm, cert, http_body(r), &caller->hit)) {
		caller->calm = true;
		device->id = caller->hit.device;
		http_set_caller(r, caller);
		return OK;
	}
	if (http_on_loop(r))
		FAIL(ERR_BUSY, "the store has to be asked");
	hash_sha256(cert, hash);
	e = store_read(edge->store, find, &l);
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		e = renew_used_device(edge->store, a, STR(hash), device);
	}
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		FAIL(ERR_DEVICE_UNKNOWN, "certificate %s", text_hex(a, STR(hash)));
	}
	TRY(e);
	if (device->state != DEVICE_ACTIVE &&
	    !(device->state == DEVICE_RETIRED && perm == DEVICE_LEAVING))
		FAIL(ERR_DEVICE_RETIRED, "device %s", id_text(a, device->id));
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

void
device_error(struct http_req *r, err_t e)
{
	struct arena *a = http_arena(r);
	struct err_report rep;
	const struct err_info *info;
	auto_json json *body = json_object_new();
	json *error = json_object_new();
	struct str text;

	err_take(e, &rep);
	info = err_info(rep.code);
	json_set_text(error, "id", info->id);
	json_set_text(error, "message", info->text);
	/* What broke inside is for our log; what the caller did wrong is for the caller. */
	json_set_text(error, "detail", info->http < 500 ? text_safe(a, str_c(rep.detail)) : "");
	json_set_text(error, "hint", info->hint);
	json_set(body, "error", error);
	if (info->http == 503)
		http_reply_header(r, "Retry-After", "2");
	e = json_print(a, body, &text);
	if (err_ok(e))
		e = http_reply(r, info->http, "application/json", text);
	err_forget(e);
}
