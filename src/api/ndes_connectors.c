/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /deviceManagement/ndesConnectors: every connector, under the name that Graph has for them (beta ndesConnector),
 * and /deviceManagement/certificateConnectorDetails, which shows the same.
 * Active is one that was heard of within the hour and is not disabled.
 */
#include "api/connector_release.h"
#include "api/users.h"
#include "model/job.h"
#include "model/request.h"

#define SET "deviceManagement/ndesConnectors"
#define DETAILS "deviceManagement/certificateConnectorDetails"
#define ACTIVE_S 3600
#define QUIET_S 300 /* it says something once a minute */
#define JOBS_MAX 1000

/* The first thing that an administrator should look after; NULL: none. */
static const char *
warning(struct arena *a, const struct connector *c)
{
	int64_t silent = when_now() - c->last_contact;

	if (!c->enabled)
		return "disabled";
	if (silent >= QUIET_S)
		return arena_printf(a,
		    "not heard of for %lld min: see \"chancery connector check\" on %s",
		    (long long)(silent / 60), c->machine);
	if (c->holder.n == 0)
		return "it never said which certificate it shows to its CA";
	if (*c->cas == '\0')
		return "it reaches no CA";
	if (connector_update_failed(c))
		return arena_printf(a,
		    "it did not go over to a release: see \"chancery connector update\" on %s",
		    c->machine);
	return NULL;
}

/* jobs: how many are leased to it. */
static json *
connector_json(struct arena *a, const struct connector *c, size_t jobs)
{
	json *j = json_object_new();
	json *tags = json_array_new();
	bool active = c->enabled && when_now() - c->last_contact < ACTIVE_S;

	json_set_id(a, j, "id", c->id);
	json_set_text(j, "displayName", c->name);
	json_set_text(j, "machineName", c->machine);
	json_set_text(j, "connectorVersion", c->version);
	json_set_text(j, "state", active ? "active" : "inactive");
	json_set_when(a, j, "enrolledDateTime", c->enrolled);
	json_set_when(a, j, "lastConnectionDateTime", c->last_contact);
	json_set(j, "roleScopeTagIds", tags);
	json_add(tags, json_text_new("0"));
	json_set_bool(j, "@chancery.enabled", c->enabled);
	json_set_text(j, "@chancery.features", c->features);
	json_set_text(j, "@chancery.certificationAuthorities", c->cas);
	json_set_int(j, "@chancery.jobs", (int64_t)jobs);
	json_set(j, "@chancery.keys", connector_keys_json(c));
	json_set(j, "@chancery.update", connector_update_json(a, c));
	json_set_text(j, "@chancery.warning", warning(a, c));
	return j;
}

static err_t
jobs_of(struct tx *tx, struct arena *a, struct id id, size_t *ret)
{
	struct request *v;

	return store_requests_leased_to(tx, a, id_text(a, id), JOBS_MAX, &v, ret);
}

static err_t
read_page(struct tx *tx, struct arena *a, struct page p, const void *arg, const struct query *q,
    struct rows *rows, bool *more)
{
	struct connector *v;
	size_t n;

	(void)arg;
	(void)q;
	TRY(store_connector_list(tx, a, p, &v, &n, more));
	for (size_t i = 0; i < n; i++) {
		size_t jobs;

		TRY(jobs_of(tx, a, v[i].id, &jobs));
		rows_add(rows, v[i].id, connector_json(a, &v[i], jobs));
	}
	return OK;
}

static const struct collection connectors = { .set = SET, .read = read_page };

static err_t
list(struct http_req *r)
{
	return reply_collection(r, &connectors, 0);
}

struct change {
	struct arena *a;
	const char *actor;
	struct id id;
	const char *name; /* NULL: stays */
	struct connector connector;
	size_t jobs;
};

static err_t
look(struct tx *tx, void *arg)
{
	struct change *c = arg;

	TRY(store_connector_get(tx, c->a, c->id, &c->connector));
	return jobs_of(tx, c->a, c->id, &c->jobs);
}

static err_t
get(struct http_req *r)
{
	struct change c = { .a = http_arena(r) };
	struct query q;

	TRY(param_id(r, "id", &c.id));
	TRY(query_read(r, QUERY_ENTITY, &q));
	TRY(store_read(api_of(r)->store, look, &c));
	return reply_entity(r, 200, SET, NULL, &q, connector_json(c.a, &c.connector, c.jobs));
}

static err_t
rename_connector(struct tx *tx, void *arg)
{
	struct change *c = arg;
	const char *before, *after;

	TRY(look(tx, arg));
	TRY(entity_text(c->a, connector_json(c->a, &c->connector, c->jobs), &before));
	if (c->name != NULL)
		c->connector.name = c->name;
	TRY(store_connector_update(tx, &c->connector));
	TRY(entity_text(c->a, connector_json(c->a, &c->connector, c->jobs), &after));
	return store_audit_add(
	    tx, c->actor, "connector.update", target_text(c->a, "connector", c->id), before, after);
}

static err_t
patch(struct http_req *r)
{
	static const struct field fields[] = {
		FIELD(struct change, name, FIELD_TEXT, .name = "displayName",
		    .flags = FIELD_REQUIRED, .help = "Name for people."),
	};
	static const char *const known[] = { "id", "machineName", "connectorVersion", "state",
		"enrolledDateTime", "lastConnectionDateTime", "roleScopeTagIds",
		"@chancery.enabled", "@chancery.features", "@chancery.certificationAuthorities",
		"@chancery.jobs", "@chancery.keys", "@chancery.update", "@chancery.warning", NULL };
	const struct caller *who = http_caller(r);
	struct change c = { .a = http_arena(r), .actor = who->actor };
	auto_json json *body = NULL;

	TRY(param_id(r, "id", &c.id));
	TRY(body_object(r, &body));
	TRY(field_read(c.a, fields, COUNT(fields), body, FIELD_UPDATE, known, &c));
	TRY(store_write(api_of(r)->store, rename_connector, &c));
	return reply_entity(r, 200, SET, NULL, NULL, connector_json(c.a, &c.connector, c.jobs));
}

static err_t
remove_connector(struct tx *tx, void *arg)
{
	struct change *c = arg;
	const char *before;

	TRY(look(tx, arg));
	TRY(entity_text(c->a, connector_json(c->a, &c->connector, c->jobs), &before));
	TRY(job_release(tx, c->a, c->id));
	TRY(store_connector_delete(tx, c->id));
	return store_audit_add(
	    tx, c->actor, "connector.delete", target_text(c->a, "connector", c->id), before, "");
}

static err_t delete (struct http_req *r)
{
	const struct caller *who = http_caller(r);
	struct change c = { .a = http_arena(r), .actor = who->actor };

	TRY(param_id(r, "id", &c.id));
	TRY(store_write(api_of(r)->store, remove_connector, &c));
	return reply_empty(r, 204);
}

/* beta certificateConnectorDetails: the same connectors under the newer name. */
static json *
details_json(struct arena *a, const struct connector *c)
{
	json *j = json_object_new();

	json_set_id(a, j, "id", c->id);
	json_set_text(j, "connectorName", c->name);
	json_set_text(j, "machineName", c->machine);
	json_set_when(a, j, "enrollmentDateTime", c->enrolled);
	json_set_when(a, j, "lastCheckinDateTime", c->last_contact);
	json_set_text(j, "connectorVersion", c->version);
	return j;
}

static err_t
read_details(struct tx *tx, struct arena *a, struct page p, const void *arg, const struct query *q,
    struct rows *rows, bool *more)
{
	struct connector *v;
	size_t n;

	(void)arg;
	(void)q;
	TRY(store_connector_list(tx, a, p, &v, &n, more));
	for (size_t i = 0; i < n; i++)
		rows_add(rows, v[i].id, details_json(a, &v[i]));
	return OK;
}

static const struct collection details = { .set = DETAILS, .read = read_details };

static err_t
list_details(struct http_req *r)
{
	return reply_collection(r, &details, 0);
}

static err_t
get_details(struct http_req *r)
{
	struct change c = { .a = http_arena(r) };
	struct query q;

	TRY(param_id(r, "id", &c.id));
	TRY(query_read(r, QUERY_ENTITY, &q));
	TRY(store_read(api_of(r)->store, look, &c));
	return reply_entity(r, 200, DETAILS, NULL, &q, details_json(c.a, &c.connector));
}

static const struct http_route routes[] = {
	GRAPH(GET, "/" SET, PERM_CONNECTORS_READ, list),
	GRAPH(GET, "/" SET "/{id}", PERM_CONNECTORS_READ, get),
	GRAPH(PATCH, "/" SET "/{id}", PERM_CONNECTORS_WRITE, patch),
	GRAPH(DELETE, "/" SET "/{id}", PERM_CONNECTORS_WRITE, delete),
	GRAPH(GET, "/" DETAILS, PERM_CONNECTORS_READ, list_details),
	GRAPH(GET, "/" DETAILS "/{id}", PERM_CONNECTORS_READ, get_details),
	{ 0 },
};

const struct resource resource_ndes_connectors = { "ndes_connectors", routes };
