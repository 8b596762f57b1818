/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles between the API's JSON and the record. See profile_json.h. */
#include "model/profile_json.h"
#include "model/refs.h"
#include "model/rollout.h"

struct common {
	struct id id;
	const char *display_name, *description;
	struct field_texts scope_tags;
	when_t created, modified;
	int64_t version;
	bool scope_tags_supported;
};

/* What every profile has, in the order in which it is shown. */
static const struct field fields[] = {
	FIELD(struct common, id, FIELD_ID, .name = "id", .flags = FIELD_READONLY),
	FIELD(struct common, modified, FIELD_WHEN, .name = "lastModifiedDateTime",
	    .flags = FIELD_READONLY),
	FIELD(struct common, scope_tags, FIELD_TEXTS, .name = "roleScopeTagIds", .max = 100,
	    .help = "Scope tags; [\"0\"] when there are none."),
	FIELD(struct common, scope_tags_supported, FIELD_BOOL, .name = "supportsScopeTags",
	    .flags = FIELD_READONLY),
	FIELD(
	    struct common, created, FIELD_WHEN, .name = "createdDateTime", .flags = FIELD_READONLY),
	FIELD(struct common, description, FIELD_TEXT, .name = "description",
	    .flags = FIELD_NULLABLE | FIELD_LINES, .max = LIMIT_LONG_TEXT, .help = "For people."),
	FIELD(struct common, display_name, FIELD_TEXT, .name = "displayName",
	    .flags = FIELD_REQUIRED, .help = "Name of the profile."),
	FIELD(struct common, version, FIELD_INT, .name = "version", .flags = FIELD_READONLY),
};

#define BEFORE_RULES 4u
#define RULES "deviceManagementApplicabilityRule"

/* Shown, and not read: who sends back what was read is not refused. */
#define ROOT_SHOWN "@chancery.rootCertificateId"

static const char *const *
names_of(struct arena *a, const struct field *f, size_t n)
{
	const char **names = arena_array(a, n + 4, sizeof(*names));

	for (size_t i = 0; i < n; i++)
		names[i] = f[i].name;
	names[n] = ROOT_SHOWN;
	names[n + 1] = ROLLOUT_MEMBER;
	names[n + 2] = REFS_SHOWN;
	return names;
}

/* The record's scope tags are the text of a JSON array. */
static err_t
tags_read(struct arena *a, const char *text, struct field_texts *ret)
{
	auto_json json *list = NULL;
	struct field_texts t;

	if (text == NULL || text[0] == '\0')
		text = "[\"0\"]";
	TRY(json_parse(str_c(text), LIMIT_HTTP_BODY, &list));
	t.n = json_count(list);
	t.v = arena_array(a, t.n + 1, sizeof(*t.v));
	for (size_t i = 0; i < t.n; i++)
		t.v[i] = arena_strdup(a, json_text(json_at(list, i)));
	*ret = t;
	return OK;
}

static err_t
tags_write(struct arena *a, const struct field_texts *t, const char **ret)
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

static err_t
common_of(struct arena *a, const struct profile *p, struct common *ret)
{
	*ret = (struct common){
		.id = p->id,
		.display_name = p->display_name,
		.description = p->description,
		.created = p->created,
		.modified = p->modified,
		.version = p->version,
		.scope_tags_supported = true,
	};
	return tags_read(a, p->scope_tags, &ret->scope_tags);
}

const struct field *
profile_common_fields(size_t *retn)
{
	*retn = COUNT(fields);
	return fields;
}

/* Settings of other platforms, and references that the type does not have, each by its name. */
static err_t
strangers_check(struct arena *a, const struct profile_type *t, const json *body,
    const struct field *own, size_t n)
{
	const char *bare = strrchr(t->name, '.') + 1;
	size_t nall;
	const struct field *all = profile_kind_fields(a, t->kind, &nall);

	for (void *it = json_iter(body); it != NULL; it = json_iter_next(body, it)) {
		const char *name = json_iter_key(it);
		bool has = false, known = false;

		for (size_t i = 0; i < n; i++)
			has = has || strcmp(own[i].name, name) == 0;
		for (size_t i = 0; i < nall; i++)
			known = known || strcmp(all[i].name, name) == 0;
		if (known && !has)
			FAIL(ERR_MODEL_INVALID,
			    "\"%s\" does not exist on type %s; it is a setting of another platform",
			    name, bare);
		if (strstr(name, "@odata.bind") == NULL ||
		    (t->root != ROOT_NONE && strcmp(name, "rootCertificate@odata.bind") == 0) ||
		    refs_has(t, name))
			continue;
		FAIL(ERR_MODEL_INVALID, "\"%.128s\" does not exist on type %s",
		    text_safe(a, str_c(name)), bare);
	}
	return OK;
}

err_t
profile_json_read(struct arena *a, const struct profile_type *t, const json *body,
    enum field_mode mode, struct profile *p, struct warnings *w)
{
	const struct kind *k = t->kind;
	void *settings = arena_alloc(a, k->size);
	struct common c = { 0 };
	auto_json json *out = json_object_new();
	const struct field *own;
	struct str text;
	size_t n;

	if (mode == FIELD_UPDATE) {
		TRY(common_of(a, p, &c));
		TRY(profile_settings(a, k, p, &settings));
	}
	own = profile_type_fields(a, t, &n);
	TRY(strangers_check(a, t, body, own, n));
	/* Each table takes what is the other's as known; what neither has is refused by both. */
	TRY(field_read(a, fields, COUNT(fields), body, mode, names_of(a, own, n), &c));
	TRY(field_read(a, own, n, body, mode, names_of(a, fields, COUNT(fields)), settings));
	if (c.display_name == NULL || c.display_name[0] == '\0')
		FAIL(ERR_MODEL_INVALID, "displayName must not be empty");
	TRY(k->check(a, t, settings, w));
	TRY(field_write(a, own, n, settings, out));
	TRY(refs_read(a, t, mode == FIELD_UPDATE ? p->settings : NULL, body, out));
	TRY(json_print(a, out, &text));
	TRY(text_cstr(a, text, &p->settings));
	p->display_name = c.display_name;
	p->description = c.description == NULL ? "" : c.description;
	return tags_write(a, &c.scope_tags, &p->scope_tags);
}

err_t
profile_json(struct arena *a, const struct profile *p, json **ret)
{
	auto_json json *out = json_object_new();
	const struct profile_type *type;
	const struct field *own;
	struct common c;
	void *settings;
	size_t n, rules = 0;

	TRY(profile_type_find(p->type, &type));
	TRY(common_of(a, p, &c));
	TRY(profile_settings(a, type->kind, p, &settings));
	json_set_text(out, "@odata.type", type->name);
	/* In the order of Graph: the rules of applicability stand within what every profile has. */
	own = profile_type_fields(a, type, &n);
	while (rules < n && strncmp(own[rules].name, RULES, strlen(RULES)) == 0)
		rules++;
	TRY(field_write(a, fields, BEFORE_RULES, &c, out));
	TRY(field_write(a, own, rules, settings, out));
	TRY(field_write(a, fields + BEFORE_RULES, COUNT(fields) - BEFORE_RULES, &c, out));
	TRY(field_write(a, own + rules, n - rules, settings, out));
	if (type->root != ROOT_NONE)
		json_set_id(a, out, ROOT_SHOWN, p->root);
	TRY(refs_show(type, p, out));
	*ret = steal(out);
	return OK;
}

err_t
profile_json_type(const json *body, const struct profile_type **ret)
{
	const json *type = json_get(body, "@odata.type");

	if (!json_is_object(body))
		FAIL(ERR_MODEL_INVALID, "an object is expected");
	if (!json_is_text(type))
		FAIL(ERR_PROFILE_TYPE, "\"@odata.type\" is missing");
	return profile_type_find(json_text(type), ret);
}

err_t
profile_json_root(const json *body, bool *found, struct id *ret)
{
	const json *bind = json_get(body, "rootCertificate@odata.bind");

	*found = bind != NULL;
	return bind == NULL ? OK : refs_url("rootCertificate@odata.bind", bind, ret);
}
