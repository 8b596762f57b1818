/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /deviceManagement/assignmentFilters: rules over properties of devices that narrow assignments (Graph beta
 * deviceAndAppManagementAssignmentFilter). What rules may say and match: filter_rules.c.
 */
#include "api/regroups.h"
#include "api/users.h"
#include "model/filter.h"
#include "model/scope.h"

#define SET "deviceManagement/assignmentFilters"
#define USES_SHOWN 5u

struct edit {
	const char *name, *description, *platform, *rule;
	int64_t management;
	struct field_texts tags;
};

static const struct field_member managements[] = {
	{ "devices", 0 },
	{ 0 },
};

const struct field filter_fields[] = {
	FIELD(struct edit, name, FIELD_TEXT, .name = "displayName", .flags = FIELD_REQUIRED,
	    .help = "Name; unique."),
	FIELD(struct edit, description, FIELD_TEXT, .name = "description", .max = LIMIT_LONG_TEXT,
	    .help = "For people."),
	FIELD(struct edit, platform, FIELD_TEXT, .name = "platform",
	    .flags = FIELD_REQUIRED | FIELD_CREATE_ONLY, .help = "Platform of the devices."),
	FIELD(struct edit, rule, FIELD_TEXT, .name = "rule", .flags = FIELD_REQUIRED,
	    .max = LIMIT_RULE, .help = "The rule."),
	FIELD(struct edit, management, FIELD_ENUM, .name = "assignmentFilterManagementType",
	    .members = managements, .help = "devices."),
	FIELD(struct edit, tags, FIELD_TEXTS, .name = "roleScopeTags", .max = 100,
	    .help = "Scope tags."),
};
const size_t filter_nfields = COUNT(filter_fields);
static const char *const known[] = { "id", "createdDateTime", "lastModifiedDateTime", "payloads",
	ROLLOUT_MEMBER, NULL };

static const char *const platforms[] = { "android", "androidForWork", "iOS", "macOS",
	"windowsPhone81", "windows81AndLater", "windows10AndLater", "androidWorkProfile",
	"androidAOSP", "linux" };

/* As the enum writes it, whatever the case that came. */
err_t
filter_platform_read(struct arena *a, const char **platform)
{
	for (size_t i = 0; i < COUNT(platforms); i++)
		if (str_ieq_c(str_c(*platform), platforms[i])) {
			*platform = platforms[i];
			return OK;
		}
	FAIL(ERR_MODEL_INVALID, "\"platform\" has no member \"%.64s\"",
	    text_safe(a, str_c(*platform)));
}

static err_t
edit_of(struct arena *a, const struct filter *f, struct edit *ret)
{
	*ret = (struct edit){ .name = f->display_name,
		.description = f->description,
		.platform = f->platform,
		.rule = f->rule };
	return scope_read(a, f->scope_tags, &ret->tags);
}

static err_t
filter_json(struct arena *a, const struct filter *f, json **ret)
{
	auto_json json *j = json_object_new();
	struct edit x;

	TRY(edit_of(a, f, &x));
	json_set_id(a, j, "id", f->id);
	json_set_text(j, "createdDateTime", when_text(a, f->created));
	json_set_text(j, "lastModifiedDateTime", when_text(a, f->modified));
	TRY(field_write(a, filter_fields, filter_nfields, &x, j));
	json_set(j, "payloads", json_array_new());
	*ret = steal(j);
	return OK;
}

struct change {
	struct arena *a;
	const struct caller *who;
	const char *if_match;
	struct id id;
	const json *body;
	struct filter filter;
	struct warnings warn;
};

static err_t
change_of(struct http_req *r, struct change *ret)
{
	*ret = (struct change){
		.a = http_arena(r), .who = http_caller(r), .if_match = http_header(r, "If-Match")
	};
	return http_param(r, "id") == NULL ? OK : param_id(r, "id", &ret->id);
}

static err_t
read_body(struct tx *tx, struct change *c, enum field_mode mode)
{
	struct filter *f = &c->filter;
	struct rule *rule;
	struct edit x = { 0 };

	if (mode == FIELD_UPDATE)
		TRY(edit_of(c->a, f, &x));
	TRY(field_read(c->a, filter_fields, filter_nfields, c->body, mode, known, &x));
	TRY(filter_platform_read(c->a, &x.platform));
	TRY(rule_parse(c->a, x.rule, rule_platform(x.platform), &rule));
	f->display_name = x.name;
	f->description = x.description;
	f->platform = x.platform;
	f->rule = x.rule;
	f->modified = when_now();
	TRY(scope_print(c->a, &x.tags, &f->scope_tags));
	TRY_CTX(scope_check(tx, c->a, f->scope_tags), "\"roleScopeTags\"");
	return OK;
}

static err_t
unless_taken(const struct change *c, err_t e)
{
	if (!err_is(e, ERR_CONFLICT))
		return e;
	err_forget(e);
	FAIL(ERR_CONFLICT, "another filter is named %s", c->filter.display_name);
}

static err_t
filter_text(struct change *c, const char **ret)
{
	json *j;

	TRY(filter_json(c->a, &c->filter, &j));
	return entity_text(c->a, j, ret);
}

static err_t
insert(struct tx *tx, void *arg)
{
	struct change *c = arg;
	const char *after;

	TRY(read_body(tx, c, FIELD_CREATE));
	c->filter.id = id_new();
	c->filter.created = c->filter.modified;
	TRY(unless_taken(c, store_filter_insert(tx, &c->filter)));
	TRY(filter_text(c, &after));
	return store_audit_add(tx, c->who->actor, "filter.create",
	    target_text(c->a, "filter", c->filter.id), "", after);
}

static err_t
fetch(struct tx *tx, struct change *c, const char **ret_before)
{
	auto_json json *now = NULL;

	TRY(store_filter_get(tx, c->a, c->id, &c->filter));
	TRY(rights_demand(c->who, PERM_FILTERS_READ, PERM_FILTERS_WRITE, c->filter.scope_tags,
	    "assignment filter"));
	TRY(filter_json(c->a, &c->filter, &now));
	TRY(etag_check(c->a, c->if_match, now));
	return filter_text(c, ret_before);
}

static err_t
update(struct tx *tx, void *arg)
{
	struct change *c = arg;
	struct regroup g = { .change = "filter" };
	const char *before, *after, *rule;

	TRY(fetch(tx, c, &before));
	rule = c->filter.rule;
	TRY(read_body(tx, c, FIELD_UPDATE));
	if (strcmp(rule, c->filter.rule) != 0)
		TRY(regroup_filter(tx, c->a, c->id, &g));
	TRY(unless_taken(c, store_filter_update(tx, &c->filter)));
	TRY(regroup_after(
	    tx, c->a, c->who->actor, &g, json_get(c->body, ROLLOUT_MEMBER), NULL, &c->warn));
	TRY(filter_text(c, &after));
	tx_notify(tx, TOPIC_DEVICE, STR_EMPTY);
	return store_audit_add(
	    tx, c->who->actor, "filter.update", target_text(c->a, "filter", c->id), before, after);
}

static err_t
remove_filter(struct tx *tx, void *arg)
{
	struct change *c = arg;
	const char *before, *names = "";
	struct id *by;
	size_t n;

	TRY(fetch(tx, c, &before));
	TRY(store_filter_use(tx, c->a, c->id, USES_SHOWN, &by, &n));
	for (size_t i = 0; i < n; i++) {
		struct profile p;

		TRY(store_profile_get(tx, c->a, by[i], &p));
		names = arena_printf(c->a, "%s%s\"%s\"", names, i == 0 ? "" : ", ", p.display_name);
	}
	if (n > 0)
		FAIL(ERR_FILTER_IN_USE, "%s", names);
	TRY(store_filter_delete(tx, c->id));
	return store_audit_add(
	    tx, c->who->actor, "filter.delete", target_text(c->a, "filter", c->id), before, "");
}

static err_t
read_page(struct tx *tx, struct arena *a, struct page p, const void *arg, const struct query *q,
    struct rows *rows, bool *more)
{
	struct filter *v;
	size_t n;

	(void)q;
	TRY(store_filter_list(tx, a, p, &v, &n, more));
	for (size_t i = 0; i < n; i++) {
		json *j;

		if (!rights_reach(arg, PERM_FILTERS_READ, v[i].scope_tags)) {
			rows_pass(rows, v[i].id);
			continue;
		}
		TRY(filter_json(a, &v[i], &j));
		rows_add(rows, v[i].id, j);
	}
	return OK;
}

/* Those that the caller may see. */
static struct collection
filters(struct http_req *r)
{
	return (struct collection){
		.set = SET, .page = LIMIT_PAGE, .read = read_page, .arg = http_caller(r)
	};
}

static err_t
list(struct http_req *r)
{
	struct collection c = filters(r);

	return reply_collection(r, &c, 0);
}

static err_t
count(struct http_req *r)
{
	struct collection c = filters(r);

	return reply_count(r, &c);
}

static err_t
look(struct tx *tx, void *arg)
{
	struct change *c = arg;

	TRY(store_filter_get(tx, c->a, c->id, &c->filter));
	return rights_demand(c->who, PERM_FILTERS_READ, PERM_FILTERS_READ, c->filter.scope_tags,
	    "assignment filter");
}

static err_t
reply_filter(struct http_req *r, int status, const struct query *q, const struct change *c)
{
	json *j;

	TRY(filter_json(c->a, &c->filter, &j));
	return reply_entity(r, status, SET,
	    status == 201 ? arena_printf(c->a, "/" SET "/%s", id_text(c->a, c->filter.id)) : NULL,
	    q, j);
}

static err_t
get(struct http_req *r)
{
	struct change c;
	struct query q;

	TRY(change_of(r, &c));
	TRY(query_read(r, QUERY_ENTITY, &q));
	TRY(store_read(api_of(r)->store, look, &c));
	return reply_filter(r, 200, &q, &c);
}

static err_t
post(struct http_req *r)
{
	struct change c;
	auto_json json *body = NULL;

	TRY(change_of(r, &c));
	TRY(body_object(r, &body));
	TRY(rights_body(http_caller(r), c.a, PERM_FILTERS_WRITE, body, "roleScopeTags", true));
	c.body = body;
	TRY(store_write(api_of(r)->store, insert, &c));
	return reply_filter(r, 201, NULL, &c);
}

static err_t
patch(struct http_req *r)
{
	struct change c;
	auto_json json *body = NULL;

	TRY(rights_filter(r, PERM_FILTERS_WRITE));
	TRY(change_of(r, &c));
	TRY(body_object(r, &body));
	TRY(rights_body(http_caller(r), c.a, PERM_FILTERS_WRITE, body, "roleScopeTags", false));
	c.body = body;
	TRY(store_write(api_of(r)->store, update, &c));
	warned(r, &c.warn);
	return reply_filter(r, 200, NULL, &c);
}

static err_t delete (struct http_req *r)
{
	struct change c;

	TRY(change_of(r, &c));
	TRY(store_write(api_of(r)->store, remove_filter, &c));
	return reply_empty(r, 204);
}

static err_t
state(struct http_req *r)
{
	auto_json json *out = json_object_new();

	json_set_bool(out, "enabled", true);
	return reply_json(r, 200, out);
}

/* They cannot be switched off: what would be left of an assignment without its filter reaches too many. */
static err_t
enable(struct http_req *r)
{
	auto_json json *body = NULL;

	TRY(body_object(r, &body));
	if (!json_true(json_get(body, "enable")))
		FAIL(ERR_UNSUPPORTED, "assignment filters are always enabled");
	return reply_empty(r, 204);
}

#define ONE "/" SET "/{id}"

static const struct http_route routes[] = {
	GRAPH(GET, "/" SET, PERM_FILTERS_READ | PERM_SCOPED, list),
	GRAPH(POST, "/" SET, PERM_FILTERS_WRITE | PERM_SCOPED, post),
	GRAPH(GET, "/" SET "/$count", PERM_FILTERS_READ | PERM_SCOPED, count),
	GRAPH(POST, "/" SET "/enable", PERM_FILTERS_WRITE, enable),
	GRAPH(GET, "/" SET "/getState()", PERM_FILTERS_READ | PERM_SCOPED, state),
	GRAPH(GET, ONE, PERM_FILTERS_READ | PERM_SCOPED, get),
	GRAPH(PATCH, ONE, PERM_FILTERS_WRITE | PERM_SCOPED, patch),
	GRAPH(DELETE, ONE, PERM_FILTERS_WRITE | PERM_SCOPED, delete),
	{ 0 },
};

const struct resource resource_assignment_filters = { "assignment_filters", routes };
