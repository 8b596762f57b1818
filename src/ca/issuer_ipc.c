/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The front's messages: parse, do, encode. One row a message.
 */
#include "ca/issuer.h"

#include "base/secret.h"
#include "ca/crl.h"
#include "ca/deposit.h"
#include "ca/keygen.h"
#include "ca/ocsp.h"
#include "ca/policies.h"
#include "ca/revoke.h"
#include "ca/state.h"
#include "ca/submit.h"
#include "ca/scep.h"
#include "codec/ca_ipc.h"
#include "codec/ca_scep_ipc.h"

static err_t
on_submit(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct ca_submit_req q;
	struct ca_submit_rep rep;

	TRY(ca_submit_req_parse(a, in, &q));
	TRY(submit(ctx, a, &q, &rep));
	return ca_submit_rep_encode(&rep, out);
}

static err_t
on_policies(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct policies_req q;
	struct policies_rep rep;

	TRY(policies_req_parse(a, in, &q));
	TRY(policies_of(ctx, a, &q, &rep));
	return policies_rep_encode(&rep, out);
}

static err_t
on_keygen(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct ca_submit_req q;
	struct ca_keygen_rep rep;
	err_t e;

	TRY(ca_submit_req_parse(a, in, &q));
	TRY(keygen(ctx, a, &q, &rep));
	e = ca_keygen_rep_encode(&rep, out);
	if (rep.key.n > 0)
		secret_wipe((void *)(uintptr_t)rep.key.p, rep.key.n);
	return e;
}

static err_t
on_query(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct ca_query_req q;
	struct ca_submit_rep rep;

	TRY(ca_query_req_parse(a, in, &q));
	TRY(submit_query(ctx, a, &q, &rep));
	return ca_submit_rep_encode(&rep, out);
}

static err_t
on_revoke(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct ca_revoke_req q;
	struct ca_revoke_rep rep;

	TRY(ca_revoke_req_parse(a, in, &q));
	TRY(revoke_by_order(ctx, a, q.caller, q.order, &rep.count));
	return ca_revoke_rep_encode(&rep, out);
}

static err_t
on_revoked(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct ca_revoked_req q;
	struct ca_revoked_rep rep;

	TRY(ca_revoked_req_parse(a, in, &q));
	TRY(revoked_since(ctx, a, &q, &rep));
	return ca_revoked_rep_encode(&rep, out);
}

/* One piece; whoever fetches begins anew when a newer list came in between. */
static err_t
on_crl(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct crl_part_req q;
	struct crl_part_rep rep;
	struct crl_row row;
	struct crl_which w;

	TRY(crl_part_req_parse(a, in, &q));
	w = (struct crl_which){ .shard = q.shard, .delta = q.delta };
	TRY(hierarchy_of_file(issuer_hierarchy(ctx), q.ca, &w.ca));
	TRY(crl_head(ctx, a, &w, &row));
	if (q.offset > 0 || q.number != row.number)
		TRY(crl_get(ctx, a, &w, &row));
	if (row.der.n > UINT32_MAX || q.offset > row.der.n)
		FAIL(ERR_TOO_LARGE, "piece at %u of %zu bytes", q.offset, row.der.n);
	if (q.offset > 0 && q.number != row.number)
		FAIL(ERR_BUSY, "a newer CRL of %s was made meanwhile", w.ca->name);
	rep = (struct crl_part_rep){ .number = row.number,
		.this_update = row.this_update,
		.next_update = row.next_update,
		.total = (uint32_t)row.der.n };
	if (q.offset > 0 || q.number != row.number)
		rep.part = str_of(row.der.p + q.offset, row.der.n - q.offset);
	if (rep.part.n > LIMIT_CRL_PART)
		rep.part.n = LIMIT_CRL_PART;
	return crl_part_rep_encode(&rep, out);
}

static err_t
on_ocsp(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct ocsp_req q;
	struct ocsp_rep rep;

	TRY(ocsp_req_parse(a, in, &q));
	TRY(ocsp_serve(ctx, a, &q, &rep));
	return ocsp_rep_encode(&rep, out);
}

static err_t
on_cert(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct ca_name_req q;
	struct ca_der_rep rep;

	TRY(ca_name_req_parse(a, in, &q));
	TRY(hierarchy_cert_of_file(issuer_hierarchy(ctx), q.ca, &rep.der));
	return ca_der_rep_encode(&rep, out);
}

static err_t
on_list(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	const struct hierarchy *h = issuer_hierarchy(ctx);
	struct ca_list_rep rep = { arena_array(a, h->n + h->extra.n + 1, sizeof(struct ca_entry)),
		h->n };

	TRY(rd_end(&in));
	for (size_t i = 0; i < h->n; i++)
		rep.v[i] = (struct ca_entry){ h->v[i].name, h->v[i].role, cert_der(h->v[i].cert) };
	/* As roots: their certificates help to find a path, and nobody is let in for them. */
	for (size_t i = 0; i < h->extra.n && rep.n < LIMIT_CAS; i++)
		rep.v[rep.n++] =
		    (struct ca_entry){ h->extra.v[i].ca, CA_ROLE_ROOT, h->extra.v[i].der };
	return ca_list_rep_encode(&rep, out);
}

static err_t
need_tls(const struct hierarchy *h)
{
	if (h->tls_cert == NULL)
		FAIL(ERR_CA_NONE, "%s", "there is no TLS certificate for the front");
	return OK;
}

static err_t
on_tls_chain(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	const struct hierarchy *h = issuer_hierarchy(ctx);
	struct ca_chain_rep rep = {
		.chain = { arena_array(a, LIMIT_CHAIN_CERTS, sizeof(struct str)), 1 }
	};
	struct ipc_blobs above;
	const struct ca *ca;

	TRY(rd_end(&in));
	TRY(need_tls(h));
	TRY(hierarchy_by_role(h, CA_ROLE_ISSUING, &ca));
	above = hierarchy_chain_of(a, h, ca, cert_der(h->tls_cert));
	rep.chain.v[0] = cert_der(h->tls_cert);
	for (size_t i = 0; i < above.n && rep.chain.n < LIMIT_CHAIN_CERTS; i++)
		rep.chain.v[rep.chain.n++] = above.v[i];
	return ca_chain_rep_encode(&rep, out);
}

static err_t
on_sign_tls(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	const struct hierarchy *h = issuer_hierarchy(ctx);
	struct sign_req q;
	struct sign_rep rep;

	TRY(sign_req_parse(a, in, &q));
	TRY(need_tls(h));
	if (q.which != 0)
		FAIL(ERR_FORBIDDEN, "key %u", q.which);
	TRY(key_sign_digest(a, h->tls_key, (uint8_t)q.scheme, q.digest, &rep.signature));
	return sign_rep_encode(&rep, out);
}

static const struct ipc_verb verbs[] = {
	{ CA_SUBMIT, on_submit },
	{ CA_QUERY, on_query },
	{ CA_REVOKE, on_revoke },
	{ CA_REVOKED, on_revoked },
	{ CA_CRL, on_crl },
	{ CA_CERT, on_cert },
	{ CA_LIST, on_list },
	{ CA_TLS_CHAIN, on_tls_chain },
	{ CA_SIGN_TLS, on_sign_tls },
	{ CA_OCSP, on_ocsp },
	{ CA_POLICIES, on_policies },
	{ CA_KEYGEN, on_keygen },
	{ CA_SCEP, scep_on_message },
	{ CA_SCEP_REFUSE, scep_on_refuse },
	{ CA_SCEP_INFO, scep_on_info },
	{ CA_SCEP_NEXT, scep_on_next },
	{ CA_SCEP_DEPOSIT, deposit_on_message },
	{ 0, NULL },
};

const struct ipc_verb *
issuer_verbs(void)
{
	return verbs;
}
