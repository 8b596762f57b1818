/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /deviceManagement/deviceConfigurations: profiles, their assignments and their root (Graph beta deviceConfiguration), and
 * /deviceManagement/resourceAccessProfiles: those of Windows 10X (deviceManagementResourceAccessProfileBase). Each list has its
 * own; by its identifier a profile is reached under deviceConfigurations whatever it is, and /chancery/v1/profiles has all.
 * Checks, storing and audit are model/profile.h's.
 *
 * What was saved but deserves a look comes back as "@chancery.warnings": [{code, message, hint}].
 */
#include "api/assignments.h"
#include "api/reach.h"
#include "api/warnings.h"
#include "model/rollout.h"
#include "model/secret.h"

#include <strings.h>

#define SET "deviceManagement/deviceConfigurations"
#define ACCESS "deviceManagement/resourceAccessProfiles"
#define ALL "/chancery/v1/profiles"

static bool
of_access(const struct http_req *r)
{
	return strcasestr(http_path(r), "/resourceAccessProfiles") != NULL;
}

static bool
of_all(const struct http_req *r)
{
	return strncasecmp(http_path(r), ALL, strlen(ALL)) == 0;
}

/* As @odata.context names it. */
static const char *
set_of(const struct http_req *r)
{
	return of_access(r) ? ACCESS : SET;
}

/* What a path is not about is not there. */
static err_t
belongs(const struct http_req *r, const struct profile *p)
{
	const struct profile_type *t;

	TRY(profile_type_find(p->type, &t));
	if (of_access(r) && t->set != SET_ACCESS)
		FAIL(ERR_NOT_FOUND, "the profile is one of deviceConfigurations");
	return OK;
}

/* Whose list it is, and which profiles it has. */
struct listing {
	const struct caller *who;
	bool all;
	enum profile_set set;
};

static bool
listed(const struct listing *l, const struct profile *p)
{
	const struct profile_type *t;
	err_t e = profile_type_find(p->type, &t);

	if (!err_ok(e)) {
		err_forget(e);
		return false;
	}
	return (l->all || t->set == l->set) &&
	    rights_reach(l->who, PERM_CONFIG_READ, p->scope_tags);
}

static err_t
read_page(struct tx *tx, struct arena *a, struct page p, const void *arg, const struct query *q,
    struct rows *rows, bool *more)
{
	struct profile *v;
	size_t n;

	TRY(store_profile_list(tx, a, p, &v, &n, more));
	for (size_t i = 0; i < n; i++) {
		json *j, *assignments;

		if (!listed(arg, &v[i])) {
			rows_pass(rows, v[i].id);
			continue;
		}
		TRY(profile_json(a, &v[i], &j));
		rows_add(rows, v[i].id, j);
		if (q->expand_assignments) {
			TRY(assignments_json(tx, a, v[i].id, &assignments));
			json_set(j, "assignments", assignments);
		}
		if (q->expand_group_assignments) {
			TRY(group_assignments_json(tx, a, v[i].id, &assignments));
			json_set(j, "groupAssignments", assignments);
		}
	}
	return OK;
}

/* Those that the caller may see. */
static struct collection
profiles(struct http_req *r)
{
	struct listing *l = ARENA_NEW(http_arena(r), struct listing);

	*l = (struct listing){ .who = http_caller(r),
		.all = of_all(r),
		.set = of_access(r) ? SET_ACCESS : SET_CONFIGURATIONS };
	return (
	    struct collection){ .set = set_of(r), .page = LIMIT_PAGE, .read = read_page, .arg = l };
}

static err_t
list(struct http_req *r)
{
	struct collection c = profiles(r);

	return reply_collection(r, &c, QUERY_EXPAND_ASSIGNMENTS);
}

static err_t
count(struct http_req *r)
{
	struct collection c = profiles(r);

	return reply_count(r, &c);
}

struct look {
	struct arena *a;
	struct id id;
	bool with_assignments, with_groups, of_root;
	struct profile profile;
	json *assignments, *groups;
	const char *tag; /* of the assignments */
};

static err_t
look(struct tx *tx, void *arg)
{
	struct look *l = arg;

	TRY(store_profile_get(tx, l->a, l->id, &l->profile));
	if (l->with_assignments)
		TRY(assignments_json(tx, l->a, l->id, &l->assignments));
	TRY(assign_tag(tx, l->a, l->id, &l->tag));
	if (l->with_groups)
		TRY(group_assignments_json(tx, l->a, l->id, &l->groups));
	if (!l->of_root)
		return OK;
	if (id_is_zero(l->profile.root))
		FAIL(ERR_NOT_FOUND, "the profile refers to no trusted root");
	return store_profile_get(tx, l->a, l->profile.root, &l->profile);
}

static err_t
get(struct http_req *r)
{
	struct look l = { .a = http_arena(r) };
	struct query q;
	json *j;

	TRY(rights_profile(r, PERM_CONFIG_READ));
	TRY(param_id(r, "id", &l.id));
	TRY(query_read(r, QUERY_EXPAND_ASSIGNMENTS, &q));
	l.with_assignments = q.expand_assignments;
	l.with_groups = q.expand_group_assignments;
	TRY(store_read(api_of(r)->store, look, &l));

	auto_json json *assignments = l.assignments, *groups = l.groups;

	TRY(belongs(r, &l.profile));
	TRY(profile_json(l.a, &l.profile, &j));
	if (assignments != NULL) {
		json_set_text(j, "assignments@odata.context",
		    arena_printf(l.a, "%s/%s/$metadata#%s('%s')/assignments", reply_root(r),
			reply_version(r), set_of(r), id_text(l.a, l.id)));
		json_set(j, "assignments", steal(assignments));
	}
	if (groups != NULL)
		json_set(j, "groupAssignments", steal(groups));
	return reply_entity(r, 200, set_of(r), NULL, &q, j);
}

/* A cast in the path must name the profile's own type. */
static err_t
check_cast(struct http_req *r, const struct profile *p)
{
	const char *cast = http_param(r, "cast");
	const char *own = strrchr(p->type, '.');
	const char *asked = cast == NULL ? NULL : strrchr(cast, '.');

	if (cast == NULL)
		return OK;
	if (asked == NULL || own == NULL || !str_ieq_c(str_c(asked), own))
		FAIL(ERR_NO_SEGMENT, "the profile is not of type '%s'",
		    text_safe(http_arena(r), str_c(cast)));
	return OK;
}

static err_t
get_root(struct http_req *r)
{
	struct look of = { .a = http_arena(r) };
	struct look root = { .a = http_arena(r), .of_root = true };
	struct query q;
	json *j;

	TRY(rights_profile(r, PERM_CONFIG_READ));
	TRY(param_id(r, "id", &of.id));
	root.id = of.id;
	TRY(query_read(r, QUERY_ENTITY, &q));
	TRY(store_read(api_of(r)->store, look, &of));
	TRY(check_cast(r, &of.profile));
	TRY(store_read(api_of(r)->store, look, &root));
	TRY(rights_demand(http_caller(r), PERM_CONFIG_READ, PERM_CONFIG_READ,
	    root.profile.scope_tags, "profile"));
	TRY(profile_json(root.a, &root.profile, &j));
	return reply_entity(r, 200, SET, NULL, &q, j);
}

/* PUT .../rootCertificate/$ref is a change of the profile like any other. */
static err_t
put_root(struct http_req *r)
{
	const struct caller *who = http_caller(r);
	struct look l = { .a = http_arena(r) };
	auto_json json *body = NULL;
	auto_json json *change = json_object_new();
	const struct secrets none = { .n = 0 };
	struct warnings w = { .n = 0 };
	struct profile p;
	const char *url;

	TRY(rights_profile(r, PERM_CONFIG_WRITE));
	TRY(param_id(r, "id", &l.id));
	TRY(body_object(r, &body));
	TRY(json_need_text(body, "@odata.id", LIMIT_LONG_TEXT, &url));
	TRY(store_read(api_of(r)->store, look, &l));
	TRY(check_cast(r, &l.profile));
	json_set_text(change, "@odata.type", l.profile.type);
	json_set_text(change, "rootCertificate@odata.bind", url);
	TRY(profile_update_if(api_of(r)->store, l.a, who->actor, l.id, change, &none,
	    reach_guard_check, reach_guard_of(r, PERM_CONFIG_WRITE), &p, &w));
	return reply_empty(r, 204);
}

static err_t
delete_root(struct http_req *r)
{
	const struct caller *who = http_caller(r);
	struct look l = { .a = http_arena(r) };
	struct warnings w = { .n = 0 };

	TRY(rights_profile(r, PERM_CONFIG_WRITE));
	TRY(param_id(r, "id", &l.id));
	TRY(store_read(api_of(r)->store, look, &l));
	TRY(check_cast(r, &l.profile));
	TRY(profile_unbind(api_of(r)->store, l.a, who->actor, l.id, reach_guard_check,
	    reach_guard_of(r, PERM_CONFIG_WRITE), &w));
	return reply_empty(r, 204);
}

/* A profile is made where a list has it. */
static err_t
check_set(struct http_req *r, const json *body)
{
	const struct profile_type *t;
	const char *type = json_text(json_get(body, "@odata.type"));

	if (*type == '\0' || of_all(r))
		return OK; /* profile_create() says what is wrong with it */
	TRY(profile_type_find(type, &t));
	if ((t->set == SET_ACCESS) != of_access(r))
		FAIL(ERR_PROFILE_TYPE, "%s is made at /deviceManagement/%s", t->name,
		    profile_set_names[t->set]);
	return OK;
}

static err_t
post(struct http_req *r)
{
	const struct caller *who = http_caller(r);
	struct arena *a = http_arena(r);
	auto_json json *body = NULL;
	struct warnings w = { .n = 0 };
	struct secrets secrets;
	struct profile p;
	json *j;

	TRY(body_object(r, &body));
	json_del(body, "@chancery.warnings"); /* what a client read and sends back */
	TRY(rights_body(who, a, PERM_CONFIG_WRITE, body, "roleScopeTagIds", true));
	TRY(check_set(r, body));
	TRY(secrets_take(api_of(r)->keys, a, (struct id){ { 0 } }, body, &secrets));
	TRY(profile_create_with(api_of(r)->store, a, who->actor, body, &secrets, &p, &w));
	TRY(profile_json(a, &p, &j));
	warnings_put(j, &w);
	return reply_entity(
	    r, 201, set_of(r), arena_printf(a, "/%s/%s", set_of(r), id_text(a, p.id)), NULL, j);
}

static struct reach_guard *
guard_plain(struct http_req *r)
{
	struct reach_guard *g = reach_guard_of(r, PERM_CONFIG_WRITE);

	g->access_only = of_access(r);
	return g;
}

/* Tags and If-Match, against the profile as it is in the transaction that changes it. */
static struct reach_guard *
guard_of(struct http_req *r)
{
	struct reach_guard *g = guard_plain(r);
	const char *value = http_header(r, "If-Match");

	g->if_match = value == NULL ? NULL : arena_strdup(http_arena(r), value);
	return g;
}

static err_t
patch(struct http_req *r)
{
	const struct caller *who = http_caller(r);
	struct arena *a = http_arena(r);
	auto_json json *body = NULL;
	struct warnings w = { .n = 0 };
	struct secrets secrets;
	struct profile p;
	struct id id;
	json *j;

	TRY(rights_profile(r, PERM_CONFIG_WRITE));
	TRY(param_id(r, "id", &id));
	TRY(body_object(r, &body));
	json_del(body, "@chancery.warnings");
	TRY(rights_body(who, a, PERM_CONFIG_WRITE, body, "roleScopeTagIds", false));
	TRY(secrets_take(api_of(r)->keys, a, id, body, &secrets));
	TRY(profile_update_if(api_of(r)->store, a, who->actor, id, body, &secrets,
	    reach_guard_check, guard_of(r), &p, &w));
	TRY(profile_json(a, &p, &j));
	warnings_put(j, &w);
	return reply_entity(r, 200, set_of(r), NULL, NULL, j);
}

static err_t delete (struct http_req *r)
{
	const struct caller *who = http_caller(r);
	struct id id;

	TRY(rights_profile(r, PERM_CONFIG_WRITE));
	TRY(param_id(r, "id", &id));
	TRY(profile_delete_if(
	    api_of(r)->store, http_arena(r), who->actor, id, reach_guard_check, guard_of(r)));
	return reply_empty(r, 204);
}

static err_t
reply_assignments(struct http_req *r, struct id id, const struct warnings *w)
{
	struct look l = { .a = http_arena(r), .id = id, .with_assignments = true };
	auto_json json *out = json_object_new();

	json_set_text(out, "@odata.context",
	    arena_printf(l.a, "%s/%s/$metadata#Collection(microsoft.graph.%sAssignment)",
		reply_root(r), reply_version(r),
		of_access(r) ? "deviceManagementResourceAccessProfile" : "deviceConfiguration"));
	TRY(store_read(api_of(r)->store, look, &l));
	json_set(out, "value", l.assignments);
	TRY(belongs(r, &l.profile));
	warnings_put(out, w);
	http_reply_header(r, "ETag", l.tag);
	return reply_json(r, 200, out);
}

static err_t
post_assign(struct http_req *r)
{
	const struct caller *who = http_caller(r);
	struct arena *a = http_arena(r);
	auto_json json *body = NULL;
	struct warnings w = { .n = 0 };
	struct assignment *v;
	struct id id;
	size_t n;

	TRY(rights_profile(r, PERM_CONFIG_WRITE));
	TRY(param_id(r, "id", &id));
	TRY(body_object(r, &body));
	TRY(assignments_read(a, body, &v, &n));
	for (size_t i = 0; i < n; i++) {
		v[i].profile = id;
		v[i].created = when_now_ms();
	}
	TRY(profile_assign_at(api_of(r)->store, a, who->actor, id, v, n,
	    json_get(body, ROLLOUT_MEMBER), http_header(r, "If-Match"), reach_guard_check,
	    guard_plain(r), &w));
	return reply_assignments(r, id, &w);
}

static err_t
get_assignments(struct http_req *r)
{
	struct warnings none = { .n = 0 };
	struct query q;
	struct id id;

	TRY(rights_profile(r, PERM_CONFIG_READ));
	TRY(param_id(r, "id", &id));
	TRY(query_read(r, QUERY_ENTITY, &q));
	if (q.o.nselect > 0)
		FAIL(ERR_BAD_REQUEST, "$select is not supported here");
	return reply_assignments(r, id, &none);
}

/* POST queryByPlatformType: Windows 10X is the one platform that this set has profiles of. */
static err_t
post_query(struct http_req *r)
{
	static const char *const platforms[] = { "android", "androidForWork", "iOS", "macOS",
		"windowsPhone81", "windows81AndLater", "windows10AndLater", "androidWorkProfile",
		"androidAOSP" };
	struct collection c = profiles(r);
	auto_json json *body = NULL, *none = json_object_new();
	const char *platform;

	TRY(body_object(r, &body));
	TRY(json_need_text(body, "platformType", LIMIT_TEXT, &platform));
	if (str_ieq_c(str_c(platform), "windows10XProfile") || str_ieq_c(str_c(platform), "all"))
		return reply_collection(r, &c, 0);
	for (size_t i = 0; i < COUNT(platforms); i++) {
		if (!str_ieq_c(str_c(platform), platforms[i]))
			continue;
		json_set_text(none, "@odata.context", reply_context(r, ACCESS, NULL, false));
		json_set(none, "value", json_array_new());
		return reply_json(r, 200, none);
	}
	FAIL(ERR_BAD_REQUEST, "\"platformType\" has no member \"%.64s\"",
	    text_safe(http_arena(r), str_c(platform)));
}

#define ONE "/" SET "/{id}"
#define ONE_ACCESS "/" ACCESS "/{id}"

static const struct http_route routes[] = {
	GRAPH(GET, "/" SET, PERM_CONFIG_READ | PERM_SCOPED, list),
	GRAPH(POST, "/" SET, PERM_CONFIG_WRITE | PERM_SCOPED, post),
	GRAPH(GET, "/" SET "/$count", PERM_CONFIG_READ | PERM_SCOPED, count),
	GRAPH(GET, ONE, PERM_CONFIG_READ | PERM_SCOPED, get),
	GRAPH(PATCH, ONE, PERM_CONFIG_WRITE | PERM_SCOPED, patch),
	GRAPH(DELETE, ONE, PERM_CONFIG_WRITE | PERM_SCOPED, delete),
	GRAPH(POST, ONE "/assign", PERM_CONFIG_WRITE | PERM_SCOPED, post_assign),
	GRAPH(POST, ONE "/microsoft.graph.assign", PERM_CONFIG_WRITE | PERM_SCOPED, post_assign),
	GRAPH(GET, ONE "/assignments", PERM_CONFIG_READ | PERM_SCOPED, get_assignments),
	GRAPH(GET, "/" ACCESS, PERM_CONFIG_READ | PERM_SCOPED, list),
	GRAPH(POST, "/" ACCESS, PERM_CONFIG_WRITE | PERM_SCOPED, post),
	GRAPH(GET, "/" ACCESS "/$count", PERM_CONFIG_READ | PERM_SCOPED, count),
	GRAPH(POST, "/" ACCESS "/queryByPlatformType", PERM_CONFIG_READ | PERM_SCOPED, post_query),
	GRAPH(GET, ONE_ACCESS, PERM_CONFIG_READ | PERM_SCOPED, get),
	GRAPH(PATCH, ONE_ACCESS, PERM_CONFIG_WRITE | PERM_SCOPED, patch),
	GRAPH(DELETE, ONE_ACCESS, PERM_CONFIG_WRITE | PERM_SCOPED, delete),
	GRAPH(POST, ONE_ACCESS "/assign", PERM_CONFIG_WRITE | PERM_SCOPED, post_assign),
	GRAPH(GET, ONE_ACCESS "/assignments", PERM_CONFIG_READ | PERM_SCOPED, get_assignments),
	ROUTE(GET, ALL, PERM_CONFIG_READ | PERM_SCOPED, list),
	ROUTE(POST, ALL, PERM_CONFIG_WRITE | PERM_SCOPED, post),
	ROUTE(GET, ALL "/{id}", PERM_CONFIG_READ | PERM_SCOPED, get),
	GRAPH(GET, ONE "/rootCertificate", PERM_CONFIG_READ | PERM_SCOPED, get_root),
	GRAPH(GET, ONE "/{cast}/rootCertificate", PERM_CONFIG_READ | PERM_SCOPED, get_root),
	GRAPH(PUT, ONE "/rootCertificate/$ref", PERM_CONFIG_WRITE | PERM_SCOPED, put_root),
	GRAPH(PUT, ONE "/{cast}/rootCertificate/$ref", PERM_CONFIG_WRITE | PERM_SCOPED, put_root),
	GRAPH(DELETE, ONE "/rootCertificate/$ref", PERM_CONFIG_WRITE | PERM_SCOPED, delete_root),
	GRAPH(DELETE, ONE "/{cast}/rootCertificate/$ref", PERM_CONFIG_WRITE | PERM_SCOPED,
	    delete_root),
	{ 0 },
};

const struct resource resource_device_configurations = { "device_configurations", routes };
