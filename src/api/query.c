/* SPDX-License-Identifier: Apache-2.0 */
/* Reading of what a request says: query options, body, identifiers in the path and in references. */
#include "api/reply.h"

#include <assert.h>

static bool
is_option(const char *name, const char *option)
{
	return str_ieq_c(str_c(*name == '$' ? name + 1 : name), option);
}

/* "k<id>": after this key; "o<n>": n entities of a sorted list were given already. */
static err_t
read_token(const char *text, struct query *q)
{
	err_t e = { ERR_BAD_REQUEST };
	int64_t n;

	if (*text == 'k')
		e = id_parse(str_c(text + 1), &q->after);
	if (*text == 'o') {
		e = text_i64(str_c(text + 1), 0, INT32_MAX, &n);
		q->offset = err_ok(e) ? (size_t)n : 0;
	}
	if (!err_ok(e))
		FAIL(ERR_BAD_REQUEST,
		    "$skiptoken is none that we gave; follow @odata.nextLink as it is");
	return OK;
}

/* A comma list of what may be shown inside here; options of its own ("members($select=id)") are refused by name. */
static err_t
read_expand(struct http_req *r, const char *value, unsigned allow, struct query *q)
{
	const struct {
		const char *name;
		unsigned allow;
		bool *to;
	} rows[] = { { "assignments", QUERY_EXPAND_ASSIGNMENTS, &q->expand_assignments },
		{ "groupAssignments", QUERY_EXPAND_ASSIGNMENTS, &q->expand_group_assignments },
		{ "members", QUERY_EXPAND_MEMBERS, &q->expand_members } };
	struct str rest = str_c(value);

	while (rest.n > 0) {
		struct str one = str_trim(str_cut(&rest, ','));
		size_t i = 0;

		while (i < COUNT(rows) &&
		    ((allow & rows[i].allow) == 0 || !str_ieq_c(one, rows[i].name)))
			i++;
		if (i == COUNT(rows))
			FAIL(ERR_BAD_REQUEST, "$expand=%s is not supported here",
			    text_safe(http_arena(r), one));
		*rows[i].to = true;
	}
	return OK;
}

static err_t
read_option(
    struct http_req *r, const char *name, const char *value, unsigned allow, struct query *q)
{
	bool taken = false;

	/* Old scripts send options without a value: as if they were not there. */
	if (*value == '\0' && *name == '$')
		return OK;
	if (is_option(name, "expand"))
		return read_expand(r, value, allow, q);
	if (is_option(name, "skiptoken") && (allow & QUERY_LIST) != 0)
		return read_token(value, q);
	if ((allow & QUERY_LIST) == 0 && !is_option(name, "select"))
		FAIL(ERR_BAD_REQUEST, "query option '%s' is not supported here",
		    text_safe(http_arena(r), str_c(name)));
	TRY(odata_option(http_arena(r), name, value, &q->o, &taken));
	if (!taken)
		FAIL(ERR_BAD_REQUEST, "query option '%s' is not supported",
		    text_safe(http_arena(r), str_c(name)));
	return OK;
}

err_t
query_read(struct http_req *r, unsigned allow, struct query *ret)
{
	struct query q = { 0 };
	const char *name, *value, *other, *unused;

	odata_init(&q.o);
	for (size_t i = 0; http_query_at(r, i, &name, &value); i++) {
		for (size_t k = 0; k < i && http_query_at(r, k, &other, &unused); k++)
			if (str_ieq_c(str_c(other), name))
				FAIL(ERR_BAD_REQUEST, "query option '%s' is there twice",
				    text_safe(http_arena(r), str_c(name)));
		TRY(read_option(r, name, value, allow, &q));
	}
	*ret = q;
	return OK;
}

err_t
body_object(struct http_req *r, json **ret)
{
	auto_json json *body = NULL;

	TRY(json_parse(http_body(r), LIMIT_HTTP_BODY, &body));
	if (!json_is_object(body))
		FAIL(ERR_BAD_REQUEST, "the body must be a JSON object");
	*ret = steal(body);
	return OK;
}

err_t
param_id(struct http_req *r, const char *name, struct id *ret)
{
	const char *text = http_param(r, name);
	err_t e;

	assert(text != NULL);
	e = id_parse(str_c(text), ret);
	if (!err_ok(e))
		FAIL(ERR_NOT_FOUND, "'%s' is no identifier of anything here",
		    text_safe(http_arena(r), str_c(text)));
	return OK;
}

err_t
reference_id(const char *url, struct id *ret)
{
	struct str s = str_c(url);
	struct str last;

	while (s.n > 0 && (s.p[s.n - 1] == '/' || s.p[s.n - 1] == ')' || s.p[s.n - 1] == '\''))
		s.n--;
	last = s;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '/' || s.p[i] == '(' || s.p[i] == '\'')
			last = str_of(s.p + i + 1, s.n - i - 1);
	if (!err_ok(id_parse(last, ret)))
		FAIL(ERR_BAD_REQUEST, "the reference does not end in an identifier");
	return OK;
}
