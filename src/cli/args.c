/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/args.h"

#include "base/limits.h"
#include "base/text.h"

#define NEAR 3u

static const struct opt common[] = {
	{ .name = "help", .help = "Show this help." },
	{ .name = "json", .help = "Print JSON." },
	{ 0 },
};

/* Keeps `candidate` if it is nearer to what was written than what was found so far. */
static void
consider(const char *written, const char *candidate, size_t *best, const char **near)
{
	size_t d = text_distance(written, candidate, NEAR);
	bool begins = written[0] != '\0' && str_starts(str_c(candidate), str_c(written));

	if (begins)
		d = 1;
	if (d < *best) {
		*best = d;
		*near = candidate;
	}
}

static err_t
unknown(const char *what, const char *dashes, const char *written, const char *near)
{
	if (near == NULL)
		FAIL(ERR_USAGE, "there is no %s \"%s%.64s\"", what, dashes, written);
	FAIL(ERR_USAGE, "there is no %s \"%s%.64s\"; did you mean \"%s%s\"?", what, dashes, written,
	    dashes, near);
}

err_t
args_command(
    const struct command *const *table, size_t n, const char *name, const struct command **ret)
{
	const char *near = NULL;
	size_t best = NEAR + 1;

	for (size_t i = 0; i < n; i++) {
		if (str_eq_c(str_c(name), table[i]->name)) {
			*ret = table[i];
			return OK;
		}
		consider(name, table[i]->name, &best, &near);
	}
	return unknown("command", "", name, near);
}

err_t
args_verb(const struct command *cmd, const char *name, const struct verb **ret)
{
	const char *near = NULL;
	size_t best = NEAR + 1;

	for (const struct verb *v = cmd->verbs; v->run != NULL; v++) {
		if (v->name == NULL || str_eq_c(str_c(name), v->name)) {
			*ret = v;
			return OK;
		}
		consider(name, v->name, &best, &near);
	}
	return unknown("verb", "", name, near);
}

static const struct opt *
opt_in(const struct opt *opts, struct str name)
{
	for (const struct opt *o = opts; o != NULL && o->name != NULL; o++)
		if (str_eq_c(name, o->name))
			return o;
	return NULL;
}

static err_t
opt_unknown(const struct verb *verb, const char *name)
{
	const char *near = NULL;
	size_t best = NEAR + 1;

	for (const struct opt *o = verb->opts; o != NULL && o->name != NULL; o++)
		consider(name, o->name, &best, &near);
	for (const struct opt *o = common; o->name != NULL; o++)
		consider(name, o->name, &best, &near);
	return unknown("option", "--", name, near);
}

static err_t
opt_add(struct args *g, const struct opt *o, const char *value)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->v[i].opt == o && !o->many)
			FAIL(ERR_USAGE, "--%s is there twice", o->name);
	g->v[g->n++] = (struct arg){ o, value };
	return OK;
}

/* -f VALUE, of options that have a letter. */
static err_t
read_letter(struct args *g, size_t argc, char *const *argv, size_t *i)
{
	for (const struct opt *o = g->verb->opts; o != NULL && o->name != NULL; o++) {
		if (o->letter == '\0' || o->letter != argv[*i][1] || argv[*i][2] != '\0')
			continue;
		if (*i + 1 >= argc)
			FAIL(
			    ERR_USAGE, "-%c needs a value: -%c %s", o->letter, o->letter, o->value);
		return opt_add(g, o, argv[++*i]);
	}
	FAIL(ERR_USAGE, "there is no option \"%.64s\"", argv[*i]);
}

/* One option at argv[*i]; moves *i past its value. */
static err_t
read_opt(struct arena *a, struct args *g, size_t argc, char *const *argv, size_t *i)
{
	struct str rest = str_c(argv[*i] + 2);
	struct str name = str_cut(&rest, '=');
	bool has_value = memchr(argv[*i], '=', strlen(argv[*i])) != NULL;
	const struct opt *o = opt_in(g->verb->opts, name);

	if (o == NULL)
		o = opt_in(common, name);
	if (o == NULL)
		return opt_unknown(g->verb, arena_cstr(a, name));
	if (o->value == NULL) {
		if (has_value)
			FAIL(ERR_USAGE, "--%s takes no value", o->name);
		g->help = g->help || o == &common[0];
		g->json = g->json || o == &common[1];
		return o == &common[0] || o == &common[1] ? OK : opt_add(g, o, "");
	}
	if (has_value)
		return opt_add(g, o, arena_cstr(a, rest));
	if (*i + 1 >= argc)
		FAIL(ERR_USAGE, "--%s needs a value: --%s %s", o->name, o->name, o->value);
	++*i;
	return opt_add(g, o, argv[*i]);
}

/* "USER [FILE] MEMBER...": each in turn needs a value, may have one, or takes all that are left. */
static err_t
check_operands(struct arena *a, const struct args *g)
{
	struct str rest = str_c(g->verb->operands);
	size_t have = g->noperands;

	while (rest.n > 0) {
		struct str word = str_cut(&rest, ' ');
		bool optional = word.p[0] == '[';
		bool many = word.n > 3 && memmem(word.p, word.n, "...", 3) != NULL;

		if (have == 0 && !optional)
			FAIL(ERR_USAGE, "%s is missing", arena_cstr(a, word));
		if (many)
			have = 0;
		else if (have > 0)
			have--;
	}
	if (have > 0)
		FAIL(ERR_USAGE, "\"%.64s\" is too much", g->operands[g->noperands - have]);
	return OK;
}

static err_t
check_required(const struct args *g)
{
	for (const struct opt *o = g->verb->opts; o != NULL && o->name != NULL; o++)
		if (o->required && !args_has(g, o->name))
			FAIL(ERR_USAGE, "--%s %s is missing", o->name, o->value);
	return OK;
}

err_t
args_parse(
    struct arena *a, const struct verb *verb, size_t argc, char *const *argv, struct args *ret)
{
	struct args g = { .verb = verb };
	bool plain = false;

	if (argc > ARGS_MAX)
		FAIL(ERR_USAGE, "more than %u words", ARGS_MAX);
	g.v = arena_array(a, argc + 1, sizeof(*g.v));
	g.operands = arena_array(a, argc + 1, sizeof(*g.operands));
	for (size_t i = 0; i < argc; i++) {
		const char *s = argv[i];

		if (!plain && str_eq_c(str_c(s), "--"))
			plain = true;
		else if (!plain && str_eq_c(str_c(s), "-h"))
			g.help = true;
		else if (!plain && s[0] == '-' && s[1] == '-')
			TRY(read_opt(a, &g, argc, argv, &i));
		else if (!plain && s[0] == '-' && s[1] != '\0')
			TRY(read_letter(&g, argc, argv, &i));
		else
			g.operands[g.noperands++] = s;
	}
	if (!g.help) {
		TRY(check_operands(a, &g));
		TRY(check_required(&g));
	}
	*ret = g;
	return OK;
}

const char *
args_text(const struct args *g, const char *name)
{
	for (size_t i = 0; i < g->n; i++)
		if (str_eq_c(str_c(name), g->v[i].opt->name))
			return g->v[i].value;
	return NULL;
}

bool
args_has(const struct args *g, const char *name)
{
	return args_text(g, name) != NULL;
}

const char *
args_or(const struct args *g, const char *name, const char *fallback)
{
	const char *s = args_text(g, name);

	return s == NULL ? fallback : s;
}

err_t
args_int(const struct args *g, const char *name, int64_t min, int64_t max, int64_t fallback,
    int64_t *ret)
{
	const char *s = args_text(g, name);
	int64_t v;
	err_t e;

	if (s == NULL) {
		*ret = fallback;
		return OK;
	}
	e = text_i64(str_c(s), min, max, &v);
	if (!err_ok(e)) {
		err_forget(e);
		FAIL(ERR_USAGE, "--%s must be a number from %lld to %lld", name, (long long)min,
		    (long long)max);
	}
	*ret = v;
	return OK;
}

size_t
args_list(struct arena *a, const struct args *g, const char *name, const char ***ret)
{
	size_t most = 0, n = 0;
	const char **v;

	for (size_t i = 0; i < g->n; i++)
		most += strlen(g->v[i].value) / 2 + 1;
	v = arena_array(a, most + 1, sizeof(*v));
	for (size_t i = 0; i < g->n; i++) {
		struct str rest = str_c(g->v[i].value);

		if (!str_eq_c(str_c(name), g->v[i].opt->name))
			continue;
		while (rest.n > 0) {
			struct str word = str_trim(str_cut(&rest, ','));

			if (word.n > 0)
				v[n++] = arena_cstr(a, word);
		}
	}
	*ret = v;
	return n;
}

json *
args_json_list(struct arena *a, const struct args *g, const char *name)
{
	json *list = json_array_new();
	const char **v;
	size_t n = args_list(a, g, name, &v);

	for (size_t i = 0; i < n; i++)
		json_add(list, json_text_new(v[i]));
	return list;
}

json *
args_json_operands(const struct args *g, size_t first)
{
	json *list = json_array_new();

	for (size_t i = first; i < g->noperands; i++) {
		struct str rest = str_c(g->operands[i]);

		while (rest.n > 0)
			json_add(list, json_str_new(str_trim(str_cut(&rest, ','))));
	}
	return list;
}

err_t
args_page(const struct args *g, json *obj)
{
	int64_t limit, before;

	TRY(args_int(g, "limit", 1, LIMIT_PAGE, 100, &limit));
	TRY(args_int(g, "before", 1, INT64_MAX, 0, &before));
	json_set_int(obj, "limit", limit);
	json_set_int(obj, "before", before);
	return OK;
}

static err_t
put_bool(const struct arg *x, json *obj)
{
	bool yes = str_ieq_c(str_c(x->value), "true") || str_ieq_c(str_c(x->value), "yes");

	if (!yes && !str_ieq_c(str_c(x->value), "false") && !str_ieq_c(str_c(x->value), "no"))
		FAIL(ERR_USAGE, "--%s must be true or false", x->opt->name);
	json_set_bool(obj, x->opt->property, yes);
	return OK;
}

err_t
args_body(struct arena *a, const struct args *g, json *obj)
{
	for (size_t i = 0; i < g->n; i++) {
		const struct arg *x = &g->v[i];

		if (x->opt->property == NULL)
			continue;
		TRY_CTX(text_utf8(str_c(x->value)), "--%s", x->opt->name);
		if (x->opt->is_bool)
			TRY(put_bool(x, obj));
		else if (x->opt->many)
			json_set(obj, x->opt->property, args_json_list(a, g, x->opt->name));
		else if (x->opt->value == NULL)
			json_set_bool(obj, x->opt->property, true);
		else
			json_set_text(obj, x->opt->property, x->value);
	}
	return OK;
}
