/* SPDX-License-Identifier: Apache-2.0 */
/* JSON values: see json.h. Members that are demanded: json_need.c. */
#include "codec/json.h"

#undef json_true
#undef json_equal
#include <jansson.h>
/* Functions of ours, macros of jansson's. */
#undef json_is_object
#undef json_is_array
#undef json_is_null

#include "base/limits.h"
#include "base/secret.h"

err_t
json_parse(struct str text, size_t max, json **ret)
{
	json_error_t e;
	unsigned depth = 0;
	bool in_text = false;
	json *j;

	if (text.n > max)
		FAIL(ERR_TOO_LARGE, "JSON text of %zu bytes, at most %zu", text.n, max);
	/* The depth is bounded before the parser recurses. */
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (in_text) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_text = false;
		} else if (c == '"') {
			in_text = true;
		} else if (c == '{' || c == '[') {
			if (++depth > LIMIT_JSON_DEPTH)
				FAIL(ERR_JSON, "nested deeper than %u", LIMIT_JSON_DEPTH);
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	/* JSON_DECODE_ANY: texts that are no object or array are JSON too (RFC 8259 2). */
	j = json_loadb(text.n == 0 ? "" : (const char *)text.p, text.n,
	    JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
	if (j == NULL)
		FAIL(ERR_JSON, "line %d, column %d: %s", e.line, e.column, e.text);
	*ret = j;
	return OK;
}

void
json_wipe_on_free(void)
{
	json_set_alloc_funcs(malloc, secret_free);
}

struct printing {
	struct buf b;
	bool failed;
};

static int
print_chunk(const char *p, size_t n, void *ctx)
{
	struct printing *pr = ctx;
	err_t e = buf_put(&pr->b, str_of(p, n));

	pr->failed = !err_ok(e);
	return pr->failed ? -1 : 0;
}

static err_t
print(struct arena *a, const json *j, size_t flags, bool newline, struct str *ret)
{
	struct printing pr = { .failed = false };
	bool bad;

	buf_init(&pr.b, LIMIT_HTTP_REPLY);
	bad = json_dump_callback(j, print_chunk, &pr, flags | JSON_ENCODE_ANY) != 0;
	if (!bad && newline)
		bad = print_chunk("\n", 1, &pr) != 0;
	if (!bad)
		*ret = arena_str(a, buf_str(&pr.b));
	buf_free(&pr.b);
	if (pr.failed)
		FAIL(ERR_TOO_LARGE, "JSON text longer than %u bytes", LIMIT_HTTP_REPLY);
	if (bad)
		FAIL(ERR_INTERNAL, "JSON value cannot be written");
	return OK;
}

err_t
json_print(struct arena *a, const json *j, struct str *ret)
{
	return print(a, j, JSON_COMPACT, false, ret);
}

err_t
json_print_pretty(struct arena *a, const json *j, struct str *ret)
{
	return print(a, j, JSON_INDENT(2), true, ret);
}

void
json_free(json *j)
{
	json_decref(j);
}

json *
json_ref(json *j)
{
	return json_incref(j);
}

/* jansson gives NULL when memory ends, and for text that is no UTF-8, which is a mistake of ours.
 * */
static json *
made(json *j)
{
	if (j == NULL)
		abort();
	return j;
}

json *
json_object_new(void)
{
	return made(json_object());
}

json *
json_array_new(void)
{
	return made(json_array());
}

json *
json_text_new(const char *s)
{
	return made(s == NULL ? json_null() : json_string(s));
}

json *
json_str_new(struct str s)
{
	return made(json_stringn(s.n == 0 ? "" : (const char *)s.p, s.n));
}

json *
json_int_new(int64_t v)
{
	return made(json_integer(v));
}

json *
json_bool_new(bool v)
{
	return made(json_boolean(v));
}

json *
json_null_new(void)
{
	return made(json_null());
}

void
json_set(json *obj, const char *key, json *value)
{
	if (json_object_set_new(obj, key, value) != 0)
		abort();
}

void
json_set_text(json *obj, const char *key, const char *s)
{
	json_set(obj, key, json_text_new(s));
}

void
json_set_int(json *obj, const char *key, int64_t v)
{
	json_set(obj, key, json_int_new(v));
}

void
json_set_bool(json *obj, const char *key, bool v)
{
	json_set(obj, key, json_bool_new(v));
}

void
json_set_base64(struct arena *a, json *obj, const char *key, struct str s)
{
	json_set_text(obj, key, text_base64(a, s));
}

void
json_set_id(struct arena *a, json *obj, const char *key, struct id id)
{
	json_set_text(obj, key, id_is_zero(id) ? NULL : id_text(a, id));
}

void
json_set_when(struct arena *a, json *obj, const char *key, when_t t)
{
	json_set_text(obj, key, t == 0 ? NULL : when_text(a, t));
}

void
json_add(json *array, json *value)
{
	if (json_array_append_new(array, value) != 0)
		abort();
}

void
json_del(json *obj, const char *key)
{
	json_object_del(obj, key);
}

bool
json_is_object(const json *j)
{
	return j != NULL && json_typeof(j) == JSON_OBJECT;
}

bool
json_is_array(const json *j)
{
	return j != NULL && json_typeof(j) == JSON_ARRAY;
}

bool
json_is_text(const json *j)
{
	return j != NULL && json_typeof(j) == JSON_STRING;
}

bool
json_is_int(const json *j)
{
	return j != NULL && json_typeof(j) == JSON_INTEGER;
}

bool
json_is_bool(const json *j)
{
	return j != NULL && (json_typeof(j) == JSON_TRUE || json_typeof(j) == JSON_FALSE);
}

bool
json_is_null(const json *j)
{
	return j == NULL || json_typeof(j) == JSON_NULL;
}

bool
json_equal_values(const json *a, const json *b)
{
	return json_equal(a, b) == 1;
}

json *
json_get(const json *obj, const char *key)
{
	return json_object_get(obj, key);
}

json *
json_get_icase(const json *obj, const char *key)
{
	json *exact = json_object_get(obj, key);

	if (exact != NULL)
		return exact;
	for (void *it = json_iter(obj); it != NULL; it = json_iter_next(obj, it))
		if (str_ieq_c(str_c(json_iter_key(it)), key))
			return json_iter_value(it);
	return NULL;
}

json *
json_at(const json *array, size_t i)
{
	return json_array_get(array, i);
}

size_t
json_count(const json *j)
{
	return json_is_array(j) ? json_array_size(j) : json_object_size(j);
}

/* jansson wants objects writable to iterate over them, but does not write. */
void *
json_iter(const json *obj)
{
	return json_object_iter((json *)(uintptr_t)obj);
}

void *
json_iter_next(const json *obj, void *it)
{
	return json_object_iter_next((json *)(uintptr_t)obj, it);
}

const char *
json_iter_key(void *it)
{
	return json_object_iter_key(it);
}

json *
json_iter_value(void *it)
{
	return json_object_iter_value(it);
}

const char *
json_text(const json *j)
{
	return json_is_text(j) ? json_string_value(j) : "";
}

int64_t
json_int(const json *j)
{
	return json_integer_value(j);
}

bool
json_is_true_value(const json *j)
{
	return j != NULL && json_typeof(j) == JSON_TRUE;
}
