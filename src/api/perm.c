/* SPDX-License-Identifier: Apache-2.0 */
#include "api/perm.h"

#include "api/action.h"
#include "base/limits.h"

#define READ_DIRECTORY (PERM_USERS_READ | PERM_GROUPS_READ | PERM_MEMBERS_READ)
#define READ_CONFIG (PERM_CONFIG_READ | PERM_FILTERS_READ | PERM_CONNECTORS_READ | PERM_AUDIT_READ)
#define WRITE_CONFIG (READ_CONFIG | PERM_CONFIG_WRITE | PERM_FILTERS_WRITE | PERM_CONNECTORS_WRITE)
#define WRITE_DIRECTORY (READ_DIRECTORY | PERM_USERS_WRITE | PERM_GROUPS_WRITE | PERM_MEMBERS_WRITE)

const struct perm_name perm_names[] = {
	{ "User.Read.All", PERM_USERS_READ, "Read users." },
	{ "User.ReadWrite.All", PERM_USERS_READ | PERM_USERS_WRITE, "Read and change users." },
	{ "Group.Read.All", PERM_GROUPS_READ | PERM_MEMBERS_READ, "Read groups and members." },
	{ "Group.ReadWrite.All",
	    PERM_GROUPS_READ | PERM_GROUPS_WRITE | PERM_MEMBERS_READ | PERM_MEMBERS_WRITE,
	    "Read and change groups and members." },
	{ "GroupMember.Read.All", PERM_MEMBERS_READ, "Read members of groups." },
	{ "GroupMember.ReadWrite.All", PERM_MEMBERS_READ | PERM_MEMBERS_WRITE,
	    "Read and change members of groups." },
	{ "Directory.Read.All", READ_DIRECTORY | PERM_ORGANIZATION_READ,
	    "Read users, groups and members." },
	{ "Directory.ReadWrite.All", WRITE_DIRECTORY | PERM_ORGANIZATION_READ,
	    "Read and change users, groups and members." },
	{ "Organization.Read.All", PERM_ORGANIZATION_READ, "Read facts about the organisation." },
	{ "DeviceManagementManagedDevices.Read.All", PERM_DEVICES_READ, "Read managed devices." },
	{ "DeviceManagementManagedDevices.ReadWrite.All", PERM_DEVICES_READ | PERM_DEVICES_WRITE,
	    "Read and change managed devices." },
	{ "DeviceManagementManagedDevices.PrivilegedOperations.All",
	    PERM_DEVICES_ACT | PERM_DEVICES_WIPE, "Retire and wipe devices, make them check in." },
	{ "DeviceManagementConfiguration.Read.All", READ_CONFIG,
	    "Read profiles, their state, connectors and the audit." },
	{ "DeviceManagementConfiguration.ReadWrite.All", WRITE_CONFIG,
	    "Change and assign profiles, change connectors." },
	{ "DeviceManagementServiceConfig.Read.All", PERM_ENROL_READ | PERM_SETTINGS_READ,
	    "Read enrolment codes and notifications." },
	{ "DeviceManagementServiceConfig.ReadWrite.All",
	    PERM_ENROL_READ | PERM_ENROL_WRITE | PERM_SETTINGS_READ | PERM_SETTINGS_WRITE,
	    "Make and withdraw enrolment codes, change notifications." },
	{ "DeviceManagementRBAC.Read.All", PERM_RBAC_READ, "Read roles and their assignments." },
	{ "DeviceManagementRBAC.ReadWrite.All", PERM_RBAC_READ | PERM_RBAC_WRITE,
	    "Change roles and assign them: who has it can give every permission." },
	{ "DeviceManagementApps.Read.All", PERM_AUDIT_READ, "Read the audit." },
	{ "Chancery.Metrics.Read", PERM_METRICS_READ, "Read the metrics." },
	{ "Chancery.ScepChallenge.Validate", PERM_SCEP_VALIDATE,
	    "Ask what SCEP challenges stand for, and tell what became of them: for SCEP servers." },
	{ NULL, 0, NULL },
};

unsigned
perm_bits(struct str name)
{
	for (const struct perm_name *p = perm_names; p->name != NULL; p++)
		if (str_ieq_c(name, p->name))
			return p->grants;
	return 0;
}

/* The next word of a blank-separated list; empty: the list is over. */
static struct str
next_word(struct str *list)
{
	while (list->n > 0) {
		struct str word = str_cut(list, ' ');

		if (word.n > 0)
			return word;
	}
	return STR_EMPTY;
}

unsigned
perm_list_bits(const char *list)
{
	struct str rest = str_c(list);
	unsigned bits = 0;

	for (struct str w = next_word(&rest); w.n > 0; w = next_word(&rest))
		bits |= perm_bits(w);
	return bits;
}

err_t
perm_list_check(struct arena *a, const char *list)
{
	struct str rest = str_c(list);

	for (struct str w = next_word(&rest); w.n > 0; w = next_word(&rest)) {
		const char *near = NULL;
		size_t best = 9;
		const char *text = text_safe(a, w);

		if (perm_bits(w) != 0)
			continue;
		for (const struct perm_name *p = perm_names; p->name != NULL; p++) {
			size_t d = text_distance(text, p->name, best - 1);

			if (d < best) {
				best = d;
				near = p->name;
			}
		}
		if (near != NULL)
			FAIL(ERR_BAD_REQUEST, "there is no permission '%s'; did you mean '%s'?",
			    text, near);
		FAIL(ERR_BAD_REQUEST, "there is no permission '%s'", text);
	}
	return OK;
}

unsigned
perm_of_claims(const json *claims)
{
	unsigned bits = PERM_SIGNED_IN;

	if (strcmp(json_text(json_get(claims, "idtyp")), "app") != 0) {
		const char *scp = json_text(json_get(claims, "scp"));

		return bits | perm_list_bits(scp) | action_list_bits(scp);
	}

	const json *roles = json_get(claims, "roles");

	for (size_t i = 0; i < json_count(roles) && json_is_array(roles); i++)
		bits |= perm_bits(str_c(json_text(json_at(roles, i))));
	return bits;
}

const char *
perm_list_within(struct arena *a, const char *list, unsigned within)
{
	struct str rest = str_c(list);
	const char *out = "";

	for (struct str w = next_word(&rest); w.n > 0; w = next_word(&rest)) {
		unsigned bits = perm_bits(w);

		if (bits == 0 || (bits & ~within) != 0)
			continue;
		out = arena_printf(
		    a, "%s%s%.*s", out, *out == '\0' ? "" : " ", (int)w.n, (const char *)w.p);
	}
	return out;
}

const char *
perm_describe(struct arena *a, unsigned need)
{
	const char *out = "";

	for (const struct perm_name *p = perm_names; p->name != NULL; p++)
		if ((p->grants & need) != 0)
			out = arena_printf(a, "%s%s%s", out, *out == '\0' ? "" : " or ", p->name);
	return out;
}
