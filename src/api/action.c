/* SPDX-License-Identifier: Apache-2.0 */
/* Microsoft's names of what roles allow: see action.h. */
#include "api/action.h"

#include "api/perm.h"
#include "base/text.h"

#define PREFIX "Microsoft.Intune_"

const struct action_group action_groups[] = {
	{ PERM_CONFIG_READ, "DeviceConfigurations", { "Read" },
	    { "DeviceConfigurations_ViewReports", "Reports_Read" },
	    "Read profiles, their states and reports, certificates." },
	{ PERM_CONFIG_WRITE, "DeviceConfigurations", { "Create", "Update", "Delete", "Assign" },
	    { NULL },
	    "Make, change, remove and assign profiles, change imported certificates and roll-outs." },
	{ PERM_FILTERS_READ, "AssignmentFilter", { "Read" }, { NULL }, "Read assignment filters." },
	{ PERM_FILTERS_WRITE, "AssignmentFilter", { "Create", "Update", "Delete" }, { NULL },
	    "Make, change and remove assignment filters." },
	{ PERM_CONNECTORS_READ, "CertificateConnector", { "Read" }, { NULL }, "Read connectors." },
	{ PERM_CONNECTORS_WRITE, "CertificateConnector", { "Modify" }, { NULL },
	    "Change and remove connectors." },
	{ PERM_DEVICES_READ, "ManagedDevices", { "Read" },
	    { "ManagedDevices_ViewReports", "ManagedDevices_Query" }, "Read managed devices." },
	{ PERM_DEVICES_WRITE, "ManagedDevices", { "Update", "Delete", "SetPrimaryUser" }, { NULL },
	    "Change and remove managed devices." },
	{ PERM_DEVICES_ACT, "RemoteTasks", { "SyncDevice", "Retire" }, { NULL },
	    "Make devices check in, retire them." },
	{ PERM_DEVICES_WIPE, "RemoteTasks", { "Wipe" }, { NULL }, "Wipe devices." },
	{ PERM_RBAC_READ, "Roles", { "Read" }, { NULL }, "Read roles and their assignments." },
	{ PERM_RBAC_WRITE, "Roles", { "Create", "Update", "Delete", "Assign" }, { NULL },
	    "Change roles and assign them: who has it can give every permission." },
	{ PERM_AUDIT_READ, "Audit", { "Read" }, { NULL }, "Read the audit." },
	{ PERM_AUDIT_READ, "AuditData", { "Read" }, { NULL }, "Read the audit." },
	{ PERM_ORGANIZATION_READ, "Organization", { "Read" }, { NULL },
	    "Read facts about the organisation." },
	{ 0 },
};

bool
action_is(struct str name)
{
	return name.n > strlen(PREFIX) && str_ieq_c(str_of(name.p, strlen(PREFIX)), PREFIX);
}

/* The next word of a blank-separated list that has the form; empty: the list is over. */
static struct str
next_action(struct str *list)
{
	while (list->n > 0) {
		struct str word = str_cut(list, ' ');

		if (action_is(word))
			return str_of(word.p + strlen(PREFIX), word.n - strlen(PREFIX));
	}
	return STR_EMPTY;
}

static bool
is_needed(const struct action_group *g, const char *verb, struct str name)
{
	size_t n = strlen(g->resource);

	return name.n > n + 1 && name.p[n] == '_' && str_ieq_c(str_of(name.p, n), g->resource) &&
	    str_ieq_c(str_of(name.p + n + 1, name.n - n - 1), verb);
}

static bool
has(const char *list, const struct action_group *g, const char *verb)
{
	struct str rest = str_c(list);

	for (struct str w = next_action(&rest); w.n > 0; w = next_action(&rest))
		if (is_needed(g, verb, w))
			return true;
	return false;
}

/* The first that is missing; NULL: none. */
static const char *
missing(const char *list, const struct action_group *g)
{
	for (const char *const *v = g->needed; *v != NULL; v++)
		if (!has(list, g, *v))
			return *v;
	return NULL;
}

/* The group that a name belongs to; NULL: none. */
static const struct action_group *
group_of(struct str name)
{
	for (const struct action_group *g = action_groups; g->perms != 0; g++) {
		for (const char *const *v = g->needed; *v != NULL; v++)
			if (is_needed(g, *v, name))
				return g;
		for (size_t i = 0; i < COUNT(g->also) && g->also[i] != NULL; i++)
			if (str_ieq_c(name, g->also[i]))
				return g;
	}
	return NULL;
}

unsigned
action_list_bits(const char *list)
{
	unsigned bits = 0;

	for (const struct action_group *g = action_groups; g->perms != 0; g++)
		if (missing(list, g) == NULL)
			bits |= g->perms;
	return bits;
}

/* "Create, Update, Delete": all that a group needs. */
static const char *
needed_text(struct arena *a, const struct action_group *g)
{
	const char *out = "";

	for (const char *const *v = g->needed; *v != NULL; v++)
		out = arena_printf(
		    a, "%s%s" PREFIX "%s_%s", out, *out == '\0' ? "" : ", ", g->resource, *v);
	return out;
}

/* The resource is one of those above, or near to one of them. */
static err_t
refuse(struct arena *a, struct str name)
{
	const char *text = text_safe(a, name), *near = NULL;
	size_t best = 5;
	struct str rest = name, resource = str_cut(&rest, '_');

	for (const struct action_group *g = action_groups; g->perms != 0; g++) {
		if (str_ieq_c(resource, g->resource))
			FAIL(ERR_ROLE,
			    "there is nothing here that " PREFIX "%s would allow; leave it out",
			    text);
		for (const char *const *v = g->needed; *v != NULL; v++) {
			const char *full = arena_printf(a, "%s_%s", g->resource, *v);
			size_t d = text_distance(text, full, best - 1);

			if (d < best) {
				best = d;
				near = full;
			}
		}
	}
	if (near != NULL)
		FAIL(ERR_ROLE, "there is no " PREFIX "%s; did you mean " PREFIX "%s?", text, near);
	FAIL(ERR_ROLE, "there is nothing here that " PREFIX "%s would allow; leave it out", text);
}

err_t
action_list_check(struct arena *a, const char *list)
{
	struct str rest = str_c(list);

	for (struct str w = next_action(&rest); w.n > 0; w = next_action(&rest)) {
		const struct action_group *g = group_of(w);
		const char *lacks;

		if (g == NULL)
			return refuse(a, w);
		lacks = missing(list, g);
		if (lacks != NULL)
			FAIL(ERR_ROLE,
			    PREFIX "%s is allowed here only together with " PREFIX
				   "%s_%s: what is one permission here takes %s",
			    text_safe(a, w), g->resource, lacks, needed_text(a, g));
	}
	return OK;
}

const char *
action_names(struct arena *a, unsigned perms)
{
	const char *out = "";

	for (const struct action_group *g = action_groups; g->perms != 0; g++)
		for (const char *const *v = g->needed; *v != NULL && (g->perms & ~perms) == 0; v++)
			out = arena_printf(a, "%s%s" PREFIX "%s_%s", out, *out == '\0' ? "" : " ",
			    g->resource, *v);
	return out;
}
