/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/config_refs.h"

/* Identifiers of profiles by the name of the reference, each with one or a list of them. */
err_t
config_refs_to_file(const struct config_world *w, const json *refs, json **ret)
{
	auto_json json *out = json_object_new();

	for (void *it = json_iter(refs); it != NULL; it = json_iter_next(refs, it)) {
		const json *value = json_iter_value(it);
		json *list;
		const char *name;

		if (json_is_text(value)) {
			TRY(config_name_of(w, CONFIG_PROFILE, json_text(value), &name));
			json_set_text(out, json_iter_key(it), name);
		} else {
			TRY(config_names_of(w, CONFIG_PROFILE, value, &list));
			json_set(out, json_iter_key(it), list);
		}
	}
	*ret = json_count(out) == 0 ? NULL : steal(out);
	return OK;
}

/* The address of the profile of that name; NULL: it is not there yet. */
static err_t
profile_url(struct cli *c, const struct config_world *w, const char *property, const json *name,
    json *missing, json **ret)
{
	const char *id;

	*ret = NULL;
	if (!json_is_text(name))
		FAIL(ERR_USAGE, "\"references\", \"%.128s\" must be a name or a list of names",
		    property);
	TRY(config_resolve(c, w, CONFIG_PROFILE, property, json_text(name), missing, &id));
	if (id != NULL)
		*ret = json_text_new(
		    arena_printf(c->arena, "%s('%s')", config_sets[CONFIG_PROFILE].path, id));
	return OK;
}

err_t
config_refs_to_api(
    struct cli *c, const struct config_world *w, const json *refs, json *out, json *missing)
{
	if (!json_is_object(refs))
		FAIL(ERR_USAGE, "\"references\" must be an object: what for, and a profile's name");
	for (void *it = json_iter(refs); it != NULL; it = json_iter_next(refs, it)) {
		const char *property = json_iter_key(it),
			   *member = arena_printf(c->arena, "%s@odata.bind", property);
		const json *value = json_iter_value(it);
		json *list = json_is_array(value) ? json_array_new() : NULL, *one;

		if (list != NULL)
			json_set(out, member, list);
		for (size_t i = 0; i < (list != NULL ? json_count(value) : 1); i++) {
			TRY(profile_url(c, w, property, list != NULL ? json_at(value, i) : value,
			    missing, &one));
			if (one != NULL && list != NULL)
				json_add(list, one);
			else if (one != NULL)
				json_set(out, member, one);
		}
	}
	return OK;
}
