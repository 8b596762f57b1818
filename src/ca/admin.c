/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/admin.h"

#include "ca/state.h"
#include "codec/admin_ipc.h"

static const struct ca_verb *const tables[] = {
	admin_ca_verbs,
	admin_template_verbs,
	admin_principal_verbs,
	admin_group_verbs,
	admin_cert_verbs,
	admin_challenge_verbs,
	admin_request_verbs,
	admin_setting_verbs,
	admin_hierarchy_verbs,
	admin_crl_verbs,
};

static const struct ca_verb *
find(const char *name)
{
	for (size_t i = 0; i < COUNT(tables); i++) {
		for (const struct ca_verb *v = tables[i]; v->name != NULL; v++) {
			if (str_eq_c(str_c(v->name), name))
				return v;
		}
	}
	return NULL;
}

static err_t
check_args(const struct ca_verb *v, const json *args)
{
	if (!json_is_object(args))
		FAIL(ERR_BAD_REQUEST, "%s: the arguments are not a JSON object", v->name);
	for (void *it = json_iter(args); it != NULL; it = json_iter_next(args, it)) {
		bool known = false;

		for (size_t i = 0; v->args[i] != NULL; i++)
			known = known || str_eq_c(str_c(v->args[i]), json_iter_key(it));
		if (!known)
			FAIL(ERR_BAD_REQUEST, "%s has no argument %s", v->name, json_iter_key(it));
	}
	return OK;
}

static err_t
on_admin(void *ctx, struct arena *a, struct str in, struct buf *out)
{
	auto_json json *args = NULL, *answer = json_object_new();
	const struct ca_verb *v;
	struct admin_req q;
	struct str text;

	TRY(admin_req_parse(a, in, &q));
	v = find(q.verb);
	if (v == NULL)
		FAIL(ERR_USAGE, "there is no verb %s", q.verb);
	TRY(json_parse(str_c(q.arguments), LIMIT_IPC_MESSAGE, &args));
	TRY(check_args(v, args));
	TRY_CTX(v->run(ctx, a, args, answer), "%s", v->name);
	TRY(json_print(a, answer, &text));
	return admin_rep_encode(&(struct admin_rep){ arena_cstr(a, text) }, out);
}

static const struct ipc_verb verbs[] = {
	{ ADMIN, on_admin },
	{ 0, NULL },
};

const struct ipc_verb *
issuer_admin_verbs(void)
{
	return verbs;
}

err_t
admin_der(struct arena *a, const char *text, const char *label, size_t max, struct str *ret)
{
	struct str der;
	size_t n;

	if (str_starts(str_trim(str_c(text)), LIT("-----BEGIN "))) {
		TRY(text_unpem(a, str_c(text), label, &der, 1, &n));
		if (n != 1)
			FAIL(ERR_BAD_REQUEST, "the text has no %s", label);
	} else {
		TRY(text_unbase64(a, str_c(text), &der));
	}
	if (der.n > max)
		FAIL(ERR_TOO_LARGE, "%s of %zu bytes", label, der.n);
	*ret = der;
	return OK;
}

void
admin_set_cert(struct arena *a, json *out, const char *key, struct str der)
{
	json_set_text(out, key, text_pem(a, "CERTIFICATE", der));
}

void
admin_set_chain(struct issuer *is, struct arena *a, json *out, const char *key, struct str leaf,
    const struct ca *ca)
{
	struct ipc_blobs chain = hierarchy_chain(a, issuer_hierarchy(is), ca);
	const char *all = text_pem(a, "CERTIFICATE", leaf);

	for (size_t i = 0; i < chain.n; i++)
		all = arena_printf(a, "%s%s", all, text_pem(a, "CERTIFICATE", chain.v[i]));
	json_set_text(out, key, all);
}

err_t
admin_texts(struct arena *a, const json *args, const char *key, size_t max, const char *const **ret,
    size_t *retn)
{
	const char **v;
	json *list;
	size_t n;

	TRY(json_want_array(args, key, max, &list));
	n = json_count(list);
	v = arena_array(a, n + 1, sizeof(*v));
	for (size_t i = 0; i < n; i++) {
		const char *s = json_text(json_at(list, i));

		if (s[0] == '\0' || strlen(s) > LIMIT_TEXT)
			FAIL(ERR_BAD_REQUEST, "%s: member %zu is no text of 1 to %u bytes", key, i,
			    LIMIT_TEXT);
		v[i] = arena_strdup(a, s);
	}
	*ret = v;
	*retn = n;
	return OK;
}

static err_t
one_right(struct arena *a, struct str text, const char *key, const struct right_name *names,
    size_t n, unsigned *bits)
{
	const char *known = "";

	for (size_t i = 0; i < n; i++) {
		if (str_ieq_c(text, names[i].name)) {
			*bits |= names[i].bit;
			return OK;
		}
		known = arena_printf(a, "%s%s%s", known, i > 0 ? ", " : "", names[i].name);
	}
	FAIL(ERR_BAD_REQUEST, "%s: a right is one of %s", key, known);
}

err_t
admin_rights(struct arena *a, const json *args, const char *key, const struct right_name *names,
    size_t n, unsigned *ret)
{
	const json *value = json_get(args, key);
	const char *const *v;
	unsigned bits = 0;
	struct str rest;
	size_t nv;

	if (json_is_text(value)) {
		rest = str_c(json_text(value));
		while (rest.n > 0)
			TRY(one_right(a, str_trim(str_cut(&rest, '|')), key, names, n, &bits));
		*ret = bits;
		return OK;
	}
	TRY(admin_texts(a, args, key, n, &v, &nv));
	for (size_t i = 0; i < nv; i++)
		TRY(one_right(a, str_c(v[i]), key, names, n, &bits));
	*ret = bits;
	return OK;
}
