/* SPDX-License-Identifier: Apache-2.0 */
/* Reading property lists, through libplist; their members. See plist.h. */
#include "codec/plist.h"

#include <plist/plist.h>

#include "base/limits.h"
#include "codec/plist_int.h"

/* Seconds from 1970 to 2001, where the dates of property lists begin. */
#define EPOCH 978307200

static err_t take(struct arena *a, plist_t from, struct pl **ret);

static err_t
take_array(struct arena *a, plist_t from, struct pl *to)
{
	plist_array_iter at = NULL;
	plist_t item = NULL;
	struct pl *v;
	err_t e = OK;

	plist_array_new_iter(from, &at);
	for (;;) {
		plist_array_next_item(from, at, &item);
		if (item == NULL)
			break;
		e = take(a, item, &v);
		if (!err_ok(e))
			break;
		pl_add(to, v);
	}
	free(at);
	return e;
}

static err_t
take_member(struct arena *a, struct pl *to, const char *key, plist_t value)
{
	const char *name;
	struct pl *v;

	TRY(text_cstr(a, str_c(key), &name));
	TRY(take(a, value, &v));
	pl_add(to, v)->key = name;
	return OK;
}

static err_t
take_dict(struct arena *a, plist_t from, struct pl *to)
{
	plist_dict_iter at = NULL;
	plist_t value = NULL;
	char *key = NULL;
	err_t e = OK;

	if (plist_dict_get_size(from) > LIMIT_PLIST_KEYS)
		FAIL(ERR_PLIST, "more than %u keys in one dictionary", LIMIT_PLIST_KEYS);
	plist_dict_new_iter(from, &at);
	for (;;) {
		plist_dict_next_item(from, at, &key, &value);
		if (key == NULL)
			break;
		e = take_member(a, to, key, value);
		free(key);
		key = NULL;
		if (!err_ok(e))
			break;
	}
	free(at);
	return e;
}

static err_t
take_text(struct arena *a, plist_t from, struct pl *to)
{
	uint64_t n = 0;
	const char *p = plist_get_string_ptr(from, &n);

	return text_cstr(a, str_of(p, p == NULL ? 0 : (size_t)n), &to->text);
}

static void
take_date(plist_t from, struct pl *to)
{
	int32_t s = 0, us = 0;

	plist_get_date_val(from, &s, &us);
	to->kind = PL_DATE;
	to->number = (int64_t)s + EPOCH;
}

static err_t
take(struct arena *a, plist_t from, struct pl **ret)
{
	struct pl *to = ARENA_NEW(a, struct pl);
	uint64_t n = 0;
	uint8_t truth = 0;
	const char *p;

	*ret = to;
	switch (plist_get_node_type(from)) {
	case PLIST_DICT:
		to->kind = PL_DICT;
		return take_dict(a, from, to);
	case PLIST_ARRAY:
		to->kind = PL_ARRAY;
		return take_array(a, from, to);
	case PLIST_STRING:
		to->kind = PL_TEXT;
		return take_text(a, from, to);
	case PLIST_UINT:
		to->kind = PL_INT;
		plist_get_uint_val(from, &n);
		to->number = (int64_t)n;
		return OK;
	case PLIST_REAL:
		to->kind = PL_REAL;
		plist_get_real_val(from, &to->real);
		return OK;
	case PLIST_BOOLEAN:
		to->kind = PL_BOOL;
		plist_get_bool_val(from, &truth);
		to->number = truth != 0;
		return OK;
	case PLIST_DATA:
		to->kind = PL_DATA;
		p = plist_get_data_ptr(from, &n);
		to->data = arena_str(a, str_of(p, p == NULL ? 0 : (size_t)n));
		return OK;
	case PLIST_DATE:
		take_date(from, to);
		return OK;
	case PLIST_KEY:
	case PLIST_UID:
	case PLIST_NONE:
		break;
	}
	FAIL(ERR_PLIST, "an element that is none of a property list");
}

err_t
pl_parse(struct arena *a, struct str in, struct pl **ret)
{
	struct pl *p = NULL;
	plist_t list = NULL;
	err_t e;

	TRY(pl_measure(in));
	if (pl_is_binary(in))
		plist_from_bin((const char *)in.p, (uint32_t)in.n, &list);
	else
		plist_from_xml((const char *)in.p, (uint32_t)in.n, &list);
	if (list == NULL)
		FAIL(ERR_PLIST, "it cannot be read as %s", pl_is_binary(in) ? "binary" : "XML");
	e = take(a, list, &p);
	plist_free(list);
	TRY(e);
	*ret = p;
	return OK;
}

struct pl *
pl_get(const struct pl *dict, const char *key)
{
	if (dict == NULL || dict->kind != PL_DICT)
		return NULL;
	for (struct pl *p = dict->child; p != NULL; p = p->next)
		if (strcmp(p->key, key) == 0)
			return p;
	return NULL;
}

size_t
pl_count(const struct pl *p)
{
	size_t n = 0;

	if (p != NULL)
		for (const struct pl *c = p->child; c != NULL; c = c->next)
			n++;
	return n;
}

/* The member if it is there, of this kind. */
static err_t
want(const struct pl *dict, const char *key, enum pl_kind kind, const struct pl **ret)
{
	const struct pl *p = pl_get(dict, key);

	if (p != NULL && p->kind != kind)
		FAIL(ERR_PLIST, "\"%s\" is of the wrong type", key);
	*ret = p;
	return OK;
}

err_t
pl_want_text(const struct pl *dict, const char *key, size_t max, const char **ret)
{
	const struct pl *p = NULL;

	TRY(want(dict, key, PL_TEXT, &p));
	if (p != NULL && strlen(p->text) > max)
		FAIL(ERR_PLIST, "\"%s\" is longer than %zu bytes", key, max);
	*ret = p == NULL ? "" : p->text;
	return OK;
}

err_t
pl_want_data(const struct pl *dict, const char *key, size_t max, struct str *ret)
{
	const struct pl *p = NULL;

	TRY(want(dict, key, PL_DATA, &p));
	if (p != NULL && p->data.n > max)
		FAIL(ERR_PLIST, "\"%s\" is longer than %zu bytes", key, max);
	*ret = p == NULL ? STR_EMPTY : p->data;
	return OK;
}

err_t
pl_want_int(const struct pl *dict, const char *key, int64_t *ret)
{
	const struct pl *p = NULL;

	TRY(want(dict, key, PL_INT, &p));
	*ret = p == NULL ? 0 : p->number;
	return OK;
}

err_t
pl_want_bool(const struct pl *dict, const char *key, bool *ret)
{
	const struct pl *p = NULL;

	TRY(want(dict, key, PL_BOOL, &p));
	*ret = p != NULL && p->number != 0;
	return OK;
}

err_t
pl_want_array(const struct pl *dict, const char *key, size_t max, const struct pl **ret)
{
	const struct pl *p = NULL;

	TRY(want(dict, key, PL_ARRAY, &p));
	if (pl_count(p) > max)
		FAIL(ERR_PLIST, "\"%s\" has more than %zu members", key, max);
	*ret = p;
	return OK;
}

err_t
pl_need_text(const struct pl *dict, const char *key, size_t max, const char **ret)
{
	const char *text;

	TRY(pl_want_text(dict, key, max, &text));
	if (text[0] == '\0')
		FAIL(ERR_PLIST, "\"%s\" is missing", key);
	*ret = text;
	return OK;
}

err_t
pl_need_data(const struct pl *dict, const char *key, size_t max, struct str *ret)
{
	struct str data;

	TRY(pl_want_data(dict, key, max, &data));
	if (data.n == 0)
		FAIL(ERR_PLIST, "\"%s\" is missing", key);
	*ret = data;
	return OK;
}
