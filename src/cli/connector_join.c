/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/connector_join.h"

#include "base/file.h"
#include "base/limits.h"
#include "cli/args.h"
#include "cli/out.h"
#include "cli/sock.h"

#define TRUST_SYSTEM "system"

static err_t
at_ca(struct cli *c, const char *verb, const json *args, json **ret)
{
	TRY_CTX(sock_call(c, "ca", args_text(c->args, "ca-socket"), verb, args, ret), "CA");
	return OK;
}

/* The CA of this role, as ca.show has it. */
static err_t
ca_of_role(const json *shown, const char *role, const json **ret)
{
	const json *cas = json_get(shown, "cas");

	for (size_t i = 0; i < json_count(cas); i++) {
		*ret = json_at(cas, i);
		if (str_eq_c(str_c(role), json_text(json_get(*ret, "role"))))
			return OK;
	}
	FAIL(ERR_CA_NONE, "there is no %s CA", role);
}

/* Principal, its certificate, its rights: to request, and to revoke what was ordered through it. */
static err_t
make_principal(struct cli *c, const char *name, const char *csr, json *admission)
{
	auto_json json *args = json_object_new(), *made = NULL, *rights = json_object_new(),
		       *done = NULL;
	json *list = json_array_new();
	const char **templates;
	size_t n;

	json_set_text(args, "name", name);
	json_set_text(args, "csr", csr);
	TRY(at_ca(c, "principal.add", args, &made));
	json_set_text(admission, "ca_certificate", json_text(json_get(made, "certificate")));

	json_set_text(rights, "principal", name);
	json_add(list, json_text_new("request"));
	json_add(list, json_text_new("officer"));
	json_set(rights, "rights", list);
	TRY(at_ca(c, "ca.grant", rights, &done));

	n = args_list(c->arena, c->args, "template", &templates);
	for (size_t i = 0; i < n; i++) {
		auto_json json *grant = json_object_new(), *granted = NULL;
		json *enrol = json_array_new();

		json_set_text(grant, "template", templates[i]);
		json_set_text(grant, "principal", name);
		json_add(enrol, json_text_new("read"));
		json_add(enrol, json_text_new("enrol"));
		json_set(grant, "rights", enrol);
		TRY(at_ca(c, "template.grant", grant, &granted));
	}
	return OK;
}

/* All that the connector must know of this CA; the CA names itself unless --ca does. */
static err_t
admit(struct cli *c, const char *name, const char *csr, json *admission)
{
	auto_json json *none = json_object_new(), *shown = NULL;
	const json *root, *issuing, *identity;

	TRY(at_ca(c, "ca.show", none, &shown));
	TRY(ca_of_role(shown, "root", &root));
	TRY(ca_of_role(shown, "issuing", &issuing));
	TRY(ca_of_role(shown, "identity", &identity));
	json_set_text(admission, "name", name);
	json_set(admission, "cas", args_json_list(c->arena, c->args, "ca"));
	if (json_count(json_get(admission, "cas")) == 0)
		json_add(json_get(admission, "cas"),
		    json_text_new(json_text(json_get(issuing, "name"))));
	json_set_text(admission, "ca_trust", json_text(json_get(root, "certificate")));
	json_set_text(admission, "identity_ca", json_text(json_get(identity, "certificate")));
	return make_principal(c, name, csr, admission);
}

/* The certificates of the PEM file that the option names, as one text. */
static err_t
pem_option(struct cli *c, const char *option, const char **ret)
{
	const char *path = args_text(c->args, option);
	struct str pem, der[LIMIT_CHAIN_CERTS];
	const char *all = "";
	size_t n;

	TRY_CTX(file_read(c->arena, path, LIMIT_CONF_BYTES, &pem), "--%s", option);
	TRY_CTX(text_unpem(c->arena, pem, "CERTIFICATE", der, LIMIT_CHAIN_CERTS, &n), "--%s %s",
	    option, path);
	for (size_t i = 0; i < n; i++)
		all =
		    arena_printf(c->arena, "%s%s", all, text_pem(c->arena, "CERTIFICATE", der[i]));
	*ret = all;
	return OK;
}

static err_t
pem_member(struct cli *c, const char *option, json *args, const char *member)
{
	const char *pem;

	if (!args_has(c->args, option))
		return OK;
	TRY(pem_option(c, option, &pem));
	json_set_text(args, member, pem);
	return OK;
}

err_t
connector_secret(struct cli *c, json *args)
{
	const char *path = args_text(c->args, "ca-secret-file"), *secret;

	if (path == NULL)
		return OK;
	TRY_CTX(file_first_line(c->arena, path, &secret), "--ca-secret-file");
	json_set_text(args, "ca_secret", secret);
	return OK;
}

err_t
connector_order_key(struct cli *c, json *args)
{
	const char *path = args_text(c->args, "order-key");
	struct str pem, der;
	size_t n;

	if (path == NULL)
		return OK;
	TRY_CTX(file_read(c->arena, path, LIMIT_LONG_TEXT, &pem), "--order-key");
	TRY_CTX(text_unpem(c->arena, pem, "PUBLIC KEY", &der, 1, &n), "--order-key %s", path);
	if (n != 1)
		FAIL(ERR_KEY, "--order-key %s: no public key in PEM", path);
	json_set_text(args, "order_key", text_pem(c->arena, "PUBLIC KEY", der));
	return OK;
}

/* What says how the CA knows us, where the options do not: DigiCert by a key, who has a name by its password. */
static const char *
login_of(const struct args *g)
{
	if (args_has(g, "ca-login"))
		return args_text(g, "ca-login");
	if (str_eq_c(str_c("digicert"), args_or(g, "backend", "")))
		return "key";
	return args_has(g, "ca-user") ? "password" : "certificate";
}

static void
copy_option(struct cli *c, const char *option, json *args, const char *member)
{
	if (args_has(c->args, option))
		json_set_text(args, member, args_text(c->args, option));
}

/* Before anything is made for it elsewhere. */
static err_t
add_code(struct cli *c, json *admission)
{
	const char *path = args_text(c->args, "code-file"), *code = args_text(c->args, "code");

	if ((path == NULL) == (code == NULL))
		FAIL(ERR_USAGE, "one of --code-file and --code says the one-time code");
	if (path != NULL)
		TRY_CTX(file_first_line(c->arena, path, &code), "--code-file");
	json_set_text(admission, "code", code);
	return OK;
}

/* The connector enrols at the service with what was settled, and the options of both ways. */
static err_t
enrol(struct cli *c, const json *admission)
{
	auto_json json *args = json_object_new(), *answer = NULL;

	for (void *it = json_iter(admission); it != NULL; it = json_iter_next(admission, it))
		json_set(args, json_iter_key(it), json_ref(json_iter_value(it)));
	json_set_text(args, "service_url", args_text(c->args, "service-url"));
	json_set_text(args, "ca_url", args_text(c->args, "ca-url"));
	json_set_text(args, "backend", args_or(c->args, "backend", "wstep"));
	json_set_text(args, "ca_login", login_of(c->args));
	copy_option(c, "name", args, "name");
	copy_option(c, "proxy", args, "proxy");
	copy_option(c, "ca-proxy", args, "ca_proxy");
	copy_option(c, "ca-user", args, "ca_user");
	TRY(connector_secret(c, args));
	if (json_is_text(json_get(args, "ca_trust")))
		json_set_text(args, "service_trust", json_text(json_get(args, "ca_trust")));
	TRY(pem_member(c, "trust", args, "service_trust"));
	if (args_has(c->args, "feature"))
		json_set(args, "features", args_json_list(c->arena, c->args, "feature"));
	out_progress(c, "the connector enrols at the service");
	TRY(sock_connector(c, "connector.join", args, &answer));
	out_progress(c, "");
	return out_object(c, answer);
}

/* Says so before anything is made for it elsewhere. *ret: the request in base64. */
static err_t
own_csr(struct cli *c, const char **ret)
{
	auto_json json *none = json_object_new(), *before = NULL, *csr = NULL;

	TRY(sock_connector(c, "connector.show", none, &before));
	if (json_true(json_get(before, "joined")))
		FAIL(ERR_JOINED, "it is \"%s\"", json_text(json_get(before, "name")));
	out_progress(c, "the connector makes its request");
	TRY(sock_connector(c, "connector.csr", none, &csr));
	*ret = arena_strdup(c->arena, json_text(json_get(csr, "csr")));
	return OK;
}

err_t
connector_csr(struct cli *c)
{
	const char *path = args_text(c->args, "out"), *text, *pem;
	auto_json json *answer = json_object_new();
	struct str der;

	TRY(own_csr(c, &text));
	out_progress(c, "");
	TRY(text_unbase64(c->arena, str_c(text), &der));
	pem = text_pem(c->arena, "CERTIFICATE REQUEST", der);
	if (path != NULL)
		return file_write(path, str_c(pem), 0644);
	if (!c->json) {
		fputs(pem, stdout);
		return OK;
	}
	json_set_text(answer, "csr", pem);
	return out_json(c, answer);
}

err_t
connector_admit(struct cli *c)
{
	const char *path = args_text(c->args, "out");
	auto_json json *admission = json_object_new();
	struct str csr, der, text;
	size_t n;

	TRY_CTX(file_read(c->arena, args_text(c->args, "csr"), LIMIT_CSR_BYTES * 2, &csr), "--csr");
	TRY_CTX(text_unpem(c->arena, csr, NULL, &der, 1, &n), "--csr");
	TRY(admit(c, c->args->operands[0], text_base64(c->arena, der), admission));
	if (path == NULL)
		return out_json(c, admission);
	TRY(json_print_pretty(c->arena, admission, &text));
	return file_write(path, text, 0644);
}

err_t
connector_join(struct cli *c)
{
	auto_json json *admission = json_object_new();
	const char *csr;

	TRY(add_code(c, admission));
	TRY(own_csr(c, &csr));
	out_progress(c, "the CA makes its certificate");
	TRY(admit(c, args_text(c->args, "name"), csr, admission));
	return enrol(c, admission);
}

/* Of the file that `admit` wrote; only what it writes is taken from it. */
static err_t
read_admission(struct cli *c, json *admission)
{
	static const char *const members[] = { "name", "cas", "ca_trust", "identity_ca",
		"ca_certificate" };
	const char *path = args_text(c->args, "ca-file");
	auto_json json *obj = NULL;
	struct str text;

	if (path == NULL)
		return OK;
	TRY_CTX(file_read(c->arena, path, LIMIT_CONF_BYTES, &text), "--ca-file");
	TRY_CTX(json_parse(text, LIMIT_CONF_BYTES, &obj), "--ca-file %s", path);
	for (size_t i = 0; i < COUNT(members); i++) {
		if (json_get(obj, members[i]) == NULL)
			FAIL(ERR_USAGE,
			    "--ca-file %s: it has no \"%s\"; \"chancery connector admit\" writes "
			    "such a file",
			    path, members[i]);
		json_set(admission, members[i], json_ref(json_get(obj, members[i])));
	}
	return OK;
}

/* Whatever the CA is, the device identities are of ours: what is sealed is sealed to them. */
static err_t
check_settled(const json *admission)
{
	static const struct {
		const char *member, *option;
	} needed[] = { { "name", "name" }, { "cas", "ca" }, { "identity_ca", "identity-ca" },
		{ "ca_trust", "ca-trust" } };

	for (size_t i = 0; i < COUNT(needed); i++)
		if (json_get(admission, needed[i].member) == NULL)
			FAIL(ERR_USAGE, "--%s is missing, or --ca-file", needed[i].option);
	return OK;
}

err_t
connector_enrol(struct cli *c)
{
	auto_json json *admission = json_object_new();
	const char *trust = args_text(c->args, "ca-trust");

	TRY(add_code(c, admission));
	TRY(read_admission(c, admission));
	copy_option(c, "name", admission, "name");
	if (args_has(c->args, "ca"))
		json_set(admission, "cas", args_json_list(c->arena, c->args, "ca"));
	if (trust != NULL && strcmp(trust, TRUST_SYSTEM) == 0)
		json_set_text(admission, "ca_trust", TRUST_SYSTEM);
	else
		TRY(pem_member(c, "ca-trust", admission, "ca_trust"));
	TRY(pem_member(c, "identity-ca", admission, "identity_ca"));
	TRY(pem_member(c, "ca-certificate", admission, "ca_certificate"));
	TRY(check_settled(admission));
	if (str_eq_c(str_c(TRUST_SYSTEM), json_text(json_get(admission, "ca_trust"))) &&
	    !args_has(c->args, "trust"))
		FAIL(ERR_USAGE, "--trust is missing: whom to trust for the service");
	return enrol(c, admission);
}
