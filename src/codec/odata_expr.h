/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of a $filter. Serves the files of codec/odata.h only. */
#ifndef CODEC_ODATA_EXPR_H
#define CODEC_ODATA_EXPR_H

#include "codec/odata.h"

enum odata_kind {
	ODATA_AND,     /* left, right */
	ODATA_OR,      /* left, right */
	ODATA_NOT,     /* left */
	ODATA_COMPARE, /* op, a, b */
	ODATA_IN,      /* a, list */
	ODATA_CONTAINS,
	ODATA_STARTS,
	ODATA_ENDS, /* a, b */
	ODATA_ISOF, /* b: the type's name */
	ODATA_ANY,  /* a: path of a list; b: one of its elements */
	ODATA_HAS,  /* a: flags as one text, members joined by comma; b: one or more of them */
};

enum odata_op { ODATA_EQ, ODATA_NE, ODATA_GT, ODATA_GE, ODATA_LT, ODATA_LE };

enum odata_operand_type {
	ODATA_PROPERTY,
	ODATA_TEXT,
	ODATA_WHEN,
	ODATA_NUMBER,
	ODATA_BOOL,
	ODATA_NULL
};

struct odata_operand {
	enum odata_operand_type type;
	const char *text; /* PROPERTY: path; TEXT: value; also GUIDs */
	int64_t number;   /* WHEN, NUMBER, BOOL */
};

struct odata_expr {
	enum odata_kind kind;
	struct odata_expr *left, *right;
	enum odata_op op;
	struct odata_operand a, b;
	struct odata_operand *list;
	size_t nlist;
};

/* A path of names in an entity, casts ("microsoft.graph.user/mail") left out. *ret NULL: it is null. ERR_BAD_REQUEST: the
 * entity has no such property. */
err_t odata_property(const json *entity, const char *path, const json **ret);
/* True for a segment that is a type's name. */
bool odata_is_cast(struct str segment);
/* <0, 0, >0; null before everything, false before true, texts without regard to ASCII case. */
int odata_value_cmp(const json *a, const json *b);

#endif
