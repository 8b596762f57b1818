/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/policies.h"

#include "ca/caller.h"
#include "ca/state.h"
#include "ca/template.h"
#include "codec/der.h"
#include "codec/oid.h"
#include "store/policy.h"

#define OID_KEY_USAGE "2.5.29.15"
#define OID_EKU "2.5.29.37"

struct look {
	struct arena *a;
	const struct hierarchy *h;
	struct proof who;
	struct caller caller;
	struct policies_rep rep;
};

/* ---- the extensions that a template writes ---- */

static err_t
usage_ext(struct arena *a, uint8_t usage, struct policy_ext *ret)
{
	uint8_t bits[2] = { 0, usage };
	auto_buf struct buf b;

	while (bits[0] < 7 && !(usage >> bits[0] & 1))
		bits[0]++;
	buf_init(&b, LIMIT_TEXT);
	TRY(der_put(&b, DER_BITSTRING, STR(bits)));
	*ret = (struct policy_ext){ OID_KEY_USAGE, true, arena_str(a, buf_str(&b)) };
	return OK;
}

static err_t
eku_ext(struct arena *a, const char *const *ekus, size_t n, struct policy_ext *ret)
{
	auto_buf struct buf list, b;
	struct str content;

	buf_init(&list, LIMIT_LONG_TEXT);
	buf_init(&b, LIMIT_LONG_TEXT);
	for (size_t i = 0; i < n; i++) {
		TRY(oid_content(a, ekus[i], &content));
		TRY(der_put(&list, DER_OID, content));
	}
	TRY(der_put(&b, DER_SEQUENCE, buf_str(&list)));
	*ret = (struct policy_ext){ OID_EKU, false, arena_str(a, buf_str(&b)) };
	return OK;
}

static err_t
set_exts(struct arena *a, const struct template_row *t, struct policy_template *ret)
{
	const char *const *ekus;
	struct issue_ext *more;
	size_t nekus, nmore;

	TRY(template_extensions(a, t, &more, &nmore));
	TRY(template_ekus(a, t, &ekus, &nekus));
	ret->exts = arena_array(a, nmore + 2, sizeof(*ret->exts));
	for (size_t i = 0; i < nmore; i++)
		ret->exts[ret->nexts++] =
		    (struct policy_ext){ more[i].oid, more[i].critical, more[i].value };
	if (t->key_usage != 0)
		TRY(usage_ext(a, t->key_usage, &ret->exts[ret->nexts++]));
	if (nekus > 0)
		TRY(eku_ext(a, ekus, nekus, &ret->exts[ret->nexts++]));
	return OK;
}

/* ---- templates and CAs ---- */

static uint64_t
cas_of(const struct look *l, const struct template_row *t)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < l->rep.ncas; i++) {
		if (template_on(t, l->rep.cas[i].name))
			bits |= (uint64_t)1 << i;
	}
	return bits;
}

static err_t
add_template(struct tx *tx, struct look *l, const struct template_row *t)
{
	struct policy_template *p = &l->rep.v[l->rep.n];
	uint64_t cas = cas_of(l, t);
	unsigned allow;

	if (cas == 0 || (t->flags & (TEMPLATE_IS_CA | TEMPLATE_CROSS_CA)))
		return OK;
	TRY(store_template_rights_of(tx, t->name, l->caller.who.name, &allow));
	if (!(allow & TEMPLATE_READ))
		return OK;
	if (l->rep.n == LIMIT_POLICIES)
		FAIL(ERR_TOO_LARGE, "more than %u templates", LIMIT_POLICIES);
	*p = (struct policy_template){
		.name = t->name,
		.display_name = t->display_name,
		.oid = t->oid,
		.schema = (uint32_t)t->schema,
		.major = (uint32_t)t->major,
		.minor = (uint32_t)t->minor,
		.flags = t->flags,
		.name_flags = t->name_flags,
		.enrolment_flags = t->enrolment_flags,
		.private_key_flags = t->private_key_flags,
		.min_key_bits = (uint32_t)t->min_key_bits,
		.rsa = template_takes(t, KEY_RSA, (unsigned)t->min_key_bits),
		.p256 = template_takes(t, KEY_EC, KEY_P256),
		.p384 = template_takes(t, KEY_EC, KEY_P384),
		.validity = t->validity,
		.overlap = t->overlap,
		.enrol = (allow & TEMPLATE_ENROL) != 0,
		.autoenrol = (allow & TEMPLATE_AUTOENROL) != 0,
		.cas = cas,
	};
	TRY(set_exts(l->a, t, p));
	l->rep.n++;
	return OK;
}

static void
add_cas(struct look *l)
{
	bool may = (l->caller.who.ca_rights & CA_RIGHT_REQUEST) != 0;

	l->rep.cas = arena_array(l->a, l->h->n + 1, sizeof(*l->rep.cas));
	for (size_t i = 0; i < l->h->n; i++) {
		const struct ca *ca = &l->h->v[i];

		if (ca->role != CA_ROLE_ROOT)
			l->rep.cas[l->rep.ncas++] =
			    (struct policy_ca){ ca->name, cert_der(ca->cert), may };
	}
}

static err_t
look_tx(struct tx *tx, void *arg)
{
	struct look *l = arg;
	struct policy_state state;
	struct template_row *v;
	size_t n;

	TRY(caller_records(tx, l->a, &l->who, &l->caller));
	TRY(store_policy_state(tx, &state));
	l->rep.id = state.id;
	l->rep.changed = state.changed;
	add_cas(l);
	TRY(store_template_list(tx, l->a, &v, &n));
	l->rep.v = arena_array(l->a, LIMIT_POLICIES + 1, sizeof(*l->rep.v));
	for (size_t i = 0; i < n; i++)
		TRY(add_template(tx, l, &v[i]));
	return OK;
}

static const char *
root_name(const struct hierarchy *h)
{
	for (size_t i = 0; i < h->n; i++) {
		if (h->v[i].role == CA_ROLE_ROOT)
			return h->v[i].name;
	}
	return "Chancery";
}

err_t
policies_of(
    struct issuer *is, struct arena *a, const struct policies_req *q, struct policies_rep *ret)
{
	struct caller_claim claim = { q->caller, q->user, q->password, false };
	struct look l = { .a = a, .h = issuer_hierarchy(is) };

	if (l.h->n == 0)
		FAIL(ERR_CA_NONE, "%s", "");
	TRY(caller_prove(is, a, &claim, &l.who));
	TRY(store_read(is->store, look_tx, &l));
	l.rep.name = root_name(l.h);
	*ret = l.rep;
	return OK;
}
