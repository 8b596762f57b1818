/* SPDX-License-Identifier: Apache-2.0 */
/* Members of JSON objects that a message must or may have: see json.h. */
#include "codec/json.h"

static err_t
text_check(const json *j, const char *key, size_t max, const char **ret)
{
	if (!json_is_text(j))
		FAIL(ERR_BAD_REQUEST, "\"%s\" must be a text", key);
	if (strlen(json_text(j)) > max)
		FAIL(ERR_BAD_REQUEST, "\"%s\" is longer than %zu bytes", key, max);
	*ret = json_text(j);
	return OK;
}

static err_t
int_check(const json *j, const char *key, int64_t min, int64_t max, int64_t *ret)
{
	int64_t v = json_int(j);

	if (!json_is_int(j))
		FAIL(ERR_BAD_REQUEST, "\"%s\" must be a whole number", key);
	if (v < min || v > max)
		FAIL(ERR_BAD_REQUEST, "\"%s\" must be %lld to %lld", key, (long long)min,
		    (long long)max);
	*ret = v;
	return OK;
}

static err_t
base64_check(struct arena *a, const json *j, const char *key, size_t max, struct str *ret)
{
	const char *text;
	struct str bytes;
	err_t e;

	/* Four characters for three bytes, and some white space between. */
	TRY(text_check(j, key, max / 3 * 4 + max / 32 + 64, &text));
	e = text_unbase64(a, str_c(text), &bytes);
	if (!err_ok(e)) {
		err_forget(e);
		FAIL(ERR_BAD_REQUEST, "\"%s\" is not base64", key);
	}
	if (bytes.n > max)
		FAIL(ERR_BAD_REQUEST, "\"%s\" is longer than %zu bytes", key, max);
	*ret = bytes;
	return OK;
}

static err_t
array_check(json *j, const char *key, size_t max, json **ret)
{
	if (!json_is_array(j))
		FAIL(ERR_BAD_REQUEST, "\"%s\" must be an array", key);
	if (json_count(j) > max)
		FAIL(ERR_BAD_REQUEST, "\"%s\" has more than %zu elements", key, max);
	*ret = j;
	return OK;
}

static err_t
need(const json *obj, const char *key, json **ret)
{
	json *j = json_get(obj, key);

	if (json_is_null(j))
		FAIL(ERR_BAD_REQUEST, "\"%s\" is missing", key);
	*ret = j;
	return OK;
}

err_t
json_need_text(const json *obj, const char *key, size_t max, const char **ret)
{
	json *j = NULL;

	TRY(need(obj, key, &j));
	return text_check(j, key, max, ret);
}

err_t
json_need_int(const json *obj, const char *key, int64_t min, int64_t max, int64_t *ret)
{
	json *j = NULL;

	TRY(need(obj, key, &j));
	return int_check(j, key, min, max, ret);
}

err_t
json_need_base64(struct arena *a, const json *obj, const char *key, size_t max, struct str *ret)
{
	struct str bytes;
	json *j = NULL;

	TRY(need(obj, key, &j));
	TRY(base64_check(a, j, key, max, &bytes));
	if (bytes.n == 0)
		FAIL(ERR_BAD_REQUEST, "\"%s\" is empty", key);
	*ret = bytes;
	return OK;
}

err_t
json_need_id(const json *obj, const char *key, struct id *ret)
{
	const char *text;
	struct id id;
	err_t e;

	TRY(json_need_text(obj, key, ID_TEXT + 1, &text));
	e = id_parse(str_c(text), &id);
	if (!err_ok(e)) {
		err_forget(e);
		FAIL(ERR_BAD_REQUEST, "\"%s\" is not an identifier", key);
	}
	*ret = id;
	return OK;
}

err_t
json_need_array(const json *obj, const char *key, size_t max, json **ret)
{
	json *j = NULL;

	TRY(need(obj, key, &j));
	return array_check(j, key, max, ret);
}

err_t
json_need_object(const json *obj, const char *key, json **ret)
{
	json *j = NULL;

	TRY(need(obj, key, &j));
	if (!json_is_object(j))
		FAIL(ERR_BAD_REQUEST, "\"%s\" must be an object", key);
	*ret = j;
	return OK;
}

err_t
json_want_text(const json *obj, const char *key, size_t max, const char **ret)
{
	json *j = json_get(obj, key);

	if (!json_is_null(j))
		return text_check(j, key, max, ret);
	*ret = NULL;
	return OK;
}

err_t
json_want_int(
    const json *obj, const char *key, int64_t min, int64_t max, int64_t fallback, int64_t *ret)
{
	json *j = json_get(obj, key);

	if (!json_is_null(j))
		return int_check(j, key, min, max, ret);
	*ret = fallback;
	return OK;
}

err_t
json_want_base64(struct arena *a, const json *obj, const char *key, size_t max, struct str *ret)
{
	json *j = json_get(obj, key);

	if (!json_is_null(j))
		return base64_check(a, j, key, max, ret);
	*ret = STR_EMPTY;
	return OK;
}

err_t
json_want_array(const json *obj, const char *key, size_t max, json **ret)
{
	json *j = json_get(obj, key);

	if (!json_is_null(j))
		return array_check(j, key, max, ret);
	*ret = NULL;
	return OK;
}
