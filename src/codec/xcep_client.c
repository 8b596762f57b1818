/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/xcep_client.h"

#include "base/limits.h"
#include "codec/wstep_ns.h"

err_t
xcep_ask_print(struct arena *a, const char *message_id, const char *to,
    const struct soap_user *user, struct buf *out)
{
	auto_buf struct buf b;

	(void)a;
	buf_init(&b, LIMIT_XML_BYTES);
	TRY(buf_puts(&b,
	    "<s:Envelope xmlns:s=\"" NS_SOAP "\" xmlns:a=\"" NS_ADDRESSING
	    "\"><s:Header><a:Action s:mustUnderstand=\"1\">" URI_ACTION_POLICIES
	    "</a:Action><a:MessageID>"));
	TRY(xml_put_text(&b, message_id));
	TRY(buf_puts(&b, "</a:MessageID><a:To s:mustUnderstand=\"1\">"));
	TRY(xml_put_text(&b, to));
	TRY(buf_puts(&b, "</a:To>"));
	TRY(soap_user_print(&b, user));
	TRY(buf_puts(&b,
	    /* MS-XCEP 3.1.4.1.2.1: nil means everything, in whatever language. */
	    "</s:Header><s:Body><GetPolicies xmlns=\"" NS_XCEP "\" xmlns:xsi=\"" NS_XSI
	    "\"><client><lastUpdate xsi:nil=\"true\"/><preferredLanguage xsi:nil=\"true\"/></client>"
	    "<requestFilter xsi:nil=\"true\"/></GetPolicies></s:Body></s:Envelope>"));
	return buf_put(out, buf_str(&b));
}

static err_t
boolean(struct arena *a, const struct xml_node *parent, const char *name, bool *ret)
{
	const char *text;

	TRY(soap_text(a, xml_child(parent, NS_XCEP, name), LIMIT_TEXT, name, &text));
	if (strcmp(text, "true") != 0 && strcmp(text, "1") != 0 && strcmp(text, "false") != 0 &&
	    strcmp(text, "0") != 0)
		FAIL(ERR_MALFORMED, "%s is neither true nor false", name);
	*ret = text[0] == 't' || text[0] == '1';
	return OK;
}

static err_t
template_get(struct arena *a, const struct xml_node *policy, struct xcep_may *ret)
{
	const struct xml_node *attributes = xml_child(policy, NS_XCEP, "attributes");
	const struct xml_node *permission = xml_child(attributes, NS_XCEP, "permission");

	if (permission == NULL)
		FAIL(ERR_MALFORMED, "a policy without permission");
	TRY(soap_text(
	    a, xml_child(attributes, NS_XCEP, "commonName"), LIMIT_TEXT, "commonName", &ret->name));
	return boolean(a, permission, "enroll", &ret->enrol);
}

static err_t
templates_get(struct arena *a, const struct xml_node *list, struct xcep_answer *ret)
{
	ret->templates = arena_array(a, LIMIT_PAGE, sizeof(*ret->templates));
	for (const struct xml_node *n = list == NULL ? NULL : list->child; n != NULL; n = n->next) {
		if (strcmp(n->name, "policy") != 0)
			continue;
		if (ret->ntemplates == LIMIT_PAGE)
			FAIL(ERR_TOO_LARGE, "more than %u policies", LIMIT_PAGE);
		TRY(template_get(a, n, &ret->templates[ret->ntemplates]));
		ret->ntemplates++;
	}
	return OK;
}

err_t
xcep_answer_parse(struct arena *a, struct str xml, struct xcep_answer *ret)
{
	struct xcep_answer answer = { 0 };
	struct xml_node *header, *body;
	const struct xml_node *got, *response, *cas;

	TRY(soap_open(a, xml, &header, &body));
	got = xml_child(body, NS_XCEP, "GetPoliciesResponse");
	response = got == NULL ? NULL : xml_child(got, NS_XCEP, "response");
	if (response == NULL)
		FAIL(ERR_MALFORMED, "body without GetPoliciesResponse");
	TRY(templates_get(a, xml_child(response, NS_XCEP, "policies"), &answer));
	cas = xml_child(got, NS_XCEP, "cAs");
	for (const struct xml_node *n = cas == NULL ? NULL : cas->child; n != NULL; n = n->next) {
		bool may = false;

		TRY(boolean(a, n, "enrollPermission", &may));
		answer.cas += may;
	}
	*ret = answer;
	return OK;
}
