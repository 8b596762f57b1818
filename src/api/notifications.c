/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /chancery/v1/notifications: where messages of failures and of certificates near their end go; /test, which sends one now,
 * and /deliveries, what became of each, those that were given up among them.
 *
 * What is told is the state of certificates, with names of people and devices: nobody has it sent somewhere who may not read
 * it himself.
 *
 * The secret of a webhook is shown once, in the answer that made or renewed it ("secret": null in a PATCH makes a new one).
 */
#include "api/record.h"
#include "api/users.h"
#include "base/secret.h"
#include "model/notice.h"
#include "net/fetch.h"
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
	struct record r;
	struct notice_target x;
	bool new_secret;
};

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
	if (x->kind == NOTICE_MAIL) {
		if (!mail_address_good(x->address))
			FAIL(ERR_NOTICE, "\"address\" must be a mail address");
		return OK;
	}
	if (!fetch_address_good(x->address))
		FAIL(ERR_NOTICE,
		    "\"address\" must be https://host[:port]/path, without a user name");
	return OK;
}

/* What happened before it was made is not told. */
static err_t
fresh(struct tx *tx, struct record *r, struct notice_target *ret)
{
	struct notice_target *all;
	size_t n;

	TRY(store_notice_target_list(tx, r->a, &all, &n));
	if (n >= LIMIT_NOTICE_TARGETS)
		FAIL(ERR_NOTICE, "there are %u already", LIMIT_NOTICE_TARGETS);
	*ret = (struct notice_target){
		.id = r->id, .secret = "", .cursor = when_now_ms(), .created = when_now()
	};
	return OK;
}

static err_t
read_body(struct tx *tx, struct record *r, enum field_mode mode)
{
	struct change *c = (struct change *)r;
	struct notice_target *x = &c->x;
	struct edit e;

	if ((r->who->perms & PERM_CONFIG_READ) == 0)
		FAIL(ERR_FORBIDDEN, "%s needs %s to have it told to somebody", r->who->actor,
		    perm_describe(r->a, PERM_CONFIG_READ));
	if (mode == FIELD_CREATE)
		TRY(fresh(tx, r, x));
	e = edit_of(x);

	TRY(field_read(r->a, fields, COUNT(fields), r->body, mode, known, &e));
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
		(json_get(r->body, "secret") != NULL && json_is_null(json_get(r->body, "secret"))));
	if (c->new_secret)
		x->secret = rand_token(r->a, SECRET_BYTES);
	return OK;
}

static err_t
find(struct tx *tx, struct record *r)
{
	struct change *c = (struct change *)r;

	c->new_secret = false;
	return store_notice_target_get(tx, r->a, r->id, &c->x);
}

static err_t
insert(struct tx *tx, struct record *r)
{
	struct change *c = (struct change *)r;

	return record_unless_taken(
	    store_notice_target_insert(tx, &c->x), "notification", c->x.display_name);
}

static err_t
update(struct tx *tx, struct record *r)
{
	struct change *c = (struct change *)r;

	return record_unless_taken(
	    store_notice_target_update(tx, &c->x), "notification", c->x.display_name);
}

static err_t
remove_target(struct tx *tx, struct record *r)
{
	return store_notice_target_delete(tx, r->id);
}

static err_t
with_secret(struct record *r, const char *secret, json **ret)
{
	struct change *c = (struct change *)r;

	TRY(target_json(r->a, &c->x, ret));
	if (c->new_secret)
		json_set_text(*ret, "secret", secret);
	return OK;
}

static err_t
shown(struct record *r, json **ret)
{
	struct change *c = (struct change *)r;

	return with_secret(r, c->x.secret, ret);
}

static err_t
audited(struct record *r, json **ret)
{
	return with_secret(r, "(new)", ret);
}

static const struct record_kind kind = { .set = SET,
	.noun = "notification",
	.size = sizeof(struct change),
	.find = find,
	.read = read_body,
	.insert = insert,
	.update = update,
	.remove = remove_target,
	.json = shown,
	.audited = audited };

struct looking {
	struct record *r;
	struct notice sent;
	struct notice *deliveries;
	size_t n;
};

static err_t
send_test(struct tx *tx, void *arg)
{
	struct looking *l = arg;

	TRY(find(tx, l->r));
	TRY(notice_test(tx, l->r->a, &((struct change *)l->r)->x, &l->sent));
	return record_audit(tx, &kind, l->r, "test", "", "");
}

static err_t
look(struct tx *tx, void *arg)
{
	struct looking *l = arg;

	TRY(find(tx, l->r));
	return store_notice_list(tx, l->r->a, l->r->id, &l->deliveries, &l->n);
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

		if (!row_follows(p, v[i].id))
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

RECORD_HANDLERS(kind)

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
	struct looking l;

	json_set(out, "value", value);
	TRY(record_begin(r, &kind, &l.r));
	TRY(store_read(api_of(r)->store, look, &l));
	for (size_t i = 0; i < l.n; i++)
		json_add(value, delivery_json(l.r->a, &l.deliveries[i]));
	return reply_json(r, 200, out);
}

static err_t
post_test(struct http_req *r)
{
	auto_json json *out = NULL;
	struct looking l;

	TRY(record_begin(r, &kind, &l.r));
	TRY(store_write(api_of(r)->store, send_test, &l));
	out = delivery_json(l.r->a, &l.sent);
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
