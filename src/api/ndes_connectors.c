/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /deviceManagement/ndesConnectors: every connector, under the name that Graph has for them (beta ndesConnector).
 * Active is one that was heard of within the hour and is not disabled.
 */
#include "api/users.h"

#define SET "deviceManagement/ndesConnectors"
#define ACTIVE_S 3600

static json *
connector_json(struct arena *a, const struct connector *c)
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
	return j;
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
	for (size_t i = 0; i < n; i++)
		rows_add(rows, v[i].id, connector_json(a, &v[i]));
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
};

static err_t
look(struct tx *tx, void *arg)
{
	struct change *c = arg;

	return store_connector_get(tx, c->a, c->id, &c->connector);
}

static err_t
get(struct http_req *r)
{
	struct change c = { .a = http_arena(r) };
	struct query q;

	TRY(param_id(r, "id", &c.id));
	TRY(query_read(r, QUERY_ENTITY, &q));
	TRY(store_read(api_of(r)->store, look, &c));
	return reply_entity(r, 200, SET, NULL, &q, connector_json(c.a, &c.connector));
}

static err_t
rename_connector(struct tx *tx, void *arg)
{
	struct change *c = arg;
	const char *before, *after;

	TRY(look(tx, arg));
	TRY(entity_text(c->a, connector_json(c->a, &c->connector), &before));
	if (c->name != NULL)
		c->connector.name = c->name;
	TRY(store_connector_update(tx, &c->connector));
	TRY(entity_text(c->a, connector_json(c->a, &c->connector), &after));
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
		NULL };
	const struct caller *who = http_caller(r);
	struct change c = { .a = http_arena(r), .actor = who->actor };
	auto_json json *body = NULL;

	TRY(param_id(r, "id", &c.id));
	TRY(body_object(r, &body));
	TRY(field_read(c.a, fields, COUNT(fields), body, FIELD_UPDATE, known, &c));
	TRY(store_write(api_of(r)->store, rename_connector, &c));
	return reply_entity(r, 200, SET, NULL, NULL, connector_json(c.a, &c.connector));
}

static err_t
remove_connector(struct tx *tx, void *arg)
{
	struct change *c = arg;
	const char *before;

	TRY(look(tx, arg));
	TRY(entity_text(c->a, connector_json(c->a, &c->connector), &before));
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

static const struct http_route routes[] = {
	GRAPH(GET, "/" SET, PERM_CONFIG_READ, list),
	GRAPH(GET, "/" SET "/{id}", PERM_CONFIG_READ, get),
	GRAPH(PATCH, "/" SET "/{id}", PERM_CONFIG_WRITE, patch),
	GRAPH(DELETE, "/" SET "/{id}", PERM_CONFIG_WRITE, delete),
	{ 0 },
};

const struct resource resource_ndes_connectors = { "ndes_connectors", routes };
