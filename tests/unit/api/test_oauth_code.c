/* SPDX-License-Identifier: Apache-2.0 */
/* Signing in with a browser: what a code needs to become a token, and what a refresh token does. */
#include "expect.h"
#include "fixture.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "store/access.h"

#define BACK "http%3A%2F%2F127.0.0.1%3A4711%2Fback"
#define AUTHORIZE "/common/oauth2/v2.0/authorize"
#define TOKEN "/common/oauth2/v2.0/token"
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  /* RFC 7636, appendix B */
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" /* and its challenge */
#define ASKS(back, more) \
	"client_id=" OAUTH_CLI_CLIENT "&redirect_uri=" back "&response_type=code&state=s%26t" \
	"&code_challenge=" CHALLENGE "&code_challenge_method=S256" more

/* An answer that leads on: status and where to; NULL: nowhere. */
struct led {
	int status;
	const char *to, *page;
};

/* All that comes back on a connection of its own: the client of the fixture does not show where an answer leads. */
static const char *
exchange(struct fixture *f, const char *request)
{
	const char *colon = strrchr(f->api.base_url, ':');
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char *all = arena_alloc(f->a, 65536);
	size_t at = 0;
	ssize_t n;
	int64_t port;

	expect_ok(text_i64(str_c(colon + 1), 1, 65535, &port));
	to.sin_port = htons((uint16_t)port);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(write(fd, request, strlen(request)), (ssize_t)strlen(request));
	while (at < 65535 && (n = read(fd, all + at, 65535 - at)) > 0)
		at += (size_t)n;
	close(fd);
	all[at] = '\0';
	return all;
}

static struct led
go(struct fixture *f, const char *method, const char *form)
{
	bool get = strcmp(method, "GET") == 0;
	const char *answer = exchange(f,
	    get ?
		arena_printf(f->a,
		    "GET " AUTHORIZE "?%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", form) :
		arena_printf(f->a,
		    "POST " AUTHORIZE " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
		    "Content-Type: application/x-www-form-urlencoded\r\n"
		    "Content-Length: %zu\r\n\r\n%s",
		    strlen(form), form));
	const char *to = strstr(answer, "\r\nLocation: ");
	const char *page = strstr(answer, "\r\n\r\n");
	int64_t status;

	assert_int_equal(strncmp(answer, "HTTP/1.1 ", 9), 0);
	assert_non_null(page);
	expect_ok(text_i64(str_of((const uint8_t *)answer + 9, 3), 100, 599, &status));
	if (to != NULL && to < page) {
		to += 12;
		to = arena_cstr(f->a, str_of((const uint8_t *)to, strcspn(to, "\r")));
	} else
		to = NULL;
	return (struct led){ .status = (int)status, .to = to, .page = page };
}

/* A value of the address that an answer leads to; NULL: it has none of that name. */
static const char *
part(struct fixture *f, const char *url, const char *name)
{
	const char *at = strstr(url, arena_printf(f->a, "?%s=", name));

	if (at == NULL)
		at = strstr(url, arena_printf(f->a, "&%s=", name));
	if (at == NULL)
		return NULL;
	at += strlen(name) + 2;
	return arena_cstr(f->a, str_of((const uint8_t *)at, strcspn(at, "&")));
}

static const char *
code_for(struct fixture *f, const char *scope)
{
	struct led l = go(f, "POST",
	    arena_printf(f->a, "%s%s", ASKS(BACK, "&username=root&password=right&scope="), scope));
	const char *code;

	assert_int_equal(l.status, 303);
	code = part(f, l.to, "code");
	assert_non_null(code);
	return code;
}

static struct reply
redeem(struct fixture *f, const char *code, const char *back, const char *verifier)
{
	return call(f, "POST", TOKEN, NULL,
	    arena_printf(f->a,
		"grant_type=authorization_code&client_id=" OAUTH_CLI_CLIENT
		"&code=%s&redirect_uri=%s&code_verifier=%s",
		code, back, verifier));
}

static struct reply
renew(struct fixture *f, const char *refresh, const char *more)
{
	return call(f, "POST", TOKEN, NULL,
	    arena_printf(f->a,
		"grant_type=refresh_token&client_id=" OAUTH_CLI_CLIENT "&refresh_token=%s%s",
		refresh, more));
}

static const char *
member(struct fixture *f, const struct reply *r, const char *name)
{
	return arena_strdup(f->a, json_text(json_get(r->json, name)));
}

static void
a_person_signs_in_and_the_answer_names_the_issuer(void **state)
{
	struct fixture *f = *state;
	struct led page, back;

	put_admin(f, "root", "right", "User.ReadWrite.All Group.Read.All");
	page = go(f, "GET", ASKS(BACK, "&scope=User.Read.All"));
	back = go(f, "POST", ASKS(BACK, "&scope=User.Read.All&username=root&password=right"));

	auto_reply struct reply r = redeem(f, part(f, back.to, "code"), BACK, VERIFIER);
	const char *token = json_text(json_get(r.json, "access_token"));
	auto_reply struct reply users = call(f, "GET", "/v1.0/users", token, NULL);
	auto_reply struct reply groups = call(f, "GET", "/v1.0/groups", token, NULL);

	assert_int_equal(page.status, 200);
	assert_null(strstr(page.page, "<script"));
	assert_non_null(strstr(page.page, "value=\"s&amp;t\""));
	assert_non_null(strstr(page.page, "http://127.0.0.1:4711"));
	assert_int_equal(back.status, 303);
	assert_int_equal(strncmp(back.to, "http://127.0.0.1:4711/back?code=", 32), 0);
	assert_string_equal(part(f, back.to, "state"), "s%26t");
	assert_non_null(strstr(part(f, back.to, "iss"), id_text(f->a, f->api.tenant)));
	assert_int_equal(r.status, 200);
	assert_string_equal(json_text(json_get(r.json, "scope")), "User.Read.All");
	assert_null(json_get(r.json, "refresh_token"));
	assert_int_equal(users.status, 200);
	assert_int_equal(groups.status, 403);
}

/* An address that is none of the person's own machine gets a page, and nothing is sent there. */
static void
an_answer_leads_to_this_machine_and_nowhere_else(void **state)
{
	static const char *const bad[] = { "https%3A%2F%2F127.0.0.1%2Fx",
		"http%3A%2F%2Fevil.test%2Fx", "http%3A%2F%2F127.0.0.1.evil.test%2Fx",
		"http%3A%2F%2F127.0.0.1%40evil.test%2Fx", "http%3A%2F%2Flocalhost.evil.test",
		"http%3A%2F%2F127.0.0.1%3A99999%2F", "http%3A%2F%2F127.0.0.1%3A%2F",
		"http%3A%2F%2F127.0.0.1%3A1%40evil.test%2F", "http%3A%2F%2F127.0.0.1%2F%23x",
		"http%3A%2F%2F127.0.0.1%2F%0D%0AX%3A1", "javascript%3Aalert(1)", "%2Fback", "" };
	struct fixture *f = *state;

	put_admin(f, "root", "right", "User.Read.All");
	for (size_t i = 0; i < COUNT(bad); i++) {
		const char *form = arena_printf(f->a,
		    "client_id=" OAUTH_CLI_CLIENT "&redirect_uri=%s&response_type=code"
		    "&code_challenge=" CHALLENGE "&code_challenge_method=S256"
		    "&username=root&password=right",
		    bad[i]);
		struct led get = go(f, "GET", form), post = go(f, "POST", form);

		if (get.status != 400 || post.status != 400 || get.to != NULL || post.to != NULL)
			fail_msg("%s: %d, %d", bad[i], get.status, post.status);
	}
	assert_int_equal(go(f, "GET", ASKS("http%3A%2F%2Flocalhost", "")).status, 200);
	assert_int_equal(
	    go(f, "GET", "client_id=nobody&redirect_uri=" BACK "&response_type=code").status, 400);
}

/* Whatever else is wrong with the asking the program hears. */
static void
a_program_hears_what_is_wrong_with_what_it_asks(void **state)
{
	static const struct {
		const char *form, *error;
	} bad[] = {
		{ "&response_type=token&code_challenge=" CHALLENGE "&code_challenge_method=S256",
		    "invalid_request" },
		{ "&code_challenge=" CHALLENGE "&code_challenge_method=S256", "invalid_request" },
		{ "&response_type=code", "invalid_request" },
		{ "&response_type=code&code_challenge=" CHALLENGE, "invalid_request" },
		{ "&response_type=code&code_challenge=" VERIFIER "&code_challenge_method=plain",
		    "invalid_request" },
		{ "&response_type=code&code_challenge=short&code_challenge_method=S256",
		    "invalid_request" },
		{ "&response_type=code&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"
		  "&code_challenge_method=S256",
		    "invalid_request" },
		{ "&response_type=code&response_mode=fragment&code_challenge=" CHALLENGE
		  "&code_challenge_method=S256",
		    "invalid_request" },
		{ "&response_type=code&scope=Nothing.Here&code_challenge=" CHALLENGE
		  "&code_challenge_method=S256",
		    "invalid_scope" },
		{ "&response_type=code&scope=https://other.test/.default&code_challenge=" CHALLENGE
		  "&code_challenge_method=S256",
		    "invalid_resource" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(bad); i++) {
		const char *form = arena_printf(f->a,
		    "client_id=" OAUTH_CLI_CLIENT "&redirect_uri=%s&state=x%s", BACK, bad[i].form);
		struct led get = go(f, "GET", form);

		if (get.status != 303 || strcmp(part(f, get.to, "error"), bad[i].error) != 0)
			fail_msg("%s: %d %s", bad[i].form, get.status, get.to);
		assert_string_equal(part(f, get.to, "state"), "x");
		assert_null(part(f, get.to, "code"));
		assert_int_equal(go(f, "POST", form).status, 303);
	}

	struct led declined = go(f, "POST", ASKS(BACK, "&action=decline"));

	assert_string_equal(part(f, declined.to, "error"), "access_denied");
}

static void
who_has_no_right_password_gets_no_code(void **state)
{
	struct fixture *f = *state;
	struct led wrong, none, late;

	put_admin(f, "root", "right", "User.Read.All");
	wrong = go(f, "POST", ASKS(BACK, "&username=root&password=wrong"));
	none = go(f, "POST", ASKS(BACK, "&username=root"));
	assert_int_equal(wrong.status, 401);
	assert_null(wrong.to);
	assert_non_null(strstr(wrong.page, "name=\"password\""));
	assert_int_equal(none.status, 400);
	for (int i = 0; i < 9; i++)
		(void)go(f, "POST", ASKS(BACK, "&username=root&password=wrong"));
	late = go(f, "POST", ASKS(BACK, "&username=root&password=right"));
	assert_int_equal(late.status, 429);
	assert_null(late.to);
}

/* Each of these costs the code: the right ones come too late. */
static void
a_code_is_good_once_with_its_verifier_and_address(void **state)
{
	struct fixture *f = *state;
	const char *code;

	put_admin(f, "root", "right", "User.Read.All");
	for (int i = 0; i < 4; i++) {
		code = code_for(f, "User.Read.All");
		if (i == 2)
			when_set(when_now() + OAUTH_CODE_LIFE_S);
		auto_reply struct reply bad = i == 0 ?
		    redeem(f, code, BACK, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl") :
		    i == 1 ? redeem(f, code, "http%3A%2F%2F127.0.0.1%3A4712%2Fback", VERIFIER) :
		    i == 2 ? redeem(f, code, BACK, VERIFIER) :
			     redeem(f, code, BACK, CHALLENGE);
		auto_reply struct reply late = redeem(f, code, BACK, VERIFIER);

		when_set(0);
		assert_string_equal(json_text(json_get(bad.json, "error")), "invalid_grant");
		assert_string_equal(json_text(json_get(late.json, "error")), "invalid_grant");
	}

	auto_reply struct reply unknown = redeem(f, "nothing", BACK, VERIFIER);
	auto_reply struct reply without = redeem(f, code_for(f, ""), BACK, "");
	auto_reply struct reply as_device = call(f, "POST", TOKEN, NULL,
	    arena_printf(f->a,
		"grant_type=device_code&client_id=" OAUTH_CLI_CLIENT "&device_code=%s",
		code_for(f, "User.Read.All")));

	assert_string_equal(json_text(json_get(unknown.json, "error")), "invalid_grant");
	assert_int_equal(without.status, 400);
	assert_string_equal(json_text(json_get(as_device.json, "error")), "invalid_grant");
}

static void
a_code_of_another_application_is_none(void **state)
{
	struct fixture *f = *state;
	struct id id = id_new();
	const char *code;

	put_app(f, id, "s3cret", "User.Read.All");
	put_admin(f, "root", "right", "User.Read.All");
	code = code_for(f, "User.Read.All");

	auto_reply struct reply other = call(f, "POST", TOKEN, NULL,
	    arena_printf(f->a,
		"grant_type=authorization_code&client_id=%s&client_secret=s3cret&code=%s"
		"&redirect_uri=%s&code_verifier=" VERIFIER,
		id_text(f->a, id), code, BACK));
	auto_reply struct reply own = redeem(f, code, BACK, VERIFIER);

	assert_string_equal(json_text(json_get(other.json, "error")), "invalid_grant");
	assert_int_equal(own.status, 200);
}

static void
a_sign_in_goes_on_with_another_refresh_token_each_time(void **state)
{
	struct fixture *f = *state;

	put_admin(f, "root", "right", "User.Read.All Group.Read.All");
	auto_reply struct reply r =
	    redeem(f, code_for(f, "User.Read.All%20offline_access"), BACK, VERIFIER);
	const char *first = member(f, &r, "refresh_token");
	auto_reply struct reply next = renew(f, first, "");
	const char *second = member(f, &next, "refresh_token");
	auto_reply struct reply more = renew(f, second, "&scope=Group.Read.All");
	auto_reply struct reply less = renew(f, second, "&scope=User.Read.All");
	const char *third = member(f, &less, "refresh_token");
	auto_reply struct reply users =
	    call(f, "GET", "/v1.0/users", member(f, &less, "access_token"), NULL);

	assert_int_equal(next.status, 200);
	assert_string_not_equal(first, second);
	assert_string_equal(json_text(json_get(next.json, "scope")), "User.Read.All");
	assert_string_equal(json_text(json_get(more.json, "error")), "invalid_scope");
	assert_int_equal(less.status, 200);
	assert_int_equal(users.status, 200);

	/* Who comes with the one before has a copy: nobody goes on. */
	auto_reply struct reply copied = renew(f, second, "");
	auto_reply struct reply ended = renew(f, third, "");

	assert_string_equal(json_text(json_get(copied.json, "error")), "invalid_grant");
	assert_non_null(strstr(member(f, &copied, "error_description"), "copy"));
	assert_string_equal(json_text(json_get(ended.json, "error")), "invalid_grant");
}

static void
a_sign_in_ends_by_time_by_revocation_and_by_a_code_used_twice(void **state)
{
	struct fixture *f = *state;
	const char *code, *token;

	put_admin(f, "root", "right", "User.Read.All");
	code = code_for(f, "offline_access");
	auto_reply struct reply r = redeem(f, code, BACK, VERIFIER);
	auto_reply struct reply twice = redeem(f, code, BACK, VERIFIER);
	auto_reply struct reply after = renew(f, member(f, &r, "refresh_token"), "");

	assert_int_equal(r.status, 200);
	assert_string_equal(json_text(json_get(twice.json, "error")), "invalid_grant");
	assert_string_equal(json_text(json_get(after.json, "error")), "invalid_grant");

	auto_reply struct reply again = redeem(f, code_for(f, "offline_access"), BACK, VERIFIER);
	token = member(f, &again, "refresh_token");
	auto_reply struct reply revoked = call(f, "POST", "/common/oauth2/v2.0/revoke", NULL,
	    arena_printf(f->a, "client_id=" OAUTH_CLI_CLIENT "&token=%s", token));
	auto_reply struct reply nothing = call(f, "POST", "/common/oauth2/v2.0/revoke", NULL,
	    "client_id=" OAUTH_CLI_CLIENT "&token=nothing");
	auto_reply struct reply gone = renew(f, token, "");

	assert_int_equal(revoked.status, 200);
	assert_int_equal(nothing.status, 200);
	assert_string_equal(json_text(json_get(gone.json, "error")), "invalid_grant");

	auto_reply struct reply idle = redeem(f, code_for(f, "offline_access"), BACK, VERIFIER);

	token = member(f, &idle, "refresh_token");
	when_set(when_now() + OAUTH_REFRESH_IDLE_S - 1);
	auto_reply struct reply in_time = renew(f, token, "");

	token = member(f, &in_time, "refresh_token");
	when_set(when_now() + OAUTH_REFRESH_IDLE_S);
	auto_reply struct reply late = renew(f, token, "");

	when_set(0);
	assert_int_equal(in_time.status, 200);
	assert_string_equal(json_text(json_get(late.json, "error")), "invalid_grant");
}

static err_t
remove_root(struct tx *tx, void *arg)
{
	struct fixture *f = arg;
	struct admin who;

	TRY(store_admin_by_name(tx, f->a, "root", &who));
	return store_admin_delete(tx, who.id);
}

static void
who_was_removed_does_not_go_on(void **state)
{
	struct fixture *f = *state;
	const char *late;

	put_admin(f, "root", "right", "User.Read.All");
	auto_reply struct reply r = redeem(f, code_for(f, "offline_access"), BACK, VERIFIER);

	late = code_for(f, "User.Read.All");
	expect_ok(store_write(f->store, remove_root, f));
	put_admin(f, "root", "right", "User.Read.All"); /* another one of that name */
	auto_reply struct reply gone = renew(f, member(f, &r, "refresh_token"), "");

	assert_int_equal(r.status, 200);
	assert_string_equal(json_text(json_get(gone.json, "error")), "invalid_grant");

	auto_reply struct reply code = redeem(f, late, BACK, VERIFIER);

	assert_string_equal(json_text(json_get(code.json, "error")), "authorization_declined");
}

#define CASE(name_) cmocka_unit_test_setup_teardown(name_, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_person_signs_in_and_the_answer_names_the_issuer),
		CASE(an_answer_leads_to_this_machine_and_nowhere_else),
		CASE(a_program_hears_what_is_wrong_with_what_it_asks),
		CASE(who_has_no_right_password_gets_no_code),
		CASE(a_code_is_good_once_with_its_verifier_and_address),
		CASE(a_code_of_another_application_is_none),
		CASE(a_sign_in_goes_on_with_another_refresh_token_each_time),
		CASE(a_sign_in_ends_by_time_by_revocation_and_by_a_code_used_twice),
		CASE(who_was_removed_does_not_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
