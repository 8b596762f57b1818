/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles created and changed: see profile.h. */
#include "model/assign.h"
#include "model/profile_json.h"
#include "model/refs.h"
#include "model/rollout_turn.h"
#include "model/scope.h"
#include "store/access.h"

struct change {
	struct arena *a;
	const char *actor;
	struct id id;
	const json *body;
	const struct secrets *secrets; /* of the body */
	profile_check check;           /* NULL: none */
	void *check_ctx;
	const char *reference; /* that is changed so */
	enum refs_op op;
	struct id target;
	int64_t number; /* of the version that is restored */
	bool with_targets;
	struct assignment *targets; /* those that it gets, if with_targets */
	size_t ntargets;
	const json *terms;        /* of its roll-out */
	bool plans;               /* reading, to see what the change would touch */
	struct rollout_plan plan; /* of an update or deletion */
	uint32_t planned;         /* the version that the plan is about */
	struct profile profile;
	struct warnings said; /* before the transaction, which may run twice */
	struct warnings warn;
};

void
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
root_check(struct tx *tx, struct arena *a, const struct profile *p, const struct profile_type *t,
    struct warnings *w)
{
	const struct profile_type *type;
	struct profile root;
	err_t e;

	if (id_is_zero(p->root)) {
		if (t->root == ROOT_MUST)
			FAIL(ERR_MODEL_INVALID,
			    "\"rootCertificate@odata.bind\" is missing: it names the trusted-root "
			    "profile");
		if (t->root == ROOT_MAY && strcmp(t->kind->name, "scep") == 0)
			warn(w, ERR_SCEP_NO_ROOT,
			    arena_printf(a, "\"%s\" names no trusted root", p->display_name));
		return OK;
	}
	e = store_profile_get(tx, a, p->root, &root);
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		FAIL(ERR_MODEL_INVALID, "\"rootCertificate@odata.bind\": there is no profile %s",
		    id_text(a, p->root));
	}
	TRY(e);
	TRY(profile_type_find(root.type, &type));
	if (kind_rank(type->kind) != 0 || strcmp(root.platform, p->platform) != 0)
		FAIL(ERR_MODEL_INVALID,
		    "\"rootCertificate@odata.bind\": profile \"%s\" is no trusted "
		    "root for this platform",
		    root.display_name);
	return OK;
}

static err_t
create(struct tx *tx, void *arg)
{
	struct change *c = arg;
	struct profile *p = &c->profile;
	const struct profile_type *type;
	const char *after;

	c->warn = c->said;
	TRY(profile_type_find(p->type, &type));
	TRY(root_check(tx, c->a, p, type, &c->warn));
	TRY(refs_check(tx, c->a, p));
	TRY_CTX(scope_check(tx, c->a, p->scope_tags), "\"roleScopeTagIds\"");
	TRY(store_profile_insert(tx, p));
	TRY(json_of(c->a, p, &after));
	return store_audit_add(tx, c->actor, "profile.create", id_text(c->a, p->id), "", after);
}

err_t
profile_create_with(struct store *s, struct arena *a, const char *actor, const json *body,
    const struct secrets *secrets, struct profile *ret, struct warnings *w)
{
	struct change c = { .a = a, .actor = actor };
	struct profile *p = &c.profile;
	const struct profile_type *type;
	bool found;

	TRY(profile_json_type(body, &type));
	p->id = secrets->profile;
	p->type = type->name;
	p->platform = type->platform;
	p->version = 1;
	p->created = p->modified = when_now();
	TRY(profile_json_read(a, type, body, FIELD_CREATE, secrets, p, &c.said));
	TRY(profile_json_root(body, &found, &p->root));
	TRY(store_write(s, create, &c));
	*ret = *p;
	*w = c.warn;
	return OK;
}

err_t
profile_create(struct store *s, struct arena *a, const char *actor, const json *body,
    struct profile *ret, struct warnings *w)
{
	const struct secrets none = { .profile = id_new() };

	return profile_create_with(s, a, actor, body, &none, ret, w);
}

/* The look at its slots, or what that look found. ERR_STATE_MOVED: it was at another version. */
static err_t
paced(struct tx *tx, struct change *c, const char *name, const struct profile *draft)
{
	struct rollout_change x = { .profile = c->id, .name = name, .draft = draft };
	struct profile was;
	bool content;

	x.terms = c->terms == NULL ? json_get(c->body, ROLLOUT_MEMBER) : c->terms;
	x.assigns = c->with_targets;
	x.targets = c->targets;
	x.ntargets = c->ntargets;
	TRY(store_profile_get(tx, c->a, c->id, &was));
	if (c->plans) {
		c->planned = was.version;
		return rollout_plan(tx, c->a, &x, &c->plan);
	}
	if (was.version != c->planned)
		FAIL(ERR_STATE_MOVED, "profile \"%s\"", was.display_name);
	content = draft == NULL || c->with_targets || strcmp(was.settings, draft->settings) != 0 ||
	    !id_eq(was.root, draft->root);
	return rollout_begin(tx, c->a, c->actor, &x, &c->plan, content, &c->warn);
}

/* The long look at slots reads beside other writers; the change itself is short. */
static err_t
planned(struct store *s, store_fn fn, struct change *c)
{
	for (int tries = 1;; tries++) {
		err_t e;

		c->plans = true;
		TRY(store_read(s, fn, c));
		c->plans = false;
		e = store_write(s, fn, c);
		if (tries == 3 || !err_is(e, ERR_STATE_MOVED))
			return e;
		err_forget(e);
	}
}

/* Checked, stored, audited: *p as it is now. */
static err_t
changed(struct tx *tx, struct change *c, const struct profile_type *t, const char *name,
    const char *before)
{
	struct profile *p = &c->profile;
	const char *after, *action = arena_printf(c->a, "profile.%s", name);

	TRY(root_check(tx, c->a, p, t, &c->warn));
	TRY(refs_check(tx, c->a, p));
	TRY_CTX(scope_check(tx, c->a, p->scope_tags), "\"roleScopeTagIds\"");
	TRY(paced(tx, c, name, p));
	if (c->plans)
		return OK;
	p->version++;
	p->modified = when_now();
	TRY(store_profile_update(tx, p));
	if (c->with_targets)
		TRY(store_assign(tx, p->id, c->targets, c->ntargets));
	TRY(assign_warn(tx, c->a, p, &c->warn));
	TRY(json_of(c->a, p, &after));
	TRY(store_audit_add(tx, c->actor, action, id_text(c->a, p->id), before, after));
	tx_notify(tx, TOPIC_DEVICE, STR_EMPTY);
	return OK;
}

static err_t
update(struct tx *tx, void *arg)
{
	struct change *c = arg;
	struct profile *p = &c->profile;
	const struct profile_type *was, *now;
	const char *before;
	bool found;

	c->warn.n = 0;
	TRY(store_profile_get(tx, c->a, c->id, p));
	if (c->check != NULL)
		TRY(c->check(c->check_ctx, c->a, p));
	TRY(json_of(c->a, p, &before));
	TRY(profile_type_find(p->type, &was));
	TRY(profile_json_type(c->body, &now));
	if (now != was)
		FAIL(ERR_PROFILE_TYPE, "profile %s is a %s and stays one", id_text(c->a, p->id),
		    was->name);
	TRY(profile_json_read(c->a, was, c->body, FIELD_UPDATE, c->secrets, p, &c->warn));
	TRY(profile_json_root(c->body, &found, &p->root));
	return changed(tx, c, was, "update", before);
}

static err_t
unbind(struct tx *tx, void *arg)
{
	struct change *c = arg;
	const struct profile_type *t;
	const char *before;

	c->warn.n = 0;
	TRY(store_profile_get(tx, c->a, c->id, &c->profile));
	if (c->check != NULL)
		TRY(c->check(c->check_ctx, c->a, &c->profile));
	TRY(profile_type_find(c->profile.type, &t));
	if (id_is_zero(c->profile.root))
		FAIL(ERR_NOT_FOUND, "the profile refers to no trusted root");
	TRY(json_of(c->a, &c->profile, &before));
	c->profile.root = (struct id){ { 0 } };
	return changed(tx, c, t, "update", before);
}

err_t
profile_unbind(struct store *s, struct arena *a, const char *actor, struct id id,
    profile_check check, void *ctx, struct warnings *w)
{
	struct change c = { .a = a, .actor = actor, .id = id, .check = check, .check_ctx = ctx };

	TRY(planned(s, unbind, &c));
	*w = c.warn;
	return OK;
}

static err_t
refer(struct tx *tx, void *arg)
{
	struct change *c = arg;
	struct profile *p = &c->profile;
	const struct reference *r;
	const struct profile_type *t;
	const char *before;

	c->warn.n = 0;
	TRY(store_profile_get(tx, c->a, c->id, p));
	if (c->check != NULL)
		TRY(c->check(c->check_ctx, c->a, p));
	TRY(profile_type_find(p->type, &t));
	r = refs_named(t, c->reference);
	if (r == NULL)
		FAIL(ERR_NOT_FOUND, "%s has no %s", t->name, c->reference);
	TRY(json_of(c->a, p, &before));
	TRY(refs_change(c->a, r, p->settings, c->op, c->target, &p->settings));
	return changed(tx, c, t, "update", before);
}

err_t
profile_refer(struct store *s, struct arena *a, const char *actor, struct id id,
    const char *reference, enum refs_op op, struct id target, profile_check check, void *ctx,
    struct warnings *w)
{
	struct change c = { .a = a,
		.actor = actor,
		.id = id,
		.reference = reference,
		.op = op,
		.target = target,
		.check = check,
		.check_ctx = ctx };

	TRY(planned(s, refer, &c));
	*w = c.warn;
	return OK;
}

err_t
profile_update_if(struct store *s, struct arena *a, const char *actor, struct id id,
    const json *body, const struct secrets *secrets, profile_check check, void *ctx,
    struct profile *ret, struct warnings *w)
{
	struct change c = { .a = a,
		.actor = actor,
		.id = id,
		.body = body,
		.secrets = secrets,
		.check = check,
		.check_ctx = ctx };

	TRY(planned(s, update, &c));
	*ret = c.profile;
	*w = c.warn;
	return OK;
}

err_t
profile_update(struct store *s, struct arena *a, const char *actor, struct id id, const json *body,
    struct profile *ret, struct warnings *w)
{
	const struct secrets none = { .profile = id };

	return profile_update_if(s, a, actor, id, body, &none, NULL, NULL, ret, w);
}

err_t
profile_version(
    struct tx *tx, struct arena *a, struct id profile, int64_t number, struct version *ret)
{
	err_t e = store_version_get(tx, a, number, ret);

	if (err_ok(e) && id_eq(ret->profile.id, profile))
		return OK;
	if (!err_ok(e) && !err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	FAIL(ERR_NOT_FOUND, "the profile has no version %lld", (long long)number);
}

static err_t
restore(struct tx *tx, void *arg)
{
	struct change *c = arg;
	struct profile *p = &c->profile;
	const struct profile_type *t;
	const char *before;
	struct version v;

	c->warn.n = 0;
	TRY(store_profile_get(tx, c->a, c->id, p));
	if (c->check != NULL)
		TRY(c->check(c->check_ctx, c->a, p));
	TRY(profile_version(tx, c->a, c->id, c->number, &v));
	TRY(profile_type_find(p->type, &t));
	TRY(json_of(c->a, p, &before));
	p->display_name = v.profile.display_name;
	p->description = v.profile.description;
	p->settings = v.profile.settings;
	p->root = v.profile.root;
	if (c->with_targets)
		TRY(rollout_targets_of(tx, c->a, &v, &c->targets, &c->ntargets));
	return changed(tx, c, t, "restore", before);
}

err_t
profile_restore_if(struct store *s, struct arena *a, const char *actor, struct id id,
    int64_t number, bool with_targets, const json *terms, profile_check check, void *ctx,
    struct profile *ret, struct warnings *w)
{
	struct change c = { .a = a,
		.actor = actor,
		.id = id,
		.number = number,
		.with_targets = with_targets,
		.terms = terms,
		.check = check,
		.check_ctx = ctx };

	TRY(planned(s, restore, &c));
	*ret = c.profile;
	*w = c.warn;
	return OK;
}

static err_t delete (struct tx *tx, void *arg)
{
	struct change *c = arg;
	struct profile *by;
	const char *before;
	size_t n;

	TRY(store_profile_get(tx, c->a, c->id, &c->profile));
	if (c->check != NULL)
		TRY(c->check(c->check_ctx, c->a, &c->profile));
	TRY(store_profile_by_root(tx, c->a, c->id, 1, &by, &n));
	if (n > 0)
		FAIL(ERR_PROFILE_IN_USE, "\"%s\" (%s) has it as its trusted root",
		    by[0].display_name, id_text(c->a, by[0].id));
	TRY(refs_users(tx, c->a, c->id, COUNT(c->warn.v), &by, &n));
	if (n > 0)
		FAIL(ERR_PROFILE_IN_USE, "\"%s\" (%s) refers to it", by[0].display_name,
		    id_text(c->a, by[0].id));
	TRY(json_of(c->a, &c->profile, &before));
	TRY(paced(tx, c, "delete", NULL));
	if (c->plans)
		return OK;
	TRY(store_profile_delete(tx, c->id));
	TRY(store_audit_add(tx, c->actor, "profile.delete", id_text(c->a, c->id), before, ""));
	tx_notify(tx, TOPIC_DEVICE, STR_EMPTY);
	return OK;
}

err_t
profile_delete_if(struct store *s, struct arena *a, const char *actor, struct id id,
    profile_check check, void *ctx)
{
	struct change c = { .a = a, .actor = actor, .id = id, .check = check, .check_ctx = ctx };

	return planned(s, delete, &c);
}

err_t
profile_delete(struct store *s, struct arena *a, const char *actor, struct id id)
{
	return profile_delete_if(s, a, actor, id, NULL, NULL);
}
