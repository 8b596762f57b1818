/* SPDX-License-Identifier: Apache-2.0 */
#include "api/annotate.h"

#include "api/schema.h"
#include "model/profile.h"

enum detail
annotate_detail(struct http_req *r)
{
	static const struct {
		const char *text;
		enum detail is;
	} rows[] = { { "none", DETAIL_NONE }, { "full", DETAIL_FULL } };
	const char *accept = http_header(r, "Accept");
	const char *at = accept == NULL ? NULL : strcasestr(accept, "odata.metadata=");

	for (size_t i = 0; at != NULL && i < COUNT(rows); i++)
		if (strncasecmp(
			at + strlen("odata.metadata="), rows[i].text, strlen(rows[i].text)) == 0)
			return rows[i].is;
	return DETAIL_MINIMAL;
}

/* The type of a member that JSON does not tell; NULL: it does. */
static const char *
member_type(struct arena *a, const struct field *f)
{
	switch (f->type) {
	case FIELD_WHEN:
		return "#DateTimeOffset";
	case FIELD_BINARY:
		return "#Binary";
	case FIELD_TEXTS:
		return "#Collection(String)";
	case FIELD_ENUM:
	case FIELD_FLAGS:
	case FIELD_OBJECT:
		if ((f->flags & FIELD_ARRAY) == 0)
			return arena_printf(a, "#microsoft.graph.%s", schema_type_name(f));
		[[fallthrough]];
	case FIELD_LIST:
		return arena_printf(a, "#Collection(microsoft.graph.%s)", schema_type_name(f));
	case FIELD_TEXT:
	case FIELD_INT:
	case FIELD_BOOL:
	case FIELD_ID:
		break;
	}
	return NULL;
}

static void
put_types(struct arena *a, json *out, const json *entity, const struct field *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *type = member_type(a, &f[i]);
		const json *v = json_get(entity, f[i].name);

		if (type != NULL && v != NULL && !json_is_null(v) && f[i].name[0] != '@')
			json_set_text(out, arena_printf(a, "%s@odata.type", f[i].name), type);
	}
}

static void
put_links(
    struct arena *a, json *out, const char *one, const char *cast, const struct navigation *links)
{
	for (const struct navigation *l = links; l->name != NULL; l++) {
		const char *to = l->cast ? arena_printf(a, "%s/%s/%s", one, cast, l->name) :
					   arena_printf(a, "%s/%s", one, l->name);

		json_set_text(out, arena_printf(a, "%s@odata.associationLink", l->name),
		    arena_printf(a, "%s/$ref", to));
		json_set_text(out, arena_printf(a, "%s@odata.navigationLink", l->name), to);
	}
}

static void
put_actions(struct arena *a, json *out, const char *one, const char *const *actions)
{
	for (; actions != NULL && *actions != NULL; actions++) {
		json *j = json_object_new();

		json_set(out, arena_printf(a, "#microsoft.graph.%s", *actions), j);
		json_set_text(j, "title", arena_printf(a, "microsoft.graph.%s", *actions));
		json_set_text(j, "target", arena_printf(a, "%s/microsoft.graph.%s", one, *actions));
	}
}

/* By the rows of a profile's tables; the rest by what it is called and what it holds. */
static void
put_all_types(struct arena *a, json *out, const json *entity, const struct profile_type *profile)
{
	const struct field *f;
	size_t n;

	if (profile != NULL) {
		f = profile_common_fields(profile->set, &n);
		put_types(a, out, entity, f, n);
		f = profile_type_fields(a, profile, &n);
		put_types(a, out, entity, f, n);
		return;
	}
	for (void *it = json_iter(entity); it != NULL; it = json_iter_next(entity, it)) {
		const char *name = json_iter_key(it);
		const json *v = json_iter_value(it);
		struct field like = { .name = name,
			.type = json_is_array(v) && json_is_text(json_at(v, 0)) ? FIELD_TEXTS :
			    json_is_text(v) && strstr(name, "DateTime") != NULL ? FIELD_WHEN :
										  FIELD_TEXT };

		put_types(a, out, entity, &like, 1);
	}
}

err_t
annotate_entity(struct http_req *r, const char *set, json *entity)
{
	const struct entity_kind *k = entity_kind_of(set);
	const char *id = json_text(json_get(entity, "id"));
	const struct profile_type *profile = NULL;
	struct arena *a = http_arena(r);
	auto_json json *out = NULL;
	const char *type, *one;

	if (annotate_detail(r) != DETAIL_FULL || k == NULL || *id == '\0')
		return OK;
	out = json_object_new();
	type = json_text(json_get(entity, "@odata.type"));
	type =
	    *type == '\0' ? arena_printf(a, "#microsoft.graph.%s", k->type) : arena_strdup(a, type);
	if (strcmp(k->type, "deviceConfiguration") == 0 ||
	    strcmp(k->type, "deviceManagementResourceAccessProfileBase") == 0)
		TRY(profile_type_find(type, &profile));
	one = arena_printf(a, "%s('%s')", set, id);
	json_set_text(out, "@odata.type", type);
	json_set_text(out, "@odata.id", one);
	json_set_text(out, "@odata.editLink", one);
	one = arena_printf(a, "%s/%s/%s", reply_root(r), reply_version(r), one);
	put_all_types(a, out, entity, profile);
	put_links(a, out, one, type + 1, k->links);
	if (profile != NULL)
		put_links(a, out, one, type + 1, profile_links(a, profile));
	put_actions(a, out, one, k->actions);
	for (void *it = json_iter(out); it != NULL; it = json_iter_next(out, it))
		json_set(entity, json_iter_key(it), json_ref(json_iter_value(it)));
	return OK;
}

static bool
is_annotation(const char *name)
{
	return strstr(name, "@odata.") != NULL && strcmp(name, "@odata.nextLink") != 0 &&
	    strcmp(name, "@odata.count") != 0;
}

/* Each round takes one away, as an object must not change while it is walked through. */
static bool
strip_one(json *j)
{
	for (void *it = json_iter(j); it != NULL; it = json_iter_next(j, it))
		if (is_annotation(json_iter_key(it))) {
			json_del(j, json_iter_key(it));
			return true;
		}
	return false;
}

void
annotate_strip(json *j)
{
	if (json_is_array(j)) {
		for (size_t i = 0; i < json_count(j); i++)
			annotate_strip(json_at(j, i));
		return;
	}
	if (!json_is_object(j))
		return;
	while (strip_one(j))
		;
	for (void *it = json_iter(j); it != NULL; it = json_iter_next(j, it))
		annotate_strip(json_iter_value(it));
}
