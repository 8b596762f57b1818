/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /chancery/v1/enrolmentCodes: one-time codes with which devices and connectors enrol. The code itself is in the answer
 * to the POST that makes it and nowhere else.
 *
 * A connector sees every order and may hand devices what it likes: a code for one takes the right to change connectors, too.
 */
#include "api/users.h"
#include "model/enrol.h"

#define MINUTES_MAX 43200 /* 30 days */

static const struct field_member kinds[] = {
	{ "device", CODE_DEVICE },
	{ "connector", CODE_CONNECTOR },
	{ NULL, 0 },
};

struct wish {
	int64_t kind, minutes;
	struct id user;
};

static const struct field fields[] = {
	FIELD(struct wish, kind, FIELD_ENUM, .name = "kind", .members = kinds,
	    .fallback = CODE_DEVICE, .help = "What may enrol with it."),
	FIELD(struct wish, user, FIELD_ID, .name = "userId",
	    .help = "Whose device it becomes; none: nobody's."),
	FIELD(struct wish, minutes, FIELD_INT, .name = "validMinutes", .min = 1, .max = MINUTES_MAX,
	    .fallback = 1440, .help = "Until it ends."),
};

static const char *
state_of(const struct code *c)
{
	return c->used != 0 ? "used" : when_now() >= c->expires ? "expired" : "unused";
}

/* upn: NULL where it is nobody's, or the user is gone. */
static json *
code_json(struct arena *a, const struct code *c, const char *upn)
{
	json *j = json_object_new();

	json_set_id(a, j, "id", c->id);
	json_set_text(j, "kind", c->kind == CODE_DEVICE ? "device" : "connector");
	json_set_id(a, j, "userId", c->user);
	json_set_text(j, "userPrincipalName", upn);
	json_set_text(j, "state", state_of(c));
	json_set_when(a, j, "createdDateTime", c->created);
	json_set_when(a, j, "expirationDateTime", c->expires);
	json_set_when(a, j, "usedDateTime", c->used);
	json_set_id(a, j, "usedBy", c->used_by);
	return j;
}

static err_t
read_page(struct tx *tx, struct arena *a, struct page p, const void *arg, const struct query *q,
    struct rows *rows, bool *more)
{
	const struct user *of;
	struct code *v;
	struct user u;
	size_t n;

	(void)arg;
	(void)q;
	TRY(store_code_list(tx, a, p, &v, &n, more));
	for (size_t i = 0; i < n; i++) {
		TRY(device_user(tx, a, &(struct device){ .user = v[i].user }, &u, &of));
		rows_add(rows, v[i].id, code_json(a, &v[i], of == NULL ? NULL : of->upn));
	}
	return OK;
}

static const struct collection codes = { .set = "enrolmentCodes", .read = read_page };

static err_t
list(struct http_req *r)
{
	return reply_collection(r, &codes, 0);
}

struct change {
	struct arena *a;
	const char *actor;
	struct id id;
	struct user user; /* the caller's, once it was looked up */
};

static err_t
find_user(struct tx *tx, void *arg)
{
	struct change *c = arg;

	return store_user_get(tx, c->a, c->id, &c->user);
}

static err_t
post(struct http_req *r)
{
	const struct caller *who = http_caller(r);
	struct api *api = api_of(r);
	struct arena *a = http_arena(r);
	auto_json json *body = NULL;
	struct wish wish = { 0 };
	struct change whose = { .a = a };
	struct code code;
	const char *text;
	json *j;

	TRY(body_object(r, &body));
	TRY(field_read(a, fields, COUNT(fields), body, FIELD_CREATE, NULL, &wish));
	if (wish.kind == CODE_CONNECTOR && (who->perms & PERM_CONNECTORS_WRITE) == 0)
		FAIL(ERR_FORBIDDEN, "for the code of a connector %s needs %s as well", who->actor,
		    perm_describe(a, PERM_CONNECTORS_WRITE));
	if (wish.kind == CODE_CONNECTOR && !id_is_zero(wish.user))
		FAIL(ERR_MODEL_INVALID, "\"userId\" is for devices only");
	whose.id = wish.user;
	if (!id_is_zero(wish.user))
		TRY_CTX(
		    store_read(api->store, find_user, &whose), "user %s", id_text(a, wish.user));
	TRY(enrol_code_make(api->store, a, who->actor, (enum code_kind)wish.kind, wish.user,
	    wish.minutes * 60, &text, &code));
	j = code_json(a, &code, whose.user.upn);
	json_set_text(j, "code", text);
	json_set_text(j, "url", api->device_url);
	return reply_entity(r, 201, "enrolmentCodes",
	    arena_printf(a, "/enrolmentCodes/%s", id_text(a, code.id)), NULL, j);
}

static err_t
remove_code(struct tx *tx, void *arg)
{
	struct change *c = arg;

	TRY(store_code_delete(tx, c->id));
	return store_audit_add(
	    tx, c->actor, "code.delete", target_text(c->a, "code", c->id), "", "");
}

static err_t delete (struct http_req *r)
{
	const struct caller *who = http_caller(r);
	struct change c = { .a = http_arena(r), .actor = who->actor };

	TRY(param_id(r, "id", &c.id));
	TRY(store_write(api_of(r)->store, remove_code, &c));
	return reply_empty(r, 204);
}

static const struct http_route routes[] = {
	ROUTE(GET, "/chancery/v1/enrolmentCodes", PERM_ENROL_READ, list),
	ROUTE(POST, "/chancery/v1/enrolmentCodes", PERM_ENROL_WRITE, post),
	ROUTE(DELETE, "/chancery/v1/enrolmentCodes/{id}", PERM_ENROL_WRITE, delete),
	{ 0 },
};

const struct resource resource_enrolment_codes = { "enrolment_codes", routes };
