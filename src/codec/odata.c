/* SPDX-License-Identifier: Apache-2.0 */
/* Query options, $select and $orderby: see odata.h. Filters: odata_filter.c, odata_match.c. */
#include "codec/odata.h"

#include <strings.h>

#include "codec/odata_expr.h"

enum { SKIP_MAX = 1000000000, EXTRA_MEMBERS = 512 };

void
odata_init(struct odata *o)
{
	*o = (struct odata){ .top = -1 };
}

/* A comma list of names; each one is given to `check`. */
static err_t
names_take(struct arena *a, const char *option, const char *value, const char ***ret, size_t *retn)
{
	const char *names[LIMIT_FILTER_ITEMS];
	struct str in = str_c(value), one;
	size_t n = 0;

	while (in.n > 0) {
		if (n == COUNT(names))
			FAIL(ERR_BAD_REQUEST, "%s names too many properties", option);
		one = str_trim(str_cut(&in, ','));
		if (one.n == 0)
			FAIL(ERR_BAD_REQUEST, "%s has an empty name", option);
		if (memchr(one.p, '(', one.n) != NULL)
			FAIL(
			    ERR_BAD_REQUEST, "%s with options of its own is not supported", option);
		names[n++] = arena_cstr(a, one);
	}
	if (n == 0)
		FAIL(ERR_BAD_REQUEST, "%s is empty", option);
	*ret = arena_copy(a, names, n * sizeof(names[0]));
	*retn = n;
	return OK;
}

static err_t
select_take(struct arena *a, const char *value, struct odata *o)
{
	TRY(names_take(a, "$select", value, &o->select, &o->nselect));
	for (size_t i = 0; i < o->nselect; i++)
		if (strcmp(o->select[i], "*") == 0)
			o->nselect = 0;
	if (o->nselect == 0)
		o->select = NULL;
	return OK;
}

static err_t
expand_take(struct arena *a, const char *value, struct odata *o)
{
	return names_take(a, "$expand", value, &o->expand, &o->nexpand);
}

static err_t
filter_take(struct arena *a, const char *value, struct odata *o)
{
	return odata_filter_parse(a, value, &o->filter);
}

static err_t
orderby_take(struct arena *a, const char *value, struct odata *o)
{
	const char **names;
	size_t n;

	TRY(names_take(a, "$orderby", value, &names, &n));
	o->orders = arena_array(a, n, sizeof(*o->orders));
	o->norders = n;
	for (size_t i = 0; i < n; i++) {
		struct str rest = str_c(names[i]), name = str_cut(&rest, ' ');

		rest = str_trim(rest);
		if (rest.n > 0 && !str_eq_c(rest, "asc") && !str_eq_c(rest, "desc"))
			FAIL(ERR_BAD_REQUEST, "$orderby \"%s\": asc or desc is expected", names[i]);
		o->orders[i].name = arena_cstr(a, name);
		o->orders[i].descending = str_eq_c(rest, "desc");
	}
	return OK;
}

static err_t
number_take(const char *option, const char *value, int64_t max, int64_t *ret)
{
	err_t e = text_i64(str_c(value), 0, max, ret);

	if (err_ok(e))
		return OK;
	err_forget(e);
	FAIL(ERR_BAD_REQUEST, "%s must be 0 to %lld", option, (long long)max);
}

static err_t
top_take(struct arena *a, const char *value, struct odata *o)
{
	(void)a;
	return number_take("$top", value, LIMIT_PAGE, &o->top);
}

static err_t
skip_take(struct arena *a, const char *value, struct odata *o)
{
	(void)a;
	return number_take("$skip", value, SKIP_MAX, &o->skip);
}

static err_t
skiptoken_take(struct arena *a, const char *value, struct odata *o)
{
	o->skiptoken = arena_strdup(a, value);
	return OK;
}

/* "displayName:ada", or text alone; with or without the quotes around it. */
static err_t
search_take(struct arena *a, const char *value, struct odata *o)
{
	struct str s = str_trim(str_c(value)), name, rest;

	if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
		s = str_of(s.p + 1, s.n - 2);
	if (s.n == 0 || memchr(s.p, '"', s.n) != NULL)
		FAIL(ERR_BAD_REQUEST, "$search takes one text: \"displayName:ada\" or \"ada\"");
	rest = s;
	name = str_cut(&rest, ':');
	if (rest.n == 0) {
		o->search = arena_cstr(a, s);
		return OK;
	}
	o->search_in = arena_cstr(a, str_trim(name));
	o->search = arena_cstr(a, str_trim(rest));
	return OK;
}

err_t
odata_found(const struct odata *o, const char *const *names, const json *entity, bool *ret)
{
	bool known = false;

	*ret = o->search == NULL;
	for (; o->search != NULL && *names != NULL; names++) {
		if (o->search_in != NULL && strcasecmp(o->search_in, *names) != 0)
			continue;
		known = true;
		*ret |= strcasestr(json_text(json_get(entity, *names)), o->search) != NULL;
	}
	if (o->search != NULL && !known)
		FAIL(ERR_BAD_REQUEST, "$search in \"%.64s\" is not supported here", o->search_in);
	return OK;
}

static err_t
count_take(struct arena *a, const char *value, struct odata *o)
{
	(void)a;
	if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
		FAIL(ERR_BAD_REQUEST, "$count must be true or false");
	o->count = value[0] == 't';
	return OK;
}

err_t
odata_option(struct arena *a, const char *name, const char *value, struct odata *o, bool *taken)
{
	static const struct {
		const char *name;
		err_t (*take)(struct arena *a, const char *value, struct odata *o);
	} options[] = { { "select", select_take }, { "expand", expand_take },
		{ "filter", filter_take }, { "orderby", orderby_take }, { "top", top_take },
		{ "skip", skip_take }, { "skiptoken", skiptoken_take }, { "count", count_take },
		{ "search", search_take } };
	bool dollar = name[0] == '$';

	for (size_t i = 0; i < COUNT(options); i++) {
		if (!str_ieq_c(str_c(name + dollar), options[i].name))
			continue;
		if ((o->given & 1u << i) != 0)
			FAIL(ERR_BAD_REQUEST, "$%s is given twice", options[i].name);
		if (strlen(value) > LIMIT_FILTER)
			FAIL(ERR_BAD_REQUEST, "$%s is longer than %u bytes", options[i].name,
			    LIMIT_FILTER);
		TRY(options[i].take(a, value, o));
		o->given |= 1u << i;
		*taken = true;
		return OK;
	}
	if (dollar)
		FAIL(ERR_BAD_REQUEST, "query option \"%.64s\" is not supported", name);
	*taken = false;
	return OK;
}

/* The member that a selected path is about, and whether the path names a derived type. */
static struct str
selected_member(const char *path, bool *cast)
{
	struct str rest = str_c(path), name = str_cut(&rest, '/');

	*cast = false;
	while (odata_is_cast(name) && rest.n > 0) {
		*cast = true;
		name = str_cut(&rest, '/');
	}
	return name;
}

static bool
is_selected(const struct odata *o, const char *key)
{
	/* An annotation, name@odata.x, goes with its property. */
	struct str base = str_c(key);
	bool cast;

	base = str_cut(&base, '@');
	if (base.n == 0 || str_eq_c(base, "id"))
		return true;
	for (size_t i = 0; i < o->nselect; i++) {
		struct str name = selected_member(o->select[i], &cast);

		if (name.n == base.n &&
		    strncasecmp((const char *)name.p, (const char *)base.p, name.n) == 0)
			return true;
	}
	return false;
}

static err_t
names_check(const struct odata *o, const json *entity)
{
	for (size_t i = 0; i < o->nselect; i++) {
		bool cast, found = false;
		struct str name = selected_member(o->select[i], &cast);

		for (void *it = json_iter(entity); it != NULL && !found;
		     it = json_iter_next(entity, it))
			found = str_ieq_c(name, json_iter_key(it));
		if (!found && !cast)
			FAIL(ERR_BAD_REQUEST, "$select: property \"%.128s\" is not supported here",
			    o->select[i]);
	}
	return OK;
}

err_t
odata_select(const struct odata *o, json *entity)
{
	const char *gone[EXTRA_MEMBERS];
	size_t n = 0;

	if (o->select == NULL)
		return OK;
	if (json_count(entity) > EXTRA_MEMBERS)
		FAIL(ERR_INTERNAL, "entity with more than %d members", EXTRA_MEMBERS);
	TRY(names_check(o, entity));
	for (void *it = json_iter(entity); it != NULL; it = json_iter_next(entity, it))
		if (!is_selected(o, json_iter_key(it)))
			gone[n++] = json_iter_key(it);
	for (size_t i = 0; i < n; i++)
		json_del(entity, gone[i]);
	return OK;
}

struct row {
	json *entity;
	const json **keys;
	size_t place;
};

static int
by_keys(const void *x, const void *y, void *ctx)
{
	const struct row *a = x, *b = y;
	const struct odata *o = ctx;

	for (size_t i = 0; i < o->norders; i++) {
		int order = odata_value_cmp(a->keys[i], b->keys[i]);

		if (order != 0)
			return o->orders[i].descending ? -order : order;
	}
	return a->place < b->place ? -1 : 1;
}

err_t
odata_sort(struct arena *a, const struct odata *o, json **entities, size_t n)
{
	struct row *rows;

	if (o->norders == 0 || n == 0)
		return OK;
	rows = arena_array(a, n, sizeof(*rows));
	for (size_t i = 0; i < n; i++) {
		rows[i].entity = entities[i];
		rows[i].place = i;
		rows[i].keys = arena_array(a, o->norders, sizeof(*rows[i].keys));
		for (size_t k = 0; k < o->norders; k++)
			TRY_CTX(odata_property(entities[i], o->orders[k].name, &rows[i].keys[k]),
			    "$orderby");
	}
	qsort_r(rows, n, sizeof(*rows), by_keys, (void *)(uintptr_t)o);
	for (size_t i = 0; i < n; i++)
		entities[i] = rows[i].entity;
	return OK;
}
