/* SPDX-License-Identifier: Apache-2.0 */
/* XML documents: see xml.h. */
#include "codec/xml.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/tree.h>

#include "base/limits.h"
#include "base/text.h"

struct copying {
	struct arena *a;
	size_t nodes, depth;
};

/* Any document type declaration ends the reading before its first entity. */
static void
refuse_dtd(void *ctx, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
	xmlParserCtxtPtr p = ctx;

	(void)name;
	(void)external;
	(void)system;
	*(bool *)p->_private = true;
	xmlStopParser(p);
}

static const char *
text_of(struct copying *c, const xmlNode *n)
{
	const xmlNode *found = NULL;
	size_t len = 0, at = 0;
	char *text;

	for (const xmlNode *k = n->children; k != NULL; k = k->next) {
		if (k->type != XML_TEXT_NODE && k->type != XML_CDATA_SECTION_NODE)
			continue;
		found = k;
		len += k->content == NULL ? 0 : strlen((const char *)k->content);
	}
	if (found == NULL)
		return "";
	text = arena_alloc(c->a, len + 1);
	for (const xmlNode *k = n->children; k != NULL; k = k->next) {
		if (k->type != XML_TEXT_NODE && k->type != XML_CDATA_SECTION_NODE)
			continue;
		len = k->content == NULL ? 0 : strlen((const char *)k->content);
		if (len > 0)
			memcpy(text + at, k->content, len);
		at += len;
	}
	return text;
}

static const char *
uri_of(struct copying *c, const xmlNs *ns)
{
	return ns == NULL || ns->href == NULL ? "" : arena_strdup(c->a, (const char *)ns->href);
}

static struct xml_attr *
attr_copy(struct copying *c, const xmlAttr *from)
{
	struct xml_attr *to = ARENA_NEW(c->a, struct xml_attr);

	to->ns = uri_of(c, from->ns);
	to->name = arena_strdup(c->a, (const char *)from->name);
	to->value = from->children == NULL || from->children->content == NULL ?
	    "" :
	    arena_strdup(c->a, (const char *)from->children->content);
	return to;
}

static err_t
node_copy(struct copying *c, const xmlNode *from, struct xml_node **ret)
{
	struct xml_node *to = ARENA_NEW(c->a, struct xml_node);
	struct xml_attr **attr = &to->attrs;
	struct xml_node **child = &to->child;

	if (c->depth == LIMIT_XML_DEPTH)
		FAIL(ERR_XML, "nested deeper than %u", LIMIT_XML_DEPTH);
	if (++c->nodes > LIMIT_XML_NODES)
		FAIL(ERR_XML, "more than %u elements and attributes", LIMIT_XML_NODES);
	to->ns = uri_of(c, from->ns);
	to->name = arena_strdup(c->a, (const char *)from->name);
	to->text = text_of(c, from);
	for (const xmlAttr *x = from->properties; x != NULL; x = x->next) {
		if (++c->nodes > LIMIT_XML_NODES)
			FAIL(ERR_XML, "more than %u elements and attributes", LIMIT_XML_NODES);
		*attr = attr_copy(c, x);
		attr = &(*attr)->next;
	}
	c->depth++;
	for (const xmlNode *k = from->children; k != NULL; k = k->next) {
		if (k->type != XML_ELEMENT_NODE)
			continue;
		TRY(node_copy(c, k, child));
		child = &(*child)->next;
	}
	c->depth--;
	*ret = to;
	return OK;
}

static err_t
read_failure(xmlParserCtxtPtr p, bool dtd)
{
	const char *m = p->lastError.message == NULL ? "not XML" : p->lastError.message;

	if (dtd)
		FAIL(ERR_XML, "a document type declaration is not allowed");
	FAIL(ERR_XML, "line %d: %.*s", p->lastError.line, (int)strcspn(m, "\n"), m);
}

err_t
xml_parse(struct arena *a, struct str text, struct xml_node **ret)
{
	struct copying c = { .a = a };
	bool dtd = false;
	xmlParserCtxtPtr p;
	xmlDocPtr doc;
	err_t e;

	if (text.n == 0)
		FAIL(ERR_XML, "empty");
	if (text.n > LIMIT_XML_BYTES)
		FAIL(ERR_TOO_LARGE, "XML of %zu bytes, at most %u", text.n, LIMIT_XML_BYTES);
	TRY(text_utf8(text));
	xmlInitParser();
	p = xmlNewParserCtxt();
	if (p == NULL)
		abort();
	p->_private = &dtd;
	p->sax->internalSubset = refuse_dtd;
	/* No NOENT, no DTDLOAD, no HUGE: nothing is fetched, nothing expanded, depth is bounded. */
	doc = xmlCtxtReadMemory(p, (const char *)text.p, (int)text.n, NULL, "UTF-8",
	    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	if (doc == NULL || dtd || !p->nsWellFormed || xmlDocGetRootElement(doc) == NULL)
		e = read_failure(p, dtd);
	else
		e = node_copy(&c, xmlDocGetRootElement(doc), ret);
	xmlFreeDoc(doc);
	xmlFreeParserCtxt(p);
	return e;
}

struct xml_node *
xml_child(const struct xml_node *n, const char *ns, const char *name)
{
	if (n == NULL)
		return NULL;
	for (struct xml_node *k = n->child; k != NULL; k = k->next)
		if (strcmp(k->name, name) == 0 && (ns == NULL || strcmp(k->ns, ns) == 0))
			return k;
	return NULL;
}

struct xml_node *
xml_path(const struct xml_node *n, ...)
{
	struct xml_node *at = NULL;
	const char *name;
	va_list ap;

	va_start(ap, n);
	for (name = va_arg(ap, const char *); name != NULL; name = va_arg(ap, const char *)) {
		at = xml_child(at == NULL ? n : at, NULL, name);
		if (at == NULL)
			break;
	}
	va_end(ap);
	return at;
}

const char *
xml_attr(const struct xml_node *n, const char *name)
{
	for (const struct xml_attr *x = n->attrs; x != NULL; x = x->next)
		if (strcmp(x->name, name) == 0)
			return x->value;
	return NULL;
}

static const char *
entity(uint8_t c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	case '\r':
		return "&#13;"; /* readers turn a bare one into a line feed */
	case '\n':
		return "&#10;"; /* and this one into a blank, within attributes */
	case '\t':
		return "&#9;";
	}
	return NULL;
}

err_t
xml_put_text(struct buf *b, const char *text)
{
	size_t start = b->n;
	err_t e = text_utf8(str_c(text));

	for (const uint8_t *p = (const uint8_t *)text; err_ok(e) && *p != '\0'; p++) {
		const char *safe = entity(*p);

		/* XML 1.0 2.2: no other controls, not even escaped; nor U+FFFE and U+FFFF */
		if ((*p < 0x20 && safe == NULL) || (p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe))
			e = ERROR(ERR_XML, "a character that XML cannot hold");
		else
			e = safe == NULL ? buf_putc(b, *p) : buf_puts(b, safe);
	}
	if (!err_ok(e))
		b->n = start;
	return e;
}
