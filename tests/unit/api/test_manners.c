/* SPDX-License-Identifier: Apache-2.0 */
/* Batches, ETags and throttling. */
#include "expect.h"
#include "fixture.h"

#include "codec/xml.h"
#include "model/profile.h"

#define ALL "User.ReadWrite.All Group.ReadWrite.All"
#define TEXT(j, name) json_text(json_get(j, name))

/* As call(), with If-Match; *ret_retry: Retry-After. */
static struct reply
call_if(struct fixture *f, const char *method, const char *path, const char *token,
    const char *if_match, const char *body, const char **ret_retry)
{
	struct reply r = { 0 };
	struct fetch_reply got;
	const char *headers[4] = { arena_printf(f->a, "Authorization: Bearer %s", token),
		"Content-Type: application/json", NULL, NULL };

	if (if_match != NULL)
		headers[2] = arena_printf(f->a, "If-Match: %s", if_match);
	expect_ok(fetch_run(f->fetch, f->a, method,
	    arena_printf(f->a, "%s%s", f->api.base_url, path), headers, str_c(body), 20000, &got));
	r.status = got.status;
	r.body = got.body;
	if (got.body.n > 0 && got.body.p[0] == '{')
		expect_ok(json_parse(got.body, LIMIT_HTTP_REPLY, &r.json));
	if (ret_retry != NULL)
		*ret_retry = got.retry_after;
	return r;
}

static const json *
answer_of(const struct reply *r, const char *id)
{
	const json *list = json_get(r->json, "responses");

	for (size_t i = 0; i < json_count(list); i++)
		if (strcmp(TEXT(json_at(list, i), "id"), id) == 0)
			return json_at(list, i);
	fail_msg("no answer \"%s\": %d %s", id, r->status, error_message(r));
	return NULL;
}

static int64_t
status_in(const struct reply *r, const char *id)
{
	return json_int(json_get(answer_of(r, id), "status"));
}

/* The ETag of an entity, as a batch shows its headers. */
static const char *
etag_of_path(struct fixture *f, const char *token, const char *path)
{
	auto_reply struct reply r = call(f, "POST", "/v1.0/$batch", token,
	    arena_printf(
		f->a, "{\"requests\":[{\"id\":\"1\",\"method\":\"GET\",\"url\":\"%s\"}]}", path));

	return arena_strdup(f->a, TEXT(json_get(answer_of(&r, "1"), "headers"), "ETag"));
}

#define USER(upn) \
	"{\"displayName\":\"U\",\"userPrincipalName\":\"" upn "\",\"accountEnabled\":true}"

static void
a_batch_runs_in_order_and_stops_what_depends_on_a_failure(void **state)
{
	struct fixture *f = *state;
	auto_reply struct reply r = call(f, "POST", "/v1.0/$batch", token_for(f, ALL),
	    "{\"requests\":["
	    "{\"id\":\"late\",\"method\":\"GET\",\"url\":\"/users/a@x.test\",\"dependsOn\":[\"make\"]},"
	    "{\"id\":\"make\",\"method\":\"POST\",\"url\":\"users\",\"body\":" USER(
		"a@x.test") ","
			    "\"headers\":{\"Content-Type\":\"application/json\"}},"
			    "{\"id\":\"bad\",\"method\":\"POST\",\"url\":\"/v1.0/users\",\"body\":{\"x\":1}},"
			    "{\"id\":\"after\",\"method\":\"GET\",\"url\":\"/users\",\"dependsOn\":[\"bad\"]},"
			    "{\"id\":\"then\",\"method\":\"GET\",\"url\":\"/users\",\"dependsOn\":[\"after\"]},"
			    "{\"id\":\"beta\",\"method\":\"get\",\"url\":\"/beta/users?$filter=userPrincipalName eq "
			    "'a@x.test'\"},"
			    "{\"id\":\"none\",\"method\":\"GET\",\"url\":\"/nowhere\"},"
			    "{\"id\":\"denied\",\"method\":\"GET\",\"url\":\"/chancery/v1/slots\"}]}");

	assert_int_equal(r.status, 200);
	assert_int_equal(json_count(json_get(r.json, "responses")), 8);
	assert_int_equal(status_in(&r, "make"), 201);
	assert_int_equal(status_in(&r, "late"), 200);
	assert_int_equal(status_in(&r, "bad"), 400);
	assert_int_equal(status_in(&r, "after"), 424);
	assert_int_equal(status_in(&r, "then"), 424);
	assert_int_equal(status_in(&r, "beta"), 200);
	assert_int_equal(status_in(&r, "none"), 400);
	assert_int_equal(status_in(&r, "denied"), 403);
	assert_string_equal(
	    TEXT(json_get(answer_of(&r, "late"), "body"), "userPrincipalName"), "a@x.test");
	assert_string_equal(
	    TEXT(json_get(json_get(answer_of(&r, "after"), "body"), "error"), "code"),
	    "FailedDependency");
	assert_non_null(
	    strstr(TEXT(json_get(answer_of(&r, "make"), "headers"), "Location"), "/v1.0/users/"));
}

static void
a_batch_that_is_not_well_formed_is_refused_whole(void **state)
{
	static const char *const bad[] = {
		"{}",
		"{\"requests\":{}}",
		"{\"requests\":[{\"method\":\"GET\",\"url\":\"/users\"}]}",
		"{\"requests\":[{\"id\":\"1\",\"method\":\"TRACE\",\"url\":\"/users\"}]}",
		"{\"requests\":[{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/users\"},"
		"{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/users\"}]}",
		"{\"requests\":[{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/users\",\"dependsOn\":[\"2\"]}]}",
		"{\"requests\":[{\"id\":\"1\",\"method\":\"POST\",\"url\":\"/users\",\"body\":" USER(
		    "a@x.test") "},{\"id\":\"2\",\"method\":\"GET\",\"url\":\"/users\",\"dependsOn\":[\"3\"]},"
				"{\"id\":\"3\",\"method\":\"GET\",\"url\":\"/users\",\"dependsOn\":[\"2\"]}]}",
	};
	struct fixture *f = *state;
	const char *token = token_for(f, ALL), *many = "";

	for (size_t i = 0; i < COUNT(bad); i++) {
		auto_reply struct reply r = call(f, "POST", "/beta/$batch", token, bad[i]);

		if (r.status != 400)
			fail_msg("%s: %d", bad[i], r.status);
	}
	for (int i = 0; i < 21; i++)
		many =
		    arena_printf(f->a, "%s%s{\"id\":\"%d\",\"method\":\"GET\",\"url\":\"/users\"}",
			many, i == 0 ? "" : ",", i);

	auto_reply struct reply r =
	    call(f, "POST", "/$batch", token, arena_printf(f->a, "{\"requests\":[%s]}", many));
	auto_reply struct reply list = call(f, "GET", "/v1.0/users", token, NULL);
	auto_reply struct reply inner = call(f, "POST", "/$batch", token,
	    "{\"requests\":[{\"id\":\"1\",\"method\":\"POST\",\"url\":\"/$batch\",\"body\":{"
	    "\"requests\":[{\"id\":\"2\",\"method\":\"GET\",\"url\":\"/users\"}]}}]}");

	assert_int_equal(r.status, 400);
	assert_int_equal(json_count(json_get(list.json, "value")), 0);
	assert_int_equal(status_in(&inner, "1"), 400);
}

static void
a_batch_needs_a_token_and_gives_no_more_rights_than_it(void **state)
{
	struct fixture *f = *state;
	const char *one = "{\"requests\":[{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/users\","
			  "\"headers\":{\"Authorization\":\"Bearer x\"}}]}";
	auto_reply struct reply none = call(f, "POST", "/v1.0/$batch", NULL, one);
	auto_reply struct reply other =
	    call(f, "POST", "/v1.0/$batch", token_for(f, "Organization.Read.All"), one);
	auto_reply struct reply ok = call(f, "POST", "/v1.0/$batch", token_for(f, ALL), one);

	assert_int_equal(none.status, 401);
	assert_int_equal(other.status, 200);
	assert_int_equal(status_in(&other, "1"), 403);
	/* The token is the batch's, whatever the item says. */
	assert_int_equal(status_in(&ok, "1"), 200);
}

static void
who_changes_what_was_changed_meanwhile_is_told(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, ALL), *path = "/v1.0/users/a@x.test", *old, *now;
	auto_reply struct reply made = call(f, "POST", "/v1.0/users", token, USER("a@x.test"));

	assert_int_equal(made.status, 201);
	old = etag_of_path(f, token, "/users/a@x.test");
	assert_true(strncmp(old, "W/\"", 3) == 0);

	auto_reply struct reply first =
	    call_if(f, "PATCH", path, token, old, "{\"department\":\"One\"}", NULL);
	auto_reply struct reply lost =
	    call_if(f, "PATCH", path, token, old, "{\"department\":\"Two\"}", NULL);
	auto_reply struct reply kept = call_if(f, "DELETE", path, token, old, "", NULL);
	auto_reply struct reply got = call(f, "GET", path, token, NULL);

	assert_int_equal(first.status, 204);
	assert_int_equal(lost.status, 412);
	assert_string_equal(error_code(&lost), "PreconditionFailed");
	assert_int_equal(kept.status, 412);
	assert_string_equal(TEXT(got.json, "department"), "One");
	now = etag_of_path(f, token, "/users/a@x.test");
	assert_string_not_equal(now, old);

	auto_reply struct reply list = call_if(f, "PATCH", path, token,
	    arena_printf(f->a, "\"x\", %s", now + 2), "{\"department\":\"Three\"}", NULL);
	auto_reply struct reply any = call_if(f, "DELETE", path, token, "*", "", NULL);

	assert_int_equal(list.status, 204);
	assert_int_equal(any.status, 204);
}

/* Roles, their assignments, notifications. */
static void
every_kind_of_record_knows_its_etag(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f,
	    "DeviceManagementRBAC.ReadWrite.All DeviceManagementServiceConfig.ReadWrite.All "
	    "DeviceManagementConfiguration.Read.All");
	static const struct {
		const char *path, *body, *change;
	} rows[] = {
		{ "/beta/deviceManagement/roleDefinitions", "{\"displayName\":\"R\"}",
		    "{\"description\":\"x\"}" },
		{ "/beta/deviceManagement/roleAssignments",
		    "{\"displayName\":\"A\",\"members\":[],\"roleDefinition@odata.bind\":"
		    "\"x/fa1d7878-e8cb-41a1-8254-0ae9f2b5e7f5\"}",
		    "{\"description\":\"x\"}" },
		{ "/chancery/v1/notifications",
		    "{\"displayName\":\"N\",\"kind\":\"webhook\",\"address\":\"https://x.test/\"}",
		    "{\"enabled\":false}" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *path = arena_printf(
		    f->a, "%s/%s", rows[i].path, posted(f, rows[i].path, token, rows[i].body));
		const char *tag = etag_of_path(f, token, path);
		auto_reply struct reply first =
		    call_if(f, "PATCH", path, token, tag, rows[i].change, NULL);
		auto_reply struct reply again =
		    call_if(f, "PATCH", path, token, tag, rows[i].change, NULL);
		auto_reply struct reply gone = call_if(f, "DELETE", path, token, tag, NULL, NULL);
		auto_reply struct reply now =
		    call_if(f, "DELETE", path, token, etag_of_path(f, token, path), NULL, NULL);

		if (first.status != 200 || again.status != 412 || gone.status != 412 ||
		    now.status != 204)
			fail_msg("%s: %d %d %d %d", path, first.status, again.status, gone.status,
			    now.status);
	}
}

static void
who_asks_too_often_is_told_how_long_to_wait(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, ALL), *other = token_for(f, ALL), *retry;
	int passed = 0;

	f->api.rate_any = 20;
	for (int i = 0; i < 20; i++) {
		auto_reply struct reply r = call(f, "GET", "/v1.0/users", token, NULL);

		passed += r.status == 200;
	}
	assert_int_equal(passed, 20);

	auto_reply struct reply no = call_if(f, "GET", "/v1.0/users", token, NULL, "", &retry);
	auto_reply struct reply batch = call(f, "POST", "/v1.0/$batch", other,
	    "{\"requests\":[{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/users\"}]}");

	assert_int_equal(no.status, 429);
	assert_string_equal(error_code(&no), "TooManyRequests");
	assert_string_equal(fault_id(&no), "throttled");
	assert_string_equal(retry, "1");
	/* Somebody else is not held up by it. */
	assert_int_equal(batch.status, 200);
	assert_int_equal(status_in(&batch, "1"), 200);
}

static void
changes_have_a_limit_of_their_own_also_within_a_batch(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, ALL);

	f->api.rate_write = 2;

	auto_reply struct reply r = call(f, "POST", "/v1.0/$batch", token,
	    "{\"requests\":[{\"id\":\"1\",\"method\":\"POST\",\"url\":\"/users\",\"body\":" USER(
		"a@x.test") "},{\"id\":\"2\",\"method\":\"POST\",\"url\":\"/users\",\"body\":" USER("b@x.test") "},{\"id\":\"3\",\"method\":\"GET\",\"url\":\"/users\"}]}");

	assert_int_equal(r.status, 200);
	assert_int_equal(status_in(&r, "1"), 201);
	assert_int_equal(status_in(&r, "2"), 429);
	assert_string_not_equal(TEXT(json_get(answer_of(&r, "2"), "headers"), "Retry-After"), "");
	assert_int_equal(status_in(&r, "3"), 200);
}

static void
the_schema_names_every_type_and_property_that_the_api_has(void **state)
{
	struct fixture *f = *state;
	auto_reply struct reply r = call(f, "GET", "/beta/$metadata", NULL, NULL);
	auto_reply struct reply doc = call(f, "GET", "/v1.0/", token_for(f, ALL), NULL);
	const char *text = arena_cstr(f->a, r.body);
	struct xml_node *x;

	assert_int_equal(r.status, 200);
	expect_ok(xml_parse(f->a, r.body, &x));
	assert_string_equal(x->name, "Edmx");
	for (const struct profile_type *t = profile_types; t->name != NULL; t++) {
		const char *name = strrchr(t->name, '.') + 1;
		const struct field *v;
		size_t n;

		if (strstr(text, arena_printf(f->a, "<EntityType Name=\"%s\"", name)) == NULL)
			fail_msg("no %s", name);
		v = profile_type_fields(f->a, t, &n);
		for (size_t i = 0; i < n; i++)
			if (strchr(v[i].name, '@') == NULL &&
			    strstr(text, arena_printf(f->a, "Name=\"%s\"", v[i].name)) == NULL)
				fail_msg("no %s", v[i].name);
	}
	assert_non_null(strstr(text,
	    "<NavigationProperty Name=\"assignments\" Type=\"Collection(graph.deviceConfigurationAssignment)\" "
	    "ContainsTarget=\"true\"/>"));
	assert_non_null(strstr(text, "<Property Name=\"userPrincipalName\""));
	assert_null(strstr(text, "@chancery"));
	assert_int_equal(doc.status, 200);
	assert_int_equal(json_count(json_get(doc.json, "value")), 4);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_batch_runs_in_order_and_stops_what_depends_on_a_failure),
		T(a_batch_that_is_not_well_formed_is_refused_whole),
		T(a_batch_needs_a_token_and_gives_no_more_rights_than_it),
		T(who_changes_what_was_changed_meanwhile_is_told),
		T(every_kind_of_record_knows_its_etag),
		T(who_asks_too_often_is_told_how_long_to_wait),
		T(changes_have_a_limit_of_their_own_also_within_a_batch),
		T(the_schema_names_every_type_and_property_that_the_api_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
