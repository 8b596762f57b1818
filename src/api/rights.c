/* SPDX-License-Identifier: Apache-2.0 */
#include "api/rights.h"

#include "api/action.h"
#include "api/reply.h"
#include "model/scope.h"
#include "store/device.h"
#include "store/profile.h"

#define READ_ALL \
	"DeviceManagementConfiguration.Read.All DeviceManagementManagedDevices.Read.All " \
	"DeviceManagementServiceConfig.Read.All DeviceManagementRBAC.Read.All " \
	"Directory.Read.All Organization.Read.All"
#define DIRECTORY "Directory.Read.All Organization.Read.All"

/* Names that clients look up, as Microsoft Intune has them, then ours. The identifiers are fixed for good. */
const struct role_builtin roles_builtin[] = {
	{ "0bd113fe-6be5-400c-a28f-ae5553f9c0be", "Policy and Profile manager",
	    "Makes, changes and assigns profiles and filters.",
	    "DeviceManagementConfiguration.ReadWrite.All "
	    "DeviceManagementManagedDevices.Read.All " DIRECTORY },
	{ "9e0cc482-82df-4ab2-a24c-0c23a3f52e1e", "Help Desk Operator",
	    "Sees profiles and devices, makes devices check in, retires and wipes them, makes enrolment codes for devices.",
	    "DeviceManagementConfiguration.Read.All DeviceManagementManagedDevices.ReadWrite.All "
	    "DeviceManagementManagedDevices.PrivilegedOperations.All "
	    "DeviceManagementServiceConfig.ReadWrite.All " DIRECTORY },
	{ "fa1d7878-e8cb-41a1-8254-0ae9f2b5e7f5", "Read Only Operator",
	    "Sees everything but changes nothing.", READ_ALL },
	{ "fb2603eb-3c87-4993-8b5e-6c1a33cbcd67", "Intune Role Administrator",
	    "Manages roles, their assignments and scope tags.",
	    "DeviceManagementRBAC.ReadWrite.All " DIRECTORY },
	{ "c7a1d6a0-52a5-4e2e-9d55-0f6368616e01", "Administrator", "May do everything.",
	    "DeviceManagementConfiguration.ReadWrite.All "
	    "DeviceManagementManagedDevices.ReadWrite.All "
	    "DeviceManagementManagedDevices.PrivilegedOperations.All "
	    "DeviceManagementServiceConfig.ReadWrite.All DeviceManagementRBAC.ReadWrite.All "
	    "Directory.ReadWrite.All Organization.Read.All Chancery.Metrics.Read" },
	{ "c7a1d6a0-52a5-4e2e-9d55-0f6368616e02", "Certificate Manager",
	    "Manages profiles, connectors and certificates, and sees devices.",
	    "DeviceManagementConfiguration.ReadWrite.All DeviceManagementManagedDevices.Read.All "
	    "DeviceManagementServiceConfig.ReadWrite.All " DIRECTORY },
	{ "c7a1d6a0-52a5-4e2e-9d55-0f6368616e03", "Auditor", "Reads the audit, roles and profiles.",
	    "DeviceManagementApps.Read.All DeviceManagementConfiguration.Read.All "
	    "DeviceManagementRBAC.Read.All" },
	{ NULL, NULL, NULL, NULL },
};

static bool
builtin_find(struct id id, struct role *ret)
{
	for (const struct role_builtin *b = roles_builtin; b->name != NULL; b++) {
		struct id own;
		err_t e = id_parse(str_c(b->id), &own);

		if (!err_ok(e) || !id_eq(own, id)) {
			err_forget(e);
			continue;
		}
		*ret = (struct role){ .id = id,
			.display_name = b->name,
			.description = b->description,
			.permissions = b->permissions,
			.scope_tags = "" };
		return true;
	}
	return false;
}

err_t
role_find(struct tx *tx, struct arena *a, struct id id, struct role *ret, bool *ret_builtin)
{
	*ret_builtin = builtin_find(id, ret);
	return *ret_builtin ? OK : store_role_get(tx, a, id, ret);
}

struct gather {
	struct tx *tx;
	struct arena *a;
	struct role_grant *v;
	size_t n, cap;
	const char *permissions;
};

static err_t
add_grant(struct gather *g, const struct role_assignment *x)
{
	struct role role;
	struct field_texts tags;
	bool builtin;
	err_t e = role_find(g->tx, g->a, x->role, &role, &builtin);

	if (err_is(e, ERR_NOT_FOUND)) { /* a role that is gone gives nothing */
		err_forget(e);
		return OK;
	}
	TRY(e);
	TRY(scope_read(g->a, strcmp(x->scope_tags, "[]") == 0 ? "[]" : x->scope_tags, &tags));
	if (g->n == g->cap) {
		struct role_grant *old = g->v;

		g->cap = g->cap == 0 ? 8 : g->cap * 2;
		g->v = arena_array(g->a, g->cap, sizeof(*g->v));
		for (size_t i = 0; i < g->n; i++)
			g->v[i] = old[i];
	}
	g->v[g->n++] = (struct role_grant){ .role = role.display_name,
		.permissions = role.permissions,
		.perms = perm_list_bits(role.permissions) | action_list_bits(role.permissions),
		.tags = (const char *const *)tags.v,
		.ntags = tags.n };
	g->permissions = arena_printf(
	    g->a, "%s%s%s", g->permissions, *g->permissions == '\0' ? "" : " ", role.permissions);
	return OK;
}

static err_t
add_member(struct gather *g, const char *member)
{
	struct role_assignment *v;
	size_t n;

	TRY(store_role_assignments_of(g->tx, g->a, member, &v, &n));
	for (size_t i = 0; i < n; i++)
		TRY(add_grant(g, &v[i]));
	return OK;
}

static err_t
add_id(struct gather *g, struct id id)
{
	return add_member(g, arena_printf(g->a, "id:%s", id_text(g->a, id)));
}

/* The directory user, and every group above it. */
static err_t
add_user(struct gather *g, const char *upn, bool *ret_disabled)
{
	struct user u;
	struct id *groups;
	size_t n;
	err_t e = store_user_by_upn(g->tx, g->a, upn, &u);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		return OK;
	}
	TRY(e);
	*ret_disabled = !u.enabled;
	TRY(add_id(g, u.id));
	TRY(store_groups_of(g->tx, g->a, u.id, &groups, &n));
	for (size_t i = 0; i < n; i++)
		TRY(add_id(g, groups[i]));
	return OK;
}

err_t
rights_of(struct tx *tx, struct arena *a, const struct holder *h, struct rights *ret)
{
	struct gather g = { .tx = tx, .a = a, .permissions = "" };
	bool disabled = false;

	if (!id_is_zero(h->id))
		TRY(add_id(&g, h->id));
	if (h->upn != NULL)
		TRY(add_user(&g, h->upn, &disabled));
	for (size_t i = 0; i < h->ngroups; i++)
		TRY(add_member(&g, arena_printf(a, "issuer:%s", h->groups[i])));
	*ret = (struct rights){
		.v = g.v, .n = g.n, .permissions = g.permissions, .disabled = disabled
	};
	return OK;
}

static bool
among(const char *tag, const char *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(tag, v[i]) == 0)
			return true;
	return false;
}

bool
rights_reach(const struct caller *who, unsigned perms, const char *tags)
{
	auto_arena struct arena *a = NULL;
	struct field_texts t;
	err_t e;

	if ((who->perms & perms) != 0)
		return true;
	perms &= who->scoped;
	if (perms == 0)
		return false;
	a = arena_new();
	e = scope_read(a, tags, &t);
	if (!err_ok(e)) {
		err_forget(e);
		return false;
	}
	for (size_t i = 0; i < who->ngrants; i++)
		for (size_t k = 0; k < t.n && (who->grants[i].perms & perms) != 0; k++)
			if (among(t.v[k], who->grants[i].tags, who->grants[i].ntags))
				return true;
	return false;
}

err_t
rights_demand(
    const struct caller *who, unsigned read, unsigned perms, const char *tags, const char *noun)
{
	if (!rights_reach(who, read, tags) && !rights_reach(who, perms, tags))
		FAIL(ERR_NOT_FOUND, "no such %s", noun);
	if (!rights_reach(who, perms, tags))
		FAIL(ERR_OUTSIDE_SCOPE, "%s may see the %s but not change it", who->actor, noun);
	return OK;
}

struct object {
	struct arena *a;
	struct id id;
	const char *tags;
};

static err_t
profile_tags(struct tx *tx, void *arg)
{
	struct object *o = arg;
	struct profile p;

	TRY(store_profile_get(tx, o->a, o->id, &p));
	o->tags = p.scope_tags;
	return OK;
}

static err_t
device_tags(struct tx *tx, void *arg)
{
	struct object *o = arg;
	struct device d;

	TRY(store_device_get(tx, o->a, o->id, &d));
	o->tags = d.scope_tags;
	return OK;
}

static err_t
filter_tags(struct tx *tx, void *arg)
{
	struct object *o = arg;
	struct filter f;

	TRY(store_filter_get(tx, o->a, o->id, &f));
	o->tags = f.scope_tags;
	return OK;
}

static err_t
demand(struct http_req *r, unsigned read, unsigned perms, store_fn fn, const char *noun)
{
	const struct caller *who = http_caller(r);
	struct object o = { .a = http_arena(r) };

	if ((who->perms & perms) != 0)
		return OK;
	TRY(param_id(r, "id", &o.id));
	TRY(store_read(api_of(r)->store, fn, &o));
	return rights_demand(who, read, perms, o.tags, noun);
}

err_t
rights_profile(struct http_req *r, unsigned perms)
{
	return demand(r, PERM_CONFIG_READ, perms, profile_tags, "profile");
}

err_t
rights_device(struct http_req *r, unsigned perms)
{
	return demand(r, PERM_DEVICES_READ, perms, device_tags, "device");
}

err_t
rights_filter(struct http_req *r, unsigned perms)
{
	return demand(r, PERM_FILTERS_READ, perms, filter_tags, "assignment filter");
}

json *
rights_own_tags(const struct caller *who, unsigned perms)
{
	json *own = json_array_new();

	for (size_t i = 0; i < who->ngrants; i++)
		for (size_t k = 0; k < who->grants[i].ntags && (who->grants[i].perms & perms) != 0;
		     k++)
			json_add(own, json_text_new(who->grants[i].tags[k]));
	return own;
}

err_t
rights_body(const struct caller *who, struct arena *a, unsigned perms, json *body,
    const char *member, bool creating)
{
	if ((who->perms & perms) == 0 && json_get(body, member) == NULL && creating)
		json_set(body, member, rights_own_tags(who, perms));
	return rights_tags(who, a, perms, body, member);
}

err_t
rights_tags(
    const struct caller *who, struct arena *a, unsigned perms, const json *body, const char *member)
{
	const json *asked = json_get(body, member);

	if ((who->perms & perms) != 0)
		return OK;
	/* An empty list would be the default tag. */
	if (json_is_array(asked) && json_count(asked) == 0 && !rights_reach(who, perms, "[\"0\"]"))
		FAIL(ERR_OUTSIDE_SCOPE, "the default scope tag is none of %s", who->actor);
	for (size_t i = 0; json_is_array(asked) && i < json_count(asked); i++) {
		auto_json json *one = json_array_new();
		struct str text;
		const char *tags;

		json_add(one, json_ref(json_at(asked, i)));
		TRY(json_print(a, one, &text));
		TRY(text_cstr(a, text, &tags));
		if (!rights_reach(who, perms, tags))
			FAIL(ERR_OUTSIDE_SCOPE, "scope tag %s is none of %s",
			    text_safe(a, str_c(json_text(json_at(asked, i)))), who->actor);
	}
	return OK;
}

err_t
rights_guard_member(
    struct tx *tx, struct arena *a, const struct caller *who, struct id group_or_user)
{
	struct gather g = { .tx = tx, .a = a, .permissions = "" };
	struct id *groups;
	size_t n;

	if ((who->perms & PERM_RBAC_WRITE) != 0)
		return OK;
	TRY(add_id(&g, group_or_user));
	TRY(store_groups_of(tx, a, group_or_user, &groups, &n));
	for (size_t i = 0; i < n && g.n == 0; i++)
		TRY(add_id(&g, groups[i]));
	if (g.n > 0)
		FAIL(ERR_FORBIDDEN,
		    "role '%s' is assigned to it; whoever changes it needs "
		    "DeviceManagementRBAC.ReadWrite.All",
		    g.v[0].role);
	return OK;
}
