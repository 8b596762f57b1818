/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verbs about groups of principals. What a group may do at the CA and with templates, its members may do; what it is
 * denied, they are denied, whatever else permits it. Groups are not in groups, and never ask for anything themselves.
 *
 * Whatever widens what somebody may do passes the rules for templates (lint.h), as if it were granted one by one: who
 * joins a group gets its permissions, who leaves it loses its denials.
 */
#include "ca/admin.h"

#include "ca/lint.h"
#include "ca/state.h"
#include "ca/template.h"

enum { AT_ONCE = 100, MATTERS = TEMPLATE_FULL & ~TEMPLATE_READ };

struct change {
	struct arena *a;
	const char *group;
	const char *const *members;
	size_t n;
	struct template_row
	    *templates; /* on which the group has rights or denials that change hands */
	size_t ntemplates;
};

static err_t
get(struct tx *tx, struct arena *a, const char *name, bool group, struct principal *ret)
{
	err_t e = store_principal_get(tx, a, name, ret);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		FAIL(ERR_NOT_FOUND, "there is no %s %s", group ? "group" : "principal", name);
	}
	TRY(e);
	if (ret->is_group != group)
		FAIL(ERR_PRINCIPAL_KIND, "%s is a %s", ret->name, group ? "principal" : "group");
	return OK;
}

static err_t
get_or_make(struct tx *tx, struct change *c, struct principal *ret)
{
	struct principal made = { .name = c->group,
		.password = "",
		.enabled = true,
		.created = when_now(),
		.is_group = true };
	err_t e = get(tx, c->a, c->group, true, ret);

	if (!err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	TRY(store_principal_put(tx, &made));
	*ret = made;
	return store_journal_add(
	    tx, "administrator", "group-made", arena_printf(c->a, "group=%s", made.name));
}

/* Before the change: the group may be gone after it. */
static err_t
collect(struct tx *tx, struct change *c, const char *group, bool denials)
{
	struct template_row *v;
	unsigned allow, deny;
	size_t n;

	TRY(store_template_list(tx, c->a, &v, &n));
	c->templates = v;
	for (size_t i = 0; i < n; i++) {
		TRY(store_template_right_get(tx, v[i].name, group, &allow, &deny));
		if ((denials ? deny : allow) & MATTERS)
			c->templates[c->ntemplates++] = v[i];
	}
	return OK;
}

static err_t
lint(struct tx *tx, const struct change *c)
{
	for (size_t i = 0; i < c->ntemplates; i++)
		TRY(lint_saved(tx, c->a, &c->templates[i]));
	return OK;
}

static err_t
add_tx(struct tx *tx, void *arg)
{
	struct change *c = arg;
	struct principal g, p;

	TRY(get_or_make(tx, c, &g));
	TRY(collect(tx, c, g.name, false));
	for (size_t i = 0; i < c->n; i++) {
		TRY(get(tx, c->a, c->members[i], false, &p));
		TRY(store_principal_join(tx, g.name, p.name));
		TRY(store_journal_add(tx, "administrator", "group-joined",
		    arena_printf(c->a, "group=%s principal=%s", g.name, p.name)));
	}
	return c->n == 0 ? OK : lint(tx, c);
}

static err_t
leave(struct tx *tx, const struct change *c, const char *group, const char *member)
{
	err_t e = store_principal_leave(tx, group, member);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		FAIL(ERR_NOT_FOUND, "%s is not in %s", member, group);
	}
	TRY(e);
	return store_journal_add(tx, "administrator", "group-left",
	    arena_printf(c->a, "group=%s principal=%s", group, member));
}

static err_t
remove_tx(struct tx *tx, void *arg)
{
	struct change *c = arg;
	struct principal g;

	TRY(get(tx, c->a, c->group, true, &g));
	TRY(collect(tx, c, g.name, true));
	for (size_t i = 0; i < c->n; i++)
		TRY(leave(tx, c, g.name, c->members[i]));
	if (c->n == 0) {
		TRY(store_principal_group_delete(tx, g.name));
		TRY(store_journal_add(
		    tx, "administrator", "group-deleted", arena_printf(c->a, "group=%s", g.name)));
	}
	return lint(tx, c);
}

/* ---- showing ---- */

struct list {
	struct arena *a;
	struct principal *v;
	struct principal **members; /* of each */
	size_t n, *nmembers;
};

static err_t
list_tx(struct tx *tx, void *arg)
{
	struct list *l = arg;
	struct principal *all;
	size_t n;

	TRY(store_principal_list(tx, l->a, &all, &n));
	l->v = all;
	l->members = arena_array(l->a, n + 1, sizeof(struct principal *));
	l->nmembers = arena_array(l->a, n + 1, sizeof(size_t));
	for (size_t i = 0; i < n; i++) {
		if (!all[i].is_group)
			continue;
		TRY(store_principal_members(
		    tx, l->a, all[i].name, &l->members[l->n], &l->nmembers[l->n]));
		l->v[l->n++] = all[i];
	}
	return OK;
}

static json *
show(const struct list *l, size_t i)
{
	json *o = json_object_new(), *members = json_array_new();

	for (size_t k = 0; k < l->nmembers[i]; k++)
		json_add(members, json_text_new(l->members[i][k].name));
	json_set_text(o, "name", l->v[i].name);
	json_set(o, "rights", admin_show_ca_rights(l->v[i].ca_rights));
	json_set_bool(o, "enabled", l->v[i].enabled);
	json_set(o, "members", members);
	return o;
}

static err_t
group_list(struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct list l = { .a = a };
	json *list = json_array_new();

	(void)args;
	json_set(out, "groups", list);
	TRY(store_read(is->store, list_tx, &l));
	for (size_t i = 0; i < l.n; i++)
		json_add(list, show(&l, i));
	return OK;
}

static err_t
change(struct issuer *is, struct arena *a, const json *args, err_t (*run)(struct tx *tx, void *arg),
    json *out)
{
	struct change c = { .a = a };
	struct list l = { .a = a };

	TRY(json_need_text(args, "group", LIMIT_TEXT, &c.group));
	TRY(admin_principal_name(c.group));
	TRY(admin_texts(a, args, "principals", AT_ONCE, &c.members, &c.n));
	TRY(store_write(is->store, run, &c));
	TRY(store_read(is->store, list_tx, &l));
	json_set_text(out, "group", c.group);
	for (size_t i = 0; i < l.n; i++) {
		if (str_ieq_c(str_c(l.v[i].name), c.group))
			json_set(out, "group", show(&l, i));
	}
	return OK;
}

static err_t
group_add(struct issuer *is, struct arena *a, const json *args, json *out)
{
	return change(is, a, args, add_tx, out);
}

static err_t
group_remove(struct issuer *is, struct arena *a, const json *args, json *out)
{
	return change(is, a, args, remove_tx, out);
}

const struct ca_verb admin_group_verbs[] = {
	{ "principal.group.add", group_add, ADMIN_ARGS("group", "principals"),
	    "Put principals into a group, which is made if there is none of the name." },
	{ "principal.group.remove", group_remove, ADMIN_ARGS("group", "principals"),
	    "Take principals out of a group; without any: delete the group with its rights." },
	{ "principal.group.list", group_list, ADMIN_NO_ARGS, "The groups with their members." },
	{ NULL, NULL, NULL, NULL },
};
