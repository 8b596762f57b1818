/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/soap.h"

#include "base/limits.h"
#include "base/text.h"
#include "codec/wstep_ns.h"

err_t
soap_text(struct arena *a, const struct xml_node *n, size_t max, const char *what, const char **ret)
{
	struct str s = n == NULL ? STR_EMPTY : str_trim(str_c(n->text));

	if (s.n > max)
		FAIL(ERR_TOO_LARGE, "%s of %zu bytes, at most %zu", what, s.n, max);
	*ret = arena_cstr(a, s);
	return OK;
}

err_t
soap_open(struct arena *a, struct str xml, struct xml_node **ret_header, struct xml_node **ret_body)
{
	struct xml_node *root, *body;

	TRY(xml_parse(a, xml, &root));
	if (strcmp(root->ns, NS_SOAP) != 0 || strcmp(root->name, "Envelope") != 0)
		FAIL(ERR_MALFORMED, "not a SOAP 1.2 envelope");
	body = xml_child(root, NS_SOAP, "Body");
	if (body == NULL)
		FAIL(ERR_MALFORMED, "SOAP envelope without a body");
	*ret_header = xml_child(root, NS_SOAP, "Header");
	*ret_body = body;
	return OK;
}

err_t
soap_message_id(struct arena *a, struct str xml, const char **ret)
{
	struct xml_node *header, *body;

	TRY(soap_open(a, xml, &header, &body));
	return soap_text(
	    a, xml_child(header, NS_ADDRESSING, "MessageID"), LIMIT_TEXT, "MessageID", ret);
}

/* At most one of a name: with two, two readers could believe two people. */
static err_t
only_child(
    const struct xml_node *parent, const char *ns, const char *name, const struct xml_node **ret)
{
	const struct xml_node *one = NULL;

	for (const struct xml_node *n = parent->child; n != NULL; n = n->next) {
		if (strcmp(n->name, name) != 0 || strcmp(n->ns, ns) != 0)
			continue;
		if (one != NULL)
			FAIL(ERR_MALFORMED, "more than one %s", name);
		one = n;
	}
	*ret = one;
	return OK;
}

static err_t
time_get(const struct xml_node *parent, const char *name, when_t *ret)
{
	const struct xml_node *n = NULL;

	TRY(only_child(parent, NS_WSU, name, &n));
	if (n == NULL)
		return OK;
	TRY_CTX(when_parse(str_trim(str_c(n->text)), ret), "%s", name);
	return OK;
}

/* UsernameToken profile 3.1: without a Type it is PasswordText. The password's own blanks are part of it. */
static err_t
token_get(struct arena *a, const struct xml_node *token, struct soap_user *u)
{
	const struct xml_node *name = NULL, *password = NULL;
	const char *type;

	TRY(only_child(token, NS_WSSE, "Username", &name));
	TRY(only_child(token, NS_WSSE, "Password", &password));
	TRY(soap_text(a, name, LIMIT_TEXT, "Username", &u->name));
	if (u->name[0] == '\0')
		FAIL(ERR_MALFORMED, "UsernameToken without a Username");
	if (password == NULL)
		FAIL(ERR_MALFORMED, "UsernameToken without a Password");
	type = xml_attr(password, "Type");
	if (type != NULL && strcmp(type, URI_PASSWORD_TEXT) != 0)
		FAIL(ERR_MALFORMED, "only passwords of type PasswordText are taken");
	if (strlen(password->text) > LIMIT_TEXT)
		FAIL(ERR_TOO_LARGE, "Password of more than %u bytes", LIMIT_TEXT);
	u->password = password->text;
	return OK;
}

err_t
soap_user_parse(struct arena *a, const struct xml_node *header, struct soap_user *ret)
{
	struct soap_user u = { .name = "", .password = "" };
	const struct xml_node *security = NULL, *stamp = NULL, *token = NULL;

	if (header != NULL)
		TRY(only_child(header, NS_WSSE, "Security", &security));
	if (security != NULL) {
		TRY(only_child(security, NS_WSU, "Timestamp", &stamp));
		if (stamp != NULL) {
			TRY(time_get(stamp, "Created", &u.created));
			TRY(time_get(stamp, "Expires", &u.expires));
		}
		TRY(only_child(security, NS_WSSE, "UsernameToken", &token));
		if (token != NULL)
			TRY(token_get(a, token, &u));
	}
	*ret = u;
	return OK;
}

err_t
soap_user_print(struct buf *out, const struct soap_user *u)
{
	if (u->name == NULL || u->name[0] == '\0')
		return OK;
	TRY(buf_puts(out,
	    "<wsse:Security s:mustUnderstand=\"1\" xmlns:wsse=\"" NS_WSSE
	    "\"><wsse:UsernameToken><wsse:Username>"));
	TRY(xml_put_text(out, u->name));
	TRY(buf_puts(out, "</wsse:Username><wsse:Password Type=\"" URI_PASSWORD_TEXT "\">"));
	TRY(xml_put_text(out, u->password));
	return buf_puts(out, "</wsse:Password></wsse:UsernameToken></wsse:Security>");
}
