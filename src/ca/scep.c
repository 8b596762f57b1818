/* SPDX-License-Identifier: Apache-2.0 */
/* Types, answers, refusals. What a request becomes is scep_enrol.c. */
#include "ca/scep.h"

#include "base/secret.h"
#include "ca/scep_int.h"
#include "ca/setting.h"
#include "ca/state.h"
#include "codec/ca_ipc.h"
#include "pki/cms.h"

enum { NONCE = 16, BAD_REQUEST = 2 };

static const struct {
	enum scep_type type;
	err_t (*run)(struct scep_job *j, struct scep_answer *ret);
} types[] = {
	{ SCEP_PKCS_REQ, scep_enrol },
	{ SCEP_RENEWAL_REQ, scep_enrol },
	{ SCEP_CERT_POLL, scep_poll },
	{ SCEP_GET_CERT, scep_get_cert },
	{ SCEP_GET_CRL, scep_get_crl },
};

static err_t
find_ca(const struct hierarchy *h, const char *name, const struct ca **ret)
{
	const struct ca *ca;

	if (h->n == 0)
		FAIL(ERR_CA_NONE, "%s", "");
	if (name[0] == '\0')
		return hierarchy_by_role(h, CA_ROLE_ISSUING, ret);
	TRY(hierarchy_find(h, name, &ca));
	if (ca->role == CA_ROLE_ROOT)
		FAIL(ERR_CA_UNKNOWN, "%s signs CAs only", ca->name);
	*ret = ca;
	return OK;
}

static err_t
settings_tx(struct tx *tx, void *arg)
{
	struct scep_job *j = arg;
	int64_t sha1, renewal;

	TRY(setting_get(tx, SETTING_SCEP_SHA1, &sha1));
	TRY(setting_get(tx, SETTING_SCEP_RENEWAL, &renewal));
	j->sha1 = sha1 != 0;
	j->renewal_allowed = renewal != 0;
	return OK;
}

/* RFC 8894 3.3.2: signed by the RA with the client's digest, sealed with its cipher to the certificate of its signer. */
static err_t
reply(struct scep_job *j, const struct scep_answer *x, struct str *ret)
{
	uint8_t nonce[NONCE];
	struct ipc_blobs chain = hierarchy_chain(j->a, j->h, j->ca);
	struct scep_spec spec = { .head = { .type = SCEP_CERT_REP,
				      .transaction = j->head.transaction,
				      .sender_nonce = STR(nonce),
				      .recipient_nonce = j->head.sender_nonce,
				      .status = (int)x->status,
				      .fail_info = x->fail_info,
				      .fail_text = x->fail_text },
		.signer = j->ra.cert,
		.key = j->ra.key,
		.certs = chain.v,
		.ncerts = chain.n };

	rand_bytes(nonce, sizeof(nonce));
	spec.digest = j->q == NULL ? SCEP_SHA256 : (enum scep_digest)j->q->digest;
	if (spec.digest == SCEP_SHA1 && !j->sha1)
		spec.digest = SCEP_SHA256;
	if (x->content.n > 0)
		TRY(scep_seal(
		    j->a, j->signer, (enum scep_cipher)j->q->cipher, x->content, &spec.content));
	return scep_make(j->a, &spec, ret);
}

/*
 * A refusal goes the way of every denial: record, journal, text. Of what is wrong inside of an envelope the client is
 * told no detail.
 */
static err_t
refuse(struct scep_job *j, const char *peer, err_t why, struct scep_answer *ret)
{
	const struct err_info *info = err_info(why.code);
	struct ca_submit_req q = { .ca = j->ca->name, .user = "", .password = "" };
	struct ca_submit_rep rep;

	if (j->signer != NULL)
		q.caller = cert_der(j->signer);
	why = err_context(why, __FILE__, __LINE__, "client %s", peer);
	TRY(submit_deny(j->is, j->a, &q, NULL, why, &rep));
	*ret = (struct scep_answer){ SCEP_FAILURE, info->scep < 0 ? BAD_REQUEST : info->scep,
		why.code == ERR_SCEP_SEALED ? info->text : rep.message, STR_EMPTY };
	return OK;
}

static err_t
run(struct scep_job *j, struct scep_answer *ret)
{
	if (j->q->digest == SCEP_SHA1 && !j->sha1)
		FAIL(ERR_SCEP_ALGORITHM, "it is signed with SHA-1");
	for (size_t i = 0; i < COUNT(types); i++) {
		if ((int)types[i].type == j->head.type)
			return types[i].run(j, ret);
	}
	FAIL(ERR_SCEP_TYPE, "type %d", j->head.type);
}

err_t
scep_job_open(struct issuer *is, struct arena *a, const char *ca, struct scep_job *j)
{
	j->is = is;
	j->a = a;
	j->h = issuer_hierarchy(is);
	TRY(find_ca(j->h, ca, &j->ca));
	TRY(store_read(is->store, settings_tx, j));
	return scep_ra_get(is, a, j->ca, &j->ra);
}

static err_t
serve(struct scep_job *j, const struct ca_scep_req *q, struct str *ret)
{
	const struct scep_msg m = { q->signer, q->attrs, q->signature, q->content,
		(enum scep_digest)q->digest, q->pss };
	struct scep_answer x;
	err_t e;

	j->q = q;
	/* The front has checked this and answered what fails; here it is the ground that renewals stand on. */
	TRY(scep_verify(j->a, &m, true, &j->head, &j->signer));
	e = run(j, &x);
	if (!err_ok(e))
		TRY(refuse(j, q->peer, e, &x));
	return reply(j, &x, ret);
}

err_t
scep_on_message(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct scep_job j = { .signer = NULL };
	struct ca_scep_req q;
	struct ca_der_rep rep;
	err_t e;

	TRY(ca_scep_req_parse(a, in, &q));
	TRY(scep_job_open(ctx, a, q.ca, &j));
	e = serve(&j, &q, &rep.der);
	cert_free(j.signer);
	TRY(e);
	return ca_der_rep_encode(&rep, out);
}

/* What the front found wrong with a message, by the id of the catalogue. */
err_t
scep_on_refuse(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	struct scep_job j = { .signer = NULL };
	struct ca_scep_refuse_req q;
	const struct err_info *info;
	struct ca_der_rep rep;
	struct scep_answer x;

	TRY(ca_scep_refuse_req_parse(a, in, &q));
	TRY(scep_job_open(ctx, a, q.ca, &j));
	info = err_info_by_id(q.fault);
	if (info == NULL || info->scep < 0)
		FAIL(ERR_MALFORMED, "fault %s", text_safe(a, str_c(q.fault)));
	if (q.transaction[0] == '\0' || !text_printable_ascii(str_c(q.transaction)))
		FAIL(ERR_MALFORMED, "%s", "transaction");
	j.head = (struct scep_head){ .transaction = q.transaction, .sender_nonce = q.nonce };
	TRY(refuse(&j, q.peer, ERROR(info->code, "%s", q.detail), &x));
	TRY(reply(&j, &x, &rep.der));
	return ca_der_rep_encode(&rep, out);
}
