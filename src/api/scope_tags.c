/* SPDX-License-Identifier: Apache-2.0 */
/* /deviceManagement/roleScopeTags: labels of objects (Graph beta roleScopeTag). Number 0, "Default", is built in. */
#include "api/record.h"
#include "api/users.h"
#include "model/scope.h"

#define SET "deviceManagement/roleScopeTags"

struct tag {
	const char *name, *description;
};

const struct field scope_tag_fields[] = {
	FIELD(struct tag, name, FIELD_TEXT, .name = "displayName", .flags = FIELD_REQUIRED,
	    .max = 128, .help = "Name; unique."),
	FIELD(struct tag, description, FIELD_TEXT, .name = "description", .max = 1024,
	    .help = "For people."),
};
const size_t scope_tag_nfields = COUNT(scope_tag_fields);
static const char *const known[] = { "id", "isBuiltIn", "permissions", NULL };

static json *
tag_json(struct arena *a, const struct scope_tag *t)
{
	json *j = json_object_new();

	json_set_text(j, "id", arena_printf(a, "%lld", (long long)t->number));
	json_set_text(j, "displayName", t->display_name);
	json_set_text(j, "description", t->description);
	json_set_bool(j, "isBuiltIn", t->number == 0);
	return j;
}

/* Tags are few and their numbers are no identifiers: the number stands in the key's last bytes. */
static struct id
key_of(int64_t number)
{
	struct id id = { { 0 } };
	uint64_t n = (uint64_t)number + 1;

	for (size_t i = 0; i < 8; i++)
		id.b[15 - i] = (uint8_t)(n >> (8 * i));
	return id;
}

static err_t
read_page(struct tx *tx, struct arena *a, struct page p, const void *arg, const struct query *q,
    struct rows *rows, bool *more)
{
	struct scope_tag *v;
	size_t n;

	(void)arg;
	(void)q;
	TRY(store_scope_tag_list(tx, a, &v, &n));
	*more = false;
	for (size_t i = 0; i < n; i++) {
		struct id key = key_of(v[i].number);

		if (row_follows(p, key))
			rows_add(rows, key, tag_json(a, &v[i]));
	}
	return OK;
}

static const struct collection tags = { .set = SET, .page = LIMIT_PAGE, .read = read_page };

static err_t
list(struct http_req *r)
{
	return reply_collection(r, &tags, 0);
}

struct change {
	struct record r;
	struct scope_tag tag;
};

static err_t
named(struct http_req *r, struct record *x)
{
	struct change *c = (struct change *)x;
	const char *id = http_param(r, "id");

	if (!err_ok(text_i64(str_c(id), 0, INT32_MAX, &c->tag.number)))
		FAIL(ERR_NOT_FOUND, "scope tag '%s'", text_safe(x->a, str_c(id)));
	return OK;
}

static const char *
name(struct record *x)
{
	return arena_printf(x->a, "%lld", (long long)((struct change *)x)->tag.number);
}

static err_t
find(struct tx *tx, struct record *x)
{
	struct change *c = (struct change *)x;

	return store_scope_tag_get(tx, x->a, c->tag.number, &c->tag);
}

static err_t
may_change(struct tx *tx, struct record *x)
{
	(void)tx;
	if (((struct change *)x)->tag.number == 0)
		FAIL(ERR_SCOPE_TAG, "tag 0 is built in");
	return OK;
}

static err_t
read_body(struct tx *tx, struct record *x, enum field_mode mode)
{
	struct change *c = (struct change *)x;
	struct tag t = { c->tag.display_name, c->tag.description };

	(void)tx;
	TRY(field_read(x->a, scope_tag_fields, scope_tag_nfields, x->body, mode, known, &t));
	c->tag.display_name = t.name;
	c->tag.description = t.description;
	return OK;
}

static err_t
insert(struct tx *tx, struct record *x)
{
	struct scope_tag *t = &((struct change *)x)->tag;

	return record_unless_taken(
	    store_scope_tag_insert(tx, x->a, t), "scope tag", t->display_name);
}

static err_t
update(struct tx *tx, struct record *x)
{
	struct scope_tag *t = &((struct change *)x)->tag;

	return record_unless_taken(store_scope_tag_update(tx, t), "scope tag", t->display_name);
}

static err_t
remove_tag(struct tx *tx, struct record *x)
{
	return store_scope_tag_delete(tx, ((struct change *)x)->tag.number);
}

static err_t
shown(struct record *x, json **ret)
{
	*ret = tag_json(x->a, &((struct change *)x)->tag);
	return OK;
}

static const struct record_kind kind = { .set = SET,
	.noun = "scope-tag",
	.size = sizeof(struct change),
	.named = named,
	.name = name,
	.find = find,
	.may_change = may_change,
	.read = read_body,
	.insert = insert,
	.update = update,
	.remove = remove_tag,
	.json = shown };

RECORD_HANDLERS(kind)

struct pick {
	struct arena *a;
	const json *asked; /* numbers as texts */
	json *value;
	bool custom; /* there is one that is not built in */
};

static err_t
pick(struct tx *tx, void *arg)
{
	struct pick *p = arg;
	struct scope_tag *v;
	size_t n;

	json_free(p->value);
	p->value = json_array_new();
	TRY(store_scope_tag_list(tx, p->a, &v, &n));
	p->custom = n > 1;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < json_count(p->asked); k++)
			if (strcmp(json_text(json_at(p->asked, k)),
				arena_printf(p->a, "%lld", (long long)v[i].number)) == 0) {
				json_add(p->value, tag_json(p->a, &v[i]));
				break;
			}
	return OK;
}

static err_t
by_number(struct http_req *r)
{
	struct pick p = { .a = http_arena(r) };
	auto_json json *body = NULL, *out = json_object_new();
	json *asked;
	err_t e;

	TRY(body_object(r, &body));
	TRY(json_need_array(body, "roleScopeTagIds", 1000, &asked));
	p.asked = asked;
	e = store_read(api_of(r)->store, pick, &p);
	json_set_text(out, "@odata.context",
	    arena_printf(p.a, "%s/%s/$metadata#Collection(microsoft.graph.roleScopeTag)",
		reply_root(r), reply_version(r)));
	json_set(out, "value", p.value == NULL ? json_array_new() : p.value);
	TRY(e);
	return reply_json(r, 200, out);
}

static err_t
has_custom(struct http_req *r)
{
	struct pick p = { .a = http_arena(r) };
	auto_json json *out = json_object_new();
	err_t e = store_read(api_of(r)->store, pick, &p);

	json_free(p.value);
	TRY(e);
	json_set_text(out, "@odata.context",
	    arena_printf(p.a, "%s/%s/$metadata#Edm.Boolean", reply_root(r), reply_version(r)));
	json_set_bool(out, "value", p.custom);
	return reply_json(r, 200, out);
}

static const struct http_route routes[] = {
	GRAPH(POST, "/" SET "/getRoleScopeTagsById", PERM_CONFIG_READ | PERM_RBAC_READ, by_number),
	GRAPH(
	    GET, "/" SET "/hasCustomRoleScopeTag()", PERM_CONFIG_READ | PERM_RBAC_READ, has_custom),
	GRAPH(GET, "/" SET, PERM_CONFIG_READ | PERM_RBAC_READ, list),
	GRAPH(POST, "/" SET, PERM_CONFIG_WRITE | PERM_RBAC_WRITE, post),
	GRAPH(GET, "/" SET "/{id}", PERM_CONFIG_READ | PERM_RBAC_READ, get),
	GRAPH(PATCH, "/" SET "/{id}", PERM_CONFIG_WRITE | PERM_RBAC_WRITE, patch),
	GRAPH(DELETE, "/" SET "/{id}", PERM_CONFIG_WRITE | PERM_RBAC_WRITE, delete),
	{ 0 },
};

const struct resource resource_scope_tags = { "scope_tags", routes };
