/* SPDX-License-Identifier: Apache-2.0 */
/*
 * $filter text to tree, by recursive descent: see odata.h.
 *
 *   or   = and *( "or" and )          and = term *( "and" term )
 *   term = "not" term | "(" or ")" | function "(" ... ")" | operand op operand | operand "in" "(" list ")"
 */
#include "codec/odata_expr.h"

#include "base/limits.h"

struct lexer {
	struct arena *a;
	const char *text;
	size_t at, n;
	unsigned depth, items;
};

static void
skip_blanks(struct lexer *l)
{
	while (l->at < l->n && (l->text[l->at] == ' ' || l->text[l->at] == '\t'))
		l->at++;
}

#define FAIL_FILTER(l, what) \
	FAIL(ERR_BAD_REQUEST, "$filter, character %zu: %s", (l)->at + 1, (what))

static bool
word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("_.:/+-@#$", c) != NULL);
}

/* The word that comes next, without taking it. */
static struct str
peek_word(struct lexer *l)
{
	size_t end;

	skip_blanks(l);
	for (end = l->at; end < l->n && word_char(l->text[end]); end++)
		;
	return str_of(l->text + l->at, end - l->at);
}

static bool
take_char(struct lexer *l, char c)
{
	skip_blanks(l);
	if (l->at >= l->n || l->text[l->at] != c)
		return false;
	l->at++;
	return true;
}

static bool
take_word(struct lexer *l, const char *word)
{
	struct str w = peek_word(l);

	if (!str_eq_c(w, word))
		return false;
	l->at += w.n;
	return true;
}

static err_t
need_char(struct lexer *l, char c)
{
	if (!take_char(l, c))
		FAIL(ERR_BAD_REQUEST, "$filter, character %zu: '%c' is expected", l->at + 1, c);
	return OK;
}

/* After the opening quote. Two quotes are one. */
static err_t
quoted_take(struct lexer *l, const char **ret)
{
	auto_buf struct buf b;

	buf_init(&b, LIMIT_FILTER);
	for (;;) {
		if (l->at == l->n)
			FAIL_FILTER(l, "a closing quote is missing");
		if (l->text[l->at] == '\'') {
			l->at++;
			if (l->at == l->n || l->text[l->at] != '\'')
				break;
		}
		TRY(buf_putc(&b, (uint8_t)l->text[l->at++]));
	}
	*ret = arena_cstr(l->a, buf_str(&b));
	return OK;
}

static bool
is_name(struct str w)
{
	bool start = true;

	for (size_t i = 0; i < w.n; i++) {
		char c = (char)w.p[i];
		bool letter =
		    (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '@';

		if (start ? !letter : !letter && (c < '0' || c > '9') && c != '.' && c != '/')
			return false;
		start = c == '/';
	}
	return w.n > 0 && !start;
}

/* A word that is a value: true, false, null, GUID, whole number, date. */
static bool
literal_read(struct lexer *l, struct str w, struct odata_operand *ret)
{
	struct odata_operand o = { .type = ODATA_BOOL };
	struct id id;
	when_t when;
	err_t e;

	if (str_eq_c(w, "true") || str_eq_c(w, "false")) {
		o.number = w.n == 4;
	} else if (str_eq_c(w, "null")) {
		o.type = ODATA_NULL;
	} else if (err_ok(e = id_parse(w, &id))) {
		o.type = ODATA_TEXT;
		o.text = id_text(l->a, id);
	} else if (err_ok(e = text_i64(w, INT64_MIN, INT64_MAX, &o.number))) {
		o.type = ODATA_NUMBER;
	} else if (err_ok(e = when_parse(w, &when)) ||
	    (w.n == 10 &&
		err_ok(
		    e = when_parse(
			str_c(arena_printf(l->a, "%.10sT00:00:00Z", (const char *)w.p)), &when)))) {
		o.type = ODATA_WHEN;
		o.number = when;
	} else {
		err_forget(e);
		return false;
	}
	*ret = o;
	return true;
}

static err_t
operand_take(struct lexer *l, struct odata_operand *ret)
{
	struct odata_operand o = { .type = ODATA_TEXT };
	struct str w = peek_word(l);

	if (++l->items > LIMIT_FILTER_ITEMS)
		FAIL_FILTER(l, "too many terms");
	if (w.n == 0) {
		if (!take_char(l, '\''))
			FAIL_FILTER(l, "a property or a value is expected");
		TRY(quoted_take(l, &o.text));
	} else if (l->at + w.n < l->n && l->text[l->at + w.n] == '\'') {
		/* microsoft.graph.complianceState'compliant' */
		l->at += w.n + 1;
		TRY(quoted_take(l, &o.text));
	} else if (literal_read(l, w, &o)) {
		l->at += w.n;
	} else if (is_name(w)) {
		l->at += w.n;
		if (l->at < l->n && l->text[l->at] == '(')
			FAIL(ERR_BAD_REQUEST, "$filter: function \"%s\" is not supported here",
			    arena_cstr(l->a, w));
		o.type = ODATA_PROPERTY;
		o.text = arena_cstr(l->a, w);
	} else {
		FAIL(
		    ERR_BAD_REQUEST, "$filter: value \"%s\" is not supported", arena_cstr(l->a, w));
	}
	*ret = o;
	return OK;
}

static struct odata_expr *
node(struct lexer *l, enum odata_kind kind)
{
	struct odata_expr *e = ARENA_NEW(l->a, struct odata_expr);

	e->kind = kind;
	return e;
}

/* tolower(x) and toupper(x) are x: texts compare without regard to case. */
static err_t
side_take(struct lexer *l, struct odata_operand *ret)
{
	struct str w = peek_word(l);
	bool folded = (str_eq_c(w, "tolower") || str_eq_c(w, "toupper")) && l->at + w.n < l->n &&
	    l->text[l->at + w.n] == '(';

	if (!folded)
		return operand_take(l, ret);
	l->at += w.n + 1;
	TRY(operand_take(l, ret));
	return need_char(l, ')');
}

static err_t
list_take(struct lexer *l, struct odata_expr *e)
{
	struct odata_operand list[LIMIT_FILTER_ITEMS];
	size_t n = 0;

	TRY(need_char(l, '('));
	do {
		if (n == COUNT(list))
			FAIL_FILTER(l, "too many values");
		TRY(operand_take(l, &list[n]));
		if (list[n].type == ODATA_PROPERTY)
			FAIL_FILTER(l, "a property within a list is not supported");
		n++;
	} while (take_char(l, ','));
	TRY(need_char(l, ')'));
	e->list = arena_copy(l->a, list, n * sizeof(list[0]));
	e->nlist = n;
	return OK;
}

static err_t
compare_take(struct lexer *l, struct odata_expr **ret)
{
	static const char *const ops[] = { [ODATA_EQ] = "eq",
		[ODATA_NE] = "ne",
		[ODATA_GT] = "gt",
		[ODATA_GE] = "ge",
		[ODATA_LT] = "lt",
		[ODATA_LE] = "le" };
	struct odata_expr *e = node(l, ODATA_COMPARE);

	TRY(side_take(l, &e->a));
	if (take_word(l, "has")) {
		e->kind = ODATA_HAS;
		TRY(operand_take(l, &e->b));
		if (e->b.type != ODATA_TEXT)
			FAIL_FILTER(l, "has takes the members of a flags property in quotes");
		*ret = e;
		return OK;
	}
	if (take_word(l, "in")) {
		e->kind = ODATA_IN;
		TRY(list_take(l, e));
		*ret = e;
		return OK;
	}
	for (size_t i = 0; i < COUNT(ops); i++) {
		if (!take_word(l, ops[i]))
			continue;
		e->op = (enum odata_op)i;
		TRY(side_take(l, &e->b));
		*ret = e;
		return OK;
	}
	FAIL(ERR_BAD_REQUEST, "$filter, character %zu: operator \"%s\" is not supported", l->at + 1,
	    arena_cstr(l->a, peek_word(l)));
}

/* name/any(x:x eq 'v'): whether a list holds the value. Other lambdas are not supported. */
static err_t
any_take(struct lexer *l, struct str w, struct odata_expr **ret)
{
	struct odata_expr *e = node(l, ODATA_ANY);
	struct str var;
	size_t n;

	e->a.type = ODATA_PROPERTY;
	e->a.text = arena_cstr(l->a, str_of(w.p, w.n - 4));
	l->at += w.n + 1;
	w = peek_word(l);
	for (n = 0; n < w.n && w.p[n] != ':'; n++)
		;
	var = str_of(w.p, n);
	if (n == 0 || n == w.n || !is_name(var))
		FAIL_FILTER(l, "any() is written any(x:x eq 'value')");
	l->at += n + 1;
	if (!take_word(l, arena_cstr(l->a, var)) || !take_word(l, "eq"))
		FAIL_FILTER(l, "any() is written any(x:x eq 'value')");
	TRY(operand_take(l, &e->b));
	if (e->b.type != ODATA_TEXT)
		FAIL_FILTER(l, "a text in quotes is expected");
	TRY(need_char(l, ')'));
	*ret = e;
	return OK;
}

/* If a function of ours comes next: its call. */
static err_t
function_take(struct lexer *l, struct odata_expr **ret)
{
	static const struct {
		const char *name;
		enum odata_kind kind;
		bool property;
	} functions[] = { { "contains", ODATA_CONTAINS, true },
		{ "startswith", ODATA_STARTS, true }, { "endswith", ODATA_ENDS, true },
		{ "isof", ODATA_ISOF, false } };
	struct str w = peek_word(l);
	bool call = l->at + w.n < l->n && l->text[l->at + w.n] == '(';

	if (call && w.n > 4 && str_eq_c(str_of(w.p + w.n - 4, 4), "/any"))
		return any_take(l, w, ret);
	for (size_t i = 0; call && i < COUNT(functions); i++) {
		struct odata_expr *e;

		if (!str_eq_c(w, functions[i].name))
			continue;
		e = node(l, functions[i].kind);
		l->at += w.n + 1;
		if (functions[i].property) {
			TRY(side_take(l, &e->a));
			TRY(need_char(l, ','));
		}
		TRY(operand_take(l, &e->b));
		if (e->kind == ODATA_ISOF && e->b.type == ODATA_PROPERTY &&
		    strchr(e->b.text, '.') != NULL)
			e->b.type = ODATA_TEXT; /* scripts leave the quotes of a type out */
		if (e->b.type != ODATA_TEXT)
			FAIL_FILTER(l, "a text in quotes is expected");
		TRY(need_char(l, ')'));
		*ret = e;
		return OK;
	}
	return compare_take(l, ret);
}

static err_t or_take(struct lexer *l, struct odata_expr **ret);

static err_t
term_take(struct lexer *l, struct odata_expr **ret)
{
	struct odata_expr *e;

	if (l->depth == LIMIT_FILTER_DEPTH)
		FAIL_FILTER(l, "nested too deep");
	l->depth++;
	if (take_word(l, "not")) {
		e = node(l, ODATA_NOT);
		TRY(term_take(l, &e->left));
	} else if (take_char(l, '(')) {
		TRY(or_take(l, &e));
		TRY(need_char(l, ')'));
	} else {
		TRY(function_take(l, &e));
	}
	l->depth--;
	*ret = e;
	return OK;
}

static err_t
and_take(struct lexer *l, struct odata_expr **ret)
{
	struct odata_expr *left, *e;

	TRY(term_take(l, &left));
	while (take_word(l, "and")) {
		e = node(l, ODATA_AND);
		e->left = left;
		TRY(term_take(l, &e->right));
		left = e;
	}
	*ret = left;
	return OK;
}

static err_t
or_take(struct lexer *l, struct odata_expr **ret)
{
	struct odata_expr *left, *e;

	TRY(and_take(l, &left));
	while (take_word(l, "or")) {
		e = node(l, ODATA_OR);
		e->left = left;
		TRY(and_take(l, &e->right));
		left = e;
	}
	*ret = left;
	return OK;
}

err_t
odata_filter_parse(struct arena *a, const char *text, struct odata_expr **ret)
{
	struct lexer l = { .a = a, .text = text, .n = strlen(text) };
	struct odata_expr *e;

	if (l.n > LIMIT_FILTER)
		FAIL(ERR_BAD_REQUEST, "$filter is longer than %u bytes", LIMIT_FILTER);
	TRY(or_take(&l, &e));
	skip_blanks(&l);
	if (l.at < l.n)
		FAIL_FILTER(&l, "not supported from here on");
	*ret = e;
	return OK;
}
