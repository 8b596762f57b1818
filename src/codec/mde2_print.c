/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enrolment messages of Windows devices, writing: see mde2.h.
 *
 * The client is particular about namespaces: each body sets its default namespace on its own root, without prefixes.
 */
#include "codec/mde2.h"

#include "base/text.h"
#include "codec/mde2_ns.h"

enum { MESSAGE_MAX = 1 << 20 };

static err_t
element(struct buf *b, const char *name, const char *text)
{
	TRY(buf_printf(b, "<%s>", name));
	TRY(xml_put_text(b, text));
	return buf_printf(b, "</%s>", name);
}

static err_t
open_header(struct buf *b, const char *action, const char *relates_to)
{
	TRY(buf_puts(
	    b, "<s:Envelope xmlns:s=\"" NS_SOAP "\" xmlns:a=\"" NS_ADDRESSING "\"><s:Header>"));
	TRY(buf_printf(b, "<a:Action s:mustUnderstand=\"1\">%s</a:Action>", action));
	return relates_to[0] == '\0' ? OK : element(b, "a:RelatesTo", relates_to);
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

/* MS-MDE2 3.1.4.1.1.2 */
static err_t
discover(const struct mde2_services *s, struct buf *b)
{
	TRY(open_header(b, URI_DISCOVER "Response", s->relates_to));
	TRY(buf_printf(b,
	    "<ActivityId CorrelationId=\"%s\" xmlns=\"" NS_DIAGNOSTICS "\">%s</ActivityId>",
	    s->activity, s->activity));
	TRY(open_body(b));
	TRY(buf_puts(b, "<DiscoverResponse xmlns=\"" NS_MDE2 "\"><DiscoverResult>"));
	TRY(element(b, "AuthPolicy", s->auth == MDE2_FEDERATED ? "Federated" : "OnPremise"));
	TRY(element(b, "EnrollmentVersion", "4.0"));
	TRY(element(b, "EnrollmentPolicyServiceUrl", s->policy_url));
	TRY(element(b, "EnrollmentServiceUrl", s->enrol_url));
	if (s->auth == MDE2_FEDERATED)
		TRY(element(b, "AuthenticationServiceUrl", s->auth_url));
	TRY(buf_puts(b, "</DiscoverResult></DiscoverResponse>"));
	return close_envelope(b);
}

err_t
mde2_discover_print(const struct mde2_services *s, struct buf *out)
{
	auto_buf struct buf b;

	buf_init(&b, MESSAGE_MAX);
	TRY(discover(s, &b));
	return buf_put(out, buf_str(&b));
}

/* MS-XCEP 3.1.4.1.1.2. Without the OID in hashAlgorithmOIDReference the client signs its request with SHA-1. */
/* clang-format off */
#define NIL(name) "<" name " xsi:nil=\"true\"/>"
static const char policies[] =
    "<GetPoliciesResponse xmlns=\"" NS_XCEP "\" xmlns:xsi=\"" NS_XSI "\"><response>"
    "<policyID/>" NIL("policyFriendlyName") NIL("nextUpdateHours") NIL("policiesNotChanged")
    "<policies><policy><policyOIDReference>0</policyOIDReference>" NIL("cAs")
    "<attributes><commonName>ChanceryDevice</commonName><policySchema>3</policySchema>"
    "<certificateValidity><validityPeriodSeconds>31536000</validityPeriodSeconds>"
    "<renewalPeriodSeconds>5184000</renewalPeriodSeconds></certificateValidity>"
    "<permission><enroll>true</enroll><autoEnroll>false</autoEnroll></permission>"
    "<privateKeyAttributes><minimalKeyLength>2048</minimalKeyLength>" NIL("keySpec")
    NIL("keyUsageProperty") NIL("permissions") NIL("algorithmOIDReference") NIL("cryptoProviders")
    "</privateKeyAttributes>"
    "<revision><majorRevision>101</majorRevision><minorRevision>0</minorRevision></revision>"
    NIL("supersededPolicies") NIL("privateKeyFlags") NIL("subjectNameFlags")
    NIL("enrollmentFlags") NIL("generalFlags")
    "<hashAlgorithmOIDReference>0</hashAlgorithmOIDReference>"
    NIL("rARequirements") NIL("keyArchivalAttributes") NIL("extensions")
    "</attributes></policy></policies></response>" NIL("cAs")
    "<oIDs><oID><value>2.16.840.1.101.3.4.2.1</value><group>1</group>"
    "<oIDReferenceID>0</oIDReferenceID><defaultName>szOID_NIST_sha256</defaultName></oID></oIDs>"
    "</GetPoliciesResponse>";
/* clang-format on */

err_t
mde2_policy_print(const char *relates_to, struct buf *out)
{
	auto_buf struct buf b;

	buf_init(&b, MESSAGE_MAX);
	TRY(open_header(&b, URI_ACTION_POLICIES_RESPONSE, relates_to));
	TRY(open_body(&b));
	TRY(buf_puts(&b, policies));
	TRY(close_envelope(&b));
	return buf_put(out, buf_str(&b));
}

/* MS-MDE2 3.6.2.1.2 */
static err_t
response(struct arena *a, const char *relates_to, when_t now, struct str document, struct buf *b)
{
	TRY(open_header(b, URI_ACTION_RESPONSE, relates_to));
	TRY(buf_printf(b,
	    "<o:Security s:mustUnderstand=\"1\" xmlns:o=\"" NS_WSSE "\">"
	    "<u:Timestamp u:Id=\"_0\" xmlns:u=\"" NS_WSU "\"><u:Created>%s</u:Created>"
	    "<u:Expires>%s</u:Expires></u:Timestamp></o:Security>",
	    when_text(a, now), when_text(a, now + 300)));
	TRY(open_body(b));
	TRY(buf_puts(b,
	    "<RequestSecurityTokenResponseCollection xmlns=\"" NS_WST
	    "\"><RequestSecurityTokenResponse><TokenType>" URI_DEVICE_TOKEN "</TokenType>"
	    "<DispositionMessage xmlns=\"" NS_ENROL "\"/><RequestedSecurityToken>"
	    "<BinarySecurityToken ValueType=\"" URI_PROVISION_DOC "\" EncodingType=\"" URI_BASE64
	    "\" xmlns=\"" NS_WSSE "\">"));
	TRY(buf_puts(b, text_base64(a, document)));
	TRY(buf_puts(b,
	    "</BinarySecurityToken></RequestedSecurityToken><RequestID xmlns=\"" NS_ENROL
	    "\">0</RequestID></RequestSecurityTokenResponse>"
	    "</RequestSecurityTokenResponseCollection>"));
	return close_envelope(b);
}

err_t
mde2_response_print(
    struct arena *a, const char *relates_to, when_t now, struct str document, struct buf *out)
{
	auto_buf struct buf b;

	buf_init(&b, MESSAGE_MAX);
	TRY(response(a, relates_to, now, document, &b));
	return buf_put(out, buf_str(&b));
}

static const char *const subcodes[] = {
	[MDE2_MESSAGE_FORMAT] = "s:MessageFormat",
	[MDE2_AUTHENTICATION] = "s:Authentication",
	[MDE2_AUTHORIZATION] = "s:Authorization",
	[MDE2_CERTIFICATE_REQUEST] = "s:CertificateRequest",
	[MDE2_ENROLMENT_SERVER] = "s:EnrollmentServer",
	[MDE2_INTERNAL] = "a:InternalServiceFault",
};

/* The namespace is set where it is needed; the client looks for these names as they are written. */
static err_t
fault_detail(const char *type, const char *reason, struct buf *b)
{
	if (type[0] == '\0')
		return OK;
	TRY(buf_puts(b, "<s:Detail><DeviceEnrollmentServiceError xmlns=\"" NS_ENROL "\">"));
	TRY(element(b, "ErrorType", type));
	TRY(element(b, "Message", reason));
	return buf_puts(b, "</DeviceEnrollmentServiceError></s:Detail>");
}

static err_t
fault(enum mde2_fault kind, const char *type, const char *relates_to, const char *reason,
    struct buf *b)
{
	TRY(open_header(b, URI_ACTION_FAULT, relates_to));
	TRY(open_body(b));
	TRY(buf_printf(b,
	    "<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>%s</s:Value>"
	    "</s:Subcode></s:Code><s:Reason><s:Text xml:lang=\"en-US\">",
	    subcodes[kind]));
	TRY(xml_put_text(b, reason));
	TRY(buf_puts(b, "</s:Text></s:Reason>"));
	TRY(fault_detail(type, reason, b));
	TRY(buf_puts(b, "</s:Fault>"));
	return close_envelope(b);
}

err_t
mde2_fault_print(enum mde2_fault kind, const char *type, const char *relates_to, const char *reason,
    struct buf *out)
{
	auto_buf struct buf b;

	buf_init(&b, MESSAGE_MAX);
	TRY(fault(kind, type, relates_to, reason, &b));
	return buf_put(out, buf_str(&b));
}
