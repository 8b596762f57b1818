/* SPDX-License-Identifier: Apache-2.0 */
/* Values of field tables: see field_value.h. */
#include "codec/field_value.h"

#include "base/limits.h"

enum { ELEMENTS_MAX = 500 };

size_t
field_value_size(enum field_type type)
{
	switch (type) {
	case FIELD_TEXT:
		return sizeof(const char *);
	case FIELD_INT:
	case FIELD_ENUM:
	case FIELD_FLAGS:
		return sizeof(int64_t);
	case FIELD_BOOL:
		return sizeof(bool);
	case FIELD_BINARY:
		return sizeof(struct str);
	case FIELD_ID:
		return sizeof(struct id);
	case FIELD_WHEN:
		return sizeof(when_t);
	case FIELD_TEXTS:
		return sizeof(struct field_texts);
	case FIELD_OBJECT:
		return sizeof(void *);
	case FIELD_LIST:
		break;
	}
	return sizeof(struct field_list);
}

static size_t
most(const struct field *f, size_t otherwise)
{
	return f->max == 0 ? otherwise : (size_t)f->max;
}

static err_t
length_check(const struct field *f, size_t n, size_t otherwise, const char *unit)
{
	if (n > most(f, otherwise))
		FAIL(ERR_MODEL_INVALID, "\"%s\" has %zu %s, at most %zu", f->name, n, unit,
		    most(f, otherwise));
	if (f->min > 0 && n < (size_t)f->min)
		FAIL(ERR_MODEL_INVALID, "\"%s\" has %zu %s, at least %lld", f->name, n, unit,
		    (long long)f->min);
	return OK;
}

static err_t
text_demand(const struct field *f, const json *value, const char **ret)
{
	if (!json_is_text(value))
		FAIL(ERR_MODEL_INVALID, "\"%s\" must be a text", f->name);
	*ret = json_text(value);
	return OK;
}

/* The next code point of well-formed UTF-8. */
static uint32_t
code_point(const char **s)
{
	const uint8_t *p = (const uint8_t *)*s;
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	uint32_t c = n == 1 ? p[0] : p[0] & (0xffu >> (n + 1));

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3fu);
	*s += n;
	return c;
}

/* What makes a text look like another one, or break the line that it is shown in. */
static const struct {
	uint32_t first, last;
} hidden[] = {
	{ 0x0000, 0x001f },   /* C0 controls */
	{ 0x007f, 0x009f },   /* DEL, C1 controls */
	{ 0x061c, 0x061c },   /* Arabic letter mark */
	{ 0x200b, 0x200b },   /* zero width space */
	{ 0x200e, 0x200f },   /* direction marks */
	{ 0x2028, 0x202e },   /* separators of lines, embeddings, overrides */
	{ 0x2060, 0x206f },   /* word joiner, isolates, deprecated format characters */
	{ 0xfdd0, 0xfdef },   /* noncharacters */
	{ 0xfeff, 0xfeff },   /* byte order mark */
	{ 0xfff9, 0xfffb },   /* interlinear annotation */
	{ 0xe0000, 0xe007f }, /* tags */
};

static bool
is_hidden(uint32_t c)
{
	if ((c & 0xfffe) == 0xfffe)
		return true;
	for (size_t i = 0; i < COUNT(hidden); i++)
		if (c >= hidden[i].first && c <= hidden[i].last)
			return true;
	return false;
}

static err_t
plain_check(const struct field *f, const char *s)
{
	bool lines = (f->flags & FIELD_LINES) != 0;

	while (*s != '\0') {
		uint32_t c = code_point(&s);

		if (lines && (c == '\n' || c == '\r' || c == '\t'))
			continue;
		if (is_hidden(c))
			FAIL(ERR_MODEL_INVALID,
			    "\"%s\" must not hold the character U+%04X, which is a control or "
			    "cannot be seen",
			    f->name, c);
	}
	return OK;
}

static err_t
text_read(struct arena *a, const struct field *f, const json *value, const char **ret)
{
	const char *s = NULL;

	TRY(text_demand(f, value, &s));
	if (s[0] == '\0' && (f->flags & FIELD_REQUIRED) != 0)
		FAIL(ERR_MODEL_INVALID, "\"%s\" must not be empty", f->name);
	TRY(length_check(f, strlen(s), LIMIT_TEXT, "bytes"));
	TRY(plain_check(f, s));
	*ret = arena_strdup(a, s);
	return OK;
}

static err_t
int_read(const struct field *f, const json *value, int64_t *ret)
{
	int64_t v = json_int(value);

	if (!json_is_int(value))
		FAIL(ERR_MODEL_INVALID, "\"%s\" must be a whole number", f->name);
	if ((f->min != 0 || f->max != 0) && (v < f->min || v > f->max))
		FAIL(ERR_MODEL_INVALID, "\"%s\" must be %lld to %lld", f->name, (long long)f->min,
		    (long long)f->max);
	*ret = v;
	return OK;
}

static const char *
members_text(struct arena *a, const struct field *f)
{
	const char *s = "";

	for (const struct field_member *m = f->members; m->name != NULL; m++)
		s = arena_printf(a, "%s%s%s", s, s[0] == '\0' ? "" : ", ", m->name);
	return s;
}

static err_t
member_read(struct arena *a, const struct field *f, struct str name, int64_t *ret)
{
	for (const struct field_member *m = f->members; m->name != NULL; m++) {
		if (str_ieq_c(name, m->name)) {
			*ret = m->value;
			return OK;
		}
	}
	FAIL(ERR_MODEL_INVALID, "\"%s\" has no member \"%.64s\"; it has %s", f->name,
	    text_safe(a, name), members_text(a, f));
}

static err_t
enum_read(struct arena *a, const struct field *f, const json *value, int64_t *ret)
{
	const char *s = NULL;

	TRY(text_demand(f, value, &s));
	return member_read(a, f, str_c(s), ret);
}

static err_t
flags_array_read(struct arena *a, const struct field *f, const json *value, int64_t *ret)
{
	int64_t flags = 0, one;

	if (!json_is_array(value))
		FAIL(ERR_MODEL_INVALID, "\"%s\" must be an array of texts", f->name);
	TRY(length_check(f, json_count(value), ELEMENTS_MAX, "elements"));
	for (size_t i = 0; i < json_count(value); i++) {
		TRY(enum_read(a, f, json_at(value, i), &one));
		flags |= one;
	}
	*ret = flags;
	return OK;
}

static err_t
flags_read(struct arena *a, const struct field *f, const json *value, int64_t *ret)
{
	int64_t flags = 0, one;
	const char *s = NULL;
	struct str in;

	if ((f->flags & FIELD_ARRAY) != 0)
		return flags_array_read(a, f, value, ret);
	TRY(text_demand(f, value, &s));
	in = str_trim(str_c(s));
	while (in.n > 0) {
		TRY(member_read(a, f, str_trim(str_cut(&in, ',')), &one));
		flags |= one;
	}
	*ret = flags;
	return OK;
}

static err_t
binary_read(struct arena *a, const struct field *f, const json *value, struct str *ret)
{
	struct str bytes;
	const char *s = NULL;
	err_t e;

	TRY(text_demand(f, value, &s));
	if (strlen(s) / 2 > most(f, LIMIT_TEXT) + 64)
		FAIL(ERR_MODEL_INVALID, "\"%s\" has more than %zu bytes", f->name,
		    most(f, LIMIT_TEXT));
	e = text_unbase64(a, str_c(s), &bytes);
	if (!err_ok(e)) {
		err_forget(e);
		FAIL(ERR_MODEL_INVALID, "\"%s\" must be base64", f->name);
	}
	if (bytes.n == 0 && (f->flags & FIELD_REQUIRED) != 0)
		FAIL(ERR_MODEL_INVALID, "\"%s\" must not be empty", f->name);
	TRY(length_check(f, bytes.n, LIMIT_TEXT, "bytes"));
	*ret = bytes;
	return OK;
}

static err_t
id_read(const struct field *f, const json *value, struct id *ret)
{
	const char *s = NULL;
	err_t e;

	TRY(text_demand(f, value, &s));
	e = id_parse(str_c(s), ret);
	if (!err_ok(e)) {
		err_forget(e);
		FAIL(ERR_MODEL_INVALID, "\"%s\" must be an identifier", f->name);
	}
	return OK;
}

static err_t
when_read(const struct field *f, const json *value, when_t *ret)
{
	const char *s = NULL;
	err_t e;

	TRY(text_demand(f, value, &s));
	e = when_parse(str_c(s), ret);
	if (!err_ok(e)) {
		err_forget(e);
		FAIL(ERR_MODEL_INVALID, "\"%s\" must be a date and time, as 2026-01-31T12:00:00Z",
		    f->name);
	}
	return OK;
}

static err_t
texts_read(struct arena *a, const struct field *f, const json *value, struct field_texts *ret)
{
	struct field_texts t = { .n = json_count(value) };

	if (!json_is_array(value))
		FAIL(ERR_MODEL_INVALID, "\"%s\" must be an array of texts", f->name);
	TRY(length_check(f, t.n, ELEMENTS_MAX, "elements"));
	t.v = arena_array(a, t.n, sizeof(*t.v));
	for (size_t i = 0; i < t.n; i++) {
		const json *one = json_at(value, i);

		if (!json_is_text(one) || strlen(json_text(one)) > LIMIT_LONG_TEXT)
			FAIL(ERR_MODEL_INVALID,
			    "\"%s\": element %zu must be a text of at most %u bytes", f->name, i,
			    LIMIT_LONG_TEXT);
		TRY(plain_check(f, json_text(one)));
		t.v[i] = arena_strdup(a, json_text(one));
	}
	*ret = t;
	return OK;
}

static err_t
list_read(struct arena *a, const struct field *f, const json *value, struct field_list *ret)
{
	struct field_list l = { .n = json_count(value) };

	if (!json_is_array(value))
		FAIL(ERR_MODEL_INVALID, "\"%s\" must be an array of objects", f->name);
	TRY(length_check(f, l.n, ELEMENTS_MAX, "elements"));
	l.v = arena_array(a, l.n, f->size);
	for (size_t i = 0; i < l.n; i++)
		TRY_CTX(field_read(a, f->fields, f->nfields, json_at(value, i), FIELD_CREATE, NULL,
			    (char *)l.v + i * f->size),
		    "\"%s\", element %zu", f->name, i);
	*ret = l;
	return OK;
}

static err_t
object_read(struct arena *a, const struct field *f, const json *value, void **ret)
{
	void *v = arena_alloc(a, f->size);

	if (!json_is_object(value))
		FAIL(ERR_MODEL_INVALID, "\"%s\" must be an object", f->name);
	TRY_CTX(
	    field_read(a, f->fields, f->nfields, value, FIELD_CREATE, NULL, v), "\"%s\"", f->name);
	*ret = v;
	return OK;
}

err_t
field_value_read(struct arena *a, const struct field *f, const json *value, void *at)
{
	switch (f->type) {
	case FIELD_TEXT:
		return text_read(a, f, value, at);
	case FIELD_INT:
		return int_read(f, value, at);
	case FIELD_BOOL:
		if (!json_is_bool(value))
			FAIL(ERR_MODEL_INVALID, "\"%s\" must be true or false", f->name);
		*(bool *)at = json_true(value);
		return OK;
	case FIELD_ENUM:
		return enum_read(a, f, value, at);
	case FIELD_FLAGS:
		return flags_read(a, f, value, at);
	case FIELD_BINARY:
		return binary_read(a, f, value, at);
	case FIELD_ID:
		return id_read(f, value, at);
	case FIELD_WHEN:
		return when_read(f, value, at);
	case FIELD_TEXTS:
		return texts_read(a, f, value, at);
	case FIELD_OBJECT:
		return object_read(a, f, value, at);
	case FIELD_LIST:
		break;
	}
	return list_read(a, f, value, at);
}

static json *
flags_array_write(const struct field *f, int64_t flags)
{
	json *array = json_array_new();

	for (const struct field_member *m = f->members; m->name != NULL; m++)
		if (flags != FIELD_UNSET && (flags & m->value) != 0)
			json_add(array, json_text_new(m->name));
	return array;
}

/* Members in ascending bit order; those of several bits only when no others say the same. */
static json *
flags_write(struct arena *a, const struct field *f, int64_t flags)
{
	const char *s = "", *whole = field_member_name(f, flags);

	if (flags == FIELD_UNSET)
		return json_null_new();
	if (whole != NULL)
		return json_text_new(whole);
	for (unsigned bit = 0; bit < 63; bit++) {
		int64_t one = flags & INT64_C(1) << bit;
		const char *name = one == 0 ? NULL : field_member_name(f, one);

		if (name != NULL)
			s = arena_printf(a, "%s%s%s", s, s[0] == '\0' ? "" : ",", name);
	}
	return json_text_new(s);
}

static json *
texts_write(const struct field_texts *t)
{
	json *array = json_array_new();

	for (size_t i = 0; i < t->n; i++)
		json_add(array, json_text_new(t->v[i]));
	return array;
}

static json *
element_write(struct arena *a, const struct field *f, const void *at)
{
	json *one = json_object_new();

	for (size_t i = 0; i < f->nfields; i++) {
		const struct field *m = &f->fields[i];

		if ((m->flags & FIELD_SECRET) == 0)
			json_set(
			    one, m->name, field_value_write(a, m, (const char *)at + m->offset));
	}
	return one;
}

static json *
list_write(struct arena *a, const struct field *f, const struct field_list *l)
{
	json *array = json_array_new();

	for (size_t i = 0; i < l->n; i++)
		json_add(array, element_write(a, f, (const char *)l->v + i * f->size));
	return array;
}

json *
field_value_write(struct arena *a, const struct field *f, const void *at)
{
	const struct str *bytes = at;
	const struct id *id = at;
	const when_t *when = at;

	switch (f->type) {
	case FIELD_TEXT:
		return json_text_new(*(const char *const *)at);
	case FIELD_INT:
		return json_int_new(*(const int64_t *)at);
	case FIELD_BOOL:
		return json_bool_new(*(const bool *)at);
	case FIELD_ENUM:
		return json_text_new(field_member_name(f, *(const int64_t *)at));
	case FIELD_FLAGS:
		return (f->flags & FIELD_ARRAY) != 0 ? flags_array_write(f, *(const int64_t *)at) :
						       flags_write(a, f, *(const int64_t *)at);
	case FIELD_BINARY:
		return json_text_new(bytes->n == 0 ? NULL : text_base64(a, *bytes));
	case FIELD_ID:
		return json_text_new(id_is_zero(*id) ? NULL : id_text(a, *id));
	case FIELD_WHEN:
		return json_text_new(*when == 0 ? NULL : when_text(a, *when));
	case FIELD_TEXTS:
		return texts_write(at);
	case FIELD_OBJECT:
		return *(const void *const *)at == NULL ?
		    json_null_new() :
		    element_write(a, f, *(const void *const *)at);
	case FIELD_LIST:
		break;
	}
	return list_write(a, f, at);
}
