/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /chancery/v1/profileTypes and /chancery/v1/variables: the field tables of profiles as they are, for forms, reference
 * pages and scripts; and the variables of names.
 */
#include "api/reply.h"
#include "model/profile.h"
#include "model/subject.h"

static const char *const type_names[] = {
	[FIELD_TEXT] = "text",
	[FIELD_INT] = "number",
	[FIELD_BOOL] = "boolean",
	[FIELD_ENUM] = "enum",
	[FIELD_FLAGS] = "flags",
	[FIELD_BINARY] = "binary",
	[FIELD_ID] = "id",
	[FIELD_WHEN] = "date",
	[FIELD_TEXTS] = "texts",
	[FIELD_LIST] = "list",
	[FIELD_OBJECT] = "object",
};

static json *
members_json(const struct field *f)
{
	json *list = json_array_new();

	for (const struct field_member *m = f->members; m != NULL && m->name != NULL; m++)
		json_add(list, json_text_new(m->name));
	return list;
}

/* What it is when it is left out. */
static json *
fallback_json(const struct field *f)
{
	if (f->type == FIELD_INT)
		return json_int_new(f->fallback);
	if (f->type == FIELD_BOOL)
		return json_bool_new(f->fallback != 0);
	if ((f->type == FIELD_ENUM || f->type == FIELD_FLAGS) && f->fallback != FIELD_UNSET &&
	    (f->flags & FIELD_REQUIRED) == 0)
		return json_text_new(field_member_name(f, f->fallback));
	if (f->type == FIELD_TEXTS || f->type == FIELD_LIST)
		return json_array_new();
	return json_null_new();
}

static json *fields_json(const struct field *f, size_t n);

static json *
field_json(const struct field *f)
{
	json *j = json_object_new();

	json_set_text(j, "name", f->name);
	json_set_text(j, "type", type_names[f->type]);
	if ((f->flags & FIELD_ARRAY) != 0)
		json_set_bool(j, "array", true);
	json_set_bool(j, "required", (f->flags & FIELD_REQUIRED) != 0);
	json_set_bool(j, "nullable", (f->flags & FIELD_NULLABLE) != 0);
	json_set_bool(j, "readOnly", (f->flags & FIELD_READONLY) != 0);
	json_set(j, "default", fallback_json(f));
	if (f->type == FIELD_INT)
		json_set_int(j, "min", f->min);
	if (f->max != 0)
		json_set_int(j, "max", f->max);
	if (f->members != NULL)
		json_set(j, "members", members_json(f));
	if (f->fields != NULL)
		json_set(j, "properties", fields_json(f->fields, f->nfields));
	json_set_text(j, "help", f->help);
	return j;
}

static json *
fields_json(const struct field *f, size_t n)
{
	json *list = json_array_new();

	for (size_t i = 0; i < n; i++)
		json_add(list, field_json(&f[i]));
	return list;
}

static json *
references_json(const struct profile_type *t)
{
	json *list = json_array_new();

	for (const struct reference *r = t->kind->refs; r != NULL && r->name != NULL; r++) {
		json *one;

		if ((r->only & t->only) == 0)
			continue;
		one = json_object_new();
		json_set_text(one, "name", r->name);
		json_set_text(one, "to", r->to == REF_CERTIFICATE ? "certificate" : "trustedRoot");
		json_set_bool(one, "many", r->many);
		json_add(list, one);
	}
	return list;
}

static json *
type_json(struct arena *a, const struct profile_type *t)
{
	static const char *const roots[] = {
		[ROOT_NONE] = "none", [ROOT_MAY] = "optional", [ROOT_MUST] = "required"
	};
	json *j = json_object_new(), *list;
	const struct field *f;
	size_t n;

	json_set_text(j, "type", t->name);
	json_set_text(j, "kind", t->kind->name);
	json_set_text(j, "title", t->kind->title);
	json_set_text(j, "platform", t->platform);
	json_set_text(j, "set", profile_set_names[t->set]);
	json_set_text(j, "rootCertificate", roots[t->root]);
	json_set(j, "references", references_json(t));
	f = profile_common_fields(t->set, &n);
	list = fields_json(f, n);
	json_set(j, "commonProperties", list);
	f = profile_type_fields(a, t, &n);
	json_set(j, "properties", fields_json(f, n));
	return j;
}

static err_t
no_options(struct http_req *r)
{
	struct query q;

	TRY(query_read(r, QUERY_ENTITY, &q));
	if (q.o.nselect > 0)
		FAIL(ERR_BAD_REQUEST, "$select is not supported here");
	return OK;
}

static err_t
list(struct http_req *r)
{
	auto_json json *out = json_object_new();
	json *value = json_array_new();

	json_set(out, "value", value);
	TRY(no_options(r));
	for (const struct profile_type *t = profile_types; t->name != NULL; t++)
		json_add(value, type_json(http_arena(r), t));
	return reply_json(r, 200, out);
}

static err_t
variables(struct http_req *r)
{
	struct arena *a = http_arena(r);
	auto_json json *out = json_object_new();
	json *value = json_array_new();
	const struct subject_variable *v;
	size_t n;

	json_set(out, "value", value);
	TRY(no_options(r));
	n = subject_variables(a, &v);
	for (size_t i = 0; i < n; i++) {
		json *j = json_object_new(), *platforms = json_array_new();
		const char *last = "";

		json_add(value, j);
		json_set_text(j, "name", v[i].name);
		json_set_text(j, "property", v[i].field);
		json_set_bool(j, "forUsers", v[i].for_user);
		json_set_bool(j, "forDevices", v[i].for_device);
		for (const struct profile_type *t = profile_types; t->name != NULL; t++)
			if ((v[i].families & t->family) != 0 && strcmp(last, t->platform) != 0) {
				json_add(platforms, json_text_new(t->platform));
				last = t->platform;
			}
		json_set(j, "platforms", platforms);
	}
	return reply_json(r, 200, out);
}

static const struct http_route routes[] = {
	ROUTE(GET, "/chancery/v1/profileTypes", PERM_CONFIG_READ | PERM_SCOPED, list),
	ROUTE(GET, "/chancery/v1/variables", PERM_CONFIG_READ | PERM_SCOPED, variables),
	{ 0 },
};

const struct resource resource_profile_types = { "profile_types", routes };
