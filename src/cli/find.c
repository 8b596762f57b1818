/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/find.h"

#include "base/text.h"
#include "cli/api.h"
#include "cli/url.h"

struct set {
	const char *what, *path, *property;
};

static const struct set users = { "user", "/v1.0/users", "displayName" };
static const struct set groups = { "group", "/v1.0/groups", "displayName" };
static const struct set devices = { "device", "/beta/deviceManagement/managedDevices",
	"deviceName" };
static const struct set profiles = { "profile", "/chancery/v1/profiles", "displayName" };
static const struct set filters = { "filter", "/beta/deviceManagement/assignmentFilters",
	"displayName" };
static const struct set connectors = { "connector", "/beta/deviceManagement/ndesConnectors",
	"displayName" };

static bool
is_id(const char *s)
{
	struct id id;
	err_t e = id_parse(str_c(s), &id);

	err_forget(e);
	return err_ok(e);
}

/* A device that left keeps its record, and its name may be taken again. */
static bool
has_left(const json *entity)
{
	return str_eq_c(str_c(json_text(json_get(entity, "deviceRegistrationState"))), "revoked");
}

/* The identifiers of those found that have left, or of those that have not; how many. */
static size_t
pick(struct arena *a, const json *found, bool left, const char **ret_last, const char **ret_all)
{
	size_t n = 0;

	*ret_all = "";
	for (size_t i = 0; i < json_count(found); i++) {
		if (has_left(json_at(found, i)) != left)
			continue;
		*ret_last = arena_strdup(a, json_text(json_get(json_at(found, i), "id")));
		*ret_all = arena_printf(a, "%s%s%s", *ret_all, n++ == 0 ? "" : ", ", *ret_last);
	}
	return n;
}

static err_t
find(struct cli *c, const struct set *set, const char *name, const char **ret)
{
	auto_json json *found = NULL;
	const char *id = NULL, *ids;
	size_t n;

	if (is_id(name)) {
		*ret = name;
		return OK;
	}
	TRY(api_list(c,
	    arena_printf(c->arena, "%s?%s", set->path, url_filter(c->arena, set->property, name)),
	    &found));
	n = pick(c->arena, found, false, &id, &ids);
	if (n == 0)
		n = pick(c->arena, found, true, &id, &ids);
	if (n == 0)
		FAIL(ERR_NOT_FOUND, "no %s is named \"%.128s\"", set->what, name);
	if (n > 1)
		FAIL(
		    ERR_AMBIGUOUS, "%zu %ss are named \"%.128s\": %.512s", n, set->what, name, ids);
	*ret = id;
	return OK;
}

err_t
find_user(struct cli *c, const char *name, const char **ret)
{
	auto_json json *user = NULL;

	if (strchr(name, '@') == NULL)
		return find(c, &users, name, ret);
	TRY_CTX(
	    api_get(c, arena_printf(c->arena, "/v1.0/users/%s", url_encode(c->arena, name)), &user),
	    "%.128s", name);
	*ret = arena_strdup(c->arena, json_text(json_get(user, "id")));
	return OK;
}

err_t
find_group(struct cli *c, const char *name, const char **ret)
{
	return find(c, &groups, name, ret);
}

err_t
find_device(struct cli *c, const char *name, const char **ret)
{
	return find(c, &devices, name, ret);
}

err_t
find_profile(struct cli *c, const char *name, const char **ret)
{
	return find(c, &profiles, name, ret);
}

err_t
find_filter(struct cli *c, const char *name, const char **ret)
{
	return find(c, &filters, name, ret);
}

err_t
find_connector(struct cli *c, const char *name, const char **ret)
{
	return find(c, &connectors, name, ret);
}

err_t
find_row(struct cli *c, const char *path, const char *noun, const char *name, const char **ret)
{
	auto_json json *rows = NULL;
	const char *id = NULL;

	TRY(api_list(c, path, &rows));
	for (size_t i = 0; i < json_count(rows); i++) {
		const json *x = json_at(rows, i);
		const char *own = json_text(json_get(x, "id"));

		if (str_ieq_c(str_c(name), own)) {
			*ret = arena_strdup(c->arena, own);
			return OK;
		}
		if (!str_ieq_c(str_c(name), json_text(json_get(x, "displayName"))))
			continue;
		if (id != NULL)
			FAIL(ERR_AMBIGUOUS, "%s \"%.128s\"", noun, name);
		id = arena_strdup(c->arena, own);
	}
	if (id == NULL)
		FAIL(ERR_NOT_FOUND, "%s \"%.128s\"", noun, name);
	*ret = id;
	return OK;
}

err_t
find_member(struct cli *c, const char *name, const char **ret)
{
	err_t e;

	if (strchr(name, '@') != NULL)
		return find_user(c, name, ret);
	e = find_device(c, name, ret);
	if (!err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	e = find_group(c, name, ret);
	if (!err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	FAIL(ERR_NOT_FOUND,
	    "no user, device or group is \"%.128s\"; users go by their principal name", name);
}
