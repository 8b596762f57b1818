/* SPDX-License-Identifier: Apache-2.0 */
/* MS-WSTEP messages, reading: see wstep_msg.h. Writing: wstep_print.c. */
#include "codec/wstep_msg.h"

#include "base/text.h"
#include "codec/wstep_ns.h"

static err_t
base64_get(struct arena *a, const struct xml_node *n, size_t max, const char *what, struct str *ret)
{
	struct str bytes;

	if (n == NULL) {
		*ret = STR_EMPTY;
		return OK;
	}
	TRY_CTX(text_unbase64(a, str_c(n->text), &bytes), "%s", what);
	if (bytes.n > max)
		FAIL(ERR_TOO_LARGE, "%s of %zu bytes, at most %zu", what, bytes.n, max);
	*ret = bytes;
	return OK;
}

static err_t
type_get(const struct xml_node *rst, enum wstep_request_type *ret)
{
	static const struct {
		const char *uri;
		enum wstep_request_type type;
	} types[] = { { URI_ISSUE, WSTEP_ISSUE }, { URI_QUERY, WSTEP_QUERY } };
	const struct xml_node *n = xml_child(rst, NS_WST, "RequestType");
	struct str uri = n == NULL ? STR_EMPTY : str_trim(str_c(n->text));

	for (size_t i = 0; i < COUNT(types); i++) {
		if (str_eq_c(uri, types[i].uri)) {
			*ret = types[i].type;
			return OK;
		}
	}
	FAIL(ERR_MALFORMED, "RequestType is neither Issue nor QueryTokenStatus");
}

static err_t
item_get(struct arena *a, const struct xml_node *n, struct wstep_item *ret)
{
	const char *name = xml_attr(n, "Name");

	if (name == NULL || name[0] == '\0' || strlen(name) > LIMIT_TEXT)
		FAIL(ERR_MALFORMED, "ContextItem needs a Name of 1 to %u bytes", LIMIT_TEXT);
	ret->name = name;
	return soap_text(
	    a, xml_child(n, NULL, "Value"), LIMIT_CA_ATTRIBUTE, "ContextItem", &ret->value);
}

static err_t
items_get(struct arena *a, const struct xml_node *rst, struct wstep_request *r)
{
	const struct xml_node *context = xml_child(rst, NS_AUTH, "AdditionalContext");
	struct wstep_item items[LIMIT_CA_ATTRIBUTES];

	if (context == NULL)
		return OK;
	for (const struct xml_node *n = context->child; n != NULL; n = n->next) {
		if (strcmp(n->name, "ContextItem") != 0)
			continue;
		if (r->nitems == LIMIT_CA_ATTRIBUTES)
			FAIL(ERR_TOO_LARGE, "more than %u context items", LIMIT_CA_ATTRIBUTES);
		TRY(item_get(a, n, &items[r->nitems]));
		r->nitems++;
	}
	if (r->nitems > 0)
		r->items = arena_copy(a, items, r->nitems * sizeof(items[0]));
	return OK;
}

static err_t
header_get(struct arena *a, const struct xml_node *header, struct wstep_request *r)
{
	const char *action;

	TRY(soap_text(
	    a, xml_child(header, NS_ADDRESSING, "Action"), LIMIT_TEXT, "Action", &action));
	if (strcmp(action, URI_ACTION_REQUEST) != 0)
		FAIL(ERR_MALFORMED, "Action is not that of an enrolment request");
	TRY(soap_text(a, xml_child(header, NS_ADDRESSING, "MessageID"), LIMIT_TEXT, "MessageID",
	    &r->message_id));
	return soap_text(a, xml_child(header, NS_ADDRESSING, "To"), LIMIT_SAN_VALUE, "To", &r->to);
}

/* MS-WSTEP 3.1.4.1.1.1: one token for Issue, one request id for QueryTokenStatus */
static err_t
parts_check(const struct wstep_request *r)
{
	if (r->type == WSTEP_ISSUE && r->token.n == 0)
		FAIL(ERR_MALFORMED, "request without a BinarySecurityToken");
	if (r->type == WSTEP_QUERY && r->request_id[0] == '\0')
		FAIL(ERR_MALFORMED, "status query without a RequestID");
	return OK;
}

err_t
wstep_request_parse(struct arena *a, struct str xml, struct wstep_request *ret)
{
	struct wstep_request r = { 0 };
	struct xml_node *header, *body, *rst;
	const char *token_type;

	TRY(soap_open(a, xml, &header, &body));
	TRY(header_get(a, header, &r));
	rst = xml_child(body, NS_WST, "RequestSecurityToken");
	if (rst == NULL)
		FAIL(ERR_MALFORMED, "body without a RequestSecurityToken");
	TRY(soap_text(
	    a, xml_child(rst, NS_WST, "TokenType"), LIMIT_TEXT, "TokenType", &token_type));
	if (strcmp(token_type, URI_X509) != 0)
		FAIL(ERR_MALFORMED, "TokenType is not X509v3");
	TRY(type_get(rst, &r.type));
	TRY(base64_get(a, xml_child(rst, NS_WSSE, "BinarySecurityToken"), LIMIT_CSR_BYTES,
	    "BinarySecurityToken", &r.token));
	TRY(soap_text(
	    a, xml_child(rst, NS_ENROL, "RequestID"), LIMIT_TEXT, "RequestID", &r.request_id));
	TRY(soap_user_parse(a, header, &r.user));
	TRY(items_get(a, rst, &r));
	TRY(parts_check(&r));
	*ret = r;
	return OK;
}

static err_t
fault_get(struct arena *a, const struct xml_node *n, struct wstep_fault *f)
{
	const struct xml_node *detail =
	    xml_path(n, "Detail", "CertificateEnrollmentWSDetail", NULL);
	const char *code = "", *invalid = "";
	int64_t v = 0;

	TRY(soap_text(
	    a, xml_path(n, "Reason", "Text", NULL), LIMIT_LONG_TEXT, "Reason", &f->reason));
	f->request_id = "";
	if (detail == NULL)
		return OK;
	TRY(soap_text(a, xml_child(detail, NS_ENROL, "ErrorCode"), LIMIT_TEXT, "ErrorCode", &code));
	TRY(soap_text(a, xml_child(detail, NS_ENROL, "InvalidRequest"), LIMIT_TEXT,
	    "InvalidRequest", &invalid));
	TRY(soap_text(
	    a, xml_child(detail, NS_ENROL, "RequestID"), LIMIT_TEXT, "RequestID", &f->request_id));
	/* An HRESULT as signed decimal; some servers write it unsigned. */
	if (code[0] != '\0')
		TRY_CTX(text_i64(str_c(code), INT32_MIN, UINT32_MAX, &v), "ErrorCode");
	f->hresult = (uint32_t)v;
	f->invalid_request = strcmp(invalid, "true") == 0 || strcmp(invalid, "1") == 0;
	return OK;
}

static err_t
response_get(struct arena *a, const struct xml_node *collection, struct wstep_response *r)
{
	const struct xml_node *rstr = xml_child(collection, NS_WST, "RequestSecurityTokenResponse");
	const struct xml_node *token;

	if (rstr == NULL)
		FAIL(ERR_MALFORMED, "answer without a RequestSecurityTokenResponse");
	token = xml_child(rstr, NS_WST, "RequestedSecurityToken");
	TRY(soap_text(a, xml_child(rstr, NS_ENROL, "DispositionMessage"), LIMIT_LONG_TEXT,
	    "DispositionMessage", &r->disposition));
	TRY(base64_get(a, xml_child(rstr, NS_WSSE, "BinarySecurityToken"), LIMIT_CMS_BYTES,
	    "BinarySecurityToken", &r->pkcs7));
	TRY(base64_get(a, xml_child(token, NS_WSSE, "BinarySecurityToken"), LIMIT_CERT_BYTES,
	    "certificate", &r->leaf));
	TRY(soap_text(
	    a, xml_child(rstr, NS_ENROL, "RequestID"), LIMIT_TEXT, "RequestID", &r->request_id));
	r->service_url = "";
	if (token != NULL && xml_path(token, "SecurityTokenReference", "Reference", NULL) != NULL)
		r->service_url =
		    xml_attr(xml_path(token, "SecurityTokenReference", "Reference", NULL), "URI");
	if (r->service_url == NULL)
		r->service_url = "";
	return OK;
}

err_t
wstep_answer_parse(struct arena *a, struct str xml, bool *is_fault, struct wstep_response *ret,
    struct wstep_fault *fault)
{
	struct wstep_response r = { 0 };
	struct wstep_fault f = { 0 };
	struct xml_node *header, *body, *n;
	const char *relates_to;

	TRY(soap_open(a, xml, &header, &body));
	TRY(soap_text(a, xml_child(header, NS_ADDRESSING, "RelatesTo"), LIMIT_TEXT, "RelatesTo",
	    &relates_to));
	n = xml_child(body, NS_SOAP, "Fault");
	if (n != NULL) {
		TRY(fault_get(a, n, &f));
		f.relates_to = relates_to;
		*is_fault = true;
		*fault = f;
		return OK;
	}
	n = xml_child(body, NS_WST, "RequestSecurityTokenResponseCollection");
	if (n == NULL)
		FAIL(ERR_MALFORMED, "neither an answer nor a fault");
	TRY(response_get(a, n, &r));
	r.relates_to = relates_to;
	TRY(soap_text(a, xml_child(header, NS_ADDRESSING, "MessageID"), LIMIT_TEXT, "MessageID",
	    &r.message_id));
	*is_fault = false;
	*ret = r;
	return OK;
}
