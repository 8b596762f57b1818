/* SPDX-License-Identifier: Apache-2.0 */
#include "api/connector_release.h"

#include "api/reply.h"
#include "codec/release.h"
#include "store/access.h"
#include "store/release.h"

#define REPORT_MAX 4096u
#define TURN_S 900 /* for fetching, the switch and its trial */
#define HEARD_S 300
#define PAGE 200u

err_t
connector_report_read(struct arena *a, const json *body, struct connector *seen)
{
	const json *report = json_get(body, "report");
	struct str text;

	if (json_is_null(report))
		return OK;
	if (!json_is_object(report))
		FAIL(ERR_BAD_REQUEST, "\"report\" must be an object");
	TRY(json_print(a, report, &text));
	if (text.n > REPORT_MAX)
		FAIL(ERR_TOO_LARGE, "\"report\" has %u bytes at most", REPORT_MAX);
	seen->report = arena_cstr(a, text);
	return OK;
}

static json *
report_of(const struct connector *c)
{
	json *report = NULL;

	if (c->report != NULL && *c->report != '\0')
		err_forget(json_parse(str_c(c->report), REPORT_MAX, &report));
	return report == NULL ? json_object_new() : report;
}

bool
connector_report_same(const struct connector *a, const struct connector *b)
{
	auto_json json *x = report_of(a), *y = report_of(b);

	return json_equal(json_get(x, "update"), json_get(y, "update"));
}

static bool
says(const struct connector *c, const char *key, const char *value)
{
	auto_json json *report = report_of(c);

	return strcmp(json_text(json_get(json_get(report, "update"), key)), value) == 0;
}

static bool
has_failed(const struct connector *c, const char *version)
{
	return says(c, "failed", version) || says(c, "refused", version);
}

/* ---- whose turn it is ---- */

struct turn {
	struct arena *a;
	struct id id;
	struct release_row release;
	struct connector connector;
	bool granted;
};

/* Nobody else is at it, and nobody failed with it. */
static err_t
others_are_done(struct tx *tx, const struct turn *t, bool *ret)
{
	struct page p = { .limit = PAGE };
	bool more = true;

	*ret = true;
	while (more && *ret) {
		auto_arena struct arena *a = arena_new();
		struct connector *v;
		size_t n;

		TRY(store_connector_list(tx, a, p, &v, &n, &more));
		for (size_t i = 0; i < n; i++) {
			const struct connector *o = &v[i];
			bool at_it = o->turn != 0 && when_now() - o->turn < TURN_S &&
			    strcmp(o->version, t->release.version) != 0;

			p.after = o->id;
			if (id_eq(o->id, t->id) || !id_eq(o->wanted, t->release.id))
				continue;
			if (at_it || has_failed(o, t->release.version))
				*ret = false;
		}
	}
	return OK;
}

static err_t
look_for_turn(struct tx *tx, void *arg)
{
	struct turn *t = arg;

	t->granted = false;
	TRY(store_connector_get(tx, t->a, t->id, &t->connector));
	if (id_is_zero(t->connector.wanted))
		return OK;
	TRY(store_release_get(tx, t->a, t->connector.wanted, &t->release));
	if (strcmp(t->connector.version, t->release.version) == 0 ||
	    !says(&t->connector, "mode", "signed") ||
	    says(&t->connector, "failed", t->release.version))
		return OK;
	return others_are_done(tx, t, &t->granted);
}

static err_t
take_turn(struct tx *tx, void *arg)
{
	struct turn *t = arg;

	TRY(look_for_turn(tx, arg));
	if (!t->granted || t->connector.turn != 0)
		return OK;
	t->connector.turn = when_now();
	TRY(store_connector_update(tx, &t->connector));
	return store_audit_add(tx, "connector", "connector.release.offer",
	    arena_printf(t->a, "connector %s", id_text(t->a, t->id)), "",
	    arena_printf(t->a, "{\"version\":\"%s\"}", t->release.version));
}

err_t
connector_offer(
    struct http_req *r, const struct connector *c, const json *body, json *out, bool *ret_news)
{
	struct api *api = api_of(r);
	struct arena *a = http_arena(r);
	const char *known = json_text(json_get(json_get(body, "report"), "offer"));
	struct turn t = { .a = a, .id = c->id };
	json *offer;

	*ret_news = *known != '\0';
	/* Who was parked is known as it was then. */
	if (id_is_zero(c->wanted) && http_first_run(r))
		return OK;
	TRY(store_read(api->store, look_for_turn, &t));
	if (t.granted && t.connector.turn == 0)
		TRY(store_write(api->store, take_turn, &t));
	if (!t.granted)
		return OK;
	offer = json_object_new();
	json_set(out, "update", offer);
	json_set_id(a, offer, "id", t.release.id);
	json_set_text(offer, "version", t.release.version);
	json_set_int(offer, "size", t.release.size);
	json_set_text(offer, "sha256", text_hex(a, t.release.sha256));
	*ret_news = strcmp(known, id_text(a, t.release.id)) != 0;
	return OK;
}

struct part {
	struct arena *a;
	struct id id;
	int64_t at;
	struct str bytes;
};

static err_t
read_part(struct tx *tx, void *arg)
{
	struct part *p = arg;

	return store_release_part(tx, p->a, p->id, p->at, &p->bytes);
}

err_t
connector_release_part(struct http_req *r)
{
	const struct connector *c = http_caller(r);
	const char *offset = http_query(r, "offset");
	struct part p = { .a = http_arena(r) };

	TRY(param_id(r, "id", &p.id));
	TRY(text_i64(str_c(offset == NULL ? "0" : offset), 0, LIMIT_RELEASE_BYTES, &p.at));
	if (!id_eq(c->wanted, p.id) || c->turn == 0)
		FAIL(ERR_NOT_FOUND, "no such release");
	TRY(store_read(api_of(r)->store, read_part, &p));
	return http_reply(r, 200, "application/octet-stream", p.bytes);
}

/* ---- for people and collectors ---- */

json *
connector_update_json(struct arena *a, const struct connector *c)
{
	static const char *const shown[] = { "mode", "state", "release", "previous", "until",
		"failed", "refused", "fault", "detail" };
	auto_json json *report = report_of(c);
	const json *said = json_get(report, "update");
	json *j = json_object_new();

	for (size_t i = 0; i < COUNT(shown); i++)
		if (!json_is_null(json_get(said, shown[i])))
			json_set(j, shown[i], json_ref(json_get(said, shown[i])));
	json_set_id(a, j, "wantedRelease", c->wanted);
	json_set_when(a, j, "offeredDateTime", c->turn);
	return j;
}

json *
connector_keys_json(const struct connector *c)
{
	auto_json json *report = report_of(c);
	json *keys = json_get(report, "keys");

	return json_is_array(keys) ? json_ref(keys) : json_array_new();
}

/* A label's value: Prometheus text, exposition format 0.0.4. */
static const char *
label(struct arena *a, const char *text)
{
	char *out = arena_alloc(a, 2 * strlen(text) + 1), *to = out;

	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\' || *text == '\n')
			*to++ = '\\';
		*to++ = *text == '\n' ? 'n' : *text;
	}
	*to = '\0';
	return out;
}

static err_t
put_keys(
    struct arena *a, const struct connector *c, const char *name, const char *key, struct buf *out)
{
	auto_json json *keys = connector_keys_json(c);

	for (size_t i = 0; i < json_count(keys); i++)
		TRY(buf_printf(out, "%s{connector=\"%s\",id=\"%s\",bits=\"%lld\"} %lld\n", name,
		    label(a, c->name), id_text(a, c->id),
		    (long long)json_int(json_get(json_at(keys, i), "bits")),
		    (long long)json_int(json_get(json_at(keys, i), key))));
	return OK;
}

static err_t
put_up(
    struct arena *a, const struct connector *c, const char *name, const char *key, struct buf *out)
{
	bool heard = c->enabled && when_now() - c->last_contact < HEARD_S;

	(void)key;
	return buf_printf(out, "%s{connector=\"%s\",id=\"%s\"} %d\n", name, label(a, c->name),
	    id_text(a, c->id), heard ? 1 : 0);
}

bool
connector_update_failed(const struct connector *c)
{
	return !says(c, "failed", "") || !says(c, "refused", "");
}

static err_t
put_update(
    struct arena *a, const struct connector *c, const char *name, const char *key, struct buf *out)
{
	bool failed = connector_update_failed(c);

	(void)key;
	return buf_printf(out, "%s{connector=\"%s\",id=\"%s\"} %d\n", name, label(a, c->name),
	    id_text(a, c->id), failed ? 1 : 0);
}

static const struct row_of_metrics {
	const char *name, *key, *help;
	err_t (*put)(struct arena *a, const struct connector *c, const char *name, const char *key,
	    struct buf *out);
} metric_rows[] = {
	{ "chancery_connector_up", "", "Whether the connector was heard of within five minutes.",
	    put_up },
	{ "chancery_connector_ready_keys", "ready", "Key pairs that the connector has ready.",
	    put_keys },
	{ "chancery_connector_ready_keys_room", "room",
	    "Key pairs that the connector keeps ready at most.", put_keys },
	{ "chancery_connector_update_failed", "",
	    "Whether a release was refused by the connector or taken back.", put_update },
};

err_t
connector_metrics(struct tx *tx, struct arena *a, struct buf *out)
{
	for (size_t i = 0; i < COUNT(metric_rows); i++) {
		const struct row_of_metrics *m = &metric_rows[i];
		struct page p = { .limit = PAGE };
		bool more = true;

		TRY(buf_printf(out, "# HELP %s %s\n# TYPE %s gauge\n", m->name, m->help, m->name));
		while (more) {
			struct connector *v;
			size_t n;

			TRY(store_connector_list(tx, a, p, &v, &n, &more));
			for (size_t k = 0; k < n; k++) {
				TRY(m->put(a, &v[k], m->name, m->key, out));
				p.after = v[k].id;
			}
		}
	}
	return OK;
}
