/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /deviceManagement/auditEvents: the audit in Graph's shape (Graph beta auditEvent), with what a change did to each property.
 * The identifier of an event holds its number in the chain.
 *
 * Not here: the chain itself and its export (audit.c).
 */
#include "api/reply.h"
#include "store/access.h"

#define SET "deviceManagement/auditEvents"
#define LOOKS 20000u
#define CLOCK_S 3600 /* by which a clock may have been set back */

/* By the word before the first dot of an action. */
static const struct area {
	const char *word, *category, *type;
} areas[] = {
	{ "profile", "DeviceConfiguration", "DeviceConfiguration" },
	{ "rollout", "DeviceConfiguration", "DeviceConfiguration" },
	{ "filter", "DeviceConfiguration", "AssignmentFilter" },
	{ "pfx", "DeviceConfiguration", "UserPfxCertificate" },
	{ "device", "Device", "ManagedDevice" },
	{ "enrolmentCode", "Enrollment", "EnrolmentCode" },
	{ "connector", "OnPremiseAccess", "CertificateConnector" },
	{ "role", "Role", "RoleDefinition" },
	{ "role-assignment", "Role", "RoleAssignment" },
	{ "scope-tag", "Role", "RoleScopeTag" },
	{ "admin", "Role", "Administrator" },
	{ "app", "Role", "Application" },
	{ "login", "Role", "SignIn" },
	{ "user", "Other", "User" },
	{ "group", "Other", "Group" },
	{ NULL, "Other", "Other" },
};

/* By the word behind the last dot. */
static const struct operation {
	const char *word, *type;
} operations[] = {
	{ "create", "Create" },
	{ "add", "Create" },
	{ "enrol", "Create" },
	{ "update", "Patch" },
	{ "settings", "Patch" },
	{ "assign", "SetReference" },
	{ "delete", "Delete" },
	{ "remove", "Delete" },
	{ NULL, "Action" },
};

static const struct area *
area_of(const char *action)
{
	struct str s = str_c(action);
	struct str word = str_cut(&s, '.');
	const struct area *x = areas;

	while (x->word != NULL && !str_eq_c(word, x->word))
		x++;
	return x;
}

static const char *
operation_of(const char *action)
{
	const char *word = strrchr(action, '.');
	const struct operation *x = operations;

	while (x->word != NULL && (word == NULL || strcmp(word + 1, x->word) != 0))
		x++;
	return x->type;
}

static err_t
value_text(struct arena *a, const json *v, const char **ret)
{
	struct str text;

	*ret = NULL;
	if (v == NULL || json_is_null(v))
		return OK;
	if (json_is_text(v)) {
		*ret = arena_strdup(a, json_text(v));
		return OK;
	}
	TRY(json_print(a, v, &text));
	return text_cstr(a, text, ret);
}

static err_t
put_change(struct arena *a, json *list, const char *name, const json *was, const json *is)
{
	const char *old, *new;
	json *one;

	if (was != NULL && is != NULL && json_equal(was, is))
		return OK;
	TRY(value_text(a, was, &old));
	TRY(value_text(a, is, &new));
	one = json_object_new();
	json_add(list, one);
	json_set_text(one, "displayName", name);
	json_set_text(one, "oldValue", old);
	json_set_text(one, "newValue", new);
	return OK;
}

/* What is no JSON object is one property called "value". */
static json *
object_of(const char *text)
{
	json *j = NULL, *wrapped;
	err_t e;

	if (text == NULL || *text == '\0')
		return json_object_new();
	e = json_parse(str_c(text), LIMIT_HTTP_BODY, &j);
	if (err_ok(e) && json_is_object(j))
		return j;
	err_forget(e);
	wrapped = json_object_new();
	json_set(wrapped, "value", j == NULL ? json_text_new(text) : j);
	return wrapped;
}

static err_t
changes(struct arena *a, const struct audit *x, json *list)
{
	auto_json json *was = object_of(x->before), *is = object_of(x->after);

	for (void *it = json_iter(was); it != NULL; it = json_iter_next(was, it))
		TRY(put_change(a, list, json_iter_key(it), json_iter_value(it),
		    json_get(is, json_iter_key(it))));
	for (void *it = json_iter(is); it != NULL; it = json_iter_next(is, it))
		if (json_get(was, json_iter_key(it)) == NULL)
			TRY(put_change(a, list, json_iter_key(it), NULL, json_iter_value(it)));
	return OK;
}

static struct id
key_of(int64_t seq)
{
	struct id id = { { 0 } };

	for (size_t i = 0; i < 8; i++)
		id.b[15 - i] = (uint8_t)((uint64_t)seq >> (8 * i));
	return id;
}

static int64_t
seq_of(struct id id)
{
	uint64_t seq = 0;

	for (size_t i = 8; i < 16; i++)
		seq = seq << 8 | id.b[i];
	return seq > INT64_MAX ? INT64_MAX : (int64_t)seq;
}

static void
put_actor(struct arena *a, json *j, const char *actor)
{
	json *x = json_object_new();
	struct str rest = str_c(actor);
	struct str kind = str_cut(&rest, ' ');
	const char *name = arena_cstr(a, rest);
	bool app = str_eq_c(kind, "app"),
	     person = str_eq_c(kind, "admin") || str_eq_c(kind, "person");

	json_set(j, "actor", x);
	json_set_text(x, "type", app ? "Application" : "ItPro");
	json_set_text(x, "auditActorType", app ? "Application" : "ItPro");
	json_set(x, "userPermissions", json_array_new());
	json_set_text(x, "applicationDisplayName", app ? name : NULL);
	json_set_text(x, "userPrincipalName", person ? name : app ? NULL : actor);
}

static err_t
event_json(struct arena *a, const struct audit *x, json **ret)
{
	auto_json json *j = json_object_new();
	const struct area *area = area_of(x->action);
	json *resources = json_array_new(), *one = json_object_new(), *list = json_array_new();
	const char *last = strrchr(x->target, ' ');

	json_set_id(a, j, "id", key_of(x->seq));
	json_set_text(j, "displayName", x->action);
	json_set_text(j, "componentName", "Chancery");
	json_set_text(j, "category", area->category);
	json_set_text(j, "activity", x->action);
	json_set_text(j, "activityDateTime", when_text_ms(a, x->when));
	json_set_text(j, "activityType", x->action);
	json_set_text(j, "activityOperationType", operation_of(x->action));
	json_set_text(j, "activityResult", "Success");
	json_set_id(a, j, "correlationId", key_of(x->seq));
	put_actor(a, j, x->actor);
	json_set(j, "resources", resources);
	json_add(resources, one);
	json_set_text(one, "displayName", x->target);
	json_set_text(one, "type", area->type);
	json_set_text(one, "auditResourceType", area->type);
	json_set_text(one, "resourceId", last == NULL ? x->target : last + 1);
	json_set(one, "modifiedProperties", list);
	TRY(changes(a, x, list));
	*ret = steal(j);
	return OK;
}

/* Events are in the order of their times, but for clocks that were set back. */
static err_t
read_page(struct tx *tx, struct arena *a, struct page p, const void *arg, const struct query *q,
    struct rows *rows, bool *more)
{
	int64_t after = seq_of(p.after), first = 0;
	when_t since, until;
	bool ends = odata_bounds(q->o.filter, "activityDateTime", &until);
	struct audit *v;
	size_t n;

	(void)arg;
	if (odata_since(q->o.filter, "activityDateTime", &since))
		TRY(store_audit_before(tx, (since - CLOCK_S) * 1000, &first));
	TRY(store_audit_list(tx, a, after > first ? after : first, p.limit, &v, &n));
	*more = n == p.limit;
	for (size_t i = 0; i < n; i++) {
		json *j;

		if (ends && v[i].when / 1000 > until + CLOCK_S) {
			*more = false;
			return OK;
		}
		TRY(event_json(a, &v[i], &j));
		rows_add(rows, key_of(v[i].seq), j);
	}
	return OK;
}

static const struct collection events = { .set = SET, .read = read_page, .looks = LOOKS };

static err_t
list(struct http_req *r)
{
	return reply_collection(r, &events, 0);
}

struct look {
	struct arena *a;
	struct id id;
	json *entity; /* the caller's */
};

static err_t
look(struct tx *tx, void *arg)
{
	struct look *l = arg;
	int64_t seq = seq_of(l->id);
	struct audit *v;
	size_t n;

	TRY(store_audit_list(tx, l->a, seq > 0 ? seq - 1 : 0, 1, &v, &n));
	if (n == 0 || !id_eq(key_of(v[0].seq), l->id))
		FAIL(ERR_NOT_FOUND, "no such audit event");
	return event_json(l->a, &v[0], &l->entity);
}

static err_t
get(struct http_req *r)
{
	struct look l = { .a = http_arena(r) };
	struct query q;

	TRY(param_id(r, "id", &l.id));
	TRY(query_read(r, QUERY_ENTITY, &q));
	TRY(store_read(api_of(r)->store, look, &l));
	return reply_entity(r, 200, SET, NULL, &q, l.entity);
}

static err_t
reply_texts(struct http_req *r, json *list)
{
	auto_json json *out = json_object_new();

	json_set_text(out, "@odata.context",
	    arena_printf(http_arena(r), "%s/%s/$metadata#Collection(Edm.String)", reply_root(r),
		reply_version(r)));
	json_set(out, "value", list);
	return reply_json(r, 200, out);
}

static err_t
categories(struct http_req *r)
{
	json *list = json_array_new();

	for (size_t i = 0; i < COUNT(areas); i++) {
		bool known = false;

		for (size_t k = 0; k < i; k++)
			known |= strcmp(areas[k].category, areas[i].category) == 0;
		if (!known)
			json_add(list, json_text_new(areas[i].category));
	}
	return reply_texts(r, list);
}

/* What a category is about: the words that its actions begin with. */
static err_t
activities(struct http_req *r)
{
	struct str s = str_c(http_param(r, "category"));
	json *list = json_array_new();

	if (s.n > 9 && str_ieq_c(str_of(s.p, 9), "category="))
		s = str_of(s.p + 9, s.n - 9);
	while (s.n > 1 && s.p[0] == '\'' && s.p[s.n - 1] == '\'')
		s = str_of(s.p + 1, s.n - 2);
	for (const struct area *x = areas; x->word != NULL; x++)
		if (str_ieq_c(s, x->category))
			json_add(list, json_text_new(x->word));
	return reply_texts(r, list);
}

static const struct http_route routes[] = {
	GRAPH(GET, "/" SET, PERM_AUDIT_READ, list),
	GRAPH(GET, "/" SET "/getAuditCategories()", PERM_AUDIT_READ, categories),
	GRAPH(GET, "/" SET "/getAuditCategories", PERM_AUDIT_READ, categories),
	GRAPH(GET, "/" SET "/getAuditActivityTypes/{category}", PERM_AUDIT_READ, activities),
	GRAPH(GET, "/" SET "/{id}", PERM_AUDIT_READ, get),
	{ 0 },
};

const struct resource resource_audit_events = { "audit_events", routes };
