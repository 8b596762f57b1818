/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Assignments: read and written as Graph does, replaced as a whole by `assign`. An assignment's identifier is
 * <profile>_<group>; all devices and all users have group identifiers of their own that tools know.
 */
#include "api/assignments.h"

#define ASSIGNMENTS_MAX 500u

static const struct target {
	const char *type;
	enum target_kind kind;
	const char *pseudo_group; /* NULL: names a group */
} targets[] = {
	{ "#microsoft.graph.groupAssignmentTarget", TARGET_GROUP, NULL },
	{ "#microsoft.graph.exclusionGroupAssignmentTarget", TARGET_EXCLUDE_GROUP, NULL },
	{ "#microsoft.graph.allDevicesAssignmentTarget", TARGET_ALL_DEVICES,
	    "adadadad-808e-44e2-905a-0b7873a8a531" },
	{ "#microsoft.graph.allLicensedUsersAssignmentTarget", TARGET_ALL_USERS,
	    "acacacac-9df4-4c7d-9d50-4ef0226f57a9" },
};

static const char *const filter_modes[] = {
	[FILTER_NONE] = "none", [FILTER_INCLUDE] = "include", [FILTER_EXCLUDE] = "exclude"
};

static const struct target *
target_of(const struct assignment *x)
{
	for (size_t i = 0; i < COUNT(targets); i++)
		if (targets[i].kind == x->kind)
			return &targets[i];
	return &targets[0];
}

const char *
assignment_key(struct arena *a, const struct assignment *x)
{
	const char *pseudo = target_of(x)->pseudo_group;

	return arena_printf(
	    a, "%s_%s", id_text(a, x->profile), pseudo == NULL ? id_text(a, x->group) : pseudo);
}

json *
assignment_json(struct arena *a, const struct assignment *x)
{
	json *j = json_object_new();
	json *target = json_object_new();
	const struct target *t = target_of(x);

	json_set_text(j, "id", assignment_key(a, x));
	json_set_text(j, "intent", "apply");
	json_set_text(j, "source", "direct");
	json_set_text(j, "sourceId", id_text(a, x->profile));
	json_set(j, "target", target);
	json_set_text(target, "@odata.type", t->type);
	json_set_id(a, target, "deviceAndAppManagementAssignmentFilterId", x->filter);
	json_set_text(
	    target, "deviceAndAppManagementAssignmentFilterType", filter_modes[x->filter_mode]);
	if (t->pseudo_group == NULL)
		json_set_text(target, "groupId", id_text(a, x->group));
	return j;
}

err_t
assignments_json(struct tx *tx, struct arena *a, struct id profile, json **ret)
{
	struct assignment *v;
	size_t n;
	json *array;

	TRY(store_assignments(tx, a, profile, &v, &n));
	array = json_array_new();
	for (size_t i = 0; i < n; i++)
		json_add(array, assignment_json(a, &v[i]));
	*ret = array;
	return OK;
}

json *
group_assignment_json(struct arena *a, const struct assignment *x)
{
	json *j = json_object_new();

	json_set_text(j, "id", assignment_key(a, x));
	json_set_id(a, j, "targetGroupId", x->group);
	json_set_bool(j, "excludeGroup", x->kind == TARGET_EXCLUDE_GROUP);
	return j;
}

err_t
group_assignments_json(struct tx *tx, struct arena *a, struct id profile, json **ret)
{
	struct assignment *v;
	json *array;
	size_t n;

	TRY(store_assignments(tx, a, profile, &v, &n));
	array = json_array_new();
	for (size_t i = 0; i < n; i++) {
		if (v[i].kind == TARGET_GROUP || v[i].kind == TARGET_EXCLUDE_GROUP)
			json_add(array, group_assignment_json(a, &v[i]));
	}
	*ret = array;
	return OK;
}

/* "none" is written as null, as the zero identifier, or left out. */
static err_t
read_filter(struct arena *a, const json *target, struct assignment *ret)
{
	const char *filter =
	    json_text(json_get(target, "deviceAndAppManagementAssignmentFilterId"));
	const char *mode =
	    json_text(json_get(target, "deviceAndAppManagementAssignmentFilterType"));

	ret->filter_mode = FILTER_NONE;
	for (unsigned i = FILTER_NONE; *mode != '\0' && i <= FILTER_EXCLUDE; i++)
		if (str_ieq_c(str_c(mode), filter_modes[i]))
			ret->filter_mode = (enum filter_mode)i;
	if (*mode != '\0' && !str_ieq_c(str_c(mode), filter_modes[ret->filter_mode]))
		FAIL(ERR_ASSIGNMENT,
		    "\"deviceAndAppManagementAssignmentFilterType\" is '%.32s'; it must be one of "
		    "none, include, exclude",
		    text_safe(a, str_c(mode)));
	if (*filter != '\0' && !err_ok(id_parse(str_c(filter), &ret->filter)))
		FAIL(ERR_ASSIGNMENT,
		    "\"deviceAndAppManagementAssignmentFilterId\" is no identifier");
	if (id_is_zero(ret->filter) != (ret->filter_mode == FILTER_NONE))
		FAIL(ERR_ASSIGNMENT,
		    "a filter needs both its identifier and its type, include or exclude");
	return OK;
}

static err_t
read_target(struct arena *a, const json *target, struct assignment *ret)
{
	const char *type = json_text(json_get(target, "@odata.type"));

	TRY(read_filter(a, target, ret));
	for (size_t i = 0; i < COUNT(targets); i++) {
		if (!str_ieq_c(str_c(*type == '#' ? type + 1 : type), targets[i].type + 1))
			continue;
		ret->kind = targets[i].kind;
		if (targets[i].pseudo_group == NULL)
			TRY(json_need_id(target, "groupId", &ret->group));
		return OK;
	}
	FAIL(ERR_ASSIGNMENT,
	    "\"@odata.type\" of the target is '%s'; it must be one of group"
	    "AssignmentTarget, exclusionGroupAssignmentTarget, "
	    "allDevicesAssignmentTarget, allLicensedUsersAssignmentTarget",
	    text_safe(a, str_c(type)));
}

err_t
assignment_read(struct arena *a, const json *x, struct assignment *ret)
{
	const char *intent = json_text(json_get(x, "intent"));
	json *target;

	if (*intent != '\0' && !str_ieq_c(str_c(intent), "apply"))
		FAIL(ERR_ASSIGNMENT,
		    "\"intent\" is '%.32s'; it must be apply: what leaves a profile's targets loses "
		    "what it brought",
		    text_safe(a, str_c(intent)));
	TRY(json_need_object(x, "target", &target));
	return read_target(a, target, ret);
}

err_t
group_assignment_read(const json *x, struct assignment *ret)
{
	ret->kind = json_true(json_get(x, "excludeGroup")) ? TARGET_EXCLUDE_GROUP : TARGET_GROUP;
	return json_need_id(x, "targetGroupId", &ret->group);
}

err_t
assignments_read(struct arena *a, const json *body, struct assignment **ret, size_t *retn)
{
	json *list = NULL, *old = NULL;
	struct assignment *v;
	size_t n = 0;

	TRY(json_want_array(body, "assignments", ASSIGNMENTS_MAX, &list));
	TRY(json_want_array(body, "deviceConfigurationGroupAssignments", ASSIGNMENTS_MAX, &old));
	if (list == NULL && old == NULL)
		FAIL(ERR_ASSIGNMENT, "the body must have \"assignments\"");
	v = arena_array(a, json_count(list) + json_count(old) + 1, sizeof(*v));
	for (size_t i = 0; i < json_count(list); i++)
		TRY(assignment_read(a, json_at(list, i), &v[n++]));
	for (size_t i = 0; i < json_count(old); i++)
		TRY(group_assignment_read(json_at(old, i), &v[n++]));
	*ret = v;
	*retn = n;
	return OK;
}
