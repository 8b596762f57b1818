/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles between the API's JSON and the record. See profile_json.h. */
#include "model/profile_json.h"
#include "model/refs.h"
#include "model/rollout.h"
#include "model/scope.h"

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

/* Under resourceAccessProfiles. */
static const struct field access_fields[] = {
	FIELD(struct common, id, FIELD_ID, .name = "id", .flags = FIELD_READONLY),
	FIELD(struct common, version, FIELD_INT, .name = "version", .flags = FIELD_READONLY),
	FIELD(struct common, display_name, FIELD_TEXT, .name = "displayName",
	    .flags = FIELD_REQUIRED, .help = "Name of the profile."),
	FIELD(struct common, description, FIELD_TEXT, .name = "description",
	    .flags = FIELD_NULLABLE | FIELD_LINES, .max = LIMIT_LONG_TEXT, .help = "For people."),
	FIELD(struct common, created, FIELD_WHEN, .name = "creationDateTime",
	    .flags = FIELD_READONLY),
	FIELD(struct common, modified, FIELD_WHEN, .name = "lastModifiedDateTime",
	    .flags = FIELD_READONLY),
	FIELD(struct common, scope_tags, FIELD_TEXTS, .name = "roleScopeTagIds", .max = 100,
	    .help = "Scope tags; [\"0\"] when there are none."),
};
#define ROOT_ID "rootCertificateId" /* their way to name the trusted root */

#define RULES "deviceManagementApplicabilityRule"

/* Shown, and not read: who sends back what was read is not refused. */
#define ROOT_SHOWN "@chancery.rootCertificateId"

static const char *const *
names_of(struct arena *a, const struct profile_type *t, const struct field *f, size_t n)
{
	const char **names = arena_array(a, n + 6, sizeof(*names));

	for (size_t i = 0; i < n; i++)
		names[i] = f[i].name;
	names[n] = ROOT_SHOWN;
	names[n + 1] = ROLLOUT_MEMBER;
	names[n + 2] = REFS_SHOWN;
	names[n + 3] = SECRETS_SHOWN;
	names[n + 4] = t->set == SET_ACCESS && t->root != ROOT_NONE ? ROOT_ID : NULL;
	return names;
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
	return scope_read(a, p->scope_tags, &ret->scope_tags);
}

const struct field *
profile_common_fields(enum profile_set set, size_t *retn)
{
	*retn = set == SET_ACCESS ? COUNT(access_fields) : COUNT(fields);
	return set == SET_ACCESS ? access_fields : fields;
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
    enum field_mode mode, const struct secrets *sealed, struct profile *p, struct warnings *w)
{
	const struct kind *k = t->kind;
	void *settings = arena_alloc(a, k->size);
	struct common c = { 0 };
	auto_json json *out = json_object_new();
	const struct field *own, *common;
	struct str text;
	size_t n, ncommon;

	if (k->begin != NULL)
		k->begin(settings);
	if (mode == FIELD_UPDATE) {
		TRY(common_of(a, p, &c));
		TRY(profile_settings(a, k, p, &settings));
	}
	own = profile_type_fields(a, t, &n);
	common = profile_common_fields(t->set, &ncommon);
	TRY(strangers_check(a, t, body, own, n));
	/* Each table takes what is the other's as known; what neither has is refused by both. */
	TRY(field_read(a, common, ncommon, body, mode, names_of(a, t, own, n), &c));
	TRY(field_read(a, own, n, body, mode, names_of(a, t, common, ncommon), settings));
	if (c.display_name == NULL || c.display_name[0] == '\0')
		FAIL(ERR_MODEL_INVALID, "displayName must not be empty");
	TRY(k->check(a, t, settings, w));
	if (k->settle != NULL)
		k->settle(settings);
	TRY(field_write(a, own, n, settings, out));
	TRY(secrets_store(own, n, settings, body, sealed, out));
	TRY(refs_read(a, t, mode == FIELD_UPDATE ? p->settings : NULL, body, out));
	TRY(json_print(a, out, &text));
	TRY(text_cstr(a, text, &p->settings));
	p->display_name = c.display_name;
	p->description = c.description == NULL ? "" : c.description;
	return scope_print(a, &c.scope_tags, &p->scope_tags);
}

/* Graph's order: the rules of applicability stand within what every profile has, or after it. */
static err_t
members_write(struct arena *a, const struct profile_type *t, const struct common *c,
    const void *settings, json *out)
{
	const struct field *own, *common;
	size_t n, ncommon, rules = 0, before = BEFORE_RULES;

	own = profile_type_fields(a, t, &n);
	common = profile_common_fields(t->set, &ncommon);
	while (rules < n && strncmp(own[rules].name, RULES, strlen(RULES)) == 0)
		rules++;
	if (t->set == SET_ACCESS)
		before = ncommon;
	TRY(field_write(a, common, before, c, out));
	TRY(field_write(a, own, rules, settings, out));
	TRY(field_write(a, common + before, ncommon - before, c, out));
	return field_write(a, own + rules, n - rules, settings, out);
}

err_t
profile_json(struct arena *a, const struct profile *p, json **ret)
{
	auto_json json *out = json_object_new();
	const struct profile_type *type;
	const struct field *own;
	struct common c;
	void *settings;
	size_t n;

	TRY(profile_type_find(p->type, &type));
	TRY(common_of(a, p, &c));
	TRY(profile_settings(a, type->kind, p, &settings));
	json_set_text(out, "@odata.type", type->name);
	TRY(members_write(a, type, &c, settings, out));
	own = profile_type_fields(a, type, &n);
	secrets_show(a, own, n, settings, out);
	if (type->root != ROOT_NONE && type->set == SET_ACCESS)
		json_set_id(a, out, ROOT_ID, p->root);
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
	const json *id = json_get(body, ROOT_ID);

	*found = bind != NULL || id != NULL;
	if (bind != NULL)
		return refs_url("rootCertificate@odata.bind", bind, ret);
	if (id == NULL)
		return OK;
	if (json_is_null(id)) {
		*ret = (struct id){ { 0 } };
		return OK;
	}
	if (!json_is_text(id) || !err_ok(id_parse(str_c(json_text(id)), ret)))
		FAIL(ERR_MODEL_INVALID, "\"" ROOT_ID "\" must be the identifier of a profile");
	return OK;
}
