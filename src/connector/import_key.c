/* SPDX-License-Identifier: Apache-2.0 */
#include "connector/import_key.h"

#include <pthread.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/secret.h"
#include "base/text.h"
#include "pki/keyprov.h"
#include "pki/token_uri.h"

#define FILE_MAX 65536

struct entry {
	const char *name; /* of ours; "" */
	char hash[65];
	struct str spki;
	struct key *key;
};

struct import_keys {
	const char *dir, *admitted_dir;
	struct arena *arena;
	struct token_pool *tokens;
	pthread_mutex_t lock; /* of what follows; entries never move nor go before the end */
	struct entry *ours[LIMIT_IMPORT_KEYS], *admitted[LIMIT_IMPORT_KEYS];
	size_t nours, nadmitted;
};

static err_t
check_name(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > 64 || name[0] == '.' ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != n)
		FAIL(ERR_PFX_KEY_NAME, "\"%.80s\"", name);
	return OK;
}

static err_t
check_kind(const struct key *k)
{
	if (key_algorithm(k) != KEY_RSA || key_bits(k) < KEY_RSA_2048)
		FAIL(ERR_KEY, "an import key is an RSA key of 2048 bits or more");
	return OK;
}

/* Takes the key over, also when it fails. Called with the lock held, or before there are threads. */
static err_t
add(struct import_keys *k, struct entry **list, size_t *n, const char *name, struct key *key)
{
	auto_key struct key *owned = key;
	struct entry *e = ARENA_NEW(k->arena, struct entry);
	uint8_t hash[32];

	TRY(check_kind(key));
	if (*n == LIMIT_IMPORT_KEYS)
		FAIL(ERR_TOO_LARGE, "more than %u import keys", LIMIT_IMPORT_KEYS);
	TRY(key_spki_sha256(key, hash));
	TRY(key_spki(k->arena, key, &e->spki));
	e->name = arena_strdup(k->arena, name);
	memcpy(e->hash, text_hex(k->arena, STR(hash)), sizeof(e->hash));
	e->key = steal(owned);
	list[(*n)++] = e;
	return OK;
}

static err_t
read_public(struct arena *a, struct str pem, struct key **ret)
{
	struct str der;
	size_t n;

	TRY(text_unpem(a, pem, "PUBLIC KEY", &der, 1, &n));
	if (n != 1)
		FAIL(ERR_KEY, "no public key in PEM");
	return key_from_spki(der, ret);
}

/* URI on the first line, public key after it. */
static err_t
load_uri(struct import_keys *k, struct arena *a, const char *path, struct key **ret)
{
	auto_key struct key *public = NULL;
	struct str text, uri;

	TRY(file_read(a, path, FILE_MAX, &text));
	uri = str_trim(str_cut(&text, '\n'));
	TRY(read_public(a, text, &public));
	return token_uri_key(k->tokens, arena_cstr(a, uri), public, ret);
}

static err_t
load_file(struct arena *a, const char *path, struct key **ret)
{
	struct str pem;
	err_t e;

	TRY(file_read(a, path, FILE_MAX, &pem));
	e = key_read(pem, NULL, ret);
	secret_wipe((void *)(uintptr_t)pem.p, pem.n);
	return e;
}

static err_t
load_one(struct import_keys *k, struct arena *a, const char *file)
{
	const char *path = arena_printf(a, "%s/%s", k->dir, file);
	struct str name = str_c(file);
	struct key *key = NULL;
	bool uri = name.n > 4 && strcmp(file + name.n - 4, ".uri") == 0;

	if (name.n <= 4 || (!uri && strcmp(file + name.n - 4, ".pem") != 0))
		return OK;
	TRY_CTX(uri ? load_uri(k, a, path, &key) : load_file(a, path, &key), "%s", path);
	TRY_CTX(
	    add(k, k->ours, &k->nours, arena_cstr(a, str_of(name.p, name.n - 4)), key), "%s", path);
	return OK;
}

static err_t
load(struct import_keys *k)
{
	auto_arena struct arena *a = arena_new();
	char **names;
	size_t n;

	TRY(dir_list(a, k->dir, 2 * LIMIT_IMPORT_KEYS, &names, &n));
	for (size_t i = 0; i < n; i++)
		TRY(load_one(k, a, names[i]));
	TRY(dir_list(a, k->admitted_dir, LIMIT_IMPORT_KEYS, &names, &n));
	for (size_t i = 0; i < n; i++) {
		const char *path = arena_printf(a, "%s/%s", k->admitted_dir, names[i]);
		struct key *key = NULL;
		struct str pem;

		TRY(file_read(a, path, FILE_MAX, &pem));
		TRY_CTX(read_public(a, pem, &key), "%s", path);
		TRY_CTX(add(k, k->admitted, &k->nadmitted, "", key), "%s", path);
	}
	return OK;
}

err_t
import_keys_open(const char *dir, struct import_keys **ret)
{
	struct import_keys *k = calloc(1, sizeof(*k));
	err_t e;

	k->arena = arena_new();
	k->dir = arena_strdup(k->arena, dir);
	k->admitted_dir = arena_printf(k->arena, "%s/admitted", dir);
	k->tokens = token_pool_new();
	pthread_mutex_init(&k->lock, NULL);
	e = keyprov_init();
	/* Made with the first key. */
	if (err_ok(e) && file_exists(k->admitted_dir)) {
		e = dir_sweep(k->dir);
		if (err_ok(e))
			e = dir_sweep(k->admitted_dir);
		if (err_ok(e))
			e = load(k);
	}
	if (!err_ok(e)) {
		import_keys_close(k);
		return e;
	}
	*ret = k;
	return OK;
}

void
import_keys_close(struct import_keys *k)
{
	if (k == NULL)
		return;
	for (size_t i = 0; i < k->nours; i++)
		key_free(k->ours[i]->key);
	for (size_t i = 0; i < k->nadmitted; i++)
		key_free(k->admitted[i]->key);
	token_pool_free(k->tokens);
	pthread_mutex_destroy(&k->lock);
	arena_free(k->arena);
	free(k);
}

static const struct entry *
named(const struct import_keys *k, const char *name)
{
	for (size_t i = 0; i < k->nours; i++)
		if (str_ieq_c(str_c(name), k->ours[i]->name))
			return k->ours[i];
	return NULL;
}

static err_t
make_file(struct import_keys *k, struct arena *a, const struct pfx_key_req *what, struct key **ret)
{
	auto_key struct key *key = NULL;
	auto_buf struct buf pem = { 0 };

	buf_init(&pem, FILE_MAX);
	TRY(key_make(KEY_RSA, what->bits, &key));
	TRY(key_write(&pem, key, NULL));
	TRY(file_create(arena_printf(a, "%s/%s.pem", k->dir, what->name), buf_str(&pem), 0600));
	*ret = steal(key);
	return OK;
}

static err_t
make_in_token(
    struct import_keys *k, struct arena *a, const struct pfx_key_req *what, struct key **ret)
{
	auto_key struct key *key = NULL;
	struct str spki;

	TRY(token_uri_make(k->tokens, a, what->uri, KEY_RSA, what->bits, &key));
	TRY(key_spki(a, key, &spki));
	TRY(file_create(arena_printf(a, "%s/%s.uri", k->dir, what->name),
	    str_c(arena_printf(a, "%s\n%s", what->uri, text_pem(a, "PUBLIC KEY", spki))), 0600));
	*ret = steal(key);
	return OK;
}

/* Called with the lock held. */
static err_t
make_locked(
    struct import_keys *k, struct arena *a, const struct pfx_key_req *what, struct str *ret_spki)
{
	struct key *key = NULL;

	if (named(k, what->name) != NULL)
		FAIL(ERR_CONFLICT, "there is an import key named %s", what->name);
	TRY(what->uri[0] != '\0' ? make_in_token(k, a, what, &key) : make_file(k, a, what, &key));
	TRY(add(k, k->ours, &k->nours, what->name, key));
	*ret_spki = arena_str(a, k->ours[k->nours - 1]->spki);
	return OK;
}

err_t
import_key_make(
    struct import_keys *k, struct arena *a, const struct pfx_key_req *what, struct str *ret_spki)
{
	err_t e;

	TRY(check_name(what->name));
	if (what->uri[0] != '\0' && (!token_uri_is(what->uri) || strchr(what->uri, '\n') != NULL))
		FAIL(ERR_TOKEN_URI, "%.100s", what->uri);
	TRY(dir_make(k->admitted_dir, 0700));
	pthread_mutex_lock(&k->lock);
	e = make_locked(k, a, what, ret_spki);
	pthread_mutex_unlock(&k->lock);
	return e;
}

err_t
import_key_find(struct import_keys *k, const char *name, const struct key **ret)
{
	bool by_name = str_starts(str_c(name), LIT("name:"));
	const struct entry *hit = NULL;

	pthread_mutex_lock(&k->lock);
	if (by_name)
		hit = named(k, name + 5);
	for (size_t i = 0; !by_name && i < k->nours; i++)
		if (str_ieq_c(str_c(name), k->ours[i]->hash))
			hit = k->ours[i];
	pthread_mutex_unlock(&k->lock);
	if (hit == NULL)
		FAIL(ERR_PFX_KEY_UNKNOWN, "%.80s", name);
	*ret = hit->key;
	return OK;
}

err_t
import_keys_list(struct import_keys *k, struct arena *a, struct pfx_keys_rep *ret)
{
	struct pfx_keys_rep r = { 0 };

	pthread_mutex_lock(&k->lock);
	r.names.v = arena_array(a, k->nours + 1, sizeof(*r.names.v));
	r.spkis.v = arena_array(a, k->nours + 1, sizeof(*r.spkis.v));
	r.admitted.v = arena_array(a, k->nadmitted + 1, sizeof(*r.admitted.v));
	for (size_t i = 0; i < k->nours; i++) {
		r.names.v[r.names.n++] = k->ours[i]->name;
		r.spkis.v[r.spkis.n++] = k->ours[i]->spki;
	}
	for (size_t i = 0; i < k->nadmitted; i++)
		r.admitted.v[r.admitted.n++] = k->admitted[i]->spki;
	pthread_mutex_unlock(&k->lock);
	*ret = r;
	return OK;
}

/* Called with the lock held. */
static const struct entry *
admitted(const struct import_keys *k, const char *hash)
{
	for (size_t i = 0; i < k->nadmitted; i++)
		if (str_ieq_c(str_c(hash), k->admitted[i]->hash))
			return k->admitted[i];
	return NULL;
}

static err_t
admit_locked(
    struct import_keys *k, struct arena *a, struct key *key, const char *hash, struct str spki)
{
	auto_key struct key *owned = key;

	if (admitted(k, hash) != NULL)
		return OK;
	TRY(file_write(arena_printf(a, "%s/%s.pem", k->admitted_dir, hash),
	    str_c(text_pem(a, "PUBLIC KEY", spki)), 0600));
	return add(k, k->admitted, &k->nadmitted, "", steal(owned));
}

err_t
import_key_admit(struct import_keys *k, struct arena *a, struct str spki)
{
	auto_key struct key *key = NULL;
	uint8_t hash[32];
	err_t e;

	TRY(key_from_spki(spki, &key));
	TRY(check_kind(key));
	TRY(key_spki_sha256(key, hash));
	TRY(dir_make(k->admitted_dir, 0700));
	pthread_mutex_lock(&k->lock);
	e = admit_locked(k, a, steal(key), text_hex(a, STR(hash)), spki);
	pthread_mutex_unlock(&k->lock);
	return e;
}

err_t
import_key_admitted(struct import_keys *k, struct str sha256, const struct key **ret)
{
	auto_arena struct arena *a = arena_new();
	const char *hash = text_hex(a, sha256);
	const struct entry *hit;

	pthread_mutex_lock(&k->lock);
	hit = admitted(k, hash);
	pthread_mutex_unlock(&k->lock);
	if (hit == NULL)
		FAIL(ERR_PFX_KEY_UNKNOWN, "%s was not admitted here", hash);
	*ret = hit->key;
	return OK;
}
