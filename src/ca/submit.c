/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/submit.h"

#include "ca/again.h"
#include "ca/mint.h"
#include "ca/pending.h"
#include "ca/setting.h"
#include "ca/state.h"
#include "pki/cms.h"

struct denial {
	struct arena *a;
	const struct ca_submit_req *q;
	const struct proof *who; /* NULL: the caller has shown nothing */
	const struct err_info *info;
	const char *message;
	struct issued row;
	uint64_t dropped; /* denials of this caller that were not written down before */
};

/* Is it the caller who must change something, so that asking again is of no use? The rows say so by HTTP status. */
static bool
is_refusal(const struct err_info *info)
{
	return info->http >= 400 && info->http < 500;
}

/* "Denied by Policy Module  0x80094800, ...": clients and scripts look for this form. */
static const char *
denial_text(struct arena *a, const struct err_info *info, const char *detail)
{
	return arena_printf(a, "Denied by Policy Module  0x%08x, %s%s%s (%s)", info->hresult,
	    info->text, detail[0] != '\0' ? ": " : "", detail, info->id);
}

static const char *
requester(struct tx *tx, struct denial *d)
{
	struct proof by_cert = { 0 };
	struct caller c;
	struct principal p;
	err_t e;

	if (d->who != NULL && d->who->user != NULL) {
		e = caller_records(tx, d->a, d->who, &c);
		p = c.who;
	} else {
		hash_sha256(d->q->caller, by_cert.sha256);
		e = store_principal_by_cert(tx, d->a, STR(by_cert.sha256), &p);
	}
	if (err_ok(e))
		return p.name;
	err_forget(e);
	return "";
}

/* Only what principals asked becomes a record: who is nobody cannot fill the database. The journal has all of it. */
static err_t
denied_tx(struct tx *tx, void *arg)
{
	struct denial *d = arg;
	const char *who = requester(tx, d), *ca = text_safe(d->a, str_c(d->q->ca));

	d->row = (struct issued){
		.ca = ca,
		.template = "",
		.requester = who,
		.state = ISSUED_DENIED,
		.serial = "",
		.subject = "",
		.san = "",
		.requested = when_now(),
		.resolved = when_now(),
		.hresult = d->info->hresult,
		.message = d->message,
	};
	if (who[0] != '\0')
		TRY(store_issued_insert(tx, &d->row));
	return store_journal_add(tx, who[0] != '\0' ? who : "unknown", "denied",
	    arena_printf(d->a, "request=%lld ca=%s fault=%s%s message=%s", (long long)d->row.id, ca,
		d->info->id,
		d->dropped == 0 ?
		    "" :
		    arena_printf(d->a, " unwritten_before=%llu", (unsigned long long)d->dropped),
		d->message));
}

static err_t
measure_tx(struct tx *tx, void *arg)
{
	return setting_get(tx, SETTING_DENIALS_PER_MINUTE, arg);
}

/* Each caller may fill the journal at a pace; all that showed nothing are one caller. */
static err_t
write_down(struct issuer *is, struct denial *d)
{
	uint8_t caller[32] = { 0 };
	int64_t measure;

	TRY(store_read(is->store, measure_tx, &measure));
	if (d->who != NULL && d->who->user != NULL)
		hash_sha256(str_c(d->who->user), caller);
	else if (d->who != NULL)
		memcpy(caller, d->who->sha256, sizeof(caller));
	if (!pace_take(is->pace, caller, when_now(), measure, &d->dropped))
		return OK;
	return store_write(is->store, denied_tx, d);
}

err_t
submit_deny(struct issuer *is, struct arena *a, const struct ca_submit_req *q,
    const struct proof *who, err_t why, struct ca_submit_rep *ret)
{
	struct denial d = { .a = a, .q = q, .who = who, .info = err_info(why.code) };
	struct err_report rep;

	if (!is_refusal(d.info))
		return why;
	err_take(why, &rep);
	d.message = denial_text(a, d.info, text_safe(a, str_c(rep.detail)));
	TRY(write_down(is, &d));
	*ret = (struct ca_submit_rep){
		.disposition = CA_DENIED,
		/* An answer that denies always has a code. */
		.hresult = d.info->hresult != 0 ? d.info->hresult : 0x80094014,
		.message = d.message,
		.fault = d.info->id,
		.request_id = (uint64_t)d.row.id,
	};
	return OK;
}

struct caller_claim
submit_claim(const struct ca_submit_req *q)
{
	return (struct caller_claim){ .certificate = q->caller,
		.user = q->user,
		.password = q->password,
		.renews = q->renews.n > 0 && str_eq(q->renews, q->caller) };
}

static err_t
issue(struct issuer *is, struct arena *a, const struct ca_submit_req *q, const struct proof *who,
    struct ca_submit_rep *ret)
{
	const struct hierarchy *h = issuer_hierarchy(is);
	auto_approval struct approval *ap = NULL;
	struct minted made;

	TRY(policy_request_by(is->store, h, a, q, who, &ap));
	if (approval_grant(ap)->pend)
		return q->again ? again(is, a, q, who, ap, ret) :
				  pending_put(is, a, q, who, ap, NULL, ret);
	TRY(mint(is, a, ap, NULL, NULL, &made));
	*ret = (struct ca_submit_rep){
		.disposition = CA_ISSUED,
		.message = "Issued",
		.request_id = (uint64_t)made.id,
		.leaf = made.der,
		.chain = hierarchy_chain_of(a, h, approval_grant(ap)->ca, made.der),
	};
	return OK;
}

/* MS-WSTEP 3.1.4.1.1: a renewal is the request signed with the key of the certificate that it renews. */
static err_t
unwrap(struct arena *a, struct ca_submit_req *q)
{
	if (q->token.n > LIMIT_CSR_BYTES || !cms_is(q->token))
		return OK;
	return cms_signed_open(a, q->token, &q->token, &q->renews);
}

err_t
submit(struct issuer *is, struct arena *a, const struct ca_submit_req *q, struct ca_submit_rep *ret)
{
	struct caller_claim claim = submit_claim(q);
	struct ca_submit_req open = *q;
	struct proof who;
	err_t e = caller_prove(is, a, &claim, &who);

	if (!err_ok(e))
		return submit_deny(is, a, q, NULL, e, ret);
	/* Only now: what nobody sent is not parsed here. */
	e = unwrap(a, &open);
	if (!err_ok(e))
		return submit_deny(is, a, q, &who, e, ret);
	who.renews = who.user == NULL && submit_claim(&open).renews;
	return submit_by(is, a, &open, &who, ret);
}

err_t
submit_by(struct issuer *is, struct arena *a, const struct ca_submit_req *q,
    const struct proof *who, struct ca_submit_rep *ret)
{
	err_t e = issue(is, a, q, who, ret);

	return err_ok(e) ? OK : submit_deny(is, a, q, who, e, ret);
}

struct query {
	struct arena *a;
	const struct ca_query_req *q;
	struct proof who;
	struct issued row;
};

static err_t
query_tx(struct tx *tx, void *arg)
{
	struct query *y = arg;
	struct caller c;
	err_t e;

	TRY(caller_records(tx, y->a, &y->who, &c));
	if (y->q->request_id > INT64_MAX)
		FAIL(ERR_REQUEST_UNKNOWN, "%s", "");
	e = store_issued_get(tx, y->a, (int64_t)y->q->request_id, &y->row);
	if (!err_ok(e) && !err_is(e, ERR_NOT_FOUND))
		return e;
	if (!err_ok(e) || !str_ieq_c(str_c(y->row.ca), y->q->ca) ||
	    (!str_ieq_c(str_c(y->row.requester), c.who.name) &&
		!(c.who.ca_rights & CA_RIGHT_OFFICER))) {
		err_forget(e);
		FAIL(ERR_REQUEST_UNKNOWN, "request %llu", (unsigned long long)y->q->request_id);
	}
	return OK;
}

err_t
submit_query(
    struct issuer *is, struct arena *a, const struct ca_query_req *q, struct ca_submit_rep *ret)
{
	const struct hierarchy *h = issuer_hierarchy(is);
	struct query y = { .a = a, .q = q };
	struct ca_submit_rep rep = { .request_id = q->request_id };
	struct caller_claim claim = { q->caller, q->user, q->password, false };
	const struct ca *ca;

	TRY(hierarchy_find(h, q->ca, &ca));
	TRY(caller_prove(is, a, &claim, &y.who));
	TRY(store_read(is->store, query_tx, &y));
	rep.message = y.row.message;
	switch (y.row.state) {
	case ISSUED_INTENT:
	case ISSUED_PENDING:
		rep.disposition = CA_PENDING;
		rep.message = "Taken Under Submission";
		break;
	case ISSUED_VALID:
		rep.disposition = CA_ISSUED;
		rep.leaf = y.row.cert;
		rep.chain = hierarchy_chain_of(a, h, ca, y.row.cert);
		break;
	case ISSUED_REVOKED:
	case ISSUED_DENIED:
	case ISSUED_FAILED:
		rep.disposition = CA_DENIED;
		rep.hresult = y.row.hresult != 0 ? y.row.hresult : 0x80094014;
		break;
	}
	*ret = rep;
	return OK;
}
