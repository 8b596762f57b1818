/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/config_plan.h"

#include "cli/api.h"
#include "cli/config_secrets.h"
#include "cli/out.h"

#define PROFILES "/chancery/v1/profiles"

struct making {
	struct cli *c;
	const struct config_item *items;
	size_t n;
	struct config_errors *errs;
	struct config_plan *p;
};

static void
step_add(struct making *m, struct config_step s)
{
	m->p->v[m->p->n++] = s;
}

static json *
keep(struct config_plan *p, json *j)
{
	json_add(p->kept, j);
	return j;
}

/* The row of that name; NULL: there is none. */
static const json *
row_of(const struct config_world *w, enum config_kind k, const char *name)
{
	for (size_t i = 0; i < json_count(w->rows[k]); i++)
		if (strcmp(json_text(json_get(json_at(w->rows[k], i), "displayName")), name) == 0)
			return json_at(w->rows[k], i);
	return NULL;
}

static bool
same(struct arena *a, const char *property, const json *x, const json *y)
{
	auto_json json *nx = NULL, *ny = NULL;
	err_t e = config_normal(a, property, x, &nx);

	if (err_ok(e))
		e = config_normal(a, property, y, &ny);
	if (!err_ok(e)) {
		err_forget(e);
		return false;
	}
	return json_is_null(nx) ? json_is_null(ny) : json_equal(nx, ny);
}

static json *
diff_of(struct arena *a, const json *want, const json *have)
{
	json *diff = json_object_new();

	for (void *it = json_iter(want); it != NULL; it = json_iter_next(want, it)) {
		const char *key = json_iter_key(it);
		json *now = json_iter_value(it), *was = json_get(have, key), *d;

		if (strcmp(key, "kind") == 0 || same(a, key, now, was))
			continue;
		d = json_object_new();
		json_set(diff, key, d);
		json_set(d, "before", was == NULL ? json_null_new() : json_ref(was));
		json_set(d, "after", json_ref(now));
	}
	return diff;
}

/* The member that a refusal speaks of, in quotes or as its first word. */
static const char *
property_in(const json *want, const char *detail)
{
	for (void *it = json_iter(want); it != NULL; it = json_iter_next(want, it)) {
		const char *key = json_iter_key(it), *at = strstr(detail, key);
		size_t n = strlen(key);

		if (at != NULL &&
		    ((at == detail && strchr(" .:[", at[n]) != NULL) ||
			(at > detail && at[-1] == '"' && strchr("\"[.", at[n]) != NULL)))
			return key;
	}
	return NULL;
}

/* Refusals become lines; that the service cannot be asked stays an error. */
static err_t
told(struct making *m, const struct config_step *s, err_t e)
{
	struct err_report rep;
	const struct err_info *info;

	if (err_ok(e))
		return OK;
	if (s->item == NULL || err_is(e, ERR_UNREACHABLE) || err_is(e, ERR_NOT_LOGGED_IN) ||
	    err_is(e, ERR_TIMEOUT))
		return e;
	err_take(e, &rep);
	info = err_info(rep.code);
	config_error(m->c, m->errs, s->item, property_in(s->item->want, rep.detail),
	    arena_printf(m->c->arena, "%s: %s (%s)", info->text, rep.detail, info->id));
	return OK;
}

/* Secrets that the installation has already are wanted as they are; s->item NULL: they are wrong, and that was told. */
static err_t
know_secrets(struct making *m, struct config_step *s, const char *id)
{
	struct config_item *known = ARENA_NEW(m->c->arena, struct config_item);
	const json *want = s->item->want, *secrets = json_get(want, "secrets");
	const char *type = json_text(json_get(s->have, "@odata.type"));
	json *same, *all;
	err_t e;

	if (json_is_null(secrets))
		return OK;
	e = config_secrets_known(m->c, id, type, secrets, json_get(s->have, "secrets"), &same);
	if (!err_ok(e)) {
		e = told(m, s, e);
		s->item = NULL;
		return e;
	}
	all = keep(m->p, json_object_new());
	for (void *it = json_iter(want); it != NULL;
	     it = json_iter_next((json *)(uintptr_t)want, it))
		json_set(all, json_iter_key(it), json_ref(json_iter_value(it)));
	json_set(all, "secrets", same);
	*known = *s->item;
	known->want = all;
	s->item = known;
	return OK;
}

static err_t
item_step(struct making *m, const struct config_item *item)
{
	struct config_world *w = &m->p->world;
	struct config_step s = { .kind = item->kind, .name = item->name, .item = item };
	const json *row = row_of(w, item->kind, item->name);
	const char *id = config_id(w, item->kind, item->name);
	json *have = NULL;

	if (w->closed[item->kind]) {
		config_error(m->c, m->errs, item, "kind",
		    "the caller may not read these; a permission is missing");
		return OK;
	}
	if (id != NULL && (*id == '\0' || row == NULL)) {
		config_error(m->c, m->errs, item, "displayName",
		    *id == '\0' ?
			"several have this name in the installation" :
			"it is built in, or owned by a directory; files cannot change it");
		return OK;
	}
	if (row != NULL) {
		TRY(config_to_file(m->c, w, item->kind, row, &have));
		s.have = keep(m->p, have);
	}
	TRY(know_secrets(m, &s, id));
	if (s.item == NULL)
		return OK;
	item = s.item;
	s.action = row == NULL ? CONFIG_CREATE : CONFIG_CHANGE;
	s.id = id;
	s.diff = keep(m->p, diff_of(m->c->arena, item->want, s.have));
	if (row == NULL || json_count(s.diff) > 0)
		step_add(m, s);
	return OK;
}

static bool
named(const struct making *m, enum config_kind k, const char *name)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->items[i].kind == k && (name == NULL || strcmp(m->items[i].name, name) == 0))
			return true;
	return false;
}

/* How many others may have to be there first: what uses certificates refers to what refers to roots. */
enum { RANKS = 3 };
static int
rank_of(const json *want)
{
	if (json_count(json_get(want, "references")) > 0)
		return 2;
	return *json_text(json_get(want, "rootCertificate")) != '\0';
}

/* Trusted roots before what refers to them, or after, when they go. */
static err_t
kind_steps(struct making *m, enum config_kind k)
{
	for (int rank = 0; rank < RANKS; rank++)
		for (size_t i = 0; i < m->n; i++)
			if (m->items[i].kind == k && rank_of(m->items[i].want) == rank)
				TRY(item_step(m, &m->items[i]));
	return OK;
}

static err_t
prune_kind(struct making *m, enum config_kind k)
{
	const json *rows = m->p->world.rows[k];

	for (int rank = RANKS; rank-- > 0;)
		for (size_t i = 0; named(m, k, NULL) && i < json_count(rows); i++) {
			struct config_step s = { .action = CONFIG_DELETE, .kind = k };
			json *have;

			s.name = json_text(json_get(json_at(rows, i), "displayName"));
			s.id = json_text(json_get(json_at(rows, i), "id"));
			if (named(m, k, s.name))
				continue;
			TRY(config_to_file(m->c, &m->p->world, k, json_at(rows, i), &have));
			s.have = keep(m->p, have);
			s.diff = keep(m->p, json_object_new());
			if (rank_of(have) == rank)
				step_add(m, s);
		}
	return OK;
}

/* A name that is neither there nor made by the same files. */
static void
check_missing(struct making *m, const struct config_step *s, const json *missing)
{
	for (size_t i = 0; i < json_count(missing); i++) {
		const json *x = json_at(missing, i);
		const char *kind = json_text(json_get(x, "kind")),
			   *name = json_text(json_get(x, "name"));
		unsigned k = 0;

		while (strcmp(config_sets[k].kind, kind) != 0)
			k++;
		if (!named(m, (enum config_kind)k, name))
			config_error(m->c, m->errs, s->item, json_text(json_get(x, "property")),
			    arena_printf(m->c->arena,
				"there is no %s \"%s\", here or in the installation", kind, name));
	}
}

static err_t
body_of(struct making *m, const struct config_step *s, json *missing, json **ret)
{
	auto_json json *body = json_object_new();
	json *settings, *list;

	if (s->action == CONFIG_DELETE) {
		json_set(body, "assignments", json_array_new());
		*ret = steal(body);
		return OK;
	}
	TRY(config_to_api(m->c, &m->p->world, s->kind, s->item->want,
	    s->id == NULL ? NULL : s->diff, &settings, missing));
	json_set(body, "settings", settings);
	if (json_get(s->diff, "assignments") != NULL) {
		auto_json json *assign = NULL;

		TRY(config_assignments(m->c, &m->p->world, s->item->want, &assign, missing));
		list = json_get(assign, "assignments");
		json_set(body, "assignments", json_ref(list));
	}
	*ret = steal(body);
	return OK;
}

static err_t
check_profile(struct making *m, const json *body, const struct config_step *s)
{
	auto_json json *x = NULL;
	struct config_plan *p = m->p;

	TRY(api_send(m->c, "POST",
	    s->id == NULL ? "/chancery/v1/effect" :
			    arena_printf(m->c->arena, PROFILES "/%s/effect", s->id),
	    body, &x));
	p->issue += json_int(json_get(x, "issue"));
	p->reissue += json_int(json_get(x, "reissue"));
	p->withdraw += json_int(json_get(x, "withdraw"));
	p->revoke += json_int(json_get(x, "revoke"));
	p->fault += json_int(json_get(x, "fault"));
	p->complete = p->complete && json_true(json_get(x, "complete"));
	return OK;
}

/* A member as it will be. */
static const json *
will_be(const struct config_step *s, const char *property)
{
	const json *j = json_get(s->item->want, property);

	return j != NULL ? j : json_get(s->have, property);
}

static err_t
check_filter(struct making *m, const struct config_step *s)
{
	auto_json json *body = json_object_new(), *answer = NULL;
	json *draft = json_object_new();

	if (s->item == NULL)
		return OK;
	json_set(body, "deviceAndAppManagementAssignmentFilter", draft);
	json_set_text(draft, "platform", json_text(will_be(s, "platform")));
	json_set_text(draft, "rule", json_text(will_be(s, "rule")));
	TRY(api_send(m->c, "POST", "/beta/deviceManagement/assignmentFilters/validateFilter", body,
	    &answer));
	if (!json_true(json_get(answer, "isValidRule")))
		config_error(m->c, m->errs, s->item, "rule",
		    json_text(json_get(answer, "@chancery.reason")));
	return OK;
}

static bool
lists(const json *list, const char *member, const char *name)
{
	for (size_t i = 0; i < json_count(list); i++) {
		const json *x = json_at(list, i);

		if (strcmp(json_text(member == NULL ? x : json_get(x, member)), name) == 0)
			return true;
	}
	return false;
}

/* The property by which an object refers to another; NULL: it does not. */
static bool
uses(const json *references, const char *name)
{
	for (void *it = json_iter(references); it != NULL; it = json_iter_next(references, it)) {
		const json *value = json_iter_value(it);

		if (strcmp(json_text(value), name) == 0)
			return true;
		for (size_t i = 0; i < json_count(value); i++)
			if (strcmp(json_text(json_at(value, i)), name) == 0)
				return true;
	}
	return false;
}

static const char *
refers(struct arena *a, const json *want, enum config_kind k, const char *name)
{
	const json *targets = json_get(want, "assignments");

	switch (k) {
	case CONFIG_SCOPE_TAG:
		return lists(json_get(want, "scopeTags"), NULL, name) ? "scopeTags" : NULL;
	case CONFIG_GROUP:
		if (lists(json_get(want, "members"), NULL, arena_printf(a, "group:%s", name)))
			return "members";
		return lists(targets, "group", name) || lists(targets, "excludeGroup", name) ?
		    "assignments" :
		    NULL;
	case CONFIG_FILTER:
		return lists(targets, "filter", name) ? "assignments" : NULL;
	case CONFIG_ROLE:
		return strcmp(json_text(json_get(want, "role")), name) == 0 ? "role" : NULL;
	case CONFIG_PROFILE:
		if (uses(json_get(want, "references"), name))
			return "references";
		return strcmp(json_text(json_get(want, "rootCertificate")), name) == 0 ?
		    "rootCertificate" :
		    NULL;
	case CONFIG_ROLE_ASSIGNMENT:
	case CONFIG_NOTIFICATION:
		break;
	}
	return NULL;
}

/* What goes must not be what files still name. */
static void
check_deleted(struct making *m, const struct config_step *s)
{
	for (size_t i = 0; i < m->n; i++) {
		const char *property = refers(m->c->arena, m->items[i].want, s->kind, s->name);

		if (property != NULL)
			config_error(m->c, m->errs, &m->items[i], property,
			    arena_printf(m->c->arena,
				"%s \"%s\" is in no file and would be deleted (--prune)",
				config_sets[s->kind].kind, s->name));
	}
}

static err_t
step_check(struct making *m, const struct config_step *s)
{
	auto_json json *missing = json_array_new(), *body = NULL;
	err_t e = body_of(m, s, missing, &body);

	if (!err_ok(e))
		return told(m, s, e);
	check_missing(m, s, missing);
	if (s->action == CONFIG_DELETE)
		check_deleted(m, s);
	if (s->kind == CONFIG_PROFILE)
		return told(m, s, check_profile(m, body, s));
	if (s->kind == CONFIG_FILTER)
		return told(m, s, check_filter(m, s));
	return OK;
}

err_t
config_plan_make(struct cli *c, const struct config_item *items, size_t n, bool prune,
    struct config_errors *errs, struct config_plan *ret)
{
	struct making m = { .c = c, .items = items, .n = n, .errs = errs, .p = ret };
	size_t most = n;

	*ret = (struct config_plan){ .kept = json_array_new(), .complete = true };
	TRY(config_world_read(c, &ret->world));
	for (unsigned k = 0; k < CONFIG_KINDS; k++)
		most += json_count(ret->world.rows[k]);
	ret->v = arena_array(c->arena, most + 1, sizeof(*ret->v));
	for (unsigned k = 0; k < CONFIG_KINDS; k++)
		TRY(kind_steps(&m, (enum config_kind)k));
	for (unsigned k = CONFIG_KINDS; prune && k-- > 0;)
		TRY(prune_kind(&m, (enum config_kind)k));
	for (size_t i = 0; i < ret->n; i++)
		TRY(step_check(&m, &ret->v[i]));
	return OK;
}

void
config_plan_free(struct config_plan *p)
{
	config_world_free(&p->world);
	json_free(p->kept);
}
