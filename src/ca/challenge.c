/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/challenge.h"

#include "base/secret.h"
#include "ca/lint.h"
#include "ca/state.h"
#include "ca/template.h"
#include "store/scep.h"

enum { CHALLENGE_BYTES = 16, CHALLENGE_TEXT = 2 * CHALLENGE_BYTES };

struct make {
	struct arena *a;
	const struct challenge_spec *spec;
	struct challenge row;
};

static err_t
get_template(
    struct tx *tx, struct arena *a, const struct challenge_spec *s, struct template_row *ret)
{
	err_t e = store_template_get(tx, a, s->template, ret);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		FAIL(ERR_TEMPLATE_UNKNOWN, "%s", s->template);
	}
	TRY(e);
	if (!template_on(ret, s->ca))
		FAIL(ERR_TEMPLATE_UNKNOWN, "%s is not published on %s", ret->name, s->ca);
	return OK;
}

/* The principal of challenges that name none is made with the first of them; rights on templates it gets by grant. */
static err_t
get_principal(struct tx *tx, struct arena *a, const char *name, struct principal *ret)
{
	err_t e = store_principal_get(tx, a, name, ret);

	if (err_ok(e) && ret->is_group)
		FAIL(ERR_PRINCIPAL_KIND, "%s is a group", ret->name);
	if (!err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	if (!str_ieq_c(str_c(name), CHALLENGE_PRINCIPAL))
		FAIL(ERR_NOT_FOUND, "there is no principal %s", name);
	*ret = (struct principal){ .name = CHALLENGE_PRINCIPAL,
		.password = "",
		.ca_rights = CA_RIGHT_REQUEST,
		.enabled = true,
		.created = when_now() };
	TRY(store_principal_put(tx, ret));
	return store_journal_add(tx, "administrator", "principal-changed",
	    arena_printf(a, "name=%s rights=%u enabled=1", ret->name, ret->ca_rights));
}

static err_t
principal_tx(struct tx *tx, void *arg)
{
	struct make *m = arg;
	struct principal p;

	return get_principal(tx, m->a, m->spec->principal, &p);
}

static err_t
make_tx(struct tx *tx, void *arg)
{
	struct make *m = arg;
	struct template_row t;
	unsigned allow;

	TRY(get_template(tx, m->a, m->spec, &t));
	TRY(store_template_rights_of(tx, t.name, m->spec->principal, &allow));
	if (!(allow & TEMPLATE_ENROL))
		FAIL(
		    ERR_TEMPLATE_DENIED, "principal %s on template %s", m->spec->principal, t.name);
	if (t.order_required)
		FAIL(ERR_ORDER_MISSING, "template %s", t.name);
	if (m->spec->subject.n == 0)
		TRY(lint_requester_names(&t));
	m->row.template = t.name;
	TRY(store_challenge_insert(tx, &m->row));
	return store_journal_add(tx, "administrator", "challenge-made",
	    arena_printf(m->a, "id=%s ca=%s template=%s principal=%s subject=%s",
		id_text(m->a, m->row.id), m->row.ca, t.name, m->row.principal,
		m->row.subject_text));
}

err_t
challenge_make(
    struct issuer *is, struct arena *a, const struct challenge_spec *s, struct challenge_made *ret)
{
	uint8_t random[CHALLENGE_BYTES], hash[32];
	struct make m = { .a = a, .spec = s };
	when_t now = when_now();
	const char *text;

	rand_bytes(random, sizeof(random));
	text = text_hex(a, STR(random));
	hash_sha256(str_c(text), hash);
	m.row = (struct challenge){ .id = id_new(),
		.sha256 = STR(hash),
		.ca = s->ca,
		.principal = s->principal,
		.subject = s->subject,
		.san = s->san,
		.subject_text = "",
		.created = now,
		.expires = now + s->valid };
	if (s->subject.n > 0) {
		struct dn dn;

		TRY(dn_decode(a, s->subject, &dn));
		m.row.subject_text = dn_print(a, &dn);
	}
	/* Apart from the rest, so that the principal is there to be granted what the rest finds missing. */
	TRY(store_write(is->store, principal_tx, &m));
	TRY(store_write(is->store, make_tx, &m));
	*ret = (struct challenge_made){ m.row.id, text, m.row.expires };
	return OK;
}

/* ---- use ---- */

struct look {
	struct arena *a;
	struct str hash, key_id;
	struct challenge row;
	struct deposit left;
	const char *service;
	bool found, deposited;
};

static err_t
look_tx(struct tx *tx, void *arg)
{
	struct look *l = arg;
	err_t e = l->key_id.n > 0 ? store_order_service(tx, l->a, l->key_id, &l->service) :
				    store_challenge_get(tx, l->a, l->hash, &l->row);

	l->found = err_ok(e);
	if (!err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	if (l->key_id.n > 0)
		return OK;
	e = store_deposit_get(tx, l->a, l->hash, &l->left);
	l->deposited = err_ok(e);
	if (!err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	return OK;
}

/* A service's order that a caller left here. Whether it still holds is the policy's to say. */
static err_t
use_deposit(
    struct arena *a, const struct deposit *d, const struct ca *ca, struct challenge_use *ret)
{
	struct sealed s;
	struct order o;

	if (!str_ieq_c(str_c(d->ca), ca->name))
		FAIL(ERR_CHALLENGE, "it is for %s, and was sent to %s", d->ca, ca->name);
	TRY(sealed_parse(d->sealed, &s));
	TRY(order_parse(a, s.body, &o));
	*ret = (struct challenge_use){ .vouched = d->principal,
		.template = o.template,
		.order = text_base64(a, d->sealed),
		.sha256 = arena_str(a, d->sha256),
		.id = o.id,
		.fence = o.fence,
		.expires = o.expires };
	return OK;
}

/* As people type it: blanks around, capitals. */
static const char *
typed(struct arena *a, const char *text)
{
	char *s = arena_cstr(a, str_trim(str_c(text)));

	for (char *p = s; *p != '\0'; p++)
		*p = (char)(*p >= 'A' && *p <= 'F' ? *p - 'A' + 'a' : *p);
	return s;
}

static err_t
find_ours(struct issuer *is, struct arena *a, const char *text, const struct ca *ca,
    struct challenge_use *ret)
{
	uint8_t hash[32];
	struct look l = { .a = a, .hash = STR(hash) };
	struct order *o = ARENA_NEW(a, struct order);

	hash_sha256(str_c(typed(a, text)), hash);
	TRY(store_read(is->store, look_tx, &l));
	if (l.deposited)
		return use_deposit(a, &l.left, ca, ret);
	if (!l.found)
		FAIL(ERR_CHALLENGE, "%s", "it is not known");
	if (l.row.expires <= when_now())
		FAIL(ERR_CHALLENGE, "it ended at %s", when_text(a, l.row.expires));
	if (!str_ieq_c(str_c(l.row.ca), ca->name))
		FAIL(ERR_CHALLENGE, "it is for %s, and was sent to %s", l.row.ca, ca->name);
	*o = (struct order){ .kind = ORDER_ISSUE,
		.id = l.row.id,
		.fence = 1,
		.issued = l.row.created,
		.expires = l.row.expires,
		.ca = l.row.ca,
		.template = l.row.template,
		.subject = l.row.subject,
		.san = l.row.san,
		.sid = "",
		.keep = "" };
	*ret = (struct challenge_use){ .vouched = l.row.principal,
		.template = l.row.template,
		.order = "",
		.stated = o,
		.id = o->id,
		.fence = o->fence,
		.expires = o->expires };
	return OK;
}

static err_t
find_order(struct issuer *is, struct arena *a, const char *text, struct challenge_use *ret)
{
	struct look l = { .a = a };
	struct sealed s;
	struct order o;
	struct str der;

	if (!err_ok(text_unbase64(a, str_c(text), &der)) || !err_ok(sealed_parse(der, &s)) ||
	    !err_ok(order_parse(a, s.body, &o)))
		FAIL(ERR_CHALLENGE, "%s", "it is neither one that was made here nor an order");
	l.key_id = s.key_id;
	TRY(store_read(is->store, look_tx, &l));
	if (!l.found)
		FAIL(ERR_ORDER_SIGNATURE, "no key with this id is admitted");
	*ret = (struct challenge_use){ .vouched = l.service,
		.template = arena_strdup(a, o.template),
		.order = text,
		.id = o.id,
		.fence = o.fence,
		.expires = o.expires };
	return OK;
}

err_t
challenge_find(struct issuer *is, struct arena *a, const char *text, const struct ca *ca,
    struct challenge_use *ret)
{
	struct str s = str_trim(str_c(text));

	if (s.n == 0)
		FAIL(ERR_CHALLENGE_MISSING, "%s", "");
	return s.n <= CHALLENGE_TEXT ? find_ours(is, a, text, ca, ret) :
				       find_order(is, a, text, ret);
}
