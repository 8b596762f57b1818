/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/policy.h"

#include "ca/order_match.h"
#include "codec/oid.h"
#include "pki/seal.h"

#define OID_COMMON_NAME "2.5.4.3"
#define ATTRIBUTE_TEMPLATE "CertificateTemplate"
#define ATTRIBUTE_ORDER "ChanceryOrder"

/* How far the clocks of those who check may be behind ours: certificates and orders are good that much earlier. */
enum { CLOCK_SKEW = 300 };

struct approval {
	struct grant g;
	struct csr csr;  /* owns the key, when there is one */
	struct key *key; /* or this reference does */
	uint8_t spki[32];
	bool from_outside; /* the gates are asked again */
	uint8_t caller[32];
};

void
approval_free(struct approval *ap)
{
	if (ap == NULL)
		return;
	csr_free(&ap->csr);
	key_free(ap->key);
	free(ap);
}

const struct grant *
approval_grant(const struct approval *ap)
{
	return &ap->g;
}

static struct approval *
approval_new(const struct ca *ca)
{
	struct approval *ap = calloc(1, sizeof(*ap));

	if (ap == NULL)
		abort();
	ap->g.ca = ca;
	ap->g.sid = "";
	ap->g.path_len = -1;
	return ap;
}

/* From five minutes ago for as long as the template says, within the life of the CA. */
static void
set_validity(struct grant *g, int64_t seconds)
{
	const struct cert *ca = g->ca->cert;
	when_t start = when_now() - CLOCK_SKEW, end;

	if (ca != NULL && start < cert_not_before(ca))
		start = cert_not_before(ca);
	end = start + seconds;
	if (ca != NULL && end > cert_not_after(ca))
		end = cert_not_after(ca);
	g->not_before = start;
	g->not_after = end;
}

static err_t
set_texts(struct arena *a, struct grant *g)
{
	struct san *sans = NULL;
	struct dn dn;
	size_t n = 0;

	TRY(dn_decode(a, g->subject, &dn));
	if (g->san.n > 0)
		TRY(san_decode(a, g->san, &sans, &n));
	g->subject_text = dn_print(a, &dn);
	g->san_text = san_print(a, sans, n);
	if (dn.n == 0 && n == 0)
		FAIL(ERR_REQUEST_SUBJECT, "%s", "");
	return OK;
}

/* ---- the gates ---- */

struct names {
	const char *v[1 + LIMIT_CA_ATTRIBUTES];
	size_t n;
};

/* Every place that may name the template: the attribute and the extension of the request. */
static void
gather_names(const struct ca_submit_req *q, const struct csr *csr, struct names *names)
{
	if (csr->template[0] != '\0')
		names->v[names->n++] = csr->template;
	for (size_t i = 0; i < q->nattributes && i < LIMIT_CA_ATTRIBUTES; i++) {
		if (str_ieq_c(str_c(q->attributes[i].name), ATTRIBUTE_TEMPLATE) &&
		    q->attributes[i].value[0] != '\0')
			names->v[names->n++] = q->attributes[i].value;
	}
}

static err_t
resolve_template(struct tx *tx, struct arena *a, const struct names *names, const struct ca *ca,
    struct template_row *ret)
{
	struct template_row first, t;

	if (names->n == 0)
		FAIL(ERR_TEMPLATE_NONE, "%s", "");
	for (size_t i = 0; i < names->n; i++) {
		err_t e = store_template_get(tx, a, names->v[i], &t);

		if (err_is(e, ERR_NOT_FOUND))
			FAIL(ERR_TEMPLATE_UNKNOWN, "%s on %s", names->v[i], ca->name);
		TRY(e);
		if (i == 0)
			first = t;
		if (!str_eq_c(str_c(first.name), t.name))
			FAIL(ERR_TEMPLATE_CONFLICT, "%s and %s", first.name, t.name);
	}
	if (!template_on(&first, ca->name))
		FAIL(ERR_TEMPLATE_UNKNOWN, "%s is not published on %s", first.name, ca->name);
	*ret = first;
	return OK;
}

static err_t
gate_rights(struct tx *tx, const struct caller *c, const struct ca *ca)
{
	(void)tx;
	if (!(c->who.ca_rights & CA_RIGHT_REQUEST))
		FAIL(ERR_CA_ENROL_DENIED, "principal %s on %s", c->who.name, ca->name);
	return OK;
}

static err_t
gate_enrol(struct tx *tx, const struct caller *c, const struct template_row *t)
{
	unsigned allow = 0, deny = 0;
	err_t e = store_template_right_get(tx, t->name, c->who.name, &allow, &deny);

	if (!err_ok(e) && !err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	if ((deny & TEMPLATE_ENROL) || !(allow & TEMPLATE_ENROL))
		FAIL(ERR_TEMPLATE_DENIED, "principal %s on template %s", c->who.name, t->name);
	return OK;
}

/* Is it a template that this issuer can do right by itself? */
static err_t
gate_kind(const struct template_row *t)
{
	if (t->flags & (TEMPLATE_IS_CA | TEMPLATE_CROSS_CA))
		FAIL(ERR_TEMPLATE_MANUAL, "template %s is of CA certificates", t->name);
	if (t->enrolment_flags & TEMPLATE_PEND_ALL)
		FAIL(ERR_TEMPLATE_MANUAL, "template %s waits for a manager's approval", t->name);
	return OK;
}

struct gates {
	struct arena *a;
	const struct ca *ca;
	const struct names *names;
	const uint8_t *sha256;
	struct caller caller;
	struct template_row template;
};

static err_t
gates_tx(struct tx *tx, void *arg)
{
	struct gates *g = arg;

	TRY(caller_principal(tx, g->a, g->sha256, &g->caller));
	TRY(gate_rights(tx, &g->caller, g->ca));
	TRY(resolve_template(tx, g->a, g->names, g->ca, &g->template));
	TRY(gate_enrol(tx, &g->caller, &g->template));
	return gate_kind(&g->template);
}

err_t
policy_still(struct tx *tx, struct arena *a, const struct approval *ap)
{
	struct names names = { .v = { ap->g.template.name }, .n = 1 };
	struct gates g = { .a = a, .ca = ap->g.ca, .names = &names, .sha256 = ap->caller };

	if (!ap->from_outside)
		return OK;
	TRY(gates_tx(tx, &g));
	if (g.template.major != ap->g.template.major || g.template.minor != ap->g.template.minor ||
	    g.template.order_required != ap->g.template.order_required)
		FAIL(ERR_BUSY, "template %s was changed meanwhile", g.template.name);
	return OK;
}

/* ---- the order ---- */

struct order_keys {
	struct arena *a;
	struct str *v;
	size_t n;
};

static err_t
order_keys_tx(struct tx *tx, void *arg)
{
	struct order_keys *k = arg;

	return store_order_keys(tx, k->a, &k->v, &k->n);
}

static err_t
open_sealed(struct arena *a, const struct order_keys *spkis, struct str sealed, struct order *ret)
{
	struct key **keys = arena_array(a, spkis->n + 1, sizeof(struct key *));
	err_t e = OK;
	size_t n;

	for (n = 0; n < spkis->n && err_ok(e); n++)
		e = key_from_spki(spkis->v[n], &keys[n]);
	if (err_ok(e))
		e = seal_open(a, (const struct key *const *)keys, n, sealed, ret);
	for (size_t i = 0; i < n; i++)
		key_free(keys[i]);
	return e;
}

err_t
policy_order_open(struct store *s, struct arena *a, enum order_kind kind, struct str sealed,
    const uint8_t caller_sha256[32], struct order *ret)
{
	struct order_keys keys = { .a = a };
	when_t now = when_now();
	struct order o;

	TRY(store_read(s, order_keys_tx, &keys));
	TRY(open_sealed(a, &keys, sealed, &o));
	if (o.kind != kind)
		FAIL(ERR_ORDER_CA, "it is not an order to %s",
		    kind == ORDER_ISSUE ? "issue" : "revoke");
	if (o.expires <= now)
		FAIL(ERR_ORDER_EXPIRED, "it expired at %s", when_text(a, o.expires));
	if (o.issued > now + CLOCK_SKEW)
		FAIL(ERR_ORDER_EXPIRED, "it was made at %s, which is yet to come",
		    when_text(a, o.issued));
	if (!str_eq(o.holder, str_of(caller_sha256, 32)))
		FAIL(ERR_ORDER_HOLDER, "caller %s, holder %s",
		    text_hex(a, str_of(caller_sha256, 32)), text_hex(a, o.holder));
	*ret = o;
	return OK;
}

static err_t
take_order(struct store *s, struct arena *a, const struct approval *from, struct str sealed,
    struct grant *g)
{
	const struct template_row *t = &g->template;
	struct order o;

	TRY(policy_order_open(s, a, ORDER_ISSUE, sealed, from->caller, &o));
	if (!str_ieq_c(str_c(o.ca), g->ca->name))
		FAIL(ERR_ORDER_CA, "it is for %s, and was sent to %s", o.ca, g->ca->name);
	if (!str_ieq_c(str_c(o.template), t->name) && !str_eq_c(str_c(o.template), t->oid))
		FAIL(ERR_ORDER_TEMPLATE, "it is for %s, and %s was requested", o.template, t->name);
	if (id_is_zero(o.id))
		FAIL(ERR_ORDER, "%s", "it has no request id");
	TRY(order_match(a, &o, &from->csr, t));
	g->subject = o.subject;
	g->san = o.san;
	g->sid = (t->enrolment_flags & TEMPLATE_NO_SECURITY_EXTENSION) ? "" : o.sid;
	g->ordered = true;
	g->order = o.id;
	g->slot = o.slot;
	g->device = o.device;
	g->user = o.user;
	g->profile = o.profile;
	g->fence = o.fence;
	return OK;
}

/* The requester names itself: taken apart and written anew, so that only what we understand is certified. */
static err_t
take_names(struct arena *a, const struct csr *csr, struct grant *g)
{
	struct dn dn;

	if (!(g->template.name_flags & TEMPLATE_SUPPLY_SUBJECT))
		FAIL(ERR_TEMPLATE_SUBJECT, "template %s", g->template.name);
	TRY(template_check(a, &g->template));
	TRY_CTX(dn_decode(a, csr->subject, &dn), "subject of the request");
	TRY(dn_encode(a, &dn, &g->subject));
	if (csr->san.n > 0) {
		struct san *sans;
		size_t n;

		TRY_CTX(san_decode(a, csr->san, &sans, &n), "alternative names of the request");
		TRY(san_encode(a, sans, n, &g->san));
	}
	return OK;
}

static const char *
attribute(const struct ca_submit_req *q, const char *name)
{
	for (size_t i = 0; i < q->nattributes; i++) {
		if (str_ieq_c(str_c(q->attributes[i].name), name))
			return q->attributes[i].value;
	}
	return "";
}

static err_t
set_names(struct store *s, struct arena *a, const struct ca_submit_req *q, struct approval *ap)
{
	const char *text = attribute(q, ATTRIBUTE_ORDER);
	struct str sealed;

	if (text[0] == '\0' && ap->g.template.order_required)
		FAIL(ERR_ORDER_MISSING, "template %s", ap->g.template.name);
	if (text[0] == '\0')
		return take_names(a, &ap->csr, &ap->g);
	TRY_CTX(text_unbase64(a, str_c(text), &sealed), "order");
	return take_order(s, a, ap, sealed, &ap->g);
}

err_t
policy_request(struct store *s, const struct hierarchy *h, struct arena *a,
    const struct ca_submit_req *q, struct approval **ret)
{
	auto_approval struct approval *ap = NULL;
	struct names names = { .n = 0 };
	struct gates g = { .a = a, .names = &names };

	TRY(hierarchy_find(h, q->ca, &g.ca));
	if (g.ca->role == CA_ROLE_ROOT)
		FAIL(ERR_TEMPLATE_UNKNOWN, "%s signs CAs only", g.ca->name);
	ap = approval_new(g.ca);
	ap->from_outside = true;
	TRY(caller_certificate(h, q->caller, ap->caller));
	g.sha256 = ap->caller;
	if (q->token.n > LIMIT_CSR_BYTES)
		FAIL(ERR_TOO_LARGE, "the request has %zu bytes", q->token.n);
	TRY(csr_parse(a, q->token, &ap->csr));
	gather_names(q, &ap->csr, &names);
	TRY(store_read(s, gates_tx, &g));
	ap->g.template = g.template;
	ap->g.requester = g.caller.who.name;
	ap->g.key = ap->csr.key;
	ap->g.spki = STR(ap->csr.spki_sha256);
	TRY(template_key(&g.template, ap->csr.key, &ap->g.key_usage));
	TRY(set_names(s, a, q, ap));
	TRY(set_texts(a, &ap->g));
	set_validity(&ap->g, g.template.validity);
	*ret = steal(ap);
	return OK;
}

/* ---- what the administrator states ---- */

struct want_template {
	struct arena *a;
	const char *name;
	struct template_row row;
};

static err_t
template_tx(struct tx *tx, void *arg)
{
	struct want_template *w = arg;
	err_t e = store_template_get(tx, w->a, w->name, &w->row);

	if (err_is(e, ERR_NOT_FOUND))
		FAIL(ERR_TEMPLATE_UNKNOWN, "%s", w->name);
	return e;
}

static err_t
encode_cn(struct arena *a, const char *cn, struct str *ret)
{
	struct dn_ava ava = { OID_COMMON_NAME, cn };
	struct dn_rdn rdn = { &ava, 1 };
	struct dn dn = { &rdn, 1 };

	return dn_encode(a, &dn, ret);
}

static err_t
admin_approval(struct store *s, const struct ca *ca, struct arena *a, const char *template,
    const char *common_name, struct approval **ret)
{
	struct want_template w = { .a = a, .name = template };
	auto_approval struct approval *ap = approval_new(ca);

	TRY(store_read(s, template_tx, &w));
	ap->g.template = w.row;
	ap->g.requester = "administrator";
	TRY(encode_cn(a, common_name, &ap->g.subject));
	*ret = steal(ap);
	return OK;
}

static err_t
take_key(struct arena *a, struct approval *ap, const struct key *k)
{
	struct str spki;

	TRY(key_spki(a, k, &spki));
	TRY(key_from_spki(spki, &ap->key));
	ap->g.key = ap->key;
	TRY(key_spki_sha256(k, ap->spki));
	ap->g.spki = STR(ap->spki);
	return OK;
}

err_t
policy_admin(struct store *s, const struct ca *ca, struct arena *a, const struct policy_admin *q,
    struct approval **ret)
{
	auto_approval struct approval *ap = NULL;

	TRY(admin_approval(s, ca, a, q->template, q->common_name, &ap));
	if (q->csr.n > 0) {
		TRY(csr_parse(a, q->csr, &ap->csr));
		ap->g.key = ap->csr.key;
		ap->g.spki = STR(ap->csr.spki_sha256);
	} else {
		TRY(take_key(a, ap, q->key));
	}
	TRY(template_key(&ap->g.template, ap->g.key, &ap->g.key_usage));
	if (q->nsans > 0)
		TRY(san_encode(a, q->sans, q->nsans, &ap->g.san));
	TRY(set_texts(a, &ap->g));
	set_validity(&ap->g, ap->g.template.validity);
	*ret = steal(ap);
	return OK;
}

err_t
policy_ca(struct store *s, const struct ca *signer, struct arena *a, const char *common_name,
    const struct key *key, const char *template, int years, int path_len, struct approval **ret)
{
	auto_approval struct approval *ap = NULL;

	TRY(admin_approval(s, signer, a, template, common_name, &ap));
	TRY(take_key(a, ap, key));
	TRY(set_texts(a, &ap->g));
	ap->g.key_usage = ap->g.template.key_usage;
	ap->g.is_ca = true;
	ap->g.path_len = path_len;
	set_validity(&ap->g, (int64_t)years * 365 * 86400);
	*ret = steal(ap);
	return OK;
}
