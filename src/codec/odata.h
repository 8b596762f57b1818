/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OData query options, as far as the API has them: $select, $expand, $filter, $orderby, $top,
 * $skip, $skiptoken, $count, $search, over entities in their JSON form.
 *
 * $filter: eq ne gt ge lt le; and or not; parentheses; name in (a,b); contains(name,'x')
 * startswith(name,'x') endswith(name,'x'); isof('microsoft.graph.type'), also without quotes; flags has 'member'; list/any(x:x eq 'value'). Operands: property paths
 * (a/b/c), also in tolower() or toupper(), and literals: 'text' with doubled quotes,
 * ns.enum'member', bare GUIDs, bare dates, whole numbers, true, false, null. Texts compare without
 * regard to ASCII case, as Graph's directory does; dates as instants. Unknown functions and
 * options, and properties that the entity has not, fail with ERR_BAD_REQUEST "... not supported":
 * nothing is silently ignored. Depth and length are bounded.
 *
 * Not here: turning a query into SQL. Callers that can narrow a query in the store do so before.
 */
#ifndef CODEC_ODATA_H
#define CODEC_ODATA_H

#include "base/limits.h"
#include "codec/json.h"

struct odata_expr;

struct odata_order {
	const char *name;
	bool descending;
};

struct odata {
	const char **select; /* NULL: everything */
	size_t nselect;
	struct odata_expr *filter; /* NULL: everything */
	struct odata_order *orders;
	size_t norders;
	const char **expand; /* names; the caller refuses those that it has not */
	size_t nexpand;
	const char *skiptoken; /* opaque; NULL if not given */
	const char *search;    /* text looked for; NULL if not given */
	const char *search_in; /* the property that it names; NULL: any that can be searched */
	int64_t top, skip;     /* -1, 0 if not given */
	bool count;            /* $count=true */
	unsigned given;        /* which options were there */
};

/* One pair of the query string, both decoded: name "$filter" or, as OData 4.01 allows, "filter". *taken false: the name
 * is none of OData's (it has no '$') and the caller's to judge. A repeated option fails. Set up *o
 * with odata_init(). */
void odata_init(struct odata *o);
err_t odata_option(
    struct arena *a, const char *name, const char *value, struct odata *o, bool *taken);

err_t odata_filter_parse(struct arena *a, const char *text, struct odata_expr **ret);
/* Does the entity match? expr NULL: yes. ERR_BAD_REQUEST for a property that the entity has not. */
err_t odata_match(const struct odata_expr *expr, const json *entity, bool *ret);
/* If the expression demands that property equal one text (name eq 'x', alone or under `and`): that text, so that the
 * caller can look it up by key; NULL: it does not. */
const char *odata_demands(const struct odata_expr *expr, const char *name);
/* The same for an upper bound of a date (name lt or le 2030-01-01T00:00:00Z), in seconds, the bound itself included. False:
 * it demands none. */
bool odata_bounds(const struct odata_expr *expr, const char *name, int64_t *ret);
/* And for a lower one (gt or ge). */
bool odata_since(const struct odata_expr *expr, const char *name, int64_t *ret);

/* Whether a property of the entity out of `names` (ended by NULL) holds the text of $search. ERR_BAD_REQUEST: $search names
 * one that is not among them. */
err_t odata_found(const struct odata *o, const char *const *names, const json *entity, bool *ret);

/* Takes every member away that is not selected; those that start with '@' and "id" stay. ERR_BAD_REQUEST for a name that
 * the entity has not. */
err_t odata_select(const struct odata *o, json *entity);
/* Sorts an array of n entities in place by $orderby, stable. ERR_BAD_REQUEST for a name that one
 * has not. */
err_t odata_sort(struct arena *a, const struct odata *o, json **entities, size_t n);

#endif
