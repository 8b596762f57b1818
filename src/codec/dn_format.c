/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Name formats: parsed once into parts, then filled with values, which are never parsed again. See
 * dn.h.
 *
 * A value of the format is plain, with backslash escapes (RFC 4514 2.4), or in double quotes, where
 * only a doubled quote is special and a backslash is itself. {{Variable}} may stand in both. One
 * variable may stand for a run of whole RDNs: {{OnPrem_Distinguished_Name}}, whose value is itself
 * a name in RFC 4514 text.
 */
#include "codec/dn.h"

#include "base/text.h"
#include "codec/dn_key.h"
#include "codec/oid.h"

static const char *const whole_names[] = { "OnPrem_Distinguished_Name",
	"OnPremisesDistinguishedName" };

enum { VARIABLE_MAX = 64 };

struct piece {
	bool variable;
	const char *text; /* literal, or the variable's name */
};

struct pieces {
	struct piece *v;
	size_t n;
};

struct ava_format {
	const char *key; /* as written, for messages */
	const char *oid;
	struct pieces value;
};

/* whole_name: the variable that gives the RDNs; NULL: the attributes do */
struct rdn_format {
	const char *whole_name;
	struct ava_format ava[LIMIT_NAME_AVAS];
	size_t n;
};

struct dn_format {
	struct rdn_format **rdn; /* in the order of the text */
	size_t n;
	const char **variables;
	size_t nvariables;
};

/* Where the reading of one text stands. */
struct reader {
	struct arena *a;
	const char *text;
	size_t at, n;
	char separator;      /* 0: none seen yet */
	bool literal_braces; /* the text is a value: {{ is nothing special */
	size_t avas;
	const char **variables; /* room for n / 4 + 1 */
	size_t nvariables;
};

#define FAIL_AT(r, ...) return fail_at((r), __LINE__, __VA_ARGS__)

static err_t __attribute__((format(printf, 3, 4)))
fail_at(const struct reader *r, int line, const char *fmt, ...)
{
	va_list ap;
	const char *what;

	va_start(ap, fmt);
	what = arena_vprintf(r->a, fmt, ap);
	va_end(ap);
	return err_make(ERR_NAME_FORMAT, __FILE__, line, "at character %zu: %s", r->at + 1, what);
}

static char
peek(const struct reader *r)
{
	return r->at < r->n ? r->text[r->at] : '\0';
}

static void
skip_blanks(struct reader *r)
{
	while (peek(r) == ' ' || peek(r) == '\t')
		r->at++;
}

static bool
at_variable(const struct reader *r)
{
	return !r->literal_braces && peek(r) == '{' && r->at + 1 < r->n &&
	    r->text[r->at + 1] == '{';
}

static bool
variable_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '_';
}

static err_t
variable_take(struct reader *r, const char **ret)
{
	size_t start, end;

	r->at += 2;
	skip_blanks(r);
	start = r->at;
	while (variable_char(peek(r)))
		r->at++;
	end = r->at;
	skip_blanks(r);
	if (peek(r) != '}' || r->at + 1 >= r->n || r->text[r->at + 1] != '}')
		FAIL_AT(r, "a variable must end with }}");
	if (end == start || end - start > VARIABLE_MAX)
		FAIL_AT(r, "a variable's name must have 1 to %d letters", VARIABLE_MAX);
	r->at += 2;
	*ret = arena_cstr(r->a, str_of(r->text + start, end - start));
	r->variables[r->nvariables++] = *ret;
	return OK;
}

static void
piece_add(struct reader *r, struct pieces *p, bool variable, const char *text)
{
	struct piece *v = arena_array(r->a, p->n + 1, sizeof(*v));

	if (p->n > 0)
		memcpy(v, p->v, p->n * sizeof(*v));
	v[p->n] = (struct piece){ variable, text };
	p->v = v;
	p->n++;
}

static err_t
literal_end(struct reader *r, struct buf *b, struct pieces *p)
{
	const char *text;
	err_t e;

	if (b->n == 0)
		return OK;
	e = text_cstr(r->a, buf_str(b), &text);
	if (!err_ok(e)) {
		err_forget(e);
		FAIL_AT(r, "the value is not UTF-8 without NUL");
	}
	piece_add(r, p, false, text);
	buf_reset(b);
	return OK;
}

static err_t
variable_add(struct reader *r, struct buf *b, struct pieces *p)
{
	const char *name;

	TRY(literal_end(r, b, p));
	TRY(variable_take(r, &name));
	piece_add(r, p, true, name);
	return OK;
}

/* After the opening quote, up to and with the closing one. */
static err_t
quoted_take(struct reader *r, struct pieces *p)
{
	auto_buf struct buf b;

	buf_init(&b, LIMIT_NAME_FORMAT);
	for (;;) {
		if (r->at == r->n)
			FAIL_AT(r, "a closing quote is missing");
		if (at_variable(r)) {
			TRY(variable_add(r, &b, p));
			continue;
		}
		if (peek(r) == '"') {
			r->at++;
			if (peek(r) != '"')
				break;
		}
		TRY(buf_putc(&b, (uint8_t)r->text[r->at++]));
	}
	TRY(literal_end(r, &b, p));
	skip_blanks(r);
	return OK;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* RFC 4514 2.4: a backslash and one of the special characters, or two hexadecimal digits */
static err_t
escape_take(struct reader *r, struct buf *b)
{
	char c;
	int high, low;

	r->at++;
	c = peek(r);
	if (c != '\0' && strchr(" \"#+,;<=>\\", c) != NULL) {
		r->at++;
		return buf_putc(b, (uint8_t)c);
	}
	high = hex_digit(c);
	low = high >= 0 && r->at + 1 < r->n ? hex_digit(r->text[r->at + 1]) : -1;
	if (low < 0)
		FAIL_AT(r, "a backslash must be followed by a special character or two hex digits");
	r->at += 2;
	return buf_putc(b, (uint8_t)(high << 4 | low));
}

static err_t
plain_take(struct reader *r, struct pieces *p)
{
	auto_buf struct buf b;
	size_t kept = 0; /* bytes up to the last one that is no trailing blank */

	buf_init(&b, LIMIT_NAME_FORMAT);
	if (peek(r) == '#')
		FAIL_AT(r, "values in hexadecimal are not supported; escape a leading # as \\#");
	while (r->at < r->n && strchr(",;+", peek(r)) == NULL) {
		char c = peek(r);

		if (at_variable(r)) {
			TRY(variable_add(r, &b, p));
			kept = 0;
			continue;
		}
		if (c == '\\') {
			TRY(escape_take(r, &b));
			kept = b.n;
			continue;
		}
		if (c == '"')
			FAIL_AT(r,
			    "a quote within a value; put the whole value in quotes and double it");
		TRY(buf_putc(&b, (uint8_t)c));
		r->at++;
		if (c != ' ' && c != '\t')
			kept = b.n;
	}
	b.n = kept;
	return literal_end(r, &b, p);
}

static err_t
key_take(struct reader *r, struct ava_format *ret)
{
	size_t start = r->at;
	struct str key;
	const struct dn_key *k;
	const char *text;

	while (r->at < r->n && strchr("=,;+\"", peek(r)) == NULL)
		r->at++;
	key = str_trim(str_of(r->text + start, r->at - start));
	if (peek(r) != '=')
		FAIL_AT(r, "expected KEY=value, as in CN={{UserName}}");
	k = dn_key_by_name(key);
	text = arena_cstr(r->a, key);
	if (k == NULL && key.n > 4 && str_ieq_c(str_of(key.p, 4), "OID."))
		text += 4;
	if (k == NULL && !oid_valid(text)) {
		r->at = start;
		FAIL_AT(r, "\"%s\" is no attribute of names", text);
	}
	ret->oid = k == NULL ? text : k->oid;
	/* A number of one that we know is the same attribute. */
	ret->key = text;
	r->at++;
	return OK;
}

static err_t
ava_take(struct reader *r, struct ava_format *ret)
{
	if (r->avas++ == LIMIT_NAME_AVAS)
		FAIL_AT(r, "more than %u attributes", LIMIT_NAME_AVAS);
	TRY(key_take(r, ret));
	skip_blanks(r);
	if (peek(r) == '"') {
		r->at++;
		TRY(quoted_take(r, &ret->value));
	} else {
		TRY(plain_take(r, &ret->value));
	}
	if (ret->value.n == 0)
		FAIL_AT(r, "%s has no value", ret->key);
	return OK;
}

static const char *
whole_name(const char *variable)
{
	for (size_t i = 0; i < COUNT(whole_names); i++)
		if (str_ieq_c(str_c(variable), whole_names[i]))
			return whole_names[i];
	return NULL;
}

static err_t
rdn_take(struct reader *r, struct rdn_format *ret)
{
	skip_blanks(r);
	if (at_variable(r)) {
		size_t start = r->at;
		const char *name;

		TRY(variable_take(r, &name));
		skip_blanks(r);
		ret->whole_name = whole_name(name);
		if (ret->whole_name == NULL) {
			r->at = start;
			FAIL_AT(r, "expected KEY= before {{%s}}", name);
		}
		return OK;
	}
	for (;;) {
		TRY(ava_take(r, &ret->ava[ret->n]));
		ret->n++;
		if (peek(r) != '+')
			return OK;
		r->at++;
		skip_blanks(r);
	}
}

static err_t
separator_take(struct reader *r)
{
	char c = peek(r);

	if (c != ',' && c != ';')
		FAIL_AT(r, "expected a separator");
	if (r->separator != 0 && r->separator != c)
		FAIL_AT(r, "separators , and ; are mixed; put values that hold one in quotes");
	r->separator = c;
	r->at++;
	return OK;
}

static err_t
format_take(struct arena *a, const char *text, bool literal_braces, struct dn_format **ret)
{
	struct reader r = {
		.a = a, .text = text, .n = strlen(text), .literal_braces = literal_braces
	};
	struct dn_format *f = ARENA_NEW(a, struct dn_format);

	if (r.n > LIMIT_NAME_FORMAT)
		FAIL(ERR_NAME_FORMAT, "longer than %u bytes", LIMIT_NAME_FORMAT);
	if (!err_ok(text_utf8(str_c(text))))
		FAIL(ERR_NAME_FORMAT, "not UTF-8");
	r.variables = arena_array(a, r.n / 4 + 1, sizeof(*r.variables));
	f->rdn = arena_array(a, LIMIT_NAME_AVAS, sizeof(*f->rdn));
	for (;;) {
		if (f->n == LIMIT_NAME_AVAS)
			FAIL_AT(&r, "more than %u parts", LIMIT_NAME_AVAS);
		f->rdn[f->n] = ARENA_NEW(a, struct rdn_format);
		TRY(rdn_take(&r, f->rdn[f->n]));
		f->n++;
		if (r.at == r.n)
			break;
		TRY(separator_take(&r));
	}
	f->variables = r.variables;
	f->nvariables = r.nvariables;
	*ret = f;
	return OK;
}

err_t
dn_format_parse(struct arena *a, const char *text, struct dn_format **ret)
{
	return format_take(a, text, false, ret);
}

size_t
dn_format_variables(const struct dn_format *f, const char *const **ret)
{
	*ret = f->variables;
	return f->nvariables;
}

static err_t
variable_value(struct arena *a, const char *name, dn_lookup lookup, void *ctx, const char **ret)
{
	const char *value = NULL;

	TRY(lookup(ctx, a, name, &value));
	/* Blanks alone are no value either. */
	if (value == NULL || value[strspn(value, " \t")] == '\0')
		FAIL(ERR_VARIABLE_EMPTY, "{{%s}} has no value", name);
	*ret = value;
	return OK;
}

static err_t
pieces_join(struct arena *a, const struct pieces *p, dn_lookup lookup, void *ctx, size_t max,
    const char **ret)
{
	auto_buf struct buf b;
	const char *part;

	buf_init(&b, max);
	for (size_t i = 0; i < p->n; i++) {
		part = p->v[i].text;
		if (p->v[i].variable)
			TRY(variable_value(a, part, lookup, ctx, &part));
		if (b.n + strlen(part) > max)
			FAIL(ERR_NAME_TOO_LONG, "a value has more than %zu bytes", max);
		TRY(buf_puts(&b, part));
	}
	*ret = arena_cstr(a, buf_str(&b));
	return OK;
}

/* The name being filled, in the order of the text. */
struct filling {
	struct arena *a;
	dn_lookup lookup;
	void *ctx;
	struct dn_rdn rdn[LIMIT_NAME_AVAS];
	size_t n, avas;
};

static err_t
rdn_fill(struct filling *f, const struct rdn_format *r)
{
	struct dn_ava *avas = arena_array(f->a, r->n, sizeof(*avas));

	if (f->n == LIMIT_NAME_AVAS || f->avas + r->n > LIMIT_NAME_AVAS)
		FAIL(ERR_NAME_TOO_LONG, "the name has more than %u attributes", LIMIT_NAME_AVAS);
	for (size_t i = 0; i < r->n; i++) {
		avas[i].oid = r->ava[i].oid;
		TRY_CTX(pieces_join(f->a, &r->ava[i].value, f->lookup, f->ctx, LIMIT_NAME_VALUE,
			    &avas[i].value),
		    "%s", r->ava[i].key);
		TRY(dn_value_check(avas[i].oid, avas[i].value));
	}
	f->rdn[f->n++] = (struct dn_rdn){ avas, r->n };
	f->avas += r->n;
	return OK;
}

static err_t
whole_name_fill(struct filling *f, const char *variable)
{
	struct dn_format *inner;
	const char *text;

	TRY(variable_value(f->a, variable, f->lookup, f->ctx, &text));
	TRY_CTX(format_take(f->a, text, true, &inner), "value of {{%s}}", variable);
	for (size_t i = 0; i < inner->n; i++)
		TRY(rdn_fill(f, inner->rdn[i]));
	return OK;
}

err_t
dn_resolve(struct arena *a, const struct dn_format *f, dn_lookup lookup, void *ctx, struct dn *ret)
{
	struct filling fill = { .a = a, .lookup = lookup, .ctx = ctx };
	struct dn_rdn *rdns;

	for (size_t i = 0; i < f->n; i++) {
		if (f->rdn[i]->whole_name != NULL)
			TRY(whole_name_fill(&fill, f->rdn[i]->whole_name));
		else
			TRY(rdn_fill(&fill, f->rdn[i]));
	}
	/* RFC 4514 2.1: the text starts with the last RDN of the encoding. */
	rdns = arena_array(a, fill.n, sizeof(*rdns));
	for (size_t i = 0; i < fill.n; i++)
		rdns[i] = fill.rdn[fill.n - 1 - i];
	*ret = (struct dn){ rdns, fill.n };
	return OK;
}

static err_t
text_take(struct arena *a, const char *format, struct reader *r, struct pieces *p)
{
	auto_buf struct buf b;

	*r = (struct reader){ .a = a, .text = format, .n = strlen(format) };
	buf_init(&b, LIMIT_NAME_FORMAT);
	if (r->n > LIMIT_NAME_FORMAT)
		FAIL(ERR_NAME_FORMAT, "longer than %u bytes", LIMIT_NAME_FORMAT);
	r->variables = arena_array(a, r->n / 4 + 1, sizeof(*r->variables));
	while (r->at < r->n) {
		if (at_variable(r))
			TRY(variable_add(r, &b, p));
		else
			TRY(buf_putc(&b, (uint8_t)r->text[r->at++]));
	}
	return literal_end(r, &b, p);
}

err_t
dn_text_resolve(struct arena *a, const char *format, dn_lookup lookup, void *ctx, const char **ret)
{
	struct pieces p = { 0 };
	struct reader r;

	TRY(text_take(a, format, &r, &p));
	return pieces_join(a, &p, lookup, ctx, LIMIT_SAN_VALUE, ret);
}

err_t
dn_text_variables(struct arena *a, const char *format, const char *const **ret, size_t *retn)
{
	struct pieces p = { 0 };
	struct reader r;

	TRY(text_take(a, format, &r, &p));
	*ret = r.variables;
	*retn = r.nvariables;
	return OK;
}
