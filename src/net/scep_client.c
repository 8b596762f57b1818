/* SPDX-License-Identifier: Apache-2.0 */
#include "net/scep_client.h"

#include "base/limits.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/when.h"
#include "codec/der.h"
#include "codec/oid.h"
#include "net/url.h"
#include "pki/cms.h"
#include "pki/issue.h"
#include "pki/scep.h"

enum { NONCE = 16, DAY = 86400, WORDS_SHOWN = 300 };
#define DIGITAL_SIGNATURE 0x80
#define KEY_ENCIPHERMENT 0x20

struct exchange {
	struct fetch *f;
	struct arena *a;
	const struct scep_server *s;
	const struct scep_ask *q;
	int64_t timeout_ms;
	bool aes, des3, post;
	struct str *certs; /* of GetCACert, those that lead to an anchor */
	size_t ncerts;
	const struct cert *to; /* whom to seal to; lent */
	const char *transaction;
	uint8_t nonce[NONCE];
};

static err_t
get(struct exchange *x, const char *operation, const char *rest, struct fetch_reply *ret)
{
	const char *url = arena_printf(x->a, "%s%coperation=%s%s", x->s->url,
	    strchr(x->s->url, '?') == NULL ? '?' : '&', operation, rest);

	return fetch_run(x->f, x->a, "GET", url, NULL, STR_EMPTY, x->timeout_ms, ret);
}

static err_t
expect_200(const struct exchange *x, const char *what, const struct fetch_reply *r)
{
	if (r->status == 200)
		return OK;
	FAIL(ERR_HTTP_STATUS, "%s: %s answers with status %d: %.*s", what, x->s->url, r->status,
	    WORDS_SHOWN, text_safe(x->a, r->body));
}

/* RFC 8894 3.5.2: keywords, one a line; unknown ones are passed over. */
static err_t
ask_caps(struct exchange *x)
{
	struct fetch_reply r;
	struct str rest;

	TRY(get(x, "GetCACaps", "&message=ca", &r));
	TRY(expect_200(x, "GetCACaps", &r));
	rest = r.body;
	while (rest.n > 0) {
		struct str word = str_trim(str_cut(&rest, '\n'));
		bool standard = str_eq_c(word, "SCEPStandard");

		x->aes |= standard || str_eq_c(word, "AES");
		x->post |= standard || str_eq_c(word, "POSTPKIOperation");
		x->des3 |= str_eq_c(word, "DES3");
	}
	if (!x->aes && !x->des3)
		FAIL(ERR_SCEP_CAPS, "%s can neither AES nor DES3", x->s->url);
	return OK;
}

/* RFC 8894 4.2.1: one certificate, or a bag of them. */
static err_t
read_bag(struct exchange *x, const struct fetch_reply *r, struct str **ret, size_t *retn)
{
	struct str media = str_c(r->content_type);

	if (!str_ieq_c(str_trim(str_cut(&media, ';')), "application/x-x509-ca-cert"))
		return cms_certs_parse(x->a, r->body, ret, retn);
	*ret = arena_copy(x->a, &r->body, sizeof(r->body));
	*retn = 1;
	return OK;
}

/* Those that lead to an anchor, by way of the others. The clock of a device may be wrong: the path counts as of the
 * certificate's own beginning. */
static err_t
keep_trusted(struct exchange *x, const struct str *v, size_t n)
{
	x->certs = arena_array(x->a, n + 1, sizeof(*x->certs));
	for (size_t i = 0; i < n; i++) {
		auto_cert struct cert *c = NULL;
		err_t e;

		TRY(cert_parse(v[i], &c));
		e = cert_verify_path(
		    c, v, n, x->s->anchors, x->s->nanchors, NULL, cert_not_before(c));
		if (err_ok(e))
			x->certs[x->ncerts++] = v[i];
		else
			err_forget(e);
	}
	if (x->ncerts == 0)
		FAIL(ERR_CHAIN, "no certificate of %s leads to a CA that this device trusts",
		    x->s->url);
	return OK;
}

#define OID_EKU_CMC_RA "1.3.6.1.5.5.7.3.28"
#define OID_EKU_REQUEST_AGENT "1.3.6.1.4.1.311.20.2.1"

/* Below the same CA there are the certificates of people and devices, too. Those say what they are for; an RA's says nothing,
 * or that it is an RA's (RFC 6402 2.10, and Microsoft's own). */
static bool
may_be_ra(const struct cert *c)
{
	return cert_is_ca(c) || !cert_has_ekus(c) || cert_has_eku(c, OID_EKU_CMC_RA) ||
	    cert_has_eku(c, OID_EKU_REQUEST_AGENT);
}

/* An RA before a CA, as the reference implementation of clients does it. */
static bool
better(const struct cert *c, const struct cert *than)
{
	uint8_t usage = cert_key_usage(c);

	if ((usage != 0 && (usage & KEY_ENCIPHERMENT) == 0) || !may_be_ra(c))
		return false;
	return than == NULL || (cert_is_ca(than) && !cert_is_ca(c));
}

static err_t
ask_certs(struct exchange *x, struct cert **ret_to)
{
	auto_cert struct cert *best = NULL;
	struct fetch_reply r;
	struct str *v;
	size_t n;

	TRY(get(x, "GetCACert", "&message=ca", &r));
	TRY(expect_200(x, "GetCACert", &r));
	TRY_CTX(read_bag(x, &r, &v, &n), "GetCACert");
	TRY(keep_trusted(x, v, n));
	for (size_t i = 0; i < x->ncerts; i++) {
		auto_cert struct cert *c = NULL;

		TRY(cert_parse(x->certs[i], &c));
		if (!better(c, best))
			continue;
		cert_free(best);
		best = steal(c);
	}
	if (best == NULL)
		FAIL(ERR_RECIPIENT, "no certificate of %s is for sealing to", x->s->url);
	*ret_to = steal(best);
	return OK;
}

/* RFC 8894 2.3: the envelope of our key, made by itself. */
static err_t
own_cert(struct exchange *x, struct cert **ret)
{
	/* X.520: 64 characters, which the transaction has. */
	struct dn_ava cn = { "2.5.4.3", x->transaction };
	struct dn_rdn name = { &cn, 1 };
	struct issue_spec spec = {
		.key = x->q->key,
		.subject = x->q->subject,
		.not_before = when_now() - DAY,
		.not_after = when_now() + 7 * DAY,
		.path_len = -1,
		.key_usage = DIGITAL_SIGNATURE | KEY_ENCIPHERMENT,
	};
	struct str tbs, der;

	/* A certificate has an issuer with a name. */
	if (spec.subject.n <= 2)
		TRY(dn_encode(x->a, &(struct dn){ &name, 1 }, &spec.subject));
	issue_serial(spec.serial);
	TRY(issue_tbs(x->a, &spec, x->q->key, &tbs));
	TRY(issue_sign(x->a, tbs, x->q->key, &der));
	return cert_parse(der, ret);
}

/* RFC 8894 3.3.3: whom we asked, and for what. */
static err_t
poll_content(struct exchange *x, const struct cert *own, struct str *ret)
{
	auto_cert struct cert *issuer = NULL;
	auto_buf struct buf b = { 0 }, whole = { 0 };
	struct str name;

	for (size_t i = 0; i < x->ncerts && issuer == NULL; i++) {
		auto_cert struct cert *c = NULL;

		TRY(cert_parse(x->certs[i], &c));
		if (cert_is_ca(c))
			issuer = steal(c);
	}
	name = issuer == NULL ? cert_issuer_der(x->to) : cert_subject_der(issuer);
	buf_init(&b, LIMIT_SCEP_BYTES);
	buf_init(&whole, LIMIT_SCEP_BYTES);
	TRY(buf_put(&b, name));
	TRY(buf_put(&b, cert_subject_der(own)));
	TRY(der_put(&whole, DER_SEQUENCE, buf_str(&b)));
	*ret = arena_str(x->a, buf_str(&whole));
	return OK;
}

static err_t
make_message(struct exchange *x, struct str *ret)
{
	auto_cert struct cert *own = NULL;
	struct scep_spec spec = {
		.head = { .type = x->q->again ? SCEP_CERT_POLL : SCEP_PKCS_REQ,
		    .transaction = x->transaction,
		    .sender_nonce = STR(x->nonce),
		    .status = -1,
		    .fail_info = -1 },
		.key = x->q->key,
		.digest = SCEP_SHA256,
	};
	struct str content = x->q->csr;

	TRY(own_cert(x, &own));
	if (x->q->again)
		TRY(poll_content(x, own, &content));
	TRY(scep_seal(x->a, x->to, x->aes ? SCEP_AES128 : SCEP_DES3, content, &spec.content));
	spec.signer = own;
	return scep_make(x->a, &spec, ret);
}

static err_t
send_message(struct exchange *x, struct str message, struct fetch_reply *ret)
{
	static const char *const headers[] = { "Content-Type: application/x-pki-message", NULL };

	if (x->post)
		TRY(fetch_run(x->f, x->a, "POST",
		    arena_printf(x->a, "%s%coperation=PKIOperation", x->s->url,
			strchr(x->s->url, '?') == NULL ? '?' : '&'),
		    headers, message, x->timeout_ms, ret));
	else
		TRY(get(x, "PKIOperation",
		    arena_printf(
			x->a, "&message=%s", url_segment(x->a, text_base64(x->a, message))),
		    ret));
	return expect_200(x, "PKIOperation", ret);
}

/* RFC 8894 3.2.1: signed by one of the server's, and the answer to what we sent. */
static err_t
check_reply(struct exchange *x, const struct scep_msg *m, struct scep_head *ret)
{
	auto_cert struct cert *signer = NULL;
	bool known = false;

	TRY(scep_verify(x->a, m, x->s->sha1, ret, &signer));
	for (size_t i = 0; i < x->ncerts; i++)
		known |= str_eq(x->certs[i], cert_der(signer));
	if (!known)
		FAIL(ERR_SCEP_ANSWER, "it is signed by %s, which GetCACert did not name",
		    cert_subject(signer));
	if (ret->type != SCEP_CERT_REP)
		FAIL(ERR_SCEP_ANSWER, "its type is %d", ret->type);
	if (!str_eq_c(str_c(ret->transaction), x->transaction))
		FAIL(ERR_SCEP_ANSWER, "it belongs to another transaction");
	if (!str_eq(ret->recipient_nonce, STR(x->nonce)))
		FAIL(ERR_SCEP_ANSWER, "it has not the nonce of the request");
	return OK;
}

/* RFC 8894 3.2.1.4 */
static const char *
fail_info(int n)
{
	static const char *const words[] = { "badAlg", "badMessageCheck", "badRequest", "badTime",
		"badCertId" };

	return n >= 0 && n < (int)COUNT(words) ? words[n] : "no failInfo";
}

static err_t
find_ours(struct exchange *x, const struct str *v, size_t n, struct scep_got *ret)
{
	ret->chain = arena_array(x->a, n + x->ncerts + 1, sizeof(*ret->chain));
	for (size_t i = 0; i < n; i++) {
		auto_cert struct cert *c = NULL;
		auto_key struct key *k = NULL;

		TRY(cert_parse(v[i], &c));
		TRY(cert_key(c, &k));
		if (ret->leaf.n == 0 && key_same_public(k, x->q->key))
			ret->leaf = v[i];
	}
	if (ret->leaf.n == 0)
		FAIL(
		    ERR_KEY_MISMATCH, "no certificate in the answer is for the key of the request");
	return OK;
}

/* The issuers of the leaf, one after the other, out of what came. A root is not part of it. */
static err_t
make_chain(struct exchange *x, const struct str *v, size_t n, struct scep_got *ret)
{
	const struct str *sets[] = { v, x->certs };
	const size_t sizes[] = { n, x->ncerts };
	auto_cert struct cert *at = NULL;

	TRY(cert_parse(ret->leaf, &at));
	while (ret->nchain < LIMIT_CHAIN_CERTS) {
		auto_cert struct cert *next = NULL;

		for (size_t i = 0; i < COUNT(sets); i++)
			for (size_t k = 0; k < sizes[i] && next == NULL; k++) {
				auto_cert struct cert *c = NULL;
				err_t e;

				TRY(cert_parse(sets[i][k], &c));
				e = cert_verify(at, c, cert_not_before(at));
				if (err_ok(e) && !cert_self_issued(c))
					next = steal(c);
				err_forget(e);
			}
		if (next == NULL)
			return OK;
		ret->chain[ret->nchain++] = arena_str(x->a, cert_der(next));
		cert_free(at);
		at = steal(next);
	}
	FAIL(ERR_CHAIN, "the path of the certificate is too long");
}

static err_t
take(struct exchange *x, const struct scep_msg *m, struct scep_got *ret)
{
	auto_cert struct cert *leaf = NULL;
	struct str bag, *v;
	size_t n;

	TRY(scep_open(x->a, x->q->key, m->content, &bag));
	TRY(cms_certs_parse(x->a, bag, &v, &n));
	TRY(find_ours(x, v, n, ret));
	TRY(make_chain(x, v, n, ret));
	TRY(cert_parse(ret->leaf, &leaf));
	return cert_verify_path(leaf, ret->chain, ret->nchain, x->s->anchors, x->s->nanchors, NULL,
	    cert_not_before(leaf));
}

static err_t
read_reply(struct exchange *x, struct str body, struct scep_got *ret)
{
	struct scep_head head;
	struct scep_msg m;

	TRY_CTX(scep_parse(x->a, body, &m), "answer of %s", x->s->url);
	TRY_CTX(check_reply(x, &m, &head), "answer of %s", x->s->url);
	switch (head.status) {
	case SCEP_SUCCESS:
		return take(x, &m, ret);
	case SCEP_PENDING:
		ret->pending = true;
		return OK;
	case SCEP_FAILURE:
		FAIL(ERR_SCEP_FAILED, "%s: failInfo %d (%s)%s%.*s", x->s->url, head.fail_info,
		    fail_info(head.fail_info), head.fail_text[0] == '\0' ? "" : ": ", WORDS_SHOWN,
		    text_safe(x->a, str_c(head.fail_text)));
	default:
		FAIL(ERR_SCEP_ANSWER, "its status is %d", head.status);
	}
}

err_t
scep_client_enrol(struct fetch *f, struct arena *a, const struct scep_server *s,
    const struct scep_ask *q, int64_t timeout_ms, struct scep_got *ret)
{
	struct exchange x = { .f = f, .a = a, .s = s, .q = q, .timeout_ms = timeout_ms };
	auto_cert struct cert *to = NULL;
	struct scep_got got = { 0 };
	struct fetch_reply reply;
	struct str message;
	uint8_t hash[32];

	/* The key is the transaction: RFC 8894 3.2.1.1 */
	TRY(key_spki_sha256(q->key, hash));
	x.transaction = text_hex(a, STR(hash));
	rand_bytes(x.nonce, sizeof(x.nonce));
	TRY(ask_caps(&x));
	TRY(ask_certs(&x, &to));
	x.to = to;
	TRY(make_message(&x, &message));
	TRY(send_message(&x, message, &reply));
	TRY(read_reply(&x, reply.body, &got));
	*ret = got;
	return OK;
}
