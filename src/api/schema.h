/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What kinds of entity there are beside their properties: name, links and actions, for /$metadata and for answers with
 * odata.metadata=full. Types that have no name of their own in the field tables get the one that Graph gives them.
 *
 * Not here: properties (the field tables), CSDL (metadata.c), the answers themselves (annotate.h).
 */
#ifndef API_SCHEMA_H
#define API_SCHEMA_H

#include "codec/field.h"

struct navigation {
	const char *name, *type;
	bool many, contained;
	bool cast; /* reached behind the entity's own type: .../<id>/microsoft.graph.x/<name> */
};

struct entity_kind {
	const char *set;                /* "users": as @odata.context names it */
	const char *type;               /* "user" */
	const struct navigation *links; /* ended by name NULL */
	const char *const *actions;     /* ended by NULL; NULL: none */
};
extern const struct entity_kind entity_kinds[]; /* ended by set NULL */

/* NULL: none of that set. */
const struct entity_kind *entity_kind_of(const char *set);
/* By type: "user"; NULL: it has none. */
const struct navigation *entity_links(const char *type);
/* Links of profiles of a type beside those of entity_links(): to their trusted root and to what else they name. */
struct profile_type;
const struct navigation *profile_links(struct arena *a, const struct profile_type *t);

/* "extendedKeyUsage" for the property extendedKeyUsages: what Graph calls the enumeration or complex type of this row. */
const char *schema_type_name(const struct field *f);

#endif
