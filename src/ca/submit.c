/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/submit.h"

#include "ca/mint.h"
#include "ca/state.h"

struct denial {
	struct arena *a;
	const struct ca_submit_req *q;
	const struct err_info *info;
	const char *message;
	struct issued row;
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
	struct principal p;
	uint8_t sha256[32];
	err_t e;

	hash_sha256(d->q->caller, sha256);
	e = store_principal_by_cert(tx, d->a, STR(sha256), &p);
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
	    arena_printf(d->a, "request=%lld ca=%s fault=%s message=%s", (long long)d->row.id, ca,
		d->info->id, d->message));
}

static err_t
deny(struct issuer *is, struct arena *a, const struct ca_submit_req *q, err_t why,
    struct ca_submit_rep *ret)
{
	struct denial d = { .a = a, .q = q, .info = err_info(why.code) };
	struct err_report rep;

	if (!is_refusal(d.info))
		return why;
	err_take(why, &rep);
	d.message = denial_text(a, d.info, text_safe(a, str_c(rep.detail)));
	TRY(store_write(is->store, denied_tx, &d));
	*ret = (struct ca_submit_rep){
		.disposition = CA_DENIED,
		/* An answer that denies always has a code. */
		.hresult = d.info->hresult != 0 ? d.info->hresult : 0x80094014,
		.message = d.message,
		.request_id = (uint64_t)d.row.id,
	};
	return OK;
}

static err_t
issue(struct issuer *is, struct arena *a, const struct ca_submit_req *q, struct ca_submit_rep *ret)
{
	const struct hierarchy *h = issuer_hierarchy(is);
	auto_approval struct approval *ap = NULL;
	struct minted made;

	TRY(policy_request(is->store, h, a, q, &ap));
	TRY(mint(is, a, ap, NULL, NULL, &made));
	*ret = (struct ca_submit_rep){
		.disposition = CA_ISSUED,
		.message = "Issued",
		.request_id = (uint64_t)made.id,
		.leaf = made.der,
		.chain = hierarchy_chain(a, h, approval_grant(ap)->ca),
	};
	return OK;
}

err_t
submit(struct issuer *is, struct arena *a, const struct ca_submit_req *q, struct ca_submit_rep *ret)
{
	err_t e = issue(is, a, q, ret);

	if (err_ok(e))
		return OK;
	return deny(is, a, q, e, ret);
}

struct query {
	struct arena *a;
	const struct ca_query_req *q;
	const uint8_t *sha256;
	struct issued row;
};

static err_t
query_tx(struct tx *tx, void *arg)
{
	struct query *y = arg;
	struct caller c;
	err_t e;

	TRY(caller_principal(tx, y->a, y->sha256, &c));
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
	const struct ca *ca;
	uint8_t sha256[32];

	TRY(hierarchy_find(h, q->ca, &ca));
	TRY(caller_certificate(h, q->caller, sha256));
	y.sha256 = sha256;
	TRY(store_read(is->store, query_tx, &y));
	rep.message = y.row.message;
	switch (y.row.state) {
	case ISSUED_INTENT:
		rep.disposition = CA_PENDING;
		rep.message = "Taken Under Submission";
		break;
	case ISSUED_VALID:
		rep.disposition = CA_ISSUED;
		rep.leaf = y.row.cert;
		rep.chain = hierarchy_chain(a, h, ca);
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
