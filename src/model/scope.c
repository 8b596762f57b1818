/* SPDX-License-Identifier: Apache-2.0 */
#include "model/scope.h"

#include "base/limits.h"

err_t
scope_read(struct arena *a, const char *tags, struct field_texts *ret)
{
	auto_json json *list = NULL;
	struct field_texts t;

	if (tags == NULL || *tags == '\0')
		tags = "[\"0\"]";
	TRY(json_parse(str_c(tags), LIMIT_HTTP_BODY, &list));
	t.n = json_count(list);
	t.v = arena_array(a, t.n + 1, sizeof(*t.v));
	for (size_t i = 0; i < t.n; i++)
		t.v[i] = arena_strdup(a, json_text(json_at(list, i)));
	*ret = t;
	return OK;
}

err_t
scope_print(struct arena *a, const struct field_texts *t, const char **ret)
{
	auto_json json *list = json_array_new();
	struct str text;

	for (size_t i = 0; i < t->n; i++)
		json_add(list, json_text_new(t->v[i]));
	if (t->n == 0)
		json_add(list, json_text_new("0"));
	TRY(json_print(a, list, &text));
	return text_cstr(a, text, ret);
}

err_t
scope_check(struct tx *tx, struct arena *a, const char *tags)
{
	struct field_texts t;
	struct scope_tag tag;
	int64_t number;

	TRY(scope_read(a, tags, &t));
	for (size_t i = 0; i < t.n; i++) {
		err_t e = text_i64(str_c(t.v[i]), 0, INT32_MAX, &number);

		if (err_ok(e))
			e = store_scope_tag_get(tx, a, number, &tag);
		if (err_ok(e))
			continue;
		if (!err_is(e, ERR_NUMBER) && !err_is(e, ERR_RANGE) && !err_is(e, ERR_NOT_FOUND))
			return e;
		err_forget(e);
		FAIL(ERR_SCOPE_TAG, "\"%.64s\"", text_safe(a, str_c(t.v[i])));
	}
	return OK;
}
