/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs about certificate templates. */
#include "ca/admin.h"

#include "ca/state.h"

static json *
show_template(struct arena *a, const struct template_row *t)
{
	json *o = json_object_new(), *ekus = json_array_new();
	struct str rest = str_c(t->ekus);

	while (rest.n > 0)
		json_add(ekus, json_str_new(str_cut(&rest, ',')));
	json_set_text(o, "name", t->name);
	json_set_text(o, "display_name", t->display_name);
	json_set_text(o, "oid", t->oid);
	json_set_int(o, "schema", t->schema);
	json_set_text(o, "revision", arena_printf(a, "%d.%d", t->major, t->minor));
	json_set_text(o, "flags", arena_printf(a, "0x%08x", t->flags));
	json_set_text(o, "name_flags", arena_printf(a, "0x%08x", t->name_flags));
	json_set_text(o, "enrolment_flags", arena_printf(a, "0x%08x", t->enrolment_flags));
	json_set_text(o, "private_key_flags", arena_printf(a, "0x%08x", t->private_key_flags));
	json_set_text(o, "key_usage", arena_printf(a, "0x%02x", t->key_usage));
	json_set_int(o, "min_key_size", t->min_key_bits);
	json_set_int(o, "validity_days", t->validity / 86400);
	json_set_int(o, "overlap_days", t->overlap / 86400);
	json_set(o, "ekus", ekus);
	json_set_bool(o, "supply_in_request", (t->name_flags & TEMPLATE_SUPPLY_SUBJECT) != 0);
	json_set_bool(o, "order_required", t->order_required);
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
	    arena_printf(c->a, "source=%s name=%s oid=%s supply_in_request=%d order_required=%d",
		c->c.source, c->row.name, c->row.oid, c->c.supply_in_request,
		c->row.order_required));
}

static err_t
take_copy(struct issuer *is, struct arena *a, const json *args, struct template_copy *c)
{
	const json *publish = json_get(args, "publish");
	const struct ca *ca;
	int64_t bits, days;

	TRY(json_need_text(args, "source", LIMIT_TEXT, &c->source));
	TRY(json_need_text(args, "name", LIMIT_TEXT, &c->name));
	TRY(json_want_text(args, "display_name", LIMIT_TEXT, &c->display_name));
	TRY(json_want_int(args, "min_key_size", 0, 8192, 0, &bits));
	TRY(json_want_int(args, "validity_days", 0, 3650, 0, &days));
	TRY(admin_texts(a, args, "ekus", LIMIT_EKUS, &c->ekus, &c->nekus));
	TRY(hierarchy_by_role(issuer_hierarchy(is), CA_ROLE_ISSUING, &ca));
	c->display_name = c->display_name != NULL ? c->display_name : "";
	c->supply_in_request = json_true(json_get(args, "supply_in_request"));
	c->order_required = json_true(json_get(args, "order_required"));
	c->min_key_bits = (int)bits;
	c->validity_days = (int)days;
	c->ca = json_is_null(publish) || json_true(publish) ? ca->name : NULL;
	return OK;
}

static err_t
duplicate(struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct copy c = { .a = a };

	TRY(take_copy(is, a, args, &c.c));
	TRY(store_write(is->store, duplicate_tx, &c));
	json_set(out, "template", show_template(a, &c.row));
	return OK;
}

struct grant_job {
	struct arena *a;
	const char *template, *principal;
	unsigned allow, deny; /* added, or taken back */
	bool withdraw;
	bool publish;
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
	if (rights & (TEMPLATE_ENROL | TEMPLATE_AUTOENROL))
		TRY(template_check(a, &t));
	TRY(get_rights(tx, t.name, principal, &allow, &deny));
	return store_template_right_put(tx, t.name, principal, allow | rights, deny);
}

static err_t
grant_tx(struct tx *tx, void *arg)
{
	struct grant_job *g = arg;
	unsigned allow, deny;
	struct principal p;
	err_t e;

	TRY(get_template(tx, g->a, g->template, &g->row));
	e = store_principal_get(tx, g->a, g->principal, &p);
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		FAIL(ERR_NOT_FOUND, "there is no principal %s", g->principal);
	}
	TRY(e);
	if (!g->withdraw && (g->allow & (TEMPLATE_ENROL | TEMPLATE_AUTOENROL)))
		TRY(template_check(g->a, &g->row));
	TRY(get_rights(tx, g->row.name, p.name, &allow, &deny));
	g->allow = g->withdraw ? allow & ~g->allow : allow | g->allow;
	g->deny = g->withdraw ? deny & ~g->deny : deny | g->deny;
	TRY(store_template_right_put(tx, g->row.name, p.name, g->allow, g->deny));
	return store_journal_add(tx, "administrator", "template-rights",
	    arena_printf(g->a, "template=%s principal=%s allow=%u deny=%u", g->row.name, p.name,
		g->allow, g->deny));
}

static const struct right_name rights[] = {
	{ "read", TEMPLATE_READ },
	{ "enrol", TEMPLATE_ENROL },
	{ "enroll", TEMPLATE_ENROL },
	{ "autoenrol", TEMPLATE_AUTOENROL },
	{ "autoenroll", TEMPLATE_AUTOENROL },
	{ "write", TEMPLATE_WRITE },
};

static err_t
change_rights(struct issuer *is, struct arena *a, const json *args, bool withdraw, json *out)
{
	struct grant_job g = { .a = a, .withdraw = withdraw };

	TRY(json_need_text(args, "template", LIMIT_TEXT, &g.template));
	TRY(json_need_text(args, "principal", LIMIT_TEXT, &g.principal));
	TRY(admin_rights(a, args, "rights", rights, COUNT(rights), &g.allow));
	TRY(admin_rights(a, args, "deny", rights, COUNT(rights), &g.deny));
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

	TRY(get_template(tx, g->a, g->template, &g->row));
	if (g->publish && (g->row.flags & (TEMPLATE_IS_CA | TEMPLATE_CROSS_CA)))
		FAIL(ERR_TEMPLATE_MANUAL, "template %s is of CA certificates", g->row.name);
	g->row.published = g->publish;
	if (g->publish && g->row.cas[0] == '\0')
		g->row.cas = g->ca;
	g->row.modified = when_now();
	TRY(store_template_put(tx, &g->row));
	return store_journal_add(tx, "administrator",
	    g->publish ? "template-published" : "template-withdrawn",
	    arena_printf(g->a, "template=%s cas=%s", g->row.name, g->row.cas));
}

static err_t
template_publish(struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct grant_job g = { .a = a };
	const json *published = json_get(args, "published");
	const struct ca *ca;

	TRY(json_need_text(args, "template", LIMIT_TEXT, &g.template));
	if (!json_is_bool(published))
		FAIL(ERR_BAD_REQUEST, "published is true or false");
	TRY(hierarchy_by_role(issuer_hierarchy(is), CA_ROLE_ISSUING, &ca));
	g.publish = json_true(published);
	g.ca = ca->name;
	TRY(store_write(is->store, publish_tx, &g));
	json_set(out, "template", show_template(a, &g.row));
	return OK;
}

const struct ca_verb admin_template_verbs[] = {
	{ "template.list", template_list, ADMIN_NO_ARGS, "The templates with their settings." },
	{ "template.duplicate", duplicate,
	    ADMIN_ARGS("source", "name", "display_name", "supply_in_request", "order_required",
		"ekus", "min_key_size", "validity_days", "publish"),
	    "A new template from another one, published on the issuing CA unless publish is false." },
	{ "template.grant", template_grant, ADMIN_ARGS("template", "principal", "rights", "deny"),
	    "Allow or deny a principal something with a template: read, enrol, autoenrol, write. Deny wins." },
	{ "template.withdraw", template_withdraw,
	    ADMIN_ARGS("template", "principal", "rights", "deny"),
	    "Take such rights, or denials, back." },
	{ "template.publish", template_publish, ADMIN_ARGS("template", "published"),
	    "Publish a template on the CA, or withdraw it." },
	{ NULL, NULL, NULL, NULL },
};
