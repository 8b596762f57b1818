/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/policy.h"

#include "ca/attribute.h"
#include "ca/gates.h"
#include "ca/lint.h"
#include "ca/order_match.h"
#include "ca/renewal.h"
#include "ca/validity.h"
#include "codec/oid.h"
#include "pki/attest.h"
#include "pki/seal.h"
#include "store/policy.h"

#define OID_COMMON_NAME "2.5.4.3"
#define ATTRIBUTE_TEMPLATE "CertificateTemplate"

enum { CROSS_YEARS = 50 }; /* the ends of the two are nearer */

struct approval {
	struct grant g;
	struct csr csr;  /* owns the key, when there is one */
	struct key *key; /* or this reference does */
	uint8_t spki[32];
	bool from_outside; /* the gates are asked again */
	struct proof who;
	uint8_t renews[32]; /* the certificate that is renewed; zero: none */
	bool renewal;
	const struct gate_pass
	    *pass; /* holds the template and the requester; NULL: nobody asked from outside */
	struct policy_order order; /* that it rests on */
};

void
approval_free(struct approval *ap)
{
	if (ap == NULL)
		return;
	csr_free(&ap->csr);
	key_free(ap->key);
	gate_pass_free(ap->pass);
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
	ap->g.ignored = "";
	ap->g.path_len = -1;
	return ap;
}

/* What the CA and a request say about the validity, beside the template. */
struct bounds {
	int64_t limit; /* seconds; 0: none */
	bool heard;
	const struct ca_submit_req *q; /* NULL: no request from outside */
};

static err_t
set_validity(struct grant *g, int64_t seconds, const struct bounds *b)
{
	const struct cert *ca = g->ca->cert;
	struct validity_in in = { .now = when_now(),
		.skew = POLICY_CLOCK_SKEW,
		.period = seconds,
		.limit = b->limit,
		.heard = b->heard };
	int64_t wish = b->heard ? g->wish_days * 86400 : 0;

	if (wish > 0 && (in.limit == 0 || wish < in.limit))
		in.limit = wish;
	if (ca != NULL) {
		in.ca_from = cert_not_before(ca);
		in.ca_to = cert_not_after(ca);
	}
	if (b->q != NULL) {
		in.expiration_date = attribute_get(b->q, "ExpirationDate");
		in.period_word = attribute_get(b->q, "ValidityPeriod");
		in.period_units = attribute_get(b->q, "ValidityPeriodUnits");
	}
	return validity(&in, &g->not_before, &g->not_after);
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

/* Every place that may name the template: the attribute and the extension of the request. */
static void
gather_names(const struct ca_submit_req *q, const struct csr *csr, struct gate_names *names)
{
	if (csr->template[0] != '\0')
		names->v[names->n++] = csr->template;
	for (size_t i = 0; i < q->nattributes && i < LIMIT_CA_ATTRIBUTES; i++) {
		if (str_ieq_c(str_c(q->attributes[i].name), ATTRIBUTE_TEMPLATE) &&
		    q->attributes[i].value[0] != '\0')
			names->v[names->n++] = q->attributes[i].value;
	}
}

err_t
policy_still(struct tx *tx, struct arena *a, const struct approval *ap)
{
	struct gate_names names = { .v = { ap->g.template.name }, .n = 1 };
	struct gates g = { .a = a, .ca = ap->g.ca, .names = &names, .who = &ap->who };
	when_t asked = ap->who.asked != 0 ? ap->who.asked : when_now();
	int64_t now;

	g.ordered = ap->g.ordered;
	if (ap->renewal)
		g.renews = ap->renews;
	if (!ap->from_outside)
		return OK;
	TRY(store_gate_generation(tx, &now));
	if (now == ap->pass->generation && !ap->renewal)
		return policy_order_in_time(a, &ap->order, asked);
	TRY(gates_pass(tx, &g));
	if (g.template.major != ap->g.template.major || g.template.minor != ap->g.template.minor ||
	    g.template.order_required != ap->g.template.order_required)
		FAIL(ERR_BUSY, "template %s was changed meanwhile", g.template.name);
	return policy_order_still(tx, a, &ap->order, asked);
}

/* ---- the order ---- */

/* Where the order says who makes the key, that one must have said so of this key, this order and this device. */
static err_t
check_maker(struct arena *a, const struct order *o, struct str sealed, const struct csr *csr)
{
	uint8_t order[32];

	if (o->maker.n == 0)
		return OK;
	hash_sha256(sealed, order);
	return attest_check(a, o->maker,
	    &(struct attest){
		.order = STR(order), .spki = STR(csr->spki_sha256), .recipient = o->recipient },
	    csr->attest);
}

static err_t
take_order(
    struct store *s, struct arena *a, struct approval *from, struct str sealed, struct grant *g)
{
	const struct template_row *t = &g->template;
	uint8_t named[32];
	struct policy_shown by = { .holder = STR(from->who.sha256),
		.challenge = from->who.challenge,
		.at = from->who.asked };
	struct order o;

	if (from->who.vouched != NULL) {
		by.holder = STR_EMPTY;
	} else if (from->who.user != NULL) {
		TRY(seal_holder(from->who.user, named));
		by.holder = STR(named);
	}
	TRY(policy_order_open(s, a, ORDER_ISSUE, sealed, &by, &o));
	policy_order_note(sealed, &o, &from->order);
	if (!str_ieq_c(str_c(o.ca), g->ca->name))
		FAIL(ERR_ORDER_CA, "it is for %s, and was sent to %s", o.ca, g->ca->name);
	if (!str_ieq_c(str_c(o.template), t->name) && !str_eq_c(str_c(o.template), t->oid))
		FAIL(ERR_ORDER_TEMPLATE, "it is for %s, and %s was requested", o.template, t->name);
	if (id_is_zero(o.id))
		FAIL(ERR_ORDER, "%s", "it has no request id");
	TRY(order_match(a, &o, &from->csr, t));
	TRY(check_maker(a, &o, sealed, &from->csr));
	g->subject = o.subject;
	g->san = o.san;
	g->sid = (t->enrolment_flags & TEMPLATE_NO_SECURITY_EXTENSION) ? "" : o.sid;
	g->wish_days = o.validity_days;
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
take_names(struct arena *a, const struct csr *csr, const struct issued *renewed, struct grant *g)
{
	struct dn dn;

	if (!(g->template.name_flags & TEMPLATE_SUPPLY_SUBJECT))
		FAIL(ERR_TEMPLATE_SUBJECT, "template %s", g->template.name);
	/* What is renewed was named by somebody who may. */
	if (renewed == NULL)
		TRY(lint_requester_names(&g->template));
	TRY_CTX(dn_decode(a, csr->subject, &dn), "subject of the request");
	TRY(dn_encode(a, &dn, &g->subject));
	if (csr->san.n > 0) {
		struct san *sans;
		size_t n;

		TRY_CTX(san_decode(a, csr->san, &sans, &n), "alternative names of the request");
		TRY(san_encode(a, sans, n, &g->san));
	}
	return renewed == NULL ? OK : renewal_inherit(a, renewed, g);
}

/* The administrator gave a challenge, for one certificate, and may have said what it names. */
static err_t
take_challenge(struct arena *a, const struct approval *from, struct grant *g)
{
	const struct order *o = from->who.stated;

	if (o->subject.n > 0) {
		TRY(order_match(a, o, &from->csr, &g->template));
		g->subject = o->subject;
		g->san = o->san;
	} else {
		TRY(take_names(a, &from->csr, NULL, g));
	}
	g->ordered = true;
	g->order = o->id;
	g->fence = o->fence;
	return OK;
}

static err_t
set_names(struct store *s, struct arena *a, const struct ca_submit_req *q,
    const struct issued *renewed, struct approval *ap)
{
	const char *text = attribute_get(q, ATTRIBUTE_ORDER);
	struct str sealed;

	if (text[0] == '\0' && ap->g.template.order_required)
		FAIL(ERR_ORDER_MISSING, "template %s", ap->g.template.name);
	if (text[0] == '\0' && ap->who.stated != NULL)
		return take_challenge(a, ap, &ap->g);
	if (text[0] == '\0')
		return take_names(a, &ap->csr, renewed, &ap->g);
	TRY_CTX(text_unbase64(a, str_c(text), &sealed), "order");
	return take_order(s, a, ap, sealed, &ap->g);
}

/* ---- a request that leaves the CA open, or renews ---- */

struct wanted {
	struct arena *a;
	const uint8_t *renews;
	const char *template;
	struct issued renewed;
	struct template_row row;
};

static err_t
wanted_tx(struct tx *tx, void *arg)
{
	struct wanted *w = arg;
	err_t e;

	if (w->renews != NULL) {
		TRY(renewal_record(tx, w->a, w->renews, &w->renewed));
		w->template = w->renewed.template;
	}
	if (w->template == NULL)
		FAIL(ERR_TEMPLATE_NONE, "%s", "");
	e = store_template_get(tx, w->a, w->template, &w->row);
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		FAIL(ERR_TEMPLATE_UNKNOWN, "%s", w->template);
	}
	return e;
}

/* The CA that was named; else the one of the certificate that is renewed; else the first that issues the template. */
static err_t
choose_ca(
    const struct hierarchy *h, const char *named, const struct wanted *w, const struct ca **ret)
{
	if (named[0] != '\0')
		return hierarchy_find(h, named, ret);
	if (w->renews != NULL)
		return hierarchy_find(h, w->renewed.ca, ret);
	for (size_t i = 0; i < h->n; i++) {
		if (h->v[i].role != CA_ROLE_ROOT && template_on(&w->row, h->v[i].name)) {
			*ret = &h->v[i];
			return OK;
		}
	}
	FAIL(ERR_TEMPLATE_UNKNOWN, "%s is published on no CA", w->row.name);
}

/* Fills in what the request leaves open: its CA, and the template of what it renews. */
static err_t
complete(struct store *s, const struct hierarchy *h, struct arena *a, const struct ca_submit_req *q,
    struct approval *ap, struct gate_names *names, const struct ca **ret)
{
	struct wanted w = { .a = a, .template = names->n > 0 ? names->v[0] : NULL };

	if (q->renews.n > 0) {
		TRY(renewal_certificate(h, q->renews, ap->renews));
		TRY(renewal_names(a, q->renews, &ap->csr));
		ap->renewal = true;
		w.renews = ap->renews;
	}
	if (ap->renewal || q->ca[0] == '\0')
		TRY(store_read(s, wanted_tx, &w));
	if (ap->renewal)
		names->v[names->n++] = w.row.name;
	return choose_ca(h, q->ca, &w, ret);
}

static err_t
gates_tx(struct tx *tx, void *arg)
{
	return gates_pass(tx, arg);
}

err_t
policy_gates(struct store *s, const struct hierarchy *h, struct arena *a,
    const struct ca_submit_req *q, const struct csr *csr, const struct proof *who,
    struct template_row *ret)
{
	struct gate_names names = { .n = 0 };
	struct gates g = { .a = a, .names = &names, .who = who };
	struct wanted w = { .a = a };

	gather_names(q, csr, &names);
	w.template = names.n > 0 ? names.v[0] : NULL;
	if (q->ca[0] == '\0')
		TRY(store_read(s, wanted_tx, &w));
	TRY(choose_ca(h, q->ca, &w, &g.ca));
	TRY(store_read(s, gates_tx, &g));
	*ret = g.template;
	return OK;
}

err_t
policy_request_by(struct store *s, const struct hierarchy *h, struct arena *a,
    const struct ca_submit_req *q, const struct proof *who, struct approval **ret)
{
	auto_approval struct approval *ap = approval_new(NULL);
	struct gate_names names = { .n = 0 };
	struct gates asks = { .names = &names, .who = who };
	const struct gates *g;

	ap->from_outside = true;
	ap->who = *who;
	if (q->token.n > LIMIT_CSR_BYTES)
		FAIL(ERR_TOO_LARGE, "the request has %zu bytes", q->token.n);
	TRY(who->sha1 ? csr_parse_sha1(a, q->token, &ap->csr) : csr_parse(a, q->token, &ap->csr));
	gather_names(q, &ap->csr, &names);
	TRY(complete(s, h, a, q, ap, &names, &asks.ca));
	if (ap->renewal)
		asks.renews = ap->renews;
	ap->g.ca = asks.ca;
	if (asks.ca->role == CA_ROLE_ROOT)
		FAIL(ERR_TEMPLATE_UNKNOWN, "%s signs CAs only", asks.ca->name);
	asks.ordered = attribute_get(q, ATTRIBUTE_ORDER)[0] != '\0';
	TRY(gates_ask(s, h->gates, &asks, &ap->pass));
	g = &ap->pass->found;
	ap->g.template = g->template;
	ap->g.requester = g->caller.who.name;
	ap->g.key = ap->csr.key;
	ap->g.spki = STR(ap->csr.spki_sha256);
	TRY(template_key(&g->template, ap->csr.key, &ap->g.key_usage));
	ap->g.renewed = g->renewed.id;
	TRY(set_names(s, a, q, ap->renewal ? &g->renewed : NULL, ap));
	TRY(set_texts(a, &ap->g));
	TRY(set_validity(&ap->g, g->template.validity,
	    &(struct bounds){ g->max_days * 86400, g->heard != 0, q }));
	if (g->template.enrolment_flags & TEMPLATE_PEND_ALL)
		TRY(policy_order_approved(s, a, &ap->g, &ap->g.approved));
	ap->g.pend = (g->template.enrolment_flags & TEMPLATE_PEND_ALL) != 0 && who->asked == 0 &&
	    ap->g.approved == 0 &&
	    !(ap->renewal && (g->template.enrolment_flags & TEMPLATE_PREVIOUS_APPROVAL));
	ap->g.ignored = attribute_ignored(a, q);
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
	ap->g.key_usage |= q->more_usage;
	if (q->nsans > 0)
		TRY(san_encode(a, q->sans, q->nsans, &ap->g.san));
	TRY(set_texts(a, &ap->g));
	TRY(set_validity(&ap->g, ap->g.template.validity, &(struct bounds){ 0 }));
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
	TRY(set_validity(&ap->g, (int64_t)years * 365 * 86400, &(struct bounds){ 0 }));
	*ret = steal(ap);
	return OK;
}

err_t
policy_cross(struct store *s, const struct ca *signer, struct arena *a, const struct ca *of,
    struct approval **ret)
{
	auto_approval struct approval *ap = NULL;

	TRY(policy_ca(s, signer, a, of->name, of->key, TEMPLATE_SUB_CA, CROSS_YEARS, -1, &ap));
	if (ap->g.not_after > cert_not_after(of->cert))
		ap->g.not_after = cert_not_after(of->cert);
	*ret = steal(ap);
	return OK;
}

void
policy_ca_says(struct approval *ap, const struct issue_ext *more, size_t n)
{
	ap->g.more = more;
	ap->g.nmore = n;
}

err_t
policy_subordinate(struct store *s, const struct ca *signer, struct arena *a, struct str csr,
    int years, int path_len, struct approval **ret)
{
	auto_approval struct approval *ap = NULL;
	struct dn dn;

	TRY(admin_approval(s, signer, a, TEMPLATE_SUB_CA, signer->name, &ap));
	TRY(csr_parse(a, csr, &ap->csr));
	TRY_CTX(dn_decode(a, ap->csr.subject, &dn), "subject of the request");
	if (dn.n == 0 || str_eq(ap->csr.subject, cert_subject_der(signer->cert)))
		FAIL(ERR_REQUEST_SUBJECT, "a CA needs a name of its own");
	TRY(dn_encode(a, &dn, &ap->g.subject));
	ap->g.key = ap->csr.key;
	ap->g.spki = STR(ap->csr.spki_sha256);
	TRY(template_key(&ap->g.template, ap->g.key, &ap->g.key_usage));
	TRY(set_texts(a, &ap->g));
	ap->g.key_usage = ap->g.template.key_usage;
	ap->g.is_ca = true;
	ap->g.path_len = path_len;
	TRY(set_validity(&ap->g, (int64_t)years * 365 * 86400, &(struct bounds){ 0 }));
	*ret = steal(ap);
	return OK;
}
