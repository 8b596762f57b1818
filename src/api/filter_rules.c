/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rules of assignment filters say: their check (validateFilter), the properties that they may name, and a preview of
 * the devices that one matches (evaluateAssignmentFilter, which looks at a bounded number of devices and says so).
 */
#include "api/rights.h"
#include "api/token.h"
#include "api/users.h"
#include "model/filter.h"

#define SET "deviceManagement/assignmentFilters"
#define LOOK_MAX 50000u /* devices that one preview looks at */

/* {"platform", "rule"} of a body. */
static err_t
draft_read(struct arena *a, const json *j, unsigned *ret_platform, const char **ret_rule)
{
	const char *platform;

	TRY(json_need_text(j, "platform", LIMIT_TEXT, &platform));
	TRY(filter_platform_read(a, &platform));
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

/* Whoever may read filters alone gets no devices by them. */
#define SEES_DEVICES (PERM_CONFIG_READ | PERM_DEVICES_READ)

struct preview {
	struct arena *a;
	const struct caller *who;
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
	if (d->state != DEVICE_ACTIVE || !rights_reach(p->who, SEES_DEVICES, d->scope_tags) ||
	    (rule_platform(d->platform) & p->platform) == 0 || !found_by(p, d) ||
	    !rule_match(p->rule, &facts))
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
	struct preview p = { .a = http_arena(r), .who = http_caller(r) };
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

struct look {
	struct arena *a;
	const struct caller *who;
	struct id id;
	struct filter filter;
};

static err_t
look(struct tx *tx, void *arg)
{
	struct look *l = arg;

	TRY(store_filter_get(tx, l->a, l->id, &l->filter));
	return rights_demand(l->who, PERM_FILTERS_READ, PERM_FILTERS_READ, l->filter.scope_tags,
	    "assignment filter");
}

static err_t
properties_of(struct http_req *r)
{
	struct look l = { .a = http_arena(r), .who = http_caller(r) };

	TRY(param_id(r, "id", &l.id));
	TRY(store_read(api_of(r)->store, look, &l));
	return reply_properties(r, rule_platform(l.filter.platform));
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
	TRY(filter_platform_read(a, &platform));
	return reply_properties(r, rule_platform(platform));
}

#define ONE "/" SET "/{id}"

static const struct http_route routes[] = {
	GRAPH(POST, "/" SET "/validateFilter", PERM_FILTERS_READ | PERM_SCOPED, validate),
	GRAPH(GET, "/" SET "/getPlatformSupportedProperties/{platform}",
	    PERM_FILTERS_READ | PERM_SCOPED, properties_for),
	GRAPH(POST, "/deviceManagement/evaluateAssignmentFilter", PERM_FILTERS_READ | PERM_SCOPED,
	    evaluate),
	GRAPH(GET, ONE "/getSupportedProperties()", PERM_FILTERS_READ | PERM_SCOPED, properties_of),
	{ 0 },
};

const struct resource resource_filter_rules = { "filter_rules", routes };
