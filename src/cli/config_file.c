/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/config_file.h"

#include "base/file.h"
#include "base/limits.h"
#include "cli/config_secrets.h"

/* The text is JSON that was read already. Strings have no line ends, so lines are counted between them alone. */
struct scan {
	struct str t;
	size_t at, line, depth, base, objects;
};

static struct str
scan_string(struct scan *s)
{
	size_t from = ++s->at;

	while (s->at < s->t.n && s->t.p[s->at] != '"')
		s->at += s->t.p[s->at] == '\\' ? 2 : 1;
	return str_of(s->t.p + from, s->at - from);
}

static bool
is_member(const struct scan *s)
{
	size_t i = s->at + 1;

	while (i < s->t.n && strchr(" \t\r\n", s->t.p[i]) != NULL)
		i++;
	return i < s->t.n && s->t.p[i] == ':';
}

static size_t
line_of(struct str text, size_t index, const char *property)
{
	struct scan s = { .t = text, .line = 1 };
	struct str head = str_trim(text);
	size_t found = 1;
	bool inside = false;

	s.base = head.n > 0 && head.p[0] == '[';
	for (; s.at < text.n; s.at++) {
		uint8_t ch = text.p[s.at];

		if (ch == '\n') {
			s.line++;
		} else if (ch == '"') {
			struct str key = scan_string(&s);

			if (inside && property != NULL && s.depth == s.base + 1 && is_member(&s) &&
			    str_eq_c(key, property))
				return s.line;
		} else if (ch == '{' || ch == '[') {
			if (ch == '{' && s.depth == s.base) {
				inside = s.objects++ == index;
				found = inside ? s.line : found;
			}
			s.depth++;
		} else if (ch == '}' || ch == ']') {
			s.depth--;
		}
	}
	return found;
}

const char *
config_place(struct arena *a, const struct config_item *at, const char *property)
{
	return arena_printf(a, "%s:%zu", at->file, line_of(at->text, at->index, property));
}

void
config_error(struct cli *c, struct config_errors *errs, const struct config_item *at,
    const char *property, const char *what)
{
	const char *line =
	    arena_printf(c->arena, "%s: %s%s%s", config_place(c->arena, at, property),
		property == NULL ? "" : property, property == NULL ? "" : ": ", what);

	line = text_safe(c->arena, str_c(line));
	if (errs->n++ == 0)
		errs->first = line;
	fprintf(stderr, "%s\n", line);
}

static const char *
stranger(struct cli *c, const char *kind, const char *property)
{
	const char *hint = config_secrets_hint(property);

	return hint != NULL ? hint :
			      arena_printf(c->arena, "a %s has no such property in files", kind);
}

/* The kind and the name; everything else is judged by its kind. */
static bool
item_of(struct cli *c, struct config_errors *errs, struct config_item *at)
{
	const json *kind = json_get(at->want, "kind"), *name = json_get(at->want, "displayName");
	unsigned k = 0;

	if (!json_is_object(at->want)) {
		config_error(c, errs, at, NULL, "an object is expected");
		return false;
	}
	while (k < CONFIG_KINDS && strcmp(json_text(kind), config_sets[k].kind) != 0)
		k++;
	if (k == CONFIG_KINDS) {
		config_error(c, errs, at, "kind",
		    "must be one of scopeTag, group, filter, role, roleAssignment, profile, notification");
		return false;
	}
	if (*json_text(name) == '\0') {
		config_error(
		    c, errs, at, "displayName", "the name is missing; objects are known by it");
		return false;
	}
	at->kind = (enum config_kind)k;
	at->name = json_text(name);
	for (void *it = json_iter(at->want); it != NULL; it = json_iter_next(at->want, it))
		if (strcmp(json_iter_key(it), "kind") != 0 &&
		    !config_has(at->kind, json_iter_key(it)))
			config_error(c, errs, at, json_iter_key(it),
			    stranger(c, json_text(kind), json_iter_key(it)));
	return true;
}

static void
twice(struct cli *c, struct config_errors *errs, const struct config_item *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (v[i].kind == v[k].kind && strcmp(v[i].name, v[k].name) == 0)
				config_error(c, errs, &v[i], "displayName",
				    arena_printf(c->arena, "%s \"%s\" stands at %s already",
					config_sets[v[i].kind].kind, v[i].name,
					config_place(c->arena, &v[k], "displayName")));
}

struct loading {
	json *docs;
	struct config_item *v;
	size_t n, cap;
};

static void
add(struct cli *c, struct config_errors *errs, struct loading *l, struct config_item at)
{
	if (!item_of(c, errs, &at))
		return;
	if (l->n == l->cap) {
		struct config_item *more = arena_array(c->arena, l->cap * 2 + 64, sizeof(*more));

		for (size_t i = 0; i < l->n; i++)
			more[i] = l->v[i];
		l->v = more;
		l->cap = l->cap * 2 + 64;
	}
	l->v[l->n++] = at;
}

static err_t
load_one(
    struct cli *c, const char *dir, const char *name, struct config_errors *errs, struct loading *l)
{
	struct config_item at = { .file = arena_printf(c->arena, "%s/%s", dir, name) };
	json *doc;

	TRY(file_read(c->arena, at.file, LIMIT_HTTP_BODY, &at.text));
	TRY_CTX(json_parse(at.text, LIMIT_HTTP_BODY, &doc), "%s", at.file);
	json_add(l->docs, doc);
	at.want = doc;
	if (!json_is_array(doc)) {
		config_secrets_place(c->arena, dir, doc);
		add(c, errs, l, at);
		return OK;
	}
	for (at.index = 0; at.index < json_count(doc); at.index++) {
		config_secrets_place(c->arena, dir, json_at(doc, at.index));
		at.want = json_at(doc, at.index);
		add(c, errs, l, at);
	}
	return OK;
}

err_t
config_load(struct cli *c, const char *dir, struct config_errors *errs, json **ret_docs,
    struct config_item **ret, size_t *retn)
{
	auto_json json *docs = json_array_new();
	struct loading l = { .docs = docs };
	char **names;
	size_t n;

	TRY(dir_list(c->arena, dir, CONFIG_FILES_MAX, &names, &n));
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(names[i]);

		if (len > 5 && names[i][0] != '.' && strcmp(names[i] + len - 5, ".json") == 0)
			TRY(load_one(c, dir, names[i], errs, &l));
	}
	twice(c, errs, l.v, l.n);
	*ret_docs = steal(docs);
	*ret = l.v;
	*retn = l.n;
	return OK;
}
