/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/lint.h"

#include "ca/template.h"
#include "codec/oid.h"

#define OID_ANY_EKU "2.5.29.37.0"
#define OID_SMARTCARD_LOGON "1.3.6.1.4.1.311.20.2.2"
#define OID_PKINIT_CLIENT "1.3.6.1.5.2.3.4"
#define OID_ENROLMENT_AGENT "1.3.6.1.4.1.311.20.2.1"

static bool
any_purpose(const struct template_row *t)
{
	return t->ekus[0] == '\0' || template_has_eku(t, OID_ANY_EKU);
}

/* Good for logging on somewhere? */
static bool
logon_capable(const struct template_row *t)
{
	return any_purpose(t) || template_has_eku(t, OID_EKU_CLIENT_AUTH) ||
	    template_has_eku(t, OID_SMARTCARD_LOGON) || template_has_eku(t, OID_PKINIT_CLIENT);
}

/* Does somebody other than the requester look at the request first? */
static bool
looked_at(const struct template_row *t)
{
	return t->order_required || (t->enrolment_flags & TEMPLATE_PEND_ALL) != 0;
}

static bool
supplied(const struct template_row *t)
{
	return (t->name_flags & TEMPLATE_SUPPLY_SUBJECT) != 0;
}

static bool
has_right(const struct lint_in *in, unsigned rights)
{
	for (size_t i = 0; i < in->nrights; i++) {
		if ((in->rights[i].allow & ~in->rights[i].deny & rights) == rights)
			return true;
	}
	return false;
}

static bool
esc1(const struct lint_in *in)
{
	return supplied(in->t) && logon_capable(in->t) && !looked_at(in->t);
}

static bool
esc2(const struct lint_in *in)
{
	return any_purpose(in->t);
}

static bool
esc3(const struct lint_in *in)
{
	return template_has_eku(in->t, OID_ENROLMENT_AGENT) && !looked_at(in->t) &&
	    has_right(in, TEMPLATE_ENROL);
}

static bool
esc4(const struct lint_in *in)
{
	return has_right(in, TEMPLATE_WRITE | TEMPLATE_ENROL);
}

static bool
esc9(const struct lint_in *in)
{
	return (in->t->enrolment_flags & TEMPLATE_NO_SECURITY_EXTENSION) != 0 &&
	    logon_capable(in->t);
}

static bool
esc15(const struct lint_in *in)
{
	return in->t->schema < 2 && supplied(in->t) && has_right(in, TEMPLATE_ENROL);
}

static bool
esc17(const struct lint_in *in)
{
	return supplied(in->t) && template_has_eku(in->t, OID_EKU_SERVER_AUTH) &&
	    !looked_at(in->t) && has_right(in, TEMPLATE_ENROL);
}

static bool
short_ca(const struct lint_in *in)
{
	return in->ca_left > 0 && in->t->validity > in->ca_left;
}

const struct lint_rule lint_rules[] = {
	{ "ESC2", LINT_REFUSE, ERR_TEMPLATE_EKUS, esc2,
	    "its certificates would be good for any purpose, logging on among them",
	    "name the purposes (ekus)" },
	{ "ESC1", LINT_REFUSE, ERR_TEMPLATE_ESC1, esc1,
	    "the requester names the subject, for logging on, and nobody looks at it: whoever enrols can be anybody",
	    "demand an order (order_required), or a manager's approval (manager_approval)" },
	{ "ESC3", LINT_REFUSE, ERR_TEMPLATE_LINT, esc3,
	    "its certificates let their holder enrol on behalf of others, and nobody looks at who gets one",
	    "demand a manager's approval (manager_approval)" },
	{ "ESC4", LINT_REFUSE, ERR_TEMPLATE_LINT, esc4,
	    "a principal that may enrol may also change the template, and so choose what it gets",
	    "take Write from the principal that enrols" },
	{ "ESC9", LINT_REFUSE, ERR_TEMPLATE_LINT, esc9,
	    "its certificates are for logging on and lack the security identifier, so they follow a name that can be given to somebody else",
	    "write the security identifier (sid_extension)" },
	{ "ESC15", LINT_WARN, ERR_TEMPLATE_LINT, esc15,
	    "it is of schema 1, where other CAs took application policies from the request; this one never does",
	    "duplicate it, and publish the copy instead" },
	{ "ESC17", LINT_WARN, ERR_TEMPLATE_LINT, esc17,
	    "whoever enrols can have a server certificate for any name",
	    "demand a manager's approval (manager_approval)" },
	{ "VALIDITY", LINT_WARN, ERR_TEMPLATE_LINT, short_ca,
	    "the CA ends before such a certificate would: it is cut to the CA's own end",
	    "renew the CA certificate, or shorten the validity (validity_days)" },
};
const size_t lint_nrules = COUNT(lint_rules);

static bool
overridden(const struct template_row *t, const struct lint_rule *r)
{
	struct str rest = str_c(t->overrides);

	while (rest.n > 0) {
		if (str_ieq_c(str_cut(&rest, ','), r->id))
			return true;
	}
	return false;
}

static bool
of_ca(const struct template_row *t)
{
	return (t->flags & (TEMPLATE_IS_CA | TEMPLATE_CROSS_CA)) != 0;
}

void
lint_all(struct arena *a, const struct lint_in *in, struct lint_found **ret, size_t *retn)
{
	struct lint_found *v = arena_array(a, lint_nrules, sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; i < lint_nrules && !of_ca(in->t); i++) {
		if (lint_rules[i].applies(in))
			v[n++] = (struct lint_found){ &lint_rules[i],
				overridden(in->t, &lint_rules[i]) };
	}
	*ret = v;
	*retn = n;
}

err_t
lint_save(const struct lint_in *in)
{
	if (of_ca(in->t))
		FAIL(ERR_TEMPLATE_MANUAL, "template %s is of CA certificates", in->t->name);
	for (size_t i = 0; i < lint_nrules; i++) {
		const struct lint_rule *r = &lint_rules[i];

		if (r->severity == LINT_REFUSE && r->applies(in) && !overridden(in->t, r))
			FAIL(r->code, "template %s, %s: %s; %s", in->t->name, r->id, r->reason,
			    r->change);
	}
	return OK;
}

err_t
lint_saved(struct tx *tx, struct arena *a, const struct template_row *t)
{
	struct lint_in in = { .t = t };
	struct template_right *rights;

	TRY(store_template_right_sums(tx, a, t->name, &rights, &in.nrights));
	in.rights = rights;
	return lint_save(&in);
}

err_t
lint_requester_names(const struct template_row *t)
{
	return lint_save(&(struct lint_in){ .t = t });
}

static err_t
find(const char *id, const struct lint_rule **ret)
{
	for (size_t i = 0; i < lint_nrules; i++) {
		if (lint_rules[i].severity == LINT_REFUSE &&
		    str_ieq_c(str_c(id), lint_rules[i].id)) {
			*ret = &lint_rules[i];
			return OK;
		}
	}
	FAIL(ERR_NOT_FOUND, "there is no rule %s that refuses", id);
}

err_t
lint_override(struct arena *a, struct template_row *t, const char *const *ids, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct lint_rule *r;

		TRY(find(ids[i], &r));
		if (!overridden(t, r))
			t->overrides = arena_printf(
			    a, "%s%s%s", t->overrides, t->overrides[0] != '\0' ? "," : "", r->id);
	}
	return OK;
}
