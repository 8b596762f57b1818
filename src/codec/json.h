/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON values (RFC 8259), by jansson: UTF-8 only, no duplicate keys, no NUL in strings, bounded depth and size.
 *
 * A struct json is reference counted: functions that make one give it to the caller (auto_json); json_get and json_at
 * lend. The *_set and *_add calls take over the value given.
 */
#ifndef CODEC_JSON_H
#define CODEC_JSON_H

#include "base/arena.h"
#include "base/str.h"
#include "base/text.h"
#include "base/when.h"

struct json_t;
typedef struct json_t json;

/* jansson has functions of these two names, which it also calls itself: ours go by others to the linker. */
#define json_true json_is_true_value
#define json_equal json_equal_values

/* In main(), before the first value: what bodies and records carried is wiped when it is freed, for all of the process. */
void json_wipe_on_free(void);

err_t json_parse(struct str text, size_t max, json **ret); /* ERR_JSON with line and column */
err_t json_print(
    struct arena *a, const json *j, struct str *ret); /* compact, members in order of insertion */
err_t json_print_pretty(struct arena *a, const json *j, struct str *ret); /* for files and people */
void json_free(json *j);
json *json_ref(json *j);

static inline void
json_cleanup(json **j)
{
	json_free(*j);
}
#define auto_json __attribute__((cleanup(json_cleanup)))

json *json_object_new(void);
json *json_array_new(void);
json *json_text_new(const char *s); /* NULL gives JSON null; s must be UTF-8 */
json *json_str_new(struct str s);
json *json_int_new(int64_t v);
json *json_bool_new(bool v);
json *json_null_new(void);

void json_set(json *obj, const char *key, json *value);
void json_set_text(json *obj, const char *key, const char *s); /* NULL: null */
void json_set_int(json *obj, const char *key, int64_t v);
void json_set_bool(json *obj, const char *key, bool v);
void json_set_base64(struct arena *a, json *obj, const char *key, struct str s);
void json_set_id(struct arena *a, json *obj, const char *key, struct id id); /* zero id: null */
void json_set_when(struct arena *a, json *obj, const char *key, when_t t);   /* 0: null */
void json_add(json *array, json *value);
void json_del(json *obj, const char *key);

bool json_is_object(const json *j);
bool json_is_array(const json *j);
bool json_is_text(const json *j);
bool json_is_int(const json *j);
bool json_is_bool(const json *j);
bool json_is_null(const json *j); /* JSON null, or j is NULL */
bool json_equal(const json *a, const json *b);

json *json_get(const json *obj, const char *key); /* NULL: not there or no object */
json *json_get_icase(const json *obj, const char *key);
json *json_at(const json *array, size_t i); /* NULL past the end */
size_t json_count(const json *j);           /* of an array or object; else 0 */
/* Members in order: for (void *it = json_iter(o); it; it = json_iter_next(o, it)) */
void *json_iter(const json *obj);
void *json_iter_next(const json *obj, void *it);
const char *json_iter_key(void *it);
json *json_iter_value(void *it);

const char *json_text(const json *j); /* "" if it is none */
int64_t json_int(const json *j);      /* 0 if it is none */
bool json_true(const json *j);

/* Demanded members: ERR_BAD_REQUEST naming the member and what is wrong with it. */
err_t json_need_text(
    const json *obj, const char *key, size_t max, const char **ret); /* lent by obj */
err_t json_need_int(const json *obj, const char *key, int64_t min, int64_t max, int64_t *ret);
err_t json_need_base64(
    struct arena *a, const json *obj, const char *key, size_t max, struct str *ret);
err_t json_need_id(const json *obj, const char *key, struct id *ret);
err_t json_need_array(const json *obj, const char *key, size_t max, json **ret);
err_t json_need_object(const json *obj, const char *key, json **ret);
/* The same where absent or null is allowed: gives NULL / 0 / empty. */
err_t json_want_text(const json *obj, const char *key, size_t max, const char **ret);
err_t json_want_int(
    const json *obj, const char *key, int64_t min, int64_t max, int64_t fallback, int64_t *ret);
err_t json_want_base64(
    struct arena *a, const json *obj, const char *key, size_t max, struct str *ret);
err_t json_want_array(const json *obj, const char *key, size_t max, json **ret);

#endif
