/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XML, by libxml2: no DTD, no entities of its own, no network; bounded in bytes, depth and nodes. A read document is a
 * plain tree in the arena; writing is escaped text into a buf.
 */
#ifndef CODEC_XML_H
#define CODEC_XML_H

#include "base/arena.h"
#include "base/str.h"

struct xml_attr {
	const char *ns, *name, *value;
	struct xml_attr *next;
};

struct xml_node {
	const char *ns;   /* namespace URI; "" if none */
	const char *name; /* local */
	const char *text; /* all character data directly inside, joined; "" if none */
	struct xml_attr *attrs;
	struct xml_node *child, *next;
};

err_t xml_parse(struct arena *a, struct str text, struct xml_node **ret);
/* First child of that name; ns NULL: any. NULL: none. */
struct xml_node *xml_child(const struct xml_node *n, const char *ns, const char *name);
/* Down a path of local names: xml_path(root, "Body", "RequestSecurityToken", NULL). */
struct xml_node *xml_path(const struct xml_node *n, ...) __attribute__((sentinel));
const char *xml_attr(const struct xml_node *n, const char *name); /* NULL: none */
err_t xml_put_text(struct buf *b, const char *text);              /* escaped */

#endif
