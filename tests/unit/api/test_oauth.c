/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"
#include "fixture.h"

#include "store/access.h"

static const char *
token_path(struct fixture *f)
{
	return arena_printf(f->a, "/%s/oauth2/v2.0/token", id_text(f->a, f->api.tenant));
}

static const char *
oauth_error(const struct reply *r)
{
	return json_text(json_get(r->json, "error"));
}

static void
an_application_gets_a_token_that_opens_what_it_may(void **state)
{
	struct fixture *f = *state;
	struct id id = id_new();

	put_app(f, id, "s3cret", "User.Read.All");

	auto_reply struct reply r = call(f, "POST", token_path(f), NULL,
	    arena_printf(f->a,
		"grant_type=client_credentials&client_id=%s&client_secret=s3cret&scope=%s/.default",
		id_text(f->a, id), f->api.base_url));
	const char *token = json_text(json_get(r.json, "access_token"));
	auto_reply struct reply u = call(f, "GET", "/v1.0/users", token, NULL);
	auto_reply struct reply g = call(f, "GET", "/v1.0/groups", token, NULL);

	assert_int_equal(r.status, 200);
	assert_string_equal(json_text(json_get(r.json, "token_type")), "Bearer");
	assert_true(json_int(json_get(r.json, "expires_in")) > 3000);
	assert_int_equal(u.status, 200);
	assert_int_equal(g.status, 403);
}

static void
bad_token_requests_are_refused_with_their_number(void **state)
{
	struct fixture *f = *state;
	struct id id = id_new();
	const char *c = id_text(f->a, id);
	const struct {
		const char *form, *error;
		int status;
		int64_t number;
	} bad[] = {
		{ "x=y", "invalid_request", 400, 900144 },
		{ "grant_type=magic", "unsupported_grant_type", 400, 70003 },
		{ "grant_type=client_credentials", "invalid_request", 400, 900144 },
		{ "grant_type=client_credentials&client_id=zzz&client_secret=s",
		    "unauthorized_client", 400, 700016 },
		{ arena_printf(f->a, "grant_type=client_credentials&client_id=%s&client_secret=s",
		      id_text(f->a, id_new())),
		    "unauthorized_client", 400, 700016 },
		{ arena_printf(f->a, "grant_type=client_credentials&client_id=%s", c),
		    "invalid_request", 400, 900144 },
		{ arena_printf(
		      f->a, "grant_type=client_credentials&client_id=%s&client_secret=no", c),
		    "invalid_client", 401, 7000215 },
		{ arena_printf(f->a,
		      "grant_type=client_credentials&client_id=%s&client_secret=s3cret&"
		      "scope=https://other.test/.default",
		      c),
		    "invalid_resource", 400, 500011 },
		{ arena_printf(f->a,
		      "grant_type=client_credentials&client_id=%s&client_secret=s3cret&"
		      "scope=User.Read.All",
		      c),
		    "invalid_scope", 400, 70011 },
		{ arena_printf(f->a,
		      "grant_type=device_code&client_id=%s&client_secret=s3cret&device_code=x", c),
		    "invalid_grant", 400, 70000 },
	};

	put_app(f, id, "s3cret", "User.Read.All");
	for (size_t i = 0; i < COUNT(bad); i++) {
		auto_reply struct reply r = call(f, "POST", token_path(f), NULL, bad[i].form);
		const json *codes = json_get(r.json, "error_codes");

		if (strcmp(oauth_error(&r), bad[i].error) != 0)
			fail_msg("%s: %.*s", bad[i].form, (int)r.body.n, (const char *)r.body.p);
		assert_int_equal(r.status, bad[i].status);
		assert_int_equal(json_int(json_at(codes, 0)), bad[i].number);
		assert_non_null(strstr(json_text(json_get(r.json, "error_description")),
		    arena_printf(f->a, "AADSTS%lld", (long long)bad[i].number)));
	}
}

static void
another_tenant_is_refused_and_common_is_ours(void **state)
{
	struct fixture *f = *state;
	struct id id = id_new();
	const char *form = arena_printf(
	    f->a, "grant_type=client_credentials&client_id=%s&client_secret=s", id_text(f->a, id));

	put_app(f, id, "s", "User.Read.All");

	auto_reply struct reply other = call(f, "POST",
	    arena_printf(f->a, "/%s/oauth2/v2.0/token", id_text(f->a, id_new())), NULL, form);
	auto_reply struct reply common = call(f, "POST", "/common/oauth2/v2.0/token", NULL, form);
	auto_reply struct reply v1 = call(f, "POST", "/corp.test/oauth2/token", NULL,
	    arena_printf(f->a, "%s&resource=%s/", form, f->api.base_url));

	assert_int_equal(other.status, 400);
	assert_string_equal(oauth_error(&other), "invalid_tenant");
	assert_int_equal(common.status, 200);
	assert_int_equal(v1.status, 200);
}

static void
discovery_is_there_in_three_styles_and_names_the_issuer(void **state)
{
	struct fixture *f = *state;
	const char *tenant = id_text(f->a, f->api.tenant);
	auto_reply struct reply a = call(f, "GET",
	    arena_printf(f->a, "/%s/v2.0/.well-known/openid-configuration", tenant), NULL, NULL);
	auto_reply struct reply b = call(f, "GET",
	    arena_printf(f->a, "/%s/.well-known/openid-configuration", tenant), NULL, NULL);
	auto_reply struct reply c =
	    call(f, "GET", "/adfs/.well-known/openid-configuration", NULL, NULL);
	auto_reply struct reply d =
	    call(f, "GET", "/common/v2.0/.well-known/openid-configuration", NULL, NULL);
	auto_reply struct reply k = call(f, "GET", "/common/discovery/v2.0/keys", NULL, NULL);

	assert_string_equal(json_text(json_get(a.json, "issuer")), token_issuer(&f->api, f->a));
	assert_string_equal(json_text(json_get(b.json, "issuer")), token_issuer(&f->api, f->a));
	assert_string_equal(json_text(json_get(c.json, "issuer")), token_issuer(&f->api, f->a));
	assert_string_equal(json_text(json_get(d.json, "issuer")),
	    arena_printf(f->a, "%s/{tenantid}/v2.0", f->api.base_url));
	assert_int_equal(json_count(json_get(k.json, "keys")), 1);
}

/* Starts a sign-in of the command line's client; gives both codes. */
static void
start_login(struct fixture *f, const char *scope, const char **device, const char **user)
{
	auto_reply struct reply r = call(f, "POST", "/common/oauth2/v2.0/devicecode", NULL,
	    arena_printf(f->a, "client_id=" OAUTH_CLI_CLIENT "&scope=%s", scope));

	assert_int_equal(r.status, 200);
	*device = arena_strdup(f->a, json_text(json_get(r.json, "device_code")));
	*user = arena_strdup(f->a, json_text(json_get(r.json, "user_code")));
}

static struct reply
redeem(struct fixture *f, const char *device)
{
	return call(f, "POST", "/common/oauth2/v2.0/token", NULL,
	    arena_printf(f->a,
		"grant_type=urn:ietf:params:oauth:grant-type:device_code&client_id=" OAUTH_CLI_CLIENT
		"&device_code=%s",
		device));
}

static int
enter(struct fixture *f, const char *user, const char *password, const char *action)
{
	auto_reply struct reply r = call(f, "POST", "/device", NULL,
	    arena_printf(
		f->a, "user_code=%s&username=root&password=%s&action=%s", user, password, action));

	return r.status;
}

static void
a_person_signs_in_by_device_code(void **state)
{
	struct fixture *f = *state;
	const char *device, *user;

	put_admin(f, "root", "right", "User.ReadWrite.All Group.Read.All");
	start_login(f, "User.Read.All%20offline_access", &device, &user);

	auto_reply struct reply pending = redeem(f, device);
	auto_reply struct reply slow = redeem(f, device);

	assert_string_equal(oauth_error(&pending), "authorization_pending");
	assert_string_equal(oauth_error(&slow), "slow_down");
	assert_int_equal(enter(f, user, "right", "approve"), 200);

	auto_reply struct reply ok = redeem(f, device);
	auto_reply struct reply twice = redeem(f, device);
	const char *token = json_text(json_get(ok.json, "access_token"));
	auto_reply struct reply read = call(f, "GET", "/v1.0/users", token, NULL);
	auto_reply struct reply group = call(f, "GET", "/v1.0/groups", token, NULL);

	assert_int_equal(ok.status, 200);
	assert_string_equal(json_text(json_get(ok.json, "scope")), "User.Read.All");
	assert_string_equal(oauth_error(&twice), "invalid_grant");
	assert_int_equal(read.status, 200);
	assert_int_equal(group.status, 403);
}

struct named {
	struct arena *a;
	struct admin *ret;
};

static err_t
find_root(struct tx *tx, void *arg)
{
	struct named *x = arg;

	return store_admin_by_name(tx, x->a, "root", x->ret);
}

/* One whose permissions are those of a role alone, by Microsoft's names. */
static void
a_person_signs_in_with_what_a_role_by_other_names_gives(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, "DeviceManagementRBAC.ReadWrite.All");
	const char *device, *user, *role;
	struct admin who;

	put_admin(f, "root", "right", "");
	expect_ok(store_read(f->store, find_root, &(struct named){ f->a, &who }));
	role = posted(f, "/beta/deviceManagement/roleDefinitions", token,
	    "{\"displayName\":\"R\",\"rolePermissions\":[{\"resourceActions\":[{"
	    "\"allowedResourceActions\":[\"Microsoft.Intune_DeviceConfigurations_Read\"]}]}]}");
	posted(f, "/beta/deviceManagement/roleAssignments", token,
	    arena_printf(f->a,
		"{\"displayName\":\"A\",\"members\":[\"%s\"],\"roleDefinition@odata.bind\":\"x/%s\"}",
		id_text(f->a, who.id), role));
	start_login(f, "offline_access", &device, &user);
	assert_int_equal(enter(f, user, "right", "approve"), 200);

	auto_reply struct reply r = redeem(f, device);
	const char *own = arena_strdup(f->a, json_text(json_get(r.json, "access_token")));
	auto_reply struct reply may =
	    call(f, "GET", "/beta/deviceManagement/deviceConfigurations", own, NULL);
	auto_reply struct reply may_not =
	    call(f, "GET", "/beta/deviceManagement/assignmentFilters", own, NULL);

	assert_int_equal(r.status, 200);
	assert_int_equal(may.status, 200);
	assert_int_equal(may_not.status, 403);
}

static void
a_declined_or_expired_sign_in_gives_no_token(void **state)
{
	struct fixture *f = *state;
	const char *device, *user;

	put_admin(f, "root", "right", "User.Read.All");
	start_login(f, "User.Read.All", &device, &user);
	assert_int_equal(enter(f, user, "right", "decline"), 200);

	auto_reply struct reply declined = redeem(f, device);

	start_login(f, "User.Read.All", &device, &user);
	when_set(when_now() + OAUTH_LOGIN_LIFE_S + 1);
	assert_true(enter(f, user, "right", "approve") >= 400);

	auto_reply struct reply expired = redeem(f, device);

	assert_string_equal(oauth_error(&declined), "authorization_declined");
	assert_string_equal(oauth_error(&expired), "expired_token");
}

static void
wrong_passwords_are_limited(void **state)
{
	struct fixture *f = *state;
	const char *device, *user;

	put_admin(f, "root", "right", "User.Read.All");
	start_login(f, "User.Read.All", &device, &user);
	for (int i = 0; i < OAUTH_LOGIN_TRIES; i++)
		assert_int_equal(enter(f, user, "wrong", "approve"), 401);
	assert_true(enter(f, user, "right", "approve") >= 400);

	auto_reply struct reply r = redeem(f, device);

	assert_string_equal(oauth_error(&r), "authorization_declined");
	/* A new code does not help: the name itself is held up after ten. */
	start_login(f, "User.Read.All", &device, &user);
	for (int i = 0; i < 10; i++)
		(void)enter(f, user, "wrong", "approve");
	start_login(f, "User.Read.All", &device, &user);
	assert_int_equal(enter(f, user, "right", "approve"), 429);
	when_set(when_now() + 901);
	start_login(f, "User.Read.All", &device, &user);
	assert_int_equal(enter(f, user, "right", "approve"), 200);
}

static void
the_page_shows_what_was_typed_without_letting_it_in(void **state)
{
	struct fixture *f = *state;
	auto_reply struct reply r =
	    call(f, "GET", "/device?user_code=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", NULL, NULL);
	const char *page = arena_cstr(f->a, r.body);

	assert_int_equal(r.status, 200);
	assert_null(strstr(page, "<script"));
	assert_non_null(strstr(page, "&lt;script&gt;"));
}

static void
basic_credentials_are_decoded_or_refused(void **state)
{
	static const char *const bad[] = { "", "Basic", "Basic !!!",
		"Basic aWQ=", "Bearer aWQ6cw==", "Basic aWQ6JTQ=", "Basic aWQ6JXp6",
		"Basic aWQ6JTAw" };
	struct arena *a = arena_new();
	const char *id, *secret;

	(void)state;
	expect_ok(oauth_basic(a, str_c("basic aWQ6YSUyQmIrYw=="), &id, &secret));
	assert_string_equal(id, "id");
	assert_string_equal(secret, "a+b c");
	for (size_t i = 0; i < COUNT(bad); i++)
		expect_err(ERR_OAUTH_FIELD, oauth_basic(a, str_c(bad[i]), &id, &secret));
	arena_free(a);
}

static void
scopes_are_read_or_refused(void **state)
{
	static const char *const base = "https://host.test:8443";
	static const char *const bad[] = { "Nothing.Here", "https://host.test:8443/Nothing",
		"https://evil.test/.default", "x/.default", "https://host.test.evil/.default" };
	static const char *const all[] = { "", "openid profile", "https://host.test:8443/.default",
		"https://host.test:8443//.default", "https://HOST.test/.default",
		"https://graph.microsoft.com/.default openid", ".default" };
	struct arena *a = arena_new();
	struct oauth_scope s;

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++) {
		expect_ok(oauth_scope_read(a, base, all[i], &s));
		assert_true(s.all);
	}
	expect_ok(oauth_scope_read(a, base, "user.read.all https://host.test/Group.Read.All", &s));
	assert_false(s.all);
	assert_string_equal(s.names, "user.read.all Group.Read.All");
	for (size_t i = 0; i < COUNT(bad); i++) {
		err_t e = oauth_scope_read(a, base, bad[i], &s);

		assert_true(err_is(e, ERR_OAUTH_SCOPE) || err_is(e, ERR_OAUTH_RESOURCE));
		err_forget(e);
	}
	arena_free(a);
}

static void
permissions_imply_what_they_say_and_no_more(void **state)
{
	struct arena *a = arena_new();

	(void)state;
	assert_true((perm_bits(str_c("user.readwrite.all")) & PERM_USERS_READ) != 0);
	assert_true((perm_bits(str_c("User.Read.All")) & PERM_USERS_WRITE) == 0);
	assert_int_equal(perm_bits(str_c("User.Read.Al")), 0);
	assert_int_equal(perm_list_bits("  Nothing  "), 0);
	assert_int_equal(perm_list_bits("User.Read.All  Nothing"), PERM_USERS_READ);
	assert_string_equal(
	    perm_list_within(a, "User.ReadWrite.All User.Read.All", PERM_USERS_READ),
	    "User.Read.All");
	expect_ok(perm_list_check(a, "User.Read.All Group.Read.All"));
	expect_err(ERR_BAD_REQUEST, perm_list_check(a, "User.Read.All User.Raed.All"));
	for (const struct perm_name *p = perm_names; p->name != NULL; p++)
		assert_int_equal(p->grants & (PERM_PUBLIC | PERM_DEVICE_PORT | PERM_SIGNED_IN), 0);
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
		T(an_application_gets_a_token_that_opens_what_it_may),
		T(bad_token_requests_are_refused_with_their_number),
		T(another_tenant_is_refused_and_common_is_ours),
		T(discovery_is_there_in_three_styles_and_names_the_issuer),
		T(a_person_signs_in_by_device_code),
		T(a_person_signs_in_with_what_a_role_by_other_names_gives),
		T(a_declined_or_expired_sign_in_gives_no_token),
		T(wrong_passwords_are_limited),
		T(the_page_shows_what_was_typed_without_letting_it_in),
		cmocka_unit_test(basic_credentials_are_decoded_or_refused),
		cmocka_unit_test(scopes_are_read_or_refused),
		cmocka_unit_test(permissions_imply_what_they_say_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
