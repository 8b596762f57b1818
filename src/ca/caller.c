/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/caller.h"

#include "ca/known.h"
#include "ca/renewal.h"
#include "ca/signon.h"
#include "ca/state.h"
#include "codec/oid.h"

err_t
caller_certificate(const struct hierarchy *h, struct str der, uint8_t ret_sha256[32])
{
	auto_cert struct cert *c = NULL;
	const struct ca *by;
	when_t until;
	err_t e;

	hash_sha256(der, ret_sha256);
	if (known_is(h->known, ret_sha256, when_now()))
		return OK;
	TRY_CTX(cert_parse(der, &c), "certificate of the caller");
	e = hierarchy_verify(h, c, &by);
	if (err_is(e, ERR_CHAIN) || err_is(e, ERR_EXPIRED)) {
		err_forget(e);
		FAIL(ERR_CALLER_EXPIRED, "serial %s", cert_serial(c));
	}
	TRY(e);
	if (!cert_has_eku(c, OID_EKU_CLIENT_AUTH))
		FAIL(ERR_CALLER_EXPIRED, "serial %s is not for client authentication",
		    cert_serial(c));
	until = cert_not_after(c) < cert_not_after(by->cert) ? cert_not_after(c) :
							       cert_not_after(by->cert);
	known_put(h->known, cert_sha256(c), cert_not_before(c), until);
	memcpy(ret_sha256, cert_sha256(c), 32);
	return OK;
}

/* Enabled, and with what its groups may do at the CA. A group itself never asks. */
static err_t
admit(struct tx *tx, struct arena *a, struct caller *c)
{
	struct principal *groups;
	size_t n;

	if (c->who.is_group)
		FAIL(ERR_CALLER_UNKNOWN, "%s is a group", c->who.name);
	if (!c->who.enabled)
		FAIL(ERR_CALLER_DISABLED, "principal %s", c->who.name);
	TRY(store_principal_groups(tx, a, c->who.name, &groups, &n));
	for (size_t i = 0; i < n; i++)
		c->who.ca_rights |= groups[i].enabled ? groups[i].ca_rights : 0;
	return OK;
}

err_t
caller_principal(struct tx *tx, struct arena *a, const uint8_t sha256[32], struct caller *ret)
{
	struct str hash = str_of(sha256, 32);
	struct caller c = { 0 };
	struct issued row;
	err_t e;

	TRY(renewal_record(tx, a, sha256, &row));
	e = store_principal_by_cert(tx, a, hash, &c.who);
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		FAIL(ERR_CALLER_UNKNOWN, "serial %s of %s", row.serial, row.ca);
	}
	TRY(e);
	TRY(admit(tx, a, &c));
	memcpy(c.sha256, sha256, 32);
	*ret = c;
	return OK;
}

static bool
given(const char *s)
{
	return s != NULL && s[0] != '\0';
}

err_t
caller_prove(struct issuer *is, struct arena *a, const struct caller_claim *c, struct proof *ret)
{
	const struct hierarchy *h = issuer_hierarchy(is);
	struct proof p = { .renews = c->renews };

	if (given(c->user) || given(c->password)) {
		p.user = c->user == NULL ? "" : c->user;
		p.renews = false;
		TRY(signon_check(is->signon, is->store, a, p.user,
		    c->password == NULL ? "" : c->password, &p.password));
	} else if (c->certificate.n == 0) {
		FAIL(ERR_FORBIDDEN, "the caller showed neither a certificate nor a password");
	} else {
		TRY(caller_certificate(h, c->certificate, p.sha256));
	}
	*ret = p;
	return OK;
}

static err_t
by_password(struct tx *tx, struct arena *a, const struct proof *p, struct caller *ret)
{
	struct caller c = { 0 };
	err_t e = store_principal_get(tx, a, p->user, &c.who);

	if (!err_ok(e) && !err_is(e, ERR_NOT_FOUND))
		return e;
	if (!err_ok(e) || !str_eq_c(str_c(c.who.password), p->password)) {
		err_forget(e);
		FAIL(ERR_CREDENTIALS, "principal %s", p->user);
	}
	TRY(admit(tx, a, &c));
	*ret = c;
	return OK;
}

/* Somebody speaks for who asks. */
static err_t
by_name(struct tx *tx, struct arena *a, const struct proof *p, const char *name, struct caller *ret)
{
	struct caller c = { 0 };
	err_t e = store_principal_get(tx, a, name, &c.who);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		FAIL(ERR_CALLER_UNKNOWN, "there is no principal %s", name);
	}
	TRY(e);
	TRY(admit(tx, a, &c));
	memcpy(c.sha256, p->sha256, 32);
	*ret = c;
	return OK;
}

/* Of a certificate that was issued on somebody's request: that principal, if it is still there. */
static err_t
by_renewal(struct tx *tx, struct arena *a, const struct proof *p, struct caller *ret)
{
	struct issued row;

	TRY(renewal_record(tx, a, p->sha256, &row));
	return by_name(tx, a, p, row.requester, ret);
}

err_t
caller_records(struct tx *tx, struct arena *a, const struct proof *p, struct caller *ret)
{
	err_t e;

	if (p->user != NULL)
		return by_password(tx, a, p, ret);
	if (p->vouched != NULL)
		return by_name(tx, a, p, p->vouched, ret);
	e = caller_principal(tx, a, p->sha256, ret);
	if (!p->renews || !err_is(e, ERR_CALLER_UNKNOWN))
		return e;
	err_forget(e);
	return by_renewal(tx, a, p, ret);
}
