/* SPDX-License-Identifier: Apache-2.0 */
/* Windows: enrolment by MS-MDE2 with a name and a code for its password (OnPremise), and leaving. */
#include "windows.h"

#include "base/limits.h"
#include "pki/csr.h"

#define ENR "http://schemas.microsoft.com/windows/management/2012/01/enrollment"
#define WST "http://docs.oasis-open.org/ws-sx/ws-trust/200512"
#define WSSE "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
#define WSU "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
#define PASSWORD_TEXT \
	"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText"
#define PKCS10 "http://schemas.microsoft.com/windows/pki/2009/01/enrollment#PKCS10"
#define CONFIG "http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment"
#define DISCOVER ENR "/IDiscoveryService/Discover"
#define RST "http://schemas.microsoft.com/windows/pki/2009/01/enrollment/RST/wstep"

static err_t
soap(struct device *d, struct fiber *f, struct arena *a, const char *url, const char *action,
    const char *header, const char *body, struct xml_node **ret)
{
	const char *text = arena_printf(a,
	    "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" "
	    "xmlns:a=\"http://www.w3.org/2005/08/addressing\" xmlns:u=\"" WSU
	    "\" xmlns:wsse=\"" WSSE "\" xmlns:wst=\"" WST
	    "\" xmlns:ac=\"http://schemas.xmlsoap.org/ws/2006/12/authorization\"><s:Header>"
	    "<a:Action s:mustUnderstand=\"1\">%s</a:Action><a:MessageID>urn:uuid:%s</a:MessageID><a:ReplyTo><a:Address>"
	    "http://www.w3.org/2005/08/addressing/anonymous</a:Address></a:ReplyTo><a:To s:mustUnderstand=\"1\">%s</a:To>%s"
	    "</s:Header><s:Body>%s</s:Body></s:Envelope>",
	    action, id_text(a, id_new()), url, header, body);
	struct link_ask q = { .method = "POST",
		.url = url,
		.headers =
		    "Content-Type: application/soap+xml; charset=utf-8\r\nUser-Agent: ENROLLClient\r\n",
		.body = str_c(text) };
	struct link_got got;

	TRY(link_exchange(&d->link, f, a, &q, &got));
	if (got.status == 500 && memmem(got.body.p, got.body.n, "InternalServiceFault", 20) != NULL)
		FAIL(ERR_BUSY, "%s", action);
	TRY(expect_status(a, &got, 200, action));
	return xml_parse(a, got.body, ret);
}

/* Any node of that name, wherever it stands. */
static const struct xml_node *
find(const struct xml_node *n, const char *name)
{
	for (; n != NULL; n = n->next) {
		const struct xml_node *below;

		if (strcmp(n->name, name) == 0)
			return n;
		below = find(n->child, name);
		if (below != NULL)
			return below;
	}
	return NULL;
}

static err_t
discover(struct device *d, struct fiber *f, struct arena *a, const char **ret_url)
{
	const char *url = arena_printf(a, "%s/EnrollmentServer/Discovery.svc", d->fleet->url);
	const char *body = arena_printf(a,
	    "<Discover xmlns=\"" ENR
	    "\"><request><EmailAddress>%s</EmailAddress><RequestVersion>5.0</RequestVersion>"
	    "<DeviceType>CIMClient_Windows</DeviceType><ApplicationVersion>10.0.22631.0</ApplicationVersion>"
	    "<OSEdition>4</OSEdition><AuthPolicies><AuthPolicy>OnPremise</AuthPolicy></AuthPolicies></request></Discover>",
	    d->user);
	const struct xml_node *service;
	struct xml_node *root;

	TRY(soap(d, f, a, url, DISCOVER, "", body, &root));
	service = find(root, "EnrollmentServiceUrl");
	if (service == NULL || strncmp(service->text, "https://", 8) != 0)
		FAIL(ERR_MALFORMED, "no EnrollmentServiceUrl");
	*ret_url = service->text;
	return OK;
}

static const char *
security(struct arena *a, const struct device *d)
{
	return arena_printf(a,
	    "<wsse:Security s:mustUnderstand=\"1\"><wsse:UsernameToken><wsse:Username>%s</wsse:Username><wsse:Password "
	    "wsse:Type=\"" PASSWORD_TEXT
	    "\">%s</wsse:Password></wsse:UsernameToken></wsse:Security>",
	    d->user, d->code);
}

static const char *
context(struct arena *a, const struct device *d)
{
	const struct {
		const char *name, *value;
	} items[] = { { "DeviceName", device_name(a, d) },
		{ "DeviceID", windows_of((struct device *)d)->device_id }, { "OSEdition", "4" },
		{ "EnrollmentType", "Full" }, { "DeviceType", "CIMClient_Windows" },
		{ "OSVersion", "10.0.22631.2861" }, { "RequestVersion", "5.0" },
		{ "Locale", "en-US" } };
	const char *text = "";

	for (size_t i = 0; i < COUNT(items); i++)
		text = arena_printf(a,
		    "%s<ac:ContextItem Name=\"%s\"><ac:Value>%s</ac:Value></ac:ContextItem>", text,
		    items[i].name, items[i].value);
	return arena_printf(a,
	    "<ac:AdditionalContext xmlns=\"http://schemas.xmlsoap.org/ws/2006/12/authorization\">%s</ac:AdditionalContext>",
	    text);
}

static const struct xml_node *
characteristic(const struct xml_node *n, const char *type)
{
	for (n = n == NULL ? NULL : n->child; n != NULL; n = n->next) {
		const char *t = xml_attr(n, "type");

		if (strcmp(n->name, "characteristic") == 0 && t != NULL && strcmp(t, type) == 0)
			return n;
	}
	return NULL;
}

static const char *
parm(const struct xml_node *n, const char *name)
{
	for (n = n == NULL ? NULL : n->child; n != NULL; n = n->next) {
		const char *t = xml_attr(n, "name");

		if (strcmp(n->name, "parm") == 0 && t != NULL && strcmp(t, name) == 0)
			return xml_attr(n, "value");
	}
	return NULL;
}

/* MS-MDE2 3.6: wap-provisioningdoc. */
static err_t
provision(struct device *d, struct arena *a, const struct xml_node *doc)
{
	const struct xml_node *my =
	    characteristic(characteristic(characteristic(doc, "CertificateStore"), "My"), "User");
	const struct xml_node *entry = my == NULL ? NULL : my->child;
	const char *encoded = parm(entry, "EncodedCertificate");
	const char *address = parm(characteristic(doc, "APPLICATION"), "ADDR");
	struct windows *w = windows_of(d);
	struct str der;

	if (encoded == NULL || address == NULL || strncmp(address, "https://", 8) != 0)
		FAIL(ERR_MALFORMED, "the document has no certificate or no address");
	TRY(text_unbase64(a, str_c(encoded), &der));
	TRY(device_joined(d, der));
	free(w->address);
	w->address = strdup(address);
	return OK;
}

static err_t
enrol(struct device *d, struct fiber *f)
{
	auto_arena struct arena *a = arena_new();
	struct dn_ava cn = { "2.5.4.3", windows_of(d)->device_id };
	struct dn_rdn rdn = { &cn, 1 };
	struct csr_spec spec = { 0 };
	const struct xml_node *token;
	struct xml_node *root, *doc;
	struct str csr, document;
	const char *url, *body;

	TRY(discover(d, f, a, &url));
	TRY(dn_encode(a, &(struct dn){ &rdn, 1 }, &spec.subject));
	TRY(csr_make(a, d->key, &spec, &csr));
	body = arena_printf(a,
	    "<wst:RequestSecurityToken><wst:TokenType>" CONFIG
	    "/DeviceEnrollmentToken</wst:TokenType><wst:RequestType>" WST
	    "/Issue</wst:RequestType><wsse:BinarySecurityToken ValueType=\"" PKCS10
	    "\" EncodingType=\"" WSSE
	    "#base64binary\">%s</wsse:BinarySecurityToken>%s</wst:RequestSecurityToken>",
	    text_base64(a, csr), context(a, d));
	TRY(soap(d, f, a, url, RST, security(a, d), body, &root));
	token = find(find(root, "RequestedSecurityToken"), "BinarySecurityToken");
	if (token == NULL)
		FAIL(ERR_MALFORMED, "no token");
	TRY(text_unbase64(a, str_c(token->text), &document));
	TRY(xml_parse(a, document, &doc));
	return provision(d, a, doc);
}

/* The person disconnects the account: the session that tells it is the last. */
static err_t
leave(struct device *d, struct fiber *f)
{
	auto_arena struct arena *a = arena_new();
	struct windows *w = windows_of(d);
	const char *text = arena_printf(a,
	    "<SyncML xmlns=\"SYNCML:SYNCML1.2\"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>%X"
	    "</SessionID><MsgID>1</MsgID><Target><LocURI>%s</LocURI></Target><Source><LocURI>%s</LocURI></Source></SyncHdr>"
	    "<SyncBody><Alert><CmdID>2</CmdID><Data>1226</Data><Item><Meta><Type xmlns=\"syncml:metinf\">"
	    "com.microsoft:mdm.unenrollment.userrequest</Type><Format xmlns=\"syncml:metinf\">int</Format></Meta>"
	    "<Data>1</Data></Item></Alert><Final/></SyncBody></SyncML>",
	    w->session % 9999 + 1, w->address, w->device_id);
	struct link_ask q = { .method = "POST",
		.url = w->address,
		.headers = "Content-Type: application/vnd.syncml.dm+xml; charset=utf-8\r\n",
		.body = str_c(text) };
	struct link_got got;

	TRY(link_exchange(&d->link, f, a, &q, &got));
	TRY(expect_status(a, &got, 200, "the last session"));
	windows_forget(d);
	device_holds(d, 0);
	return OK;
}

const struct platform platform_windows = { "windows", enrol, windows_session, leave, windows_forget,
	false };
