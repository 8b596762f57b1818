/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"
#include "fixture.h"

/* Every row of every resource, against its own permission. */
static void
no_route_but_public_ones_passes_without_a_token(void **state)
{
	struct fixture *f = *state;
	size_t checked = 0;

	for (size_t i = 0; i < resource_count; i++) {
		for (const struct http_route *x = resource_table[i]->routes; x->path != NULL; x++) {
			char *path = arena_strdup(f->a, x->path);
			const char *method = http_method_name(x->method);

			assert_true(x->perm != 0);
			if (x->perm == PERM_PUBLIC)
				continue;
			for (char *p = path; *p != '\0'; p++)
				if (*p == '{' || *p == '}')
					*p = 'x';

			auto_reply struct reply none = call(f, method, path, NULL, NULL);
			auto_reply struct reply wrong =
			    call(f, method, path, token_for(f, "Nothing.At.All"), NULL);

			if (none.status != 401)
				fail_msg("%s %s without a token: %d", method, path, none.status);
			assert_string_equal(error_code(&none), "InvalidAuthenticationToken");
			if (x->perm != PERM_SIGNED_IN && wrong.status != 403)
				fail_msg(
				    "%s %s without permission: %d", method, path, wrong.status);
			checked++;
		}
	}
	assert_true(checked > 60);
}

static void
a_read_permission_does_not_write(void **state)
{
	struct fixture *f = *state;
	auto_reply struct reply r = call(f, "POST", "/v1.0/users", token_for(f, "User.Read.All"),
	    "{\"displayName\":\"A\",\"userPrincipalName\":\"a@x.test\"}");
	auto_reply struct reply l =
	    call(f, "GET", "/v1.0/users", token_for(f, "User.ReadWrite.All"), NULL);

	assert_int_equal(r.status, 403);
	assert_string_equal(fault_id(&r), "forbidden");
	assert_non_null(strstr(error_message(&r), "User.ReadWrite.All"));
	assert_int_equal(l.status, 200);
}

static const char *
flip(struct fixture *f, const char *token, size_t at)
{
	char *t = arena_strdup(f->a, token);

	t[at] = t[at] == 'A' ? 'B' : 'A';
	return t;
}

static int
users_with(struct fixture *f, const char *token)
{
	auto_reply struct reply r = call(f, "GET", "/v1.0/users", token, NULL);

	return r.status;
}

static void
a_changed_token_is_refused(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, "User.Read.All");
	const char *dot = strchr(token, '.');

	assert_int_equal(users_with(f, token), 200);
	assert_int_equal(users_with(f, flip(f, token, (size_t)(dot - token) + 10)), 401);
	assert_int_equal(users_with(f, flip(f, token, strlen(token) - 20)), 401);
	assert_int_equal(users_with(f, arena_printf(f->a, "%sA.", token)), 401);
	assert_int_equal(users_with(f, "x"), 401);
}

static void
an_expired_token_is_refused(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, "User.Read.All");

	when_set(when_now() + TOKEN_LIFE_S - 2);
	assert_int_equal(users_with(f, token), 200);
	when_set(when_now() + 3);
	assert_int_equal(users_with(f, token), 401);
}

static void
a_token_of_the_future_is_refused(void **state)
{
	struct fixture *f = *state;
	when_t now = when_now();
	const char *token;

	when_set(now + TOKEN_GRACE_S + 100);
	token = token_for(f, "User.Read.All");
	when_set(now);
	assert_int_equal(users_with(f, token), 401);
}

/* The same claims but for one, under our own signature. */
struct person {
	struct admin admin;
	struct arena *a;
	const char *name;
};

static err_t
person_get(struct tx *tx, void *arg)
{
	struct person *p = arg;

	return store_admin_by_name(tx, p->a, p->name, &p->admin);
}

/* An administrator that has a record. */
static struct id
person_of(struct fixture *f)
{
	struct person p = { .a = f->a,
		.name = text_hex(f->a, str_of(&(struct id[]){ id_new() }, 16)) };

	put_admin(f, p.name, "a password of hers", "User.Read.All");
	expect_ok(store_read(f->store, person_get, &p));
	return p.admin.id;
}

static const char *
token_but(struct fixture *f, const char *key, const char *value)
{
	auto_json json *c = json_object_new();
	struct str text;
	const char *token = NULL;

	json_set_text(c, "iss", token_issuer(&f->api, f->a));
	json_set_text(c, "aud", f->api.base_url);
	json_set_id(f->a, c, "tid", f->api.tenant);
	json_set_id(f->a, c, "oid", person_of(f));
	json_set_text(c, "appid", OAUTH_CLI_CLIENT);
	json_set_text(c, "idtyp", "user");
	json_set_text(c, "scp", "User.Read.All");
	json_set_int(c, "nbf", when_now());
	json_set_int(c, "exp", when_now() + 100);
	if (value == NULL)
		json_del(c, key);
	else
		json_set_text(c, key, value);
	expect_ok(json_print(f->a, c, &text));
	expect_ok(jws_sign(f->a, f->key, text, &token));
	return token;
}

static void
a_token_for_somebody_else_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(users_with(f, token_but(f, "ver", "2.0")), 200);
	assert_int_equal(users_with(f, token_but(f, "aud", "https://other.test")), 401);
	assert_int_equal(users_with(f, token_but(f, "iss", "https://other.test")), 401);
	assert_int_equal(users_with(f, token_but(f, "tid", id_text(f->a, id_new()))), 401);
	assert_int_equal(users_with(f, token_but(f, "tid", NULL)), 401);
	assert_int_equal(users_with(f, token_but(f, "exp", NULL)), 401);
	assert_int_equal(users_with(f, token_but(f, "exp", "tomorrow")), 401);
	assert_int_equal(users_with(f, token_but(f, "oid", NULL)), 401);
	assert_int_equal(users_with(f, token_but(f, "oid", id_text(f->a, id_new()))), 401);
	assert_int_equal(users_with(f, token_but(f, "appid", NULL)), 401);
	assert_int_equal(users_with(f, token_but(f, "appid", id_text(f->a, id_new()))), 401);
	assert_int_equal(users_with(f, token_but(f, "scp", "Group.Read.All")), 403);
	/* Roles are for applications. */
	assert_int_equal(users_with(f, token_but(f, "idtyp", "app")), 403);
}

struct record {
	struct id app, admin;
};

static err_t
app_delete(struct tx *tx, void *arg)
{
	return store_app_delete(tx, ((struct record *)arg)->app);
}

static err_t
admin_delete(struct tx *tx, void *arg)
{
	return store_admin_delete(tx, ((struct record *)arg)->admin);
}

static const char *
token_of(struct fixture *f, bool app, struct id subject, struct id client)
{
	const char *token = NULL;

	expect_ok(token_make(&f->api, f->a,
	    &(struct token_spec){ .app = app,
		.subject = subject,
		.client = client,
		.name = "x",
		.permissions = "User.Read.All" },
	    &token));
	return token;
}

static void
a_token_ends_with_whom_it_was_made_for_and_with_the_application_that_got_it(void **state)
{
	struct fixture *f = *state;
	struct record first = { id_new(), person_of(f) }, second = { id_new(), person_of(f) };
	const char *own, *by_app, *by_other;

	put_app(f, first.app, NULL, "User.Read.All");
	put_app(f, second.app, NULL, "User.Read.All");
	own = token_of(f, true, first.app, first.app);
	by_app = token_of(f, false, second.admin, first.app);
	by_other = token_of(f, false, first.admin, second.app);
	assert_int_equal(users_with(f, own), 200);
	assert_int_equal(users_with(f, by_app), 200);
	assert_int_equal(users_with(f, by_other), 200);
	expect_ok(store_write(f->store, app_delete, &first));
	assert_int_equal(users_with(f, own), 401);
	assert_int_equal(users_with(f, by_app), 401);
	assert_int_equal(users_with(f, by_other), 200);
	expect_ok(store_write(f->store, admin_delete, &first));
	assert_int_equal(users_with(f, by_other), 401);
	expect_err(ERR_NOT_FOUND, store_write(f->store, admin_delete, &first));
	/* An application is no administrator and the other way round. */
	assert_int_equal(users_with(f, token_of(f, false, second.app, second.app)), 401);
	assert_int_equal(users_with(f, token_of(f, true, second.admin, second.admin)), 401);
}

static void
a_token_signed_with_no_or_another_algorithm_is_refused(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, "User.Read.All");
	struct str payload = str_c(token), head = str_cut(&payload, '.');
	struct str body = str_cut(&payload, '.'), plain;
	auto_json json *h = NULL;
	struct str text;

	expect_ok(text_unbase64(f->a, head, &plain));
	expect_ok(json_parse(plain, 4096, &h));
	json_set_text(h, "alg", "none");
	expect_ok(json_print(f->a, h, &text));
	assert_int_equal(users_with(f,
			     arena_printf(f->a, "%s.%.*s.", text_base64url(f->a, text), (int)body.n,
				 (const char *)body.p)),
	    401);
	json_set_text(h, "alg", "HS256");
	expect_ok(json_print(f->a, h, &text));
	assert_int_equal(
	    users_with(f,
		arena_printf(f->a, "%s.%.*s.%.*s", text_base64url(f->a, text), (int)body.n,
		    (const char *)body.p, (int)payload.n, (const char *)payload.p)),
	    401);
}

static void
a_token_of_another_key_is_refused(void **state)
{
	struct fixture *f = *state;
	struct jws_key *own = f->key;
	struct str jwk;
	const char *token;

	expect_ok(jws_key_make(f->a, &jwk));
	expect_ok(jws_key_parse(jwk, &f->key));
	token = token_for(f, "User.Read.All");
	jws_key_free(f->key);
	f->key = own;
	assert_int_equal(users_with(f, token), 401);
}

static void
errors_have_graphs_shape_and_our_fault(void **state)
{
	struct fixture *f = *state;
	auto_reply struct reply r =
	    call(f, "GET", "/beta/users/00000000-1111-2222-3333-444444444444",
		token_for(f, "User.Read.All"), NULL);
	const json *inner = json_get(json_get(r.json, "error"), "innerError");

	assert_int_equal(r.status, 404);
	assert_string_equal(error_code(&r), "ResourceNotFound");
	assert_string_equal(fault_id(&r), "not-found");
	assert_true(strlen(json_text(json_get(inner, "request-id"))) == 36);
	assert_true(strlen(json_text(json_get(inner, "client-request-id"))) == 36);
	assert_true(strlen(json_text(json_get(inner, "date"))) > 10);
}

static void
health_is_open_and_metrics_are_not(void **state)
{
	struct fixture *f = *state;
	auto_reply struct reply h = call(f, "GET", "/healthz", NULL, NULL);
	auto_reply struct reply y = call(f, "GET", "/readyz", NULL, NULL);
	auto_reply struct reply m = call(f, "GET", "/metrics", NULL, NULL);
	auto_reply struct reply g =
	    call(f, "GET", "/metrics", token_for(f, "Chancery.Metrics.Read"), NULL);

	assert_int_equal(h.status, 200);
	assert_int_equal(y.status, 200);
	assert_int_equal(m.status, 401);
	assert_int_equal(g.status, 200);
}

static void
unknown_paths_and_methods_are_said_to_be(void **state)
{
	struct fixture *f = *state;
	const char *token = token_for(f, "User.Read.All");
	auto_reply struct reply p = call(f, "GET", "/v1.0/usres", token, NULL);
	auto_reply struct reply m = call(f, "PUT", "/v1.0/users", token, "{}");

	assert_int_equal(p.status, 400);
	assert_string_equal(fault_id(&p), "no-segment");
	assert_int_equal(m.status, 405);
}

static int
posted_by(struct fixture *f, const char *permissions, const char *path, const char *body)
{
	auto_reply struct reply r = call(f, "POST", path, token_for(f, permissions), body);

	return r.status;
}

#define SERVICE "DeviceManagementServiceConfig.ReadWrite.All"
#define CONFIG_READ " DeviceManagementConfiguration.Read.All"
#define CONFIG_WRITE " DeviceManagementConfiguration.ReadWrite.All"

static void
a_code_for_a_connector_takes_the_right_to_change_connectors(void **state)
{
	static const char path[] = "/chancery/v1/enrolmentCodes";
	static const char connector[] = "{\"kind\":\"connector\"}";
	struct fixture *f = *state;

	assert_int_equal(posted_by(f, SERVICE, path, "{\"kind\":\"device\"}"), 201);
	assert_int_equal(posted_by(f, SERVICE, path, connector), 403);
	assert_int_equal(posted_by(f, SERVICE CONFIG_READ, path, connector), 403);
	assert_int_equal(posted_by(f, SERVICE CONFIG_WRITE, path, connector), 201);
}

static void
nobody_is_told_what_who_arranges_it_may_not_read(void **state)
{
	static const char path[] = "/chancery/v1/notifications";
	static const char body[] =
	    "{\"displayName\":\"N\",\"kind\":\"webhook\",\"address\":\"https://x.test/\"}";
	struct fixture *f = *state;
	const char *one;

	assert_int_equal(posted_by(f, SERVICE, path, body), 403);

	auto_reply struct reply made =
	    call(f, "POST", path, token_for(f, SERVICE CONFIG_READ), body);

	assert_int_equal(made.status, 201);
	one = arena_printf(f->a, "%s/%s", path, json_text(json_get(made.json, "id")));

	auto_reply struct reply moved =
	    call(f, "PATCH", one, token_for(f, SERVICE), "{\"address\":\"https://evil.test/\"}");
	auto_reply struct reply same = call(f, "GET", one, token_for(f, SERVICE), NULL);
	auto_reply struct reply gone = call(f, "DELETE", one, token_for(f, SERVICE), NULL);

	assert_int_equal(moved.status, 403);
	assert_string_equal(json_text(json_get(same.json, "address")), "https://x.test/");
	assert_int_equal(gone.status, 204);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
		T(no_route_but_public_ones_passes_without_a_token),
		T(a_read_permission_does_not_write),
		T(a_changed_token_is_refused),
		T(an_expired_token_is_refused),
		T(a_token_of_the_future_is_refused),
		T(a_token_for_somebody_else_is_refused),
		T(a_token_ends_with_whom_it_was_made_for_and_with_the_application_that_got_it),
		T(a_token_signed_with_no_or_another_algorithm_is_refused),
		T(a_token_of_another_key_is_refused),
		T(errors_have_graphs_shape_and_our_fault),
		T(health_is_open_and_metrics_are_not),
		T(unknown_paths_and_methods_are_said_to_be),
		T(a_code_for_a_connector_takes_the_right_to_change_connectors),
		T(nobody_is_told_what_who_arranges_it_may_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
