/* SPDX-License-Identifier: Apache-2.0 */
/* What SCEP requests become: see scep.h. */
#include "ca/scep_int.h"

#include "ca/challenge.h"
#include "ca/crl.h"
#include "ca/renewal.h"
#include "ca/state.h"
#include "codec/ca_ipc.h"
#include "pki/cms.h"
#include "store/scep.h"

/*
 * A request that comes again within this time is the same one; later it is a renewal with the same key. So it is at once
 * when it is signed with what it was answered with: a client that keeps key and transaction sends the very same request
 * to renew (certmonger does, but for what its memory happens to hold).
 */
enum { REPEAT = 3600 };

static err_t
open_content(struct scep_job *j, struct str *ret)
{
	if (j->q->content.n == 0)
		FAIL(ERR_SCEP, "it has no content");
	return scep_open(j->a, j->ra.key, j->q->content, ret);
}

/* One answer to all that may be wrong up to the proof of possession (scep.c leaves the detail to the journal). */
static err_t
open_request(struct scep_job *j, struct str *ret, struct csr *ret_csr)
{
	struct err_report rep;
	struct str der;
	err_t e;

	TRY(open_content(j, &der));
	e = j->sha1 ? csr_parse_sha1(j->a, der, ret_csr) : csr_parse(j->a, der, ret_csr);
	if (!err_ok(e)) {
		err_take(e, &rep);
		FAIL(ERR_SCEP_SEALED, "%s: %s", err_info(rep.code)->text, rep.detail);
	}
	*ret = der;
	return OK;
}

static err_t
certs_of(struct scep_job *j, struct str leaf, const struct ipc_blobs *chain, struct str *ret)
{
	struct str *all = arena_array(j->a, chain->n + 1, sizeof(*all));

	all[0] = leaf;
	for (size_t i = 0; i < chain->n; i++)
		all[i + 1] = chain->v[i];
	return cms_certs(j->a, all, chain->n + 1, ret);
}

static err_t
answer_of(struct scep_job *j, const struct ca_submit_rep *rep, struct scep_answer *ret)
{
	struct scep_answer x = { .status = SCEP_PENDING, .fail_info = -1, .fail_text = "" };
	const struct err_info *info;

	switch (rep->disposition) {
	case CA_PENDING:
		break;
	case CA_ISSUED:
		x.status = SCEP_SUCCESS;
		TRY(certs_of(j, rep->leaf, &rep->chain, &x.content));
		break;
	case CA_DENIED:
		info = err_info_by_id(rep->fault);
		x.status = SCEP_FAILURE;
		x.fail_info = info == NULL || info->scep < 0 ? 2 : info->scep;
		x.fail_text = rep->message;
		break;
	}
	*ret = x;
	return OK;
}

/* ---- transactions ---- */

struct transaction {
	struct scep_job *j;
	struct scep_transaction row;
	struct issued issued;
	bool found;
};

static struct transaction
transaction_of(struct scep_job *j)
{
	return (struct transaction){ .j = j,
		.row = { .ca = j->ca->name,
		    .transaction = j->head.transaction,
		    .signer = str_of(cert_spki_sha256(j->signer), 32),
		    .seen = when_now() } };
}

static err_t
transaction_tx(struct tx *tx, void *arg)
{
	struct transaction *t = arg;
	struct arena *a = t->j->a;
	err_t e = store_scep_get(tx, a, t->row.ca, t->row.transaction, t->row.signer, &t->row);

	if (err_ok(e))
		e = store_issued_get(tx, a, t->row.request, &t->issued);
	t->found = err_ok(e);
	if (!err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	return OK;
}

static err_t
remember_tx(struct tx *tx, void *arg)
{
	const struct transaction *t = arg;

	return store_scep_put(tx, &t->row);
}

/* Does the record of an earlier request answer this one? */
static err_t
answer_again(struct scep_job *j, const struct issued *x, struct scep_answer *ret)
{
	struct ca_submit_rep rep = { .disposition = CA_DENIED, .fault = "", .message = x->message };

	switch (x->state) {
	case ISSUED_INTENT:
	case ISSUED_PENDING:
		rep.disposition = CA_PENDING;
		break;
	case ISSUED_VALID:
		rep.disposition = CA_ISSUED;
		rep.leaf = x->cert;
		rep.chain = hierarchy_chain_of(j->a, j->h, j->ca, rep.leaf);
		break;
	case ISSUED_REVOKED:
	case ISSUED_DENIED:
	case ISSUED_FAILED:
		break;
	}
	return answer_of(j, &rep, ret);
}

/* ---- requests ---- */

/* The signer's certificate, is it one of this issuer's CAs that is good now? Not whether it was revoked. */
static bool
signer_is_ours(const struct scep_job *j)
{
	const struct ca *by;
	err_t e = hierarchy_verify(j->h, j->signer, &by);
	bool ours = err_ok(e);

	err_forget(e);
	return ours;
}

struct standing {
	struct scep_job *j;
	bool valid;
	struct id order; /* that it was issued under; zero: none, or it is not valid */
};

static err_t
standing_tx(struct tx *tx, void *arg)
{
	struct standing *s = arg;
	struct issued row;
	err_t e = renewal_record(tx, s->j->a, cert_sha256(s->j->signer), &row);

	s->valid = err_ok(e);
	if (s->valid)
		s->order = row.order;
	if (!err_is(e, ERR_CALLER_REVOKED) && !err_is(e, ERR_CALLER_UNKNOWN))
		return e;
	err_forget(e);
	return OK;
}

/* In the records: was it issued here, and not revoked? */
static err_t
look_at_signer(struct scep_job *j, struct standing *ret)
{
	struct standing s = { .j = j };

	TRY(store_read(j->is->store, standing_tx, &s));
	*ret = s;
	return OK;
}

struct request {
	struct csr csr; /* owned */
	struct str der;
	struct proof who;
	struct ca_attribute attributes[3];
	struct ca_submit_req q;
};

static void
request_cleanup(struct request *r)
{
	csr_free(&r->csr);
}
#define auto_request __attribute__((cleanup(request_cleanup)))

static void
add_attribute(struct request *r, const char *name, const char *value)
{
	if (value[0] != '\0')
		r->attributes[r->q.nattributes++] = (struct ca_attribute){ name, value };
}

static bool
is_order(const char *challenge)
{
	return strlen(challenge) > 64;
}

struct fresh {
	struct arena *a;
	const struct challenge_use *use;
	struct id held; /* the order of the signer's certificate */
	struct str spki_sha256;
	bool used;
};

/* The same key gets the same certificate, should the answer have been lost: it shows the older one still then. */
static bool
uses_up(const struct fresh *f, const struct issued *row)
{
	if (row->fence < f->use->fence || row->state == ISSUED_DENIED ||
	    row->state == ISSUED_FAILED)
		return false;
	return row->state == ISSUED_REVOKED || id_eq(f->held, f->use->id) ||
	    !str_eq(row->spki_sha256, f->spki_sha256);
}

static err_t
fresh_tx(struct tx *tx, void *arg)
{
	struct fresh *f = arg;
	struct issued *v;
	size_t n;

	TRY(store_issued_by_order(tx, f->a, f->use->id, &v, &n));
	for (size_t i = 0; i < n; i++)
		f->used = f->used || uses_up(f, &v[i]);
	return OK;
}

/* Clients keep the challenge that they got their certificate by, and send it along with a renewal. One that was not used yet,
 * which may stand for new names, goes before the renewal; so does an order that is shown itself. */
static err_t
is_fresh(struct scep_job *j, const struct csr *csr, struct id held, bool *ret)
{
	const char *challenge = csr->challenge;
	struct challenge_use use;
	struct fresh f = {
		.a = j->a, .use = &use, .held = held, .spki_sha256 = STR(csr->spki_sha256)
	};
	err_t e;

	*ret = is_order(challenge);
	if (*ret)
		return OK;
	e = challenge_find(j->is, j->a, challenge, j->ca, &use);
	if (err_is(e, ERR_CHALLENGE) || err_is(e, ERR_CHALLENGE_MISSING)) {
		err_forget(e);
		return OK;
	}
	TRY(e);
	TRY(store_read(j->is->store, fresh_tx, &f));
	*ret = !f.used && use.expires > when_now();
	return OK;
}

/* RFC 8894 2.3: a renewal is signed with the certificate that it renews, and old clients send it as PKCSReq. */
static err_t
take_authority(struct scep_job *j, struct request *r)
{
	bool same_key = str_eq(str_of(cert_spki_sha256(j->signer), 32), STR(r->csr.spki_sha256));
	bool ours = signer_is_ours(j), fresh = false;
	struct standing signer;
	struct challenge_use use;

	memcpy(r->who.sha256, cert_sha256(j->signer), 32);
	r->who.sha1 = j->sha1;
	if (j->head.type == SCEP_RENEWAL_REQ && !ours)
		FAIL(ERR_RENEWAL,
		    "%s is not a certificate of this CA that is valid now (it ends at %s)",
		    cert_subject(j->signer), when_text(j->a, cert_not_after(j->signer)));
	if (!same_key && !ours)
		FAIL(ERR_SCEP_SIGNER, "%s", "");
	TRY(look_at_signer(j, &signer));
	if (ours && j->renewal_allowed)
		TRY(is_fresh(j, &r->csr, signer.order, &fresh));
	/* Whose certificate was revoked may begin anew with a challenge, under the key that it has. */
	if (ours && j->renewal_allowed && !fresh && (signer.valid || r->csr.challenge[0] == '\0')) {
		r->who.renews = true;
		r->q.renews = cert_der(j->signer);
		return OK;
	}
	if (ours && r->csr.challenge[0] == '\0')
		FAIL(ERR_RENEWAL, "renewal without a challenge is switched off");
	TRY(challenge_find(j->is, j->a, r->csr.challenge, j->ca, &use));
	r->who.vouched = use.vouched;
	r->who.challenge = use.sha256;
	r->who.stated = use.stated;
	add_attribute(r, "CertificateTemplate", use.template);
	add_attribute(r, "ChanceryOrder", use.order);
	return OK;
}

static err_t
submit_new(struct scep_job *j, struct request *r, struct transaction *t, struct scep_answer *ret)
{
	struct ca_submit_rep rep;

	r->q.ca = j->ca->name;
	r->q.caller = cert_der(j->signer);
	r->q.user = r->q.password = "";
	r->q.token = r->der;
	r->q.attributes = r->attributes;
	add_attribute(r, "CertificateTemplate", j->q->template);
	TRY(take_authority(j, r));
	TRY(submit_by(j->is, j->a, &r->q, &r->who, &rep));
	if (rep.disposition != CA_DENIED) {
		t->row.request = (int64_t)rep.request_id;
		TRY(store_write(j->is->store, remember_tx, t));
	}
	return answer_of(j, &rep, ret);
}

static bool
is_repeated(const struct scep_job *j, const struct transaction *t, struct str content, when_t now)
{
	if (!t->found || !str_eq(t->row.content, content) || t->row.seen <= now - REPEAT)
		return false;
	if (t->issued.state != ISSUED_VALID && t->issued.state != ISSUED_PENDING)
		return false;
	return !str_eq(t->issued.cert_sha256, str_of(cert_sha256(j->signer), 32));
}

err_t
scep_enrol(struct scep_job *j, struct scep_answer *ret)
{
	struct transaction t = transaction_of(j);
	uint8_t content[32], message[32];
	auto_request struct request r = { 0 };
	when_t now = t.row.seen;

	TRY(open_request(j, &r.der, &r.csr));
	hash_sha256(r.der, content);
	hash_sha256(j->q->attrs, message);
	TRY(store_read(j->is->store, transaction_tx, &t));
	/* The very same message is never a new request, whatever became of it: whoever kept it may send it. */
	if (t.found && str_eq(t.row.message, STR(message)))
		return answer_again(j, &t.issued, ret);
	if (is_repeated(j, &t, STR(content), now))
		return answer_again(j, &t.issued, ret);
	t.row.content = STR(content);
	t.row.message = STR(message);
	t.row.seen = now;
	return submit_new(j, &r, &t, ret);
}

/* RFC 8894 3.3.3: transaction and signer say which request is meant; the names in the content say no more. So the content
 * is not opened: what anybody may ask must not tell whether it can be. */
err_t
scep_poll(struct scep_job *j, struct scep_answer *ret)
{
	struct transaction t = transaction_of(j);

	TRY(store_read(j->is->store, transaction_tx, &t));
	if (!t.found)
		FAIL(ERR_SCEP_UNKNOWN, "transaction %s", j->head.transaction);
	return answer_again(j, &t.issued, ret);
}

/* ---- questions ---- */

struct wanted {
	struct arena *a;
	const char *ca, *serial;
	struct issued row;
};

static err_t
wanted_tx(struct tx *tx, void *arg)
{
	struct wanted *w = arg;

	return store_issued_by_serial(tx, w->a, w->ca, w->serial, &w->row);
}

static err_t
which(struct scep_job *j, const char **ret_serial)
{
	struct str content, issuer;

	TRY(open_content(j, &content));
	if (!err_ok(scep_issuer_serial(j->a, content, &issuer, ret_serial)))
		FAIL(ERR_SCEP_SEALED, "%s", "");
	if (!str_eq(issuer, cert_subject_der(j->ca->cert)))
		FAIL(ERR_SCEP_UNKNOWN, "it asks for a certificate of another CA than %s",
		    j->ca->name);
	return OK;
}

/* For who holds a certificate of ours, as RFC 8894 2.2 lets a CA demand. */
err_t
scep_get_cert(struct scep_job *j, struct scep_answer *ret)
{
	struct scep_answer x = { .status = SCEP_SUCCESS, .fail_info = -1, .fail_text = "" };
	struct ipc_blobs chain;
	struct wanted w = { .a = j->a, .ca = j->ca->name };
	struct standing signer;
	err_t e;

	TRY(look_at_signer(j, &signer));
	if (!signer.valid)
		FAIL(ERR_SCEP_UNKNOWN, "the asker has no valid certificate of this CA");
	TRY(which(j, &w.serial));
	e = store_read(j->is->store, wanted_tx, &w);
	if (err_is(e, ERR_NOT_FOUND) || (err_ok(e) && w.row.cert.n == 0)) {
		err_forget(e);
		FAIL(ERR_SCEP_UNKNOWN, "serial %s", w.serial);
	}
	TRY(e);
	chain = hierarchy_chain_of(j->a, j->h, j->ca, w.row.cert);
	TRY(certs_of(j, w.row.cert, &chain, &x.content));
	*ret = x;
	return OK;
}

err_t
scep_get_crl(struct scep_job *j, struct scep_answer *ret)
{
	struct scep_answer x = { .status = SCEP_SUCCESS, .fail_info = -1, .fail_text = "" };
	struct crl_row crl;

	TRY(crl_get(j->is, j->a, &(struct crl_which){ .ca = j->ca }, &crl));
	if (crl.der.n > LIMIT_SCEP_BYTES / 2)
		FAIL(ERR_SCEP_UNKNOWN, "the CRL has %zu bytes; fetch it at its address", crl.der.n);
	TRY(scep_crl(j->a, crl.der, &x.content));
	*ret = x;
	return OK;
}
