/* SPDX-License-Identifier: Apache-2.0 */
#include "model/refs.h"

#define BIND "@odata.bind"

/* Profiles that one reference may name. */
enum { MANY_MAX = 8 };

static const struct reference *
of_type(const struct profile_type *t, const struct reference *r)
{
	while (r != NULL && r->name != NULL && (r->only & t->only) == 0)
		r++;
	return r == NULL || r->name == NULL ? NULL : r;
}

/* The references of a type, one after the other. */
#define EACH_REFERENCE(r, t) \
	const struct reference *r = of_type(t, (t)->kind->refs); \
	r != NULL; \
	r = of_type(t, r + 1)

bool
refs_has(const struct profile_type *t, const char *member)
{
	for (EACH_REFERENCE(r, t)) {
		size_t n = strlen(r->name);

		if (strncmp(member, r->name, n) == 0 && strcmp(member + n, BIND) == 0)
			return true;
	}
	return false;
}

err_t
refs_url(const char *member, const json *value, struct id *ret)
{
	struct str url, last = STR_EMPTY;
	err_t e;

	if (!json_is_text(value))
		FAIL(ERR_MODEL_INVALID, "\"%s\" must be a text", member);
	/* .../deviceConfigurations('<id>') or .../deviceConfigurations/<id> */
	url = str_c(json_text(value));
	for (size_t i = 0; i < url.n; i++)
		if (url.p[i] == '/' || url.p[i] == '(')
			last = str_of(url.p + i + 1, url.n - i - 1);
	if (last.n > 0 && last.p[last.n - 1] == ')')
		last.n--;
	if (last.n > 1 && last.p[0] == '\'' && last.p[last.n - 1] == '\'')
		last = str_of(last.p + 1, last.n - 2);
	e = id_parse(last, ret);
	if (!err_ok(e)) {
		err_forget(e);
		FAIL(
		    ERR_MODEL_INVALID, "\"%s\" names no profile: %.128s", member, json_text(value));
	}
	return OK;
}

/* What one binding says, as it is kept: a text, a list of texts, or NULL for nothing. */
static err_t
binding(
    struct arena *a, const struct reference *r, const char *member, const json *value, json **ret)
{
	auto_json json *list = NULL;
	struct id id;

	*ret = NULL;
	if (json_is_null(value))
		return OK;
	if (!r->many) {
		TRY(refs_url(member, value, &id));
		*ret = json_text_new(id_text(a, id));
		return OK;
	}
	if (json_is_text(value)) { /* one, not in a list */
		TRY(refs_url(member, value, &id));
		list = json_array_new();
		json_add(list, json_text_new(id_text(a, id)));
		*ret = steal(list);
		return OK;
	}
	if (!json_is_array(value) || json_count(value) > MANY_MAX)
		FAIL(ERR_MODEL_INVALID, "\"%s\" must be a list of %d at most", member, MANY_MAX);
	list = json_array_new();
	for (size_t i = 0; i < json_count(value); i++) {
		TRY(refs_url(member, json_at(value, i), &id));
		json_add(list, json_text_new(id_text(a, id)));
	}
	if (json_count(list) > 0)
		*ret = steal(list);
	return OK;
}

err_t
refs_read(
    struct arena *a, const struct profile_type *t, const char *before, const json *body, json *out)
{
	auto_json json *was = NULL;
	json *now;

	if (t->kind->refs == NULL)
		return OK;
	if (before != NULL)
		TRY(json_parse(str_c(before), LIMIT_HTTP_BODY, &was));
	now = json_object_new();
	json_set(out, REFS_STORED, now);
	for (EACH_REFERENCE(r, t)) {
		const char *member = arena_printf(a, "%s" BIND, r->name);
		const json *bind = json_get(body, member);
		json *old = json_get(json_get(was, REFS_STORED), r->name), *value = NULL;

		if (bind != NULL)
			TRY(binding(a, r, member, bind, &value));
		else if (old != NULL)
			value = json_ref(old);
		if (value != NULL)
			json_set(now, r->name, value);
	}
	return OK;
}

err_t
refs_show(const struct profile_type *t, const struct profile *p, json *out)
{
	auto_json json *settings = NULL;

	if (t->kind->refs == NULL)
		return OK;
	TRY(json_parse(str_c(p->settings), LIMIT_HTTP_BODY, &settings));
	json_set(out, REFS_SHOWN, json_ref(json_get(settings, REFS_STORED)));
	return OK;
}

const struct reference *
refs_named(const struct profile_type *t, const char *name)
{
	for (EACH_REFERENCE(r, t))
		if (str_ieq_c(str_c(name), r->name))
			return r;
	return NULL;
}

/* A list with one element more, or less. */
static err_t
list_change(
    struct arena *a, const struct reference *r, const json *was, bool add, struct id id, json **ret)
{
	auto_json json *list = json_array_new();
	const char *text = id_text(a, id);
	bool there = false;

	for (size_t i = 0; i < json_count(was); i++) {
		const char *one = json_text(json_at(was, i));

		there = there || strcmp(one, text) == 0;
		if (add || strcmp(one, text) != 0)
			json_add(list, json_text_new(one));
	}
	if (!add && !there)
		FAIL(ERR_NOT_FOUND, "%s does not have %s", r->name, text);
	if (add && !there)
		json_add(list, json_text_new(text));
	if (json_count(list) > MANY_MAX)
		FAIL(ERR_MODEL_INVALID, "\"%s\" must be a list of %d at most", r->name, MANY_MAX);
	*ret = json_count(list) == 0 ? NULL : steal(list);
	return OK;
}

err_t
refs_change(struct arena *a, const struct reference *r, const char *before, enum refs_op op,
    struct id target, const char **ret)
{
	auto_json json *settings = NULL;
	json *refs, *value = NULL;
	struct str text;

	TRY(json_parse(str_c(before), LIMIT_HTTP_BODY, &settings));
	refs = json_get(settings, REFS_STORED);
	if (refs == NULL) {
		refs = json_object_new();
		json_set(settings, REFS_STORED, refs);
	}
	switch (op) {
	case REFS_SET:
		value = json_text_new(id_text(a, target));
		break;
	case REFS_CLEAR:
		if (json_get(refs, r->name) == NULL)
			FAIL(ERR_NOT_FOUND, "the profile has no %s", r->name);
		break;
	case REFS_ADD:
	case REFS_REMOVE:
		TRY(list_change(a, r, json_get(refs, r->name), op == REFS_ADD, target, &value));
		break;
	}
	if (value == NULL)
		json_del(refs, r->name);
	else
		json_set(refs, r->name, value);
	TRY(json_print(a, settings, &text));
	return text_cstr(a, text, ret);
}

struct loading {
	struct tx *tx;
	struct arena *a;
	struct used *v;
	size_t n;
};

static err_t
load_one(struct loading *l, const struct reference *r, const json *value)
{
	struct used *u = &l->v[l->n];
	struct id id;
	err_t e;

	TRY(id_parse(str_c(json_text(value)), &id));
	e = store_profile_get(l->tx, l->a, id, &u->profile);
	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		FAIL(ERR_MODEL_INVALID, "\"%s" BIND "\": there is no profile %s", r->name,
		    id_text(l->a, id));
	}
	TRY(e);
	u->as = r;
	l->n++;
	return OK;
}

err_t
refs_load(struct tx *tx, struct arena *a, const struct profile *p, struct used **ret, size_t *retn)
{
	struct loading l = { .tx = tx, .a = a };
	auto_json json *settings = NULL;
	const struct profile_type *t;
	size_t room = 0;

	*ret = NULL;
	*retn = 0;
	TRY(profile_type_find(p->type, &t));
	if (t->kind->refs == NULL)
		return OK;
	TRY(json_parse(str_c(p->settings), LIMIT_HTTP_BODY, &settings));
	for (EACH_REFERENCE(r, t))
		room += r->many ? MANY_MAX : 1;
	l.v = arena_array(a, room + 1, sizeof(*l.v));
	for (EACH_REFERENCE(r, t)) {
		const json *value = json_get(json_get(settings, REFS_STORED), r->name);

		if (json_is_text(value))
			TRY(load_one(&l, r, value));
		for (size_t i = 0; json_is_array(value) && i < json_count(value) && i < MANY_MAX;
		     i++)
			TRY(load_one(&l, r, json_at(value, i)));
	}
	*ret = l.v;
	*retn = l.n;
	return OK;
}

static err_t
check_one(const struct profile *p, const struct used *u)
{
	const struct profile_type *t;
	int rank;

	TRY(profile_type_find(u->profile.type, &t));
	rank = kind_rank(t->kind);
	if (rank != (u->as->to == REF_CERTIFICATE ? 1 : 0))
		FAIL(ERR_MODEL_INVALID, "\"%s" BIND "\": profile \"%s\" is no %s", u->as->name,
		    u->profile.display_name,
		    u->as->to == REF_CERTIFICATE ? "certificate profile" : "trusted root");
	if (strcmp(u->profile.platform, p->platform) != 0)
		FAIL(ERR_MODEL_INVALID,
		    "\"%s" BIND "\": profile \"%s\" is for %s, and this one for %s", u->as->name,
		    u->profile.display_name, u->profile.platform, p->platform);
	return OK;
}

static err_t
check_must(struct arena *a, const struct profile_type *t, const struct profile *p,
    const struct used *v, size_t n)
{
	const char *name;
	void *settings;

	if (t->kind->must == NULL)
		return OK;
	TRY(profile_settings(a, t->kind, p, &settings));
	name = t->kind->must(settings);
	for (size_t i = 0; i < n && name != NULL; i++)
		if (strcmp(v[i].as->name, name) == 0)
			return OK;
	if (name != NULL)
		FAIL(ERR_MODEL_INVALID, "\"%s" BIND "\" is missing: the settings need it", name);
	return OK;
}

/* one: the certificate that it names; NULL: none. */
static err_t
check_certified(struct arena *a, const struct profile_type *t, const struct profile *p,
    const struct used *one, bool *ret)
{
	void *settings;

	*ret = true;
	if (t->kind->certified == NULL)
		return OK;
	TRY(profile_settings(a, t->kind, p, &settings));
	*ret = t->kind->certified(settings);
	if (!*ret && one != NULL)
		FAIL(ERR_MODEL_INVALID,
		    "\"%s" BIND "\" names a certificate, and \"authenticationMethod\" uses none",
		    one->as->name);
	return OK;
}

err_t
refs_check(struct tx *tx, struct arena *a, const struct profile *p)
{
	const struct used *one = NULL;
	const struct profile_type *t;
	struct used *v;
	size_t n;
	bool certified;

	TRY(profile_type_find(p->type, &t));
	TRY(refs_load(tx, a, p, &v, &n));
	for (size_t i = 0; i < n; i++) {
		TRY(check_one(p, &v[i]));
		if (v[i].as->to != REF_CERTIFICATE)
			continue;
		/* What a payload refers to lies in the same profile, and a slot has one certificate. */
		if (one != NULL && !id_eq(one->profile.id, v[i].profile.id))
			FAIL(ERR_MODEL_INVALID,
			    "\"%s" BIND "\" and \"%s" BIND
			    "\" name two profiles: all certificates of one profile come of the same",
			    one->as->name, v[i].as->name);
		one = &v[i];
	}
	TRY(check_must(a, t, p, v, n));
	TRY(check_certified(a, t, p, one, &certified));
	for (EACH_REFERENCE(r, t))
		if (certified && one == NULL && r->to == REF_CERTIFICATE)
			FAIL(ERR_MODEL_INVALID,
			    "\"%s" BIND "\" is missing: it names the profile of the certificate",
			    r->name);
	return OK;
}

err_t
refs_users(struct tx *tx, struct arena *a, struct id used, size_t limit, struct profile **ret,
    size_t *retn)
{
	const char *quoted = arena_printf(a, "\"%s\"", id_text(a, used));
	struct profile *v;
	size_t n, at = 0;

	TRY(store_profile_by_reference(tx, a, quoted, limit, &v, &n));
	/* The same characters may stand in a text. */
	for (size_t i = 0; i < n; i++) {
		struct used *u;
		size_t nu;
		bool names = false;

		TRY(refs_load(tx, a, &v[i], &u, &nu));
		for (size_t k = 0; k < nu; k++)
			names = names || id_eq(u[k].profile.id, used);
		if (names)
			v[at++] = v[i];
	}
	*ret = v;
	*retn = at;
	return OK;
}
