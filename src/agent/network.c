/* SPDX-License-Identifier: Apache-2.0 */
/* Networks of the service: see network.h. */
#include <errno.h>
#include <unistd.h>

#include "agent/network.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/secret.h"
#include "base/text.h"

enum { RECORD_MAX = 4096 };

/* The first that is this machine's counts; what lies there by another, from before, goes with the network. */
static const struct network_way *const ways[] = { &network_by_wpa, &network_by_nm };

static const char *
folder_of(const struct agent *g, struct arena *a)
{
	return arena_printf(a, "%s/networks", g->conf->state_dir);
}

const char *
network_record(const struct agent *g, struct arena *a, const char *alias, const char *suffix)
{
	return arena_printf(a, "%s/%s.%s", folder_of(g, a), alias, suffix);
}

static err_t
choose(const struct agent *g, const struct network_way **ret)
{
	for (size_t i = 0; i < COUNT(ways); i++)
		if (ways[i]->here(g)) {
			*ret = ways[i];
			return OK;
		}
	FAIL(ERR_DOT1X,
	    "%s is not there: this machine has no NetworkManager; or name the [wpa_supplicant] interface",
	    g->conf->nm_dir);
}

static err_t
paths_of(const struct agent *g, struct arena *a, const struct network *n, struct network_paths *ret)
{
	const char *folder = arena_printf(a, "%s/certs/%s", g->conf->state_dir, n->certificate);
	const char *uri = arena_printf(a, "%s/key.uri", folder);
	struct holding h = { .key = arena_printf(a, "%s/key.pem", folder),
		.uri = file_exists(uri) ? uri : NULL };

	ret->roots = n->nroots > 0 ? network_record(g, a, n->alias, "pem") : "";
	ret->cert = arena_printf(a, "%s/cert.pem", folder);
	if (!file_exists(ret->cert) || (h.uri == NULL && !file_exists(h.key)))
		FAIL(ERR_DOT1X_CERTIFICATE, "%s is not on this device", n->certificate);
	return dot1x_key(a, &h, &ret->key);
}

static err_t
write_roots(const struct agent *g, struct arena *a, const struct network *n)
{
	const char *all = "";

	for (size_t i = 0; i < n->nroots; i++)
		all = arena_printf(a, "%s%s", all, text_pem(a, "CERTIFICATE", n->roots[i]));
	return file_write(network_record(g, a, n->alias, "pem"), str_c(all), 0644);
}

static const char *
hash_of(struct arena *a, struct str text)
{
	uint8_t hash[32];

	hash_sha256(text, hash);
	return text_hex(a, STR(hash));
}

static err_t
write_record(const struct agent *g, struct arena *a, const struct network_way *way,
    const struct network *n, const char *sha256, struct str text)
{
	auto_json json *j = json_object_new();
	struct str out;

	json_set_text(j, "sha256", sha256);
	json_set_text(j, "way", way->name);
	json_set_text(j, "file", hash_of(a, text));
	if (n->protection == PROTECT_BY_NAME)
		json_set_text(j, "certificate", n->certificate);
	TRY(json_print(a, j, &out));
	return file_write(network_record(g, a, n->alias, "json"), out, 0600);
}

static err_t
read_record(const struct agent *g, struct arena *a, const char *alias, json **ret)
{
	struct str text;

	TRY(file_read(a, network_record(g, a, alias, "json"), RECORD_MAX, &text));
	return json_parse(text, RECORD_MAX, ret);
}

const char *
network_certificate(const struct agent *g, struct arena *a, const char *alias)
{
	auto_json json *record = NULL;
	err_t e = read_record(g, a, alias, &record);

	err_forget(e);
	return arena_strdup(a, json_text(json_get(record, "certificate")));
}

/* What another way left, before this one was chosen. */
static err_t
drop_others(
    const struct agent *g, struct arena *a, const char *alias, const struct network_way *but)
{
	for (size_t i = 0; i < COUNT(ways); i++)
		if (ways[i] != but)
			TRY(ways[i]->drop(g, a, alias));
	return OK;
}

static err_t
open_key(const struct agent *g, struct arena *a, struct network *n)
{
	struct str key;
	err_t e;

	TRY(sealed_bytes(g, a, n->sealed, &key));
	e = network_key_check(key);
	if (err_ok(e))
		e = text_cstr(a, key, &n->key);
	secret_wipe((void *)(uintptr_t)key.p, key.n);
	return e;
}

/* The record last: what it does not speak of is not there. */
static err_t
configure(const struct agent *g, struct arena *a, const struct network *n, const char *sha256,
    struct buf *b)
{
	struct network_paths paths = { .roots = "" };
	const struct network_way *way;

	TRY(choose(g, &way));
	if (n->protection == PROTECT_BY_NAME)
		TRY(paths_of(g, a, n, &paths));
	TRY(way->print(a, n, &paths, b));
	TRY(dir_make(folder_of(g, a), 0755));
	TRY(file_remove(network_record(g, a, n->alias, "json")));
	if (n->protection == PROTECT_BY_NAME)
		TRY(write_roots(g, a, n));
	TRY(drop_others(g, a, n->alias, way));
	TRY(way->put(g, a, n->alias, buf_str(b)));
	return write_record(g, a, way, n, sha256, buf_str(b));
}

err_t
network_install(const struct agent *g, struct arena *a, const char *alias, const json *command)
{
	auto_buf struct buf b = { 0 };
	struct network n;
	const char *sha256;
	err_t e;

	TRY(network_read(a, alias, command, &n));
	TRY(json_need_text(command, "sha256", 64, &sha256));
	if (strlen(sha256) != 64 || strspn(sha256, "0123456789abcdef") != 64)
		FAIL(ERR_BAD_REQUEST, "\"sha256\" must be 64 hex digits");
	if (n.protection == PROTECT_BY_KEY)
		TRY(open_key(g, a, &n));
	buf_init(&b, NETWORK_FILE_MAX);
	e = configure(g, a, &n, sha256, &b);
	secret_wipe(b.p, b.n);
	if (n.key != NULL)
		secret_wipe((void *)(uintptr_t)n.key, strlen(n.key));
	return e;
}

err_t
network_remove(const struct agent *g, struct arena *a, const char *alias)
{
	TRY(alias_check_ours(alias));
	TRY(drop_others(g, a, alias, NULL));
	TRY(file_remove(network_record(g, a, alias, "pem")));
	return file_remove(network_record(g, a, alias, "json"));
}

err_t
network_aliases(struct arena *a, const char *folder, const char *suffix, char ***ret, size_t *retn)
{
	size_t end = strlen(suffix), n = 0, k = 0;
	char **names = NULL;

	*retn = 0;
	if (!file_exists(folder))
		return OK;
	TRY(dir_list(a, folder, NETWORKS_MAX, &names, &n));
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(names[i]);

		if (str_starts(str_c(names[i]), LIT(ALIAS_PREFIX)) && len > end &&
		    strcmp(names[i] + len - end, suffix) == 0)
			names[k++] = arena_cstr(a, str_of(names[i], len - end));
	}
	*ret = names;
	*retn = k;
	return OK;
}

err_t
network_remove_all(const struct agent *g, struct arena *a)
{
	const char *places[][2] = { { g->conf->nm_dir, ".nmconnection" },
		{ folder_of(g, a), ".wpa" }, { folder_of(g, a), ".json" } };

	for (size_t k = 0; k < COUNT(places); k++) {
		char **aliases;
		size_t n;

		TRY(network_aliases(a, places[k][0], places[k][1], &aliases, &n));
		for (size_t i = 0; i < n; i++)
			TRY(network_remove(g, a, aliases[i]));
	}
	if (!file_exists(folder_of(g, a)))
		return OK;
	TRY(dir_sweep(folder_of(g, a)));
	/* What somebody else put there is his. */
	if (rmdir(folder_of(g, a)) != 0 && errno != ENOTEMPTY)
		FAIL(ERR_FILE, "%s: %m", folder_of(g, a));
	return OK;
}

static err_t
add_item(const struct agent *g, struct arena *a, const char *alias, json *list)
{
	const struct network_way *way;
	auto_json json *record = NULL;
	struct str is;
	json *item;

	TRY(choose(g, &way));
	TRY(read_record(g, a, alias, &record));
	TRY(way->get(g, a, alias, &is));
	if (!str_eq_c(str_c(json_text(json_get(record, "way"))), way->name) ||
	    !str_eq_c(str_c(json_text(json_get(record, "file"))), hash_of(a, is)))
		return OK;
	item = json_object_new();
	json_set_text(item, "alias", alias);
	json_set_text(item, "kind", "network");
	json_set_text(item, "sha256", json_text(json_get(record, "sha256")));
	json_set_bool(item, "has_key", false);
	json_add(list, item);
	return OK;
}

err_t
network_inventory(const struct agent *g, struct arena *a, json *list)
{
	char **aliases;
	size_t n;

	TRY(network_aliases(a, folder_of(g, a), ".json", &aliases, &n));
	for (size_t i = 0; i < n; i++) {
		err_t e = add_item(g, a, aliases[i], list);

		/* What is broken is not there: it will come again. */
		err_forget(e);
	}
	return OK;
}
