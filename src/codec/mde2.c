/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolment messages of Windows devices, reading: see mde2.h. Writing: mde2_print.c. */
#include "codec/mde2.h"

#include "base/limits.h"
#include "base/text.h"
#include "codec/mde2_ns.h"

enum { ITEMS_MAX = 128 };

static err_t
action_check(struct arena *a, const struct xml_node *header, const char *want)
{
	const char *action;

	TRY(soap_text(
	    a, xml_child(header, NS_ADDRESSING, "Action"), LIMIT_TEXT, "Action", &action));
	if (strcmp(action, want) != 0)
		FAIL(ERR_MALFORMED, "Action is not %s", want);
	return OK;
}

static err_t
message_id(struct arena *a, const struct xml_node *header, const char **ret)
{
	return soap_text(
	    a, xml_child(header, NS_ADDRESSING, "MessageID"), LIMIT_TEXT, "MessageID", ret);
}

/* ---- discovery ---- */

static unsigned
auth_of(const struct xml_node *policies)
{
	unsigned auth = 0;

	for (const struct xml_node *n = policies == NULL ? NULL : policies->child; n != NULL;
	     n = n->next) {
		struct str name = str_trim(str_c(n->text));

		if (str_eq_c(name, "OnPremise"))
			auth |= MDE2_ON_PREMISE;
		if (str_eq_c(name, "Federated"))
			auth |= MDE2_FEDERATED;
	}
	return auth;
}

err_t
mde2_discover_parse(struct arena *a, struct str xml, struct mde2_discover *ret)
{
	struct mde2_discover d = { 0 };
	struct xml_node *header, *body, *request;
	const struct xml_node *policies;

	TRY(soap_open(a, xml, &header, &body));
	TRY(action_check(a, header, URI_DISCOVER));
	TRY(message_id(a, header, &d.message_id));
	request = xml_path(body, "Discover", "request", NULL);
	if (request == NULL || strcmp(request->ns, NS_MDE2) != 0)
		FAIL(ERR_MALFORMED, "body without a Discover request");
	TRY(soap_text(
	    a, xml_child(request, NS_MDE2, "EmailAddress"), LIMIT_TEXT, "EmailAddress", &d.email));
	policies = xml_child(request, NS_MDE2, "AuthPolicies");
	d.auth = policies == NULL ? MDE2_ON_PREMISE : auth_of(policies);
	*ret = d;
	return OK;
}

/* ---- who asks ---- */

/* What the web page gave the device comes back in base64. MS-MDE2 3.4 */
static err_t
token_get(struct arena *a, const struct xml_node *header, const char **ret)
{
	const struct xml_node *security = xml_child(header, NS_WSSE, "Security");
	const struct xml_node *n = xml_child(security, NS_WSSE, "BinarySecurityToken");
	const char *type = n == NULL ? NULL : xml_attr(n, "ValueType");
	struct str bytes;

	*ret = "";
	if (n == NULL)
		return OK;
	if (type == NULL || strcmp(type, URI_USER_TOKEN) != 0)
		FAIL(ERR_MALFORMED, "a security token of another kind than this service gives out");
	if (strlen(n->text) > LIMIT_SECURITY_TOKEN)
		FAIL(ERR_TOO_LARGE, "a security token of more than %u bytes", LIMIT_SECURITY_TOKEN);
	TRY_CTX(text_unbase64(a, str_c(n->text), &bytes), "BinarySecurityToken");
	return text_cstr(a, bytes, ret);
}

static err_t
caller_get(struct arena *a, const struct xml_node *header, struct mde2_caller *ret)
{
	TRY(message_id(a, header, &ret->message_id));
	TRY(soap_user_parse(a, header, &ret->user));
	return token_get(a, header, &ret->token);
}

err_t
mde2_policy_parse(struct arena *a, struct str xml, struct mde2_caller *ret)
{
	struct mde2_caller c = { 0 };
	struct xml_node *header, *body;

	TRY(soap_open(a, xml, &header, &body));
	TRY(action_check(a, header, URI_ACTION_POLICIES));
	if (xml_child(body, NS_XCEP, "GetPolicies") == NULL)
		FAIL(ERR_MALFORMED, "body without GetPolicies");
	TRY(caller_get(a, header, &c));
	*ret = c;
	return OK;
}

/* ---- the request ---- */

/* The first of a name counts: a device has several MAC addresses and names the one in use first. */
static err_t
items_get(struct arena *a, const struct xml_node *context, struct mde2_request *r)
{
	const char *kind = "";
	const struct {
		const char *name;
		const char **to;
	} wanted[] = {
		{ "DeviceName", &r->device_name },
		{ "DeviceID", &r->device_id },
		{ "OSVersion", &r->os_version },
		{ "OSEdition", &r->os_edition },
		{ "MAC", &r->mac },
		{ "IMEI", &r->imei },
		{ "EnrollmentType", &kind },
	};
	size_t n = 0;

	for (size_t i = 0; i < COUNT(wanted); i++)
		*wanted[i].to = "";
	for (const struct xml_node *k = context == NULL ? NULL : context->child; k != NULL;
	     k = k->next) {
		const char *name = xml_attr(k, "Name");

		if (++n > ITEMS_MAX)
			FAIL(ERR_TOO_LARGE, "more than %d context items", ITEMS_MAX);
		for (size_t i = 0; name != NULL && i < COUNT(wanted); i++)
			if (strcmp(name, wanted[i].name) == 0 && **wanted[i].to == '\0')
				TRY(soap_text(a, xml_child(k, NS_AUTH, "Value"), LIMIT_TEXT,
				    wanted[i].name, wanted[i].to));
	}
	r->of_machine = strcmp(kind, "Device") == 0;
	return OK;
}

static err_t
kind_get(struct arena *a, const struct xml_node *rst, bool *ret_renewal)
{
	const char *type, *uri;

	TRY(soap_text(a, xml_child(rst, NS_WST, "TokenType"), LIMIT_TEXT, "TokenType", &type));
	if (strcmp(type, URI_DEVICE_TOKEN) != 0)
		FAIL(ERR_MALFORMED, "TokenType is not that of a device enrolment");
	TRY(soap_text(a, xml_child(rst, NS_WST, "RequestType"), LIMIT_TEXT, "RequestType", &uri));
	*ret_renewal = strcmp(uri, URI_RENEW) == 0;
	if (!*ret_renewal && strcmp(uri, URI_ISSUE) != 0)
		FAIL(ERR_MALFORMED, "RequestType is neither Issue nor Renew");
	return OK;
}

static err_t
certificate_request_get(struct arena *a, const struct xml_node *rst, struct mde2_request *r)
{
	const struct xml_node *n = xml_child(rst, NS_WSSE, "BinarySecurityToken");
	const char *type = n == NULL ? NULL : xml_attr(n, "ValueType");

	if (type == NULL)
		FAIL(ERR_MALFORMED, "request without a BinarySecurityToken");
	/* MS-MDE2 3.6.2.1.1.1 and what clients send are two names of it. */
	if (r->renewal ? strcmp(type, URI_PKCS7) != 0 && strcmp(type, URI_PKCS7_ENROL) != 0 :
			 strcmp(type, URI_PKCS10) != 0)
		FAIL(ERR_MALFORMED, "the certificate request is of another kind than RequestType");
	TRY_CTX(text_unbase64(a, str_c(n->text), &r->token), "BinarySecurityToken");
	if (r->token.n == 0 || r->token.n > LIMIT_CSR_BYTES)
		FAIL(ERR_TOO_LARGE, "a certificate request of %zu bytes", r->token.n);
	return OK;
}

err_t
mde2_request_parse(struct arena *a, struct str xml, struct mde2_request *ret)
{
	struct mde2_request r = { 0 };
	struct xml_node *header, *body, *rst;

	TRY(soap_open(a, xml, &header, &body));
	TRY(action_check(a, header, URI_ACTION_REQUEST));
	rst = xml_child(body, NS_WST, "RequestSecurityToken");
	if (rst == NULL)
		FAIL(ERR_MALFORMED, "body without a RequestSecurityToken");
	TRY(kind_get(a, rst, &r.renewal));
	/* Who renews says so by the certificate; what a client leaves in the header beside it is not looked at. */
	r.who = (struct mde2_caller){ .user = { .name = "", .password = "" }, .token = "" };
	TRY(r.renewal ? message_id(a, header, &r.who.message_id) : caller_get(a, header, &r.who));
	TRY(certificate_request_get(a, rst, &r));
	TRY(items_get(a, xml_child(rst, NS_AUTH, "AdditionalContext"), &r));
	*ret = r;
	return OK;
}
