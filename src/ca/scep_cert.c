/* SPDX-License-Identifier: Apache-2.0 */
/* What SCEP clients learn about the CA, now and next: see scep.h. */
#include "ca/scep.h"

#include "ca/scep_int.h"
#include "ca/state.h"
#include "codec/ca_ipc.h"
#include "pki/cms.h"

/* Where the path of the CA ends; empty: that is not known here. */
static struct str
root_of(const struct scep_job *j)
{
	const struct ca *ca = j->ca, *top = ca;
	const struct extra_cert *x;

	while (ca != NULL && ca->role != CA_ROLE_ROOT) {
		top = ca;
		ca = ca->above;
	}
	if (ca != NULL)
		return cert_der(ca->cert);
	for (size_t i = 0; (x = extra_cert_above(&j->h->extra, top->name, i)) != NULL; i++)
		if (x->root)
			return x->der;
	return STR_EMPTY;
}

/* RFC 8894 4.2.1.2: the RA and those above it. */
static err_t
certs_of(struct scep_job *j, struct str *ret)
{
	struct str certs[LIMIT_CHAIN_CERTS + 2];
	struct ipc_blobs chain = hierarchy_chain(j->a, j->h, j->ca);
	struct str root = root_of(j);
	size_t n = 0;

	certs[n++] = cert_der(j->ra.cert);
	for (size_t i = 0; i < chain.n; i++)
		certs[n++] = chain.v[i];
	/* Windows, Apple and certmonger want the whole way up: they are told the fingerprint of the root. */
	if (root.n > 0)
		certs[n++] = root;
	return cms_certs(j->a, certs, n, ret);
}

/* ---- the certificate before ---- */

static const struct ca_cert *
before(const struct scep_job *j)
{
	const struct ca_cert *found = NULL;

	for (size_t i = 0; i < j->h->ncerts; i++) {
		const struct ca_cert *c = &j->h->certs[i];

		if (c->cert_index < j->ca->cert_index && str_ieq_c(str_c(c->ca), j->ca->name) &&
		    (found == NULL || c->cert_index > found->cert_index))
			found = c;
	}
	return found;
}

/* A renewal may have kept the key. */
static const struct key *
key_of(const struct scep_job *j, const struct cert *c)
{
	for (size_t i = 0; i < j->h->n; i++) {
		const struct ca *ca = &j->h->v[i];

		if (ca->cert != NULL && str_ieq_c(str_c(ca->name), j->ca->name) &&
		    memcmp(cert_spki_sha256(ca->cert), cert_spki_sha256(c), 32) == 0)
			return ca->key;
	}
	return NULL;
}

/* Who clients know the CA by, while there is something to follow it: *ret NULL when there is nothing. */
static err_t
predecessor(const struct scep_job *j, struct cert **ret, const struct key **ret_key)
{
	const struct ca_cert *row = before(j);
	auto_cert struct cert *c = NULL;

	*ret = NULL;
	*ret_key = NULL;
	if (row == NULL)
		return OK;
	TRY(cert_parse(row->der, &c));
	if (cert_not_after(c) < when_now() || key_of(j, c) == NULL)
		return OK;
	*ret_key = key_of(j, c);
	*ret = steal(c);
	return OK;
}

/* ---- messages ---- */

err_t
scep_on_info(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct scep_job j = { .signer = NULL };
	auto_cert struct cert *old = NULL;
	struct ca_scep_info_rep rep;
	const struct key *key;
	struct ca_name_req q;

	TRY(ca_name_req_parse(a, in, &q));
	TRY(scep_job_open(ctx, a, q.ca, &j));
	TRY(certs_of(&j, &rep.certs));
	TRY(predecessor(&j, &old, &key));
	rep.sha1 = j.sha1;
	rep.next = old != NULL;
	return ca_scep_info_rep_encode(&rep, out);
}

err_t
scep_on_next(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct scep_job j = { .signer = NULL };
	auto_cert struct cert *old = NULL;
	const struct key *key;
	struct ca_der_rep rep;
	struct ca_name_req q;
	struct str certs;

	TRY(ca_name_req_parse(a, in, &q));
	TRY(scep_job_open(ctx, a, q.ca, &j));
	TRY(predecessor(&j, &old, &key));
	if (old == NULL)
		FAIL(ERR_SCEP_NEXT, "%s", j.ca->name);
	TRY(certs_of(&j, &certs));
	TRY(scep_next_ca(a, old, key, certs, &rep.der));
	return ca_der_rep_encode(&rep, out);
}
