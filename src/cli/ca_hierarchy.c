/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ca_hierarchy.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/secret.h"
#include "cli/args.h"
#include "cli/out.h"
#include "cli/sock.h"

enum { BUNDLE_MAX = LIMIT_CERT_BYTES * 2 * LIMIT_CHAIN_CERTS, PASSPHRASE_MAX = 1026 };

/* PEM, or DER as base64. */
static err_t
read_pki_file(struct cli *c, const char *path, const char **ret)
{
	struct str text;

	TRY_CTX(file_read(c->arena, path, BUNDLE_MAX, &text), "%s", path);
	if (str_starts(str_trim(text), LIT("-----BEGIN ")))
		*ret = arena_cstr(c->arena, text);
	else
		*ret = text_base64(c->arena, text);
	return OK;
}

static err_t
put_pem(struct cli *c, const json *answer, const char *key)
{
	const char *path = args_text(c->args, "out");
	const char *pem = json_text(json_get(answer, key));

	if (c->json)
		return out_json(c, answer);
	if (path == NULL) {
		fputs(pem, stdout);
		return OK;
	}
	TRY(file_write(path, str_c(pem), 0644));
	out_say(c, "%s", path);
	return OK;
}

/* A CA, or what another one has to sign first. */
static err_t
put_answer(struct cli *c, const json *answer)
{
	if (json_get(answer, "request") != NULL)
		return put_pem(c, answer, "request");
	return c->json ? out_json(c, answer) : out_object(c, answer);
}

err_t
ca_with_key(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;

	json_set_text(args, "ca", c->args->operands[0]);
	TRY(args_body(c->arena, c->args, args));
	if (args_has(c->args, "new-key"))
		json_set_bool(args, "new_key", true);
	TRY(sock_ask(c, "ca", c->args->verb->call->verb, args, &answer));
	return put_answer(c, answer);
}

err_t
ca_install(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;
	const char *all = "", *text;

	for (size_t i = 1; i < c->args->noperands; i++) {
		TRY(read_pki_file(c, c->args->operands[i], &text));
		if (i > 1 && !str_starts(str_c(text), LIT("-----BEGIN ")))
			FAIL(ERR_USAGE, "of several files each must be PEM: %s",
			    c->args->operands[i]);
		all = arena_printf(c->arena, "%s%s\n", all, text);
	}
	json_set_text(args, "ca", c->args->operands[0]);
	json_set_text(args, "certificate", all);
	TRY(sock_ask(c, "ca", "ca.install", args, &answer));
	return put_answer(c, answer);
}

err_t
ca_sign(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;
	int64_t years, length;
	const char *text;

	TRY(read_pki_file(c, c->args->operands[0], &text));
	TRY(args_int(c->args, "years", 1, 50, 10, &years));
	TRY(args_int(c->args, "path-length", 0, 127, 0, &length));
	TRY(args_body(c->arena, c->args, args));
	json_set_text(args, "request", text);
	json_set_int(args, "years", years);
	json_set_int(args, "path_length", length);
	TRY(sock_ask(c, "ca", "ca.sign", args, &answer));
	return put_pem(c, answer, "certificate");
}

static err_t
passphrase(struct cli *c, const char *option, json *args, const char *key)
{
	struct str text;

	TRY_CTX(
	    file_read(c->arena, args_text(c->args, option), PASSPHRASE_MAX, &text), "--%s", option);
	json_set_text(args, key, arena_cstr(c->arena, str_trim(text)));
	secret_wipe((void *)(uintptr_t)text.p, text.n);
	return OK;
}

err_t
ca_passwd(struct cli *c)
{
	auto_json json *args = json_object_new(), *answer = NULL;

	if (!str_eq_c(str_c(c->args->operands[0]), "passwd"))
		FAIL(ERR_USAGE, "chancery ca key passwd");
	TRY(passphrase(c, "old-file", args, "old"));
	TRY(passphrase(c, "new-file", args, "new"));
	TRY(sock_ask(c, "ca", "ca.passwd", args, &answer));
	out_say(c, "done; put the new passphrase where the CA takes it at its next start");
	return c->json ? out_json(c, answer) : OK;
}

/* clang-format off */
#define KEY_OPTS \
	{ .name = "key-alg", .value = "ALG", .property = "key_alg", \
	  .help = "Kind of a new key: rsa2048, rsa3072, rsa4096, p256 or p384; else as before, or as the CA has it." }, \
	{ .name = "key", .value = "URI", .property = "key", \
	  .help = "Make the key in a PKCS#11 token: pkcs11:token=...;object=...?module-path=...&pin-source=file:..." }
#define OUT_OPT { .name = "out", .value = "FILE", .help = "Write the PEM there." }
/* clang-format on */

const struct opt ca_add_opts[] = {
	{ .name = "issuer",
	    .value = "CA",
	    .property = "issuer",
	    .help = "The CA above it, here; without it: one elsewhere, which gets the request." },
	KEY_OPTS,
	OUT_OPT,
	SOCK_OPT("ca"),
	{ 0 },
};
const struct opt ca_csr_opts[] = {
	{ .name = "new-key", .help = "For a new key; else for the present one." },
	KEY_OPTS,
	OUT_OPT,
	SOCK_OPT("ca"),
	{ 0 },
};
const struct opt ca_renew_opts[] = {
	{ .name = "new-key",
	    .help = "With a new key. What the old one signed stays valid, with CRLs of its own." },
	KEY_OPTS,
	SOCK_OPT("ca"),
	{ 0 },
};
const struct opt ca_sign_opts[] = {
	{ .name = "ca", .value = "CA", .property = "ca", .help = "Who signs; else the root." },
	{ .name = "years", .value = "N", .help = "How long it is valid; else 10." },
	{ .name = "path-length", .value = "N", .help = "How many CAs may be below it; else 0." },
	OUT_OPT,
	SOCK_OPT("ca"),
	{ 0 },
};
const struct opt ca_passwd_opts[] = {
	{ .name = "old-file",
	    .value = "FILE",
	    .required = true,
	    .help = "File with the present passphrase." },
	{ .name = "new-file",
	    .value = "FILE",
	    .required = true,
	    .help = "File with the new passphrase." },
	SOCK_OPT("ca"),
	{ 0 },
};
