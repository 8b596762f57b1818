/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /deviceManagement/getAssignmentFiltersStatusDetails: how the assignment filters of a profile, or those named, judge one
 * device, and by what it says of itself. Judged when asked: there is no older answer that could be out of date.
 */
#include "api/reach.h"
#include "api/reply.h"
#include "model/filter.h"

#define FILTERS_MAX 100u

struct status {
	struct arena *a;
	const struct caller *who;
	struct id device, profile, filters[FILTERS_MAX];
	size_t n;
	int64_t top, skip;
	json *properties, *summaries; /* of the answer; emptied by each run */
	json *out;
};

static err_t
ids_read(const json *list, struct status *s)
{
	for (size_t i = 0; i < json_count(list); i++) {
		const json *x = json_at(list, i);

		if (!json_is_text(x) || !err_ok(id_parse(str_c(json_text(x)), &s->filters[i])))
			FAIL(ERR_BAD_REQUEST, "\"assignmentFilterIds\" must hold identifiers");
		s->n++;
	}
	return OK;
}

static const char *
mode_of(const struct assignment *v, size_t n, struct id filter)
{
	for (size_t i = 0; i < n; i++)
		if (id_eq(v[i].filter, filter))
			return v[i].filter_mode == FILTER_EXCLUDE ? "exclude" : "include";
	return "none";
}

/* Those of the profile's targets, if none were named. */
static void
collect(struct status *s, const struct assignment *v, size_t n)
{
	for (size_t i = 0; i < n && s->n < FILTERS_MAX; i++) {
		bool there = id_is_zero(v[i].filter);

		for (size_t k = 0; k < s->n && !there; k++)
			there = id_eq(s->filters[k], v[i].filter);
		if (!there)
			s->filters[s->n++] = v[i].filter;
	}
}

static err_t
judge(struct tx *tx, struct status *s, const struct device *d, struct id id, const char *mode)
{
	struct assignment by = { .filter = id, .filter_mode = FILTER_INCLUDE };
	json *j = json_object_new();
	struct filter f;
	bool match;

	json_add(s->summaries, j);
	TRY(store_filter_get(tx, s->a, id, &f));
	if (!rights_reach(s->who, PERM_FILTERS_READ, f.scope_tags))
		FAIL(ERR_NOT_FOUND, "no such assignment filter");
	TRY(filter_passes(tx, s->a, &by, d, &match));
	json_set_id(s->a, j, "assignmentFilterId", id);
	json_set_text(j, "assignmentFilterDisplayName", f.display_name);
	json_set_text(j, "assignmentFilterPlatform", f.platform);
	json_set_text(j, "assignmentFilterType", mode);
	json_set_when(s->a, j, "assignmentFilterLastModifiedDateTime", f.modified);
	json_set_when(s->a, j, "evaluationDateTime", when_now());
	json_set_text(j, "evaluationResult",
	    !filter_is_for(f.platform, d->platform) ? "notEvaluated" :
		match                               ? "match" :
						      "notMatch");
	return OK;
}

static void
put_properties(struct status *s, const struct device *d)
{
	struct rule_facts facts;

	filter_facts(d, &facts);
	for (size_t i = 0; i < RULE_PROPERTIES; i++) {
		json *j = json_object_new();

		json_add(s->properties, j);
		json_set_text(j, "name", rule_properties[i].name);
		json_set_text(j, "value", facts.v[i] == NULL ? "" : facts.v[i]);
	}
}

static err_t
look(struct tx *tx, void *arg)
{
	struct status *s = arg;
	struct assignment *v = NULL;
	struct profile p;
	struct device d;
	size_t n = 0;

	s->properties = json_array_new();
	s->summaries = json_array_new();
	json_set(s->out, "deviceProperties", s->properties);
	json_set(s->out, "evalutionSummaries", s->summaries);
	TRY(store_device_get(tx, s->a, s->device, &d));
	if (!rights_reach(s->who, PERM_CONFIG_READ | PERM_DEVICES_READ, d.scope_tags))
		FAIL(ERR_NOT_FOUND, "no such device");
	if (!id_is_zero(s->profile)) {
		TRY(store_profile_get(tx, s->a, s->profile, &p));
		TRY(rights_demand(
		    s->who, PERM_CONFIG_READ, PERM_CONFIG_READ, p.scope_tags, "profile"));
		TRY(store_assignments(tx, s->a, s->profile, &v, &n));
	}
	if (s->n == 0)
		collect(s, v, n);
	put_properties(s, &d);
	for (size_t i = (size_t)s->skip; i < s->n && i < (size_t)(s->skip + s->top); i++)
		TRY(judge(tx, s, &d, s->filters[i], mode_of(v, n, s->filters[i])));
	return OK;
}

static err_t
status(struct http_req *r)
{
	struct status s = { .a = http_arena(r), .who = http_caller(r) };
	auto_json json *body = NULL, *out = json_object_new();
	const char *user = NULL;
	json *list = NULL;

	TRY(body_object(r, &body));
	TRY(json_need_id(body, "managedDeviceId", &s.device));
	if (!json_is_null(json_get(body, "payloadId")))
		TRY(json_need_id(body, "payloadId", &s.profile));
	TRY(json_want_text(body, "userId", LIMIT_TEXT, &user));
	TRY(json_want_array(body, "assignmentFilterIds", FILTERS_MAX, &list));
	TRY(json_want_int(body, "top", 1, FILTERS_MAX, FILTERS_MAX, &s.top));
	TRY(json_want_int(body, "skip", 0, INT32_MAX, 0, &s.skip));
	TRY(ids_read(list, &s));
	if (s.n == 0 && id_is_zero(s.profile))
		FAIL(
		    ERR_BAD_REQUEST, "name a profile (payloadId) or filters (assignmentFilterIds)");
	json_set_id(s.a, out, "managedDeviceId", s.device);
	json_set_id(s.a, out, "payloadId", s.profile);
	json_set_text(out, "userId", user);
	s.out = out;
	TRY(store_read(api_of(r)->store, look, &s));
	return reply_json(r, 200, out);
}

static const struct http_route routes[] = {
	GRAPH(POST, "/deviceManagement/getAssignmentFiltersStatusDetails",
	    PERM_CONFIG_READ | PERM_SCOPED, status),
	{ 0 },
};

const struct resource resource_filter_status = { "filter_status", routes };
