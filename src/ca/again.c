/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/again.h"

#include "ca/pending.h"
#include "ca/state.h"
#include "store/wait.h"

struct earlier {
	struct arena *a;
	const struct grant *g;
	int64_t id; /* 0: none */
	struct issued row;
};

static err_t
earlier_tx(struct tx *tx, void *arg)
{
	struct earlier *r = arg;

	TRY(store_wait_get(tx, r->g->requester, r->g->template.name, r->g->spki, &r->id));
	return r->id == 0 ? OK : store_issued_get(tx, r->a, r->id, &r->row);
}

/* Is it that request, or another one for the same key: for other names, or the renewal of what came of it? */
static bool
is_same(const struct earlier *r)
{
	return r->id != 0 && r->id > r->g->renewed && str_ieq_c(str_c(r->row.ca), r->g->ca->name) &&
	    str_eq_c(str_c(r->row.subject), r->g->subject_text) &&
	    str_eq_c(str_c(r->row.san), r->g->san_text);
}

err_t
again(struct issuer *is, struct arena *a, const struct ca_submit_req *q, const struct proof *who,
    const struct approval *ap, struct ca_submit_rep *ret)
{
	struct earlier r = { .a = a, .g = approval_grant(ap) };
	struct ca_submit_rep rep = { .fault = "" };

	if (r.g->ordered) /* the fence says which one it is */
		return pending_put(is, a, q, who, ap, NULL, ret);
	TRY(store_read(is->store, earlier_tx, &r));
	if (!is_same(&r))
		return pending_put(is, a, q, who, ap, &r.id, ret);
	rep.request_id = (uint64_t)r.id;
	switch (r.row.state) {
	case ISSUED_PENDING:
	case ISSUED_INTENT:
		rep.disposition = CA_PENDING;
		rep.message = "Taken Under Submission";
		break;
	case ISSUED_VALID:
		if (r.row.not_after <= when_now())
			return pending_put(is, a, q, who, ap, &r.id, ret);
		rep.disposition = CA_ISSUED;
		rep.message = "Issued";
		rep.leaf = r.row.cert;
		rep.chain = hierarchy_chain_of(a, issuer_hierarchy(is), r.g->ca, rep.leaf);
		break;
	case ISSUED_DENIED:
		FAIL(ERR_REQUEST_DENIED, "request %lld: %s", (long long)r.id, r.row.message);
	case ISSUED_REVOKED:
	case ISSUED_FAILED:
		return pending_put(is, a, q, who, ap, &r.id, ret);
	}
	*ret = rep;
	return OK;
}
