/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EST (RFC 7030, RFC 8951) over the TLS port. A label in the address is the name of a template; without one the
 * template is what the request says. The header Chancery-Order carries a sealed order in base64, for templates
 * that demand one.
 *
 *   GET  cacerts          all CA certificates of this installation; anybody
 *   GET  csrattrs         what the template wants of a key
 *   POST simpleenroll     simplereenroll (the TLS client certificate is the one that is renewed)
 *   POST serverkeygen     key in clear within TLS, and certificate
 */
#include "ca/front_int.h"

#include "base/secret.h"
#include "base/text.h"
#include "codec/est_msg.h"
#include "codec/policies_ipc.h"
#include "pki/cms.h"

#define PREFIX "/.well-known/est/"
#define CERTS_ONLY "application/pkcs7-mime; smime-type=certs-only"
#define REALM "Basic realm=\"Chancery CA\", charset=\"UTF-8\""

enum { RETRY_PENDING = 600, RETRY_BRAKE = 900 };

bool
front_is_est(const struct http_req *r)
{
	return str_starts(str_c(http_path(r)), LIT(PREFIX));
}

/* RFC 7030 4.2.3: a refusal is text for people. */
static void
reply_refusal(struct http_req *r, const struct err_info *info, const char *message)
{
	const char *hint = info->hint[0] != '\0' ? info->hint : "ask the administrator of the CA";
	char *text = arena_printf(http_arena(r), "%s\nnext: %s\n", message, hint);

	if (info->http == 401)
		http_reply_header(r, "WWW-Authenticate", REALM);
	if (info->http == 429)
		http_reply_header(r, "Retry-After", arena_printf(http_arena(r), "%d", RETRY_BRAKE));
	err_forget(http_reply(r, info->http, "text/plain; charset=utf-8", str_c(text)));
}

void
front_est_fault(struct http_req *r, const struct err_report *rep)
{
	const struct err_info *info = err_info(rep->code);
	struct arena *a = http_arena(r);

	reply_refusal(r, info,
	    arena_printf(a, "%s%s%s (%s)", info->text, rep->detail[0] != '\0' ? ": " : "",
		text_safe(a, str_c(rep->detail)), info->id));
}

static err_t
reply_base64(struct http_req *r, const char *type, struct str der)
{
	bool lines = est_wants_lines(http_header(r, "User-Agent"));

	http_reply_header(r, "Content-Transfer-Encoding", "base64");
	return http_reply(r, 200, type, str_c(est_body_print(http_arena(r), der, lines)));
}

err_t
front_est_cacerts(struct http_req *r)
{
	struct arena *a = http_arena(r);
	struct buf none = { 0 };
	struct ca_list_rep list;
	struct str answer, p7;
	struct str *certs;

	TRY(front_call(http_ctx(r), a, CA_LIST, true, &none, &answer));
	TRY(ca_list_rep_parse(a, answer, &list));
	if (list.n == 0)
		FAIL(ERR_CA_NONE, "%s", "");
	certs = arena_array(a, list.n, sizeof(*certs));
	for (size_t i = 0; i < list.n; i++)
		certs[i] = list.v[i].certificate;
	TRY(cms_certs(a, certs, list.n, &p7));
	return reply_base64(r, "application/pkcs7-mime", p7);
}

err_t
front_est_csrattrs(struct http_req *r)
{
	const char *label = http_param(r, "label");
	struct policies_rep rep;
	struct front_caller c;
	struct str der;

	TRY(front_http_caller(r, &c));
	/* RFC 7030 4.5: who shows nothing may ask, too; what is shown must be right. */
	if (label != NULL || c.certificate.n > 0 || c.user[0] != '\0')
		TRY(front_policies(r, &c, &rep));
	if (label == NULL)
		return http_reply(r, 204, "application/csrattrs", STR_EMPTY);
	for (size_t i = 0; i < rep.n; i++) {
		const struct policy_template *t = &rep.v[i];
		struct est_attrs attrs = { t->rsa ? t->min_key_bits : 0, t->p256, t->p384 };

		if (!str_ieq_c(str_c(t->name), label))
			continue;
		TRY(est_attrs_encode(http_arena(r), &attrs, &der));
		return reply_base64(r, "application/csrattrs", der);
	}
	FAIL(ERR_NOT_FOUND, "no template %s that the caller may read", label);
}

/* ---- requests ---- */

static err_t
ask(struct http_req *r, uint16_t type, bool renews, struct str *ret)
{
	const char *label = http_param(r, "label"), *order = http_header(r, "Chancery-Order");
	struct arena *a = http_arena(r);
	struct ca_attribute attrs[2];
	struct ca_submit_req q = { .ca = "", .again = true, .attributes = attrs };
	auto_buf struct buf in = { 0 };
	struct front_caller c;

	if (!est_media_type(http_header(r, "Content-Type"), "application/pkcs10"))
		FAIL(ERR_MEDIA_TYPE, "application/pkcs10 is taken");
	TRY(front_http_caller(r, &c));
	TRY(est_body_parse(a, http_body(r), LIMIT_CSR_BYTES, &q.token));
	if (label != NULL)
		attrs[q.nattributes++] = (struct ca_attribute){ "CertificateTemplate", label };
	if (order != NULL)
		attrs[q.nattributes++] = (struct ca_attribute){ "ChanceryOrder", order };
	if (renews && c.certificate.n == 0)
		FAIL(ERR_FORBIDDEN,
		    "the certificate that is renewed must be that of the connection");
	q.caller = c.certificate;
	q.user = c.user;
	q.password = c.password;
	q.renews = renews ? c.certificate : STR_EMPTY;
	buf_init(&in, LIMIT_IPC_MESSAGE);
	TRY(ca_submit_req_encode(&q, &in));
	/* Asked twice, an order gives the same certificate. Without one it would be a second certificate. */
	return front_call(http_ctx(r), a, type, order != NULL && type == CA_SUBMIT, &in, ret);
}

/* Pending or denied. */
static err_t
reply_other(struct http_req *r, const struct ca_submit_rep *rep)
{
	const struct err_info *info = err_info_by_id(rep->fault);

	if (rep->disposition == CA_PENDING) {
		/* RFC 7030 4.2.3: the same request again, later. */
		http_reply_header(
		    r, "Retry-After", arena_printf(http_arena(r), "%d", RETRY_PENDING));
		return http_reply(r, 202, "text/plain; charset=utf-8",
		    str_c(arena_printf(http_arena(r), "%s: request %llu\n", rep->message,
			(unsigned long long)rep->request_id)));
	}
	reply_refusal(r, info == NULL ? err_info(ERR_CA_DENIED) : info, rep->message);
	return OK;
}

static err_t
enrol(struct http_req *r, bool renews)
{
	struct arena *a = http_arena(r);
	struct ca_submit_rep rep;
	struct str answer, p7;

	TRY(ask(r, CA_SUBMIT, renews, &answer));
	TRY(ca_submit_rep_parse(a, answer, &rep));
	if (rep.disposition != CA_ISSUED)
		return reply_other(r, &rep);
	TRY(cms_certs(
	    a, &rep.leaf, 1, &p7)); /* RFC 7030 4.2.3: only the certificate that was issued */
	return reply_base64(r, CERTS_ONLY, p7);
}

err_t
front_est_enroll(struct http_req *r)
{
	return enrol(r, false);
}

err_t
front_est_reenroll(struct http_req *r)
{
	return enrol(r, true);
}

/* RFC 7030 4.3: optional for servers. */
err_t
front_est_fullcmc(struct http_req *r)
{
	(void)r;
	FAIL(ERR_UNSUPPORTED,
	    "full CMC; ask by simpleenroll, simplereenroll or serverkeygen of the same address");
}

static err_t
reply_key(struct http_req *r, const struct ca_keygen_rep *rep)
{
	struct arena *a = http_arena(r);
	const char *boundary = arena_printf(a, "chancery_%s", id_text(a, id_new()));
	auto_buf struct buf out;
	struct str p7;

	buf_init(&out, LIMIT_IPC_MESSAGE);
	TRY(cms_certs(a, &rep->answer.leaf, 1, &p7));
	TRY(est_keygen_print(
	    a, boundary, rep->key, p7, est_wants_lines(http_header(r, "User-Agent")), &out));
	http_reply_header(r, "Cache-Control", "no-store");
	return http_reply(
	    r, 200, arena_printf(a, "multipart/mixed; boundary=%s", boundary), buf_str(&out));
}

err_t
front_est_keygen(struct http_req *r)
{
	struct ca_keygen_rep rep;
	struct str answer;
	err_t e;

	TRY(ask(r, CA_KEYGEN, false, &answer));
	TRY(ca_keygen_rep_parse(http_arena(r), answer, &rep));
	if (rep.answer.disposition != CA_ISSUED)
		return reply_other(r, &rep.answer);
	e = reply_key(r, &rep);
	/* rep.key points into answer. */
	secret_wipe((void *)(uintptr_t)answer.p, answer.n);
	return e;
}
