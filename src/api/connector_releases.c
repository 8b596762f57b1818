/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /chancery/v1/connectorReleases: releases of the connector, uploaded in parts, and which connectors shall go over to them.
 *
 *   POST   /chancery/v1/connectorReleases                {"size", "sha256"}; then parts; the last one makes it whole
 *   POST   /chancery/v1/connectorReleases/{id}/parts     {"offset", "data"}
 *   POST   /chancery/v1/connectorReleases/{id}/offer     {"connectors": [ids]} or {"all": true}
 *   POST   /chancery/v1/connectorReleases/{id}/withdraw  the same
 *
 * What the bundle says of itself is shown, not believed: connectors check it (api/connector_release.h).
 */
#include "api/connector_release.h"
#include "api/users.h"
#include "codec/release.h"
#include "pki/key.h"
#include "store/release.h"

#define SET "connectorReleases"
#define PATH "/chancery/v1/" SET
#define PART_MAX (512u << 10)
#define PAGE 200u
#define NAMED_MAX 1000u
#define KEPT_MAX 32u

static json *
release_json(struct arena *a, const struct release_row *r)
{
	json *j = json_object_new();

	json_set_id(a, j, "id", r->id);
	json_set_text(j, "version", r->version);
	json_set_text(j, "machine", r->machine);
	json_set_text(j, "state", *r->version == '\0' ? "uploading" : "complete");
	json_set_int(j, "size", r->size);
	json_set_int(j, "received", r->got);
	json_set_text(j, "sha256", text_hex(a, r->sha256));
	json_set_when(a, j, "createdDateTime", r->created);
	return j;
}

static err_t
read_page(struct tx *tx, struct arena *a, struct page p, const void *arg, const struct query *q,
    struct rows *rows, bool *more)
{
	struct release_row *v;
	size_t n;

	(void)arg;
	(void)q;
	TRY(store_release_list(tx, a, p, &v, &n, more));
	for (size_t i = 0; i < n; i++)
		rows_add(rows, v[i].id, release_json(a, &v[i]));
	return OK;
}

static const struct collection releases = { .set = SET, .read = read_page };

static err_t
list(struct http_req *r)
{
	return reply_collection(r, &releases, 0);
}

struct change {
	struct arena *a;
	const char *actor;
	struct id id;
	struct release_row release;
	struct str part;
	int64_t at;
	bool all, offer;
	const struct id *ids; /* of connectors */
	size_t nids, changed;
};

static err_t
look(struct tx *tx, void *arg)
{
	struct change *c = arg;

	return store_release_get(tx, c->a, c->id, &c->release);
}

static err_t
get(struct http_req *r)
{
	struct change c = { .a = http_arena(r) };
	struct query q;

	TRY(param_id(r, "id", &c.id));
	TRY(query_read(r, QUERY_ENTITY, &q));
	TRY(store_read(api_of(r)->store, look, &c));
	return reply_entity(r, 200, SET, NULL, &q, release_json(c.a, &c.release));
}

static err_t
insert(struct tx *tx, void *arg)
{
	struct change *c = arg;
	struct release_row *v;
	const char *after;
	size_t n;
	bool more;

	TRY(store_release_list(tx, c->a, (struct page){ .limit = KEPT_MAX }, &v, &n, &more));
	if (n == KEPT_MAX)
		FAIL(ERR_CONFLICT, "%u releases are kept; delete one first", KEPT_MAX);
	TRY(store_release_insert(tx, &c->release));
	TRY(entity_text(c->a, release_json(c->a, &c->release), &after));
	return store_audit_add(tx, c->actor, "connector.release.create",
	    target_text(c->a, "release", c->release.id), "", after);
}

static err_t
post(struct http_req *r)
{
	const struct caller *who = http_caller(r);
	struct change c = { .a = http_arena(r), .actor = who->actor };
	auto_json json *body = NULL;
	const char *hash;

	TRY(body_object(r, &body));
	c.release = (struct release_row){
		.id = id_new(), .version = "", .machine = "", .created = when_now()
	};
	TRY(json_need_int(body, "size", 1, LIMIT_RELEASE_BYTES, &c.release.size));
	TRY(json_need_text(body, "sha256", 64, &hash));
	TRY(text_unhex(c.a, str_c(hash), &c.release.sha256));
	if (c.release.sha256.n != 32)
		FAIL(ERR_BAD_REQUEST, "\"sha256\" must be 64 hexadecimal digits");
	TRY(store_write(api_of(r)->store, insert, &c));
	return reply_entity(r, 201, SET,
	    arena_printf(c.a, "/" SET "/%s", id_text(c.a, c.release.id)), NULL,
	    release_json(c.a, &c.release));
}

static err_t
read_whole(struct tx *tx, struct change *c, struct buf *out)
{
	while ((int64_t)out->n < c->release.size) {
		auto_arena struct arena *a = arena_new();
		struct str part;

		TRY(store_release_part(tx, a, c->id, (int64_t)out->n, &part));
		TRY(buf_put(out, part));
	}
	return OK;
}

/* All of it is there: what does it call itself? */
static err_t
complete(struct tx *tx, struct change *c)
{
	auto_buf struct buf whole = { 0 };
	struct release_frame f;
	struct release stated;
	uint8_t hash[32];
	int64_t content = 0;

	buf_init(&whole, LIMIT_RELEASE_BYTES);
	TRY(read_whole(tx, c, &whole));
	hash_sha256(buf_str(&whole), hash);
	if (!str_eq(STR(hash), c->release.sha256))
		FAIL(ERR_RELEASE_DAMAGED, "its SHA-256 is %s", text_hex(c->a, STR(hash)));
	TRY(release_frame_parse(buf_str(&whole), &f));
	TRY(release_parse(c->a, f.manifest, &stated));
	for (size_t i = 0; i < stated.nfiles; i++)
		content += (int64_t)stated.files[i].size;
	if (content != (int64_t)f.content.n)
		FAIL(ERR_RELEASE_DAMAGED, "it has %zu bytes of files, not %lld", f.content.n,
		    (long long)content);
	c->release.version = stated.version;
	c->release.machine = stated.machine;
	return OK;
}

static err_t
add_part(struct tx *tx, void *arg)
{
	struct change *c = arg;
	const char *after;

	TRY(look(tx, arg));
	if (c->at != c->release.got)
		FAIL(ERR_STATE_MOVED, "the next part begins at %lld", (long long)c->release.got);
	if ((int64_t)c->part.n > c->release.size - c->release.got)
		FAIL(ERR_RELEASE_DAMAGED, "it has %lld bytes, as was announced",
		    (long long)c->release.size);
	TRY(store_release_part_add(tx, c->id, c->at, c->part));
	c->release.got += (int64_t)c->part.n;
	if (c->release.got == c->release.size)
		TRY(complete(tx, c));
	TRY(store_release_update(tx, &c->release));
	if (c->release.got < c->release.size)
		return OK;
	TRY(entity_text(c->a, release_json(c->a, &c->release), &after));
	return store_audit_add(tx, c->actor, "connector.release.upload",
	    target_text(c->a, "release", c->id), "", after);
}

static err_t
post_part(struct http_req *r)
{
	const struct caller *who = http_caller(r);
	struct change c = { .a = http_arena(r), .actor = who->actor };
	auto_json json *body = NULL;

	TRY(param_id(r, "id", &c.id));
	TRY(body_object(r, &body));
	TRY(json_need_int(body, "offset", 0, LIMIT_RELEASE_BYTES, &c.at));
	TRY(json_need_base64(c.a, body, "data", PART_MAX, &c.part));
	if (c.part.n == 0)
		FAIL(ERR_BAD_REQUEST, "\"data\" is empty");
	TRY(store_write(api_of(r)->store, add_part, &c));
	return reply_entity(r, 200, SET, NULL, NULL, release_json(c.a, &c.release));
}

static bool
is_meant(const struct change *c, const struct connector *x)
{
	for (size_t i = 0; i < c->nids; i++)
		if (id_eq(c->ids[i], x->id))
			return true;
	return c->all;
}

static err_t
want(struct tx *tx, void *arg)
{
	struct change *c = arg;
	struct page p = { .limit = PAGE };
	bool more = true;

	c->changed = 0;
	TRY(look(tx, arg));
	if (c->offer && *c->release.version == '\0')
		FAIL(ERR_STATE_MOVED, "%lld of %lld bytes were uploaded", (long long)c->release.got,
		    (long long)c->release.size);
	while (more) {
		struct connector *v;
		size_t n;

		TRY(store_connector_list(tx, c->a, p, &v, &n, &more));
		for (size_t i = 0; i < n; i++) {
			p.after = v[i].id;
			if (!is_meant(c, &v[i]) || (!c->offer && !id_eq(v[i].wanted, c->id)))
				continue;
			v[i].wanted = c->offer ? c->id : (struct id){ 0 };
			v[i].turn = 0;
			c->changed++;
			TRY(store_connector_update(tx, &v[i]));
		}
	}
	if (c->offer && c->changed == 0)
		FAIL(ERR_NOT_FOUND, "none of these connectors is known");
	tx_notify(tx, TOPIC_QUEUE, STR_EMPTY);
	return store_audit_add(tx, c->actor,
	    c->offer ? "connector.release.want" : "connector.release.withdraw",
	    target_text(c->a, "release", c->id), "",
	    arena_printf(
		c->a, "{\"version\":\"%s\",\"connectors\":%zu}", c->release.version, c->changed));
}

static err_t
read_meant(struct change *c, const json *body)
{
	json *list = NULL;
	struct id *ids;

	c->all = json_true(json_get(body, "all"));
	TRY(json_want_array(body, "connectors", NAMED_MAX, &list));
	if (c->all == (json_count(list) > 0))
		FAIL(ERR_BAD_REQUEST, "either \"all\" or \"connectors\"");
	ids = arena_array(c->a, json_count(list) + 1, sizeof(*ids));
	for (; c->nids < json_count(list); c->nids++)
		TRY(id_parse(str_c(json_text(json_at(list, c->nids))), &ids[c->nids]));
	c->ids = ids;
	return OK;
}

static err_t
set_wanted(struct http_req *r, bool offer)
{
	const struct caller *who = http_caller(r);
	struct change c = { .a = http_arena(r), .actor = who->actor, .offer = offer };
	auto_json json *body = NULL;
	json *out;

	TRY(param_id(r, "id", &c.id));
	TRY(body_object(r, &body));
	TRY(read_meant(&c, body));
	TRY(store_write(api_of(r)->store, want, &c));
	out = release_json(c.a, &c.release);
	json_set_int(out, "connectors", (int64_t)c.changed);
	return reply_entity(r, 200, SET, NULL, NULL, out);
}

static err_t
post_offer(struct http_req *r)
{
	return set_wanted(r, true);
}

static err_t
post_withdraw(struct http_req *r)
{
	return set_wanted(r, false);
}

static err_t
remove_release(struct tx *tx, void *arg)
{
	struct change *c = arg;
	const char *before;

	c->all = true;
	TRY(want(tx, arg));
	TRY(entity_text(c->a, release_json(c->a, &c->release), &before));
	TRY(store_release_delete(tx, c->id));
	return store_audit_add(tx, c->actor, "connector.release.delete",
	    target_text(c->a, "release", c->id), before, "");
}

static err_t delete (struct http_req *r)
{
	const struct caller *who = http_caller(r);
	struct change c = { .a = http_arena(r), .actor = who->actor };

	TRY(param_id(r, "id", &c.id));
	TRY(store_write(api_of(r)->store, remove_release, &c));
	return reply_empty(r, 204);
}

static const struct http_route routes[] = {
	ROUTE(GET, PATH, PERM_CONNECTORS_READ, list),
	ROUTE(POST, PATH, PERM_CONNECTORS_WRITE, post),
	ROUTE(GET, PATH "/{id}", PERM_CONNECTORS_READ, get),
	ROUTE(DELETE, PATH "/{id}", PERM_CONNECTORS_WRITE, delete),
	ROUTE(POST, PATH "/{id}/parts", PERM_CONNECTORS_WRITE, post_part),
	ROUTE(POST, PATH "/{id}/offer", PERM_CONNECTORS_WRITE, post_offer),
	ROUTE(POST, PATH "/{id}/withdraw", PERM_CONNECTORS_WRITE, post_withdraw),
	{ 0 },
};

const struct resource resource_connector_releases = { "connector_releases", routes };
