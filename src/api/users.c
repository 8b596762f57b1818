/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /users: the people that certificates are for. Graph 1.0 user, as far as certificates need it.
 *
 * A password in passwordProfile is accepted and dropped: these records are no accounts. Every change nudges the devices
 * of the user, because their names stand in certificates.
 */
#include "api/users.h"

#include "model/diff.h"

static err_t
check_upn(struct arena *a, const struct field *f, const void *at)
{
	const char *upn = *(const char *const *)at;
	const char *mark = strchr(upn, '@');

	(void)a;
	if (mark == NULL || mark == upn || mark[1] == '\0' || strchr(mark + 1, '@') != NULL)
		FAIL(ERR_MODEL_INVALID, "\"%s\" must have the form name@domain", f->name);
	for (const char *p = upn; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			FAIL(ERR_MODEL_INVALID, "\"%s\" must not hold blanks or control characters",
			    f->name);
	return OK;
}

static err_t
check_mail(struct arena *a, const struct field *f, const void *at)
{
	const char *mail = *(const char *const *)at;

	return mail == NULL || *mail == '\0' ? OK : check_upn(a, f, at);
}

static const struct field fields[] = {
	FIELD(struct user, id, FIELD_ID, .name = "id", .flags = FIELD_READONLY,
	    .help = "Identifier."),
	FIELD(struct user, upn, FIELD_TEXT, .name = "userPrincipalName", .flags = FIELD_REQUIRED,
	    .check = check_upn, .help = "Sign-in name, name@domain; unique."),
	FIELD(struct user, display_name, FIELD_TEXT, .name = "displayName", .flags = FIELD_REQUIRED,
	    .help = "Name for people."),
	FIELD(struct user, given_name, FIELD_TEXT, .name = "givenName", .help = "First name."),
	FIELD(struct user, surname, FIELD_TEXT, .name = "surname", .help = "Last name."),
	FIELD(struct user, mail, FIELD_TEXT, .name = "mail", .check = check_mail,
	    .help = "E-mail address; {{EmailAddress}}."),
	FIELD(
	    struct user, mail_nickname, FIELD_TEXT, .name = "mailNickname", .help = "Mail alias."),
	FIELD(struct user, enabled, FIELD_BOOL, .name = "accountEnabled", .fallback = 1,
	    .help = "False: certificates are removed and revoked."),
	FIELD(struct user, job_title, FIELD_TEXT, .name = "jobTitle", .help = "Title."),
	FIELD(struct user, department, FIELD_TEXT, .name = "department", .help = "Department."),
	FIELD(struct user, employee_id, FIELD_TEXT, .name = "employeeId",
	    .help = "Personnel number."),
	FIELD(struct user, sam_account, FIELD_TEXT, .name = "onPremisesSamAccountName",
	    .help = "Short log-on name in Active Directory."),
	FIELD(struct user, dn, FIELD_TEXT, .name = "onPremisesDistinguishedName", .max = 1024,
	    .help = "Distinguished name in Active Directory."),
	FIELD(struct user, sid, FIELD_TEXT, .name = "onPremisesSecurityIdentifier",
	    .help = "SID in Active Directory, for strong mapping."),
	FIELD(struct user, created, FIELD_WHEN, .name = "createdDateTime", .flags = FIELD_READONLY,
	    .help = "When it was made."),
};
static const char *const known[] = { "passwordProfile", NULL };

err_t
user_json(struct arena *a, const struct user *u, json **ret)
{
	auto_json json *j = json_object_new();

	TRY(field_write(a, fields, COUNT(fields), u, j));
	*ret = steal(j);
	return OK;
}

err_t
entity_text(struct arena *a, json *entity, const char **ret)
{
	auto_json json *own = entity;
	struct str text;

	TRY(json_print(a, own, &text));
	*ret = arena_cstr(a, text);
	return OK;
}

const char *
target_text(struct arena *a, const char *what, struct id id)
{
	return arena_printf(a, "%s %s", what, id_text(a, id));
}

err_t
nudge_member(struct tx *tx, struct arena *a, struct id id, enum member_kind kind)
{
	struct device *v;
	size_t n;

	switch (kind) {
	case MEMBER_DEVICE:
		tx_notify(tx, TOPIC_DEVICE, id_str(&id));
		return OK;
	case MEMBER_GROUP:
		tx_notify(tx, TOPIC_DEVICE, STR_EMPTY);
		return OK;
	case MEMBER_USER:
		TRY(store_device_of_user(tx, a, id, &v, &n));
		for (size_t i = 0; i < n; i++)
			tx_notify(tx, TOPIC_DEVICE, id_str(&v[i].id));
		return OK;
	}
	return OK;
}

err_t
user_find(struct tx *tx, struct arena *a, const char *key, struct user *ret)
{
	struct id id;

	if (strchr(key, '@') != NULL)
		return store_user_by_upn(tx, a, key, ret);
	if (!err_ok(id_parse(str_c(key), &id)))
		FAIL(ERR_NOT_FOUND, "user '%s'", text_safe(a, str_c(key)));
	return store_user_get(tx, a, id, ret);
}

/* One change: who, what, on whom. */
struct change {
	struct arena *a;
	const char *actor, *key;
	const json *body;
	struct user user;
};

/* The one thing that two users cannot share is the principal name. */
static err_t
unless_taken(const struct change *c, err_t e)
{
	if (!err_is(e, ERR_CONFLICT))
		return e;
	err_forget(e);
	FAIL(ERR_CONFLICT, "another user has the userPrincipalName %s", c->user.upn);
}

static err_t
insert(struct tx *tx, void *arg)
{
	struct change *c = arg;
	json *j;
	const char *after;

	TRY(unless_taken(c, store_user_insert(tx, &c->user)));
	TRY(user_json(c->a, &c->user, &j));
	TRY(entity_text(c->a, j, &after));
	return store_audit_add(
	    tx, c->actor, "user.create", target_text(c->a, "user", c->user.id), "", after);
}

static err_t
update(struct tx *tx, void *arg)
{
	struct change *c = arg;
	json *j;
	const char *before, *after;

	TRY(user_find(tx, c->a, c->key, &c->user));
	TRY(user_json(c->a, &c->user, &j));
	TRY(entity_text(c->a, j, &before));
	TRY(field_read(c->a, fields, COUNT(fields), c->body, FIELD_UPDATE, known, &c->user));
	c->user.modified = when_now();
	TRY(unless_taken(c, store_user_update(tx, &c->user)));
	TRY(user_json(c->a, &c->user, &j));
	TRY(entity_text(c->a, j, &after));
	/* Names and rights of every device of this person may be others now, also of those that are away. */
	TRY(diff_user(tx, c->a, c->user.id));
	return store_audit_add(
	    tx, c->actor, "user.update", target_text(c->a, "user", c->user.id), before, after);
}

static err_t
remove_user(struct tx *tx, void *arg)
{
	struct change *c = arg;
	json *j;
	const char *before;

	TRY(user_find(tx, c->a, c->key, &c->user));
	TRY(user_json(c->a, &c->user, &j));
	TRY(entity_text(c->a, j, &before));
	TRY(diff_user_leaves(tx, c->a, c->user.id));
	TRY(store_user_delete(tx, c->user.id));
	return store_audit_add(
	    tx, c->actor, "user.delete", target_text(c->a, "user", c->user.id), before, "");
}

static struct change
change_of(struct http_req *r)
{
	const struct caller *who = http_caller(r);

	return (
	    struct change){ .a = http_arena(r), .actor = who->actor, .key = http_param(r, "id") };
}

static err_t
post(struct http_req *r)
{
	struct arena *a = http_arena(r);
	auto_json json *body = NULL;
	struct change c = change_of(r);
	json *j;

	TRY(body_object(r, &body));
	TRY(field_read(a, fields, COUNT(fields), body, FIELD_CREATE, known, &c.user));
	c.user.id = id_new();
	c.user.source = "api";
	c.user.created = c.user.modified = when_now();
	TRY(store_write(api_of(r)->store, insert, &c));
	TRY(user_json(a, &c.user, &j));
	return reply_entity(
	    r, 201, "users", arena_printf(a, "/users/%s", id_text(a, c.user.id)), NULL, j);
}

static err_t
patch(struct http_req *r)
{
	auto_json json *body = NULL;
	struct change c = change_of(r);

	TRY(body_object(r, &body));
	c.body = body;
	TRY(store_write(api_of(r)->store, update, &c));
	return reply_empty(r, 204);
}

static err_t delete (struct http_req *r)
{
	struct change c = change_of(r);

	TRY(store_write(api_of(r)->store, remove_user, &c));
	return reply_empty(r, 204);
}

static err_t
look(struct tx *tx, void *arg)
{
	struct change *c = arg;

	return user_find(tx, c->a, c->key, &c->user);
}

static err_t
get(struct http_req *r)
{
	struct change c = change_of(r);
	struct query q;
	json *j;

	TRY(query_read(r, QUERY_ENTITY, &q));
	TRY(store_read(api_of(r)->store, look, &c));
	TRY(user_json(c.a, &c.user, &j));
	return reply_entity(r, 200, "users", NULL, &q, j);
}

/* A filter that demands one UPN is a look-up; the filter itself still decides. */
static err_t
read_page(struct tx *tx, struct arena *a, struct page p, const void *arg, const struct query *q,
    struct rows *rows, bool *more)
{
	const char *upn = odata_demands(q->o.filter, "userPrincipalName");
	struct user *v, one;
	size_t n = 1;

	(void)arg;
	if (upn != NULL) {
		err_t e = store_user_by_upn(tx, a, upn, &one);

		*more = false;
		if (err_is(e, ERR_NOT_FOUND)) {
			err_forget(e);
			return OK;
		}
		TRY(e);
		v = &one;
	} else {
		TRY(store_user_list(tx, a, p, &v, &n, more));
	}
	for (size_t i = 0; i < n; i++) {
		json *j;

		TRY(user_json(a, &v[i], &j));
		rows_add(rows, v[i].id, j);
	}
	return OK;
}

static const struct collection users = { .set = "users", .read = read_page };

static err_t
list(struct http_req *r)
{
	return reply_collection(r, &users, 0);
}

static err_t
count(struct http_req *r)
{
	return reply_count(r, &users);
}

static const struct http_route routes[] = {
	GRAPH(GET, "/users", PERM_USERS_READ, list),
	GRAPH(POST, "/users", PERM_USERS_WRITE, post),
	GRAPH(GET, "/users/$count", PERM_USERS_READ, count),
	GRAPH(GET, "/users/{id}", PERM_USERS_READ, get),
	GRAPH(PATCH, "/users/{id}", PERM_USERS_WRITE, patch),
	GRAPH(DELETE, "/users/{id}", PERM_USERS_WRITE, delete),
	{ 0 },
};

const struct resource resource_users = { "users", routes };
