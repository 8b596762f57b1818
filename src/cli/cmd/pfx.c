/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chancery pfx: import keys of the connector of this host, and certificates that are brought along with their keys.
 */
#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/when.h"
#include "cli/api.h"
#include "cli/args.h"
#include "cli/entity.h"
#include "cli/out.h"
#include "cli/pfx_file.h"
#include "cli/pfx_import.h"
#include "cli/sock.h"
#include "cli/url.h"

#define SET "/beta/deviceManagement/userPfxCertificates"
#define DAY 86400

static const struct column key_columns[] = {
	{ .head = "NAME", .key = "name" },
	{ .head = "ID", .key = "id" },
	{ 0 },
};

static const struct column columns[] = {
	{ .head = "USER", .key = "userPrincipalName" },
	{ .head = "PURPOSE", .key = "intendedPurpose" },
	{ .head = "ENDS", .key = "expirationDateTime" },
	{ .head = "STATE", .key = "@chancery.state", .state = true },
	{ .head = "ID", .key = "id" },
	{ 0 },
};

static err_t
key_create(struct cli *c, const char *name)
{
	auto_json json *args = json_object_new(), *answer = NULL;
	int64_t bits;

	TRY(args_int(c->args, "bits", 2048, 4096, 3072, &bits));
	json_set_text(args, "name", name);
	json_set_int(args, "bits", bits);
	json_set_text(args, "uri", args_or(c->args, "uri", ""));
	TRY(sock_connector(c, "pfx.key.create", args, &answer));
	return out_object(c, answer);
}

static err_t
key_list(struct cli *c, const char *name)
{
	auto_json json *args = json_object_new(), *answer = NULL;

	(void)name;
	TRY(sock_connector(c, "pfx.key.list", args, &answer));
	return out_list(c, key_columns, answer, "keys");
}

static err_t
write_out(struct cli *c, const char *text)
{
	const char *path = args_text(c->args, "out");

	if (path != NULL)
		return file_create(path, str_c(text), 0644);
	if (fputs(text, stdout) < 0)
		FAIL(ERR_FILE, "standard output: %m");
	return OK;
}

/* What comes before the block is the name; readers of PEM pass over it. */
static err_t
key_export(struct cli *c, const char *name)
{
	auto_json json *args = json_object_new(), *answer = NULL;
	const json *keys;

	TRY(sock_connector(c, "pfx.key.list", args, &answer));
	keys = json_get(answer, "keys");
	for (size_t i = 0; i < json_count(keys); i++) {
		const json *k = json_at(keys, i);

		if (!str_ieq_c(str_c(name), json_text(json_get(k, "name"))))
			continue;
		if (c->json)
			return out_json(c, k);
		return write_out(c,
		    arena_printf(c->arena, "Import key %s\n%s", json_text(json_get(k, "name")),
			json_text(json_get(k, "public_key"))));
	}
	FAIL(ERR_NOT_FOUND, "import key '%s'", text_safe(c->arena, str_c(name)));
}

/* Portion after portion, until there is none. */
static err_t
rewrap(struct cli *c, const char *id, const char *name, int64_t *done, int64_t *failed)
{
	const char *after = "";

	do {
		auto_json json *args = json_object_new(), *answer = NULL;

		json_set_text(args, "id", id);
		json_set_text(args, "name", name);
		json_set_text(args, "after", after);
		TRY(sock_connector(c, "pfx.rewrap", args, &answer));
		*done += json_int(json_get(answer, "done"));
		*failed += json_int(json_get(answer, "failed"));
		after = arena_strdup(c->arena, json_text(json_get(answer, "after")));
		out_progress(c, arena_printf(c->arena, "%lld passwords", (long long)*done));
	} while (after[0] != '\0');
	out_progress(c, "");
	return OK;
}

/* The other connector's key is admitted here, and every password that we can open is encrypted to it as well. */
static err_t
key_admit(struct cli *c, const char *path)
{
	auto_json json *out = json_object_new();
	auto_pfx_keys struct pfx_keys keys = { 0 };
	int64_t done = 0, failed = 0;

	TRY(pfx_keys_read(c->arena, path, &keys));
	for (size_t i = 0; i < keys.n; i++) {
		auto_json json *args = json_object_new(), *answer = NULL;
		struct str spki;

		TRY(key_spki(c->arena, keys.v[i].key, &spki));
		json_set_text(args, "public_key", text_pem(c->arena, "PUBLIC KEY", spki));
		TRY(sock_connector(c, "pfx.key.admit", args, &answer));
		TRY(rewrap(c, keys.v[i].id, keys.v[i].name, &done, &failed));
	}
	json_set_int(out, "encryptedAgain", done);
	json_set_int(out, "failed", failed);
	if (c->json)
		return out_json(c, out);
	out_say(c, "%lld passwords encrypted to it as well, %lld could not be opened",
	    (long long)done, (long long)failed);
	return OK;
}

static const struct {
	const char *name, *operand; /* operand NULL: none */
	err_t (*run)(struct cli *c, const char *operand);
} key_actions[] = {
	{ "create", "NAME", key_create },
	{ "list", NULL, key_list },
	{ "export-public", "NAME", key_export },
	{ "admit", "FILE", key_admit },
};

static err_t
key(struct cli *c)
{
	const struct args *g = c->args;

	for (size_t i = 0; i < COUNT(key_actions); i++) {
		if (!str_eq_c(str_c(g->operands[0]), key_actions[i].name))
			continue;
		if (key_actions[i].operand != NULL && g->noperands != 2)
			FAIL(ERR_USAGE, "%s is missing", key_actions[i].operand);
		return key_actions[i].run(c, g->noperands > 1 ? g->operands[1] : NULL);
	}
	FAIL(ERR_USAGE, "'%s' is none of create, list, export-public, admit",
	    text_safe(c->arena, str_c(g->operands[0])));
}

/* By user and purpose, the longest validity first. */
static int
compare(const void *x, const void *y)
{
	const json *a = *(json *const *)x, *b = *(json *const *)y;
	int c = strcmp(json_text(json_get(a, "userPrincipalName")),
	    json_text(json_get(b, "userPrincipalName")));

	if (c == 0)
		c = strcmp(json_text(json_get(a, "intendedPurpose")),
		    json_text(json_get(b, "intendedPurpose")));
	if (c == 0)
		c = strcmp(json_text(json_get(b, "expirationDateTime")),
		    json_text(json_get(a, "expirationDateTime")));
	return c;
}

static bool
same(const json *a, const json *b, const char *member)
{
	return strcmp(json_text(json_get(a, member)), json_text(json_get(b, member))) == 0;
}

/* Sorted, with a state each: of those for one purpose, only the newest is missed when it ends. */
static json *
with_states(struct cli *c, const json *rows, int64_t days, bool only)
{
	size_t n = json_count(rows);
	json **v = arena_array(c->arena, n + 1, sizeof(*v)), *out = json_array_new();
	const char *now = when_text(c->arena, when_now()),
		   *soon = when_text(c->arena, when_now() + days * DAY);

	for (size_t i = 0; i < n; i++)
		v[i] = json_at(rows, i);
	qsort(v, n, sizeof(*v), compare);
	for (size_t i = 0; i < n; i++) {
		const char *ends = json_text(json_get(v[i], "expirationDateTime"));
		bool newest = i == 0 || !same(v[i], v[i - 1], "userPrincipalName") ||
		    !same(v[i], v[i - 1], "intendedPurpose");
		bool ended = strcmp(ends, now) <= 0, ending = strcmp(ends, soon) <= 0;

		json_set_text(v[i], "@chancery.state",
		    !newest    ? "retired" :
			ended  ? "expired" :
			ending ? "expiring" :
				 "active");
		if (!only || (newest && ending))
			json_add(out, json_ref(v[i]));
	}
	return out;
}

static err_t
list(struct cli *c)
{
	auto_json json *rows = NULL, *shown = NULL;
	const char *user = args_text(c->args, "user"), *path = SET "?$top=999";
	int64_t days;

	TRY(args_int(c->args, "expiring", 0, 3650, 30, &days));
	if (user != NULL)
		path = arena_printf(
		    c->arena, SET "?%s", url_filter(c->arena, "userPrincipalName", user));
	TRY(api_list(c, path, &rows));
	shown = with_states(c, rows, days, args_has(c->args, "expiring"));
	return out_rows(c, columns, shown);
}

static const struct entity records = { SET,
	.gone = "removed; it goes from the user's devices as well" };

static err_t
update(struct cli *c)
{
	auto_json json *body = json_object_new();
	const char *purpose = pfx_purpose(args_text(c->args, "purpose")), *path;

	if (purpose == NULL)
		FAIL(ERR_USAGE,
		    "--purpose is none of unassigned, smimeEncryption, smimeSigning, vpn, wifi");
	json_set_text(body, "intendedPurpose", purpose);
	TRY(entity_path(c, &records, "", &path));
	TRY(api_send(c, "PATCH", path, body, NULL));
	out_say(c, "changed");
	return OK;
}

static const struct opt key_opts[] = {
	{ .name = "bits",
	    .value = "N",
	    .help = "create: bits of the RSA key, 2048 to 4096; else 3072." },
	{ .name = "uri",
	    .value = "URI",
	    .help = "create: make it in this PKCS#11 token (RFC 7512); else in a file." },
	{ .name = "out",
	    .value = "FILE",
	    .help = "export-public: write it there; else to standard output." },
	SOCK_OPT("connector"),
	{ 0 },
};

static const struct opt import_opts[] = {
	{ .name = "key",
	    .value = "FILE",
	    .many = true,
	    .help =
		"Public import keys of the connectors that shall open them, from \"pfx key export-public\"." },
	{ .name = "csv",
	    .value = "FILE",
	    .help =
		"Table with the columns file, user, password, purpose; files are sought in the folder." },
	{ .name = "user", .value = "UPN", .help = "Whose certificate it is, of one file." },
	{ .name = "purpose",
	    .value = "PURPOSE",
	    .help = "unassigned, smimeEncryption, smimeSigning, vpn or wifi; else unassigned." },
	{ .name = "password-file",
	    .value = "FILE",
	    .help = "The first line is the password where the table has none." },
	{ .name = "padding",
	    .value = "SCHEME",
	    .help = "oaepSha256, oaepSha384 or oaepSha512; else oaepSha256." },
	{ .name = "parallel",
	    .value = "N",
	    .help = "Files worked on at the same time; else one for each core." },
	{ .name = "dry-run", .help = "Check everything, send nothing." },
	{ 0 },
};

static const struct opt list_opts[] = {
	{ .name = "user", .value = "UPN", .help = "Of this user." },
	{ .name = "expiring",
	    .value = "DAYS",
	    .help = "Only those that end so soon, or have ended, and have no successor." },
	{ 0 },
};

static const struct opt update_opts[] = {
	{ .name = "purpose",
	    .value = "PURPOSE",
	    .required = true,
	    .help = "unassigned, smimeEncryption, smimeSigning, vpn or wifi." },
	{ 0 },
};

static const struct verb verbs[] = {
	{ "key",
	    "Import keys of this host's connector: create, list, export-public NAME, admit FILE of another one.",
	    "ACTION [NAME]", key_opts, key },
	{ "import",
	    "Check PKCS#12 files, encrypt them to connectors, and bring them to the service.",
	    "PATH", import_opts, pfx_import_run },
	{ "list", "Imported certificates, and which of them end soon.", NULL, list_opts, list },
	{ "show", "One imported certificate.", "ID", NULL, entity_show, &records },
	{ "update", "Change what an imported certificate is for.", "ID", update_opts, update },
	{ "remove", "Remove an imported certificate, here and from devices.", "ID", NULL,
	    entity_delete, &records },
	{ 0 },
};

const struct command command_pfx = { "pfx", "Certificates that are imported with their keys.",
	verbs };
