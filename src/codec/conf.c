/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration files: see conf.h. Read by inih, which gives a name and a value a line.
 *
 * First every line finds its row and is kept as text, then every row is turned into its value, then
 * the values are stored, so that a failure leaves the caller's struct alone.
 */
#include "codec/conf.h"

#include <ini.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"

enum { NEAR_MAX = 3 };

struct given {
	const char *text; /* NULL: not given */
	int line;
};

union conf_value {
	const char *text;
	int64_t number;
	bool truth;
	const char **texts;
};

struct reading {
	struct arena *a;
	const char *file;
	struct str rest;
	int line;
	const struct conf_opt *opts;
	size_t n;
	struct given *given;
	err_t e; /* the first failure */
};

/* fgets() for inih, over the text. */
static char *
next_line(char *to, int room, void *stream)
{
	struct reading *r = stream;
	struct str line;

	if (r->rest.n == 0 || !err_ok(r->e))
		return NULL;
	r->line++;
	line = str_cut(&r->rest, '\n');
	if (line.n + 2 > (size_t)room) {
		r->e =
		    ERROR(ERR_CONF, "%s:%d: line longer than %d bytes", r->file, r->line, room - 2);
		return NULL;
	}
	if (line.n > 0)
		memcpy(to, line.p, line.n);
	to[line.n] = '\n';
	to[line.n + 1] = '\0';
	return to;
}

static const char *
nearest(const struct reading *r, const char *section, const char *name)
{
	const char *best = NULL;
	size_t least = NEAR_MAX + 1;

	for (size_t i = 0; i < r->n; i++) {
		size_t d = text_distance(r->opts[i].name, name, NEAR_MAX);

		if (strcmp(r->opts[i].section, section) == 0 && d < least) {
			best = r->opts[i].name;
			least = d;
		}
	}
	return best;
}

static bool
has_section(const struct reading *r, const char *section)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->opts[i].section, section) == 0)
			return true;
	return false;
}

static err_t
unknown(const struct reading *r, const char *section, const char *name)
{
	const char *near = nearest(r, section, name);

	if (section[0] == '\0')
		FAIL(ERR_CONF, "%s:%d: \"%s\" stands before any [section]", r->file, r->line, name);
	if (!has_section(r, section))
		FAIL(ERR_CONF, "%s:%d: unknown section [%s]", r->file, r->line, section);
	if (near != NULL)
		FAIL(ERR_CONF, "%s:%d: unknown option \"%s\" in [%s]; did you mean \"%s\"?",
		    r->file, r->line, name, section, near);
	FAIL(ERR_CONF, "%s:%d: unknown option \"%s\" in [%s]", r->file, r->line, name, section);
}

static err_t
take(struct reading *r, const char *section, const char *name, const char *value)
{
	for (size_t i = 0; i < r->n; i++) {
		if (strcmp(r->opts[i].section, section) != 0 || strcmp(r->opts[i].name, name) != 0)
			continue;
		if (r->given[i].text != NULL)
			FAIL(ERR_CONF, "%s:%d: \"%s\" is given again, first in line %d", r->file,
			    r->line, name, r->given[i].line);
		r->given[i].text = arena_strdup(r->a, value);
		r->given[i].line = r->line;
		return OK;
	}
	return unknown(r, section, name);
}

/* inih's handler: not 0 is success. */
static int
handle(void *user, const char *section, const char *name, const char *value)
{
	struct reading *r = user;

	if (err_ok(r->e))
		r->e = take(r, section, name, value == NULL ? "" : value);
	return err_ok(r->e);
}

static err_t
bool_read(const char *text, bool *ret)
{
	static const struct {
		const char *text;
		bool value;
	} words[] = { { "true", true }, { "yes", true }, { "on", true }, { "false", false },
		{ "no", false }, { "off", false } };

	for (size_t i = 0; i < COUNT(words); i++) {
		if (str_ieq_c(str_c(text), words[i].text)) {
			*ret = words[i].value;
			return OK;
		}
	}
	FAIL(ERR_CONF, "true or false is expected, not \"%s\"", text);
}

static err_t
texts_read(struct arena *a, const char *text, const char ***ret)
{
	struct str in = str_trim(str_c(text)), one;
	const char **v = arena_array(a, in.n / 2 + 2, sizeof(*v));
	size_t n = 0;

	while (in.n > 0) {
		bool last = memchr(in.p, ',', in.n) == NULL;

		one = str_trim(str_cut(&in, ','));
		if (one.n == 0 || (!last && in.n == 0))
			FAIL(ERR_CONF, "an element of the list is empty");
		v[n++] = arena_cstr(a, one);
	}
	*ret = v;
	return OK;
}

static err_t
value_read(struct arena *a, const struct conf_opt *o, const char *text, union conf_value *ret)
{
	switch (o->type) {
	case CONF_TEXT:
		ret->text = text;
		return OK;
	case CONF_INT:
		return text_i64(str_c(text), o->min, o->max, &ret->number);
	case CONF_BOOL:
		return bool_read(text, &ret->truth);
	case CONF_TEXTS:
		break;
	}
	return texts_read(a, text, &ret->texts);
}

static err_t
option_read(struct reading *r, size_t i, union conf_value *ret)
{
	const struct conf_opt *o = &r->opts[i];
	const struct given *g = &r->given[i];
	struct err_report why;
	err_t e;

	if (g->text == NULL && o->fallback == NULL)
		FAIL(ERR_CONF, "%s: \"%s\" in [%s] must be given", r->file, o->name, o->section);
	e = value_read(r->a, o, g->text == NULL ? o->fallback : g->text, ret);
	if (err_ok(e))
		return OK;
	err_take(e, &why);
	if (o->type == CONF_INT)
		FAIL(ERR_CONF, "%s:%d: \"%s\" must be a whole number from %lld to %lld", r->file,
		    g->line, o->name, (long long)o->min, (long long)o->max);
	FAIL(ERR_CONF, "%s:%d: \"%s\": %s", r->file, g->line, o->name, why.detail);
}

static void
store(const struct conf_opt *o, const union conf_value *v, void *target)
{
	void *at = (char *)target + o->offset;

	switch (o->type) {
	case CONF_TEXT:
		*(const char **)at = v->text;
		return;
	case CONF_INT:
		*(int64_t *)at = v->number;
		return;
	case CONF_BOOL:
		*(bool *)at = v->truth;
		return;
	case CONF_TEXTS:
		*(const char ***)at = v->texts;
		return;
	}
}

err_t
conf_parse(struct arena *a, const char *file, struct str text, const struct conf_opt *opts,
    size_t n, void *ret)
{
	struct reading r = { .a = a, .file = file, .rest = text, .opts = opts, .n = n, .e = OK };
	union conf_value *values = arena_array(a, n, sizeof(*values));
	int bad;

	if (text.n > LIMIT_CONF_BYTES)
		FAIL(ERR_CONF, "%s: longer than %u bytes", file, LIMIT_CONF_BYTES);
	if (!err_ok(text_utf8(text)))
		FAIL(ERR_CONF, "%s: not UTF-8", file);
	r.given = arena_array(a, n, sizeof(*r.given));
	bad = ini_parse_stream(next_line, &r, handle, &r);
	if (!err_ok(r.e))
		return r.e;
	if (bad != 0)
		FAIL(ERR_CONF, "%s:%d: neither [section] nor name = value", file, bad);
	for (size_t i = 0; i < n; i++)
		TRY(option_read(&r, i, &values[i]));
	for (size_t i = 0; i < n; i++)
		store(&opts[i], &values[i], ret);
	return OK;
}

err_t
conf_read(struct arena *a, const char *path, const struct conf_opt *opts, size_t n, void *ret)
{
	struct str text;

	TRY(file_read(a, path, LIMIT_CONF_BYTES, &text));
	return conf_parse(a, path, text, opts, n, ret);
}

err_t
conf_sample(const struct conf_opt *opts, size_t n, struct buf *out)
{
	const char *section = "";

	for (size_t i = 0; i < n; i++) {
		const struct conf_opt *o = &opts[i];

		if (strcmp(section, o->section) != 0)
			TRY(buf_printf(out, "%s[%s]\n", i == 0 ? "" : "\n", o->section));
		section = o->section;
		TRY(buf_printf(out, "# %s\n", o->help == NULL ? o->name : o->help));
		if (o->fallback == NULL)
			TRY(buf_printf(out, "# (must be given)\n#%s =\n", o->name));
		else
			TRY(buf_printf(out, "#%s = %s\n", o->name, o->fallback));
	}
	return OK;
}

err_t
conf_sample_print(const struct conf_opt *opts, size_t n, FILE *to)
{
	auto_buf struct buf out;

	buf_init(&out, LIMIT_CONF_BYTES);
	TRY(conf_sample(opts, n, &out));
	fwrite(out.p, 1, out.n, to);
	return OK;
}
