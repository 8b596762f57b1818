/* SPDX-License-Identifier: Apache-2.0 */
/*
 * $batch: up to 20 requests in one (OData JSON batch as Graph has it). Each is routed and let in by itself, so a batch opens
 * nothing that its caller could not ask for one by one, and each counts for itself against the caller's limits.
 *
 * They run in the order of the array, each after those that it depends on; what depends on one that failed is answered
 * 424. The version may stand in the url or not. A batch that is not well formed is refused whole.
 */
#include "api/reply.h"

#include <assert.h>

struct item {
	const char *id, *url;
	enum http_method method;
	struct http_sub_field fields[LIMIT_HTTP_FIELDS];
	size_t nfields;
	struct str body;
	size_t needs[LIMIT_BATCH];
	size_t nneeds;
	int status; /* 0: not run yet */
};

struct batch {
	struct http_req *r;
	struct arena *a;
	struct item *v;
	size_t n;
	json *responses; /* the caller's */
};

static err_t
method_read(const char *text, enum http_method *ret)
{
	static const enum http_method known[] = { HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_PATCH,
		HTTP_DELETE };

	for (size_t i = 0; i < COUNT(known); i++)
		if (str_ieq_c(str_c(text), http_method_name(known[i]))) {
			*ret = known[i];
			return OK;
		}
	FAIL(ERR_BAD_REQUEST, "method \"%.16s\"", text);
}

/* "/users/1", "users/1" and "/beta/users/1" are the same under /beta. */
static const char *
target_of(struct batch *b, const char *url)
{
	static const char *const roots[] = { "v1.0/", "beta/", "chancery/" };
	const char *version = reply_version(b->r);

	while (*url == '/')
		url++;
	for (size_t i = 0; i < COUNT(roots); i++)
		if (strncasecmp(url, roots[i], strlen(roots[i])) == 0)
			return arena_printf(b->a, "/%s", url);
	return arena_printf(
	    b->a, "/%s/%s", strcmp(version, "chancery/v1") == 0 ? "v1.0" : version, url);
}

static err_t
headers_read(struct batch *b, const json *headers, struct item *x)
{
	if (!json_is_null(headers) && !json_is_object(headers))
		FAIL(ERR_BAD_REQUEST, "\"headers\" must be an object");
	for (void *it = json_iter(headers); it != NULL; it = json_iter_next(headers, it)) {
		if (x->nfields == COUNT(x->fields))
			FAIL(ERR_BAD_REQUEST, "too many headers");
		x->fields[x->nfields++] = (struct http_sub_field){
			arena_strdup(b->a, json_iter_key(it)),
			arena_strdup(b->a, json_text(json_iter_value(it))),
		};
	}
	return OK;
}

/* JSON goes as it is; anything else comes as base64 text. */
static err_t
body_read(struct batch *b, const json *body, struct item *x)
{
	if (json_is_null(body))
		return OK;
	if (json_is_text(body))
		return text_unbase64(b->a, str_c(json_text(body)), &x->body);
	return json_print(b->a, body, &x->body);
}

static err_t
item_read(struct batch *b, const json *j, struct item *x)
{
	const char *method, *url;

	TRY(json_need_text(j, "id", LIMIT_TEXT, &x->id));
	TRY(json_need_text(j, "method", 16, &method));
	TRY(json_need_text(j, "url", LIMIT_HTTP_HEADERS, &url));
	TRY(method_read(method, &x->method));
	x->url = target_of(b, url);
	TRY(headers_read(b, json_get(j, "headers"), x));
	return body_read(b, json_get(j, "body"), x);
}

static err_t
needs_read(struct batch *b, const json *j, struct item *x)
{
	json *list;

	TRY(json_want_array(j, "dependsOn", LIMIT_BATCH, &list));
	for (size_t i = 0; i < json_count(list); i++) {
		const char *id = json_text(json_at(list, i));
		size_t k = 0;

		while (k < b->n && strcmp(b->v[k].id, id) != 0)
			k++;
		if (k == b->n)
			FAIL(ERR_BAD_REQUEST,
			    "\"dependsOn\" of \"%s\" names \"%.64s\", which is not in the batch",
			    x->id, text_safe(b->a, str_c(id)));
		x->needs[x->nneeds++] = k;
	}
	return OK;
}

static err_t
batch_read(struct batch *b, const json *body)
{
	json *list;

	TRY(json_need_array(body, "requests", LIMIT_BATCH, &list));
	b->v = arena_array(b->a, json_count(list) + 1, sizeof(*b->v));
	for (size_t i = 0; i < json_count(list); i++) {
		TRY_CTX(item_read(b, json_at(list, i), &b->v[b->n]), "\"requests\"[%zu]", i);
		for (size_t k = 0; k < b->n; k++)
			if (strcmp(b->v[k].id, b->v[b->n].id) == 0)
				FAIL(ERR_BAD_REQUEST, "the id \"%s\" is there twice",
				    text_safe(b->a, str_c(b->v[k].id)));
		b->n++;
	}
	for (size_t i = 0; i < b->n; i++)
		TRY(needs_read(b, json_at(list, i), &b->v[i]));
	return OK;
}

static json *
headers_json(struct batch *b, const struct http_sub_reply *got)
{
	json *headers = json_object_new();
	struct str rest = got->head;

	while (rest.n > 0) {
		struct str line = str_trim(str_cut(&rest, '\n')), name = str_cut(&line, ':');

		if (name.n > 0)
			json_set(headers, arena_cstr(b->a, name), json_str_new(str_trim(line)));
	}
	if (got->type != NULL)
		json_set_text(headers, "Content-Type", got->type);
	return headers;
}

static json *
body_json(struct batch *b, const struct http_sub_reply *got)
{
	json *j = NULL;

	if (got->type != NULL && strncasecmp(got->type, "application/json", 16) == 0 &&
	    err_ok(json_parse(got->body, LIMIT_HTTP_REPLY, &j)))
		return j;
	return json_text_new(text_base64(b->a, got->body));
}

static err_t
put_response(struct batch *b, struct item *x, const struct http_sub_reply *got)
{
	json *j = json_object_new();

	x->status = got->status;
	json_add(b->responses, j);
	json_set_text(j, "id", x->id);
	json_set_int(j, "status", got->status);
	json_set(j, "headers", headers_json(b, got));
	if (got->body.n > 0)
		json_set(j, "body", body_json(b, got));
	return OK;
}

/* An error that no handler rendered. */
static err_t
put_failure(struct batch *b, struct item *x, enum err_code code, const char *detail)
{
	const struct err_info *info = err_info(code);
	json *j = json_object_new(), *body = json_object_new(), *error = json_object_new();

	x->status = info->http;
	json_add(b->responses, j);
	json_set_text(j, "id", x->id);
	json_set_int(j, "status", info->http);
	json_set(j, "headers", json_object_new());
	json_set(j, "body", body);
	json_set(body, "error", error);
	json_set_text(error, "code", info->graph);
	json_set_text(error, "message", arena_printf(b->a, "%s: %s", info->text, detail));
	return OK;
}

/* NULL: all that it depends on went well; else the one that did not. */
static const struct item *
failed_need(const struct batch *b, const struct item *x)
{
	for (size_t i = 0; i < x->nneeds; i++)
		if (b->v[x->needs[i]].status >= 400)
			return &b->v[x->needs[i]];
	return NULL;
}

static bool
is_ready(const struct batch *b, const struct item *x)
{
	for (size_t i = 0; i < x->nneeds; i++)
		if (b->v[x->needs[i]].status == 0)
			return false;
	return x->status == 0;
}

static err_t
item_run(struct batch *b, struct item *x)
{
	const struct item *bad = failed_need(b, x);
	struct http_sub_reply got = { 0 };
	err_t e;

	if (bad != NULL)
		return put_failure(
		    b, x, ERR_DEPENDENCY, arena_printf(b->a, "request \"%s\"", bad->id));
	e = http_sub(b->r,
	    &(struct http_sub){ .method = x->method,
		.target = x->url,
		.fields = x->fields,
		.nfields = x->nfields,
		.body = x->body },
	    &got);
	if (err_is(e, ERR_UNSUPPORTED)) {
		err_forget(e);
		return put_failure(b, x, ERR_UNSUPPORTED, "it waits, which a batch does not");
	}
	TRY(e);
	return put_response(b, x, &got);
}

static err_t
batch_run(struct batch *b)
{
	for (size_t done = 0; done < b->n;) {
		struct item *next = NULL;

		for (size_t i = 0; i < b->n && next == NULL; i++)
			if (is_ready(b, &b->v[i]))
				next = &b->v[i];
		assert(next != NULL); /* circle_check() */
		TRY(item_run(b, next));
		done++;
	}
	return OK;
}

/* Whether every one can have its turn, before the first has. */
static err_t
circle_check(const struct batch *b)
{
	bool done[LIMIT_BATCH] = { false };
	size_t left = b->n;

	for (bool moved = true; moved && left > 0;) {
		moved = false;
		for (size_t i = 0; i < b->n; i++) {
			bool ready = !done[i];

			for (size_t k = 0; k < b->v[i].nneeds && ready; k++)
				ready = done[b->v[i].needs[k]];
			if (ready) {
				done[i] = moved = true;
				left--;
			}
		}
	}
	if (left > 0)
		FAIL(ERR_BAD_REQUEST, "the requests depend on one another in a circle");
	return OK;
}

static err_t
post(struct http_req *r)
{
	struct batch b = { .r = r, .a = http_arena(r) };
	auto_json json *body = NULL, *out = json_object_new();

	b.responses = json_array_new();
	json_set(out, "responses", b.responses);
	TRY(body_object(r, &body));
	TRY(batch_read(&b, body));
	TRY(circle_check(&b));
	TRY(batch_run(&b));
	return reply_json(r, 200, out);
}

static const struct http_route routes[] = {
	GRAPH(POST, "/$batch", PERM_SIGNED_IN, post),
	ROUTE(POST, "/$batch", PERM_SIGNED_IN, post),
	{ 0 },
};

const struct resource resource_batch = { "batch", routes };
