/* SPDX-License-Identifier: Apache-2.0 */
/* Does an entity match a $filter? See odata.h. */
#include "codec/odata_expr.h"

#include <strings.h>

bool
odata_is_cast(struct str segment)
{
	return segment.n > 0 && segment.p[0] != '@' && memchr(segment.p, '.', segment.n) != NULL;
}

/* The member named, case ignored as Graph does. */
static const json *
member(const json *obj, struct str name)
{
	for (void *it = json_iter(obj); it != NULL; it = json_iter_next(obj, it))
		if (str_ieq_c(name, json_iter_key(it)))
			return json_iter_value(it);
	return NULL;
}

err_t
odata_property(const json *entity, const char *path, const json **ret)
{
	struct str rest = str_c(path);
	const json *at = entity;

	while (rest.n > 0) {
		struct str name = str_cut(&rest, '/');

		if (odata_is_cast(name))
			continue;
		if (at != entity && json_is_null(at))
			break;
		at = member(at, name);
		if (at == NULL)
			FAIL(ERR_BAD_REQUEST, "property \"%s\" is not supported here", path);
	}
	*ret = json_is_null(at) ? NULL : at;
	return OK;
}

/* A JSON value or a literal, in one form. */
static err_t
operand_value(const struct odata_operand *o, const json *entity, struct odata_operand *ret)
{
	const json *v;

	*ret = *o;
	if (o->type != ODATA_PROPERTY)
		return OK;
	TRY(odata_property(entity, o->text, &v));
	if (v == NULL)
		ret->type = ODATA_NULL;
	else if (json_is_text(v))
		*ret = (struct odata_operand){ .type = ODATA_TEXT, .text = json_text(v) };
	else if (json_is_int(v))
		*ret = (struct odata_operand){ .type = ODATA_NUMBER, .number = json_int(v) };
	else if (json_is_bool(v))
		*ret = (struct odata_operand){ .type = ODATA_BOOL, .number = json_true(v) };
	else
		FAIL(ERR_BAD_REQUEST, "filtering by property \"%s\" is not supported", o->text);
	return OK;
}

/* The API writes dates as texts. */
static err_t
as_when(struct odata_operand *o)
{
	when_t t;

	if (o->type == ODATA_WHEN)
		return OK;
	if (o->type != ODATA_TEXT || !err_ok(when_parse(str_c(o->text), &t)))
		FAIL(ERR_BAD_REQUEST, "$filter compares a date with something else");
	*o = (struct odata_operand){ .type = ODATA_WHEN, .number = t };
	return OK;
}

static bool
holds(enum odata_op op, int order)
{
	switch (op) {
	case ODATA_EQ:
		return order == 0;
	case ODATA_NE:
		return order != 0;
	case ODATA_GT:
		return order > 0;
	case ODATA_GE:
		return order >= 0;
	case ODATA_LT:
		return order < 0;
	case ODATA_LE:
		break;
	}
	return order <= 0;
}

static err_t
compare(enum odata_op op, struct odata_operand a, struct odata_operand b, bool *ret)
{
	int order;

	if (a.type == ODATA_NULL || b.type == ODATA_NULL) {
		bool same = a.type == b.type;

		/* OData 4.01 11.2.6.1.1: null is only equal to itself and in no order with anything */
		*ret = op == ODATA_NE ? !same : same && (op == ODATA_EQ);
		return OK;
	}
	if (a.type == ODATA_WHEN || b.type == ODATA_WHEN) {
		TRY(as_when(&a));
		TRY(as_when(&b));
	}
	if (a.type != b.type)
		FAIL(ERR_BAD_REQUEST, "$filter compares values of different types");
	if (a.type == ODATA_TEXT)
		order = strcasecmp(a.text, b.text);
	else
		order = (a.number > b.number) - (a.number < b.number);
	*ret = holds(op, order);
	return OK;
}

static err_t
in_list(const struct odata_expr *e, const json *entity, bool *ret)
{
	struct odata_operand v;

	TRY(operand_value(&e->a, entity, &v));
	*ret = false;
	for (size_t i = 0; i < e->nlist && !*ret; i++)
		TRY(compare(ODATA_EQ, v, e->list[i], ret));
	return OK;
}

static bool
part_of(enum odata_kind kind, const char *text, const char *part)
{
	size_t n = strlen(text), k = strlen(part);

	if (k > n)
		return false;
	if (kind == ODATA_STARTS)
		return strncasecmp(text, part, k) == 0;
	if (kind == ODATA_ENDS)
		return strcasecmp(text + n - k, part) == 0;
	for (size_t i = 0; i + k <= n; i++)
		if (strncasecmp(text + i, part, k) == 0)
			return true;
	return false;
}

static err_t
text_function(const struct odata_expr *e, const json *entity, bool *ret)
{
	struct odata_operand v;

	TRY(operand_value(&e->a, entity, &v));
	if (v.type == ODATA_NULL) {
		*ret = false;
		return OK;
	}
	if (v.type != ODATA_TEXT)
		FAIL(ERR_BAD_REQUEST, "$filter: a text function over something else");
	*ret = part_of(e->kind, v.text, e->b.text);
	return OK;
}

static err_t
any_of(const struct odata_expr *e, const json *entity, bool *ret)
{
	const json *list;

	TRY(odata_property(entity, e->a.text, &list));
	if (list != NULL && !json_is_array(list))
		FAIL(ERR_BAD_REQUEST, "property \"%s\" is no list", e->a.text);
	*ret = false;
	for (size_t i = 0; i < json_count(list) && !*ret; i++)
		*ret = strcasecmp(json_text(json_at(list, i)), e->b.text) == 0;
	return OK;
}

/* Every member asked for is among those that are set. */
static err_t
has_flags(const struct odata_expr *e, const json *entity, bool *ret)
{
	struct str want = str_c(e->b.text);
	struct odata_operand v;

	TRY(operand_value(&e->a, entity, &v));
	if (v.type != ODATA_TEXT && v.type != ODATA_NULL)
		FAIL(ERR_BAD_REQUEST, "$filter: has over something else than flags");
	*ret = v.type == ODATA_TEXT;
	while (want.n > 0 && *ret) {
		struct str one = str_trim(str_cut(&want, ',')), have = str_c(v.text);
		bool found = false;

		while (have.n > 0 && !found) {
			struct str x = str_trim(str_cut(&have, ','));

			found = x.n == one.n &&
			    strncasecmp((const char *)x.p, (const char *)one.p, x.n) == 0;
		}
		*ret = found;
	}
	return OK;
}

static bool
is_of(const struct odata_expr *e, const json *entity)
{
	const char *type = json_text(json_get(entity, "@odata.type"));
	const char *want = e->b.text;

	type += type[0] == '#';
	want += want[0] == '#';
	return type[0] != '\0' && strcasecmp(type, want) == 0;
}

/* Both sides are looked at, so that a property that is not there is never passed over in silence; but what stands
 * behind an isof() that does not hold is about another type. */
static err_t
both(const struct odata_expr *e, const json *entity, bool *ret)
{
	bool left, right;

	TRY(odata_match(e->left, entity, &left));
	if (e->kind == ODATA_AND && e->left->kind == ODATA_ISOF && !left) {
		*ret = false;
		return OK;
	}
	TRY(odata_match(e->right, entity, &right));
	*ret = e->kind == ODATA_AND ? left && right : left || right;
	return OK;
}

err_t
odata_match(const struct odata_expr *expr, const json *entity, bool *ret)
{
	struct odata_operand a, b;
	bool inner;

	if (expr == NULL) {
		*ret = true;
		return OK;
	}
	switch (expr->kind) {
	case ODATA_AND:
	case ODATA_OR:
		return both(expr, entity, ret);
	case ODATA_NOT:
		TRY(odata_match(expr->left, entity, &inner));
		*ret = !inner;
		return OK;
	case ODATA_IN:
		return in_list(expr, entity, ret);
	case ODATA_CONTAINS:
	case ODATA_STARTS:
	case ODATA_ENDS:
		return text_function(expr, entity, ret);
	case ODATA_ISOF:
		*ret = is_of(expr, entity);
		return OK;
	case ODATA_ANY:
		return any_of(expr, entity, ret);
	case ODATA_HAS:
		return has_flags(expr, entity, ret);
	case ODATA_COMPARE:
		break;
	}
	TRY(operand_value(&expr->a, entity, &a));
	TRY(operand_value(&expr->b, entity, &b));
	return compare(expr->op, a, b, ret);
}

const char *
odata_demands(const struct odata_expr *expr, const char *name)
{
	const char *found;

	if (expr == NULL)
		return NULL;
	if (expr->kind == ODATA_AND) {
		found = odata_demands(expr->left, name);
		return found != NULL ? found : odata_demands(expr->right, name);
	}
	if (expr->kind != ODATA_COMPARE || expr->op != ODATA_EQ)
		return NULL;
	if (expr->a.type == ODATA_PROPERTY && expr->b.type == ODATA_TEXT)
		return strcasecmp(expr->a.text, name) == 0 ? expr->b.text : NULL;
	if (expr->b.type == ODATA_PROPERTY && expr->a.type == ODATA_TEXT)
		return strcasecmp(expr->b.text, name) == 0 ? expr->a.text : NULL;
	return NULL;
}

/* By one of these comparisons, or by being equal. */
static bool
bound(const struct odata_expr *expr, const char *name, int strict, int loose, int64_t *ret)
{
	if (expr == NULL)
		return false;
	if (expr->kind == ODATA_AND)
		return bound(expr->left, name, strict, loose, ret) ||
		    bound(expr->right, name, strict, loose, ret);
	if (expr->kind != ODATA_COMPARE ||
	    ((int)expr->op != strict && (int)expr->op != loose && expr->op != ODATA_EQ) ||
	    expr->a.type != ODATA_PROPERTY || expr->b.type != ODATA_WHEN ||
	    strcasecmp(expr->a.text, name) != 0)
		return false;
	*ret = expr->b.number;
	return true;
}

bool
odata_bounds(const struct odata_expr *expr, const char *name, int64_t *ret)
{
	return bound(expr, name, ODATA_LT, ODATA_LE, ret);
}

bool
odata_since(const struct odata_expr *expr, const char *name, int64_t *ret)
{
	return bound(expr, name, ODATA_GT, ODATA_GE, ret);
}

static int
rank(const json *j)
{
	return json_is_null(j) ? 0 :
	    json_is_bool(j)    ? 1 :
	    json_is_int(j)     ? 2 :
	    json_is_text(j)    ? 3 :
				 4;
}

int
odata_value_cmp(const json *a, const json *b)
{
	int ra = rank(a), rb = rank(b);

	if (ra != rb)
		return ra < rb ? -1 : 1;
	if (ra == 1)
		return (int)json_true(a) - (int)json_true(b);
	if (ra == 2)
		return (json_int(a) > json_int(b)) - (json_int(a) < json_int(b));
	return ra == 3 ? strcasecmp(json_text(a), json_text(b)) : 0;
}
