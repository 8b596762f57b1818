/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/syncml.h"

#include "base/limits.h"
#include "base/text.h"
#include "codec/soap.h"
#include "codec/xml.h"

#define NS_SYNCML "SYNCML:SYNCML1.2"
#define NS_METINF "syncml:metinf"

enum { SESSION_MAX = 16 };

static const struct {
	const char *name;
	enum syncml_verb verb;
} verbs[] = {
	{ "Status", SYNCML_STATUS },
	{ "Results", SYNCML_RESULTS },
	{ "Alert", SYNCML_ALERT },
	{ "Replace", SYNCML_REPLACE },
};

static enum syncml_verb
verb_of(const char *name)
{
	for (size_t i = 0; i < COUNT(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return verbs[i].verb;
	return SYNCML_OTHER;
}

static err_t
text_get(struct arena *a, const struct xml_node *n, const char *name, size_t max, const char **ret)
{
	return soap_text(a, xml_child(n, NS_SYNCML, name), max, name, ret);
}

/* A number that must be there when min > 0 or needed. */
static err_t
number_get(struct arena *a, const struct xml_node *n, const char *name, int64_t min, bool needed,
    uint32_t *ret)
{
	const char *text;
	int64_t v = 0;

	TRY(text_get(a, n, name, LIMIT_TEXT, &text));
	if (text[0] == '\0' && needed)
		FAIL(ERR_MALFORMED, "%s has no %s", n->name, name);
	if (text[0] != '\0')
		TRY_CTX(text_i64(str_c(text), min, UINT32_MAX, &v), "%s", name);
	*ret = (uint32_t)v;
	return OK;
}

static err_t
uri_get(struct arena *a, const struct xml_node *n, const char *name, const char **ret)
{
	const struct xml_node *at = xml_child(n, NS_SYNCML, name);

	*ret = "";
	return at == NULL ? OK : text_get(a, at, "LocURI", LIMIT_SYNCML_URI, ret);
}

static err_t
item_get(struct arena *a, const struct xml_node *n, struct syncml_item *ret)
{
	const struct xml_node *meta = xml_child(n, NS_SYNCML, "Meta");

	ret->type = ret->format = "";
	TRY(uri_get(a, n, "Target", &ret->target));
	TRY(uri_get(a, n, "Source", &ret->source));
	TRY(text_get(a, n, "Data", LIMIT_SYNCML_DATA, &ret->data));
	if (meta != NULL) {
		TRY(soap_text(
		    a, xml_child(meta, NS_METINF, "Type"), LIMIT_TEXT, "Type", &ret->type));
		TRY(soap_text(
		    a, xml_child(meta, NS_METINF, "Format"), LIMIT_TEXT, "Format", &ret->format));
	}
	ret->more = xml_child(n, NS_SYNCML, "MoreData") != NULL;
	return OK;
}

static err_t
items_get(struct arena *a, const struct xml_node *n, struct syncml_command *c)
{
	struct syncml_item *items;
	size_t count = 0, i = 0;

	for (const struct xml_node *k = n->child; k != NULL; k = k->next)
		count += strcmp(k->name, "Item") == 0;
	if (count > LIMIT_SYNCML_ITEMS)
		FAIL(ERR_TOO_LARGE, "a command with %zu items, at most %u", count,
		    LIMIT_SYNCML_ITEMS);
	items = arena_array(a, count + 1, sizeof(*items));
	for (const struct xml_node *k = n->child; k != NULL; k = k->next)
		if (strcmp(k->name, "Item") == 0)
			TRY(item_get(a, k, &items[i++]));
	c->items = items;
	c->nitems = count;
	return OK;
}

/* MS-MDM 2.2.7.1: msft:originalerror is an HRESULT in hex. What cannot be read says nothing. */
static uint32_t
original_get(const struct xml_node *n)
{
	const struct xml_node *data = xml_child(n, NS_SYNCML, "Data");
	const char *text = data == NULL ? NULL : xml_attr(data, "originalerror");
	uint32_t v = 0;

	if (text == NULL || strncmp(text, "0x", 2) != 0 || strlen(text) > 10)
		return 0;
	for (const char *p = text + 2; *p != '\0'; p++) {
		const char *digits = "0123456789abcdef";
		const char *at = strchr(digits, *p >= 'A' && *p <= 'F' ? *p - 'A' + 'a' : *p);

		if (at == NULL)
			return 0;
		v = v << 4 | (uint32_t)(at - digits);
	}
	return v;
}

static err_t
command_get(struct arena *a, const struct xml_node *n, struct syncml_command *ret)
{
	struct syncml_command c = { .verb = verb_of(n->name), .name = n->name };

	TRY(number_get(a, n, "CmdID", 1, true, &c.id));
	if (c.verb == SYNCML_STATUS || c.verb == SYNCML_RESULTS) {
		/* A Results without MsgRef answers the message before; OMA-DM 1.2 representation 6.5. */
		TRY(number_get(a, n, "MsgRef", 0, false, &c.msg_ref));
		TRY(number_get(a, n, "CmdRef", 0, true, &c.cmd_ref));
	}
	if (c.verb == SYNCML_STATUS || c.verb == SYNCML_ALERT)
		TRY(number_get(a, n, "Data", 1, true, &c.code));
	if (c.verb == SYNCML_STATUS)
		c.original = original_get(n);
	TRY(items_get(a, n, &c));
	*ret = c;
	return OK;
}

static err_t
header_get(struct arena *a, const struct xml_node *root, struct syncml_message *m)
{
	const struct xml_node *head = xml_child(root, NS_SYNCML, "SyncHdr");
	const struct xml_node *meta = xml_child(head, NS_SYNCML, "Meta");
	const struct xml_node *size = xml_child(meta, NS_METINF, "MaxMsgSize");
	const char *version, *text;
	int64_t v;

	if (head == NULL)
		FAIL(ERR_MALFORMED, "a message without SyncHdr");
	TRY(text_get(a, head, "VerDTD", LIMIT_TEXT, &version));
	if (strcmp(version, "1.2") != 0)
		FAIL(ERR_MALFORMED, "VerDTD is not 1.2");
	TRY(text_get(a, head, "VerProto", LIMIT_TEXT, &version));
	if (strcmp(version, "DM/1.2") != 0)
		FAIL(ERR_MALFORMED, "VerProto is not DM/1.2");
	TRY(text_get(a, head, "SessionID", SESSION_MAX, &m->session));
	if (m->session[0] == '\0')
		FAIL(ERR_MALFORMED, "a message without SessionID");
	TRY(number_get(a, head, "MsgID", 1, true, &m->id));
	TRY(uri_get(a, head, "Target", &m->target));
	TRY(uri_get(a, head, "Source", &m->source));
	if (m->source[0] == '\0')
		FAIL(ERR_MALFORMED, "a message without Source");
	if (size == NULL)
		return OK;
	TRY(soap_text(a, size, LIMIT_TEXT, "MaxMsgSize", &text));
	TRY_CTX(text_i64(str_c(text), 0, UINT32_MAX, &v), "MaxMsgSize");
	m->max_size = (uint32_t)v;
	return OK;
}

static err_t
body_get(struct arena *a, const struct xml_node *body, struct syncml_message *m)
{
	struct syncml_command *v;
	size_t n = 0;

	for (const struct xml_node *k = body->child; k != NULL; k = k->next)
		n++;
	if (n > LIMIT_SYNCML_COMMANDS)
		FAIL(ERR_TOO_LARGE, "a message with %zu commands, at most %u", n,
		    LIMIT_SYNCML_COMMANDS);
	v = arena_array(a, n + 1, sizeof(*v));
	for (const struct xml_node *k = body->child; k != NULL; k = k->next) {
		if (strcmp(k->ns, NS_SYNCML) != 0)
			FAIL(ERR_MALFORMED, "%s is of another namespace", k->name);
		if (strcmp(k->name, "Final") == 0) {
			m->final = true;
			continue;
		}
		TRY(command_get(a, k, &v[m->ncommands]));
		m->ncommands++;
	}
	m->commands = v;
	return OK;
}

err_t
syncml_parse(struct arena *a, struct str xml, struct syncml_message *ret)
{
	struct syncml_message m = { 0 };
	struct xml_node *root, *body;

	TRY(xml_parse(a, xml, &root));
	if (strcmp(root->ns, NS_SYNCML) != 0 || strcmp(root->name, "SyncML") != 0)
		FAIL(ERR_MALFORMED, "not a SyncML 1.2 message");
	TRY(header_get(a, root, &m));
	body = xml_child(root, NS_SYNCML, "SyncBody");
	if (body == NULL)
		FAIL(ERR_MALFORMED, "a message without SyncBody");
	TRY(body_get(a, body, &m));
	*ret = m;
	return OK;
}
