/* SPDX-License-Identifier: Apache-2.0 */
#include "connector/link_pfx.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "codec/order.h"

#define TIMEOUT_MS 60000
#define PEM_MAX 8192

static const char *
key_id(struct arena *a, struct str spki)
{
	uint8_t hash[32];

	hash_sha256(spki, hash);
	return text_hex(a, STR(hash));
}

err_t
link_import_keys(const struct link *l, struct arena *a, struct pfx_keys_rep *ret)
{
	struct str out;

	TRY(ipc_call(l->conf.keys, a, PFX_KEY_LIST, true, STR_EMPTY, &out));
	return pfx_keys_rep_parse(a, out, ret);
}

err_t
link_import_names(const struct link *l, struct arena *a, json **ret)
{
	auto_json json *list = json_array_new();
	struct pfx_keys_rep keys;

	TRY(link_import_keys(l, a, &keys));
	for (size_t i = 0; i < keys.names.n; i++) {
		json_add(list, json_text_new(key_id(a, keys.spkis.v[i])));
		json_add(list, json_text_new(arena_printf(a, "name:%s", keys.names.v[i])));
	}
	*ret = steal(list);
	return OK;
}

static json *
key_json(struct arena *a, const char *name, struct str spki)
{
	json *j = json_object_new();

	if (name != NULL)
		json_set_text(j, "name", name);
	json_set_text(j, "id", key_id(a, spki));
	json_set_text(j, "public_key", text_pem(a, "PUBLIC KEY", spki));
	return j;
}

err_t
link_pfx_create(void *ctx, struct arena *a, const json *args, json *answer)
{
	struct link *l = ctx;
	struct pfx_key_req req = { .uri = "" };
	struct pfx_key_rep rep;
	auto_buf struct buf in = { 0 };
	const char *uri = NULL;
	struct str out;
	int64_t bits;

	TRY(json_need_text(args, "name", 64, &req.name));
	TRY(json_want_int(args, "bits", 2048, 8192, 3072, &bits));
	TRY(json_want_text(args, "uri", 1024, &uri));
	req.bits = (uint16_t)bits;
	if (uri != NULL)
		req.uri = uri;
	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(pfx_key_req_encode(&req, &in));
	TRY(ipc_call(l->conf.keys, a, PFX_KEY_MAKE, false, buf_str(&in), &out));
	TRY(pfx_key_rep_parse(a, out, &rep));
	log_event(
	    LOG_LEVEL_INFO, "import key made", "name", req.name, "key", key_id(a, rep.spki), NULL);
	/* Jobs may wait for it. */
	link_ask_again(l);
	json_set_text(answer, "name", req.name);
	json_set_text(answer, "id", key_id(a, rep.spki));
	json_set_text(answer, "public_key", text_pem(a, "PUBLIC KEY", rep.spki));
	return OK;
}

err_t
link_pfx_list(void *ctx, struct arena *a, const json *args, json *answer)
{
	json *ours = json_array_new(), *admitted = json_array_new();
	struct pfx_keys_rep keys;

	(void)args;
	json_set(answer, "keys", ours);
	json_set(answer, "admitted", admitted);
	TRY(link_import_keys(ctx, a, &keys));
	for (size_t i = 0; i < keys.names.n; i++)
		json_add(ours, key_json(a, keys.names.v[i], keys.spkis.v[i]));
	for (size_t i = 0; i < keys.admitted.n; i++)
		json_add(admitted, key_json(a, NULL, keys.admitted.v[i]));
	return OK;
}

err_t
link_pfx_admit(void *ctx, struct arena *a, const json *args, json *answer)
{
	struct link *l = ctx;
	auto_buf struct buf in = { 0 };
	struct pfx_admit_req req;
	struct str out;
	const char *pem;
	size_t n;

	TRY(json_need_text(args, "public_key", PEM_MAX, &pem));
	TRY(text_unpem(a, str_c(pem), "PUBLIC KEY", &req.spki, 1, &n));
	if (n != 1)
		FAIL(ERR_KEY, "no public key in PEM");
	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(pfx_admit_req_encode(&req, &in));
	TRY(ipc_call(l->conf.keys, a, PFX_KEY_ADMIT, true, buf_str(&in), &out));
	log_event(LOG_LEVEL_INFO, "import key of another connector admitted", "key",
	    key_id(a, req.spki), NULL);
	json_set_text(answer, "id", key_id(a, req.spki));
	return OK;
}

/* {"error": {"message", "details": [{"code"}]}}: the service's fault becomes ours. */
static err_t
refused(struct arena *a, const char *url, const struct fetch_reply *rep)
{
	auto_json json *answer = NULL;
	const struct err_info *info = NULL;
	const json *error = NULL;
	err_t e = json_parse(rep->body, LIMIT_HTTP_REPLY, &answer);

	if (err_ok(e)) {
		error = json_get(answer, "error");
		info = err_info_by_id(
		    json_text(json_get(json_at(json_get(error, "details"), 0), "code")));
	}
	err_forget(e);
	if (info != NULL && info->code != ERR_NONE)
		FAIL(info->code, "%s says: %.300s", url,
		    text_safe(a, str_c(json_text(json_get(error, "message")))));
	FAIL(ERR_HTTP_STATUS, "%s answered %d: %.300s", url, rep->status, text_safe(a, rep->body));
}

/* One exchange with the service. */
static err_t
post(struct fetch *f, const struct join *j, struct arena *a, const char *path, const json *msg,
    json **ret)
{
	static const char *const headers[] = { "Content-Type: application/json", NULL };
	const char *url = arena_printf(a, "%s%s", j->service_url, path);
	struct fetch_reply rep;
	struct str text;

	TRY(json_print(a, msg, &text));
	TRY(fetch_run(f, a, "POST", url, headers, text, TIMEOUT_MS, &rep));
	if (rep.status != 200)
		return refused(a, url, &rep);
	return json_parse(rep.body, LIMIT_HTTP_REPLY, ret);
}

/* Where to, and the service's order for it. */
struct target {
	struct str key, order;
};

static err_t
rewrap_one(struct link *l, struct arena *a, const json *item, const struct target *to, json *result)
{
	struct pfx_rewrap_req req = { .to = to->key, .order = to->order };
	struct pfx_rewrap_rep rep;
	auto_buf struct buf in = { 0 };
	struct str out;
	int64_t padding;

	TRY(json_need_text(item, "key", 80, &req.key));
	TRY(json_need_int(item, "padding", 0, 255, &padding));
	TRY(json_need_base64(a, item, "wrapped", 1024, &req.wrapped));
	req.padding = (uint8_t)padding;
	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(pfx_rewrap_req_encode(&req, &in));
	TRY(ipc_call(l->conf.keys, a, PFX_REWRAP, true, buf_str(&in), &out));
	TRY(pfx_rewrap_rep_parse(a, out, &rep));
	json_set_text(result, "id", json_text(json_get(item, "id")));
	json_set_base64(a, result, "wrapped", rep.wrapped);
	return OK;
}

/* What cannot be opened is counted and left. */
static err_t
rewrap_all(struct link *l, struct arena *a, const json *items, const struct target *to,
    json *results, int64_t *failed)
{
	for (size_t i = 0; i < json_count(items); i++) {
		auto_json json *result = json_object_new();
		err_t e = rewrap_one(l, a, json_at(items, i), to, result);

		if (err_ok(e)) {
			json_add(results, json_ref(result));
			continue;
		}
		if (err_info(e.code)->http >= 500)
			return e;
		err_forget(e);
		++*failed;
	}
	return OK;
}

err_t
link_pfx_rewrap(void *ctx, struct arena *a, const json *args, json *answer)
{
	struct link *l = ctx;
	auto_json json *ask = json_object_new(), *page = NULL, *put = json_object_new(),
		       *done = NULL;
	json *results = json_array_new();
	auto_fetch struct fetch *f = NULL;
	const struct join *j;
	const char *id, *after = NULL;
	int64_t failed = 0;
	struct target to;

	json_set(put, "results", results);
	TRY(json_need_text(args, "id", 64, &id));
	TRY(json_want_text(args, "after", ID_TEXT, &after));
	TRY(text_unhex(a, str_c(id), &to.key));
	pthread_mutex_lock(&l->lock);
	j = l->join;
	pthread_mutex_unlock(&l->lock);
	if (j == NULL)
		FAIL(ERR_NOT_JOINED, "%s", "");
	TRY(join_fetch(j, &f));
	json_set_text(ask, "key", id);
	json_set_text(ask, "after", after == NULL ? "" : after);
	TRY(post(f, j, a, "/connector/v1/pfx/lacking", ask, &page));
	TRY(json_need_base64(a, page, "order", LIMIT_SEALED_BYTES, &to.order));
	TRY(rewrap_all(l, a, json_get(page, "value"), &to, results, &failed));
	json_set_text(put, "key", id);
	json_set_text(put, "key_name", json_text(json_get(args, "name")));
	TRY(post(f, j, a, "/connector/v1/pfx/rewrapped", put, &done));
	json_set_int(answer, "done", (int64_t)json_count(results));
	json_set_int(answer, "failed", failed);
	json_set_text(answer, "after", json_text(json_get(page, "after")));
	return OK;
}
