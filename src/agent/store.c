/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delivered certificates with their keys.
 *
 * A new version is written whole into a folder of its own (certs/.<alias>.<first of its hash>.<random>/), then the link
 * certs/<alias> moves to it in one step, then folders that no link names go. Whoever reads certs/<alias>/ sees the old pair
 * or the new one; what a kill left half written goes with the next change or start.
 */
#include "agent/agent.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "pki/cms.h"
#include "pki/pfx.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#define MAX_ENTRIES 4096

static const char *
certs_dir(const struct agent *g, struct arena *a)
{
	return arena_printf(a, "%s/certs", g->conf->state_dir);
}

static void
dir_cleanup(DIR **d)
{
	if (*d != NULL)
		closedir(*d);
}

/* Everything in a folder, also the temporary files that dir_list() passes over. */
static err_t
list_all(struct arena *a, const char *path, char ***ret, size_t *retn)
{
	__attribute__((cleanup(dir_cleanup))) DIR *d = opendir(path);
	char **names = arena_array(a, MAX_ENTRIES, sizeof(*names));
	const struct dirent *entry;
	size_t n = 0;

	if (d == NULL)
		FAIL(ERR_FILE, "%s: %m", path);
	while ((entry = readdir(d)) != NULL) {
		if (str_eq_c(str_c(entry->d_name), ".") || str_eq_c(str_c(entry->d_name), ".."))
			continue;
		if (n == MAX_ENTRIES)
			FAIL(ERR_TOO_LARGE, "%s has more than %d entries", path, MAX_ENTRIES);
		names[n++] = arena_strdup(a, entry->d_name);
	}
	*ret = names;
	*retn = n;
	return OK;
}

/* A file, a link, or a folder of files. */
static err_t
remove_entry(struct arena *a, const char *path)
{
	char **names;
	size_t n;

	if (unlink(path) == 0 || errno == ENOENT)
		return OK;
	if (errno != EISDIR)
		FAIL(ERR_FILE, "%s: %m", path);
	TRY(list_all(a, path, &names, &n));
	for (size_t i = 0; i < n; i++)
		TRY(file_remove(arena_printf(a, "%s/%s", path, names[i])));
	if (rmdir(path) != 0)
		FAIL(ERR_FILE, "%s: %m", path);
	return OK;
}

static err_t
sync_folder(const char *path)
{
	auto_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) != 0)
		FAIL(ERR_FILE, "%s: %m", path);
	return OK;
}

/* Is this what one of the links among names points to? */
static bool
is_linked(struct arena *a, const char *dir, char **names, size_t n, const char *name)
{
	char target[PATH_MAX];

	for (size_t i = 0; i < n; i++) {
		ssize_t len;

		if (names[i][0] == '.')
			continue;
		len = readlink(arena_printf(a, "%s/%s", dir, names[i]), target, sizeof(target));
		if (len > 0 && str_eq_c(str_of(target, (size_t)len), name))
			return true;
	}
	return false;
}

err_t
identity_sweep(const struct agent *g, struct arena *a)
{
	const char *dir = certs_dir(g, a);
	char **names;
	size_t n;

	TRY(label_sweep(g, a));
	if (!file_exists(dir))
		return OK;
	TRY(list_all(a, dir, &names, &n));
	for (size_t i = 0; i < n; i++)
		if (names[i][0] == '.' && !is_linked(a, dir, names, n, names[i]))
			TRY(remove_entry(a, arena_printf(a, "%s/%s", dir, names[i])));
	return sync_folder(dir);
}

static const char *
pem_chain(struct arena *a, const struct str *v, size_t n)
{
	const char *all = "";

	for (size_t i = 0; i < n; i++)
		all = arena_printf(a, "%s%s", all, text_pem(a, "CERTIFICATE", v[i]));
	return all;
}

/* RFC 7512 2.3: what is not unreserved is percent-encoded. */
static const char *
uri_value(struct arena *a, const char *s)
{
	char *to = arena_alloc(a, 3 * strlen(s) + 1);
	char *p = to;

	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < 0x80 && (isalnum(c) || strchr("-._~", c) != NULL)) {
			*p++ = *s;
			continue;
		}
		*p++ = '%';
		*p++ = "0123456789ABCDEF"[c >> 4];
		*p++ = "0123456789ABCDEF"[c & 15];
	}
	return to;
}

static void
hash_of(struct str der, uint8_t ret[8])
{
	uint8_t whole[32];

	hash_sha256(der, whole);
	memcpy(ret, whole, 8);
}

static err_t
write_uri(const struct agent *g, struct arena *a, const char *folder, const char *label)
{
	TRY(file_write(arena_printf(a, "%s/key.label", folder), str_c(label), 0600));
	return file_write(arena_printf(a, "%s/key.uri", folder),
	    str_c(arena_printf(a, "pkcs11:token=%s;object=%s;type=private\n",
		uri_value(a, g->conf->token_label), uri_value(a, label))),
	    0600);
}

/* The key goes into the token, where it may be already, or into a file that only we can read. */
static err_t
write_key(const struct agent *g, struct arena *a, const char *folder, const char *alias,
    const struct version *v)
{
	auto_buf struct buf pem;

	buf_init(&pem, LIMIT_PFX_BYTES);
	if (v->label != NULL)
		return write_uri(g, a, folder, v->label);
	if (g->token != NULL) {
		TRY(write_uri(g, a, folder, alias));
		return token_import(g->token, alias, v->key);
	}
	TRY(key_write(&pem, v->key, NULL));
	return file_write(arena_printf(a, "%s/key.pem", folder), buf_str(&pem), 0600);
}

/* The key comes last: a token has one under this alias, so from there on the certificate of before has lost its own. */
static err_t
write_version(const struct agent *g, struct arena *a, const char *alias, const char *folder,
    const struct version *v)
{
	TRY(dir_make(folder, 0700));
	TRY(file_write(arena_printf(a, "%s/chain.pem", folder),
	    str_c(pem_chain(a, v->chain, v->nchain)), 0644));
	TRY(file_write(arena_printf(a, "%s/cert.pem", folder),
	    str_c(arena_printf(
		a, "%s%s", text_pem(a, "CERTIFICATE", v->leaf), pem_chain(a, v->chain, v->nchain))),
	    0644));
	TRY(file_write(arena_printf(a, "%s/name", folder), str_c(v->name), 0644));
	return write_key(g, a, folder, alias, v);
}

/* Points certs/<alias> to the folder `name` beside it. */
static err_t
move_link(struct arena *a, const char *dir, const char *alias, const char *name)
{
	const char *link_path = arena_printf(a, "%s/%s", dir, alias);
	const char *temp = arena_printf(a, "%s/.%s.link", dir, alias);

	TRY(file_remove(temp));
	if (symlink(name, temp) != 0 || rename(temp, link_path) != 0)
		FAIL(ERR_FILE, "%s: %m", link_path);
	return sync_folder(dir);
}

/* After the link has moved all is done; what could not be swept goes with the next change or start. */
static void
sweep_rest(const struct agent *g, struct arena *a)
{
	err_t e = identity_sweep(g, a);

	if (!err_ok(e))
		log_error("old versions stay for now", e);
}

err_t
identity_put(const struct agent *g, struct arena *a, const char *alias, const struct version *v)
{
	const char *dir = certs_dir(g, a);
	const char *name;
	uint8_t hash[8];
	uint32_t r;

	TRY(alias_check(alias));
	hash_of(v->leaf, hash);
	rand_bytes(&r, sizeof(r));
	name = arena_printf(a, ".%s.%s.%08x", alias, text_hex(a, STR(hash)), (unsigned)r);
	TRY(dir_make(dir, 0700));
	TRY(write_version(g, a, alias, arena_printf(a, "%s/%s", dir, name), v));
	TRY(label_retire(g, a, alias, v->label == NULL ? alias : v->label));
	TRY(move_link(a, dir, alias, name));
	sweep_rest(g, a);
	return OK;
}

err_t
identity_install(const struct agent *g, struct arena *a, const char *alias,
    const struct sealed_pair *sealed, const char *name)
{
	auto_pfx struct pfx pfx = { 0 };
	struct version v = { .name = name };

	TRY(alias_check(alias));
	TRY(sealed_open(g, a, sealed, &pfx));
	v.leaf = pfx.leaf;
	v.chain = pfx.chain;
	v.nchain = pfx.nchain;
	v.key = pfx.key;
	return identity_put(g, a, alias, &v);
}

/* The token's key goes first: what is left of a removal that was cut off is reported as a certificate without key. */
static err_t
remove_one(const struct agent *g, struct arena *a, const char *alias)
{
	TRY(pending_drop(g, a, alias));
	if (g->token != NULL) {
		TRY(token_remove(g->token, identity_label(g, a, alias)));
		TRY(token_remove(g->token, alias));
	}
	return remove_entry(a, arena_printf(a, "%s/%s", certs_dir(g, a), alias));
}

err_t
identity_remove(const struct agent *g, struct arena *a, const char *alias)
{
	TRY(alias_check(alias));
	TRY(remove_one(g, a, alias));
	return identity_sweep(g, a);
}

err_t
identity_remove_all(const struct agent *g, struct arena *a)
{
	const char *dir = certs_dir(g, a);
	char **names;
	size_t n;

	TRY(pending_drop_all(g, a));
	if (!file_exists(dir))
		return OK;
	TRY(list_all(a, dir, &names, &n));
	for (size_t i = 0; i < n; i++)
		if (names[i][0] != '.')
			TRY(remove_one(g, a, names[i]));
	TRY(identity_sweep(g, a));
	if (rmdir(dir) != 0)
		FAIL(ERR_FILE, "%s: %m", dir);
	return OK;
}

/* The key that stands beside the certificate. */
static err_t
load_key(const struct agent *g, struct arena *a, const char *alias, struct key **ret)
{
	struct str pem;

	if (g->token != NULL)
		return token_find(g->token, identity_label(g, a, alias), ret);
	TRY(file_read(
	    a, arena_printf(a, "%s/%s/key.pem", certs_dir(g, a), alias), LIMIT_PFX_BYTES, &pem));
	return key_read(pem, NULL, ret);
}

static err_t
add_item(const struct agent *g, struct arena *a, const char *alias, json *list)
{
	auto_cert struct cert *cert = NULL;
	auto_key struct key *key = NULL;
	auto_key struct key *certified = NULL;
	struct str pem, ders[LIMIT_CHAIN_CERTS + 1];
	json *item;
	size_t n;
	err_t e;

	TRY(file_read(a, arena_printf(a, "%s/%s/cert.pem", certs_dir(g, a), alias),
	    16 * LIMIT_CERT_BYTES, &pem));
	TRY(text_unpem(a, pem, "CERTIFICATE", ders, COUNT(ders), &n));
	TRY(cert_parse(n > 0 ? ders[0] : STR_EMPTY, &cert));
	TRY(cert_key(cert, &certified));
	e = load_key(g, a, alias, &key);
	err_forget(e);
	item = json_object_new();
	json_set_text(item, "alias", alias);
	json_set_text(item, "kind", "identity");
	json_set_text(item, "sha256", text_hex(a, str_of(cert_sha256(cert), 32)));
	json_set_bool(item, "has_key", key != NULL && key_same_public(key, certified));
	json_set_when(a, item, "not_after", cert_not_after(cert));
	json_set_base64(a, item, "certificate", cert_der(cert));
	json_add(list, item);
	return OK;
}

err_t
identity_inventory(const struct agent *g, struct arena *a, json *list)
{
	const char *dir = certs_dir(g, a);
	char **names;
	size_t n;

	if (!file_exists(dir))
		return OK;
	TRY(dir_list(a, dir, MAX_ENTRIES, &names, &n));
	for (size_t i = 0; i < n; i++) {
		err_t e;

		if (names[i][0] == '.')
			continue;
		/* What cannot be read is not there: it will be delivered again. */
		e = add_item(g, a, names[i], list);
		err_forget(e);
	}
	return OK;
}
