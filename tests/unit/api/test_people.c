/* SPDX-License-Identifier: Apache-2.0 */
/* Groups within groups, on-premises attributes, who owns a record, and import. */
#include "expect.h"
#include "fixture.h"

#include "store/device.h"

#define ALL "User.ReadWrite.All Group.ReadWrite.All DeviceManagementManagedDevices.ReadWrite.All"
#define TEXT(j, name) json_text(json_get(j, name))

static const char *
made(struct fixture *f, const char *path, const char *body)
{
	auto_reply struct reply r = call(f, "POST", path, token_for(f, ALL), body);

	if (r.status != 201)
		fail_msg("%s: %s", body, error_message(&r));
	return arena_strdup(f->a, TEXT(r.json, "id"));
}

static const char *
user(struct fixture *f, const char *upn)
{
	return made(f, "/v1.0/users",
	    arena_printf(f->a, "{\"displayName\":\"U\",\"userPrincipalName\":\"%s\"}", upn));
}

static const char *
group(struct fixture *f, const char *name)
{
	return made(f, "/v1.0/groups", arena_printf(f->a, "{\"displayName\":\"%s\"}", name));
}

static int
add(struct fixture *f, const char *into, const char *member)
{
	auto_reply struct reply r = call(f, "POST",
	    arena_printf(f->a, "/v1.0/groups/%s/members/$ref", into), token_for(f, ALL),
	    arena_printf(f->a, "{\"@odata.id\":\"https://x/v1.0/directoryObjects/%s\"}", member));

	return r.status;
}

static size_t
listed(struct fixture *f, const char *path)
{
	auto_reply struct reply r = call(f, "GET", path, token_for(f, ALL), NULL);

	if (r.status != 200)
		fail_msg("%s: %d %s", path, r.status, error_message(&r));
	return json_count(json_get(r.json, "value"));
}

static void
members_of_groups_within_groups_are_found_both_ways(void **state)
{
	struct fixture *f = *state;
	const char *ada = user(f, "ada@x.test"), *in = group(f, "In"), *mid = group(f, "Mid"),
		   *out = group(f, "Out");

	assert_int_equal(add(f, in, ada), 204);
	assert_int_equal(add(f, mid, in), 204);
	assert_int_equal(add(f, out, mid), 204);
	assert_int_equal(listed(f, arena_printf(f->a, "/v1.0/users/%s/memberOf", ada)), 1);
	assert_int_equal(listed(f, "/v1.0/users/ada@x.test/transitiveMemberOf"), 3);
	assert_int_equal(listed(f, arena_printf(f->a, "/v1.0/groups/%s/members", out)), 1);
	assert_int_equal(
	    listed(f, arena_printf(f->a, "/v1.0/groups/%s/transitiveMembers", out)), 3);
	assert_int_equal(
	    listed(f,
		arena_printf(f->a, "/v1.0/groups/%s/transitiveMembers/microsoft.graph.user", out)),
	    1);
	assert_int_equal(
	    listed(f, arena_printf(f->a, "/beta/groups/%s/members/microsoft.graph.user", out)), 0);

	auto_reply struct reply check =
	    call(f, "POST", arena_printf(f->a, "/v1.0/users/%s/checkMemberGroups", ada),
		token_for(f, ALL), arena_printf(f->a, "{\"groupIds\":[\"%s\",\"%s\"]}", out, ada));
	auto_reply struct reply all =
	    call(f, "POST", arena_printf(f->a, "/v1.0/directoryObjects/%s/getMemberGroups", ada),
		token_for(f, ALL), "{\"securityEnabledOnly\":false}");

	assert_int_equal(check.status, 200);
	assert_int_equal(json_count(json_get(check.json, "value")), 1);
	assert_int_equal(json_count(json_get(all.json, "value")), 3);
}

static void
a_circle_of_groups_is_refused(void **state)
{
	struct fixture *f = *state;
	const char *a = group(f, "A"), *b = group(f, "B"), *c = group(f, "C");

	assert_int_equal(add(f, a, b), 204);
	assert_int_equal(add(f, b, c), 204);
	assert_int_equal(add(f, c, a), 400);
	assert_int_equal(add(f, a, a), 400);
	assert_int_equal(add(f, a, c), 204); /* two ways are no circle */
}

static void
members_may_come_with_the_group_and_be_shown_with_it(void **state)
{
	struct fixture *f = *state;
	const char *ada = user(f, "ada@x.test");
	const char *g = made(f, "/v1.0/groups",
	    arena_printf(f->a,
		"{\"displayName\":\"G\",\"members@odata.bind\":["
		"\"https://x/v1.0/users/%s\"]}",
		ada));
	auto_reply struct reply shown = call(f, "GET",
	    arena_printf(f->a, "/v1.0/groups/%s?$expand=members&$select=displayName", g),
	    token_for(f, ALL), NULL);
	auto_reply struct reply nested =
	    call(f, "GET", "/v1.0/groups?$expand=members($select=id)", token_for(f, ALL), NULL);
	auto_reply struct reply bad = call(f, "POST", "/v1.0/groups", token_for(f, ALL),
	    arena_printf(f->a,
		"{\"displayName\":\"H\",\"members@odata.bind\":[\"https://x/users/%s\"]}", g + 0));

	assert_int_equal(shown.status, 200);
	assert_int_equal(json_count(json_get(shown.json, "members")), 1);
	assert_null(json_get(shown.json, "description"));
	assert_int_equal(nested.status, 400);
	assert_int_equal(bad.status, 201); /* a group within a group */
	assert_int_equal(listed(f, "/v1.0/groups?$filter=displayName%20eq%20'H'"), 1);
}

static void
on_premises_attributes_are_kept_and_checked(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, ALL);
	const char *id = made(f, "/v1.0/users",
	    "{\"displayName\":\"U\",\"userPrincipalName\":\"u@x.test\","
	    "\"onPremisesSecurityIdentifier\":\"S-1-5-21-1-2-3-1104\",\"onPremisesImmutableId\":\"k1\","
	    "\"onPremisesUserPrincipalName\":\"u@corp.local\",\"onPremisesDomainName\":\"corp.local\","
	    "\"securityIdentifier\":\"S-1-12-1-5-6-7-8\",\"officeLocation\":\"B2\"}");
	auto_reply struct reply got =
	    call(f, "GET", arena_printf(f->a, "/v1.0/users/%s", id), token, NULL);
	auto_reply struct reply sid = call(f, "PATCH", arena_printf(f->a, "/v1.0/users/%s", id),
	    token, "{\"onPremisesSecurityIdentifier\":\"S-1-5-21-x\"}");
	auto_reply struct reply key = call(f, "POST", "/v1.0/users", token,
	    "{\"displayName\":\"V\",\"userPrincipalName\":\"v@x.test\",\"onPremisesImmutableId\":\"k1\"}");

	assert_string_equal(TEXT(got.json, "onPremisesDomainName"), "corp.local");
	assert_string_equal(TEXT(got.json, "officeLocation"), "B2");
	assert_string_equal(TEXT(got.json, "@chancery.source"), "cloud");
	assert_false(json_true(json_get(got.json, "onPremisesSyncEnabled")));
	assert_int_equal(sid.status, 400);
	assert_non_null(strstr(error_message(&sid), "onPremisesSecurityIdentifier"));
	assert_int_equal(key.status, 409);
	assert_non_null(strstr(error_message(&key), "k1"));
}

static err_t
put_owned(struct tx *tx, void *arg)
{
	struct id *ids = arg;
	struct user u = { .id = ids[0],
		.upn = "synced@x.test",
		.display_name = "S",
		.source = SOURCE_DIRECTORY,
		.enabled = true };
	struct group g = { .id = ids[1], .display_name = "SG", .source = SOURCE_DIRECTORY };

	TRY(store_user_insert(tx, &u));
	return store_group_insert(tx, &g);
}

static void
what_a_directory_elsewhere_keeps_is_not_changed_here(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, ALL);
	struct id ids[2] = { id_new(), id_new() };
	const char *u = arena_printf(f->a, "/v1.0/users/%s", id_text(f->a, ids[0]));
	const char *g = arena_printf(f->a, "/v1.0/groups/%s", id_text(f->a, ids[1]));

	expect_ok(store_write(f->store, put_owned, ids));

	auto_reply struct reply patch = call(f, "PATCH", u, token, "{\"displayName\":\"X\"}");
	auto_reply struct reply del = call(f, "DELETE", u, token, NULL);
	auto_reply struct reply group_patch = call(f, "PATCH", g, token, "{\"displayName\":\"X\"}");
	auto_reply struct reply group_del = call(f, "DELETE", g, token, NULL);
	auto_reply struct reply got = call(f, "GET", u, token, NULL);

	assert_int_equal(patch.status, 409);
	assert_string_equal(fault_id(&patch), "record-owned");
	assert_int_equal(del.status, 409);
	assert_int_equal(group_patch.status, 409);
	assert_int_equal(group_del.status, 409);
	assert_int_equal(add(f, id_text(f->a, ids[1]), id_text(f->a, ids[0])), 409);
	assert_string_equal(TEXT(got.json, "displayName"), "S");
	assert_true(json_true(json_get(got.json, "onPremisesSyncEnabled")));
}

static struct reply
import(struct fixture *f, const char *set, bool dry, const char *rows)
{
	return call(f, "POST", arena_printf(f->a, "/chancery/v1/%s/import", set), token_for(f, ALL),
	    arena_printf(f->a, "{\"dryRun\":%s,\"rows\":[%s]}", dry ? "true" : "false", rows));
}

static void
expect_counts(const struct reply *r, int created, int updated, int unchanged, int errors)
{
	assert_int_equal(r->status, 200);
	assert_int_equal(json_int(json_get(r->json, "created")), created);
	assert_int_equal(json_int(json_get(r->json, "updated")), updated);
	assert_int_equal(json_int(json_get(r->json, "unchanged")), unchanged);
	assert_int_equal(json_int(json_get(r->json, "errorCount")), errors);
}

#define ADA \
	"{\"line\":2,\"userPrincipalName\":\"ada@x.test\",\"displayName\":\"Ada\"," \
	"\"onPremisesImmutableId\":\"k1\"}"
#define BOB "{\"line\":3,\"userPrincipalName\":\"bob@x.test\",\"displayName\":\"Bob\"}"

static void
an_import_is_the_same_however_often_it_is_made(void **state)
{
	struct fixture *f = *state;
	auto_reply struct reply dry = import(f, "users", true, ADA "," BOB);
	size_t after_dry = listed(f, "/v1.0/users");
	auto_reply struct reply first = import(f, "users", false, ADA "," BOB);
	auto_reply struct reply again = import(f, "users", false, ADA "," BOB);
	auto_reply struct reply renamed = import(f, "users", false,
	    "{\"userPrincipalName\":\"ada.l@x.test\",\"onPremisesImmutableId\":\"k1\"}");

	expect_counts(&dry, 2, 0, 0, 0);
	assert_false(json_true(json_get(dry.json, "applied")));
	assert_int_equal(after_dry, 0);
	expect_counts(&first, 2, 0, 0, 0);
	assert_true(json_true(json_get(first.json, "applied")));
	expect_counts(&again, 0, 0, 2, 0);
	expect_counts(&renamed, 0, 1, 0, 0);
	assert_int_equal(listed(f, "/v1.0/users"), 2);

	auto_reply struct reply ada =
	    call(f, "GET", "/v1.0/users/ada.l@x.test", token_for(f, ALL), NULL);

	assert_string_equal(TEXT(ada.json, "displayName"), "Ada");
	assert_string_equal(TEXT(ada.json, "@chancery.source"), "file");
}

static void
an_import_with_one_bad_line_changes_nothing_and_names_it(void **state)
{
	struct fixture *f = *state;
	const char *rows =
	    ADA ",{\"line\":3,\"userPrincipalName\":\"nobody\",\"displayName\":\"N\"},"
		"{\"line\":4,\"userPrincipalName\":\"c@x.test\",\"colour\":\"red\"}";
	auto_reply struct reply dry = import(f, "users", true, rows);
	auto_reply struct reply bad = import(f, "users", false, rows);
	const json *errors = json_get(dry.json, "errors");

	expect_counts(&dry, 1, 0, 0, 2);
	assert_int_equal(json_int(json_get(json_at(errors, 0), "line")), 3);
	assert_int_equal(json_int(json_get(json_at(errors, 1), "line")), 4);
	assert_non_null(strstr(TEXT(json_at(errors, 1), "message"), "colour"));
	assert_int_equal(bad.status, 400);
	assert_string_equal(fault_id(&bad), "import");
	assert_non_null(strstr(error_message(&bad), "line 3"));
	assert_int_equal(listed(f, "/v1.0/users"), 0);
}

static void
groups_are_imported_with_members_of_every_kind(void **state)
{
	struct fixture *f = *state;
	const char *rows =
	    "{\"line\":2,\"displayName\":\"All\",\"members\":[\"ada@x.test\",\"Some\"]}";
	const char *some = "{\"line\":1,\"displayName\":\"Some\",\"members\":[]},";
	auto_reply struct reply users = import(f, "users", false, ADA);
	auto_reply struct reply missing = import(f, "groups", true, rows);
	auto_reply struct reply first =
	    import(f, "groups", false, arena_printf(f->a, "%s%s", some, rows));
	auto_reply struct reply again =
	    import(f, "groups", false, arena_printf(f->a, "%s%s", some, rows));

	expect_counts(&users, 1, 0, 0, 0);
	expect_counts(&missing, 0, 0, 0, 1);
	expect_counts(&first, 2, 0, 0, 0);
	expect_counts(&again, 0, 0, 2, 0);
	assert_int_equal(listed(f, "/v1.0/users/ada@x.test/memberOf"), 1);
}

static err_t
put_device(struct tx *tx, void *arg)
{
	struct id *id = arg;

	return store_device_insert(tx,
	    &(struct device){ .id = *id,
		.name = "l1",
		.serial = "SN1",
		.platform = "linux",
		.state = DEVICE_ACTIVE });
}

static void
facts_of_devices_are_set_and_imported(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, ALL), *path, *ada = user(f, "ada@x.test");
	struct id id = id_new();

	expect_ok(store_write(f->store, put_device, &id));
	path = arena_printf(f->a, "/beta/deviceManagement/managedDevices/%s", id_text(f->a, id));

	auto_reply struct reply patch = call(f, "PATCH", path, token,
	    "{\"ownerType\":\"Personal\",\"notes\":\"n\",\"deviceCategoryDisplayName\":\"Sales\"}");
	auto_reply struct reply tag =
	    call(f, "PATCH", path, token, "{\"roleScopeTagIds\":[\"0\",\"77\"]}");
	auto_reply struct reply imported = import(f, "devices", false,
	    "{\"serialNumber\":\"SN1\",\"userPrincipalName\":\"ada@x.test\","
	    "\"onPremisesSecurityIdentifier\":\"S-1-5-21-9-9-9-9\"}");
	auto_reply struct reply unknown =
	    import(f, "devices", true, "{\"line\":7,\"serialNumber\":\"SN2\"}");
	auto_reply struct reply none =
	    call(f, "DELETE", arena_printf(f->a, "%s/users/$ref", path), token, NULL);
	auto_reply struct reply ref = call(f, "POST", arena_printf(f->a, "%s/users/$ref", path),
	    token, arena_printf(f->a, "{\"@odata.id\":\"https://x/beta/users('%s')\"}", ada));
	auto_reply struct reply got = call(f, "GET", path, token, NULL);

	assert_int_equal(patch.status, 200);
	assert_string_equal(TEXT(patch.json, "ownerType"), "personal");
	assert_int_equal(tag.status, 400);
	expect_counts(&imported, 0, 1, 0, 0);
	expect_counts(&unknown, 0, 0, 0, 1);
	assert_int_equal(none.status, 204);
	assert_int_equal(ref.status, 204);
	assert_string_equal(TEXT(got.json, "userPrincipalName"), "ada@x.test");
	assert_string_equal(TEXT(got.json, "deviceCategoryDisplayName"), "Sales");
	assert_string_equal(TEXT(got.json, "onPremisesSecurityIdentifier"), "S-1-5-21-9-9-9-9");
	assert_int_equal(listed(f, "/v1.0/users/ada@x.test/managedDevices"), 1);
	assert_int_equal(listed(f, "/v1.0/devices?$filter=displayName%20eq%20'L1'"), 1);

	auto_reply struct reply keyed = call(f, "GET",
	    arena_printf(f->a, "/v1.0/devices(deviceId='%s')?$select=onPremisesSecurityIdentifier",
		id_text(f->a, id)),
	    token, NULL);

	assert_int_equal(keyed.status, 200);
	assert_string_equal(TEXT(keyed.json, "onPremisesSecurityIdentifier"), "S-1-5-21-9-9-9-9");
	assert_int_equal(listed(f, "/beta/deviceManagement/managedDevices?$search=%22SN1%22"), 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(members_of_groups_within_groups_are_found_both_ways),
		T(a_circle_of_groups_is_refused),
		T(members_may_come_with_the_group_and_be_shown_with_it),
		T(on_premises_attributes_are_kept_and_checked),
		T(what_a_directory_elsewhere_keeps_is_not_changed_here),
		T(an_import_is_the_same_however_often_it_is_made),
		T(an_import_with_one_bad_line_changes_nothing_and_names_it),
		T(groups_are_imported_with_members_of_every_kind),
		T(facts_of_devices_are_set_and_imported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
