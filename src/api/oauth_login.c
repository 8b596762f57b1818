/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing in on another screen (RFC 8628): a program shows a short code, an administrator enters it on /device with
 * name and password, the program that polls gets its token.
 *
 *   devicecode ──► PENDING ── page: right password ──► APPROVED ── token ──► USED
 *                     └────── page: declined, or too many wrong passwords ──► DECLINED
 *
 * The record's scope is what the program asked for; permissions are worked out afresh when the token is made.
 */
#include "api/oauth.h"
#include "api/pace.h"
#include "base/secret.h"
#include "pki/key.h"
#include "pki/password_queue.h"

#define BRAKE_MAX 10u
#define BRAKE_S 900

/* No vowels and nothing that is mistaken for another: 20 letters, 8 of them. RFC 8628 6.1. */
static const char letters[] = "BCDFGHJKLMNPQRSTVWXZ";
#define USER_CODE 8

static const char *
user_code_new(struct arena *a)
{
	char *code = arena_alloc(a, USER_CODE + 1);

	for (size_t i = 0; i < USER_CODE;) {
		uint8_t b;

		rand_bytes(&b, 1);
		if (b < 240) /* the largest multiple of 20 below 256 */
			code[i++] = letters[b % 20];
	}
	return code;
}

/* As typed, in upper case, without dashes and blanks. */
static const char *
user_code_read(struct arena *a, const char *typed)
{
	char *code = arena_alloc(a, USER_CODE + 1);
	size_t n = 0;

	for (; typed != NULL && *typed != '\0' && n < USER_CODE; typed++) {
		char c = *typed >= 'a' && *typed <= 'z' ? (char)(*typed - 'a' + 'A') : *typed;

		if (c >= 'A' && c <= 'Z')
			code[n++] = c;
	}
	return code;
}

static err_t
login_insert(struct tx *tx, void *arg)
{
	return store_login_insert(tx, arg);
}

static err_t
device_code(struct http_req *r)
{
	struct api *api = api_of(r);
	struct arena *a = http_arena(r);
	const char *scope = http_form(r, "scope");
	const char *code = rand_token(a, 32);
	auto_json json *body = json_object_new();
	struct oauth_scope s;
	uint8_t hash[32];
	struct app app;
	struct login l = { .state = LOGIN_PENDING, .created = when_now() };

	TRY(api_pace_stranger(r));
	TRY(oauth_tenant(r));
	TRY(oauth_client_named(r, &app));
	TRY(oauth_scope_read(a, api->base_url, scope == NULL ? "" : scope, &s));
	hash_sha256(str_c(code), hash);
	l.code_hash = STR(hash);
	l.user_code = user_code_new(a);
	l.app = app.id;
	l.scope = s.all ? "" : s.names;
	l.offline = s.offline;
	l.expires = l.created + OAUTH_LOGIN_LIFE_S;
	TRY(store_write(api->store, login_insert, &l));

	const char *shown = arena_printf(a, "%.4s-%s", l.user_code, l.user_code + 4);
	const char *page = arena_printf(a, "%s/device", api->base_url);

	json_set_text(body, "user_code", shown);
	json_set_text(body, "device_code", code);
	json_set_text(body, "verification_uri", page);
	json_set_text(body, "verification_url", page);
	json_set_text(
	    body, "verification_uri_complete", arena_printf(a, "%s?user_code=%s", page, shown));
	json_set_int(body, "expires_in", OAUTH_LOGIN_LIFE_S);
	json_set_int(body, "interval", OAUTH_LOGIN_INTERVAL_S);
	json_set_text(body, "message",
	    arena_printf(a, "To sign in, open the page %s and enter the code %s.", page, shown));
	return reply_json(r, 200, body);
}

static err_t
post_device_code(struct http_req *r)
{
	return oauth_run(r, device_code);
}

/* One poll of the token endpoint. */
struct poll {
	struct arena *a;
	struct str code_hash;
	struct id app;
	struct login login;
	enum err_code refused; /* ERR_NONE: approved and now used */
};

static err_t
poll(struct tx *tx, void *arg)
{
	struct poll *p = arg;
	when_t now = when_now(), before;
	err_t e = store_login_by_code(tx, p->a, p->code_hash, &p->login);

	p->refused = ERR_OAUTH_CODE;
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		return OK;
	}
	TRY(e);
	if (!id_eq(p->login.app, p->app) || *p->login.challenge != '\0')
		return OK;
	before = p->login.polled;
	p->login.polled = now;
	switch (p->login.state) {
	case LOGIN_USED:
		return OK;
	case LOGIN_DECLINED:
		p->refused = ERR_OAUTH_DECLINED;
		return OK;
	case LOGIN_PENDING:
		p->refused = now >= p->login.expires          ? ERR_OAUTH_EXPIRED :
		    now - before < OAUTH_LOGIN_INTERVAL_S - 1 ? ERR_OAUTH_SLOW :
								ERR_OAUTH_PENDING;
		return store_login_update(tx, &p->login, LOGIN_PENDING);
	case LOGIN_APPROVED:
		if (now >= p->login.expires) {
			p->refused = ERR_OAUTH_EXPIRED;
			return OK;
		}
		p->refused = ERR_NONE;
		p->login.state = LOGIN_USED;
		return store_login_update(tx, &p->login, LOGIN_APPROVED);
	}
	return OK;
}

err_t
oauth_device_grant(struct http_req *r)
{
	struct arena *a = http_arena(r);
	const char *code = http_form(r, "device_code");
	struct poll p = { .a = a };
	uint8_t hash[32];
	struct app app;

	if (code == NULL)
		code = http_form(r, "code");
	if (code == NULL)
		FAIL(ERR_OAUTH_FIELD, "the body must contain 'device_code'");
	TRY(oauth_client(r, false, &app));
	p.app = app.id;
	hash_sha256(str_c(code), hash);
	p.code_hash = STR(hash);
	TRY(store_write(api_of(r)->store, poll, &p));
	if (p.refused != ERR_NONE)
		FAIL(p.refused, "%s", "");
	return oauth_reply_person(r, &app,
	    &(struct oauth_person){ .admin = p.login.admin,
		.asked = p.login.scope,
		.sign_in = oauth_sign_in(p.code_hash),
		.offline = p.login.offline });
}

struct admin_look {
	struct arena *a;
	const char *name;
	struct admin *ret;
};

static err_t
admin_by_name(struct tx *tx, void *arg)
{
	struct admin_look *l = arg;

	return store_admin_by_name(tx, l->a, l->name, l->ret);
}

/* As much work for a name that nobody has as for one that exists. */
static err_t
password_check(struct api *api, struct arena *a, const char *from, const char *name,
    const char *password, struct admin *ret)
{
	struct admin found = { .password_hash = password_of_nobody };
	struct admin_look l = { .a = a, .name = name, .ret = &found };
	bool good;
	err_t e = store_read(api->store, admin_by_name, &l);

	if (!err_is(e, ERR_NOT_FOUND))
		TRY(e);
	err_forget(e);
	TRY(password_queue_check(api->brake.queue, found.password_hash, password, &good));
	if (!good || !found.enabled) {
		/* What else was typed may be a password in the wrong field. */
		refusals_note(api->refusals, REFUSED_SIGN_IN, ERR_CREDENTIALS, from,
		    found.name == NULL ? "a name that nobody has" :
					 arena_printf(a, "admin %s", found.name));
		FAIL(ERR_CREDENTIALS, "%s", "");
	}
	*ret = found;
	return OK;
}

/* Counts a try of this name, as wrong until it is known to be right. False: there were too many. The count starts afresh when
 * its time is over. */
static bool
brake_take(struct api_brake *b, size_t row)
{
	when_t now = when_now();
	bool free;

	pthread_mutex_lock(&b->lock);
	if (b->row[row].until <= now) {
		b->row[row].failures = 0;
		b->row[row].until = now + BRAKE_S;
	}
	free = b->row[row].failures < BRAKE_MAX;
	if (free)
		b->row[row].failures++;
	pthread_mutex_unlock(&b->lock);
	return free;
}

/* A right one clears the count; what was not checked does not count. */
static void
brake_settle(struct api_brake *b, size_t row, bool right)
{
	pthread_mutex_lock(&b->lock);
	if (right)
		b->row[row].failures = 0;
	else if (b->row[row].failures > 0)
		b->row[row].failures--;
	pthread_mutex_unlock(&b->lock);
}

err_t
oauth_password(struct api *api, struct arena *a, const char *from, const char *name,
    const char *password, struct admin *ret)
{
	char *folded = arena_strdup(a, name);
	struct api_brake *b = &api->brake;
	size_t row;
	err_t e;

	for (char *p = folded; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	row = str_hash(str_c(folded)) % COUNT(b->row);
	if (!brake_take(b, row)) {
		sign_ins_password(&api->sign_ins, PASSWORD_BRAKED);
		refusals_note(api->refusals, REFUSED_SIGN_IN, ERR_LOGIN_LIMIT, from, "");
		FAIL(ERR_LOGIN_LIMIT, "for this name");
	}
	e = password_check(api, a, from, name, password, ret);
	if (!err_is(e, ERR_CREDENTIALS))
		brake_settle(b, row, err_ok(e));
	if (err_ok(e) || err_is(e, ERR_CREDENTIALS))
		sign_ins_password(&api->sign_ins, err_ok(e) ? PASSWORD_RIGHT : PASSWORD_WRONG);
	return e;
}

/* What the page does with a right or wrong password. */
struct decision {
	struct arena *a;
	const char *user_code;
	bool wrong, decline;
	const struct admin *admin;
};

static err_t
decide(struct tx *tx, void *arg)
{
	struct decision *d = arg;
	struct login l;

	TRY(store_login_by_user_code(tx, d->a, d->user_code, &l));
	if (l.state != LOGIN_PENDING || when_now() >= l.expires)
		FAIL(ERR_OAUTH_EXPIRED, "%s", "");
	if (d->wrong) {
		if (++l.failures >= OAUTH_LOGIN_TRIES)
			l.state = LOGIN_DECLINED;
		return store_login_update(tx, &l, LOGIN_PENDING);
	}
	l.admin = d->admin->id;
	l.state = d->decline ? LOGIN_DECLINED : LOGIN_APPROVED;
	TRY(store_login_update(tx, &l, LOGIN_PENDING));
	return store_audit_add(tx, arena_printf(d->a, "admin %s", d->admin->name),
	    d->decline ? "login.decline" : "login.approve",
	    arena_printf(d->a, "app %s", id_text(d->a, l.app)), "", "");
}

err_t
oauth_login_decide(struct api *api, struct arena *a, const char *from, const char *typed,
    const char *name, const char *password, bool decline)
{
	struct admin admin;
	struct decision d = {
		.a = a, .user_code = user_code_read(a, typed), .decline = decline, .admin = &admin
	};
	err_t e = oauth_password(api, a, from, name, password, &admin);
	struct err_report wrong;

	if (!err_is(e, ERR_CREDENTIALS)) {
		TRY(e);
		return store_write(api->store, decide, &d);
	}
	err_take(e, &wrong);
	d.wrong = true;
	err_forget(store_write(api->store, decide, &d));
	return err_raise(&wrong);
}

static const struct http_route routes[] = {
	ROUTE(POST, "/{tenant}/oauth2/v2.0/devicecode", PERM_PUBLIC, post_device_code),
	ROUTE(POST, "/{tenant}/oauth2/devicecode", PERM_PUBLIC, post_device_code),
	{ 0 },
};

const struct resource resource_oauth_login = { "oauth_login", routes };
