/* SPDX-License-Identifier: Apache-2.0 */
/* Paths, queries and routes. See http_target.h. */
#include "net/http_target.h"

#include <strings.h>

#include "base/limits.h"
#include "base/text.h"
#include "net/url.h"

static err_t
push_segment(struct http_target *t, const char *text)
{
	if (t->nsegments == LIMIT_HTTP_SEGMENTS)
		FAIL(ERR_BAD_REQUEST, "more than %u path segments", LIMIT_HTTP_SEGMENTS);
	t->segments[t->nsegments++] = text;
	return OK;
}

/* Graph: name('key') and name(key); a quote inside is doubled. */
static err_t
push_keyed(struct arena *a, struct http_target *t, const char *text)
{
	size_t n = strlen(text);
	const char *open = strchr(text, '(');
	struct str key;
	char *out;
	size_t k = 0;

	if (open == NULL || open == text || text[n - 1] != ')' || open + 2 == text + n)
		return push_segment(t, text);
	TRY(push_segment(t, arena_cstr(a, str_of(text, (size_t)(open - text)))));
	key = str_of(open + 1, (size_t)(text + n - 1 - (open + 1)));
	if (key.n < 2 || key.p[0] != '\'' || key.p[key.n - 1] != '\'')
		return push_segment(t, arena_cstr(a, key));
	key = str_of(key.p + 1, key.n - 2);
	out = arena_alloc(a, key.n + 1);
	for (size_t i = 0; i < key.n; i++) {
		if (key.p[i] == '\'' && i + 1 < key.n && key.p[i + 1] == '\'')
			i++;
		out[k++] = (char)key.p[i];
	}
	if (k == 0)
		FAIL(ERR_BAD_REQUEST, "an empty key in the path");
	return push_segment(t, out);
}

static err_t
parse_path(struct arena *a, struct str path, struct http_target *t)
{
	size_t total = 2;
	char *joined, *p;

	t->segments = arena_array(a, LIMIT_HTTP_SEGMENTS, sizeof(*t->segments));
	while (path.n > 0) {
		struct str raw = str_cut(&path, '/');
		const char *text;

		if (raw.n == 0)
			continue;
		TRY(url_decode(a, raw, false, false, &text));
		if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
			FAIL(ERR_BAD_REQUEST, "a dot segment in the path");
		TRY(push_keyed(a, t, text));
	}
	for (size_t i = 0; i < t->nsegments; i++)
		total += strlen(t->segments[i]) + 1;
	p = joined = arena_alloc(a, total);
	if (t->nsegments == 0)
		*p = '/';
	for (size_t i = 0; i < t->nsegments; i++) {
		size_t n = strlen(t->segments[i]);

		*p++ = '/';
		memcpy(p, t->segments[i], n);
		p += n;
	}
	t->path = joined;
	return OK;
}

err_t
http_pairs_parse(struct arena *a, struct str in, struct http_pairs *ret)
{
	struct http_pairs pairs = { NULL, 0 };
	struct str rest = in;
	size_t max = 0;

	while (rest.n > 0)
		if (str_cut(&rest, '&').n > 0)
			max++;
	if (max > LIMIT_HTTP_PAIRS)
		FAIL(ERR_BAD_REQUEST, "more than %u parameters", LIMIT_HTTP_PAIRS);
	if (max > 0)
		pairs.v = arena_array(a, max, sizeof(*pairs.v));
	while (in.n > 0) {
		struct str value = str_cut(&in, '&');
		struct str name;

		if (value.n == 0)
			continue;
		name = str_cut(&value, '=');
		TRY(url_decode(a, name, true, false, &pairs.v[pairs.n].name));
		TRY(url_decode(a, value, true, true, &pairs.v[pairs.n].value));
		pairs.n++;
	}
	*ret = pairs;
	return OK;
}

const char *
http_pairs_get(const struct http_pairs *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcasecmp(p->v[i].name, name) == 0)
			return p->v[i].value;
	return NULL;
}

err_t
http_target_parse(struct arena *a, const char *target, struct http_target *ret)
{
	struct http_target t = { 0 };
	struct str rest = str_c(target);
	struct str path = str_cut(&rest, '?');

	t.raw_path = arena_cstr(a, path);
	TRY(parse_path(a, path, &t));
	TRY(http_pairs_parse(a, rest, &t.query));
	*ret = t;
	return OK;
}

/* One segment of a row: kind and text. */
enum part_kind { PART_REST, PART_PARAM, PART_LITERAL };

static enum part_kind
part_kind(struct str part)
{
	if (part.n < 3 || part.p[0] != '{' || part.p[part.n - 1] != '}')
		return PART_LITERAL;
	return part.p[part.n - 2] == '*' ? PART_REST : PART_PARAM;
}

/* Does the row's path fit? *ret_rank: two bits a segment, first segment highest, so that the
 * more literal row wins. */
static bool
path_fits(const char *path, const struct http_target *t, uint64_t *ret_rank)
{
	struct str rest = str_c(path);
	uint64_t rank = 0;
	size_t i = 0;

	while (rest.n > 0) {
		struct str part = str_cut(&rest, '/');

		if (part.n == 0)
			continue;
		if (i == t->nsegments)
			return false;
		rank |= (uint64_t)part_kind(part) << (62 - 2 * i);
		if (part_kind(part) == PART_REST) {
			i = t->nsegments;
			break;
		}
		if (part_kind(part) == PART_LITERAL && !str_ieq_c(part, t->segments[i]))
			return false;
		i++;
	}
	*ret_rank = rank;
	return i == t->nsegments;
}

static const char *
join_rest(struct arena *a, const struct http_target *t, size_t from)
{
	const char *s = t->segments[from];

	for (size_t i = from + 1; i < t->nsegments; i++)
		s = arena_printf(a, "%s/%s", s, t->segments[i]);
	return s;
}

static void
bind_params(struct arena *a, const struct http_target *t, struct http_match *m)
{
	struct str rest = str_c(m->route->path);
	size_t i = 0;

	m->params.v = arena_array(a, t->nsegments + 1, sizeof(*m->params.v));
	while (rest.n > 0) {
		struct str part = str_cut(&rest, '/');
		struct http_pair *p = &m->params.v[m->params.n];

		if (part.n == 0)
			continue;
		if (part_kind(part) != PART_LITERAL) {
			bool tail = part_kind(part) == PART_REST;

			p->name = arena_cstr(a, str_of(part.p + 1, part.n - 2 - tail));
			p->value = tail ? join_rest(a, t, i) : t->segments[i];
			m->params.n++;
		}
		i++;
	}
}

/* The best row of one owner; *known: some row has the path. NULL: none for this method. */
static const struct http_route *
best_row(const struct http_route *rows, enum http_method method, const struct http_target *t,
    bool *known)
{
	const struct http_route *found = NULL;
	uint64_t best = 0;

	*known = false;
	for (const struct http_route *row = rows; row->path != NULL; row++) {
		uint64_t rank;

		if (!path_fits(row->path, t, &rank))
			continue;
		*known = true;
		if (row->method != method || (found != NULL && rank <= best))
			continue;
		found = row;
		best = rank;
	}
	return found;
}

err_t
http_match(struct arena *a, const struct http_mount *mounts, size_t n, enum http_method method,
    const struct http_target *t, const struct http_mount **ret_mount, struct http_match *ret)
{
	const struct http_mount *with_path = NULL;

	for (size_t i = 0; i < n; i++) {
		enum http_method want = method == HTTP_HEAD ? HTTP_GET : method;
		struct http_match m = { 0 };
		bool known;

		m.route = best_row(mounts[i].routes, want, t, &known);
		if (known && with_path == NULL)
			with_path = &mounts[i];
		if (m.route == NULL)
			continue;
		bind_params(a, t, &m);
		*ret_mount = &mounts[i];
		*ret = m;
		return OK;
	}
	if (with_path == NULL)
		FAIL(ERR_NO_SEGMENT, "%s", t->path);
	*ret_mount = with_path;
	FAIL(ERR_METHOD, "%s %s", http_method_name(method), t->path);
}
