/* SPDX-License-Identifier: Apache-2.0 */
/* chancery ca: the certification authority itself. */
#include "base/file.h"
#include "cli/args.h"
#include "cli/ca_hierarchy.h"
#include "cli/ca_upkeep.h"
#include "cli/out.h"
#include "cli/sock.h"

static const struct column columns[] = {
	{ .head = "NAME", .key = "name" },
	{ .head = "ROLE", .key = "role" },
	{ .head = "KEY", .key = "key" },
	{ .head = "VERSION", .key = "version" },
	{ .head = "STATE", .key = "state" },
	{ .head = "NOT AFTER", .key = "not_after" },
	{ .head = "SUBJECT", .key = "subject", .wrap = true },
	{ 0 },
};

static err_t
init(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;
	json *hosts = args_json_list(c->arena, c->args, "host");

	json_set(args, "hosts", hosts);
	TRY(args_body(c->arena, c->args, args));
	out_progress(c, "making the keys of the CAs");
	TRY(sock_ask(c, "ca", "ca.init", args, &answer));
	out_progress(c, "");
	return out_list(c, columns, answer, "cas");
}

static const struct sock_verb add = { "ca", "ca.add" };
static const struct sock_verb csr = { "ca", "ca.csr" };
static const struct sock_verb renew = { "ca", "ca.renew" };
static const struct sock_verb show = { "ca", "ca.show", .part = "cas", .columns = columns };

/* DER for .cer and .der, which is what importers expect behind these names; else PEM. */
static err_t
write_certificate(struct cli *c, const char *path, const char *pem)
{
	static const char *const ends[] = { ".cer", ".der" };
	struct str out = str_c(pem);
	size_t n = strlen(path), count;

	for (size_t i = 0; i < COUNT(ends); i++) {
		if (n > 4 && str_ieq_c(str_c(path + n - 4), ends[i]))
			TRY(text_unpem(c->arena, str_c(pem), "CERTIFICATE", &out, 1, &count));
	}
	return file_write(path, out, 0644);
}

static err_t
export_root(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;
	const char *path = c->args->noperands > 0 ? c->args->operands[0] : NULL;
	const char *role = args_or(c->args, "role", "root");
	const char *pem = NULL;
	const json *cas;

	TRY(sock_ask(c, "ca", "ca.show", args, &answer));
	cas = json_get(answer, "cas");
	for (size_t i = 0; i < json_count(cas); i++)
		if (pem == NULL &&
		    str_eq_c(str_c(role), json_text(json_get(json_at(cas, i), "role"))))
			pem = json_text(json_get(json_at(cas, i), "certificate"));
	if (pem == NULL && json_count(cas) == 0)
		FAIL(ERR_CA_NONE, "%s", "");
	if (pem == NULL)
		FAIL(ERR_USAGE, "--role is one of root, issuing, identity");
	if (path == NULL) {
		fputs(pem, stdout);
		return OK;
	}
	TRY(write_certificate(c, path, pem));
	out_say(c, "%s", path);
	return OK;
}

static err_t
grant(struct cli *c)
{
	auto_json json *args = json_object_new();

	json_set(args, "rights", args_json_operands(c->args, 1));
	return sock_verb(c,
	    &(struct sock_verb){ "ca", "ca.grant", .operand = "principal", .part = "principal" },
	    args);
}

static const struct opt init_opts[] = {
	{ .name = "name",
	    .value = "NAME",
	    .property = "name",
	    .required = true,
	    .help =
		"Name of the organisation; the CAs are \"NAME Root CA\", \"NAME Issuing CA\", \"NAME Device Identity CA\"." },
	{ .name = "host",
	    .value = "HOST",
	    .required = true,
	    .many = true,
	    .help = "Host name or address of the enrolment port, for its TLS certificate." },
	{ .name = "http-url",
	    .value = "URL",
	    .property = "http_url",
	    .required = true,
	    .help =
		"How everybody reaches the plain HTTP port; stands in certificates as the place of CRLs." },
	{ .name = "key-alg",
	    .value = "ALG",
	    .property = "key_alg",
	    .help = "Keys of the CAs: rsa (default), rsa3072, rsa4096, p256 or p384." },
	{ .name = "key-uri",
	    .value = "URI",
	    .property = "key",
	    .help =
		"Make the keys of the CAs in a PKCS#11 token: pkcs11:token=...?module-path=...&pin-source=file:..." },
	SOCK_OPT("ca"),
	{ 0 },
};
static const struct opt socket_opts[] = { SOCK_OPT("ca"), { 0 } };
static const struct opt export_opts[] = {
	{ .name = "role", .value = "ROLE", .help = "root (default), issuing or identity." },
	SOCK_OPT("ca"),
	{ 0 },
};

static const struct verb verbs[] = {
	{ "init", "Make the root, the issuing and the device-identity CA.", NULL, init_opts, init },
	{ "show", "The CAs with their certificates.", NULL, socket_opts, sock_run, .call = &show },
	{ "export-root", "Write the root certificate: DER to a file named .cer or .der, else PEM.",
	    "[FILE]", export_opts, export_root },
	{ "grant", "Set what a principal may do at the CA: read, request, officer, manage.",
	    "PRINCIPAL RIGHT...", socket_opts, grant },
	{ "add", "Add an issuing CA, below a CA here or elsewhere.", "NAME", ca_add_opts,
	    ca_with_key, .call = &add },
	{ "csr", "The request of a CA that has its certificate from elsewhere.", "NAME",
	    ca_csr_opts, ca_with_key, .call = &csr },
	{ "install", "Take the certificate that came back, and those above it.", "NAME FILE...",
	    socket_opts, ca_install },
	{ "renew", "A new certificate for a CA, for the same key or a new one.", "NAME",
	    ca_renew_opts, ca_with_key, .call = &renew },
	{ "sign", "Sign the request of a CA elsewhere.", "FILE", ca_sign_opts, ca_sign },
	{ "key", "key passwd: change the passphrase of the key files.", "passwd", ca_passwd_opts,
	    ca_passwd },
	{ "settings", "The settings, with their defaults.", NULL, socket_opts, ca_settings },
	{ "set", "Change a setting; without a value: back to its default.", "NAME [VALUE]",
	    socket_opts, ca_set },
	{ "ping", "Is the CA there?", NULL, socket_opts, ca_ping },
	{ "backup", "Copy the CA with its keys to a new folder, while it runs.", "DIR", socket_opts,
	    ca_backup },
	{ "restore", "Put a backup back; the CA must be down, and takes it at its next start.",
	    "DIR", ca_restore_opts, ca_restore },
	{ 0 },
};

const struct command command_ca = { "ca", "The certification authority (on its host).", verbs };
