/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/settings.h"

#include "base/file.h"
#include "base/limits.h"
#include "cli/args.h"
#include "cli/out.h"

static const struct {
	const char *name, *type;
} types[] = {
	{ "trusted-root", "#chancery.linuxTrustedRootCertificate" },
	{ "pkcs", "#chancery.linuxPkcsCertificateProfile" },
	{ "scep", "#chancery.linuxScepCertificateProfile" },
	{ "imported-pfx", "#chancery.linuxImportedPFXCertificateProfile" },
};

static err_t
read_file(struct cli *c, json **ret)
{
	const char *path = args_text(c->args, "file");
	auto_json json *body = NULL;
	struct str text;

	if (path == NULL) {
		*ret = json_object_new();
		return OK;
	}
	TRY_CTX(file_read(c->arena, path, LIMIT_HTTP_BODY, &text), "--file");
	TRY_CTX(json_parse(text, LIMIT_HTTP_BODY, &body), "%s", path);
	if (!json_is_object(body))
		FAIL(ERR_USAGE, "%s is no JSON object", path);
	*ret = steal(body);
	return OK;
}

/* What is JSON is taken as it is (numbers, true, lists, text in quotes); everything else is a text. */
static json *
value_of(struct str value)
{
	json *j = NULL;
	err_t e = json_parse(value, LIMIT_HTTP_BODY, &j);

	err_forget(e);
	return err_ok(e) ? j : json_str_new(value);
}

static err_t
set(json *body, const char *pair)
{
	struct str value = str_c(pair);
	struct str name = str_cut(&value, '=');
	char key[LIMIT_TEXT];

	if (name.n == 0 || strchr(pair, '=') == NULL)
		FAIL(ERR_USAGE, "--set %.64s must have the form NAME=VALUE", pair);
	TRY_CTX(text_utf8(value), "--set");
	if (name.n >= sizeof(key))
		FAIL(ERR_USAGE, "--set: the name is longer than %zu bytes", sizeof(key) - 1);
	memcpy(key, name.p, name.n);
	key[name.n] = '\0';
	json_set(body, key, value_of(value));
	return OK;
}

/* --secret NAME=FILE: a secret on the command line would stand in the list of processes. */
static err_t
set_secret(struct cli *c, json *body, const char *pair)
{
	struct str file = str_c(pair);
	struct str name = str_cut(&file, '=');
	const char *secret;

	if (name.n == 0 || file.n == 0)
		FAIL(ERR_USAGE, "--secret %.64s is not NAME=FILE", pair);
	TRY_CTX(file_first_line(c->arena, arena_cstr(c->arena, file), &secret), "--secret");
	json_set_text(body, arena_cstr(c->arena, name), secret);
	return OK;
}

static err_t
set_certificate(struct cli *c, json *body)
{
	const char *path = args_text(c->args, "certificate");
	const char *name;
	struct str text, der;
	size_t n;

	if (path == NULL)
		return OK;
	TRY_CTX(file_read(c->arena, path, LIMIT_CERT_BYTES * 2, &text), "--certificate");
	TRY_CTX(text_unpem(c->arena, text, "CERTIFICATE", &der, 1, &n), "--certificate %s", path);
	if (n != 1)
		FAIL(ERR_CERTIFICATE, "%s holds none", path);
	name = strrchr(path, '/');
	json_set_base64(c->arena, body, "trustedRootCertificate", der);
	if (json_get(body, "certFileName") == NULL)
		json_set_text(body, "certFileName", name == NULL ? path : name + 1);
	return OK;
}

err_t
settings_read(struct cli *c, json **ret)
{
	auto_json json *body = NULL;
	const char *type = args_text(c->args, "type");

	TRY(read_file(c, &body));
	for (size_t i = 0; type != NULL && i < COUNT(types); i++)
		if (str_eq_c(str_c(type), types[i].name))
			type = types[i].type;
	if (type != NULL)
		json_set_text(body, "@odata.type", type);
	TRY(args_body(c->arena, c->args, body));
	/* Not args_list(): values hold commas. */
	for (size_t i = 0; i < c->args->n; i++)
		if (str_eq_c(str_c(c->args->v[i].opt->name), "set"))
			TRY(set(body, c->args->v[i].value));
	for (size_t i = 0; i < c->args->n; i++)
		if (str_eq_c(str_c(c->args->v[i].opt->name), "secret"))
			TRY(set_secret(c, body, c->args->v[i].value));
	TRY(set_certificate(c, body));
	*ret = steal(body);
	return OK;
}

void
settings_set_root(struct arena *a, json *body, const char *profile_id)
{
	json_set_text(body, "rootCertificate@odata.bind",
	    arena_printf(a, "/beta/deviceManagement/deviceConfigurations('%s')", profile_id));
}

void
settings_refer(struct arena *a, json *body, const char *name, const char *profile_id, bool more)
{
	const char *member = arena_printf(a, "%s@odata.bind", name);
	json *url = json_text_new(
	    arena_printf(a, "/beta/deviceManagement/deviceConfigurations('%s')", profile_id));
	json *have = json_get(body, member), *list;

	if (!more || have == NULL) {
		json_set(body, member, url);
	} else if (json_is_array(have)) {
		json_add(have, url);
	} else {
		list = json_array_new();
		json_add(list, json_ref(have));
		json_add(list, url);
		json_set(body, member, list);
	}
}

/* A list of objects: a line each, "name=value, name=value". */
static void
print_list(struct cli *c, const char *key, const json *list)
{
	printf("%s\n", text_safe(c->arena, str_c(key)));
	for (size_t i = 0; i < json_count(list); i++) {
		const json *x = json_at(list, i);
		const char *line = "";

		if (json_is_object(json_get(x, "target")))
			x = json_get(x, "target");
		for (void *it = json_iter(x); it != NULL; it = json_iter_next(x, it))
			if (!json_is_null(json_iter_value(it)))
				line = arena_printf(c->arena, "%s%s%s=%s", line,
				    *line == '\0' ? "" : ", ",
				    text_safe(c->arena, str_c(json_iter_key(it))),
				    out_value(c->arena, json_iter_value(it)));
		printf("  %s\n", line);
	}
}

err_t
settings_print(struct cli *c, const json *profile)
{
	TRY(out_object(c, profile));
	for (void *it = json_iter(profile); it != NULL; it = json_iter_next(profile, it)) {
		const json *v = json_iter_value(it);

		if (json_is_array(v) && json_is_object(json_at(v, 0)))
			print_list(c, json_iter_key(it), v);
	}
	return OK;
}
