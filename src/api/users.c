/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /users: the people that certificates are for. Graph 1.0 user, as far as certificates need it.
 *
 * A password in passwordProfile is accepted and dropped: these records are no accounts. Every change nudges the devices
 * of the user, because their names stand in certificates.
 */
#include "api/users.h"

#include "model/diff.h"
#include "model/regroup.h"

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

const struct field user_fields[] = {
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
	    .check = check_sid, .help = "SID in Active Directory, for strong mapping."),
	FIELD(struct user, op_upn, FIELD_TEXT, .name = "onPremisesUserPrincipalName",
	    .help = "Principal name in Active Directory, where it is another one."),
	FIELD(struct user, op_domain, FIELD_TEXT, .name = "onPremisesDomainName",
	    .help = "DNS name of the domain."),
	FIELD(struct user, immutable_id, FIELD_TEXT, .name = "onPremisesImmutableId",
	    .help = "Key of the record in the directory that it comes from; unique."),
	FIELD(struct user, cloud_sid, FIELD_TEXT, .name = "securityIdentifier", .check = check_sid,
	    .help = "SID in the cloud; not the one for mapping on premises."),
	FIELD(struct user, office, FIELD_TEXT, .name = "officeLocation", .help = "Office."),
	FIELD(struct user, mobile, FIELD_TEXT, .name = "mobilePhone", .help = "Mobile number."),
	FIELD(struct user, company, FIELD_TEXT, .name = "companyName", .help = "Company."),
	FIELD(struct user, source, FIELD_TEXT, .name = "@chancery.source", .flags = FIELD_READONLY,
	    .help = "Who owns the record: cloud (made here), file (imported), directory (synced)."),
	FIELD(struct user, created, FIELD_WHEN, .name = "createdDateTime", .flags = FIELD_READONLY,
	    .help = "When it was made."),
};
const size_t user_nfields = COUNT(user_fields);
static const char *const known[] = { "passwordProfile", "onPremisesSyncEnabled", ROLLOUT_MEMBER,
	NULL };

const char *
text_or_null(const char *s)
{
	return s == NULL || *s == '\0' ? NULL : s;
}

void
texts_to_null(json *entity)
{
	for (void *it = json_iter(entity); it != NULL; it = json_iter_next(entity, it))
		if (json_is_text(json_iter_value(it)) && *json_text(json_iter_value(it)) == '\0')
			json_set(entity, json_iter_key(it), json_null_new());
}

err_t
user_json(struct arena *a, const struct user *u, json **ret)
{
	auto_json json *j = json_object_new();

	TRY(field_write(a, user_fields, user_nfields, u, j));
	texts_to_null(j);
	json_set_bool(j, "onPremisesSyncEnabled", strcmp(u->source, SOURCE_DIRECTORY) == 0);
	*ret = steal(j);
	return OK;
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
	const struct caller *who;
	const char *key, *if_match;
	const json *body;
	struct user user;
};

/* What two users cannot share: principal name and key in the directory that they come from. */
static err_t
unless_taken(struct tx *tx, struct arena *a, const struct user *u, err_t e)
{
	struct user other;

	if (!err_is(e, ERR_CONFLICT))
		return e;
	err_forget(e);
	e = store_user_by_upn(tx, a, u->upn, &other);
	if (err_ok(e) && !id_eq(other.id, u->id))
		FAIL(ERR_CONFLICT, "another user has the userPrincipalName %s", u->upn);
	err_forget(e);
	FAIL(ERR_CONFLICT, "another user has the onPremisesImmutableId %s", u->immutable_id);
}

static err_t
user_text(struct arena *a, const struct user *u, const char **ret)
{
	json *j;

	TRY(user_json(a, u, &j));
	return entity_text(a, j, ret);
}

static err_t
user_insert(struct tx *tx, struct arena *a, const struct caller *who, struct user *u)
{
	const char *after;

	TRY(unless_taken(tx, a, u, store_user_insert(tx, u)));
	TRY(user_text(a, u, &after));
	return store_audit_add(
	    tx, who->actor, "user.create", target_text(a, "user", u->id), "", after);
}

/* *u as it is on record becomes what the body says. */
static err_t
user_change(struct tx *tx, struct arena *a, const struct caller *who, const json *body,
    struct user *u, bool *ret_changed, int64_t *again)
{
	const struct user was = *u;
	const char *before, *after;
	struct regroup_due had, has;

	TRY(owned_check(u->source, u->upn));
	TRY(user_text(a, u, &before));
	TRY(field_read(a, user_fields, user_nfields, body, FIELD_UPDATE, known, u));
	/* By its name somebody of the outside issuer is this user, with this user's roles. */
	if (strcasecmp(was.upn, u->upn) != 0 || was.enabled != u->enabled)
		TRY(rights_guard_member(tx, a, who, u->id));
	TRY(user_text(a, u, &after));
	*ret_changed = strcmp(before, after) != 0;
	if (!*ret_changed)
		return OK;
	u->modified = when_now();
	TRY(regroup_user(tx, u->id, &had));
	TRY(unless_taken(tx, a, u, store_user_update(tx, u)));
	/* Names and rights of every device of this person may be others now, also of those that are away. */
	TRY(diff_user(tx, a, u->id));
	TRY(regroup_user(tx, u->id, &has));
	*again += regroup_moved(&had, &has);
	return store_audit_add(
	    tx, who->actor, "user.update", target_text(a, "user", u->id), before, after);
}

static err_t
insert(struct tx *tx, void *arg)
{
	struct change *c = arg;

	return user_insert(tx, c->a, c->who, &c->user);
}

static err_t
update(struct tx *tx, void *arg)
{
	struct change *c = arg;
	auto_json json *now = NULL;
	int64_t again = 0;
	bool changed;

	TRY(user_find(tx, c->a, c->key, &c->user));
	TRY(user_json(c->a, &c->user, &now));
	TRY(etag_check(c->a, c->if_match, now));
	TRY(user_change(tx, c->a, c->who, c->body, &c->user, &changed, &again));
	return regroup_names(tx, c->a, json_get(c->body, ROLLOUT_MEMBER), again);
}

err_t
user_import(struct tx *tx, struct arena *a, const struct caller *who, const json *row,
    enum import_outcome *ret, int64_t *again)
{
	const char *upn = json_text(json_get(row, "userPrincipalName"));
	const char *key = json_text(json_get(row, "onPremisesImmutableId"));
	struct user u = { .enabled = true };
	err_t e = ERROR(ERR_NOT_FOUND, "user");
	bool changed;

	/* Who was renamed keeps the key. */
	if (*key != '\0')
		e = store_user_by_immutable(tx, a, key, &u);
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		e = store_user_by_upn(tx, a, upn, &u);
	}
	if (err_ok(e)) {
		TRY(user_change(tx, a, who, row, &u, &changed, again));
		*ret = changed ? IMPORT_UPDATED : IMPORT_UNCHANGED;
		return OK;
	}
	if (!err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	TRY(field_read(a, user_fields, user_nfields, row, FIELD_CREATE, known, &u));
	u.id = id_new();
	u.source = SOURCE_FILE;
	u.created = u.modified = when_now();
	*ret = IMPORT_CREATED;
	return user_insert(tx, a, who, &u);
}

static err_t
remove_user(struct tx *tx, void *arg)
{
	struct change *c = arg;
	auto_json json *now = NULL;
	const char *before;

	TRY(user_find(tx, c->a, c->key, &c->user));
	TRY(user_json(c->a, &c->user, &now));
	TRY(etag_check(c->a, c->if_match, now));
	TRY(owned_check(c->user.source, c->user.upn));
	TRY(user_text(c->a, &c->user, &before));
	TRY(diff_user_leaves(tx, c->a, c->user.id));
	TRY(store_user_delete(tx, c->user.id));
	return store_audit_add(
	    tx, c->who->actor, "user.delete", target_text(c->a, "user", c->user.id), before, "");
}

static struct change
change_of(struct http_req *r)
{
	const struct caller *who = http_caller(r);

	return (struct change){ .a = http_arena(r),
		.who = who,
		.key = http_param(r, "id"),
		.if_match = http_header(r, "If-Match") };
}

static err_t
post(struct http_req *r)
{
	struct arena *a = http_arena(r);
	auto_json json *body = NULL;
	struct change c = change_of(r);
	json *j;

	TRY(body_object(r, &body));
	TRY(field_read(a, user_fields, user_nfields, body, FIELD_CREATE, known, &c.user));
	c.user.id = id_new();
	c.user.source = SOURCE_CLOUD;
	c.user.created = c.user.modified = when_now();
	TRY(store_write(api_of(r)->store, insert, &c));
	TRY(user_json(a, &c.user, &j));
	return reply_entity(
	    r, 201, "users", arena_printf(a, "/users/%s", id_text(a, c.user.id)), NULL, j);
}

static err_t get(struct http_req *r);

static err_t
patch(struct http_req *r)
{
	auto_json json *body = NULL;
	struct change c = change_of(r);

	TRY(body_object(r, &body));
	c.body = body;
	TRY(store_write(api_of(r)->store, update, &c));
	return reply_prefers(r, "return=representation") ? get(r) : reply_empty(r, 204);
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

static const char *const searched[] = { "displayName", "userPrincipalName", "mail", "givenName",
	"surname", "onPremisesSamAccountName", NULL };
static const struct collection users = { .set = "users", .read = read_page, .search = searched };

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
