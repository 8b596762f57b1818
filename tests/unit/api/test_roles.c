/* SPDX-License-Identifier: Apache-2.0 */
/* Roles, their assignments, and what scope tags let through. */
#include "expect.h"
#include "fixture.h"

#define ROLES "/beta/deviceManagement/roleDefinitions"
#define ASSIGNMENTS "/beta/deviceManagement/roleAssignments"
#define PROFILES "/beta/deviceManagement/deviceConfigurations"
#define TAGS "/beta/deviceManagement/roleScopeTags"
#define READ_ONLY "fa1d7878-e8cb-41a1-8254-0ae9f2b5e7f5"
#define MANAGER "0bd113fe-6be5-400c-a28f-ae5553f9c0be"
#define ROOT_TYPE "#chancery.linuxTrustedRootCertificate"

#define EVERYTHING \
	"DeviceManagementRBAC.ReadWrite.All DeviceManagementConfiguration.ReadWrite.All " \
	"Directory.ReadWrite.All DeviceManagementManagedDevices.ReadWrite.All"

struct somebody {
	struct id id;
	const char *token;
};

/* An application without any permission of its own. */
static struct somebody
nobody(struct fixture *f)
{
	struct somebody x = { .id = id_new() };

	put_app(f, x.id, NULL, "");
	expect_ok(token_make(&f->api, f->a,
	    &(struct token_spec){ .app = true,
		.subject = x.id,
		.client = x.id,
		.name = "Test app",
		.permissions = "" },
	    &x.token));
	return x;
}

static int
status_of(
    struct fixture *f, const char *method, const char *path, const char *token, const char *body)
{
	auto_reply struct reply r = call(f, method, path, token, body);

	return r.status;
}

/* tags: "\"1\",\"2\"" or "". */
static const char *
assign(
    struct fixture *f, const char *token, const char *role, const char *members, const char *tags)
{
	return posted(f, ASSIGNMENTS, token,
	    arena_printf(f->a,
		"{\"displayName\":\"A\",\"members\":[%s],\"roleScopeTagIds\":[%s],"
		"\"roleDefinition@odata.bind\":\"https://x/beta/deviceManagement/"
		"roleDefinitions('%s')\"}",
		members, tags, role));
}

static const char *
quoted(struct fixture *f, struct id id)
{
	return arena_printf(f->a, "\"%s\"", id_text(f->a, id));
}

static const char *
tag(struct fixture *f, const char *token, const char *name)
{
	return posted(f, TAGS, token, arena_printf(f->a, "{\"displayName\":\"%s\"}", name));
}

static const char *
profile_body(struct fixture *f, const char *name, const char *tags)
{
	return arena_printf(f->a,
	    "{\"@odata.type\":\"" ROOT_TYPE "\",\"displayName\":\"%s\"%s%s%s,"
	    "\"trustedRootCertificate\":\"%s\",\"certFileName\":\"r.cer\"}",
	    name, tags == NULL ? "" : ",\"roleScopeTagIds\":[", tags == NULL ? "" : tags,
	    tags == NULL ? "" : "]", text_base64(f->a, f->ca_cert));
}

static int64_t
count(struct fixture *f, const char *token, const char *path)
{
	auto_reply struct reply r = call(f, "GET", path, token, NULL);

	assert_int_equal(r.status, 200);
	return (int64_t)json_count(json_get(r.json, "value"));
}

static void
the_built_in_roles_are_there_and_stay_as_they_are(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, EVERYTHING);
	auto_reply struct reply one = call(f, "GET", ROLES "/" READ_ONLY, token, NULL);

	assert_true(count(f, token, ROLES) == 7);
	assert_int_equal(one.status, 200);
	assert_string_equal(json_text(json_get(one.json, "displayName")), "Read Only Operator");
	assert_true(json_true(json_get(one.json, "isBuiltIn")));
	assert_int_equal(
	    status_of(f, "PATCH", ROLES "/" READ_ONLY, token, "{\"description\":\"x\"}"), 409);
	assert_int_equal(status_of(f, "DELETE", ROLES "/" READ_ONLY, token, NULL), 409);
	assert_int_equal(
	    status_of(f, "POST", ROLES, token, "{\"displayName\":\"read only operator\"}"), 409);
}

static void
a_role_gives_what_it_allows_and_ends_with_its_assignment(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, EVERYTHING);
	struct somebody who = nobody(f);

	assert_int_equal(status_of(f, "GET", "/v1.0/users", who.token, NULL), 403);

	const char *id = assign(f, token, READ_ONLY, quoted(f, who.id), "");

	assert_int_equal(status_of(f, "GET", "/v1.0/users", who.token, NULL), 200);
	assert_int_equal(status_of(f, "GET", PROFILES, who.token, NULL), 200);
	assert_int_equal(status_of(f, "POST", PROFILES, who.token, "{}"), 403);
	assert_int_equal(status_of(f, "POST", ROLES, who.token, "{}"), 403);
	assert_int_equal(
	    status_of(f, "DELETE", arena_printf(f->a, ASSIGNMENTS "/%s", id), token, NULL), 204);
	assert_int_equal(status_of(f, "GET", "/v1.0/users", who.token, NULL), 403);
}

static void
a_custom_role_is_a_list_of_permissions(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, EVERYTHING);
	struct somebody who = nobody(f);
	const char *role = posted(f, ROLES, token,
	    "{\"displayName\":\"Readers of groups\",\"rolePermissions\":[{\"resourceActions\":"
	    "[{\"allowedResourceActions\":[\"Group.Read.All\"],\"notAllowedResourceActions\":[]}]}]}");

	assign(f, token, role, quoted(f, who.id), "");
	assert_int_equal(status_of(f, "GET", "/v1.0/groups", who.token, NULL), 200);
	assert_int_equal(status_of(f, "GET", "/v1.0/users", who.token, NULL), 403);
	assert_int_equal(
	    status_of(f, "DELETE", arena_printf(f->a, ROLES "/%s", role), token, NULL), 409);
}

static const char *
action_role(struct fixture *f, const char *name, const char *actions)
{
	return arena_printf(f->a,
	    "{\"displayName\":\"%s\",\"rolePermissions\":[{\"resourceActions\":[{"
	    "\"allowedResourceActions\":[%s]}]}]}",
	    name, actions);
}

static void
names_of_microsoft_give_what_they_say_and_no_more(void **state)
{
#define MS "\"Microsoft.Intune_"
	static const struct {
		const char *actions, *opens, *closed;
	} rows[] = {
		{ MS "DeviceConfigurations_Read\"", PROFILES,
		    "/beta/deviceManagement/assignmentFilters" },
		{ MS "deviceconfigurations_read\"", "/chancery/v1/slots", "/v1.0/users" },
		{ MS "AssignmentFilter_Read\"", "/beta/deviceManagement/assignmentFilters",
		    PROFILES },
		{ MS "CertificateConnector_Read\"", "/beta/deviceManagement/ndesConnectors",
		    PROFILES },
		{ MS "ManagedDevices_Read\"," MS "ManagedDevices_ViewReports\"", "/v1.0/devices",
		    PROFILES },
		{ MS "Roles_Read\"", ROLES, "/chancery/v1/audit" },
		{ MS "Audit_Read\"", "/chancery/v1/audit", ROLES },
		{ MS "AuditData_Read\"", "/chancery/v1/audit", ROLES },
		{ MS "Organization_Read\"", "/v1.0/organization", "/v1.0/users" },
		{ MS "Organization_Read\",\"User.Read.All\"", "/v1.0/users", "/v1.0/groups" },
	};
	struct fixture *f = *state;
	const char *token = token_for(f, EVERYTHING);

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct somebody who = nobody(f);

		assign(f, token,
		    posted(f, ROLES, token,
			action_role(f, arena_printf(f->a, "r%zu", i), rows[i].actions)),
		    quoted(f, who.id), "");
		assert_int_equal(status_of(f, "GET", rows[i].opens, who.token, NULL), 200);
		assert_int_equal(status_of(f, "GET", rows[i].closed, who.token, NULL), 403);
		assert_int_equal(status_of(f, "POST", rows[i].opens, who.token, "{}") / 100, 4);
	}
}

static void
names_of_microsoft_that_are_one_permission_here_go_together(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, EVERYTHING);
	struct somebody who = nobody(f);
	const char *role = posted(f, ROLES, token,
	    action_role(f, "Profiles",
		MS "DeviceConfigurations_Read\"," MS "DeviceConfigurations_Create\"," MS
		   "DeviceConfigurations_Update\"," MS "DeviceConfigurations_Delete\"," MS
		   "DeviceConfigurations_Assign\""));
	auto_reply struct reply shown =
	    call(f, "GET", arena_printf(f->a, ROLES "/%s", role), token, NULL);

	assign(f, token, role, quoted(f, who.id), "");
	posted(f, PROFILES, who.token, profile_body(f, "P", NULL));
	assert_int_equal(
	    status_of(f, "POST", "/beta/deviceManagement/assignmentFilters", who.token, "{}"), 403);
	assert_non_null(
	    strstr(arena_cstr(f->a, shown.body), "Microsoft.Intune_DeviceConfigurations_Assign"));

	auto_reply struct reply mine =
	    call(f, "GET", "/beta/deviceManagement/getEffectivePermissions", who.token, NULL);

	assert_non_null(
	    strstr(arena_cstr(f->a, mine.body), "Microsoft.Intune_DeviceConfigurations_Delete"));
	assert_null(strstr(arena_cstr(f->a, mine.body), "Microsoft.Intune_AssignmentFilter"));
}

static void
who_may_wipe_by_microsofts_name_may_nothing_else_to_a_device(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, EVERYTHING);
	struct somebody wipes = nobody(f), retires = nobody(f);
	static const char one[] =
	    "/v1.0/deviceManagement/managedDevices/00000000-0000-4000-8000-000000000001";

	assign(f, token,
	    posted(f, ROLES, token,
		action_role(f, "Wipers", MS "ManagedDevices_Read\"," MS "RemoteTasks_Wipe\"")),
	    quoted(f, wipes.id), "");
	assign(f, token,
	    posted(f, ROLES, token,
		action_role(f, "Retirers",
		    MS "ManagedDevices_Read\"," MS "RemoteTasks_SyncDevice\"," MS
		       "RemoteTasks_Retire\"")),
	    quoted(f, retires.id), "");
	assert_int_equal(
	    status_of(f, "POST", arena_printf(f->a, "%s/wipe", one), wipes.token, NULL), 404);
	assert_int_equal(
	    status_of(f, "POST", arena_printf(f->a, "%s/retire", one), wipes.token, NULL), 403);
	assert_int_equal(
	    status_of(f, "POST", arena_printf(f->a, "%s/retire", one), retires.token, NULL), 404);
	assert_int_equal(
	    status_of(f, "POST", arena_printf(f->a, "%s/wipe", one), retires.token, NULL), 403);
}

static void
names_of_microsoft_that_cannot_be_kept_are_refused_and_why(void **state)
{
	static const struct {
		const char *actions, *says;
	} rows[] = {
		{ MS "DeviceConfigurations_Create\"",
		    "only together with Microsoft.Intune_DeviceConfigurations_Update" },
		{ MS "DeviceConfigurations_ViewReports\"",
		    "only together with Microsoft.Intune_DeviceConfigurations_Read" },
		{ MS "RemoteTasks_Retire\"", "RemoteTasks_SyncDevice" },
		{ MS "RemoteTasks_RebootNow\"", "nothing here" },
		{ MS "MobileApps_Read\"", "nothing here that Microsoft.Intune_MobileApps_Read" },
		{ MS "DeviceConfigurations_Raed\"", "nothing here" },
		{ MS "DeviceConfiguration_Read\"",
		    "did you mean Microsoft.Intune_DeviceConfigurations_Read?" },
		{ MS "\"", "no permission" },
		{ "\"Microsoft.Intune-Roles_Read\"", "no permission" },
	};
	struct fixture *f = *state;
	const char *token = token_for(f, EVERYTHING);

	for (size_t i = 0; i < COUNT(rows); i++) {
		auto_reply struct reply r =
		    call(f, "POST", ROLES, token, action_role(f, "x", rows[i].actions));

		if (r.status != 400 || strstr(error_message(&r), rows[i].says) == NULL)
			fail_msg("row %zu: %d %s", i, r.status, error_message(&r));
	}
}

static void
what_roles_cannot_allow_or_reach_is_refused_by_name(void **state)
{
	static const struct {
		const char *path, *body, *says;
	} rows[] = {
		{ ROLES,
		    "{\"displayName\":\"x\",\"rolePermissions\":[{\"resourceActions\":[{"
		    "\"allowedResourceActions\":[\"Group.Red.All\"]}]}]}",
		    "Group.Read.All" },
		{ ROLES,
		    "{\"displayName\":\"x\",\"rolePermissions\":[{\"resourceActions\":[{"
		    "\"allowedResourceActions\":[\"User.Read.All Group.ReadWrite.All\"]}]}]}",
		    "blank" },
		{ ROLES,
		    "{\"displayName\":\"x\",\"rolePermissions\":[{\"resourceActions\":[{"
		    "\"allowedResourceActions\":[],\"notAllowedResourceActions\":[\"User.Read.All\"]}]}]}",
		    "denied" },
		{ ROLES, "{\"displayName\":\"x\",\"rolePermissions\":7}", "list" },
		{ ROLES, "{}", "displayName" },
		{ ASSIGNMENTS, "{\"displayName\":\"x\"}", "roleDefinition@odata.bind" },
		{ ASSIGNMENTS,
		    "{\"displayName\":\"x\",\"roleDefinition@odata.bind\":"
		    "\"a/00000000-0000-4000-8000-000000000001\"}",
		    "no such role" },
		{ ASSIGNMENTS,
		    "{\"displayName\":\"x\",\"roleDefinition@odata.bind\":\"a/" READ_ONLY
		    "\",\"members\":[\"00000000-0000-4000-8000-000000000001\"]}",
		    "no group, user, application or administrator" },
		{ ASSIGNMENTS,
		    "{\"displayName\":\"x\",\"roleDefinition@odata.bind\":\"a/" READ_ONLY
		    "\",\"members\":[\"issuer:\"]}",
		    "issuer:NAME" },
		{ ASSIGNMENTS,
		    "{\"displayName\":\"x\",\"roleDefinition@odata.bind\":\"a/" READ_ONLY
		    "\",\"resourceScopes\":[\"g\"]}",
		    "name it in \"roleScopeTagIds\"" },
		{ ASSIGNMENTS,
		    "{\"displayName\":\"x\",\"roleDefinition@odata.bind\":\"a/" READ_ONLY
		    "\",\"roleScopeTagIds\":[\"777\"]}",
		    "777" },
	};
	struct fixture *f = *state;
	const char *token = token_for(f, EVERYTHING);

	for (size_t i = 0; i < COUNT(rows); i++) {
		auto_reply struct reply r = call(f, "POST", rows[i].path, token, rows[i].body);

		if (r.status != 400 || strstr(error_message(&r), rows[i].says) == NULL)
			fail_msg("row %zu: %d %s", i, r.status, error_message(&r));
	}
}

static void
a_role_with_scope_tags_shows_and_changes_only_what_has_them(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, EVERYTHING);
	const char *berlin = tag(f, token, "Berlin"), *paris = tag(f, token, "Paris");
	struct somebody who = nobody(f);
	const char *b = arena_printf(f->a, "\"%s\"", berlin);
	const char *mine =
	    arena_printf(f->a, PROFILES "/%s", posted(f, PROFILES, token, profile_body(f, "B", b)));
	const char *other = arena_printf(f->a, PROFILES "/%s",
	    posted(f, PROFILES, token, profile_body(f, "P", arena_printf(f->a, "\"%s\"", paris))));

	assign(f, token, MANAGER, quoted(f, who.id), b);
	assert_true(count(f, token, PROFILES) == 2);
	assert_true(count(f, who.token, PROFILES) == 1);

	auto_reply struct reply n = call(f, "GET", PROFILES "/$count", who.token, NULL);

	assert_true(str_eq_c(n.body, "1"));
	assert_int_equal(status_of(f, "GET", mine, who.token, NULL), 200);
	assert_int_equal(status_of(f, "GET", other, who.token, NULL), 404);
	assert_int_equal(status_of(f, "PATCH", other, who.token, "{\"displayName\":\"x\"}"), 404);
	assert_int_equal(status_of(f, "DELETE", other, who.token, NULL), 404);
	assert_int_equal(status_of(f, "POST", arena_printf(f->a, "%s/assign", other), who.token,
			     "{\"assignments\":[]}"),
	    404);
	assert_int_equal(status_of(f, "PATCH", mine, who.token,
			     "{\"@odata.type\":\"" ROOT_TYPE "\",\"description\":\"x\"}"),
	    200);
	/* Not out of one's own reach either. */
	assert_int_equal(
	    status_of(f, "PATCH", mine, who.token,
		arena_printf(f->a,
		    "{\"@odata.type\":\"" ROOT_TYPE "\",\"roleScopeTagIds\":[\"%s\"]}", paris)),
	    403);
	assert_int_equal(status_of(f, "PATCH", mine, who.token,
			     "{\"@odata.type\":\"" ROOT_TYPE "\",\"roleScopeTagIds\":[]}"),
	    403);
	assert_int_equal(status_of(f, "POST", PROFILES, who.token,
			     profile_body(f, "X", arena_printf(f->a, "\"%s\"", paris))),
	    403);
}

static void
what_a_limited_caller_makes_gets_its_own_tags(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, EVERYTHING);
	const char *rome = tag(f, token, "Rome");
	struct somebody who = nobody(f);

	assign(f, token, MANAGER, quoted(f, who.id), arena_printf(f->a, "\"%s\"", rome));

	auto_reply struct reply r =
	    call(f, "POST", PROFILES, who.token, profile_body(f, "R", NULL));

	assert_int_equal(r.status, 201);
	assert_string_equal(json_text(json_at(json_get(r.json, "roleScopeTagIds"), 0)), rome);
	assert_int_equal(json_count(json_get(r.json, "roleScopeTagIds")), 1);
	/* A tag that a role is limited to is in use. */
	assert_int_equal(
	    status_of(f, "DELETE", arena_printf(f->a, TAGS "/%s", rome), token, NULL), 400);
}

static bool
permission_of(const char *role, unsigned perm)
{
	for (const struct role_builtin *b = roles_builtin; b->name != NULL; b++)
		if (strcmp(b->id, role) == 0)
			return (perm_list_bits(b->permissions) & perm) != 0;
	return false;
}

/* Each route, with each built-in role to everything and limited to a tag that nothing has. */
static void
every_route_keeps_to_the_roles_of_the_table(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, EVERYTHING);
	const char *empty = arena_printf(f->a, "\"%s\"", tag(f, token, "Nothing has it"));
	size_t allowed = 0, denied = 0;

	f->api.rate_any = f->api.rate_write = 1000000;
	for (const struct role_builtin *b = roles_builtin; b->name != NULL; b++) {
		struct somebody whole = nobody(f), limited = nobody(f);

		assign(f, token, b->id, quoted(f, whole.id), "");
		assign(f, token, b->id, quoted(f, limited.id), empty);
		for (size_t i = 0; i < resource_count; i++) {
			for (const struct http_route *x = resource_table[i]->routes;
			     x->path != NULL; x++) {
				char *path = arena_strdup(f->a, x->path);
				const char *method = http_method_name(x->method);
				unsigned need = x->perm & ~PERM_SCOPED;
				bool may = permission_of(b->id, need) || need == PERM_SIGNED_IN;
				bool part = may &&
				    ((x->perm & PERM_SCOPED) != 0 || need == PERM_SIGNED_IN ||
					permission_of(b->id, need & PERM_UNTAGGED));

				if (need == PERM_PUBLIC)
					continue;
				for (char *p = path; *p != '\0'; p++)
					if (*p == '{' || *p == '}' || *p == '*')
						*p = 'x';

				int a = status_of(f, method, path, whole.token, NULL);
				int s = status_of(f, method, path, limited.token, NULL);

				if ((a == 403) == may || a == 401)
					fail_msg("%s %s as %s: %d", method, path, b->name, a);
				if ((s == 403) == part || s == 401)
					fail_msg(
					    "%s %s as %s, limited: %d", method, path, b->name, s);
				allowed += may;
				denied += !may;
			}
		}
	}
	assert_true(allowed > 300);
	assert_true(denied > 300);
}

static void
only_who_manages_roles_changes_groups_that_have_one(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, EVERYTHING);
	const char *directory = token_for(f, "Directory.ReadWrite.All");
	const char *user = posted(f, "/v1.0/users", directory,
	    "{\"displayName\":\"Eve\",\"userPrincipalName\":\"eve@x.test\",\"accountEnabled\":true,"
	    "\"mailNickname\":\"eve\"}");
	const char *group = posted(f, "/v1.0/groups", directory,
	    "{\"displayName\":\"Admins\",\"mailEnabled\":false,\"securityEnabled\":true,"
	    "\"mailNickname\":\"admins\"}");
	const char *inner = posted(f, "/v1.0/groups", directory,
	    "{\"displayName\":\"Inner\",\"mailEnabled\":false,\"securityEnabled\":true,"
	    "\"mailNickname\":\"inner\"}");
	const char *ref =
	    arena_printf(f->a, "{\"@odata.id\":\"https://x/v1.0/directoryObjects/%s\"}", user);
	const char *add = arena_printf(f->a, "/v1.0/groups/%s/members/$ref", group);
	const char *below = arena_printf(f->a, "/v1.0/groups/%s/members/$ref", inner);

	assert_int_equal(status_of(f, "POST", add, directory,
			     arena_printf(f->a,
				 "{\"@odata.id\":\"https://x/v1.0/directoryObjects/%s\"}", inner)),
	    204);
	assign(f, token, READ_ONLY, arena_printf(f->a, "\"%s\"", group), "");
	assert_int_equal(status_of(f, "POST", add, directory, ref), 403);
	assert_int_equal(status_of(f, "POST", below, directory, ref), 403);
	assert_int_equal(
	    status_of(f, "PATCH", arena_printf(f->a, "/v1.0/groups/%s", group), directory,
		arena_printf(f->a,
		    "{\"members@odata.bind\":[\"https://x/v1.0/directoryObjects/%s\"]}", user)),
	    403);
	assert_int_equal(
	    status_of(f, "POST", "/chancery/v1/groups/import", directory,
		"{\"rows\":[{\"line\":1,\"displayName\":\"Admins\",\"members\":[\"eve@x.test\"]}]}"),
	    400);
	assert_int_equal(status_of(f, "POST", add, token, ref), 204);
	/* Who has a role by the group cannot be given another name. */
	assert_int_equal(status_of(f, "PATCH", arena_printf(f->a, "/v1.0/users/%s", user),
			     directory, "{\"userPrincipalName\":\"mallory@x.test\"}"),
	    403);
	assert_int_equal(status_of(f, "PATCH", arena_printf(f->a, "/v1.0/users/%s", user),
			     directory, "{\"jobTitle\":\"x\"}"),
	    204);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_built_in_roles_are_there_and_stay_as_they_are),
		TEST(a_role_gives_what_it_allows_and_ends_with_its_assignment),
		TEST(a_custom_role_is_a_list_of_permissions),
		TEST(names_of_microsoft_give_what_they_say_and_no_more),
		TEST(names_of_microsoft_that_are_one_permission_here_go_together),
		TEST(names_of_microsoft_that_cannot_be_kept_are_refused_and_why),
		TEST(who_may_wipe_by_microsofts_name_may_nothing_else_to_a_device),
		TEST(what_roles_cannot_allow_or_reach_is_refused_by_name),
		TEST(a_role_with_scope_tags_shows_and_changes_only_what_has_them),
		TEST(what_a_limited_caller_makes_gets_its_own_tags),
		TEST(every_route_keeps_to_the_roles_of_the_table),
		TEST(only_who_manages_roles_changes_groups_that_have_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
