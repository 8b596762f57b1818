/* SPDX-License-Identifier: Apache-2.0 */
/* One request: what was asked, and the answer being made. See http.h. */
#include "net/http_int.h"

#include <assert.h>
#include <strings.h>

#include "base/limits.h"

static const char *const method_names[] = {
	[HTTP_GET] = "GET",
	[HTTP_HEAD] = "HEAD",
	[HTTP_POST] = "POST",
	[HTTP_PUT] = "PUT",
	[HTTP_PATCH] = "PATCH",
	[HTTP_DELETE] = "DELETE",
	[HTTP_OPTIONS] = "OPTIONS",
};

struct http_req *
req_new(struct http_loop *loop)
{
	struct http_req *r = calloc(1, sizeof(*r));

	if (r == NULL)
		abort();
	r->http = loop->http;
	r->loop = loop;
	r->mount = &loop->http->conf.mounts[0];
	r->arena = arena_new();
	buf_init(&r->body, loop->http->conf.max_body);
	buf_init(&r->out_head, LIMIT_HTTP_HEADERS);
	buf_init(&r->out_body, SIZE_MAX / 8); /* our own bytes: no limit to enforce */
	r->target.path = r->target.raw_path = "/";
	r->peer_addr = "";
	return r;
}

void
req_free(struct http_req *r)
{
	if (r == NULL)
		return;
	if (r->counted > 0) {
		atomic_fetch_sub(&r->http->bodies, r->counted);
		atomic_fetch_sub(&r->http->shares[r->share], r->counted);
	}
	stream_end(r);
	buf_free(&r->body);
	buf_free(&r->out_head);
	buf_free(&r->out_body);
	arena_free(r->run_arena);
	arena_free(r->arena);
	free(r);
}

static void
lower(size_t *max, size_t limit)
{
	if (limit > 0 && limit < *max)
		*max = limit;
}

err_t
req_route(struct http_req *r)
{
	const struct http_conf *conf = &r->http->conf;

	TRY(http_target_parse(r->arena, r->head.target, &r->target));
	TRY(http_match(
	    r->arena, conf->mounts, conf->nmounts, r->method, &r->target, &r->mount, &r->match));
	lower(&r->body.max, r->match.route->max_body);
	/* A certificate that is over was good for whoever shows it. */
	if (r->peer_cert.n == 0 && !r->peer_over && !r->match.route->any_sender)
		lower(&r->body.max, conf->max_stranger);
	return OK;
}

static size_t
share_of(const struct http_req *r)
{
	struct str who = r->peer_cert.n > 0 ? r->peer_cert : str_c(r->peer_addr);

	return (size_t)(str_hash(who) % BODY_SHARES);
}

/* One sender alone gets half of the room, the next a third, and so on: whoever comes later finds as much left as each of
 * those who fill it has. */
err_t
req_count(struct http_req *r)
{
	size_t more = r->body.n - r->counted;
	size_t all, own;

	if (more == 0)
		return OK;
	if (r->counted == 0)
		r->share = share_of(r);
	r->counted = r->body.n;
	all = atomic_fetch_add(&r->http->bodies, more) + more;
	own = atomic_fetch_add(&r->http->shares[r->share], more) + more;
	if (all > LIMIT_HTTP_BODIES || own > LIMIT_HTTP_BODIES - all)
		FAIL(ERR_BUSY, "too many large requests at once");
	return OK;
}

struct arena *
http_arena(struct http_req *r)
{
	return r->run_arena;
}

void *
http_ctx(struct http_req *r)
{
	return r->mount->ctx;
}

enum http_method
http_method(const struct http_req *r)
{
	return r->method;
}

const char *
http_method_name(enum http_method m)
{
	return method_names[m];
}

const char *
http_path(const struct http_req *r)
{
	return r->target.path;
}

const char *
http_raw_path(const struct http_req *r)
{
	return r->target.raw_path;
}

const char *
http_param(const struct http_req *r, const char *name)
{
	return http_pairs_get(&r->match.params, name);
}

const char *
http_query(const struct http_req *r, const char *name)
{
	return http_pairs_get(&r->target.query, name);
}

bool
http_query_at(const struct http_req *r, size_t i, const char **name, const char **value)
{
	if (i >= r->target.query.n)
		return false;
	*name = r->target.query.v[i].name;
	*value = r->target.query.v[i].value;
	return true;
}

const char *
http_header(const struct http_req *r, const char *name)
{
	for (size_t i = 0; i < r->head.nfields; i++)
		if (strcasecmp(r->head.fields[i].name, name) == 0)
			return r->head.fields[i].value;
	return NULL;
}

struct str
http_body(const struct http_req *r)
{
	return buf_str(&r->body);
}

struct str
http_peer_cert(const struct http_req *r)
{
	return r->peer_cert;
}

bool
http_peer_over(const struct http_req *r)
{
	return r->peer_over;
}

const char *
http_peer_addr(const struct http_req *r)
{
	return r->peer_addr;
}

void
http_set_caller(struct http_req *r, void *caller)
{
	r->caller = caller;
}

void *
http_caller(const struct http_req *r)
{
	return r->caller;
}

int64_t
http_arrived_ms(const struct http_req *r)
{
	return r->arrived_ms;
}

bool
http_late(const struct http_req *r)
{
	return r->late;
}

bool
http_on_loop(const struct http_req *r)
{
	return r->runs == 0;
}

bool
http_first_run(const struct http_req *r)
{
	return r->runs == 1;
}

const char *
http_form(struct http_req *r, const char *name)
{
	static const char type[] = "application/x-www-form-urlencoded";
	const char *given = http_header(r, "content-type");

	if (!r->form_read) {
		r->form_read = true;
		if (given == NULL || strncasecmp(given, type, sizeof(type) - 1) != 0)
			return NULL;
		err_t e = http_pairs_parse(r->arena, buf_str(&r->body), &r->form);
		if (!err_ok(e))
			err_forget(e);
	}
	return http_pairs_get(&r->form, name);
}

static bool
header_safe(const char *s)
{
	for (; *s != '\0'; s++)
		if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7F)
			return false;
	return true;
}

void
http_reply_header(struct http_req *r, const char *name, const char *value)
{
	err_t e;

	assert(!r->replied);
	if (!header_safe(value) || !header_safe(name))
		return;
	e = buf_printf(&r->out_head, "%s: %s\r\n", name, value);
	if (!err_ok(e))
		err_forget(e);
}

err_t
http_reply(struct http_req *r, int status, const char *content_type, struct str body)
{
	assert(!r->replied);
	TRY(buf_put(&r->out_body, body));
	r->status = status;
	r->out_type = content_type == NULL ? NULL : arena_strdup(r->arena, content_type);
	r->replied = true;
	return OK;
}

err_t
http_park(struct http_req *r, unsigned topic, struct str key, int64_t deadline_ms)
{
	assert(!r->replied);
	if (key.n > PARK_KEY_MAX)
		FAIL(ERR_INTERNAL, "a key of %zu bytes to wait for", key.n);
	if (r->late && deadline_ms <= when_mono_ms())
		FAIL(ERR_TIMEOUT, "nothing came until the deadline");
	r->topic = topic;
	if (key.n > 0)
		memcpy(r->key, key.p, key.n);
	r->nkey = key.n;
	r->deadline = deadline_ms;
	r->want_park = true;
	return OK;
}
