/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /deviceManagement/userPfxCertificates: certificates that were imported with their keys (Graph beta
 * userPFXCertificate).
 *
 * The file is under a password, the password is encrypted to import keys of connectors; neither can be opened here,
 * and neither is shown: a GET has "AA==" and "" in their places, and a PATCH that brings these back keeps what is
 * stored. Members of ours: "@chancery.copies" in what is written, one password for each import key;
 * "@chancery.certificate", the certificate inside of a file that our own import packed; "@chancery.keys" in what is
 * read.
 *
 * Rows of /chancery/v1/userPfxCertificates/import are the same bodies; the one that is there already is not written
 * again.
 */
#include "api/reach.h"
#include "api/user_pfx.h"
#include "base/limits.h"
#include "model/diff.h"
#include "pki/wrap.h"

#define SET "deviceManagement/userPfxCertificates"
#define TYPE "#microsoft.graph.userPFXCertificate"

/* "<user's GUID without hyphens>-<thumbprint>" */
static const char *
pfx_key(struct arena *a, const struct user_pfx *p)
{
	return arena_printf(a, "%s-%s", text_hex(a, id_str(&p->user)), p->thumbprint);
}

static err_t
pfx_json(struct tx *tx, struct arena *a, const struct user_pfx *p, json **ret)
{
	auto_json json *j = json_object_new();
	json *keys = json_array_new();
	struct pfx_copy *v;
	size_t n;

	json_set_text(j, "@odata.type", TYPE);
	json_set_text(j, "id", pfx_key(a, p));
	json_set_text(j, "thumbprint", p->thumbprint);
	json_set_text(j, "intendedPurpose", pfx_purpose_name(p->purpose));
	json_set_text(j, "userPrincipalName", p->upn);
	json_set_when(a, j, "startDateTime", p->not_before);
	json_set_when(a, j, "expirationDateTime", p->not_after);
	json_set_text(j, "providerName", p->provider);
	json_set_text(j, "keyName", p->key_name);
	json_set_text(j, "paddingScheme", wrap_padding_name(p->padding));
	json_set_text(j, "encryptedPfxBlob", PFX_KEPT_BLOB);
	json_set_text(j, "encryptedPfxPassword", "");
	json_set_when(a, j, "createdDateTime", p->created);
	json_set_when(a, j, "lastModifiedDateTime", p->modified);
	json_set(j, "@chancery.keys", keys);
	TRY(store_pfx_copies(tx, a, p->id, &v, &n));
	for (size_t i = 0; i < n; i++)
		json_add(keys, json_text_new(v[i].key));
	*ret = steal(j);
	return OK;
}

static err_t
need_user(struct tx *tx, struct arena *a, const char *upn, struct user *ret)
{
	err_t e = user_find(tx, a, upn, ret);

	if (!err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	FAIL(ERR_PFX_USER, "\"userPrincipalName\": %s", text_safe(a, str_c(upn)));
}

/* From a body that names all; ERR_BAD_REQUEST naming what is missing. */
static err_t
fresh(struct tx *tx, struct arena *a, const json *body, struct user_pfx *ret,
    struct pfx_copies *copies)
{
	static const char *const needed[] = { "startDateTime", "expirationDateTime",
		"encryptedPfxBlob" };
	struct user_pfx p = { .id = id_new(),
		.provider = "",
		.key_name = "",
		.padding = PFX_OAEP_SHA512,
		.created = when_now() };
	const char *upn, *thumbprint;
	struct user u;

	TRY(json_need_text(body, "userPrincipalName", LIMIT_TEXT, &upn));
	TRY(json_need_text(body, "thumbprint", 64, &thumbprint));
	TRY(pfx_thumbprint(a, thumbprint, &p.thumbprint));
	TRY(need_user(tx, a, upn, &u));
	p.user = u.id;
	p.upn = u.upn;
	for (size_t i = 0; i < COUNT(needed); i++)
		if (json_is_null(json_get(body, needed[i])))
			FAIL(ERR_BAD_REQUEST, "\"%s\" is missing", needed[i]);
	TRY(pfx_fit(a, body, &p, copies));
	if (p.blob.n == 0)
		FAIL(ERR_BAD_REQUEST, "\"encryptedPfxBlob\" is missing");
	if (copies->n == 0)
		FAIL(ERR_BAD_REQUEST, "\"encryptedPfxPassword\" is missing");
	p.modified = p.created;
	*ret = p;
	return OK;
}

static err_t
put_copies(struct tx *tx, struct id pfx, const struct pfx_copies *copies)
{
	if (copies->n > 0)
		TRY(store_pfx_copies_clear(tx, pfx));
	for (size_t i = 0; i < copies->n; i++) {
		copies->v[i].pfx = pfx;
		TRY(store_pfx_copy_put(tx, &copies->v[i]));
	}
	tx_notify(tx, TOPIC_QUEUE, STR_EMPTY);
	return OK;
}

static err_t
audit(struct tx *tx, struct arena *a, const char *actor, const char *action,
    const struct user_pfx *p, const char *before, const char *after)
{
	return store_audit_add(
	    tx, actor, action, arena_printf(a, "pfx %s", pfx_key(a, p)), before, after);
}

static err_t
shown(struct tx *tx, struct arena *a, const struct user_pfx *p, const char **ret)
{
	json *j;

	TRY(pfx_json(tx, a, p, &j));
	return entity_text(a, j, ret);
}

/* Of whom there are no imported certificates to be seen, there are none to be made: the user himself may be seen. */
static err_t
may_write(struct tx *tx, struct arena *a, const struct caller *who, const struct user_pfx *p)
{
	err_t e = reach_user_pfx(tx, a, who, PERM_CONFIG_WRITE, p->user);

	if (err_is(e, ERR_NOT_FOUND))
		FAIL(ERR_OUTSIDE_SCOPE, "%s reaches no device of %s", who->actor, p->upn);
	return e;
}

static err_t
add(struct tx *tx, struct arena *a, const struct caller *who, const struct user_pfx *p,
    const struct pfx_copies *copies)
{
	const char *after;

	TRY(may_write(tx, a, who, p));
	TRY(store_pfx_insert(tx, p));
	TRY(put_copies(tx, p->id, copies));
	TRY(nudge_member(tx, a, p->user, MEMBER_USER));
	TRY(shown(tx, a, p, &after));
	return audit(tx, a, who->actor, "pfx.create", p, "", after);
}

static err_t
save(struct tx *tx, struct arena *a, const struct caller *who, struct user_pfx *p,
    const struct pfx_copies *copies)
{
	struct user_pfx was;
	const char *before, *after;

	TRY(reach_user_pfx(tx, a, who, PERM_CONFIG_WRITE, p->user));
	TRY(store_pfx_get(tx, a, p->id, &was));
	TRY(shown(tx, a, &was, &before));
	p->modified = when_now();
	TRY(store_pfx_update(tx, p));
	TRY(put_copies(tx, p->id, copies));
	TRY(nudge_member(tx, a, p->user, MEMBER_USER));
	TRY(shown(tx, a, p, &after));
	return audit(tx, a, who->actor, "pfx.update", p, before, after);
}

/* Whether what is stored can be opened with every key that the row has a copy for. */
static err_t
has_keys(struct tx *tx, struct arena *a, struct id pfx, const struct pfx_copies *copies, bool *ret)
{
	struct pfx_copy *v;
	size_t n, found = 0;

	TRY(store_pfx_copies(tx, a, pfx, &v, &n));
	for (size_t i = 0; i < copies->n; i++)
		for (size_t k = 0; k < n; k++)
			found += str_ieq_c(str_c(v[k].key), copies->v[i].key);
	*ret = found == copies->n;
	return OK;
}

err_t
pfx_import(struct tx *tx, struct arena *a, const struct caller *who, const json *row,
    enum import_outcome *ret, int64_t *again)
{
	struct pfx_copies copies = { 0 };
	struct user_pfx p, was;
	bool same;
	err_t e;

	(void)again;
	TRY(fresh(tx, a, row, &p, &copies));
	TRY(may_write(tx, a, who, &p));
	e = store_pfx_by_thumbprint(tx, a, p.user, p.thumbprint, &was);
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		*ret = IMPORT_CREATED;
		return add(tx, a, who, &p, &copies);
	}
	TRY(e);
	TRY(has_keys(tx, a, was.id, &copies, &same));
	*ret = IMPORT_UNCHANGED;
	if (same && was.purpose == p.purpose)
		return OK;
	*ret = IMPORT_UPDATED;
	p.id = was.id;
	p.created = was.created;
	return save(tx, a, who, &p, &copies);
}

static err_t
reached(struct tx *tx, struct arena *a, const struct caller *who, struct id user, bool *ret)
{
	err_t e = reach_user_pfx(tx, a, who, PERM_CONFIG_READ, user);

	*ret = err_ok(e);
	if (err_is(e, ERR_NOT_FOUND) || err_is(e, ERR_OUTSIDE_SCOPE))
		err_forget(e);
	else
		TRY(e);
	return OK;
}

/* Of one user, when the filter names one: clients of old want all of these in one answer. */
static err_t
read_user(
    struct tx *tx, struct arena *a, const struct caller *who, const char *upn, struct rows *rows)
{
	struct user_pfx *v;
	struct user u;
	size_t n;
	bool may;
	err_t e = user_find(tx, a, upn, &u);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		return OK;
	}
	TRY(e);
	TRY(reached(tx, a, who, u.id, &may));
	if (!may)
		return OK;
	TRY(store_pfx_of_user(tx, a, u.id, &v, &n));
	for (size_t i = 0; i < n; i++) {
		json *j;

		TRY(pfx_json(tx, a, &v[i], &j));
		rows_add(rows, v[i].id, j);
	}
	return OK;
}

static err_t
read_page(struct tx *tx, struct arena *a, struct page p, const void *arg, const struct query *q,
    struct rows *rows, bool *more)
{
	const char *upn = odata_demands(q->o.filter, "userPrincipalName");
	struct user_pfx *v;
	size_t n;

	if (upn != NULL) {
		*more = false;
		return id_is_zero(p.after) ? read_user(tx, a, arg, upn, rows) : OK;
	}
	TRY(store_pfx_list(tx, a, p, &v, &n, more));
	for (size_t i = 0; i < n; i++) {
		json *j;
		bool may;

		TRY(reached(tx, a, arg, v[i].user, &may));
		if (!may) {
			rows_pass(rows, v[i].id);
			continue;
		}
		TRY(pfx_json(tx, a, &v[i], &j));
		rows_add(rows, v[i].id, j);
	}
	return OK;
}

static err_t
list(struct http_req *r)
{
	static const struct collection all = {
		.set = SET, .page = LIMIT_PAGE, .read = read_page, .by_caller = true
	};

	return reply_collection(r, &all, 0);
}

struct change {
	struct arena *a;
	const struct caller *who;
	const char *if_match, *key;
	const json *body;
	json *shown; /* the caller's */
};

static err_t
change_of(struct http_req *r, struct change *ret)
{
	*ret = (struct change){ .a = http_arena(r),
		.who = http_caller(r),
		.if_match = http_header(r, "If-Match"),
		.key = http_param(r, "id") };
	return OK;
}

/* What is no key is nothing that exists. */
static err_t
fetch(struct tx *tx, const struct change *c, unsigned perms, struct user_pfx *ret)
{
	struct str user, rest = str_c(c->key);
	const char *thumbprint;
	struct id id;
	err_t e = text_unhex(c->a, str_cut(&rest, '-'), &user);

	if (err_ok(e) && user.n != sizeof(id.b))
		e = ERROR(ERR_ID, "%s", "");
	if (err_ok(e))
		e = pfx_thumbprint(c->a, arena_cstr(c->a, rest), &thumbprint);
	if (!err_ok(e)) {
		err_forget(e);
		FAIL(ERR_NOT_FOUND, "imported certificate '%s'", text_safe(c->a, str_c(c->key)));
	}
	memcpy(id.b, user.p, sizeof(id.b));
	TRY(store_pfx_by_thumbprint(tx, c->a, id, thumbprint, ret));
	return reach_user_pfx(tx, c->a, c->who, perms, id);
}

static err_t
look(struct tx *tx, void *arg)
{
	struct change *c = arg;
	struct user_pfx p;

	TRY(fetch(tx, c, PERM_CONFIG_READ, &p));
	return pfx_json(tx, c->a, &p, &c->shown);
}

static err_t
insert(struct tx *tx, void *arg)
{
	struct change *c = arg;
	struct pfx_copies copies = { 0 };
	struct user_pfx p;
	err_t e;

	TRY(fresh(tx, c->a, c->body, &p, &copies));
	e = add(tx, c->a, c->who, &p, &copies);
	if (err_is(e, ERR_CONFLICT)) {
		err_forget(e);
		FAIL(ERR_PFX_DUPLICATE, "%s has %s", p.upn, p.thumbprint);
	}
	TRY(e);
	c->key = pfx_key(c->a, &p);
	return pfx_json(tx, c->a, &p, &c->shown);
}

/* The key of a record never changes. */
static err_t
same_record(struct change *c, const struct user_pfx *p)
{
	const char *upn = NULL, *thumbprint = NULL;

	TRY(json_want_text(c->body, "userPrincipalName", LIMIT_TEXT, &upn));
	TRY(json_want_text(c->body, "thumbprint", 64, &thumbprint));
	if (upn != NULL && !str_ieq_c(str_c(upn), p->upn))
		FAIL(ERR_BAD_REQUEST, "\"userPrincipalName\" cannot be changed");
	if (thumbprint != NULL && !str_ieq_c(str_c(thumbprint), p->thumbprint))
		FAIL(ERR_BAD_REQUEST, "\"thumbprint\" cannot be changed");
	return OK;
}

static err_t
update(struct tx *tx, void *arg)
{
	struct change *c = arg;
	auto_json json *now = NULL;
	struct pfx_copies copies = { 0 };
	struct user_pfx p;

	TRY(fetch(tx, c, PERM_CONFIG_WRITE, &p));
	TRY(pfx_json(tx, c->a, &p, &now));
	TRY(etag_check(c->a, c->if_match, now));
	TRY(same_record(c, &p));
	TRY(pfx_fit(c->a, c->body, &p, &copies));
	TRY(save(tx, c->a, c->who, &p, &copies));
	return pfx_json(tx, c->a, &p, &c->shown);
}

static err_t
drop(struct tx *tx, void *arg)
{
	struct change *c = arg;
	auto_json json *now = NULL;
	struct user_pfx p;
	const char *before;

	TRY(fetch(tx, c, PERM_CONFIG_WRITE, &p));
	TRY(pfx_json(tx, c->a, &p, &now));
	TRY(etag_check(c->a, c->if_match, now));
	TRY(shown(tx, c->a, &p, &before));
	TRY(store_pfx_delete(tx, p.id));
	TRY(diff_user(tx, c->a, p.user));
	return audit(tx, c->a, c->who->actor, "pfx.delete", &p, before, "");
}

static err_t
get(struct http_req *r)
{
	struct change c;
	struct query q;

	TRY(change_of(r, &c));
	TRY(query_read(r, QUERY_ENTITY, &q));
	TRY(store_read(api_of(r)->store, look, &c));
	return reply_entity(r, 200, SET, NULL, &q, c.shown);
}

/* A write's outcome: *ret as reply_entity() takes it. */
static err_t
write_body(struct http_req *r, err_t (*run)(struct tx *tx, void *arg), struct change *c)
{
	auto_json json *body = NULL;
	err_t e;

	TRY(change_of(r, c));
	TRY(body_object(r, &body));
	c->body = body;
	e = store_write(api_of(r)->store, run, c);
	c->body = NULL;
	return e;
}

static err_t
post(struct http_req *r)
{
	struct change c;

	TRY(write_body(r, insert, &c));
	return reply_entity(r, 201, SET, arena_printf(c.a, "/" SET "/%s", c.key), NULL, c.shown);
}

static err_t
patch(struct http_req *r)
{
	struct change c;

	TRY(write_body(r, update, &c));
	return reply_entity(r, 200, SET, NULL, NULL, c.shown);
}

static err_t delete (struct http_req *r)
{
	struct change c;

	TRY(change_of(r, &c));
	TRY(store_write(api_of(r)->store, drop, &c));
	return reply_empty(r, 204);
}

static const struct http_route routes[] = {
	ROUTE(GET, "/beta/" SET, PERM_CONFIG_READ | PERM_SCOPED, list),
	ROUTE(POST, "/beta/" SET, PERM_CONFIG_WRITE | PERM_SCOPED, post),
	ROUTE(GET, "/beta/" SET "/{id}", PERM_CONFIG_READ | PERM_SCOPED, get),
	ROUTE(PATCH, "/beta/" SET "/{id}", PERM_CONFIG_WRITE | PERM_SCOPED, patch),
	ROUTE(DELETE, "/beta/" SET "/{id}", PERM_CONFIG_WRITE | PERM_SCOPED, delete),
	{ 0 },
};

const struct resource resource_user_pfx = { "user_pfx", routes };
