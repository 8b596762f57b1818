/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connector encrypts passwords of imported certificates to the import key of another one, which its own administrator
 * admitted on its host: which those are is not the service's to say. Nor is it the link's alone: connector/keys asks for the
 * service's order, and that is sealed for import keys only that another connector says are its own.
 *
 *   lacking    {"key", "after"} -> {"value": [{"id", "key", "padding", "wrapped"}], "after", "order"}: what the caller
 *              opens and what has no copy for that key
 *   rewrapped  {"key", "key_name", "results": [{"id", "wrapped"}]} -> {"accepted": n}; a copy that is there stays
 */
#include "api/connector_job.h"
#include "api/user_pfx.h"
#include "base/limits.h"
#include "model/request.h"

#define PAGE 100
#define ORDER_LIFE 900 /* seconds: of a page's order */

struct work {
	struct arena *a;
	const struct connector *connector;
	const char *key, *key_name;
	struct id after;
	const json *results;
	struct pfx_copy *v;
	size_t n;
	bool theirs; /* another connector says that the key is its own */
	int64_t accepted;
};

static err_t
read_key(struct arena *a, const json *body, const char **ret)
{
	const char *text;
	struct str hash;

	TRY(json_need_text(body, "key", 64, &text));
	TRY_CTX(text_unhex(a, str_c(text), &hash), "\"key\"");
	if (hash.n != 32)
		FAIL(ERR_BAD_REQUEST, "\"key\" must be 64 hexadecimal digits");
	*ret = text_hex(a, hash);
	return OK;
}

/* Whoever took over one connector's link could name any key; the key of another connector he has to take from there. */
static err_t
look_whose(struct tx *tx, struct work *w)
{
	struct page p = { .limit = PAGE };
	struct connector *v;
	bool more;
	size_t n;

	do {
		TRY(store_connector_list(tx, w->a, p, &v, &n, &more));
		for (size_t i = 0; i < n; i++)
			w->theirs |= v[i].enabled && !id_eq(v[i].id, w->connector->id) &&
			    v[i].import_keys != NULL && request_list_has(v[i].import_keys, w->key);
		if (n > 0)
			p.after = v[n - 1].id;
	} while (more);
	return OK;
}

static err_t
look(struct tx *tx, void *arg)
{
	struct work *w = arg;

	TRY(look_whose(tx, w));
	return store_pfx_copies_lack(tx, w->a, w->connector->import_keys, w->key,
	    (struct page){ .after = w->after, .limit = PAGE }, &w->v, &w->n);
}

/* Passwords may be encrypted to this key by this connector. */
static err_t
order_rewrap(struct api *api, const struct work *w, struct str *ret)
{
	struct order o = { .kind = ORDER_REWRAP,
		.id = id_new(),
		.issued = when_now(),
		.expires = when_now() + ORDER_LIFE,
		.ca = "",
		.template = "",
		.sid = "",
		.keep = "",
		.holder = w->connector->holder,
		.maker = w->connector->maker };

	if (!w->theirs)
		FAIL(ERR_ORDER_TARGET, "key %s", w->key);
	if (o.holder.n == 0 || o.maker.n == 0)
		FAIL(ERR_CONNECTOR_HOLDER, "connector %s", w->connector->name);
	TRY(text_unhex(w->a, str_c(w->key), &o.recipient));
	return job_order_seal(api, w->a, &o, ret);
}

err_t
pfx_post_lacking(struct http_req *r)
{
	struct work w = { .a = http_arena(r), .connector = http_caller(r) };
	auto_json json *body = NULL, *out = json_object_new();
	json *list = json_array_new();
	const char *after = NULL;
	struct str order;

	json_set(out, "value", list);
	TRY(body_object(r, &body));
	TRY(read_key(w.a, body, &w.key));
	TRY(json_want_text(body, "after", ID_TEXT, &after));
	if (after != NULL && after[0] != '\0')
		TRY(id_parse(str_c(after), &w.after));
	TRY(store_read(api_of(r)->store, look, &w));
	TRY(order_rewrap(api_of(r), &w, &order));
	json_set_base64(w.a, out, "order", order);
	for (size_t i = 0; i < w.n; i++) {
		json *j = json_object_new();

		json_set_id(w.a, j, "id", w.v[i].pfx);
		json_set_text(j, "key", w.v[i].key);
		json_set_int(j, "padding", w.v[i].padding);
		json_set_base64(w.a, j, "wrapped", w.v[i].password);
		json_add(list, j);
	}
	json_set_text(out, "after", w.n < PAGE ? "" : id_text(w.a, w.v[w.n - 1].pfx));
	return reply_json(r, 200, out);
}

/* Only what the caller can open itself, and what has none for that key. */
static err_t
may_put(struct tx *tx, struct work *w, struct id pfx, bool *ret)
{
	struct pfx_copy *v;
	bool opens = false, there = false;
	size_t n;

	TRY(store_pfx_copies(tx, w->a, pfx, &v, &n));
	for (size_t i = 0; i < n; i++) {
		struct str rest = str_c(w->connector->import_keys);

		there |= str_ieq_c(str_c(v[i].key), w->key);
		while (rest.n > 0)
			opens |= str_ieq_c(str_cut(&rest, ','), v[i].key);
	}
	*ret = opens && !there;
	return OK;
}

static err_t
put_one(struct tx *tx, struct work *w, const json *j)
{
	struct pfx_copy c = { .key = w->key, .key_name = w->key_name, .padding = PFX_OAEP_SHA256 };
	bool may;

	TRY(json_need_id(j, "id", &c.pfx));
	TRY(json_need_base64(w->a, j, "wrapped", 1024, &c.password));
	TRY(may_put(tx, w, c.pfx, &may));
	if (!may || c.password.n < 256)
		return OK;
	w->accepted++;
	return store_pfx_copy_put(tx, &c);
}

static err_t
put(struct tx *tx, void *arg)
{
	struct work *w = arg;

	w->accepted = 0;
	for (size_t i = 0; i < json_count(w->results); i++)
		TRY(put_one(tx, w, json_at(w->results, i)));
	if (w->accepted == 0)
		return OK;
	tx_notify(tx, TOPIC_QUEUE, STR_EMPTY);
	return store_audit_add(tx, arena_printf(w->a, "connector %s", w->connector->name),
	    "pfx.rewrap", arena_printf(w->a, "import-key %s", w->key), "",
	    arena_printf(w->a, "{\"name\":\"%s\",\"certificates\":%lld}", w->key_name,
		(long long)w->accepted));
}

static bool
is_plain(const char *name)
{
	return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_. ") ==
	    strlen(name);
}

err_t
pfx_post_rewrapped(struct http_req *r)
{
	struct work w = { .a = http_arena(r), .connector = http_caller(r), .key_name = "" };
	auto_json json *body = NULL, *out = json_object_new();
	const char *name = NULL;
	json *results;

	TRY(body_object(r, &body));
	TRY(read_key(w.a, body, &w.key));
	TRY(json_want_text(body, "key_name", 64, &name));
	TRY(json_need_array(body, "results", PAGE, &results));
	if (name != NULL && is_plain(name))
		w.key_name = name;
	w.results = results;
	TRY(store_write(api_of(r)->store, put, &w));
	json_set_int(out, "accepted", w.accepted);
	return reply_json(r, 200, out);
}
