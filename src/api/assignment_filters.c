/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /deviceManagement/assignmentFilters: rules over properties of devices that narrow assignments (Graph beta
 * deviceAndAppManagementAssignmentFilter). What rules may say and match: filter_rules.c.
 */
#include "api/record.h"
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
	struct record r;
	struct filter filter;
	const char *rule; /* before the change */
	struct warnings warn;
};

/* Who may change none of its kind learns that before the body is looked at. */
static err_t
begin(struct http_req *r, struct record *x)
{
	(void)x;
	return http_method(r) == HTTP_PATCH ? rights_filter(r, PERM_FILTERS_WRITE) : OK;
}

static err_t
begin_body(struct record *r, json *body, enum field_mode mode)
{
	return rights_body(
	    r->who, r->a, PERM_FILTERS_WRITE, body, "roleScopeTags", mode == FIELD_CREATE);
}

static err_t
find(struct tx *tx, struct record *r)
{
	struct filter *f = &((struct change *)r)->filter;

	TRY(store_filter_get(tx, r->a, r->id, f));
	return rights_demand(r->who, PERM_FILTERS_READ,
	    r->changing ? PERM_FILTERS_WRITE : PERM_FILTERS_READ, f->scope_tags,
	    "assignment filter");
}

static err_t
read_body(struct tx *tx, struct record *r, enum field_mode mode)
{
	struct change *c = (struct change *)r;
	struct filter *f = &c->filter;
	struct rule *rule;
	struct edit x = { 0 };

	if (mode == FIELD_UPDATE)
		TRY(edit_of(r->a, f, &x));
	TRY(field_read(r->a, filter_fields, filter_nfields, r->body, mode, known, &x));
	TRY(filter_platform_read(r->a, &x.platform));
	TRY(rule_parse(r->a, x.rule, rule_platform(x.platform), &rule));
	c->rule = f->rule;
	f->display_name = x.name;
	f->description = x.description;
	f->platform = x.platform;
	f->rule = x.rule;
	f->modified = when_now();
	if (mode == FIELD_CREATE) {
		f->id = r->id;
		f->created = f->modified;
	}
	TRY(scope_print(r->a, &x.tags, &f->scope_tags));
	TRY_CTX(scope_check(tx, r->a, f->scope_tags), "\"roleScopeTags\"");
	return OK;
}

static err_t
insert(struct tx *tx, struct record *r)
{
	const struct filter *f = &((struct change *)r)->filter;

	return record_unless_taken(store_filter_insert(tx, f), "filter", f->display_name);
}

static err_t
update(struct tx *tx, struct record *r)
{
	struct change *c = (struct change *)r;
	const struct filter *f = &c->filter;
	struct regroup g = { .change = "filter" };

	if (strcmp(c->rule, f->rule) != 0)
		TRY(regroup_filter(tx, r->a, r->id, &g));
	TRY(record_unless_taken(store_filter_update(tx, f), "filter", f->display_name));
	TRY(regroup_after(
	    tx, r->a, r->who->actor, &g, json_get(r->body, ROLLOUT_MEMBER), NULL, &c->warn));
	tx_notify(tx, TOPIC_DEVICE, STR_EMPTY);
	return OK;
}

static err_t
remove_filter(struct tx *tx, struct record *r)
{
	const char *names = "";
	struct id *by;
	size_t n;

	TRY(store_filter_use(tx, r->a, r->id, USES_SHOWN, &by, &n));
	for (size_t i = 0; i < n; i++) {
		struct profile p;

		TRY(store_profile_get(tx, r->a, by[i], &p));
		names = arena_printf(r->a, "%s%s\"%s\"", names, i == 0 ? "" : ", ", p.display_name);
	}
	if (n > 0)
		FAIL(ERR_FILTER_IN_USE, "%s", names);
	return store_filter_delete(tx, r->id);
}

static err_t
shown(struct record *r, json **ret)
{
	return filter_json(r->a, &((struct change *)r)->filter, ret);
}

static void
answered(struct http_req *r, struct record *x)
{
	warned(r, &((struct change *)x)->warn);
}

static const struct record_kind kind = { .set = SET,
	.noun = "filter",
	.size = sizeof(struct change),
	.begin = begin,
	.begin_body = begin_body,
	.find = find,
	.read = read_body,
	.insert = insert,
	.update = update,
	.remove = remove_filter,
	.json = shown,
	.answered = answered };

RECORD_HANDLERS(kind)

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

static const struct collection filters = {
	.set = SET, .page = LIMIT_PAGE, .read = read_page, .by_caller = true
};

static err_t
list(struct http_req *r)
{
	return reply_collection(r, &filters, 0);
}

static err_t
count(struct http_req *r)
{
	return reply_count(r, &filters);
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
