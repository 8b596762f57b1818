/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/mde2.h"
#include "codec/wap.h"
#include "device/identity.h"
#include "device/windows_ask.h"
#include "device/windows_msg.h"
#include "device/windows_state.h"
#include "model/enrol.h"
#include "pki/cert.h"
#include "pki/cms.h"

enum { ANSWER_MAX = 1 << 20, POLL_MINUTES = 60, RENEW_DAYS = 60, RENEW_EVERY = 4 };

static err_t
answer(struct http_req *r, const struct buf *b)
{
	http_reply_header(r, "Cache-Control", "no-store");
	return http_reply(r, 200, MDE2_CONTENT_TYPE, buf_str(b));
}

static const char *
address(struct http_req *r, const char *path)
{
	const struct device_edge *edge = http_ctx(r);

	return arena_printf(http_arena(r), "%s%s", edge->url, path);
}

/* ---- discovery ---- */

/* The client only asks whether there is anybody. */
err_t
windows_discovery_probe(struct http_req *r)
{
	return http_reply(r, 200, MDE2_CONTENT_TYPE, STR_EMPTY);
}

/* The page is the better way to enter a code; who cannot show it sends name and password. */
err_t
windows_discovery(struct http_req *r)
{
	auto_buf struct buf b = { 0 };
	struct arena *a = http_arena(r);
	struct mde2_discover q;
	struct mde2_services s = {
		.activity = id_text(a, id_new()),
		.policy_url = address(r, WINDOWS_ENROL_PATH "Policy.svc"),
		.enrol_url = address(r, WINDOWS_ENROL_PATH "Enrollment.svc"),
		.auth_url = address(r, WINDOWS_ENROL_PATH "Auth"),
	};

	buf_init(&b, ANSWER_MAX);
	TRY(mde2_discover_parse(a, http_body(r), &q));
	if (q.auth == 0)
		FAIL(ERR_UNSUPPORTED, "the device offers neither OnPremise nor Federated");
	s.relates_to = q.message_id;
	s.auth = q.auth & MDE2_FEDERATED ? MDE2_FEDERATED : MDE2_ON_PREMISE;
	TRY(mde2_discover_print(&s, &b));
	return answer(r, &b);
}

/* ---- who asks ---- */

/* The code that the caller shows. A code for a person is good under that person's name only. */
static err_t
prove(
    struct http_req *r, const struct mde2_caller *who, const char **ret_code, struct user *ret_user)
{
	const struct device_edge *edge = http_ctx(r);
	const char *code = who->token[0] != '\0' ? who->token : who->user.password;
	struct user u = { 0 };

	if (code == NULL || code[0] == '\0')
		FAIL(ERR_CODE, "the message has neither a password nor a token");
	TRY(enrol_code_look(edge->store, http_arena(r), CODE_DEVICE, code, &u));
	if (!id_is_zero(u.id) && who->user.name[0] != '\0' &&
	    !str_ieq_c(str_c(who->user.name), u.upn))
		FAIL(ERR_CODE, "the code is for another user than %.64s",
		    text_safe(http_arena(r), str_c(who->user.name)));
	*ret_code = code;
	*ret_user = u;
	return OK;
}

err_t
windows_policy(struct http_req *r)
{
	auto_buf struct buf b = { 0 };
	struct mde2_caller who;
	const char *code;
	struct user user;

	buf_init(&b, ANSWER_MAX);
	TRY(mde2_policy_parse(http_arena(r), http_body(r), &who));
	TRY(prove(r, &who, &code, &user));
	TRY(mde2_policy_print(who.message_id, &b));
	return answer(r, &b);
}

/* ---- the certificate ---- */

/* Numbers of GetProductInfo() as model and API name the editions. */
static const struct {
	const char *number, *name;
} editions[] = {
	{ "4", "Enterprise" },
	{ "27", "EnterpriseN" },
	{ "48", "Professional" },
	{ "49", "ProfessionalN" },
	{ "101", "Core" },
	{ "121", "Education" },
	{ "122", "EducationN" },
	{ "125", "EnterpriseS" },
	{ "161", "ProfessionalWorkstation" },
};

static struct device
facts_of(struct arena *a, const struct mde2_request *q)
{
	struct device d = {
		.platform = "windows",
		.os = "Windows",
		.name = q->device_name,
		.machine_id = windows_machine(a, q->device_id),
		.os_version = q->os_version,
		.wifi_mac = q->mac,
		.imei = q->imei,
	};

	for (size_t i = 0; i < COUNT(editions); i++)
		if (strcmp(editions[i].number, q->os_edition) == 0)
			d.sku = editions[i].name;
	return d;
}

static struct wap_cert
wap_cert_of(struct arena *a, struct str der)
{
	return (struct wap_cert){ windows_sha1(a, der), der };
}

static err_t
reply_document(struct http_req *r, const struct mde2_request *q, const struct wap_doc *doc)
{
	auto_buf struct buf text = { 0 };
	auto_buf struct buf b = { 0 };
	struct arena *a = http_arena(r);

	buf_init(&text, ANSWER_MAX);
	buf_init(&b, ANSWER_MAX);
	TRY(wap_print(a, doc, &text));
	TRY(mde2_response_print(a, q->who.message_id, when_now(), buf_str(&text), &b));
	return answer(r, &b);
}

static struct wap_doc
document(struct arena *a, const struct mde2_request *q, const struct identity_issued *issued)
{
	return (struct wap_doc){
		.of_machine = q->of_machine,
		.own = wap_cert_of(a, issued->der),
		.renew_days = RENEW_DAYS,
		.renew_every = RENEW_EVERY,
		.renewal = q->renewal,
	};
}

static err_t
enrol(struct http_req *r, const struct mde2_request *q)
{
	const struct device_edge *edge = http_ctx(r);
	struct arena *a = http_arena(r);
	struct device facts = facts_of(a, q);
	struct identity_issued issued;
	struct wap_doc doc;
	struct user user;
	const char *code;

	TRY(prove(r, &q->who, &code, &user));
	TRY(identity_enrol(edge, a, code, q->token, &facts, &issued));
	TRY(windows_place_put(edge->store, a, issued.device, q->of_machine));
	doc = document(a, q, &issued);
	/* One root and one CA between: there is no room for more, and no need. */
	if (edge->nroots > 0)
		doc.root = wap_cert_of(a, edge->roots[0]);
	if (issued.nchain > 0 && (edge->nroots == 0 || !str_eq(issued.chain[0], edge->roots[0])))
		doc.intermediate = wap_cert_of(a, issued.chain[0]);
	doc.provider = WINDOWS_PROVIDER;
	doc.name = "Chancery";
	doc.addr = address(r, WINDOWS_MANAGE_PATH);
	doc.device_id = id_text(a, issued.device);
	doc.subject = arena_printf(a, "OU=Chancery Devices,CN=%s", doc.device_id);
	doc.device_name = q->device_name;
	doc.upn = user.upn == NULL ? "" : user.upn;
	doc.poll_minutes = POLL_MINUTES;
	return reply_document(r, q, &doc);
}

/* ROBO: the old certificate in TLS, and the same over the new request. MS-MDE2 3.6 */
static err_t
renew(struct http_req *r, struct mde2_request *q)
{
	const struct device_edge *edge = http_ctx(r);
	struct arena *a = http_arena(r);
	struct identity_issued issued;
	struct str csr, signer;
	struct wap_doc doc;

	TRY(device_gate(r, DEVICE_ENROLLED));
	TRY(cms_signed_open(a, q->token, &csr, &signer));
	if (!str_eq(signer, http_peer_cert(r)))
		FAIL(ERR_DEVICE_UNKNOWN,
		    "the request is signed by another certificate than that of the connection");
	TRY(identity_again(edge, a, device_caller(r), csr, &issued));
	/* The device looks for it where the enrolment said (SSLCLIENTCERTSEARCHCRITERIA). */
	TRY(windows_place_get(edge->store, a, issued.device, &q->of_machine));
	doc = document(a, q, &issued);
	return reply_document(r, q, &doc);
}

err_t
windows_enrol(struct http_req *r)
{
	struct mde2_request q;

	TRY(mde2_request_parse(http_arena(r), http_body(r), &q));
	return q.renewal ? renew(r, &q) : enrol(r, &q);
}

/* ---- failures ---- */

static const struct {
	enum err_code code;
	enum mde2_fault kind;
	const char *type; /* "": none */
} kinds[] = {
	{ ERR_XML, MDE2_MESSAGE_FORMAT, "" },
	{ ERR_MALFORMED, MDE2_MESSAGE_FORMAT, "" },
	{ ERR_TOO_LARGE, MDE2_MESSAGE_FORMAT, "" },
	{ ERR_BASE64, MDE2_MESSAGE_FORMAT, "" },
	{ ERR_UTF8, MDE2_MESSAGE_FORMAT, "" },
	{ ERR_UNSUPPORTED, MDE2_MESSAGE_FORMAT, "NotSupported" },
	{ ERR_CODE, MDE2_AUTHENTICATION, "" },
	{ ERR_ENROL_OVERTAKEN, MDE2_AUTHENTICATION, "" },
	{ ERR_DEVICE_UNKNOWN, MDE2_AUTHENTICATION, "" },
	{ ERR_IDENTITY_OVER, MDE2_AUTHENTICATION, "" },
	{ ERR_USER_DISABLED, MDE2_AUTHORIZATION, "" },
	{ ERR_RENEWALS, MDE2_AUTHORIZATION, "NotEligibleToRenew" },
	{ ERR_DEVICE_RETIRED, MDE2_AUTHORIZATION, "" },
	{ ERR_DEVICE_WIPED, MDE2_AUTHORIZATION, "" },
	{ ERR_DEVICE_REPLACED, MDE2_AUTHORIZATION, "" },
	{ ERR_DEVICE_ELSEWHERE, MDE2_AUTHORIZATION, "" },
	{ ERR_CSR, MDE2_CERTIFICATE_REQUEST, "" },
	{ ERR_CSR_SIGNATURE, MDE2_CERTIFICATE_REQUEST, "" },
	{ ERR_KEY, MDE2_CERTIFICATE_REQUEST, "" },
	{ ERR_KEY_SIZE, MDE2_CERTIFICATE_REQUEST, "" },
	{ ERR_CMS, MDE2_CERTIFICATE_REQUEST, "" },
	{ ERR_DER, MDE2_CERTIFICATE_REQUEST, "" },
	{ ERR_CA_DENIED, MDE2_ENROLMENT_SERVER, "" },
	{ ERR_BUSY, MDE2_ENROLMENT_SERVER, "InMaintenance" },
	{ ERR_UNREACHABLE, MDE2_ENROLMENT_SERVER, "InMaintenance" },
	{ ERR_TIMEOUT, MDE2_ENROLMENT_SERVER, "InMaintenance" },
	{ ERR_TLS, MDE2_ENROLMENT_SERVER, "InMaintenance" },
};

static enum mde2_fault
kind_of(enum err_code code, const char **ret_type)
{
	*ret_type = "";
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (kinds[i].code == code) {
			*ret_type = kinds[i].type;
			return kinds[i].kind;
		}
	return MDE2_INTERNAL;
}

static err_t
reply_fault(struct http_req *r, const struct err_report *rep)
{
	auto_buf struct buf b = { 0 };
	const struct err_info *info = err_info(rep->code);
	struct arena *a = http_arena(r);
	const char *relates_to = "", *type;
	enum mde2_fault kind = kind_of(rep->code, &type);
	err_t e;

	buf_init(&b, ANSWER_MAX);
	e = soap_message_id(a, http_body(r), &relates_to);
	if (!err_ok(e)) {
		err_forget(e);
		relates_to = "";
	}
	TRY(mde2_fault_print(
	    kind, type, relates_to, arena_printf(a, "%s; %s", info->text, info->hint), &b));
	/* SOAP 1.2 part 2 7.5.2: a fault of the receiver is a 500. */
	return http_reply(r, 500, MDE2_CONTENT_TYPE, buf_str(&b));
}

bool
windows_enrol_error(struct http_req *r, const struct err_report *rep)
{
	err_t e;

	if (strncasecmp(http_path(r), WINDOWS_ENROL_PATH, strlen(WINDOWS_ENROL_PATH)) != 0 ||
	    http_method(r) != HTTP_POST)
		return false;
	e = reply_fault(r, rep);
	if (err_ok(e))
		return true;
	err_forget(e);
	return false;
}
