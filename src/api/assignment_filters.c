/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /deviceManagement/assignmentFilters: rules over properties of devices that narrow assignments (Graph beta
 * deviceAndAppManagementAssignmentFilter), their check (validateFilter), the properties that rules may name, and a preview
 * of the devices that a rule matches (evaluateAssignmentFilter, which looks at a bounded number of devices and says so).
 */
#include "api/users.h"
#include "model/filter.h"
#include "model/scope.h"

#define SET "deviceManagement/assignmentFilters"
#define USES_SHOWN 5u
#define LOOK_MAX 50000u /* devices that one preview looks at */

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
	NULL };

static const char *const platforms[] = { "android", "androidForWork", "iOS", "macOS",
	"windowsPhone81", "windows81AndLater", "windows10AndLater", "androidWorkProfile",
	"androidAOSP", "linux" };

/* As the enum writes it, whatever the case that came. */
static err_t
platform_read(struct arena *a, const char **platform)
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
	const char *actor, *if_match;
	struct id id;
	const json *body;
	struct filter filter;
};

static err_t
change_of(struct http_req *r, struct change *ret)
{
	const struct caller *who = http_caller(r);

	*ret = (struct change){
		.a = http_arena(r), .actor = who->actor, .if_match = http_header(r, "If-Match")
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
	TRY(platform_read(c->a, &x.platform));
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
	return store_audit_add(
	    tx, c->actor, "filter.create", target_text(c->a, "filter", c->filter.id), "", after);
}

static err_t
fetch(struct tx *tx, struct change *c, const char **ret_before)
{
	auto_json json *now = NULL;

	TRY(store_filter_get(tx, c->a, c->id, &c->filter));
	TRY(filter_json(c->a, &c->filter, &now));
	TRY(etag_check(c->a, c->if_match, now));
	return filter_text(c, ret_before);
}

static err_t
update(struct tx *tx, void *arg)
{
	struct change *c = arg;
	const char *before, *after;

	TRY(fetch(tx, c, &before));
	TRY(read_body(tx, c, FIELD_UPDATE));
	TRY(unless_taken(c, store_filter_update(tx, &c->filter)));
	TRY(filter_text(c, &after));
	tx_notify(tx, TOPIC_DEVICE, STR_EMPTY);
	return store_audit_add(
	    tx, c->actor, "filter.update", target_text(c->a, "filter", c->id), before, after);
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
	    tx, c->actor, "filter.delete", target_text(c->a, "filter", c->id), before, "");
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

		if (!rights_reach(arg, PERM_CONFIG_READ, v[i].scope_tags)) {
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

	return store_filter_get(tx, c->a, c->id, &c->filter);
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

	TRY(rights_filter(r, PERM_CONFIG_READ));
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
	TRY(rights_body(http_caller(r), c.a, PERM_CONFIG_WRITE, body, "roleScopeTags", true));
	c.body = body;
	TRY(store_write(api_of(r)->store, insert, &c));
	return reply_filter(r, 201, NULL, &c);
}

static err_t
patch(struct http_req *r)
{
	struct change c;
	auto_json json *body = NULL;

	TRY(rights_filter(r, PERM_CONFIG_WRITE));
	TRY(change_of(r, &c));
	TRY(body_object(r, &body));
	TRY(rights_body(http_caller(r), c.a, PERM_CONFIG_WRITE, body, "roleScopeTags", false));
	c.body = body;
	TRY(store_write(api_of(r)->store, update, &c));
	return reply_filter(r, 200, NULL, &c);
}

static err_t delete (struct http_req *r)
{
	struct change c;

	TRY(rights_filter(r, PERM_CONFIG_WRITE));
	TRY(change_of(r, &c));
	TRY(store_write(api_of(r)->store, remove_filter, &c));
	return reply_empty(r, 204);
}

/* {"platform", "rule"} of a body. */
static err_t
draft_read(struct arena *a, const json *j, unsigned *ret_platform, const char **ret_rule)
{
	const char *platform;

	TRY(json_need_text(j, "platform", LIMIT_TEXT, &platform));
	TRY(platform_read(a, &platform));
	TRY(json_need_text(j, "rule", LIMIT_RULE, ret_rule));
	*ret_platform = rule_platform(platform);
	return OK;
}

/* What is wrong with the rule is said beside Graph's yes or no. */
static err_t
validate(struct http_req *r)
{
	struct arena *a = http_arena(r);
	auto_json json *body = NULL, *out = json_object_new();
	const char *text;
	struct rule *rule;
	unsigned platform;
	json *draft;
	err_t e;

	TRY(body_object(r, &body));
	TRY(json_need_object(body, "deviceAndAppManagementAssignmentFilter", &draft));
	TRY(draft_read(a, draft, &platform, &text));
	e = rule_parse(a, text, platform, &rule);
	json_set_bool(out, "isValidRule", err_ok(e));
	json_set_text(out, "@chancery.reason", err_ok(e) ? NULL : arena_strdup(a, err_detail()));
	err_forget(e);
	return reply_json(r, 200, out);
}

struct preview {
	struct arena *a;
	unsigned platform;
	const struct rule *rule;
	int64_t top, skip;
	const char *search;
	size_t looked, matched;
	bool whole;
	json *value;
};

static bool
found_by(const struct preview *p, const struct device *d)
{
	return p->search == NULL || *p->search == '\0' ||
	    (d->name != NULL && strcasestr(d->name, p->search) != NULL);
}

static err_t
preview_device(struct tx *tx, struct preview *p, const struct device *d)
{
	struct rule_facts facts;
	struct user user;
	const struct user *of;
	json *j;

	filter_facts(d, &facts);
	if (d->state != DEVICE_ACTIVE || (rule_platform(d->platform) & p->platform) == 0 ||
	    !found_by(p, d) || !rule_match(p->rule, &facts))
		return OK;
	p->matched++;
	if (p->matched <= (size_t)p->skip || json_count(p->value) == (size_t)p->top)
		return OK;
	TRY(device_user(tx, p->a, d, &user, &of));
	TRY(device_json(p->a, d, of, &j));
	json_add(p->value, j);
	return OK;
}

static err_t
preview(struct tx *tx, void *arg)
{
	struct preview *p = arg;
	struct page page = { .limit = 200 };
	bool more = true;

	while (more && p->looked < LOOK_MAX) {
		auto_arena struct arena *a = arena_new();
		struct device *v;
		size_t n;

		TRY(store_device_list(tx, a, page, &v, &n, &more));
		for (size_t i = 0; i < n; i++)
			TRY(preview_device(tx, p, &v[i]));
		if (n > 0)
			page.after = v[n - 1].id;
		p->looked += n;
	}
	p->whole = !more;
	return OK;
}

static err_t
evaluate(struct http_req *r)
{
	struct preview p = { .a = http_arena(r) };
	auto_json json *body = NULL, *out = json_object_new();
	const char *text;
	struct rule *rule;
	json *data;

	p.value = json_array_new();
	json_set(out, "value", p.value);
	TRY(body_object(r, &body));
	TRY(json_need_object(body, "data", &data));
	TRY(draft_read(p.a, data, &p.platform, &text));
	TRY(json_want_int(data, "top", 1, LIMIT_PAGE, 100, &p.top));
	TRY(json_want_int(data, "skip", 0, INT32_MAX, 0, &p.skip));
	TRY(json_want_text(data, "search", LIMIT_TEXT, &p.search));
	TRY(rule_parse(p.a, text, p.platform, &rule));
	p.rule = rule;
	TRY(store_read(api_of(r)->store, preview, &p));
	json_set_int(out, "totalRowCount", (int64_t)p.matched);
	json_set_int(out, "@chancery.devicesLookedAt", (int64_t)p.looked);
	json_set_bool(out, "@chancery.complete", p.whole);
	return reply_json(r, 200, out);
}

static json *
property_json(struct arena *a, const struct rule_property_info *p)
{
	json *j = json_object_new(), *ops = json_array_new(), *values = json_array_new();
	const char *of = p->name + strlen("device.");

	json_set_text(j, "name", of);
	json_set_text(j, "dataType", p->type);
	json_set_bool(j, "isCollection", false);
	json_set_text(j, "propertyRegexConstraint", "");
	json_set(j, "supportedOperators", ops);
	for (unsigned i = 0; i < RULE_OPS; i++)
		if ((p->ops & 1u << i) != 0)
			json_add(ops, json_text_new(rule_op_word((enum rule_op)i)));
	json_set(j, "supportedValues", values);
	for (const char *const *v = p->values; v != NULL && *v != NULL; v++)
		json_add(values, json_text_new(*v));
	(void)a;
	return j;
}

static err_t
reply_properties(struct http_req *r, unsigned platform)
{
	auto_json json *out = json_object_new();
	json *value = json_array_new();

	json_set(out, "value", value);
	for (size_t i = 0; i < RULE_PROPERTIES; i++)
		if ((rule_properties[i].platforms & platform) != 0)
			json_add(value, property_json(http_arena(r), &rule_properties[i]));
	return reply_json(r, 200, out);
}

static err_t
properties_of(struct http_req *r)
{
	struct change c;

	TRY(change_of(r, &c));
	TRY(store_read(api_of(r)->store, look, &c));
	return reply_properties(r, rule_platform(c.filter.platform));
}

/* getPlatformSupportedProperties(platform='iOS') */
static err_t
properties_for(struct http_req *r)
{
	struct arena *a = http_arena(r);
	struct str key = str_c(http_param(r, "platform"));
	struct str name = str_cut(&key, '=');
	const char *platform;

	key = str_trim(key);
	if (!str_ieq_c(str_trim(name), "platform") || key.n < 2 || key.p[0] != '\'')
		FAIL(ERR_BAD_REQUEST, "write it as getPlatformSupportedProperties(platform='iOS')");
	platform = arena_cstr(a, str_of(key.p + 1, key.n - 2));
	TRY(platform_read(a, &platform));
	return reply_properties(r, rule_platform(platform));
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
	GRAPH(GET, "/" SET, PERM_CONFIG_READ | PERM_SCOPED, list),
	GRAPH(POST, "/" SET, PERM_CONFIG_WRITE | PERM_SCOPED, post),
	GRAPH(GET, "/" SET "/$count", PERM_CONFIG_READ | PERM_SCOPED, count),
	GRAPH(POST, "/" SET "/validateFilter", PERM_CONFIG_READ | PERM_SCOPED, validate),
	GRAPH(POST, "/" SET "/enable", PERM_CONFIG_WRITE, enable),
	GRAPH(GET, "/" SET "/getState()", PERM_CONFIG_READ | PERM_SCOPED, state),
	GRAPH(GET, "/" SET "/getPlatformSupportedProperties/{platform}", PERM_CONFIG_READ,
	    properties_for),
	GRAPH(POST, "/deviceManagement/evaluateAssignmentFilter", PERM_CONFIG_READ, evaluate),
	GRAPH(GET, ONE, PERM_CONFIG_READ | PERM_SCOPED, get),
	GRAPH(PATCH, ONE, PERM_CONFIG_WRITE | PERM_SCOPED, patch),
	GRAPH(DELETE, ONE, PERM_CONFIG_WRITE | PERM_SCOPED, delete),
	GRAPH(GET, ONE "/getSupportedProperties()", PERM_CONFIG_READ, properties_of),
	{ 0 },
};

const struct resource resource_assignment_filters = { "assignment_filters", routes };
