/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles created, changed, assigned: see profile.h. */
#include "model/profile.h"
#include "model/profile_json.h"
#include "store/access.h"

enum { PAGE = 200 };

struct change {
	struct arena *a;
	const char *actor;
	struct id id;
	const json *body;
	const struct assignment *assignments;
	size_t n;
	struct profile profile;
	struct warnings warn;
};

static void
warn(struct warnings *w, enum err_code code, const char *detail)
{
	if (w->n < COUNT(w->v))
		w->v[w->n++] = (struct warning){ err_info(code)->id, detail };
}

static err_t
json_of(struct arena *a, const struct profile *p, const char **ret)
{
	auto_json json *j = NULL;
	struct str text;

	TRY(profile_json(a, p, &j));
	TRY(json_print(a, j, &text));
	return text_cstr(a, text, ret);
}

/* The trusted-root profile that this one refers to: there, of the right kind, for the same
 * platform. */
static err_t
root_check(struct tx *tx, struct arena *a, const struct profile *p, const struct kind *k)
{
	const struct profile_type *type;
	struct profile root;
	err_t e;

	if (!k->needs_root)
		return OK;
	if (id_is_zero(p->root))
		FAIL(ERR_MODEL_INVALID,
		    "\"rootCertificate@odata.bind\" is missing: it names the trusted-root profile");
	e = store_profile_get(tx, a, p->root, &root);
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		FAIL(ERR_MODEL_INVALID, "\"rootCertificate@odata.bind\": there is no profile %s",
		    id_text(a, p->root));
	}
	TRY(e);
	TRY(profile_type_find(root.type, &type));
	if (type->kind->needs_root || strcmp(root.platform, p->platform) != 0)
		FAIL(ERR_MODEL_INVALID,
		    "\"rootCertificate@odata.bind\": profile \"%s\" is no trusted "
		    "root for this platform",
		    root.display_name);
	return OK;
}

static bool
targets(const struct assignment *v, size_t n, enum target_kind kind, struct id group)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].kind == kind && id_eq(v[i].group, group))
			return true;
	return false;
}

/* Whether whoever the target brings the certificate to gets the root as well, as far as targets
 * alone tell. */
static bool
root_covers(const struct assignment *root, size_t n, const struct assignment *target)
{
	const struct id none = { 0 };

	for (size_t i = 0; i < n; i++)
		if (root[i].kind == TARGET_EXCLUDE_GROUP &&
		    (target->kind != TARGET_GROUP || id_eq(root[i].group, target->group)))
			return false;
	if (targets(root, n, TARGET_ALL_DEVICES, none))
		return true;
	if (target->kind == TARGET_GROUP)
		return targets(root, n, TARGET_GROUP, target->group) ||
		    targets(root, n, TARGET_ALL_USERS, none);
	return targets(root, n, target->kind, none);
}

/* Warns when a certificate profile goes to somebody who does not get its root. */
static err_t
root_warn(struct tx *tx, struct arena *a, const struct profile *p, struct warnings *w)
{
	struct assignment *own, *root;
	struct profile rp;
	size_t nown, nroot;

	if (id_is_zero(p->root))
		return OK;
	TRY(store_profile_get(tx, a, p->root, &rp));
	TRY(store_assignments(tx, a, p->id, &own, &nown));
	TRY(store_assignments(tx, a, p->root, &root, &nroot));
	for (size_t i = 0; i < nown; i++) {
		if (own[i].kind == TARGET_EXCLUDE_GROUP || root_covers(root, nroot, &own[i]))
			continue;
		warn(w, ERR_ROOT_NOT_ASSIGNED,
		    arena_printf(a,
			"trusted root \"%s\" is not assigned to every device that gets \"%s\"",
			rp.display_name, p->display_name));
		return OK;
	}
	return OK;
}

struct referring {
	struct profile *v;
	size_t n;
};

/* Profiles that refer to this one as their root. */
static err_t
referring(struct tx *tx, struct arena *a, struct id root, struct referring *ret)
{
	struct page p = { .limit = PAGE };
	struct referring out = {
		arena_array(a, COUNT(((struct warnings *)0)->v), sizeof(struct profile)), 0
	};
	bool more = true;

	while (more) {
		struct profile *v;
		size_t n;

		TRY(store_profile_list(tx, a, p, &v, &n, &more));
		for (size_t i = 0; i < n; i++) {
			p.after = v[i].id;
			if (id_eq(v[i].root, root) && out.n < COUNT(((struct warnings *)0)->v))
				out.v[out.n++] = v[i];
		}
	}
	*ret = out;
	return OK;
}

static err_t
create(struct tx *tx, void *arg)
{
	struct change *c = arg;
	struct profile *p = &c->profile;
	const struct profile_type *type;
	const char *after;

	TRY(profile_type_find(p->type, &type));
	TRY(root_check(tx, c->a, p, type->kind));
	TRY(store_profile_insert(tx, p));
	TRY(json_of(c->a, p, &after));
	return store_audit_add(tx, c->actor, "profile.create", id_text(c->a, p->id), "", after);
}

err_t
profile_create(struct store *s, struct arena *a, const char *actor, const json *body,
    struct profile *ret, struct warnings *w)
{
	struct change c = { .a = a, .actor = actor };
	struct profile *p = &c.profile;
	const struct profile_type *type;
	bool found;

	TRY(profile_json_type(body, &type));
	p->id = id_new();
	p->type = type->name;
	p->platform = type->platform;
	p->version = 1;
	p->created = p->modified = when_now();
	TRY(profile_json_read(a, type->kind, body, FIELD_CREATE, p));
	TRY(profile_json_root(body, &found, &p->root));
	TRY(store_write(s, create, &c));
	*ret = *p;
	*w = c.warn;
	return OK;
}

static err_t
update(struct tx *tx, void *arg)
{
	struct change *c = arg;
	struct profile *p = &c->profile;
	const struct profile_type *was, *now;
	const char *before, *after;
	bool found;

	c->warn.n = 0;
	TRY(store_profile_get(tx, c->a, c->id, p));
	TRY(json_of(c->a, p, &before));
	TRY(profile_type_find(p->type, &was));
	TRY(profile_json_type(c->body, &now));
	if (now != was)
		FAIL(ERR_PROFILE_TYPE, "profile %s is a %s and stays one", id_text(c->a, p->id),
		    was->name);
	TRY(profile_json_read(c->a, was->kind, c->body, FIELD_UPDATE, p));
	TRY(profile_json_root(c->body, &found, &p->root));
	TRY(root_check(tx, c->a, p, was->kind));
	p->version++;
	p->modified = when_now();
	TRY(store_profile_update(tx, p));
	TRY(root_warn(tx, c->a, p, &c->warn));
	TRY(json_of(c->a, p, &after));
	TRY(store_audit_add(tx, c->actor, "profile.update", id_text(c->a, p->id), before, after));
	tx_notify(tx, TOPIC_DEVICE, STR_EMPTY);
	return OK;
}

err_t
profile_update(struct store *s, struct arena *a, const char *actor, struct id id, const json *body,
    struct profile *ret, struct warnings *w)
{
	struct change c = { .a = a, .actor = actor, .id = id, .body = body };

	TRY(store_write(s, update, &c));
	*ret = c.profile;
	*w = c.warn;
	return OK;
}

static err_t delete (struct tx *tx, void *arg)
{
	struct change *c = arg;
	struct referring by;
	const char *before;

	TRY(store_profile_get(tx, c->a, c->id, &c->profile));
	TRY(referring(tx, c->a, c->id, &by));
	if (by.n > 0)
		FAIL(ERR_PROFILE_IN_USE, "\"%s\" (%s) has it as its trusted root",
		    by.v[0].display_name, id_text(c->a, by.v[0].id));
	TRY(json_of(c->a, &c->profile, &before));
	TRY(store_profile_delete(tx, c->id));
	TRY(store_audit_add(tx, c->actor, "profile.delete", id_text(c->a, c->id), before, ""));
	tx_notify(tx, TOPIC_DEVICE, STR_EMPTY);
	return OK;
}

err_t
profile_delete(struct store *s, struct arena *a, const char *actor, struct id id)
{
	struct change c = { .a = a, .actor = actor, .id = id };

	return store_write(s, delete, &c);
}

static const char *
target_text(struct arena *a, const struct assignment *t)
{
	switch (t->kind) {
	case TARGET_GROUP:
		return arena_printf(a, "group %s", id_text(a, t->group));
	case TARGET_EXCLUDE_GROUP:
		return arena_printf(a, "not group %s", id_text(a, t->group));
	case TARGET_ALL_DEVICES:
		return "all devices";
	case TARGET_ALL_USERS:
		return "all users";
	}
	return "";
}

static err_t
assignments_json(struct arena *a, const struct assignment *v, size_t n, const char **ret)
{
	auto_json json *list = json_array_new();
	struct str text;

	for (size_t i = 0; i < n; i++)
		json_add(list, json_text_new(target_text(a, &v[i])));
	TRY(json_print(a, list, &text));
	return text_cstr(a, text, ret);
}

static err_t
targets_check(struct tx *tx, struct arena *a, const struct assignment *v, size_t n)
{
	struct group g;
	err_t e;

	for (size_t i = 0; i < n; i++) {
		if (v[i].kind != TARGET_GROUP && v[i].kind != TARGET_EXCLUDE_GROUP)
			continue;
		e = store_group_get(tx, a, v[i].group, &g);
		if (err_is(e, ERR_NOT_FOUND)) {
			err_forget(e);
			FAIL(ERR_ASSIGNMENT, "there is no group %s", id_text(a, v[i].group));
		}
		TRY(e);
		if (v[i].kind == TARGET_GROUP && targets(v, n, TARGET_EXCLUDE_GROUP, v[i].group))
			FAIL(ERR_ASSIGNMENT, "group \"%s\" is included and excluded",
			    g.display_name);
	}
	return OK;
}

/* The targets, each once; one that was there before keeps its time. */
static void
targets_merge(struct arena *a, const struct change *c, const struct assignment *was, size_t nwas,
    struct assignment **ret, size_t *retn)
{
	struct assignment *out = arena_array(a, c->n + 1, sizeof(*out));
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++) {
		if (targets(out, n, c->assignments[i].kind, c->assignments[i].group))
			continue;
		out[n] = c->assignments[i];
		out[n].profile = c->id;
		out[n].created = when_now_ms();
		for (size_t k = 0; k < nwas; k++)
			if (was[k].kind == out[n].kind && id_eq(was[k].group, out[n].group))
				out[n].created = was[k].created;
		n++;
	}
	*ret = out;
	*retn = n;
}

static err_t
assign(struct tx *tx, void *arg)
{
	struct change *c = arg;
	struct assignment *was, *now;
	struct referring by;
	const char *before, *after;
	size_t nwas, nnow;

	c->warn.n = 0;
	TRY(store_profile_get(tx, c->a, c->id, &c->profile));
	TRY(store_assignments(tx, c->a, c->id, &was, &nwas));
	TRY(targets_check(tx, c->a, c->assignments, c->n));
	targets_merge(c->a, c, was, nwas, &now, &nnow);
	TRY(store_assign(tx, c->id, now, nnow));
	TRY(root_warn(tx, c->a, &c->profile, &c->warn));
	TRY(referring(tx, c->a, c->id, &by));
	for (size_t i = 0; i < by.n; i++)
		TRY(root_warn(tx, c->a, &by.v[i], &c->warn));
	TRY(assignments_json(c->a, was, nwas, &before));
	TRY(assignments_json(c->a, now, nnow, &after));
	TRY(store_audit_add(tx, c->actor, "profile.assign", id_text(c->a, c->id), before, after));
	tx_notify(tx, TOPIC_DEVICE, STR_EMPTY);
	return OK;
}

err_t
profile_assign(struct store *s, struct arena *a, const char *actor, struct id id,
    const struct assignment *v, size_t n, struct warnings *w)
{
	struct change c = { .a = a, .actor = actor, .id = id, .assignments = v, .n = n };

	TRY(store_write(s, assign, &c));
	*w = c.warn;
	return OK;
}
