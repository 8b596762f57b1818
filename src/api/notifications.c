/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /chancery/v1/notifications: where messages of failures and of certificates near their end go; /test, which sends one now,
 * and /deliveries, what became of each, those that were given up among them.
 *
 * The secret of a webhook is shown once, in the answer that made or renewed it ("secret": null in a PATCH makes a new one).
 */
#include "api/users.h"
#include "base/secret.h"
#include "model/notice.h"
#include "net/mail.h"

#define SET "notifications"
#define SECRET_BYTES 32
#define PERIOD_DEFAULT 900

struct edit {
	const char *name, *address;
	int64_t kind, period;
	bool expiry, failure, enabled;
};

static const struct field_member kinds[] = {
	{ "webhook", NOTICE_WEBHOOK },
	{ "mail", NOTICE_MAIL },
	{ 0 },
};

static const struct field fields[] = {
	FIELD(struct edit, name, FIELD_TEXT, .name = "displayName", .flags = FIELD_REQUIRED,
	    .max = 128, .help = "Name; unique."),
	FIELD(struct edit, kind, FIELD_ENUM, .name = "kind", .members = kinds,
	    .flags = FIELD_REQUIRED | FIELD_CREATE_ONLY, .help = "webhook or mail."),
	FIELD(struct edit, address, FIELD_TEXT, .name = "address", .flags = FIELD_REQUIRED,
	    .max = 1024, .help = "https://... or user@domain."),
	FIELD(struct edit, expiry, FIELD_BOOL, .name = "expiry", .fallback = true,
	    .help = "Tell of certificates near their end, once a day."),
	FIELD(struct edit, failure, FIELD_BOOL, .name = "failure", .fallback = true,
	    .help = "Tell of failures."),
	FIELD(struct edit, period, FIELD_INT, .name = "periodSeconds", .min = 1, .max = 86400,
	    .fallback = PERIOD_DEFAULT, .help = "Time between two messages about failures."),
	FIELD(struct edit, enabled, FIELD_BOOL, .name = "enabled", .fallback = true,
	    .help = "Whether it is used."),
};
static const char *const known[] = { "id", "secret", "createdDateTime", "lastModifiedDateTime",
	NULL };

struct change {
	struct arena *a;
	const char *actor;
	struct id id;
	const json *body;
	struct notice_target x;
	struct notice sent;
	struct notice *deliveries;
	size_t n;
	bool new_secret;
};

static err_t
change_of(struct http_req *r, struct change *ret)
{
	const struct caller *who = http_caller(r);

	*ret = (struct change){ .a = http_arena(r), .actor = who->actor };
	return http_param(r, "id") == NULL ? OK : param_id(r, "id", &ret->id);
}

static struct edit
edit_of(const struct notice_target *x)
{
	return (struct edit){ .name = x->display_name,
		.address = x->address,
		.kind = x->kind,
		.period = x->period,
		.expiry = x->expiry,
		.failure = x->failure,
		.enabled = x->enabled };
}

static err_t
target_json(struct arena *a, const struct notice_target *x, json **ret)
{
	auto_json json *j = json_object_new();
	const struct edit e = edit_of(x);

	json_set_id(a, j, "id", x->id);
	TRY(field_write(a, fields, COUNT(fields), &e, j));
	json_set_when(a, j, "createdDateTime", x->created);
	json_set_when(a, j, "lastModifiedDateTime", x->modified);
	*ret = steal(j);
	return OK;
}

static err_t
address_check(const struct notice_target *x)
{
	struct str s = str_c(x->address);

	if (x->kind == NOTICE_MAIL) {
		if (!mail_address_good(x->address))
			FAIL(ERR_NOTICE, "\"address\" must be a mail address");
		return OK;
	}
	if (!text_printable_ascii(s) || memchr(s.p, ' ', s.n) != NULL ||
	    (!str_starts(s, LIT("https://")) && !str_starts(s, LIT("http://127.0.0.1:")) &&
		!str_starts(s, LIT("http://localhost:"))))
		FAIL(ERR_NOTICE, "\"address\" must begin with https://");
	return OK;
}

static err_t
read_body(struct change *c, enum field_mode mode)
{
	struct notice_target *x = &c->x;
	struct edit e = edit_of(x);

	TRY(field_read(c->a, fields, COUNT(fields), c->body, mode, known, &e));
	x->display_name = e.name;
	x->address = e.address;
	x->kind = (enum notice_kind)e.kind;
	x->period = e.period;
	x->expiry = e.expiry;
	x->failure = e.failure;
	x->enabled = e.enabled;
	x->modified = when_now();
	TRY(address_check(x));
	c->new_secret = x->kind == NOTICE_WEBHOOK &&
	    (mode == FIELD_CREATE ||
		(json_get(c->body, "secret") != NULL && json_is_null(json_get(c->body, "secret"))));
	if (c->new_secret)
		x->secret = rand_token(c->a, SECRET_BYTES);
	return OK;
}

static err_t
audit(struct tx *tx, struct change *c, const char *action, const char *before, const char *after)
{
	return store_audit_add(
	    tx, c->actor, action, target_text(c->a, "notification", c->x.id), before, after);
}

static err_t
text_of(struct change *c, const char **ret)
{
	json *j;

	TRY(target_json(c->a, &c->x, &j));
	if (c->new_secret)
		json_set_text(j, "secret", "(new)");
	return entity_text(c->a, j, ret);
}

static err_t
unless_taken(const struct change *c, err_t e)
{
	if (!err_is(e, ERR_CONFLICT))
		return e;
	err_forget(e);
	FAIL(ERR_CONFLICT, "another notification is named %s", c->x.display_name);
}

/* What happened before it was made is not told. */
static err_t
insert(struct tx *tx, void *arg)
{
	struct change *c = arg;
	struct notice_target *all;
	const char *after;
	size_t n;

	TRY(store_notice_target_list(tx, c->a, &all, &n));
	if (n >= LIMIT_NOTICE_TARGETS)
		FAIL(ERR_NOTICE, "there are %u already", LIMIT_NOTICE_TARGETS);
	c->x = (struct notice_target){
		.id = id_new(), .secret = "", .cursor = when_now_ms(), .created = when_now()
	};
	TRY(read_body(c, FIELD_CREATE));
	TRY(unless_taken(c, store_notice_target_insert(tx, &c->x)));
	TRY(text_of(c, &after));
	return audit(tx, c, "notification.create", "", after);
}

static err_t
update(struct tx *tx, void *arg)
{
	struct change *c = arg;
	const char *before, *after;

	TRY(store_notice_target_get(tx, c->a, c->id, &c->x));
	TRY(text_of(c, &before));
	TRY(read_body(c, FIELD_UPDATE));
	TRY(unless_taken(c, store_notice_target_update(tx, &c->x)));
	TRY(text_of(c, &after));
	return audit(tx, c, "notification.update", before, after);
}

static err_t
remove_target(struct tx *tx, void *arg)
{
	struct change *c = arg;
	const char *before;

	TRY(store_notice_target_get(tx, c->a, c->id, &c->x));
	TRY(text_of(c, &before));
	TRY(store_notice_target_delete(tx, c->id));
	return audit(tx, c, "notification.delete", before, "");
}

static err_t
send_test(struct tx *tx, void *arg)
{
	struct change *c = arg;

	TRY(store_notice_target_get(tx, c->a, c->id, &c->x));
	TRY(notice_test(tx, c->a, &c->x, &c->sent));
	return audit(tx, c, "notification.test", "", "");
}

static err_t
look(struct tx *tx, void *arg)
{
	struct change *c = arg;

	TRY(store_notice_target_get(tx, c->a, c->id, &c->x));
	return store_notice_list(tx, c->a, c->id, &c->deliveries, &c->n);
}

static err_t
read_page(struct tx *tx, struct arena *a, struct page p, const void *arg, const struct query *q,
    struct rows *rows, bool *more)
{
	struct notice_target *v;
	size_t n;

	(void)arg;
	(void)q;
	TRY(store_notice_target_list(tx, a, &v, &n));
	*more = false;
	for (size_t i = 0; i < n; i++) {
		json *j;

		if (memcmp(v[i].id.b, p.after.b, sizeof(p.after.b)) <= 0)
			continue;
		TRY(target_json(a, &v[i], &j));
		rows_add(rows, v[i].id, j);
	}
	return OK;
}

static const struct collection targets = { .set = SET, .page = LIMIT_PAGE, .read = read_page };

static err_t
list(struct http_req *r)
{
	return reply_collection(r, &targets, 0);
}

static err_t
reply_target(struct http_req *r, int status, const struct query *q, const struct change *c)
{
	json *j;

	TRY(target_json(c->a, &c->x, &j));
	if (c->new_secret)
		json_set_text(j, "secret", c->x.secret);
	return reply_entity(r, status, SET,
	    status == 201 ? arena_printf(c->a, "/" SET "/%s", id_text(c->a, c->x.id)) : NULL, q, j);
}

static err_t
get(struct http_req *r)
{
	struct change c;
	struct query q;

	TRY(change_of(r, &c));
	TRY(query_read(r, QUERY_ENTITY, &q));
	TRY(store_read(api_of(r)->store, look, &c));
	return reply_target(r, 200, &q, &c);
}

static err_t
write_body(struct http_req *r, store_fn fn, int status)
{
	struct change c;
	auto_json json *body = NULL;

	TRY(change_of(r, &c));
	TRY(body_object(r, &body));
	c.body = body;
	TRY(store_write(api_of(r)->store, fn, &c));
	return reply_target(r, status, NULL, &c);
}

static err_t
post(struct http_req *r)
{
	return write_body(r, insert, 201);
}

static err_t
patch(struct http_req *r)
{
	return write_body(r, update, 200);
}

static err_t delete (struct http_req *r)
{
	struct change c;

	TRY(change_of(r, &c));
	TRY(store_write(api_of(r)->store, remove_target, &c));
	return reply_empty(r, 204);
}

static json *
delivery_json(struct arena *a, const struct notice *x)
{
	static const char *const states[] = { [NOTICE_WAITING] = "waiting",
		[NOTICE_DELIVERED] = "delivered",
		[NOTICE_GIVEN_UP] = "givenUp" };
	json *j = json_object_new();

	json_set_id(a, j, "id", x->id);
	json_set_text(j, "state", states[x->state]);
	json_set_text(j, "subject", x->subject);
	json_set_text(j, "detail", *x->detail == '\0' ? NULL : x->detail);
	json_set_int(j, "tries", x->tries);
	json_set_when(a, j, "nextDateTime", x->state == NOTICE_WAITING ? x->next : 0);
	json_set_when(a, j, "createdDateTime", x->created);
	json_set_when(a, j, "endedDateTime", x->ended);
	return j;
}

static err_t
deliveries(struct http_req *r)
{
	auto_json json *out = json_object_new();
	json *value = json_array_new();
	struct change c;

	json_set(out, "value", value);
	TRY(change_of(r, &c));
	TRY(store_read(api_of(r)->store, look, &c));
	for (size_t i = 0; i < c.n; i++)
		json_add(value, delivery_json(c.a, &c.deliveries[i]));
	return reply_json(r, 200, out);
}

static err_t
post_test(struct http_req *r)
{
	auto_json json *out = NULL;
	struct change c;

	TRY(change_of(r, &c));
	TRY(store_write(api_of(r)->store, send_test, &c));
	out = delivery_json(c.a, &c.sent);
	return reply_json(r, 202, out);
}

#define ONE "/chancery/v1/" SET "/{id}"

static const struct http_route routes[] = {
	ROUTE(GET, "/chancery/v1/" SET, PERM_SETTINGS_READ, list),
	ROUTE(POST, "/chancery/v1/" SET, PERM_SETTINGS_WRITE, post),
	ROUTE(GET, ONE, PERM_SETTINGS_READ, get),
	ROUTE(PATCH, ONE, PERM_SETTINGS_WRITE, patch),
	ROUTE(DELETE, ONE, PERM_SETTINGS_WRITE, delete),
	ROUTE(GET, ONE "/deliveries", PERM_SETTINGS_READ, deliveries),
	ROUTE(POST, ONE "/test", PERM_SETTINGS_WRITE, post_test),
	{ 0 },
};

const struct resource resource_notifications = { "notifications", routes };
