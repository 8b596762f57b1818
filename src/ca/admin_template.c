/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs about certificate templates. */
#include "ca/admin.h"

#include "ca/lint.h"
#include "ca/state.h"
#include "ca/template_field.h"

static json *
show_template(struct arena *a, const struct template_row *t)
{
	json *o = json_object_new();
	json *overrides = json_array_new();
	struct str rest = str_c(t->overrides);

	while (rest.n > 0)
		json_add(overrides, json_str_new(str_cut(&rest, ',')));
	json_set_text(o, "name", t->name);
	template_fields_show(a, t, o);
	json_set_text(o, "oid", t->oid);
	json_set_int(o, "schema", t->schema);
	json_set_text(o, "revision", arena_printf(a, "%d.%d", t->major, t->minor));
	json_set_text(o, "flags", arena_printf(a, "0x%08x", t->flags));
	json_set_text(o, "name_flags", arena_printf(a, "0x%08x", t->name_flags));
	json_set_text(o, "enrolment_flags", arena_printf(a, "0x%08x", t->enrolment_flags));
	json_set_text(o, "private_key_flags", arena_printf(a, "0x%08x", t->private_key_flags));
	json_set_text(o, "key_usage", arena_printf(a, "0x%02x", t->key_usage));
	json_set_bool(o, "builtin", (t->flags & TEMPLATE_IS_DEFAULT) != 0);
	json_set(o, "overrides", overrides);
	json_set_bool(o, "published", t->published);
	json_set_text(o, "cas", t->cas);
	return o;
}

struct list {
	struct arena *a;
	struct template_row *v;
	size_t n;
};

static err_t
list_tx(struct tx *tx, void *arg)
{
	struct list *l = arg;

	return store_template_list(tx, l->a, &l->v, &l->n);
}

static err_t
template_list(struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct list l = { .a = a };
	json *list = json_array_new();

	(void)args;
	json_set(out, "templates", list);
	TRY(store_read(is->store, list_tx, &l));
	for (size_t i = 0; i < l.n; i++)
		json_add(list, show_template(a, &l.v[i]));
	return OK;
}

struct copy {
	struct arena *a;
	struct template_copy c;
	struct template_row row;
};

static err_t
duplicate_tx(struct tx *tx, void *arg)
{
	struct copy *c = arg;

	TRY(template_duplicate(tx, c->a, &c->c, &c->row));
	return store_journal_add(tx, "administrator", "template-duplicated",
	    arena_printf(c->a,
		"source=%s name=%s oid=%s supply_in_request=%d order_required=%d overrides=%s",
		c->c.source, c->row.name, c->row.oid,
		(c->row.name_flags & TEMPLATE_SUPPLY_SUBJECT) != 0, c->row.order_required,
		c->row.overrides));
}

static err_t
duplicate(struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct copy c = { .a = a, .c.settings = args };
	const json *publish = json_get(args, "publish");
	const struct ca *ca;

	TRY(json_need_text(args, "source", LIMIT_TEXT, &c.c.source));
	TRY(json_need_text(args, "name", LIMIT_TEXT, &c.c.name));
	TRY(admin_texts(a, args, "override", lint_nrules, &c.c.overrides, &c.c.noverrides));
	TRY(hierarchy_by_role(issuer_hierarchy(is), CA_ROLE_ISSUING, &ca));
	c.c.ca = json_is_null(publish) || json_true(publish) ? ca->name : NULL;
	TRY(store_write(is->store, duplicate_tx, &c));
	json_set(out, "template", show_template(a, &c.row));
	return OK;
}

struct edit {
	struct arena *a;
	struct template_change c;
	struct template_row row;
};

static err_t
edit_tx(struct tx *tx, void *arg)
{
	struct edit *e = arg;
	const char *changed;

	TRY(template_edit(tx, e->a, &e->c, &e->row, &changed));
	return store_journal_add(tx, "administrator", "template-changed",
	    arena_printf(e->a, "name=%s revision=%d.%d changed=\"%s\" overrides=%s", e->row.name,
		e->row.major, e->row.minor, changed, e->row.overrides));
}

static err_t
edit(struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct edit e = { .a = a, .c.settings = args };

	TRY(json_need_text(args, "template", LIMIT_TEXT, &e.c.name));
	TRY(admin_texts(a, args, "override", lint_nrules, &e.c.overrides, &e.c.noverrides));
	e.c.reenrol = json_true(json_get(args, "reenrol_all_holders"));
	TRY(store_write(is->store, edit_tx, &e));
	json_set(out, "template", show_template(a, &e.row));
	return OK;
}

static err_t
delete_tx(struct tx *tx, void *arg)
{
	struct edit *e = arg;

	TRY(template_delete(tx, e->a, e->c.name));
	return store_journal_add(
	    tx, "administrator", "template-deleted", arena_printf(e->a, "name=%s", e->c.name));
}

static err_t delete (struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct edit e = { .a = a };

	TRY(json_need_text(args, "template", LIMIT_TEXT, &e.c.name));
	TRY(store_write(is->store, delete_tx, &e));
	json_set_text(out, "deleted", e.c.name);
	return OK;
}

struct grant_job {
	struct arena *a;
	const char *template, *principal;
	unsigned allow, deny; /* added, or taken back */
	bool withdraw;
	bool publish;
	const char *const *overrides;
	size_t noverrides;
	const char *ca;
	struct template_row row;
};

static err_t
get_template(struct tx *tx, struct arena *a, const char *name, struct template_row *ret)
{
	err_t e = store_template_get(tx, a, name, ret);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		FAIL(ERR_TEMPLATE_UNKNOWN, "%s", name);
	}
	return e;
}

static err_t
get_rights(
    struct tx *tx, const char *template, const char *principal, unsigned *allow, unsigned *deny)
{
	err_t e = store_template_right_get(tx, template, principal, allow, deny);

	if (!err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	*allow = *deny = 0;
	return OK;
}

err_t
admin_allow(
    struct tx *tx, struct arena *a, const char *template, const char *principal, unsigned rights)
{
	unsigned allow = 0, deny = 0;
	struct template_row t;

	TRY(get_template(tx, a, template, &t));
	TRY(get_rights(tx, t.name, principal, &allow, &deny));
	TRY(store_template_right_put(tx, t.name, principal, allow | rights, deny));
	return rights & (TEMPLATE_ENROL | TEMPLATE_AUTOENROL) ? lint_saved(tx, a, &t) : OK;
}

static err_t
grant_tx(struct tx *tx, void *arg)
{
	struct grant_job *g = arg;
	unsigned allow, deny, wider;
	struct principal p;
	err_t e;

	TRY(get_template(tx, g->a, g->template, &g->row));
	e = store_principal_get(tx, g->a, g->principal, &p);
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		FAIL(ERR_NOT_FOUND, "there is no principal %s", g->principal);
	}
	TRY(e);
	TRY(get_rights(tx, g->row.name, p.name, &allow, &deny));
	g->allow = g->withdraw ? allow & ~g->allow : allow | g->allow;
	g->deny = g->withdraw ? deny & ~g->deny : deny | g->deny;
	/* A denial that is taken back widens as well, also what others permit: its groups, or the members of a group. */
	wider = ((g->allow & ~g->deny & ~(allow & ~deny)) | (deny & ~g->deny)) &
	    ~(unsigned)TEMPLATE_READ;
	TRY(store_template_right_put(tx, g->row.name, p.name, g->allow, g->deny));
	if (g->noverrides > 0) {
		TRY(lint_override(g->a, &g->row, g->overrides, g->noverrides));
		TRY(store_template_put(tx, &g->row));
	}
	if (wider != 0)
		TRY(lint_saved(tx, g->a, &g->row));
	return store_journal_add(tx, "administrator", "template-rights",
	    arena_printf(g->a, "template=%s principal=%s allow=%u deny=%u overrides=%s",
		g->row.name, p.name, g->allow, g->deny, g->row.overrides));
}

static const struct right_name rights[] = {
	{ "read", TEMPLATE_READ },
	{ "enrol", TEMPLATE_ENROL },
	{ "enroll", TEMPLATE_ENROL },
	{ "autoenrol", TEMPLATE_AUTOENROL },
	{ "autoenroll", TEMPLATE_AUTOENROL },
	{ "write", TEMPLATE_WRITE },
	{ "full", TEMPLATE_FULL },
};

static err_t
change_rights(struct issuer *is, struct arena *a, const json *args, bool withdraw, json *out)
{
	struct grant_job g = { .a = a, .withdraw = withdraw };

	TRY(json_need_text(args, "template", LIMIT_TEXT, &g.template));
	TRY(json_need_text(args, "principal", LIMIT_TEXT, &g.principal));
	TRY(admin_rights(a, args, "rights", rights, COUNT(rights), &g.allow));
	TRY(admin_rights(a, args, "deny", rights, COUNT(rights), &g.deny));
	TRY(admin_texts(a, args, "override", lint_nrules, &g.overrides, &g.noverrides));
	TRY(store_write(is->store, grant_tx, &g));
	json_set_text(out, "template", g.row.name);
	json_set_text(out, "principal", g.principal);
	json_set_int(out, "allow", g.allow);
	json_set_int(out, "deny", g.deny);
	return OK;
}

static err_t
template_grant(struct issuer *is, struct arena *a, const json *args, json *out)
{
	return change_rights(is, a, args, false, out);
}

static err_t
template_withdraw(struct issuer *is, struct arena *a, const json *args, json *out)
{
	return change_rights(is, a, args, true, out);
}

static err_t
publish_tx(struct tx *tx, void *arg)
{
	struct grant_job *g = arg;

	TRY(template_publish(tx, g->a, g->template, g->ca, g->publish, &g->row));
	return store_journal_add(tx, "administrator",
	    g->publish ? "template-published" : "template-withdrawn",
	    arena_printf(g->a, "template=%s ca=%s cas=%s", g->row.name, g->ca, g->row.cas));
}

/* ca not given: the issuing CA. */
static err_t
publish(struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct grant_job g = { .a = a };
	const json *published = json_get(args, "published");
	const struct ca *ca;
	const char *name;

	TRY(json_need_text(args, "template", LIMIT_TEXT, &g.template));
	TRY(json_want_text(args, "ca", LIMIT_TEXT, &name));
	if (!json_is_bool(published))
		FAIL(ERR_BAD_REQUEST, "published is true or false");
	if (name != NULL && name[0] != '\0')
		TRY(hierarchy_find(issuer_hierarchy(is), name, &ca));
	else
		TRY(hierarchy_by_role(issuer_hierarchy(is), CA_ROLE_ISSUING, &ca));
	g.publish = json_true(published);
	g.ca = ca->name;
	TRY(store_write(is->store, publish_tx, &g));
	json_set(out, "template", show_template(a, &g.row));
	return OK;
}

/* ---- one template with the rights on it; what the rules say ---- */

struct look {
	struct arena *a;
	const char *name; /* NULL: all that matter */
	struct template_row *v;
	struct template_right **rights;
	size_t n, *nrights;
};

static err_t
look_tx(struct tx *tx, void *arg)
{
	struct look *l = arg;

	if (l->name != NULL) {
		l->v = ARENA_NEW(l->a, struct template_row);
		l->n = 1;
		TRY(get_template(tx, l->a, l->name, l->v));
	} else {
		TRY(store_template_list(tx, l->a, &l->v, &l->n));
	}
	l->rights = arena_array(l->a, l->n + 1, sizeof(struct template_right *));
	l->nrights = arena_array(l->a, l->n + 1, sizeof(size_t));
	for (size_t i = 0; i < l->n; i++)
		TRY((l->name != NULL ? store_template_right_list : store_template_right_sums)(
		    tx, l->a, l->v[i].name, &l->rights[i], &l->nrights[i]));
	return OK;
}

static json *
show_rights(unsigned bits)
{
	static const unsigned once[] = { 0, 1, 3, 5 };
	json *list = json_array_new();

	for (size_t i = 0; i < COUNT(once); i++) {
		if (bits & rights[once[i]].bit)
			json_add(list, json_text_new(rights[once[i]].name));
	}
	return list;
}

static err_t
show(struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct look l = { .a = a };
	json *list = json_array_new();

	json_set(out, "rights", list);
	TRY(json_need_text(args, "template", LIMIT_TEXT, &l.name));
	TRY(store_read(is->store, look_tx, &l));
	json_set(out, "template", show_template(a, &l.v[0]));
	for (size_t i = 0; i < l.nrights[0]; i++) {
		json *o = json_object_new();

		json_set_text(o, "principal", l.rights[0][i].principal);
		json_set(o, "allowed", show_rights(l.rights[0][i].allow));
		json_set(o, "denied", show_rights(l.rights[0][i].deny));
		json_add(list, o);
	}
	return OK;
}

/* Of the CAs that publish it, the one that ends first. */
static int64_t
ca_left(const struct hierarchy *h, const struct template_row *t)
{
	int64_t left = 0;

	for (size_t i = 0; i < h->n; i++) {
		int64_t n = cert_not_after(h->v[i].cert) - when_now();

		if (template_on(t, h->v[i].name) && (left == 0 || n < left))
			left = n > 0 ? n : 1;
	}
	return left;
}

static void
lint_one(struct issuer *is, struct look *l, size_t at, json *list)
{
	struct lint_in in = { &l->v[at], l->rights[at], l->nrights[at],
		ca_left(issuer_hierarchy(is), &l->v[at]) };
	struct lint_found *v;
	size_t n;

	lint_all(l->a, &in, &v, &n);
	for (size_t i = 0; i < n; i++) {
		json *o = json_object_new();

		json_set_text(o, "template", l->v[at].name);
		json_set_text(o, "rule", v[i].rule->id);
		json_set_text(o, "severity",
		    v[i].overridden                        ? "overridden" :
			v[i].rule->severity == LINT_REFUSE ? "refuse" :
							     "warn");
		json_set_text(o, "reason", v[i].rule->reason);
		json_set_text(o, "change", v[i].rule->change);
		json_add(list, o);
	}
}

/* Without a name: templates that are published or that somebody has a right on. */
static err_t
lint(struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct look l = { .a = a };
	json *list = json_array_new();

	json_set(out, "findings", list);
	TRY(json_want_text(args, "template", LIMIT_TEXT, &l.name));
	if (l.name != NULL && l.name[0] == '\0')
		l.name = NULL;
	TRY(store_read(is->store, look_tx, &l));
	for (size_t i = 0; i < l.n; i++) {
		if (l.name != NULL || l.v[i].published || l.nrights[i] > 0)
			lint_one(is, &l, i, list);
	}
	return OK;
}

const struct ca_verb admin_template_verbs[] = {
	{ "template.list", template_list, ADMIN_NO_ARGS, "The templates with their settings." },
	{ "template.show", show, ADMIN_ARGS("template"), "One template, and the rights on it." },
	{ "template.duplicate", duplicate,
	    ADMIN_ARGS("source", "name", "publish", "override", TEMPLATE_FIELDS),
	    "A new template from another one, published on the issuing CA unless publish is false." },
	{ "template.edit", edit,
	    ADMIN_ARGS("template", "reenrol_all_holders", "override", TEMPLATE_FIELDS),
	    "Change settings of a template; its minor revision goes up." },
	{ "template.delete", delete, ADMIN_ARGS("template"),
	    "Delete a template that no CA publishes, with the rights on it." },
	{ "template.grant", template_grant,
	    ADMIN_ARGS("template", "principal", "rights", "deny", "override"),
	    "Allow or deny a principal something with a template: read, enrol, autoenrol, write, full. Deny wins." },
	{ "template.withdraw", template_withdraw,
	    ADMIN_ARGS("template", "principal", "rights", "deny"),
	    "Take such rights, or denials, back." },
	{ "template.publish", publish, ADMIN_ARGS("template", "published", "ca"),
	    "Put a template on a CA's list of templates to issue, or take it off." },
	{ "template.lint", lint, ADMIN_ARGS("template"),
	    "What the rules for templates say, about one or about all that are in use." },
	{ NULL, NULL, NULL, NULL },
};
