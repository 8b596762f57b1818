/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of assignment filters, text to tree: see rule.h. Matching: rule_match.c. */
#include "codec/rule_tree.h"

struct lexer {
	struct arena *a;
	const char *text;
	size_t at, n;
	unsigned depth, terms;
	unsigned platform;
};

#define FAIL_RULE(l, ...) \
	FAIL(ERR_FILTER_RULE, "character %zu: %s", (l)->at + 1, arena_printf((l)->a, __VA_ARGS__))

static void
skip_blanks(struct lexer *l)
{
	while (l->at < l->n && strchr(" \t\r\n", l->text[l->at]) != NULL)
		l->at++;
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

/* A word without quotes; it is not taken. */
static struct str
peek_word(struct lexer *l)
{
	size_t end;

	skip_blanks(l);
	for (end = l->at; end < l->n && strchr(" \t\r\n()[],\"'", l->text[end]) == NULL; end++)
		;
	return str_of(l->text + l->at, end - l->at);
}

/* "and" and "-and" are the same. */
static struct str
undashed(struct str w)
{
	return w.n > 1 && w.p[0] == '-' ? str_of(w.p + 1, w.n - 1) : w;
}

static bool
take_word(struct lexer *l, const char *word)
{
	struct str w = peek_word(l);

	if (!str_ieq_c(undashed(w), word))
		return false;
	l->at += w.n;
	return true;
}

static err_t
property_take(struct lexer *l, enum rule_property *ret)
{
	struct str w = peek_word(l);
	size_t at = l->at;

	for (size_t i = 0; i < RULE_PROPERTIES; i++) {
		if (!str_ieq_c(w, rule_properties[i].name))
			continue;
		if (l->platform != 0 && (rule_properties[i].platforms & l->platform) == 0)
			FAIL_RULE(
			    l, "devices of this platform have no %s", rule_properties[i].name);
		l->at = at + w.n;
		*ret = (enum rule_property)i;
		return OK;
	}
	if (w.n == 0)
		FAIL_RULE(l, "a property is expected, such as device.model");
	FAIL_RULE(
	    l, "there is no property \"%s\"", text_safe(l->a, str_of(w.p, w.n < 64 ? w.n : 64)));
}

static err_t
op_take(struct lexer *l, enum rule_property p, enum rule_op *ret)
{
	struct str w = peek_word(l);

	for (unsigned i = 0; i < RULE_OPS; i++) {
		if (!str_ieq_c(undashed(w), rule_op_name((enum rule_op)i)) &&
		    !str_ieq_c(undashed(w), rule_op_word((enum rule_op)i)))
			continue;
		if ((rule_properties[p].ops & 1u << i) == 0)
			FAIL_RULE(l, "%s cannot be compared with -%s", rule_properties[p].name,
			    rule_op_name((enum rule_op)i));
		l->at += w.n;
		*ret = (enum rule_op)i;
		return OK;
	}
	FAIL_RULE(l, "an operator is expected, such as -eq");
}

static err_t
quoted_take(struct lexer *l, char quote, const char **ret)
{
	size_t from = l->at, end;

	for (end = from; end < l->n && l->text[end] != quote; end++)
		;
	if (end == l->n)
		FAIL_RULE(l, "the closing quote is missing");
	*ret = arena_cstr(l->a, str_of(l->text + from, end - from));
	l->at = end + 1;
	return OK;
}

static bool
is_version(struct str w)
{
	for (size_t i = 0; i < w.n; i++)
		if ((w.p[i] < '0' || w.p[i] > '9') && w.p[i] != '.')
			return false;
	return w.n > 0;
}

/* A text, or NULL for null. */
static err_t
value_take(struct lexer *l, enum rule_property p, const char **ret)
{
	const char *value = NULL;
	struct str w;

	if (take_char(l, '"')) {
		TRY(quoted_take(l, '"', &value));
	} else if (take_char(l, '\'')) {
		TRY(quoted_take(l, '\'', &value));
	} else {
		w = peek_word(l);
		if (str_ieq_c(w, "$null") || str_ieq_c(w, "null")) {
			l->at += w.n;
			*ret = NULL;
			return OK;
		}
		if (!str_ieq_c(w, "true") && !str_ieq_c(w, "false") && !is_version(w))
			FAIL_RULE(l, "a value in quotes is expected");
		value = arena_cstr(l->a, w);
		l->at += w.n;
	}
	if (strcmp(rule_properties[p].type, "Version") == 0 && !is_version(str_c(value)))
		FAIL_RULE(l, "\"%.64s\" is no version; write it as 10.0.22621",
		    text_safe(l->a, str_c(value)));
	for (const char *const *v = rule_properties[p].values; v != NULL; v++) {
		if (*v == NULL)
			FAIL_RULE(l, "%s is never \"%.64s\"", rule_properties[p].name,
			    text_safe(l->a, str_c(value)));
		if (str_ieq_c(str_c(value), *v))
			break;
	}
	*ret = value;
	return OK;
}

static err_t
list_take(struct lexer *l, struct rule *r)
{
	const char *v[LIMIT_FILTER_ITEMS];

	if (!take_char(l, '['))
		FAIL_RULE(l, "-in and -notIn take a list: [\"a\", \"b\"]");
	do {
		if (r->n == COUNT(v))
			FAIL_RULE(l, "the list has more than %zu values", COUNT(v));
		TRY(value_take(l, r->property, &v[r->n]));
		if (v[r->n++] == NULL)
			FAIL_RULE(l, "null goes with -eq and -ne only");
	} while (take_char(l, ','));
	if (!take_char(l, ']'))
		FAIL_RULE(l, "']' is expected");
	r->v = arena_copy(l->a, v, r->n * sizeof(v[0]));
	return OK;
}

static err_t
compare_take(struct lexer *l, struct rule **ret)
{
	struct rule *r = ARENA_NEW(l->a, struct rule);
	const char **one;

	r->kind = RULE_COMPARE;
	TRY(property_take(l, &r->property));
	TRY(op_take(l, r->property, &r->op));
	if (r->op == RULE_IN || r->op == RULE_NOT_IN) {
		TRY(list_take(l, r));
	} else {
		one = arena_array(l->a, 1, sizeof(*one));
		TRY(value_take(l, r->property, one));
		if (*one == NULL && r->op != RULE_EQ && r->op != RULE_NE)
			FAIL_RULE(l, "null goes with -eq and -ne only");
		r->v = one;
		r->n = 1;
	}
	*ret = r;
	return OK;
}

static struct rule *
node(struct lexer *l, enum rule_kind kind, struct rule *left)
{
	struct rule *r = ARENA_NEW(l->a, struct rule);

	r->kind = kind;
	r->left = left;
	return r;
}

static err_t or_take(struct lexer *l, struct rule **ret);

static err_t
term_take(struct lexer *l, struct rule **ret)
{
	struct rule *r;

	if (++l->depth > LIMIT_FILTER_DEPTH)
		FAIL_RULE(l, "nested too deep");
	if (++l->terms > LIMIT_FILTER_ITEMS)
		FAIL_RULE(l, "more than %u terms", LIMIT_FILTER_ITEMS);
	if (take_word(l, "not")) {
		r = node(l, RULE_NOT, NULL);
		TRY(term_take(l, &r->left));
	} else if (take_char(l, '(')) {
		TRY(or_take(l, &r));
		if (!take_char(l, ')'))
			FAIL_RULE(l, "')' is expected");
	} else {
		TRY(compare_take(l, &r));
	}
	l->depth--;
	*ret = r;
	return OK;
}

static err_t
and_take(struct lexer *l, struct rule **ret)
{
	struct rule *left;

	TRY(term_take(l, &left));
	while (take_word(l, "and")) {
		left = node(l, RULE_AND, left);
		TRY(term_take(l, &left->right));
	}
	*ret = left;
	return OK;
}

static err_t
or_take(struct lexer *l, struct rule **ret)
{
	struct rule *left;

	TRY(and_take(l, &left));
	while (take_word(l, "or")) {
		left = node(l, RULE_OR, left);
		TRY(and_take(l, &left->right));
	}
	*ret = left;
	return OK;
}

err_t
rule_parse(struct arena *a, const char *text, unsigned platform, struct rule **ret)
{
	struct lexer l = { .a = a, .text = text, .n = strlen(text), .platform = platform };
	struct rule *r;

	if (l.n > LIMIT_RULE)
		FAIL(ERR_FILTER_RULE, "it is longer than %u bytes", LIMIT_RULE);
	TRY(text_utf8(str_c(text)));
	TRY(or_take(&l, &r));
	skip_blanks(&l);
	if (l.at < l.n)
		FAIL_RULE(&l, "and, or, or the end is expected");
	*ret = r;
	return OK;
}
