/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /chancery/v1/audit: the chained record of every change, oldest first, page by page with ?after=<sequence>&$top=<n>;
 * whether the chain is whole; and /export?after=<sequence>, a page of the same lines to the letter, whose chain can be
 * checked elsewhere (pki/line_hash.h):
 * {"seq", "at" (milliseconds since 1970), "actor", "action", "target", "before", "after", "previous", "hash"}.
 */
#include "api/reply.h"
#include "store/access.h"

#define EXPORT_LINES 500u
#define EXPORT_BYTES (4u << 20) /* after which a page ends */

struct look {
	struct arena *a;
	int64_t after;
	size_t limit;
	struct audit *v;
	size_t n;
	int64_t bad;
};

static err_t
look(struct tx *tx, void *arg)
{
	struct look *l = arg;

	return store_audit_list(tx, l->a, l->after, l->limit, &l->v, &l->n);
}

/* Before and after are JSON texts; shown as JSON. */
static void
put_json(json *j, const char *name, const char *text)
{
	json *value = NULL;

	if (text == NULL || *text == '\0') {
		json_set(j, name, json_null_new());
		return;
	}

	err_t e = json_parse(str_c(text), LIMIT_HTTP_BODY, &value);

	json_set(j, name, err_ok(e) ? value : json_text_new(text));
	err_forget(e);
}

static json *
audit_json(struct arena *a, const struct audit *x)
{
	json *j = json_object_new();

	json_set_int(j, "sequence", x->seq);
	json_set_text(j, "dateTime", when_text_ms(a, x->when));
	json_set_text(j, "actor", x->actor);
	json_set_text(j, "action", x->action);
	json_set_text(j, "target", x->target);
	put_json(j, "before", x->before);
	put_json(j, "after", x->after);
	json_set_text(j, "hash", text_hex(a, x->hash));
	return j;
}

static err_t
list(struct http_req *r)
{
	struct look l = { .a = http_arena(r), .limit = 100 };
	auto_json json *out = json_object_new();
	json *value = json_array_new();
	const char *name, *text;
	int64_t n;

	json_set(out, "value", value);
	for (size_t i = 0; http_query_at(r, i, &name, &text); i++) {
		if (strcmp(name, "after") == 0)
			TRY_CTX(text_i64(str_c(text), 0, INT64_MAX, &l.after), "after");
		else if (str_ieq_c(str_c(name), "$top")) {
			TRY_CTX(text_i64(str_c(text), 1, LIMIT_PAGE, &n), "$top");
			l.limit = (size_t)n;
		} else
			FAIL(ERR_BAD_REQUEST, "query option '%s' is not supported here",
			    text_safe(l.a, str_c(name)));
	}
	TRY(store_read(api_of(r)->store, look, &l));
	for (size_t i = 0; i < l.n; i++)
		json_add(value, audit_json(l.a, &l.v[i]));
	if (l.n == l.limit)
		json_set_text(out, "@odata.nextLink",
		    arena_printf(l.a, "%s/chancery/v1/audit?after=%lld&$top=%zu", reply_root(r),
			(long long)l.v[l.n - 1].seq, l.limit));
	return reply_json(r, 200, out);
}

static err_t
verify_tx(struct tx *tx, void *arg)
{
	return store_audit_verify(tx, &((struct look *)arg)->bad);
}

static err_t
verify(struct http_req *r)
{
	struct look l = { .a = http_arena(r) };
	auto_json json *out = json_object_new();

	TRY(store_read(api_of(r)->store, verify_tx, &l));
	json_set_bool(out, "whole", l.bad == 0);
	json_set(out, "firstBadSequence", l.bad == 0 ? json_null_new() : json_int_new(l.bad));
	return reply_json(r, 200, out);
}

struct export
{
	struct arena *a;
	int64_t after;
	json *value;
};

static json *
export_line(struct arena *a, const struct audit *line, struct str previous)
{
	json *j = json_object_new();

	json_set_int(j, "seq", line->seq);
	json_set_int(j, "at", line->when);
	json_set_text(j, "actor", line->actor);
	json_set_text(j, "action", line->action);
	json_set_text(j, "target", line->target);
	json_set_text(j, "before", line->before);
	json_set_text(j, "after", line->after);
	json_set_text(j, "previous", text_hex(a, previous));
	json_set_text(j, "hash", text_hex(a, line->hash));
	return j;
}

/* One page, and the line before it for its hash. */
static err_t
export_page(struct tx *tx, void *arg)
{
	static const uint8_t zero[32] = { 0 };
	struct export *x = arg;
	struct str previous = STR(zero);
	size_t n, bytes = 0;
	struct audit *v;

	TRY(store_audit_list(tx, x->a, x->after > 0 ? x->after - 1 : 0, EXPORT_LINES, &v, &n));
	for (size_t i = 0; i < n && bytes < EXPORT_BYTES; i++) {
		if (v[i].seq > x->after) {
			json_add(x->value, export_line(x->a, &v[i], previous));
			bytes += strlen(v[i].before) + strlen(v[i].after);
		}
		previous = v[i].hash;
	}
	return OK;
}

static err_t export(struct http_req *r)
{
	auto_json json *out = json_object_new();
	struct export x = { .a = http_arena(r), .value = json_array_new() };
	const char *name, *text;

	json_set(out, "value", x.value);
	for (size_t i = 0; http_query_at(r, i, &name, &text); i++) {
		if (strcmp(name, "after") != 0)
			FAIL(ERR_BAD_REQUEST, "query option '%s' is not supported here",
			    text_safe(x.a, str_c(name)));
		TRY_CTX(text_i64(str_c(text), 0, INT64_MAX, &x.after), "after");
	}
	TRY(store_read(api_of(r)->store, export_page, &x));
	return reply_json(r, 200, out);
}

static const struct http_route routes[] = {
	ROUTE(GET, "/chancery/v1/audit/export", PERM_AUDIT_READ, export),
	ROUTE(GET, "/chancery/v1/audit", PERM_AUDIT_READ, list),
	ROUTE(GET, "/chancery/v1/audit/verify", PERM_AUDIT_READ, verify),
	{ 0 },
};

const struct resource resource_audit = { "audit", routes };
