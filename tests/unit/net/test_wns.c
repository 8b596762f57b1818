/* SPDX-License-Identifier: Apache-2.0 */
/* The client of WNS against a server that answers as told; and which addresses of devices are called. */
#include "expect.h"

#include "net/http.h"
#include "net/proc.h"
#include "net/wns.h"

struct world {
	struct http *http;
	unsigned port;
	int status;
	const char *fields[3][2];
	const char *body;
	bool good;       /* what the push said was as it must be */
	char form[1024]; /* of the newest login */
};

static err_t
answer(struct http_req *r)
{
	struct world *w = http_ctx(r);

	for (size_t i = 0; i < COUNT(w->fields) && w->fields[i][0] != NULL; i++)
		http_reply_header(r, w->fields[i][0], w->fields[i][1]);
	return http_reply(r, w->status, "application/json", str_c(w->body));
}

static bool
says(struct http_req *r, const char *name, const char *value)
{
	const char *text = http_header(r, name);

	return text != NULL && strcmp(text, value) == 0;
}

static err_t
push(struct http_req *r)
{
	struct world *w = http_ctx(r);

	w->good = says(r, "Authorization", "Bearer a+b/c=") && says(r, "X-WNS-Type", "wns/raw") &&
	    says(r, "Content-Type", "application/octet-stream") &&
	    says(r, "X-WNS-Cache-Policy", "cache") && says(r, "Content-Length", "0");
	return answer(r);
}

static err_t
login(struct http_req *r)
{
	struct world *w = http_ctx(r);
	struct str body = http_body(r);

	assert_true(body.n < sizeof(w->form));
	memcpy(w->form, body.p, body.n);
	w->form[body.n] = '\0';
	return answer(r);
}

static err_t
gate(struct http_req *r, unsigned perm)
{
	(void)r;
	(void)perm;
	return OK;
}

static void
on_error(struct http_req *r, err_t e)
{
	err_forget(e);
	expect_ok(http_reply(r, 418, "text/plain", STR_EMPTY));
}

static const struct http_route routes[] = {
	ROUTE(POST, "/channel", 1, push),
	ROUTE(POST, "/login", 1, login),
	{ .path = NULL },
};

static int
set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct http_mount mount = {
		.routes = routes, .ctx = w, .gate = gate, .on_error = on_error
	};
	struct http_conf conf = { .name = "wns", .workers = 1, .mounts = &mount, .nmounts = 1 };

	w->status = 200;
	w->body = "";
	expect_ok(net_listen("127.0.0.1:0", &conf.listen_fd, &w->port));
	expect_ok(http_new(&conf, &w->http));
	expect_ok(http_start(w->http));
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	http_free(w->http);
	free(w);
	return 0;
}

static err_t
send_push(struct world *w, struct arena *a, struct wns_reply *ret)
{
	struct tls_client_conf conf = { 0 };
	auto_fetch struct fetch *f = NULL;

	TRY(wns_open(&conf, &f));
	return wns_push(
	    f, a, arena_printf(a, "http://127.0.0.1:%u/channel", w->port), "a+b/c=", 5000, ret);
}

static err_t
get_token(struct world *w, struct arena *a, const char **ret, int64_t *ret_seconds)
{
	const struct wns_conf c = { .client = "ms-app://s-1-15-2-7",
		.tenant = "",
		.secret = "pa&ss=w+rd/",
		.token_url = arena_printf(a, "http://127.0.0.1:%u/login", w->port) };
	struct tls_client_conf conf = { 0 };
	auto_fetch struct fetch *f = NULL;

	TRY(wns_open(&conf, &f));
	return wns_token(f, a, &c, 5000, ret, ret_seconds);
}

static void
each_answer_has_its_outcome(void **state)
{
	static const struct {
		int status;
		const char *word;
		enum wns_outcome outcome;
	} rows[] = {
		{ 200, "received", WNS_SENT },
		{ 200, "dropped", WNS_REFUSED },
		{ 200, "channelthrottled", WNS_THROTTLED },
		{ 406, "channelthrottled", WNS_THROTTLED },
		{ 400, "dropped", WNS_REFUSED },
		{ 401, "", WNS_TOKEN },
		{ 403, "", WNS_REFUSED },
		{ 404, "", WNS_GONE },
		{ 405, "", WNS_REFUSED },
		{ 406, "", WNS_LATER },
		{ 410, "dropped", WNS_GONE },
		{ 413, "", WNS_REFUSED },
		{ 429, "", WNS_LATER },
		{ 302, "", WNS_REFUSED },
		{ 500, "", WNS_LATER },
		{ 503, "", WNS_LATER },
	};
	struct world *w = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		auto_arena struct arena *a = arena_new();
		struct wns_reply r;

		w->status = rows[i].status;
		w->fields[0][0] = "X-WNS-Status";
		w->fields[0][1] = rows[i].word;
		expect_ok(send_push(w, a, &r));
		assert_true(w->good);
		assert_int_equal(r.outcome, rows[i].outcome);
		assert_int_equal(r.after_s, 0);
	}
}

static void
how_long_to_wait_is_taken_from_either_field_within_bounds(void **state)
{
	static const struct {
		const char *name, *value;
		int64_t seconds;
	} rows[] = {
		{ "Retry-After", "30", 30 },
		{ "X-WNS-Continue-After", "7", 7 },
		{ "Retry-After", "-1", 0 },
		{ "Retry-After", "99999999999", 0 },
		{ "Retry-After", "Fri, 31 Dec 2027 23:59:59 GMT", 0 },
	};
	struct world *w = *state;

	w->status = 406;
	w->fields[1][0] = "X-WNS-Error-Description";
	w->fields[1][1] = "too much";
	for (size_t i = 0; i < COUNT(rows); i++) {
		auto_arena struct arena *a = arena_new();
		struct wns_reply r;

		w->fields[0][0] = rows[i].name;
		w->fields[0][1] = rows[i].value;
		expect_ok(send_push(w, a, &r));
		assert_int_equal(r.after_s, rows[i].seconds);
		assert_string_equal(r.reason, "status 406: too much");
	}
}

static void
a_token_is_asked_for_with_everything_escaped(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct world *w = *state;
	const char *token;
	int64_t seconds;

	w->body = "{\"access_token\":\"a+b/c=\",\"token_type\":\"bearer\",\"expires_in\":86400}";
	expect_ok(get_token(w, a, &token, &seconds));
	assert_string_equal(token, "a+b/c=");
	assert_int_equal(seconds, 86400);
	assert_string_equal(w->form,
	    "grant_type=client_credentials&client_id=ms-app%3A%2F%2Fs-1-15-2-7"
	    "&client_secret=pa%26ss%3Dw%2Brd%2F&scope=notify.windows.com");
	w->body = "{\"access_token\":\"x\",\"expires_in\":\"600\"}";
	expect_ok(get_token(w, a, &token, &seconds));
	assert_int_equal(seconds, 600);
	w->body = "{\"access_token\":\"x\"}";
	expect_ok(get_token(w, a, &token, &seconds));
	assert_int_equal(seconds, 3600);
}

static void
a_token_that_would_be_more_than_a_field_is_refused(void **state)
{
	static const char *const bodies[] = { "", "[]", "{}", "{\"access_token\":\"\"}",
		"{\"access_token\":7}", "{\"access_token\":\"a b\"}",
		"{\"access_token\":\"a\\r\\nX-Evil: 1\"}", "{\"access_token\":\"\\u00e4\"}",
		"{\"access_token\":\"a\",\"expires_in\":\"soon\"}" };
	struct world *w = *state;

	for (size_t i = 0; i < COUNT(bodies); i++) {
		auto_arena struct arena *a = arena_new();
		const char *token;
		int64_t seconds;

		w->body = bodies[i];
		expect_err(ERR_WINDOWS_PUSH, get_token(w, a, &token, &seconds));
	}
}

static void
a_refused_login_gives_the_reason_and_not_the_secret(void **state)
{
	auto_arena struct arena *a = arena_new();
	struct world *w = *state;
	struct err_report why;
	const char *token;
	int64_t seconds;

	w->status = 400;
	w->body = "{\"error\":\"invalid_client\",\"error_description\":\"no such\\u0007 client\"}";
	err_take(get_token(w, a, &token, &seconds), &why);
	assert_int_equal(why.code, ERR_WINDOWS_PUSH);
	assert_string_equal(
	    why.detail, "no token: status 400: invalid_client: no such\\x07 client");
	w->status = 503;
	expect_err(ERR_BUSY, get_token(w, a, &token, &seconds));
}

static void
only_addresses_of_the_push_service_are_called(void **state)
{
	static const char *const good[] = { "https://db5.notify.windows.com/?token=AwYAAAC%2fz",
		"https://wns2-par02p.NOTIFY.windows.com/w/?token=1",
		"https://notify.windows.com/x" };
	static const char *const bad[] = { "", "https://", "http://db5.notify.windows.com/?token=1",
		"https://notify.windows.com.evil.example/", "https://evilnotify.windows.com/",
		"https://evil.example/?notify.windows.com",
		"https://evil.example#.notify.windows.com",
		"https://evil.example\\.notify.windows.com/",
		"https://evil.example@db5.notify.windows.com/",
		"https://db5.notify.windows.com:8443/",
		"https://db5.notify.windows.com@evil.example/", "https://.notify.windows.com/",
		"https://db5:.notify.windows.com/", "https://db5:443.notify.windows.com/",
		"https://[::1].notify.windows.com/", "https://127.0.0.1/", "https://[::1]/",
		"https://db5.notify.windows.com/ x",
		"https://db5.notify.windows.com\r\n.notify.windows.com/", "file:///etc/passwd",
		"HTTPS://db5.notify.windows.com/", "ftp://db5.notify.windows.com/",
		"https://%64b5.notify.windows.com/" };
	char *large = NULL;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_true(wns_channel_good("notify.windows.com", good[i]));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(wns_channel_good("notify.windows.com", bad[i]));
	assert_true(wns_channel_good("localhost:99", "https://localhost:99/?token=1"));
	assert_false(wns_channel_good("localhost:99", "https://localhost/?token=1"));
	assert_false(wns_channel_good("localhost:99", "https://localhost:999/"));
	assert_false(wns_channel_good("", "https://anything.example/"));
	assert_true(asprintf(&large, "https://notify.windows.com/%02100d", 0) > 0);
	assert_false(wns_channel_good("notify.windows.com", large));
	free(large);
}

static void
a_package_is_named_as_the_store_has_it(void **state)
{
	static const char *const bad[] = { "", "_", "MyCompany.App", "My Company_8wekyb3d8bbwe",
		"MyCompany.App_8wekyb3d8bbw", "MyCompany.App_8wekyb3d8bbwe1", "A_8wekyb3d8bb_e",
		"_8wekyb3d8bbwe", "A<_8wekyb3d8bbwe" };

	(void)state;
	assert_true(wns_package_good("12345My-Company.App_8wekyb3d8bbwe"));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(wns_package_good(bad[i]));
}

static void
credentials_are_of_the_store_or_of_a_directory(void **state)
{
#define TENANT "0c6b8f64-3b50-4c8e-9d5c-4b2f0a6c1d11"
	static const struct {
		struct wns_conf conf;
		const char *url; /* NULL: refused */
	} rows[] = {
		{ { "ms-app://s-1-15-2-7", "", "x", "" },
		    "https://login.live.com/accesstoken.srf" },
		{ { TENANT, TENANT, "x", "" },
		    "https://login.microsoftonline.com/" TENANT "/oauth2/v2.0/token" },
		{ { TENANT, TENANT, "x", "https://login.example/t" }, "https://login.example/t" },
		{ { TENANT, "", "x", "" }, NULL },
		{ { "", "", "x", "" }, NULL },
		{ { "ms-app://s-1-15-2-7", "", "", "" }, NULL },
		{ { "ms-app://s-1 15", "", "x", "" }, NULL },
		{ { "ms-app://s-1-15-2-7", TENANT, "x", "" }, NULL },
		{ { TENANT, "../../evil", "x", "" }, NULL },
		{ { TENANT, TENANT, "x", "http://login.example/t" }, NULL },
	};
	auto_arena struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (rows[i].url == NULL) {
			expect_err(ERR_CONF, wns_conf_check(&rows[i].conf));
			continue;
		}
		expect_ok(wns_conf_check(&rows[i].conf));
		assert_string_equal(wns_token_url(a, &rows[i].conf), rows[i].url);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_answer_has_its_outcome, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    how_long_to_wait_is_taken_from_either_field_within_bounds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_token_is_asked_for_with_everything_escaped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_token_that_would_be_more_than_a_field_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_refused_login_gives_the_reason_and_not_the_secret, set_up, tear_down),
		cmocka_unit_test(only_addresses_of_the_push_service_are_called),
		cmocka_unit_test(a_package_is_named_as_the_store_has_it),
		cmocka_unit_test(credentials_are_of_the_store_or_of_a_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
