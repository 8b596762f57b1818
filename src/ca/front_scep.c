/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SCEP (RFC 8894 4) at the addresses that clients are used to. The message of a client is taken apart here, its
 * signature is checked, and the issuer gets the parts; what is wrong with it before that is answered with a CertRep
 * as well, which the issuer signs. Only what has no transaction to refer to is an HTTP error.
 */
#include "ca/front_scep.h"

#include "base/text.h"
#include "codec/ca_scep_ipc.h"
#include "pki/scep.h"

#define TYPE_MESSAGE "application/x-pki-message"
#define TYPE_CERTS "application/x-x509-ca-ra-cert"
#define TYPE_NEXT "application/x-x509-next-ca-cert"
#define TYPE_TEXT "text/plain"

/* Some clients compare whole lines, so there is no CR; what comes first is what they prefer. */
#define CAPS "AES\nDES3\nSHA-256\nSHA-384\nSHA-512\nPOSTPKIOperation\nRenewal\nSCEPStandard\n"

static const char plain[] =
    "This is the address for SCEP clients, and it works.\n"
    "\n"
    "Devices ask here for certificates with ?operation=GetCACaps, GetCACert or PKIOperation (RFC 8894).\n"
    "Enter this address as the SCEP server of a device or of a profile; a browser has nothing to do here.\n";

static const char *
param(const struct http_req *r, const char *name)
{
	const char *v = http_param(r, name);

	return v == NULL ? "" : v;
}

static err_t
ask(struct http_req *r, uint16_t type, bool repeatable, const struct buf *in, struct str *ret)
{
	struct ca_der_rep rep;
	struct str answer;

	TRY(front_call(http_ctx(r), http_arena(r), type, repeatable, in, &answer));
	TRY(ca_der_rep_parse(http_arena(r), answer, &rep));
	*ret = rep.der;
	return OK;
}

static err_t
ask_info(struct http_req *r, struct ca_scep_info_rep *ret)
{
	struct ca_name_req q = { param(r, "ca") };
	auto_buf struct buf in = { 0 };
	struct str answer;

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(ca_name_req_encode(&q, &in));
	TRY(front_call(http_ctx(r), http_arena(r), CA_SCEP_INFO, true, &in, &answer));
	return ca_scep_info_rep_parse(http_arena(r), answer, ret);
}

/* ---- operations ---- */

static err_t
get_caps(struct http_req *r)
{
	struct ca_scep_info_rep info;

	TRY(ask_info(r, &info));
	return http_reply(r, 200, TYPE_TEXT,
	    str_c(arena_printf(http_arena(r), "%s%s%s", CAPS, info.sha1 ? "SHA-1\n" : "",
		info.next ? "GetNextCACert\n" : "")));
}

static err_t
get_certs(struct http_req *r)
{
	struct ca_scep_info_rep info;

	TRY(ask_info(r, &info));
	return http_reply(r, 200, TYPE_CERTS, info.certs);
}

/* Signed by the CA's key, and anybody may ask: so it is kept for some seconds. */
static err_t
get_next(struct http_req *r)
{
	struct str der;

	TRY(front_kept(http_ctx(r), http_arena(r), CA_SCEP_NEXT, param(r, "ca"), &der));
	return http_reply(r, 200, TYPE_NEXT, der);
}

static err_t
refuse(struct http_req *r, const struct scep_head *h, err_t why, struct str *ret)
{
	struct ca_scep_refuse_req q = { .ca = param(r, "ca"),
		.peer = http_peer_addr(r),
		.transaction = h->transaction,
		.nonce = h->sender_nonce };
	auto_buf struct buf in = { 0 };
	struct err_report rep;

	/* Not the message's fault, or nothing that SCEP has a word for. */
	if (err_info(why.code)->scep < 0)
		return why;
	err_take(why, &rep);
	q.fault = err_info(rep.code)->id;
	q.detail = text_safe(http_arena(r), str_c(rep.detail));
	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(ca_scep_refuse_req_encode(&q, &in));
	return ask(r, CA_SCEP_REFUSE, true, &in, ret);
}

static err_t
check(struct arena *a, const struct scep_msg *m, enum scep_cipher *ret)
{
	auto_cert struct cert *signer = NULL;
	struct scep_head head;

	TRY(scep_verify(a, m, true, &head, &signer));
	if (m->content.n == 0)
		FAIL(ERR_SCEP, "it has no content");
	return scep_envelope(a, m->content, ret);
}

/*
 * Asked twice, a request gives the same certificate: an order, a challenge or its transaction sees to that. But for a
 * renewal that a crash cuts off before its transaction is noted: that leaves a second certificate for the same names.
 */
static err_t
pass_on(struct http_req *r, const struct scep_msg *m, enum scep_cipher cipher, struct str *ret)
{
	struct ca_scep_req q = { .ca = param(r, "ca"),
		.template = param(r, "template"),
		.peer = http_peer_addr(r),
		.signer = m->signer,
		.attrs = m->attrs,
		.signature = m->signature,
		.content = m->content,
		.digest = (uint8_t)m->digest,
		.cipher = (uint8_t)cipher,
		.pss = m->pss };
	auto_buf struct buf in = { 0 };

	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(ca_scep_req_encode(&q, &in));
	return ask(r, CA_SCEP, true, &in, ret);
}

static err_t
serve(struct http_req *r, struct str message)
{
	struct arena *a = http_arena(r);
	enum scep_cipher cipher;
	struct scep_head head;
	struct scep_msg m;
	struct str answer;
	err_t e;

	TRY(scep_parse(a, message, &m));
	TRY(scep_head_parse(a, m.attrs, &head));
	e = check(a, &m, &cipher);
	if (err_ok(e))
		TRY(pass_on(r, &m, cipher, &answer));
	else
		TRY(refuse(r, &head, e, &answer));
	return http_reply(r, 200, TYPE_MESSAGE, answer);
}

static err_t
operation(struct http_req *r)
{
	struct str message;

	if (http_method(r) == HTTP_POST && http_body(r).n > 0)
		return serve(r, http_body(r));
	TRY(scep_query_parse(http_arena(r), http_query(r, "message"), &message));
	return serve(r, message);
}

static const struct {
	const char *name;
	err_t (*run)(struct http_req *r);
} operations[] = {
	{ "GetCACaps", get_caps },
	{ "GetCACert", get_certs },
	{ "GetNextCACert", get_next },
	{ "PKIOperation", operation },
};

err_t
front_scep(struct http_req *r)
{
	const char *name = http_query(r, "operation");

	if (name == NULL && http_method(r) == HTTP_POST)
		name = "PKIOperation";
	if (name == NULL)
		return http_reply(r, err_info(ERR_SCEP_OPERATION)->http,
		    "text/plain; charset=utf-8", str_c(plain));
	for (size_t i = 0; i < COUNT(operations); i++) {
		if (str_ieq_c(str_c(name), operations[i].name))
			return operations[i].run(r);
	}
	FAIL(ERR_SCEP_OPERATION, "operation %s", text_safe(http_arena(r), str_c(name)));
}
