/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collections: rows of the store, filtered, sorted, counted and cut into pages.
 *
 * Unsorted pages go by the store's key, so that what is added or removed between two pages is neither given twice nor
 * makes others skip. Sorted ones are gathered whole, up to a limit past which the caller must filter.
 */
#include "api/annotate.h"

#define SORT_MAX 20000u /* entities that one sorted answer may look at */
#define BATCH 200u

bool
row_follows(struct page p, struct id key)
{
	return memcmp(key.b, p.after.b, sizeof(key.b)) > 0;
}

void
rows_pass(struct rows *rows, struct id key)
{
	rows->last = key;
}

void
rows_add(struct rows *rows, struct id key, json *entity)
{
	if (rows->n == rows->cap) {
		rows->cap = rows->cap == 0 ? 64 : rows->cap * 2;
		rows->v = realloc(rows->v, rows->cap * sizeof(*rows->v));
		if (rows->v == NULL)
			abort();
	}
	rows->v[rows->n].key = key;
	rows->v[rows->n].entity = entity;
	rows->n++;
	rows->last = key;
}

void
rows_free(struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		json_free(rows->v[i].entity);
	free(rows->v);
	*rows = (struct rows){ 0 };
}

struct gather {
	const struct collection *c;
	const struct query *q;
	const void *arg; /* of c->read() */
	struct arena *a;
	size_t top;
	bool counting; /* every match is counted, also before and after the page */
	struct rows out;
	size_t matches; /* from the start when counting or sorting, else after $skiptoken */
	size_t passed;  /* by $skip */
	size_t looked;
	struct id last; /* of a bounded collection that gave up: where to go on */
	bool more;
};

static struct gather
gather_of(struct http_req *r, const struct collection *c, const struct query *q, bool counting)
{
	return (struct gather){ .c = c,
		.q = q,
		.arg = c->by_caller ? http_caller(r) : c->arg,
		.a = http_arena(r),
		.counting = counting };
}

/* One match, in order of key. Gives false when nothing further is wanted. */
static err_t
take_match(struct gather *g, struct row *row, bool *ret_go_on)
{
	bool sorting = g->q->o.norders > 0;

	*ret_go_on = true;
	g->matches++;
	if (sorting) {
		if (g->out.n == SORT_MAX)
			FAIL(ERR_TOO_LARGE,
			    "$orderby over more than %u entities; narrow it with $filter",
			    SORT_MAX);
		rows_add(&g->out, row->key, steal(row->entity));
		return OK;
	}
	if (!id_is_zero(g->q->after) && memcmp(row->key.b, g->q->after.b, sizeof(row->key.b)) <= 0)
		return OK;
	if (g->passed < (size_t)g->q->o.skip) {
		g->passed++;
		return OK;
	}
	if (g->out.n == g->top) {
		g->more = true;
		*ret_go_on = g->counting;
		return OK;
	}
	rows_add(&g->out, row->key, steal(row->entity));
	return OK;
}

/* There are more rows than one answer looks at. */
static err_t
looked_enough(struct gather *g, struct id last)
{
	if (g->counting || g->q->o.norders > 0)
		FAIL(ERR_TOO_LARGE,
		    "$count and $orderby over more than %zu entities; narrow it with $filter",
		    g->c->looks);
	g->last = last;
	g->more = true;
	return OK;
}

static err_t
gather(struct tx *tx, void *arg)
{
	struct gather *g = arg;
	bool more = true, go_on = true;
	struct page p = { .limit = BATCH };

	rows_free(&g->out);
	g->matches = g->passed = g->looked = 0;
	g->more = false;
	if (!g->counting)
		p.after = g->q->after;
	while (more && go_on) {
		auto_rows struct rows batch = { 0 };

		TRY(g->c->read(tx, g->a, p, g->arg, g->q, &batch, &more));
		if (id_is_zero(batch.last))
			break;
		p.after = batch.last;
		g->last = g->c->bounded && more ? batch.last : (struct id){ 0 };
		for (size_t i = 0; i < batch.n && go_on; i++) {
			bool match;

			TRY(odata_match(g->q->o.filter, batch.v[i].entity, &match));
			if (match && g->q->o.search != NULL)
				TRY(odata_found(&g->q->o, g->c->search, batch.v[i].entity, &match));
			if (match)
				TRY(take_match(g, &batch.v[i], &go_on));
		}
		if (g->c->bounded && more && go_on) {
			g->more = true;
			return OK;
		}
		g->looked += batch.n;
		if (g->c->looks > 0 && g->looked >= g->c->looks && more && go_on)
			return looked_enough(g, batch.last);
	}
	g->last = (struct id){ 0 };
	return OK;
}

/* Sorts all and keeps the page of it. */
static err_t
sort_and_cut(struct gather *g)
{
	size_t from = g->q->offset + (g->q->offset == 0 ? (size_t)g->q->o.skip : 0);
	json **all = arena_array(g->a, g->out.n + 1, sizeof(*all));
	struct rows page = { 0 };

	for (size_t i = 0; i < g->out.n; i++)
		all[i] = g->out.v[i].entity;
	TRY(odata_sort(g->a, &g->q->o, all, g->out.n));
	for (size_t i = from; i < g->out.n && page.n < g->top; i++)
		rows_add(&page, (struct id){ 0 }, json_ref(all[i]));
	g->more = from + page.n < g->out.n;
	rows_free(&g->out);
	g->out = page;
	return OK;
}

static void
put_encoded(struct buf *b, const char *s, const char *safe)
{
	for (; *s != '\0'; s++) {
		bool plain = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
		    (*s >= '0' && *s <= '9') || strchr(safe, *s) != NULL;
		err_t e = plain ? buf_putc(b, (uint8_t)*s) : buf_printf(b, "%%%02X", (uint8_t)*s);

		/* Cannot be: the target was smaller than the buffer. */
		err_forget(e);
	}
}

/* The request's own address with a new $skiptoken; $skip is used up by the first page. */
static const char *
next_link(struct http_req *r, const struct gather *g)
{
	struct arena *a = http_arena(r);
	auto_buf struct buf b = { 0 };
	const char *name, *value, *token;

	buf_init(&b, 8 * LIMIT_HTTP_HEADERS);
	put_encoded(&b, reply_root(r), ":/.-_[]");
	put_encoded(&b, http_path(r), "/.-_~$'(),@");
	put_encoded(&b, "?", "?");
	for (size_t i = 0; http_query_at(r, i, &name, &value); i++) {
		struct str bare = str_c(*name == '$' ? name + 1 : name);

		if (str_ieq_c(bare, "skip") || str_ieq_c(bare, "skiptoken"))
			continue;
		put_encoded(&b, name, "$.-_");
		put_encoded(&b, "=", "=");
		put_encoded(&b, value, ".-_,");
		put_encoded(&b, "&", "&");
	}
	if (g->q->o.norders > 0)
		token = arena_printf(a, "o%zu",
		    g->q->offset + (g->q->offset == 0 ? (size_t)g->q->o.skip : 0) + g->out.n);
	else
		token = arena_printf(a, "k%s",
		    id_text(a, id_is_zero(g->last) ? g->out.v[g->out.n - 1].key : g->last));
	put_encoded(&b, "$skiptoken=", "$=");
	put_encoded(&b, token, "-");
	return arena_cstr(a, buf_str(&b));
}

static err_t
search_check(const struct query *q, const struct collection *c)
{
	if (c->bounded && (q->o.count || q->o.norders > 0))
		FAIL(ERR_BAD_REQUEST,
		    "$count and $orderby are not supported here; /chancery/v1/status has the counts");
	if (q->o.search != NULL && c->search == NULL)
		FAIL(ERR_BAD_REQUEST, "$search is not supported here");
	return OK;
}

err_t
reply_collection(struct http_req *r, const struct collection *c, unsigned allow)
{
	struct query q;
	auto_json json *body = json_object_new();
	json *value = json_array_new();

	json_set(body, "value", value);
	TRY(query_read(r, allow | QUERY_LIST, &q));
	TRY(search_check(&q, c));

	struct gather g = gather_of(r, c, &q, q.o.count);
	auto_json json *out = json_object_new();
	err_t e;

	g.top = c->page == 0 ? 100 : c->page;
	if (q.o.top >= 0)
		g.top = q.o.top > (int64_t)LIMIT_PAGE ? LIMIT_PAGE : (size_t)q.o.top;
	e = store_read(api_of(r)->store, gather, &g);
	if (err_ok(e) && q.o.norders > 0)
		e = sort_and_cut(&g);
	for (size_t i = 0; err_ok(e) && i < g.out.n; i++)
		e = reply_narrow(&q, g.out.v[i].entity);
	for (size_t i = 0; err_ok(e) && i < g.out.n; i++)
		e = annotate_entity(r, c->set, g.out.v[i].entity);
	json_set_text(out, "@odata.context", reply_context(r, c->set, &q, false));
	if (q.o.count)
		json_set_int(out, "@odata.count", (int64_t)g.matches);
	if (err_ok(e) && g.more && (g.out.n > 0 || !id_is_zero(g.last)))
		json_set_text(out, "@odata.nextLink", next_link(r, &g));
	for (size_t i = 0; i < g.out.n; i++)
		json_add(value, steal(g.out.v[i].entity));
	rows_free(&g.out);
	TRY(e);
	json_set(out, "value", json_ref(value));
	return reply_json(r, 200, out);
}

err_t
reply_count(struct http_req *r, const struct collection *c)
{
	struct query q;
	struct gather g = gather_of(r, c, &q, true);
	const char *request, *client;
	err_t e;

	TRY(query_read(r, QUERY_LIST, &q));
	TRY(search_check(&q, c));
	if (q.o.norders > 0 || q.o.top >= 0 || q.o.skip > 0)
		FAIL(ERR_BAD_REQUEST, "only $filter and $search are supported with $count");
	e = store_read(api_of(r)->store, gather, &g);
	rows_free(&g.out);
	TRY(e);
	reply_headers(r, &request, &client);
	return http_reply(
	    r, 200, "text/plain", str_c(arena_printf(http_arena(r), "%zu", g.matches)));
}
