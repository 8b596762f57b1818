/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"
#include "fixture.h"

#define ALL "User.ReadWrite.All Group.ReadWrite.All DeviceManagementConfiguration.Read.All"

static const char *
make_user(struct fixture *f, const char *upn)
{
	auto_reply struct reply r = call(f, "POST", "/v1.0/users", token_for(f, ALL),
	    arena_printf(f->a,
		"{\"displayName\":\"U\",\"userPrincipalName\":\"%s\",\"accountEnabled\":true,"
		"\"mailNickname\":\"u\",\"passwordProfile\":{\"password\":\"dropped\"}}",
		upn));

	assert_int_equal(r.status, 201);
	assert_string_equal(json_text(json_get(r.json, "userPrincipalName")), upn);
	assert_null(json_get(r.json, "passwordProfile"));
	return arena_strdup(f->a, json_text(json_get(r.json, "id")));
}

static const char *
make_group(struct fixture *f, const char *name)
{
	auto_reply struct reply r = call(f, "POST", "/beta/groups", token_for(f, ALL),
	    arena_printf(f->a,
		"{\"displayName\":\"%s\",\"mailEnabled\":false,\"securityEnabled\":true,"
		"\"mailNickname\":\"g\",\"groupTypes\":[]}",
		name));

	assert_int_equal(r.status, 201);
	return arena_strdup(f->a, json_text(json_get(r.json, "id")));
}

static void
a_user_is_made_read_changed_and_deleted(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, ALL);
	const char *id = make_user(f, "ada@corp.test");
	const char *path = arena_printf(f->a, "/v1.0/users/%s", id);
	auto_reply struct reply p =
	    call(f, "PATCH", path, token, "{\"mail\":\"ada@mail.test\",\"id\":\"echoed\"}");
	auto_reply struct reply g = call(f, "GET", "/beta/users/ADA@corp.test", token, NULL);
	auto_reply struct reply s =
	    call(f, "GET", arena_printf(f->a, "%s?$select=mail", path), token, NULL);
	auto_reply struct reply d = call(f, "DELETE", path, token, NULL);
	auto_reply struct reply n = call(f, "GET", path, token, NULL);

	assert_int_equal(p.status, 204);
	assert_int_equal(g.status, 200);
	assert_string_equal(json_text(json_get(g.json, "mail")), "ada@mail.test");
	assert_string_equal(json_text(json_get(g.json, "displayName")), "U");
	assert_int_equal(s.status, 200);
	assert_null(json_get(s.json, "displayName"));
	assert_non_null(json_get(s.json, "id"));
	assert_int_equal(d.status, 204);
	assert_int_equal(n.status, 404);
}

static void
a_second_user_of_the_same_name_is_a_conflict(void **state)
{
	struct fixture *f = *state;

	make_user(f, "ada@corp.test");

	auto_reply struct reply r = call(f, "POST", "/v1.0/users", token_for(f, ALL),
	    "{\"displayName\":\"V\",\"userPrincipalName\":\"Ada@CORP.test\"}");

	assert_int_equal(r.status, 409);
	assert_string_equal(error_code(&r), "Conflict");
	assert_non_null(
	    strstr(json_text(json_get(json_get(r.json, "error"), "message")), "Ada@CORP.test"));
	assert_null(strstr(json_text(json_get(json_get(r.json, "error"), "message")), "users."));
}

static void
bad_bodies_are_refused_with_what_is_wrong(void **state)
{
	static const struct {
		const char *body, *code, *word;
	} bad[] = {
		{ "{\"displayName\":", "BadRequest", "JSON" },
		{ "[1]", "BadRequest", "object" },
		{ "{\"displayNam\":\"x\",\"userPrincipalName\":\"a@b.c\"}",
		    "ModelValidationFailure", "displayName" },
		{ "{\"displayName\":\"x\"}", "ModelValidationFailure", "userPrincipalName" },
		{ "{\"displayName\":7,\"userPrincipalName\":\"a@b.c\"}", "ModelValidationFailure",
		    "displayName" },
		{ "{\"displayName\":\"x\",\"userPrincipalName\":\"nobody\"}",
		    "ModelValidationFailure", "name@domain" },
		{ "{\"displayName\":\"x\",\"userPrincipalName\":\"a b@c.d\"}",
		    "ModelValidationFailure", "blanks" },
		{ "{\"displayName\":\"x\",\"userPrincipalName\":\"a@b.c\",\"mail\":\"m\"}",
		    "ModelValidationFailure", "mail" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(bad); i++) {
		auto_reply struct reply r =
		    call(f, "POST", "/v1.0/users", token_for(f, ALL), bad[i].body);

		assert_int_equal(r.status, 400);
		assert_string_equal(error_code(&r), bad[i].code);
		if (strstr(error_message(&r), bad[i].word) == NULL)
			fail_msg("%s: %s", bad[i].body, error_message(&r));
	}
}

static void
lists_go_page_by_page_without_loss(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, ALL);
	const char *next = "/v1.0/users?$top=2&$filter=startswith(displayName,'U')&$count=true";
	size_t n = 0, pages = 0;

	for (int i = 0; i < 5; i++)
		make_user(f, arena_printf(f->a, "u%d@corp.test", i));
	while (next != NULL && pages < 9) {
		auto_reply struct reply r = call(f, "GET", next, token, NULL);
		const char *link = json_text(json_get(r.json, "@odata.nextLink"));

		assert_int_equal(r.status, 200);
		assert_int_equal(json_int(json_get(r.json, "@odata.count")), 5);
		n += json_count(json_get(r.json, "value"));
		next = *link == '\0' ? NULL : arena_strdup(f->a, link);
		pages++;
	}
	assert_int_equal(n, 5);
	assert_int_equal(pages, 3);
}

static void
filters_sorts_and_counts(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, ALL);

	make_user(f, "b@corp.test");
	make_user(f, "a@corp.test");

	auto_reply struct reply one = call(f, "GET",
	    "/v1.0/users?%24filter=userPrincipalName%20eq%20%27B@corp.test%27", token, NULL);
	auto_reply struct reply sorted = call(f, "GET",
	    "/v1.0/users?$orderby=userPrincipalName&$select=userPrincipalName&$top=1", token, NULL);
	auto_reply struct reply second =
	    call(f, "GET", json_text(json_get(sorted.json, "@odata.nextLink")), token, NULL);
	auto_reply struct reply count = call(f, "GET", "/v1.0/users/$count", token, NULL);

	assert_int_equal(json_count(json_get(one.json, "value")), 1);
	assert_string_equal(
	    json_text(json_get(json_at(json_get(sorted.json, "value"), 0), "userPrincipalName")),
	    "a@corp.test");
	assert_string_equal(
	    json_text(json_get(json_at(json_get(second.json, "value"), 0), "userPrincipalName")),
	    "b@corp.test");
	assert_true(str_eq_c(count.body, "2"));
}

static void
options_that_are_not_supported_are_refused(void **state)
{
	static const char *const bad[] = { "$filter=nosuch%20eq%20'x'", "$filter=foo(", "$top=x",
		"$expand=manager", "$search=%22department:x%22", "$skiptoken=zzz", "$select=nosuch",
		"colour=red", "$top=1&$top=2", "$orderby=nosuch" };
	struct fixture *f = *state;

	make_user(f, "a@corp.test");
	make_user(f, "b@corp.test");
	for (size_t i = 0; i < COUNT(bad); i++) {
		auto_reply struct reply r = call(f, "GET",
		    arena_printf(f->a, "/v1.0/users?%s", bad[i]), token_for(f, ALL), NULL);

		if (r.status != 400)
			fail_msg("%s: %d", bad[i], r.status);
	}
}

static void
members_come_and_go_by_reference(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, ALL);
	const char *user = make_user(f, "ada@corp.test");
	const char *group = make_group(f, "G");
	const char *ref = arena_printf(f->a, "/v1.0/groups/%s/members/$ref", group);
	const char *body = arena_printf(
	    f->a, "{\"@odata.id\":\"https://graph.microsoft.com/v1.0/directoryObjects/%s\"}", user);
	const char *drop = arena_printf(f->a, "/v1.0/groups/%s/members/%s/$ref", group, user);
	auto_reply struct reply add = call(f, "POST", ref, token, body);
	auto_reply struct reply again = call(f, "POST", ref, token, body);
	auto_reply struct reply list =
	    call(f, "GET", arena_printf(f->a, "/v1.0/groups/%s/members", group), token, NULL);
	auto_reply struct reply gone = call(f, "DELETE", drop, token, NULL);
	auto_reply struct reply twice = call(f, "DELETE", drop, token, NULL);
	auto_reply struct reply nobody = call(f, "POST", ref, token,
	    arena_printf(f->a, "{\"@odata.id\":\"x/%s\"}", id_text(f->a, id_new())));
	auto_reply struct reply bad = call(f, "POST", ref, token, "{\"@odata.id\":\"x/y\"}");
	const json *first = json_at(json_get(list.json, "value"), 0);

	assert_int_equal(add.status, 204);
	assert_int_equal(again.status, 400);
	assert_string_equal(fault_id(&again), "reference-exists");
	assert_int_equal(json_count(json_get(list.json, "value")), 1);
	assert_string_equal(json_text(json_get(first, "@odata.type")), "#microsoft.graph.user");
	assert_string_equal(json_text(json_get(first, "id")), user);
	assert_int_equal(gone.status, 204);
	assert_int_equal(twice.status, 404);
	assert_int_equal(nobody.status, 404);
	assert_int_equal(bad.status, 400);
}

static void
who_may_not_read_users_sees_their_identifiers_only(void **state)
{
	struct fixture *f = *state;
	const char *user = make_user(f, "ada@corp.test");
	const char *group = make_group(f, "G");
	auto_reply struct reply add =
	    call(f, "POST", arena_printf(f->a, "/v1.0/groups/%s/members/$ref", group),
		token_for(f, ALL), arena_printf(f->a, "{\"@odata.id\":\"users('%s')\"}", user));
	auto_reply struct reply list =
	    call(f, "GET", arena_printf(f->a, "/v1.0/groups('%s')/members", group),
		token_for(f, "GroupMember.Read.All"), NULL);
	const json *first = json_at(json_get(list.json, "value"), 0);

	assert_int_equal(add.status, 204);
	assert_string_equal(json_text(json_get(first, "id")), user);
	assert_null(json_get(first, "userPrincipalName"));
}

static void
every_change_is_in_the_audit(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, ALL);
	const char *id = make_user(f, "ada@corp.test");
	auto_reply struct reply p = call(f, "PATCH", arena_printf(f->a, "/v1.0/users/%s", id),
	    token, "{\"displayName\":\"New\"}");
	auto_reply struct reply a = call(f, "GET", "/chancery/v1/audit", token, NULL);
	auto_reply struct reply v = call(f, "GET", "/chancery/v1/audit/verify", token, NULL);
	const json *lines = json_get(a.json, "value");
	const json *last = json_at(lines, json_count(lines) - 1);

	assert_int_equal(p.status, 204);
	assert_string_equal(json_text(json_get(last, "action")), "user.update");
	assert_string_equal(json_text(json_get(last, "actor")), "app Test app");
	assert_string_equal(json_text(json_get(json_get(last, "before"), "displayName")), "U");
	assert_string_equal(json_text(json_get(json_get(last, "after"), "displayName")), "New");
	assert_true(json_true(json_get(v.json, "whole")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
		T(a_user_is_made_read_changed_and_deleted),
		T(a_second_user_of_the_same_name_is_a_conflict),
		T(bad_bodies_are_refused_with_what_is_wrong),
		T(lists_go_page_by_page_without_loss),
		T(filters_sorts_and_counts),
		T(options_that_are_not_supported_are_refused),
		T(members_come_and_go_by_reference),
		T(who_may_not_read_users_sees_their_identifiers_only),
		T(every_change_is_in_the_audit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
