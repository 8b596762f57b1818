/* SPDX-License-Identifier: Apache-2.0 */
/* One shape of records: see record.h. */
#include "api/record.h"

#include "api/users.h"

err_t
record_begin(struct http_req *r, const struct record_kind *k, struct record **ret)
{
	struct arena *a = http_arena(r);
	struct record *x = arena_alloc(a, k->size);

	memset(x, 0, k->size);
	x->a = a;
	x->who = http_caller(r);
	x->if_match = http_header(r, "If-Match");
	if (http_param(r, "id") != NULL)
		TRY(k->named != NULL ? k->named(r, x) : param_id(r, "id", &x->id));
	if (k->begin != NULL)
		TRY(k->begin(r, x));
	*ret = x;
	return OK;
}

static const char *
name_of(const struct record_kind *k, struct record *x)
{
	return k->name != NULL ? k->name(x) : id_text(x->a, x->id);
}

err_t
record_audit(struct tx *tx, const struct record_kind *k, struct record *x, const char *action,
    const char *before, const char *after)
{
	return store_audit_add(tx, x->who->actor, arena_printf(x->a, "%s.%s", k->noun, action),
	    arena_printf(x->a, "%s %s", k->noun, name_of(k, x)), before, after);
}

err_t
record_unless_taken(err_t e, const char *what, const char *name)
{
	if (!err_is(e, ERR_CONFLICT))
		return e;
	err_forget(e);
	FAIL(ERR_CONFLICT, "another %s is named %s", what, name);
}

/* What a transaction works on. */
struct run {
	const struct record_kind *k;
	struct record *x;
};

static err_t
text_of(const struct run *r, const char **ret)
{
	json *j;

	TRY(r->k->audited != NULL ? r->k->audited(r->x, &j) : r->k->json(r->x, &j));
	return entity_text(r->x->a, j, ret);
}

/* What is there, if it may be changed and is the one that the request is about. */
static err_t
fetch(struct tx *tx, const struct run *r, const char **ret_before)
{
	auto_json json *now = NULL;

	TRY(r->k->find(tx, r->x));
	TRY(r->k->json(r->x, &now));
	TRY(etag_check(r->x->a, r->x->if_match, now));
	if (r->k->may_change != NULL)
		TRY(r->k->may_change(tx, r->x));
	return text_of(r, ret_before);
}

/* The transaction's last step, so that a second run shows nothing of the first. */
static err_t
show(struct run *r)
{
	json_free(r->x->shown);
	r->x->shown = NULL;
	return r->k->json(r->x, &r->x->shown);
}

static err_t
look(struct tx *tx, void *arg)
{
	struct run *r = arg;

	TRY(r->k->find(tx, r->x));
	return show(r);
}

static err_t
insert(struct tx *tx, void *arg)
{
	struct run *r = arg;
	const char *after;

	r->x->id = id_new();
	TRY(r->k->read(tx, r->x, FIELD_CREATE));
	TRY(r->k->insert(tx, r->x));
	TRY(text_of(r, &after));
	TRY(record_audit(tx, r->k, r->x, "create", "", after));
	return show(r);
}

static err_t
update(struct tx *tx, void *arg)
{
	struct run *r = arg;
	const char *before, *after;

	TRY(fetch(tx, r, &before));
	TRY(r->k->read(tx, r->x, FIELD_UPDATE));
	TRY(r->k->update(tx, r->x));
	TRY(text_of(r, &after));
	TRY(record_audit(tx, r->k, r->x, "update", before, after));
	return show(r);
}

static err_t
drop(struct tx *tx, void *arg)
{
	struct run *r = arg;
	const char *before;

	TRY(fetch(tx, r, &before));
	TRY(r->k->remove(tx, r->x));
	return record_audit(tx, r->k, r->x, "delete", before, "");
}

/* The answer takes over what is shown. */
static err_t
answer(struct http_req *r, const struct run *run, int status, const struct query *q)
{
	const char *location =
	    arena_printf(run->x->a, "/%s/%s", run->k->set, name_of(run->k, run->x));

	return reply_entity(
	    r, status, run->k->set, status == 201 ? location : NULL, q, run->x->shown);
}

err_t
record_get(struct http_req *r, const struct record_kind *k)
{
	struct run run = { .k = k };
	struct query q;
	err_t e;

	TRY(record_begin(r, k, &run.x));
	TRY(query_read(r, QUERY_ENTITY, &q));
	e = store_read(api_of(r)->store, look, &run);
	if (err_ok(e))
		return answer(r, &run, 200, &q);
	json_free(run.x->shown);
	return e;
}

static err_t
write_body(struct http_req *r, const struct record_kind *k, store_fn fn, enum field_mode mode)
{
	struct run run = { .k = k };
	auto_json json *body = NULL;
	err_t e;

	TRY(record_begin(r, k, &run.x));
	TRY(body_object(r, &body));
	if (k->begin_body != NULL)
		TRY(k->begin_body(run.x, body, mode));
	run.x->changing = mode == FIELD_UPDATE;
	run.x->body = body;
	e = store_write(api_of(r)->store, fn, &run);
	if (err_ok(e) && k->answered != NULL)
		k->answered(r, run.x);
	if (err_ok(e))
		return answer(r, &run, mode == FIELD_CREATE ? 201 : 200, NULL);
	json_free(run.x->shown);
	return e;
}

err_t
record_post(struct http_req *r, const struct record_kind *k)
{
	return write_body(r, k, insert, FIELD_CREATE);
}

err_t
record_patch(struct http_req *r, const struct record_kind *k)
{
	return write_body(r, k, update, FIELD_UPDATE);
}

err_t
record_delete(struct http_req *r, const struct record_kind *k)
{
	struct run run = { .k = k };

	TRY(record_begin(r, k, &run.x));
	run.x->changing = true;
	TRY(store_write(api_of(r)->store, drop, &run));
	return reply_empty(r, 204);
}
