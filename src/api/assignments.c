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

json *
assignment_json(struct arena *a, const struct assignment *x)
{
	json *j = json_object_new();
	json *target = json_object_new();
	const struct target *t = &targets[0];

	for (size_t i = 0; i < COUNT(targets); i++)
		if (targets[i].kind == x->kind)
			t = &targets[i];
	json_set_text(j, "id",
	    arena_printf(a, "%s_%s", id_text(a, x->profile),
		t->pseudo_group == NULL ? id_text(a, x->group) : t->pseudo_group));
	json_set_text(j, "intent", "apply");
	json_set_text(j, "source", "direct");
	json_set_text(j, "sourceId", id_text(a, x->profile));
	json_set(j, "target", target);
	json_set_text(target, "@odata.type", t->type);
	json_set_text(target, "deviceAndAppManagementAssignmentFilterId", NULL);
	json_set_text(target, "deviceAndAppManagementAssignmentFilterType", "none");
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

/* "none" is written as null, as the zero identifier, or left out. */
static err_t
check_no_filter(const json *target)
{
	const char *filter =
	    json_text(json_get(target, "deviceAndAppManagementAssignmentFilterId"));
	const char *type =
	    json_text(json_get(target, "deviceAndAppManagementAssignmentFilterType"));
	struct id id;

	if (*filter != '\0' && (!err_ok(id_parse(str_c(filter), &id)) || !id_is_zero(id)))
		FAIL(ERR_ASSIGNMENT, "assignment filters are not supported");
	if (*type != '\0' && !str_ieq_c(str_c(type), "none"))
		FAIL(ERR_ASSIGNMENT, "assignment filters are not supported");
	return OK;
}

static err_t
read_target(struct arena *a, const json *target, struct assignment *ret)
{
	const char *type = json_text(json_get(target, "@odata.type"));

	TRY(check_no_filter(target));
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
assignments_read(struct arena *a, const json *body, struct assignment **ret, size_t *retn)
{
	json *list = NULL, *old = NULL, *target;
	struct assignment *v;
	size_t n = 0;

	TRY(json_want_array(body, "assignments", ASSIGNMENTS_MAX, &list));
	TRY(json_want_array(body, "deviceConfigurationGroupAssignments", ASSIGNMENTS_MAX, &old));
	if (list == NULL && old == NULL)
		FAIL(ERR_ASSIGNMENT, "the body must have \"assignments\"");
	v = arena_array(a, json_count(list) + json_count(old) + 1, sizeof(*v));
	for (size_t i = 0; i < json_count(list); i++) {
		TRY(json_need_object(json_at(list, i), "target", &target));
		TRY(read_target(a, target, &v[n++]));
	}
	for (size_t i = 0; i < json_count(old); i++) {
		const json *x = json_at(old, i);

		v[n].kind =
		    json_true(json_get(x, "excludeGroup")) ? TARGET_EXCLUDE_GROUP : TARGET_GROUP;
		TRY(json_need_id(x, "targetGroupId", &v[n].group));
		n++;
	}
	*ret = v;
	*retn = n;
	return OK;
}
