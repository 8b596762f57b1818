/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Not a platform of its own: the EST addresses (RFC 7030, RFC 8951) of devices that make the key of a certificate themselves
 * and were told to request it so. The label is the request that the device is to make.
 *
 *   GET  /.well-known/est/<request>/cacerts        the CA certificates that the answers lead to; of a CA that is none of
 *                                                  Chancery's once it has issued
 *   POST /.well-known/est/<request>/simpleenroll   PKCS#10 -> certificate
 *
 * The device shows its identity, and the request must be its own. Its request for a certificate is carried by a connector, with
 * an order for that very key, and its answer brought back within the same exchange (model/relay.h): the same key may ask again
 * and gets the same certificate, another key does not. The CA may be any that a connector reaches: what is asked for is compared
 * with what was ordered here.
 *
 * Not here: other devices of the world. They find EST at the CA (ca/front_est.c).
 */
#include "base/text.h"
#include "codec/est_msg.h"
#include "device/carry.h"
#include "pki/cert.h"
#include "pki/cms.h"
#include "pki/csr.h"

#define CERTS_ONLY "application/pkcs7-mime; smime-type=certs-only"
#define PREFIX "/.well-known/est/"
#define RETRY_S "60"

static err_t
own_request(struct http_req *r, struct id *ret)
{
	struct device_edge *edge = http_ctx(r);

	TRY(carry_address(r, ret));
	return relay_owned(edge->store, http_arena(r), *ret, device_caller(r)->id);
}

static err_t
reply_certs(struct http_req *r, const char *type, struct str p7)
{
	bool lines = est_wants_lines(http_header(r, "User-Agent"));

	http_reply_header(r, "Content-Transfer-Encoding", "base64");
	http_reply_header(r, "Cache-Control", "no-store");
	return http_reply(r, 200, type, str_c(est_body_print(http_arena(r), p7, lines)));
}

/* What a SCEP server answers to GetCACert: one certificate, or a bag with those of its RA among them. RFC 8894 4.2.1 */
static err_t
ca_certs(struct arena *a, const struct relay *row, struct str **ret, size_t *retn)
{
	struct str *v = arena_array(a, 1, sizeof(*v));
	size_t n = 1, k = 0;

	v[0] = row->body;
	if (!est_media_type(row->type, "application/x-x509-ca-cert"))
		TRY(cms_certs_parse(a, row->body, &v, &n));
	for (size_t i = 0; i < n; i++) {
		auto_cert struct cert *c = NULL;

		TRY(cert_parse(v[i], &c));
		if (cert_is_ca(c))
			v[k++] = v[i];
	}
	*ret = v;
	*retn = k;
	return OK;
}

/* What came with the certificate, while that is kept; *retn 0: nothing. Any CA has that much to say. */
static err_t
known_certs(struct http_req *r, struct id request, struct str **ret, size_t *retn)
{
	struct device_edge *edge = http_ctx(r);
	struct arena *a = http_arena(r);
	struct relay row;
	err_t e = relay_certified(edge->store, a, request, &row);

	*retn = 0;
	if (err_ok(e))
		return ca_certs(a, &row, ret, retn);
	if (!err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	return OK;
}

static err_t
cacerts(struct http_req *r)
{
	struct arena *a = http_arena(r);
	struct relay row;
	struct str *v, p7;
	struct id request;
	bool there;
	size_t n;

	TRY(own_request(r, &request));
	TRY(known_certs(r, request, &v, &n));
	if (n > 0) {
		TRY(cms_certs(a, v, n, &p7));
		return reply_certs(r, "application/pkcs7-mime", p7);
	}
	TRY(carry(r, request, "GetCACert", STR_EMPTY, &row, &there));
	if (!there)
		return OK;
	if (row.status != 200)
		FAIL(ERR_SCEP_RELAY, "the authority answers with status %d", row.status);
	TRY(ca_certs(a, &row, &v, &n));
	TRY(cms_certs(a, v, n, &p7));
	return reply_certs(r, "application/pkcs7-mime", p7);
}

static err_t
read_request(struct http_req *r, struct str *ret)
{
	auto_csr struct csr csr = { 0 };

	if (!est_media_type(http_header(r, "Content-Type"), "application/pkcs10"))
		FAIL(ERR_MEDIA_TYPE, "application/pkcs10 is taken");
	TRY(est_body_parse(http_arena(r), http_body(r), LIMIT_CSR_BYTES, ret));
	return csr_parse(http_arena(r), *ret, &csr);
}

/* RFC 7030 4.2.3: the certificate that was issued, and nothing else of what came with it. */
static err_t
reply_issued(struct http_req *r, struct str csr_der, struct str certs)
{
	struct arena *a = http_arena(r);
	auto_csr struct csr csr = { 0 };
	struct str *v, p7;
	size_t n;

	TRY(csr_parse(a, csr_der, &csr));
	TRY(cms_certs_parse(a, certs, &v, &n));
	for (size_t i = 0; i < n; i++) {
		auto_cert struct cert *c = NULL;

		TRY(cert_parse(v[i], &c));
		if (memcmp(cert_spki_sha256(c), csr.spki_sha256, 32) != 0)
			continue;
		TRY(cms_certs(a, &v[i], 1, &p7));
		return reply_certs(r, CERTS_ONLY, p7);
	}
	FAIL(ERR_KEY_MISMATCH, "%s", "what the authority issued is for another key");
}

static err_t
simpleenroll(struct http_req *r)
{
	struct relay row;
	struct id request;
	struct str csr;
	bool there;

	TRY(own_request(r, &request));
	TRY(read_request(r, &csr));
	TRY(carry(r, request, RELAY_CERTIFY, csr, &row, &there));
	if (!there)
		return OK;
	if (row.status == 200)
		return reply_issued(r, csr, row.body);
	/* RFC 7030 4.2.3: the same request again, later. */
	if (row.status == 202)
		http_reply_header(r, "Retry-After", RETRY_S);
	return http_reply(r, row.status, "text/plain; charset=utf-8", row.body);
}

/* RFC 7030 4.2.3: a refusal is text for people. */
static bool
say_failure(struct http_req *r, const struct err_report *rep)
{
	const struct err_info *info = err_info(rep->code);
	struct arena *a = http_arena(r);

	if (!str_starts(str_c(http_path(r)), LIT(PREFIX)))
		return false;
	if (info->http == 503)
		http_reply_header(r, "Retry-After", "2");
	err_forget(http_reply(r, info->http, "text/plain; charset=utf-8",
	    str_c(arena_printf(a, "%s%s%s (%s)\nnext: %s\n", info->text,
		info->http < 500 && rep->detail[0] != '\0' ? ": " : "",
		info->http < 500 ? text_safe(a, str_c(rep->detail)) : "", info->id, info->hint))));
	return true;
}

static const struct http_route routes[] = {
	ROUTE(GET, PREFIX "{request}/cacerts", DEVICE_ENROLLED, cacerts),
	ROUTE_BODY(POST, PREFIX "{request}/simpleenroll", DEVICE_ENROLLED, simpleenroll,
	    LIMIT_HTTP_STRANGER),
	{ 0 },
};

const struct platform platform_est = {
	.name = "est",
	.routes = routes,
	.error = say_failure,
};
