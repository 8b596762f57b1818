/* SPDX-License-Identifier: Apache-2.0 */
#include "api/schema.h"

#include "model/profile.h"

static const struct navigation of_user[] = { { "memberOf", "directoryObject", true, false, false },
	{ "transitiveMemberOf", "directoryObject", true, false, false },
	{ "managedDevices", "managedDevice", true, true, false }, { 0 } };
static const struct navigation of_group[] = { { "members", "directoryObject", true, false, false },
	{ "transitiveMembers", "directoryObject", true, false, false },
	{ "memberOf", "directoryObject", true, false, false }, { 0 } };
static const struct navigation of_device[] = { { "users", "user", true, false, false },
	{ "deviceConfigurationStates", "entity", true, true, false }, { 0 } };
static const struct navigation of_profile[] = {
	{ "assignments", "deviceConfigurationAssignment", true, true, false },
	{ "groupAssignments", "deviceConfigurationGroupAssignment", true, true, false },
	{ "deviceStatuses", "deviceConfigurationDeviceStatus", true, true, false },
	{ "deviceStatusOverview", "deviceConfigurationDeviceOverview", false, true, false }, { 0 }
};
static const struct navigation of_access[] = {
	{ "assignments", "deviceManagementResourceAccessProfileAssignment", true, true, false },
	{ 0 }
};
static const struct navigation of_management[] = { { "deviceConfigurations", "deviceConfiguration",
						       true, true, false },
	{ "resourceAccessProfiles", "deviceManagementResourceAccessProfileBase", true, true,
	    false },
	{ "managedDevices", "managedDevice", true, true, false },
	{ "assignmentFilters", "deviceAndAppManagementAssignmentFilter", true, true, false },
	{ "roleScopeTags", "roleScopeTag", true, true, false },
	{ "ndesConnectors", "ndesConnector", true, true, false }, { 0 } };
static const struct navigation none[] = { { 0 } };

static const char *const profile_actions[] = { "assign", NULL };
static const char *const device_actions[] = { "retire", "syncDevice", "wipe", NULL };

const struct entity_kind entity_kinds[] = {
	{ "users", "user", of_user, NULL },
	{ "groups", "group", of_group, NULL },
	{ "deviceManagement/deviceConfigurations", "deviceConfiguration", of_profile,
	    profile_actions },
	{ "deviceManagement/resourceAccessProfiles", "deviceManagementResourceAccessProfileBase",
	    of_access, profile_actions },
	{ "deviceManagement/managedDevices", "managedDevice", of_device, device_actions },
	{ "deviceManagement/assignmentFilters", "deviceAndAppManagementAssignmentFilter", none,
	    NULL },
	{ "deviceManagement/roleScopeTags", "roleScopeTag", none, NULL },
	{ "deviceManagement/ndesConnectors", "ndesConnector", none, NULL },
	{ "deviceManagement", "deviceManagement", of_management, NULL },
	{ 0 },
};

const struct entity_kind *
entity_kind_of(const char *set)
{
	for (const struct entity_kind *k = entity_kinds; k->set != NULL; k++)
		if (strcmp(k->set, set) == 0)
			return k;
	return NULL;
}

const struct navigation *
entity_links(const char *type)
{
	for (const struct entity_kind *k = entity_kinds; k->set != NULL; k++)
		if (strcmp(k->type, type) == 0)
			return k->links;
	return NULL;
}

const struct navigation *
profile_links(struct arena *a, const struct profile_type *t)
{
	struct navigation *v;
	size_t n = 0;

	for (const struct reference *r = t->kind->refs; r != NULL && r->name != NULL; r++)
		n++;
	v = arena_array(a, n + 2, sizeof(*v));
	n = 0;
	if (t->root != ROOT_NONE && t->set == SET_CONFIGURATIONS)
		v[n++] = (struct navigation){ "rootCertificate", "deviceConfiguration", false,
			false, true };
	for (const struct reference *r = t->kind->refs; r != NULL && r->name != NULL; r++)
		if ((r->only & t->only) != 0)
			v[n++] = (struct navigation){ r->name, "deviceConfiguration", r->many,
				false, true };
	v[n] = (struct navigation){ 0 };
	return v;
}

const char *
schema_type_name(const struct field *f)
{
	static const struct {
		const char *property;
		size_t members; /* 0: of any number */
		const char *type;
	} names[] = {
		{ "certificateAccessType", 0, "androidDeviceOwnerCertificateAccessType" },
		{ "certificationAuthorityType", 0, "deviceManagementCertificationAuthority" },
		{ "customSubjectAlternativeNames", 0, "customSubjectAlternativeName" },
		{ "deploymentChannel", 0, "appleDeploymentChannel" },
		{ "destinationStore", 0, "certificateDestinationStore" },
		{ "deviceMode", 0, "windows10DeviceModeType" },
		{ "extendedKeyUsages", 0, "extendedKeyUsage" },
		{ "filterType", 0, "filterAssociationType" },
		{ "hashAlgorithm", 0, "hashAlgorithms" },
		{ "keyStorageProvider", 0, "keyStorageProviderOption" },
		{ "keyUsage", 0, "keyUsages" }, { "platform", 0, "devicePlatformType" },
		{ "ruleType", 0, "deviceManagementApplicabilityRuleType" },
		{ "sanType", 0, "subjectAlternativeNameType" },
		{ "serverApplicabilityRules", 0, "osVersionApplicabilityRule" },
		{ "subjectAlternativeNameFormats", 0, "windows10XCustomSubjectAlternativeName" },
		{ "silentCertificateAccessDetails", 0,
		    "androidDeviceOwnerSilentCertificateAccess" },
		{ "subjectNameFormat", 6, "appleSubjectNameFormat" }, /* Apple has fewer of them */
	};
	size_t n = 0;

	while (f->members != NULL && f->members[n].name != NULL)
		n++;
	for (size_t i = 0; i < COUNT(names); i++)
		if (strcmp(names[i].property, f->name) == 0 &&
		    (names[i].members == 0 || names[i].members == n))
			return names[i].type;
	return f->name;
}
