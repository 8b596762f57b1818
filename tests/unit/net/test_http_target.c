/* SPDX-License-Identifier: Apache-2.0 */
/* Paths, queries and routes. */
#include "expect.h"

#include "net/http_target.h"

static err_t
handler(struct http_req *r)
{
	(void)r;
	return OK;
}

static const struct http_route graph[] = {
	ROUTE(GET, "/v1.0/users/{id}", 1, handler),
	ROUTE(GET, "/v1.0/users/delta", 2, handler),
	ROUTE(POST, "/v1.0/users", 3, handler),
	ROUTE(GET, "/v1.0/users/{id}/memberOf/{group}", 4, handler),
	{ .path = NULL },
};

static const struct http_route pages[] = {
	ROUTE(GET, "/console/{rest*}", 5, handler),
	ROUTE(GET, "/v1.0/users", 6, handler),
	{ .path = NULL },
};

static const struct http_mount mounts[] = { { .routes = graph }, { .routes = pages } };

static err_t
match(struct arena *a, enum http_method m, const char *target, struct http_match *ret)
{
	const struct http_mount *mount;
	struct http_target t;

	TRY(http_target_parse(a, target, &t));
	return http_match(a, mounts, COUNT(mounts), m, &t, &mount, ret);
}

static void
finds(enum http_method m, const char *target, unsigned perm, const char *name, const char *value)
{
	auto_arena struct arena *a = arena_new();
	struct http_match got;

	expect_ok(match(a, m, target, &got));
	assert_int_equal(got.route->perm, perm);
	if (name != NULL)
		assert_string_equal(http_pairs_get(&got.params, name), value);
}

static void
finds_routes(void **state)
{
	(void)state;
	finds(HTTP_GET, "/v1.0/users/7", 1, "id", "7");
	finds(HTTP_HEAD, "/v1.0/users/7", 1, "id", "7");
	finds(HTTP_GET, "//V1.0//Users/7/", 1, "id", "7");
	finds(HTTP_GET, "/v1.0/users/DELTA", 2, NULL, NULL);
	finds(HTTP_POST, "/v1.0/users", 3, NULL, NULL);
	finds(HTTP_GET, "/v1.0/users", 6, NULL, NULL);
	finds(HTTP_GET, "/v1.0/users/a/memberOf/b", 4, "group", "b");
	finds(HTTP_GET, "/console/a/b.js", 5, "rest", "a/b.js");
}

static void
reads_keys_in_parentheses_as_segments(void **state)
{
	(void)state;
	finds(HTTP_GET, "/v1.0/users('7')", 1, "id", "7");
	finds(HTTP_GET, "/v1.0/users(7)/memberOf('b')", 4, "group", "b");
	finds(HTTP_GET, "/v1.0/users%28%27o''neil%27%29", 1, "id", "o'neil");
}

static void
decodes_a_segment_once_and_after_the_split(void **state)
{
	(void)state;
	finds(HTTP_GET, "/v1.0/users/a%2Fb", 1, "id", "a/b");
	finds(HTTP_GET, "/v1.0/users/a%252Fb", 1, "id", "a%2Fb");
	finds(HTTP_GET, "/v1.0/users/a+b", 1, "id", "a+b");
	finds(HTTP_GET, "/v1.0/users/%C3%BC", 1, "id", "\xC3\xBC");
}

static void
tells_no_path_from_no_method(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct http_match m;

	(void)state;
	expect_err(ERR_NO_SEGMENT, match(a, HTTP_GET, "/", &m));
	expect_err(ERR_NO_SEGMENT, match(a, HTTP_GET, "/v1.0", &m));
	expect_err(ERR_NO_SEGMENT, match(a, HTTP_GET, "/console", &m));
	expect_err(ERR_NO_SEGMENT, match(a, HTTP_GET, "/v1.0/users/7/x", &m));
	expect_err(ERR_METHOD, match(a, HTTP_DELETE, "/v1.0/users/7", &m));
	expect_err(ERR_METHOD, match(a, HTTP_PATCH, "/v1.0/users", &m));
}

static void
refuses_bad_paths(void **state)
{
	static const char *const bad[] = { "/a%", "/a%1", "/a%zz", "/%00", "/%0a", "/%7f", "/../x",
		"/a/%2e%2e", "/a/.", "/x('')", "/?a=%0", "/?%00=b" };
	auto_arena struct arena *a = arena_new();
	struct http_target t;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		expect_err(ERR_BAD_REQUEST, http_target_parse(a, bad[i], &t));
	expect_err(ERR_UTF8, http_target_parse(a, "/%ff", &t));
	expect_err(ERR_BAD_REQUEST,
	    http_target_parse(
		a, "/1/2/3/4/5/6/7/8/9/1/2/3/4/5/6/7/8/9/1/2/3/4/5/6/7/8/9/1/2/3/4/5/6/7/8/9", &t));
}

static void
reads_query_pairs(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct http_target t;

	(void)state;
	expect_ok(http_target_parse(a, "/x?%24Filter=a+eq+%27b%2Bc%27&&empty&two==", &t));
	assert_string_equal(http_pairs_get(&t.query, "$filter"), "a eq 'b+c'");
	assert_string_equal(http_pairs_get(&t.query, "empty"), "");
	assert_string_equal(http_pairs_get(&t.query, "two"), "=");
	assert_null(http_pairs_get(&t.query, "none"));
	assert_string_equal(t.raw_path, "/x");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_routes),
		cmocka_unit_test(reads_keys_in_parentheses_as_segments),
		cmocka_unit_test(decodes_a_segment_once_and_after_the_split),
		cmocka_unit_test(tells_no_path_from_no_method),
		cmocka_unit_test(refuses_bad_paths),
		cmocka_unit_test(reads_query_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
