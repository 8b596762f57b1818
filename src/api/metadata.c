/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /$metadata: the schema as CSDL 4.0 (OData), made from the same tables that read and write the JSON, so that it cannot
 * say anything else. Also the service document, the list of the sets.
 *
 * Types are in the namespace microsoft.graph (alias graph), our own profile types in chancery. Extension members with '@' in
 * their name are no properties and left out.
 */
#include "api/schema.h"
#include "api/users.h"
#include "model/profile.h"

#define CSDL_MAX (4u << 20)
#define NAMED_MAX 512u

struct entity {
	const char *name, *base;
	const struct field *fields;
	size_t n;
	const struct navigation *links; /* ended by name NULL */
};

/* Enumerations and complex types, by what the tables have for them; one that two would have alike gets a number. */
struct named {
	const char *name;
	const void *what; /* members, or fields */
};

struct csdl {
	struct arena *a;
	struct buf out, types;
	struct named named[NAMED_MAX];
	size_t n;
};

static err_t
put(struct csdl *c, const char *fmt, const char *x, const char *y)
{
	return buf_puts(&c->out, arena_printf(c->a, "%s%s%s", fmt, x, y));
}

/* The name of a type, and whether it is still to be written. */
static const char *
name_for(struct csdl *c, const struct field *f, const void *what, bool *ret_new)
{
	const char *name = schema_type_name(f);
	unsigned again = 1;

	for (size_t i = 0; i < c->n; i++)
		if (c->named[i].what == what) {
			*ret_new = false;
			return c->named[i].name;
		}
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->named[i].name, name) == 0) {
			name = arena_printf(c->a, "%s%u", schema_type_name(f), ++again);
			i = (size_t)-1; /* from the start with the new one */
		}
	*ret_new = c->n < NAMED_MAX;
	if (*ret_new)
		c->named[c->n++] = (struct named){ name, what };
	return name;
}

static err_t
enum_put(struct csdl *c, const char *name, const struct field *f)
{
	TRY(buf_puts(&c->types,
	    arena_printf(c->a, "<EnumType Name=\"%s\"%s>\n", name,
		f->type == FIELD_FLAGS ? " IsFlags=\"true\"" : "")));
	for (const struct field_member *m = f->members; m->name != NULL; m++)
		TRY(buf_puts(&c->types,
		    arena_printf(c->a, "<Member Name=\"%s\" Value=\"%lld\"/>\n", m->name,
			(long long)m->value)));
	return buf_puts(&c->types, "</EnumType>\n");
}

static err_t properties(struct csdl *c, const struct field *f, size_t n, const char **ret);

static err_t
complex_put(struct csdl *c, const char *name, const struct field *f)
{
	const char *inside;

	TRY(properties(c, f->fields, f->nfields, &inside));
	return buf_puts(&c->types,
	    arena_printf(c->a, "<ComplexType Name=\"%s\">\n%s</ComplexType>\n", name, inside));
}

static err_t
type_of(struct csdl *c, const struct field *f, const char **ret)
{
	static const char *const simple[] = { [FIELD_TEXT] = "Edm.String",
		[FIELD_INT] = "Edm.Int32",
		[FIELD_BOOL] = "Edm.Boolean",
		[FIELD_BINARY] = "Edm.Binary",
		[FIELD_ID] = "Edm.String",
		[FIELD_WHEN] = "Edm.DateTimeOffset",
		[FIELD_TEXTS] = "Collection(Edm.String)",
		[FIELD_LIST] = NULL };
	const char *name;
	bool fresh;

	if (f->type == FIELD_ENUM || f->type == FIELD_FLAGS) {
		name = name_for(c, f, f->members, &fresh);
		if (fresh)
			TRY(enum_put(c, name, f));
		*ret = arena_printf(c->a,
		    (f->flags & FIELD_ARRAY) != 0 ? "Collection(graph.%s)" : "graph.%s", name);
	} else if (f->type == FIELD_LIST || f->type == FIELD_OBJECT) {
		name = name_for(c, f, f->fields, &fresh);
		if (fresh)
			TRY(complex_put(c, name, f));
		*ret = arena_printf(
		    c->a, f->type == FIELD_LIST ? "Collection(graph.%s)" : "graph.%s", name);
	} else {
		*ret = simple[f->type];
	}
	return OK;
}

static err_t
properties(struct csdl *c, const struct field *f, size_t n, const char **ret)
{
	const char *out = "", *type;

	for (size_t i = 0; i < n; i++) {
		if (strchr(f[i].name, '@') != NULL || strcmp(f[i].name, "id") == 0)
			continue;
		TRY(type_of(c, &f[i], &type));
		out =
		    arena_printf(c->a, "%s<Property Name=\"%s\" Type=\"%s\"%s/>\n", out, f[i].name,
			type, (f[i].flags & FIELD_REQUIRED) != 0 ? " Nullable=\"false\"" : "");
	}
	*ret = out;
	return OK;
}

static err_t
entity_put(struct csdl *c, const struct entity *e)
{
	const char *inside, *links = "";

	TRY(properties(c, e->fields, e->n, &inside));
	for (const struct navigation *l = e->links; l != NULL && l->name != NULL; l++)
		links = arena_printf(c->a,
		    "%s<NavigationProperty Name=\"%s\" Type=\"%sgraph.%s%s\"%s/>\n", links, l->name,
		    l->many ? "Collection(" : "", l->type, l->many ? ")" : "",
		    l->contained ? " ContainsTarget=\"true\"" : "");
	TRY(put(c, "<EntityType Name=\"", e->name, ""));
	if (strcmp(e->name, "entity") == 0)
		TRY(put(c, "\" Abstract=\"true\">\n<Key><PropertyRef Name=\"id\"/></Key>\n",
		    "<Property Name=\"id\" Type=\"Edm.String\" Nullable=\"false\"/>\n", ""));
	else
		TRY(put(c, "\" BaseType=\"graph.", e->base, "\">\n"));
	TRY(put(c, inside, links, "</EntityType>\n"));
	return OK;
}

/* What a device shows has no table: its JSON says it. */
static err_t
device_fields(struct arena *a, struct field **ret, size_t *retn)
{
	auto_json json *j = NULL;
	struct device d = { .state = DEVICE_ACTIVE };
	struct field *f;
	size_t n = 0;

	TRY(device_json(a, &d, NULL, &j));
	f = arena_array(a, json_count(j) + 1, sizeof(*f));
	for (void *it = json_iter(j); it != NULL; it = json_iter_next(j, it)) {
		const json *v = json_iter_value(it);
		const char *name = arena_strdup(a, json_iter_key(it));
		enum field_type type = json_is_bool(v) ? FIELD_BOOL :
		    json_is_int(v)                     ? FIELD_INT :
		    json_is_array(v)                   ? FIELD_TEXTS :
		    strstr(name, "DateTime") != NULL   ? FIELD_WHEN :
							 FIELD_TEXT;

		f[n++] = (struct field){ .name = name, .type = type };
	}
	*ret = f;
	*retn = n;
	return OK;
}

/* "#chancery.x" -> x of that namespace. */
static bool
is_of(const struct profile_type *t, const char *space)
{
	size_t n = strlen(space);

	return strncmp(t->name + 1, space, n) == 0 && t->name[n + 1] == '.' &&
	    strchr(t->name + n + 2, '.') == NULL;
}

/* Windows 10X names its trusted root by a property. */
static const struct field *
with_root(struct arena *a, const struct field *f, size_t *n)
{
	struct field *v = arena_array(a, *n + 1, sizeof(*v));

	memcpy(v, f, *n * sizeof(*v));
	v[*n] = (struct field){ .name = "rootCertificateId", .type = FIELD_ID };
	++*n;
	return v;
}

static err_t
profiles_put(struct csdl *c, const char *space)
{
	for (const struct profile_type *t = profile_types; t->name != NULL; t++) {
		struct entity e = { .base = t->set == SET_ACCESS ?
			    "deviceManagementResourceAccessProfileBase" :
			    "deviceConfiguration",
			.links = profile_links(c->a, t) };

		if (!is_of(t, space))
			continue;
		e.name = t->name + 2 + strlen(space);
		e.fields = profile_type_fields(c->a, t, &e.n);
		if (t->set == SET_ACCESS && t->root != ROOT_NONE)
			e.fields = with_root(c->a, e.fields, &e.n);
		TRY(entity_put(c, &e));
	}
	return OK;
}

static err_t
entities_put(struct csdl *c)
{
	struct entity fixed[] = {
		{ "entity", NULL, NULL, 0, NULL },
		{ "directoryObject", "entity", NULL, 0, NULL },
		{ "user", "directoryObject", user_fields, user_nfields, entity_links("user") },
		{ "group", "directoryObject", group_fields, group_nfields, entity_links("group") },
		{ "managedDevice", "entity", NULL, 0, entity_links("managedDevice") },
		{ "deviceAndAppManagementAssignmentFilter", "entity", filter_fields, filter_nfields,
		    NULL },
		{ "roleScopeTag", "entity", scope_tag_fields, scope_tag_nfields, NULL },
		{ "deviceConfiguration", "entity", NULL, 0, entity_links("deviceConfiguration") },
		{ "deviceConfigurationAssignment", "entity", NULL, 0, NULL },
		{ "deviceConfigurationGroupAssignment", "entity", NULL, 0, NULL },
		{ "deviceConfigurationDeviceStatus", "entity", NULL, 0, NULL },
		{ "deviceConfigurationDeviceOverview", "entity", NULL, 0, NULL },
		{ "ndesConnector", "entity", NULL, 0, NULL },
		{ "deviceManagement", "entity", NULL, 0, entity_links("deviceManagement") },
		{ "deviceManagementResourceAccessProfileBase", "entity", NULL, 0,
		    entity_links("deviceManagementResourceAccessProfileBase") },
		{ "deviceManagementResourceAccessProfileAssignment", "entity", NULL, 0, NULL },
	};
	struct field *device;

	TRY(device_fields(c->a, &device, &fixed[4].n));
	fixed[4].fields = device;
	fixed[7].fields = profile_common_fields(SET_CONFIGURATIONS, &fixed[7].n);
	fixed[14].fields = profile_common_fields(SET_ACCESS, &fixed[14].n);
	for (size_t i = 0; i < COUNT(fixed); i++)
		TRY(entity_put(c, &fixed[i]));
	return profiles_put(c, "microsoft.graph");
}

static err_t
csdl_make(struct csdl *c)
{
	TRY(buf_puts(&c->out,
	    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
	    "<edmx:Edmx Version=\"4.0\" xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\">\n"
	    "<edmx:DataServices>\n"
	    "<Schema Namespace=\"microsoft.graph\" Alias=\"graph\" "
	    "xmlns=\"http://docs.oasis-open.org/odata/ns/edm\">\n"));
	TRY(entities_put(c));
	TRY(buf_puts(&c->out,
	    "<EntityContainer Name=\"GraphService\">\n"
	    "<EntitySet Name=\"users\" EntityType=\"graph.user\"/>\n"
	    "<EntitySet Name=\"groups\" EntityType=\"graph.group\"/>\n"
	    "<EntitySet Name=\"directoryObjects\" EntityType=\"graph.directoryObject\"/>\n"
	    "<Singleton Name=\"deviceManagement\" Type=\"graph.deviceManagement\"/>\n"
	    "</EntityContainer>\n"));
	/* Profiles of our own namespace use types of the first one: those are written last. */
	struct buf graph = c->out;

	buf_init(&c->out, CSDL_MAX);
	err_t e = profiles_put(c, "chancery");

	if (err_ok(e))
		e = buf_put(&graph, buf_str(&c->types));
	if (err_ok(e))
		e = buf_puts(&graph,
		    "</Schema>\n<Schema Namespace=\"chancery\" "
		    "xmlns=\"http://docs.oasis-open.org/odata/ns/edm\">\n");
	if (err_ok(e))
		e = buf_put(&graph, buf_str(&c->out));
	buf_free(&c->out);
	c->out = graph;
	TRY(e);
	return buf_puts(&c->out, "</Schema>\n</edmx:DataServices>\n</edmx:Edmx>\n");
}

static err_t
metadata(struct http_req *r)
{
	struct csdl *c = ARENA_NEW(http_arena(r), struct csdl);
	const char *request, *client;
	err_t e;

	c->a = http_arena(r);
	buf_init(&c->out, CSDL_MAX);
	buf_init(&c->types, CSDL_MAX);
	e = csdl_make(c);
	if (err_ok(e)) {
		reply_headers(r, &request, &client);
		e = http_reply(r, 200, "application/xml;charset=utf-8", buf_str(&c->out));
	}
	buf_free(&c->out);
	buf_free(&c->types);
	return e;
}

static err_t
service(struct http_req *r)
{
	static const char *const sets[][2] = { { "users", "EntitySet" }, { "groups", "EntitySet" },
		{ "directoryObjects", "EntitySet" }, { "deviceManagement", "Singleton" } };
	auto_json json *out = json_object_new();
	json *value = json_array_new();

	json_set_text(out, "@odata.context",
	    arena_printf(http_arena(r), "%s/%s/$metadata", reply_root(r),
		strcasestr(http_path(r), "beta") != NULL ? "beta" : "v1.0"));
	json_set(out, "value", value);
	for (size_t i = 0; i < COUNT(sets); i++) {
		json *j = json_object_new();

		json_add(value, j);
		json_set_text(j, "name", sets[i][0]);
		json_set_text(j, "kind", sets[i][1]);
		json_set_text(j, "url", sets[i][0]);
	}
	return reply_json(r, 200, out);
}

static const struct http_route routes[] = {
	GRAPH(GET, "/$metadata", PERM_PUBLIC, metadata),
	GRAPH(GET, "", PERM_SIGNED_IN, service),
	{ 0 },
};

const struct resource resource_metadata = { "metadata", routes };
