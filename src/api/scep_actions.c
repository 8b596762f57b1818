/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interface by which SCEP servers that are not ours ask what a challenge stands for: the three calls of Intune's
 * public client for such servers (api-version 2018-02-20), with bodies and words as that client has them.
 *
 *   POST <base>/ScepActions/validateRequest       before it issues
 *   POST <base>/ScepActions/successNotification   after it did; if this fails it must not hand out the certificate
 *   POST <base>/ScepActions/failureNotification   it did not
 *
 * <base> is "<url>/ScepRequestValidationFEService", or our own "<url>/chancery/v1/scep". An answer is always 200 with a
 * code; another than Success means no.
 */
#include "api/reply.h"
#include "base/limits.h"
#include "model/scep_validate.h"

#define DESCRIPTION_MAX 255

/* The request within the message; *ret_code is set when it is none. */
static err_t
read_csr(struct arena *a, const json *in, struct csr *ret, const char **ret_code)
{
	struct str der = STR_EMPTY;
	err_t e = json_need_base64(a, in, "certificateRequest", LIMIT_CSR_BYTES, &der);

	*ret_code = NULL;
	if (err_ok(e))
		e = csr_parse_sha1(a, der, ret);
	if (err_ok(e))
		return OK;
	*ret_code = err_is(e, ERR_CSR_SIGNATURE) ? "SignatureValidationFailed" :
						   "CertificateRequestDecodingFailed";
	err_forget(e);
	return OK;
}

static err_t
answer(struct http_req *r, const json *in, const char *code, const char *why)
{
	auto_json json *out = json_object_new();

	json_set_text(out, "transactionId", json_text(json_get(in, "transactionId")));
	json_set_text(out, "code", code);
	json_set_text(out, "errorDescription", why);
	return reply_json(r, 200, out);
}

/* {"request": {...}} or {"notification": {...}} */
static err_t
read_body(struct http_req *r, const char *name, json **ret_body, json **ret)
{
	TRY(json_parse(http_body(r), LIMIT_HTTP_BODY, ret_body));
	return json_need_object(*ret_body, name, ret);
}

static err_t
post_validate(struct http_req *r)
{
	struct arena *a = http_arena(r);
	struct api *api = api_of(r);
	auto_json json *body = NULL;
	auto_csr struct csr csr = { 0 };
	const char *code, *why = "";
	json *in;

	TRY(read_body(r, "request", &body, &in));
	TRY(read_csr(a, in, &csr, &code));
	if (code == NULL)
		TRY(scep_validate(api->store, api->keys, a, &csr, &code, &why));
	return answer(r, in, code, why);
}

static err_t
post_success(struct http_req *r)
{
	struct arena *a = http_arena(r);
	struct api *api = api_of(r);
	auto_json json *body = NULL;
	auto_csr struct csr csr = { 0 };
	const char *code, *serial, *by;
	json *in;

	TRY(read_body(r, "notification", &body, &in));
	TRY(json_need_text(in, "certificateSerialNumber", LIMIT_TEXT, &serial));
	TRY(json_want_text(in, "issuingCertificateAuthority", LIMIT_TEXT, &by));
	TRY(read_csr(a, in, &csr, &code));
	if (code == NULL)
		TRY(scep_issued(api->store, api->keys, a, &csr, text_safe(a, str_c(serial)),
		    by == NULL ? "" : text_safe(a, str_c(by)), &code));
	return answer(r, in, code, "");
}

static err_t
post_failure(struct http_req *r)
{
	struct arena *a = http_arena(r);
	struct api *api = api_of(r);
	auto_json json *body = NULL;
	auto_csr struct csr csr = { 0 };
	const char *code, *why;
	int64_t hresult;
	json *in;

	TRY(read_body(r, "notification", &body, &in));
	TRY(json_need_int(in, "hResult", INT32_MIN, UINT32_MAX, &hresult));
	TRY(json_want_text(in, "errorDescription", DESCRIPTION_MAX, &why));
	TRY(read_csr(a, in, &csr, &code));
	if (code == NULL)
		TRY(scep_failed(api->store, api->keys, a, &csr, hresult,
		    why == NULL ? "" : text_safe(a, str_c(why)), &code));
	return answer(r, in, code, "");
}

#define ACTIONS(base) \
	ROUTE(POST, base "/ScepActions/validateRequest", PERM_SCEP_VALIDATE, post_validate), \
	    ROUTE( \
		POST, base "/ScepActions/successNotification", PERM_SCEP_VALIDATE, post_success), \
	    ROUTE(POST, base "/ScepActions/failureNotification", PERM_SCEP_VALIDATE, post_failure)

static const struct http_route routes[] = {
	ACTIONS("/ScepRequestValidationFEService"),
	ACTIONS("/chancery/v1/scep"),
	{ 0 },
};

const struct resource resource_scep_actions = { "scep_actions", routes };
