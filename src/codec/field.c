/* SPDX-License-Identifier: Apache-2.0 */
/* Field tables, what reads and writes whole objects by them: see field.h. One value at a time:
 * field_value.c. */
#include "codec/field.h"

#include "base/limits.h"
#include "codec/field_value.h"

enum { NEAR_MAX = 3, MANY_FIELDS = 512 };

/* Absent, or null: what the row says. */
static void
set_default(const struct field *f, void *target)
{
	char *at = (char *)target + f->offset;

	memset(at, 0, field_value_size(f->type));
	if (f->type == FIELD_BOOL)
		*(bool *)at = f->fallback != 0;
	if (f->type == FIELD_INT || f->type == FIELD_ENUM || f->type == FIELD_FLAGS)
		*(int64_t *)at = f->fallback;
}

static const struct field *
exact(const struct field *fields, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	return NULL;
}

static bool
listed(const char *const *names, const char *name)
{
	for (; names != NULL && *names != NULL; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

static const char *
nearest(const struct field *fields, size_t n, const char *const *known, const char *name)
{
	const char *best = NULL;
	size_t least = NEAR_MAX + 1;

	for (size_t i = 0; i < n; i++) {
		size_t d = text_distance(fields[i].name, name, NEAR_MAX);

		if (d < least) {
			best = fields[i].name;
			least = d;
		}
	}
	for (; known != NULL && *known != NULL; known++) {
		size_t d = text_distance(*known, name, NEAR_MAX);

		if (d < least) {
			best = *known;
			least = d;
		}
	}
	return best;
}

/* Every member of the object must be somebody's. */
static err_t
members_check(struct arena *a, const struct field *fields, size_t n, const json *obj,
    const char *const *known)
{
	for (void *it = json_iter(obj); it != NULL; it = json_iter_next(obj, it)) {
		const char *name = json_iter_key(it);
		const char *near, *shown;

		if (strstr(name, "@odata.") != NULL || listed(known, name))
			continue;
		if (exact(fields, n, name) != NULL)
			continue;
		near = nearest(fields, n, known, name);
		shown = text_safe(a, str_of(name, strnlen(name, LIMIT_TEXT)));
		if (near != NULL)
			FAIL(ERR_MODEL_INVALID, "unknown property \"%s\"; did you mean \"%s\"?",
			    shown, near);
		FAIL(ERR_MODEL_INVALID, "unknown property \"%s\"", shown);
	}
	return OK;
}

/* A client that reads, edits and writes back sends what it may not change; it may, as long as it is
 * the same. */
static err_t
unchanged(struct arena *a, const struct field *f, const void *target, const json *value)
{
	auto_json json *now = field_value_write(a, f, (const char *)target + f->offset);

	if (!json_equal(now, value))
		FAIL(ERR_MODEL_INVALID, "\"%s\" cannot be changed", f->name);
	return OK;
}

static err_t
one_read(
    struct arena *a, const struct field *f, const json *obj, enum field_mode mode, void *target)
{
	const json *value = json_get(obj, f->name);
	void *at = (char *)target + f->offset;

	if (value == NULL || (f->flags & FIELD_READONLY) != 0) {
		if (mode == FIELD_UPDATE)
			return OK;
		if ((f->flags & FIELD_REQUIRED) != 0 && (f->flags & FIELD_READONLY) == 0)
			FAIL(ERR_MODEL_INVALID, "\"%s\" is required", f->name);
		set_default(f, target);
		return OK;
	}
	if (mode == FIELD_UPDATE && (f->flags & FIELD_CREATE_ONLY) != 0)
		return unchanged(a, f, target, value);
	if (json_is_null(value) && mode == FIELD_UPDATE && (f->flags & FIELD_SECRET) != 0)
		return OK;
	if (json_is_null(value)) {
		if ((f->flags & FIELD_REQUIRED) != 0)
			FAIL(ERR_MODEL_INVALID, "\"%s\" must not be null", f->name);
		set_default(f, target);
		return OK;
	}
	TRY(field_value_read(a, f, value, at));
	if (f->check != NULL)
		TRY_CTX(f->check(a, f, at), "\"%s\"", f->name);
	return OK;
}

/* Bytes of the struct that the rows describe. */
static size_t
extent(const struct field *fields, size_t n)
{
	size_t end = 0;

	for (size_t i = 0; i < n; i++) {
		size_t e = fields[i].offset + field_value_size(fields[i].type);

		if (e > end)
			end = e;
	}
	return end;
}

err_t
field_read(struct arena *a, const struct field *fields, size_t n, const json *obj,
    enum field_mode mode, const char *const *known, void *target)
{
	size_t size = extent(fields, n);
	void *copy;

	if (!json_is_object(obj))
		FAIL(ERR_MODEL_INVALID, "an object is expected");
	if (json_count(obj) > MANY_FIELDS)
		FAIL(ERR_MODEL_INVALID, "more than %d properties", MANY_FIELDS);
	TRY(members_check(a, fields, n, obj, known));
	/* Into a copy: a failure half-way leaves the target as it was. */
	copy = arena_copy(a, target, size);
	for (size_t i = 0; i < n; i++)
		TRY(one_read(a, &fields[i], obj, mode, copy));
	memcpy(target, copy, size);
	return OK;
}

err_t
field_write(struct arena *a, const struct field *fields, size_t n, const void *from, json *obj)
{
	for (size_t i = 0; i < n; i++) {
		const struct field *f = &fields[i];

		if ((f->flags & FIELD_SECRET) != 0)
			continue;
		json_set(obj, f->name, field_value_write(a, f, (const char *)from + f->offset));
	}
	return OK;
}

const struct field *
field_by_name(const struct field *fields, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (str_ieq_c(str_c(name), fields[i].name))
			return &fields[i];
	return NULL;
}

const char *
field_member_name(const struct field *f, int64_t value)
{
	for (const struct field_member *m = f->members; m != NULL && m->name != NULL; m++)
		if (m->value == value)
			return m->name;
	return NULL;
}
