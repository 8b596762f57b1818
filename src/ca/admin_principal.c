/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs about principals: who may ask the CA for something, and which client certificate each is known by. */
#include "ca/admin.h"

#include "ca/revoke.h"
#include "ca/signon.h"
#include "ca/state.h"

static const struct right_name ca_rights[] = {
	{ "read", CA_RIGHT_READ },
	{ "request", CA_RIGHT_REQUEST },
	{ "officer", CA_RIGHT_OFFICER },
	{ "manage", CA_RIGHT_MANAGE },
};

/* ---- a principal and its certificate ---- */

struct bind {
	const char *name;
	unsigned rights;
};

static err_t
supersede(struct tx *tx, struct arena *a, struct str sha256)
{
	struct issued old;
	bool done;
	err_t e;

	if (sha256.n == 0)
		return OK;
	e = store_issued_by_cert(tx, a, sha256, &old);
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		return OK;
	}
	TRY(e);
	return revoke_record(tx, &old, REASON_SUPERSEDED, "administrator", &done);
}

/* In the transaction that makes the certificate valid: there is no moment with two, nor with none. */
static err_t
bind_cert(struct tx *tx, struct arena *a, void *arg, const struct cert *c)
{
	const struct bind *b = arg;
	struct principal p = { .enabled = true, .created = when_now() };
	err_t e = store_principal_get(tx, a, b->name, &p);

	if (!err_ok(e) && !err_is(e, ERR_NOT_FOUND))
		return e;
	if (err_ok(e) && p.is_group)
		FAIL(ERR_PRINCIPAL_KIND, "%s is a group", p.name);
	if (err_ok(e))
		TRY(supersede(tx, a, p.cert_sha256));
	err_forget(e);
	p.name = b->name;
	p.ca_rights |= b->rights;
	p.cert_sha256 = str_of(cert_sha256(c), 32);
	TRY(store_principal_put(tx, &p));
	return store_journal_add(tx, "administrator", "principal",
	    arena_printf(a, "name=%s serial=%s rights=%u", p.name, cert_serial(c), p.ca_rights));
}

/* Who acts without being a principal, in records and in the journal: nobody shall pass for one of them. */
static const char *const reserved[] = { "administrator", "issuer", "unknown" };

err_t
admin_principal_name(const char *name)
{
	struct str s = str_c(name);

	if (s.n < 1 || s.n > 64 || !text_printable_ascii(s) || !str_eq(str_trim(s), s))
		FAIL(ERR_BAD_REQUEST, "name: 1 to 64 printable characters, no blank at an end");
	for (size_t i = 0; i < COUNT(reserved); i++) {
		if (str_ieq_c(s, reserved[i]))
			FAIL(ERR_BAD_REQUEST, "name: %s is not for principals", reserved[i]);
	}
	return OK;
}

err_t
admin_principal(struct issuer *is, struct arena *a, const char *name, struct str csr,
    unsigned rights, struct minted *ret)
{
	auto_approval struct approval *ap = NULL;
	struct policy_admin q = { .template = TEMPLATE_PRINCIPAL, .csr = csr, .common_name = name };
	struct bind b = { name, rights };
	const struct ca *ca;

	TRY(admin_principal_name(name));
	TRY(hierarchy_by_role(issuer_hierarchy(is), CA_ROLE_ISSUING, &ca));
	TRY(policy_admin(is->store, ca, a, &q, &ap));
	return mint(is, a, ap, bind_cert, &b, ret);
}

/* ---- passwords ---- */

struct passwd {
	struct arena *a;
	const char *name, *hash;
	bool make; /* the principal, when there is none of the name */
};

static err_t
passwd_tx(struct tx *tx, void *arg)
{
	struct passwd *w = arg;
	struct principal p = { .name = w->name, .enabled = true, .created = when_now() };
	err_t e = store_principal_get(tx, w->a, w->name, &p);

	if (!err_ok(e) && !err_is(e, ERR_NOT_FOUND))
		return e;
	if (!err_ok(e) && !w->make) {
		err_forget(e);
		FAIL(ERR_NOT_FOUND, "there is no principal %s", w->name);
	}
	err_forget(e);
	if (p.is_group)
		FAIL(ERR_PRINCIPAL_KIND, "%s is a group", p.name);
	p.password = w->hash;
	TRY(store_principal_put(tx, &p));
	return store_journal_add(tx, "administrator", "principal-password",
	    arena_printf(w->a, "name=%s %s", p.name, w->hash[0] != '\0' ? "set" : "removed"));
}

/* An empty password removes what was there. */
static err_t
set_password(struct issuer *is, struct arena *a, const char *name, const char *password, bool make)
{
	struct passwd w = { .a = a, .name = name, .hash = "", .make = make };

	if (password[0] != '\0')
		TRY_CTX(signon_hash(a, password, &w.hash), "password");
	TRY(store_write(is->store, passwd_tx, &w));
	signon_forget(is->signon, name);
	return OK;
}

static err_t
principal_passwd(struct issuer *is, struct arena *a, const json *args, json *out)
{
	const char *name, *password;

	TRY(json_need_text(args, "name", LIMIT_TEXT, &name));
	TRY(json_want_text(args, "password", LIMIT_TEXT, &password));
	TRY(set_password(is, a, name, password == NULL ? "" : password, false));
	json_set_text(out, "name", name);
	json_set_bool(out, "password", password != NULL && password[0] != '\0');
	return OK;
}

static err_t
principal_add(struct issuer *is, struct arena *a, const json *args, json *out)
{
	const char *name, *text, *password;
	const struct ca *ca;
	struct minted made;
	struct str csr;

	TRY(json_need_text(args, "name", LIMIT_TEXT, &name));
	TRY(json_want_text(args, "password", LIMIT_TEXT, &password));
	TRY(admin_principal_name(name));
	if (password != NULL)
		TRY(set_password(is, a, name, password, true));
	json_set_text(out, "name", name);
	if (password != NULL && json_get(args, "csr") == NULL)
		return OK;
	TRY(json_need_text(args, "csr", LIMIT_CSR_BYTES * 2, &text));
	TRY_CTX(admin_der(a, text, "CERTIFICATE REQUEST", LIMIT_CSR_BYTES, &csr), "csr");
	TRY(admin_principal(is, a, name, csr, 0, &made));
	TRY(hierarchy_by_role(issuer_hierarchy(is), CA_ROLE_ISSUING, &ca));
	admin_set_chain(is, a, out, "certificate", made.der, ca);
	return OK;
}

/* ---- listing and changing ---- */

struct list {
	struct arena *a;
	struct principal *v;
	struct principal **groups; /* of each */
	size_t n, *ngroups;
};

static err_t
list_tx(struct tx *tx, void *arg)
{
	struct list *l = arg;

	TRY(store_principal_list(tx, l->a, &l->v, &l->n));
	l->groups = arena_array(l->a, l->n + 1, sizeof(struct principal *));
	l->ngroups = arena_array(l->a, l->n + 1, sizeof(size_t));
	for (size_t i = 0; i < l->n; i++)
		TRY(store_principal_groups(tx, l->a, l->v[i].name, &l->groups[i], &l->ngroups[i]));
	return OK;
}

json *
admin_show_ca_rights(unsigned bits)
{
	json *rights = json_array_new();

	for (size_t i = 0; i < COUNT(ca_rights); i++) {
		if (bits & ca_rights[i].bit)
			json_add(rights, json_text_new(ca_rights[i].name));
	}
	return rights;
}

static json *
show_principal(struct arena *a, const struct principal *p)
{
	json *o = json_object_new();

	json_set_text(o, "name", p->name);
	json_set_text(o, "kind", p->is_group ? "group" : "principal");
	json_set_text(o, "sha256", text_hex(a, p->cert_sha256));
	json_set_bool(o, "password", p->password[0] != '\0');
	json_set(o, "rights", admin_show_ca_rights(p->ca_rights));
	json_set_bool(o, "enabled", p->enabled);
	json_set_when(a, o, "created", p->created);
	return o;
}

static err_t
principal_list(struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct list l = { .a = a };
	json *list = json_array_new();

	(void)args;
	json_set(out, "principals", list);
	TRY(store_read(is->store, list_tx, &l));
	for (size_t i = 0; i < l.n; i++) {
		json *row = show_principal(a, &l.v[i]), *groups = json_array_new();

		for (size_t k = 0; k < l.ngroups[i]; k++)
			json_add(groups, json_text_new(l.groups[i][k].name));
		json_set(row, "groups", groups);
		json_add(list, row);
	}
	return OK;
}

struct change {
	struct arena *a;
	const char *name;
	unsigned add, take;
	bool set_enabled, enabled;
	struct principal p;
};

static err_t
change_tx(struct tx *tx, void *arg)
{
	struct change *c = arg;
	err_t e = store_principal_get(tx, c->a, c->name, &c->p);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		FAIL(ERR_NOT_FOUND, "there is no principal %s", c->name);
	}
	TRY(e);
	c->p.ca_rights = (c->p.ca_rights | c->add) & ~c->take;
	if (c->set_enabled)
		c->p.enabled = c->enabled;
	TRY(store_principal_put(tx, &c->p));
	return store_journal_add(tx, "administrator", "principal-changed",
	    arena_printf(
		c->a, "name=%s rights=%u enabled=%d", c->p.name, c->p.ca_rights, c->p.enabled));
}

static err_t
change(struct issuer *is, struct change *c, json *out)
{
	TRY(store_write(is->store, change_tx, c));
	json_set(out, "principal", show_principal(c->a, &c->p));
	return OK;
}

static err_t
ca_grant(struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct change c = { .a = a };

	TRY(json_need_text(args, "principal", LIMIT_TEXT, &c.name));
	TRY(admin_rights(a, args, "rights", ca_rights, COUNT(ca_rights), &c.add));
	return change(is, &c, out);
}

static err_t
ca_withdraw(struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct change c = { .a = a };

	TRY(json_need_text(args, "principal", LIMIT_TEXT, &c.name));
	TRY(admin_rights(a, args, "rights", ca_rights, COUNT(ca_rights), &c.take));
	return change(is, &c, out);
}

static err_t
principal_enable(struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct change c = { .a = a, .set_enabled = true };
	const json *enabled = json_get(args, "enabled");

	TRY(json_need_text(args, "name", LIMIT_TEXT, &c.name));
	if (!json_is_bool(enabled))
		FAIL(ERR_BAD_REQUEST, "enabled is true or false");
	c.enabled = json_true(enabled);
	return change(is, &c, out);
}

const struct ca_verb admin_principal_verbs[] = {
	{ "principal.add", principal_add, ADMIN_ARGS("name", "csr", "password"),
	    "A principal and its client certificate, or password, or both; an earlier certificate of it is revoked." },
	{ "principal.passwd", principal_passwd, ADMIN_ARGS("name", "password"),
	    "Set the password of a principal; without one: remove it." },
	{ "principal.list", principal_list, ADMIN_NO_ARGS,
	    "The principals and groups with their own rights." },
	{ "principal.enable", principal_enable, ADMIN_ARGS("name", "enabled"),
	    "Disable a principal, or enable it again." },
	{ "ca.grant", ca_grant, ADMIN_ARGS("principal", "rights"),
	    "Let a principal, or the members of a group, do something at the CA: request, officer." },
	{ "ca.withdraw", ca_withdraw, ADMIN_ARGS("principal", "rights"),
	    "Take such a right back." },
	{ NULL, NULL, NULL, NULL },
};
