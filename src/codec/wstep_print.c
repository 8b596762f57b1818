/* SPDX-License-Identifier: Apache-2.0 */
/* MS-WSTEP messages, writing: see wstep_msg.h. Each writes the whole message or nothing. */
#include "codec/wstep_msg.h"

#include "base/text.h"
#include "codec/wstep_ns.h"
#include "codec/xml.h"

enum { MESSAGE_MAX = 2 << 20 };

/* <name attributes>text</name>, the text escaped */
static err_t
element(struct buf *b, const char *name, const char *attributes, const char *text)
{
	TRY(buf_printf(b, "<%s%s>", name, attributes));
	TRY(xml_put_text(b, text));
	return buf_printf(b, "</%s>", name);
}

static err_t
token(struct arena *a, struct buf *b, const char *value_type, struct str bytes)
{
	TRY(buf_printf(b,
	    "<BinarySecurityToken ValueType=\"%s\" EncodingType=\"" URI_BASE64 "\" xmlns=\"" NS_WSSE
	    "\">",
	    value_type));
	TRY(buf_puts(b, text_base64(a, bytes)));
	return buf_puts(b, "</BinarySecurityToken>");
}

static err_t
request_id(struct buf *b, const char *id)
{
	if (id == NULL || id[0] == '\0')
		return buf_puts(b,
		    "<RequestID xsi:nil=\"true\" xmlns:xsi=\"" NS_XSI "\" xmlns=\"" NS_ENROL
		    "\"/>");
	return element(b, "RequestID", " xmlns=\"" NS_ENROL "\"", id);
}

static err_t
open_envelope(struct buf *b, const char *action)
{
	TRY(buf_puts(
	    b, "<s:Envelope xmlns:s=\"" NS_SOAP "\" xmlns:a=\"" NS_ADDRESSING "\"><s:Header>"));
	return element(b, "a:Action", " s:mustUnderstand=\"1\"", action);
}

static err_t
optional(struct buf *b, const char *name, const char *text)
{
	return text == NULL || text[0] == '\0' ? OK : element(b, name, "", text);
}

static err_t
open_body(struct buf *b)
{
	return buf_puts(b, "</s:Header><s:Body>");
}

static err_t
close_envelope(struct buf *b)
{
	return buf_puts(b, "</s:Body></s:Envelope>");
}

static err_t
context(struct buf *b, const struct wstep_request *r)
{
	if (r->nitems == 0)
		return OK;
	TRY(buf_puts(b, "<AdditionalContext xmlns=\"" NS_AUTH "\">"));
	for (size_t i = 0; i < r->nitems; i++) {
		TRY(buf_puts(b, "<ContextItem Name=\""));
		TRY(xml_put_text(b, r->items[i].name));
		TRY(buf_puts(b, "\">"));
		TRY(element(b, "Value", "", r->items[i].value));
		TRY(buf_puts(b, "</ContextItem>"));
	}
	return buf_puts(b, "</AdditionalContext>");
}

/* MS-WSTEP 3.1.4.1.1 */
static err_t
request(struct arena *a, const struct wstep_request *r, struct buf *b)
{
	TRY(open_envelope(b, URI_ACTION_REQUEST));
	TRY(optional(b, "a:MessageID", r->message_id));
	TRY(optional(b, "a:To", r->to));
	TRY(soap_user_print(b, &r->user));
	TRY(open_body(b));
	TRY(buf_puts(b, "<RequestSecurityToken PreferredLanguage=\"en-US\" xmlns=\"" NS_WST "\">"));
	TRY(element(b, "TokenType", "", URI_X509));
	TRY(element(b, "RequestType", "", r->type == WSTEP_ISSUE ? URI_ISSUE : URI_QUERY));
	if (r->type == WSTEP_ISSUE)
		TRY(token(a, b, URI_PKCS10, r->token));
	TRY(context(b, r));
	TRY(request_id(b, r->type == WSTEP_QUERY ? r->request_id : ""));
	TRY(buf_puts(b, "</RequestSecurityToken>"));
	return close_envelope(b);
}

/* Either the certificate, or where to ask for it. */
static err_t
requested(struct arena *a, const struct wstep_response *r, struct buf *b)
{
	TRY(buf_puts(b, "<RequestedSecurityToken>"));
	if (r->leaf.n > 0) {
		TRY(token(a, b, URI_X509, r->leaf));
	} else {
		TRY(buf_puts(b, "<SecurityTokenReference xmlns=\"" NS_WSSE "\"><Reference URI=\""));
		TRY(xml_put_text(b, r->service_url == NULL ? "" : r->service_url));
		TRY(buf_puts(b, "\"/></SecurityTokenReference>"));
	}
	return buf_puts(b, "</RequestedSecurityToken>");
}

/* MS-WSTEP 3.1.4.1.2 */
static err_t
response(struct arena *a, const struct wstep_response *r, struct buf *b)
{
	TRY(open_envelope(b, URI_ACTION_RESPONSE));
	TRY(optional(b, "a:MessageID", r->message_id));
	TRY(optional(b, "a:RelatesTo", r->relates_to));
	TRY(open_body(b));
	TRY(buf_puts(b,
	    "<RequestSecurityTokenResponseCollection xmlns=\"" NS_WST
	    "\"><RequestSecurityTokenResponse>"));
	TRY(element(b, "TokenType", "", URI_X509));
	TRY(element(
	    b, "DispositionMessage", " xml:lang=\"en-US\" xmlns=\"" NS_ENROL "\"", r->disposition));
	if (r->pkcs7.n > 0)
		TRY(token(a, b, URI_PKCS7, r->pkcs7));
	TRY(requested(a, r, b));
	TRY(request_id(b, r->request_id));
	TRY(buf_puts(
	    b, "</RequestSecurityTokenResponse></RequestSecurityTokenResponseCollection>"));
	return close_envelope(b);
}

/* MS-WSTEP 3.1.4.1.3: ErrorCode is the HRESULT as a signed number */
static err_t
fault(const struct wstep_fault *f, struct buf *b)
{
	TRY(open_envelope(b, URI_ACTION_FAULT));
	TRY(optional(b, "a:RelatesTo", f->relates_to));
	TRY(open_body(b));
	TRY(buf_puts(b, "<s:Fault><s:Code><s:Value>s:Receiver</s:Value></s:Code><s:Reason>"));
	TRY(element(b, "s:Text", " xml:lang=\"en-US\"", f->reason));
	TRY(buf_puts(
	    b, "</s:Reason><s:Detail><CertificateEnrollmentWSDetail xmlns=\"" NS_ENROL "\">"));
	TRY(buf_printf(b, "<ErrorCode>%d</ErrorCode>", (int32_t)f->hresult));
	TRY(element(b, "InvalidRequest", "", f->invalid_request ? "true" : "false"));
	TRY(request_id(b, f->request_id));
	TRY(buf_puts(b, "</CertificateEnrollmentWSDetail></s:Detail></s:Fault>"));
	return close_envelope(b);
}

err_t
wstep_request_print(struct arena *a, const struct wstep_request *r, struct buf *out)
{
	auto_buf struct buf b;

	buf_init(&b, MESSAGE_MAX);
	TRY(request(a, r, &b));
	return buf_put(out, buf_str(&b));
}

err_t
wstep_response_print(struct arena *a, const struct wstep_response *r, struct buf *out)
{
	auto_buf struct buf b;

	buf_init(&b, MESSAGE_MAX);
	TRY(response(a, r, &b));
	return buf_put(out, buf_str(&b));
}

err_t
wstep_fault_print(struct arena *a, const struct wstep_fault *f, struct buf *out)
{
	auto_buf struct buf b;

	(void)a;
	buf_init(&b, MESSAGE_MAX);
	TRY(fault(f, &b));
	return buf_put(out, buf_str(&b));
}
