/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/fips.h"
#include "pki/vault_int.h"

#include <argon2.h>
#include <pthread.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/rd.h"
#include "base/secret.h"
#include "base/text.h"
#include "pki/ssl_err.h"

#define VAULT_NAME "vault"
#define VAULT_LABEL "CHANCERY KEY VAULT"
#define KEY_LABEL "CHANCERY SEALED KEY"
#define VAULT_AAD "chancery-vault-v2"
#define KEY_AAD "chancery-key-v2"

enum { FORMAT = 2, KIBIBYTES = 64 * 1024, PASSES = 3, LANES = 1 };
enum { KIBIBYTES_MIN = 8 * 1024, KIBIBYTES_MAX = 1024 * 1024, PASSES_MAX = 16 };
enum { ROUNDS = 600000, ROUNDS_MAX = 10000000 };
enum {
	SALT = 16,
	NONCE = 12,
	TAG = 16,
	FILE_MAX = 64 * 1024,
	FILES_MAX = 1024,
	DIR_MAX = 4096,
	NAME_MAX_BYTES = 255
};

struct vault {
	char *dir, *path;
	uint8_t master[VAULT_MASTER], id[VAULT_ID];
	pthread_mutex_t lock; /* one file is written at a time */
};

/* ---- AES-256-GCM: nonce, ciphertext, tag ---- */

static void
cipher_ctx_cleanup(EVP_CIPHER_CTX **c)
{
	EVP_CIPHER_CTX_free(*c);
}
#define auto_cipher_ctx __attribute__((cleanup(cipher_ctx_cleanup)))

static err_t
seal(struct buf *out, const uint8_t key[VAULT_MASTER], struct str aad, struct str in)
{
	auto_cipher_ctx EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t nonce[NONCE], tag[TAG];
	auto_buf struct buf body;
	int n = 0, end = 0;

	buf_init(&body, FILE_MAX);
	TRY(buf_put(&body, in));
	rand_bytes(nonce, sizeof(nonce));
	if (c == NULL || EVP_EncryptInit_ex2(c, EVP_aes_256_gcm(), key, nonce, NULL) != 1 ||
	    EVP_EncryptUpdate(c, NULL, &n, aad.p, (int)aad.n) != 1 ||
	    EVP_EncryptUpdate(c, body.p, &n, in.p, (int)in.n) != 1 ||
	    EVP_EncryptFinal_ex(c, body.p + n, &end) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG, tag) != 1)
		FAIL_SSL(ERR_CRYPTO, "encrypting a key");
	TRY(buf_put(out, STR(nonce)));
	TRY(buf_put(out, buf_str(&body)));
	return buf_put(out, STR(tag));
}

/* *ret is secret, in the arena. ERR_KEY_SEAL: key, place or bytes are not those that it was sealed with. */
static err_t
unseal(struct arena *a, const uint8_t key[VAULT_MASTER], struct str aad, struct str in,
    struct str *ret)
{
	auto_cipher_ctx EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t tag[TAG], *out;
	int n = 0, end = 0;
	size_t len;

	if (in.n < NONCE + TAG || in.n > FILE_MAX)
		FAIL(ERR_KEY_SEAL, "sealed bytes: %zu", in.n);
	len = in.n - NONCE - TAG;
	out = arena_alloc(a, len + 1);
	memcpy(tag, in.p + NONCE + len, TAG);
	if (c == NULL || EVP_DecryptInit_ex2(c, EVP_aes_256_gcm(), key, in.p, NULL) != 1 ||
	    EVP_DecryptUpdate(c, NULL, &n, aad.p, (int)aad.n) != 1 ||
	    EVP_DecryptUpdate(c, out, &n, in.p + NONCE, (int)len) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG, tag) != 1 ||
	    EVP_DecryptFinal_ex(c, out + n, &end) != 1) {
		secret_wipe(out, len);
		ssl_forget();
		FAIL(ERR_KEY_SEAL,
		    "the seal does not hold: it was changed, or sealed for another place");
	}
	*ret = str_of(out, len);
	return OK;
}

/* ---- the vault's own file ---- */

/* Without memory (0 KiB) it is PBKDF2 with HMAC-SHA-256 and so many rounds: what FIPS mode makes and takes. */
static err_t
derive(const char *passphrase, const struct vault_head *h, uint8_t ret[VAULT_MASTER])
{
	int r;

	if (h->kibibytes == 0) {
		if (PKCS5_PBKDF2_HMAC(passphrase, (int)strlen(passphrase), h->salt.p,
			(int)h->salt.n, (int)h->passes, EVP_sha256(), VAULT_MASTER, ret) != 1)
			FAIL_SSL(ERR_CRYPTO, "PBKDF2");
		return OK;
	}
	TRY(fips_refuse("argon2id, by which the passphrase of this vault becomes a key"));
	r = argon2id_hash_raw(h->passes, h->kibibytes, LANES, passphrase, strlen(passphrase),
	    h->salt.p, h->salt.n, ret, VAULT_MASTER);
	if (r != ARGON2_OK)
		FAIL(ERR_CRYPTO, "argon2: %s", argon2_error_message(r));
	return OK;
}

static bool
cost_good(const struct vault_head *h)
{
	if (h->kibibytes == 0)
		return h->passes >= ROUNDS && h->passes <= ROUNDS_MAX;
	return h->kibibytes >= KIBIBYTES_MIN && h->kibibytes <= KIBIBYTES_MAX && h->passes >= 1 &&
	    h->passes <= PASSES_MAX;
}

static err_t
check_passphrase(const char *passphrase)
{
	size_t n = strlen(passphrase);

	if (n < VAULT_PASSPHRASE_MIN || n > VAULT_PASSPHRASE_MAX)
		FAIL(ERR_KEY_PASSPHRASE, "it has %zu characters; %d to %d are taken", n,
		    VAULT_PASSPHRASE_MIN, VAULT_PASSPHRASE_MAX);
	return OK;
}

err_t
vault_head_parse(struct str in, struct vault_head *ret)
{
	struct vault_head h;
	struct str whole = in;
	uint8_t format;
	uint16_t n;

	TRY(rd_u8(&in, &format));
	if (format != FORMAT)
		FAIL(ERR_KEY_SEAL, "vault of format %u", format);
	TRY(rd_u32(&in, &h.kibibytes));
	TRY(rd_u32(&in, &h.passes));
	TRY(rd_take(&in, SALT, &h.salt));
	TRY(rd_take(&in, VAULT_ID, &h.id));
	if (!cost_good(&h))
		FAIL(ERR_KEY_SEAL, "vault with a cost of %u KiB, %u passes", h.kibibytes, h.passes);
	TRY(rd_u16(&in, &n));
	if (n > FILES_MAX)
		FAIL(ERR_KEY_SEAL, "vault with %u files to take in", n);
	TRY(rd_take(&in, (size_t)n * VAULT_HASH, &h.plain));
	h.authentic = str_of(whole.p, whole.n - in.n);
	TRY(rd_take(&in, NONCE + VAULT_MASTER + TAG, &h.sealed));
	TRY(rd_end(&in));
	*ret = h;
	return OK;
}

static err_t
head_write(struct buf *out, const struct vault_head *h)
{
	TRY(wr_u8(out, FORMAT));
	TRY(wr_u32(out, h->kibibytes));
	TRY(wr_u32(out, h->passes));
	TRY(buf_put(out, h->salt));
	TRY(buf_put(out, h->id));
	TRY(wr_u16(out, (uint16_t)(h->plain.n / VAULT_HASH)));
	return buf_put(out, h->plain);
}

/* What the seal of the master key covers besides: everything in front of it. */
static err_t
head_aad(struct arena *a, struct str authentic, struct str *ret)
{
	auto_buf struct buf b;

	buf_init(&b, FILE_MAX);
	TRY(buf_put(&b, LIT(VAULT_AAD)));
	TRY(buf_put(&b, authentic));
	*ret = arena_str(a, buf_str(&b));
	return OK;
}

static err_t
vault_read(struct arena *a, const char *path, struct vault_head *ret)
{
	struct str text, der;
	size_t n;
	err_t e;

	TRY(file_read(a, path, FILE_MAX, &text));
	e = text_unpem(a, text, VAULT_LABEL, &der, 1, &n);
	if (err_ok(e) && n == 1)
		e = vault_head_parse(der, ret);
	else if (err_ok(e))
		FAIL(ERR_KEY_SEAL, "%s is no vault", path);
	if (err_ok(e))
		return OK;
	if (err_is(e, ERR_KEY_SEAL))
		TRY_CTX(e, "%s", path);
	err_forget(e);
	FAIL(ERR_KEY_SEAL, "%s is damaged", path);
}

/* Which of passphrase and file is wrong cannot be told. */
static err_t
vault_unlock(struct arena *a, const char *path, const char *passphrase, uint8_t ret[VAULT_MASTER],
    struct vault_head *h)
{
	uint8_t kek[VAULT_MASTER];
	struct str master, aad;
	err_t e;

	TRY(check_passphrase(passphrase));
	TRY(vault_read(a, path, h));
	TRY(head_aad(a, h->authentic, &aad));
	TRY(derive(passphrase, h, kek));
	e = unseal(a, kek, aad, h->sealed, &master);
	secret_wipe(kek, sizeof(kek));
	if (!err_ok(e)) {
		err_forget(e);
		FAIL(ERR_KEY_PASSPHRASE, "%s", path);
	}
	memcpy(ret, master.p, VAULT_MASTER);
	secret_wipe((void *)(uintptr_t)master.p, master.n);
	return OK;
}

/* plain: hashes of the files that are taken in yet. */
static err_t
vault_write(struct vault *v, struct arena *a, const char *passphrase, struct str plain, bool fresh)
{
	uint8_t salt[SALT], kek[VAULT_MASTER];
	struct vault_head h = { fips_is_on() ? 0 : KIBIBYTES, fips_is_on() ? ROUNDS : PASSES,
		STR(salt), STR(v->id), plain, STR_EMPTY, STR_EMPTY };
	auto_buf struct buf out = { 0 };
	struct str text, aad;
	err_t e;

	TRY(check_passphrase(passphrase));
	rand_bytes(salt, sizeof(salt));
	buf_init(&out, FILE_MAX);
	TRY(head_write(&out, &h));
	TRY(head_aad(a, buf_str(&out), &aad));
	TRY(derive(passphrase, &h, kek));
	e = seal(&out, kek, aad, STR(v->master));
	secret_wipe(kek, sizeof(kek));
	TRY(e);
	text = str_c(text_pem(a, VAULT_LABEL, buf_str(&out)));
	return fresh ? file_create(v->path, text, 0600) : file_write(v->path, text, 0600);
}

/* ---- key files ---- */

static const char *
name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* Where a sealed key belongs: this vault, this name. */
static err_t
key_aad(const struct vault *v, struct arena *a, const char *name, struct str *ret)
{
	auto_buf struct buf b;

	buf_init(&b, LIMIT_LONG_TEXT);
	TRY(buf_put(&b, LIT(KEY_AAD)));
	TRY(buf_put(&b, STR(v->id)));
	TRY(buf_puts(&b, name));
	*ret = arena_str(a, buf_str(&b));
	return OK;
}

static err_t
sealed_pem(struct vault *v, struct arena *a, const char *path, const struct key *k, struct str *ret)
{
	auto_buf struct buf pem, out = { 0 };
	struct str aad;
	err_t e;

	buf_init(&pem, LIMIT_KEY_BYTES);
	buf_init(&out, FILE_MAX);
	TRY(key_aad(v, a, name_of(path), &aad));
	TRY(key_write(&pem, k, NULL));
	e = seal(&out, v->master, aad, buf_str(&pem));
	secret_wipe(pem.p, pem.n);
	TRY(e);
	*ret = str_c(text_pem(a, KEY_LABEL, buf_str(&out)));
	return OK;
}

static bool
is_sealed(struct str text)
{
	return memmem(text.p, text.n, KEY_LABEL, strlen(KEY_LABEL)) != NULL;
}

err_t
vault_key_parse(
    struct vault *v, struct arena *a, const char *name, struct str text, struct key **ret)
{
	struct str der, pem, aad;
	size_t n;
	err_t e;

	if (!is_sealed(text))
		FAIL(ERR_KEY_SEAL, "it is not sealed at all");
	e = text_unpem(a, text, KEY_LABEL, &der, 1, &n);
	if (!err_ok(e) || n != 1) {
		err_forget(e);
		FAIL(ERR_KEY_SEAL, "it is damaged");
	}
	TRY(key_aad(v, a, name, &aad));
	TRY(unseal(a, v->master, aad, der, &pem));
	e = key_read(pem, NULL, ret);
	secret_wipe((void *)(uintptr_t)pem.p, pem.n);
	return e;
}

err_t
vault_key_read(struct vault *v, struct arena *a, const char *path, struct key **ret)
{
	struct str text;
	err_t e;

	TRY(file_read(a, path, FILE_MAX, &text));
	e = v == NULL ? key_read(text, NULL, ret) : vault_key_parse(v, a, name_of(path), text, ret);
	secret_wipe((void *)(uintptr_t)text.p, text.n);
	TRY_CTX(e, "%s", path);
	return OK;
}

err_t
vault_key_file(struct vault *v, struct arena *a, const char *path, enum key_alg alg, unsigned bits,
    struct key **ret)
{
	auto_key struct key *k = NULL;
	struct str sealed;
	err_t e;

	if (v == NULL)
		return key_file(a, path, alg, bits, ret);
	if (file_exists(path))
		return vault_key_read(v, a, path, ret);
	TRY(key_make(alg, bits, &k));
	TRY(sealed_pem(v, a, path, k, &sealed));
	e = file_create(path, sealed, 0600);
	if (err_is(e, ERR_FILE_EXISTS)) { /* somebody was faster: theirs is the key */
		err_forget(e);
		return vault_key_read(v, a, path, ret);
	}
	TRY(e);
	*ret = steal(k);
	return OK;
}

/* ---- keys from before there was a passphrase ---- */

/* Name and content, so that neither a changed file nor one of another name is taken in. */
static err_t
plain_hash(const char *name, struct str text, uint8_t ret[VAULT_HASH])
{
	auto_buf struct buf b;

	buf_init(&b, FILE_MAX + NAME_MAX_BYTES + 1);
	TRY(buf_put(&b, str_of(name, strlen(name) + 1)));
	TRY(buf_put(&b, text));
	hash_sha256(buf_str(&b), ret);
	secret_wipe(b.p, b.n);
	return OK;
}

static bool
hash_listed(struct str list, const uint8_t hash[VAULT_HASH])
{
	for (size_t i = 0; i + VAULT_HASH <= list.n; i += VAULT_HASH) {
		if (memcmp(list.p + i, hash, VAULT_HASH) == 0)
			return true;
	}
	return false;
}

/* What a file of the folder is: its key when it is a plain one, else *ret is NULL. */
static err_t
plain_key(struct arena *a, const char *path, uint8_t ret_hash[VAULT_HASH], bool *ret_sealed,
    struct key **ret)
{
	struct str text;
	err_t e = file_read(a, path, FILE_MAX, &text);

	*ret = NULL;
	*ret_sealed = false;
	if (!err_ok(e)) { /* a folder, or no file of ours */
		err_forget(e);
		return OK;
	}
	*ret_sealed = is_sealed(text);
	e = *ret_sealed ? OK : key_read(text, NULL, ret);
	err_forget(e);
	if (*ret != NULL)
		e = plain_hash(name_of(path), text, ret_hash);
	secret_wipe((void *)(uintptr_t)text.p, text.n);
	return *ret != NULL ? e : OK;
}

/* A folder that gets its vault: which plain keys are in it at this moment? */
static err_t
plain_list(struct vault *v, struct arena *a, struct str *ret)
{
	auto_buf struct buf list;
	char **names;
	size_t n;

	buf_init(&list, FILES_MAX * VAULT_HASH);
	TRY(dir_list(a, v->dir, DIR_MAX, &names, &n));
	for (size_t i = 0; i < n; i++) {
		auto_key struct key *k = NULL;
		uint8_t hash[VAULT_HASH];
		bool sealed;

		TRY(plain_key(a, arena_printf(a, "%s/%s", v->dir, names[i]), hash, &sealed, &k));
		if (sealed)
			FAIL(ERR_KEY_SEAL,
			    "%s: %s is sealed, and the file " VAULT_NAME " is missing", v->dir,
			    names[i]);
		if (k != NULL)
			TRY(buf_put(&list, STR(hash)));
	}
	*ret = arena_str(a, buf_str(&list));
	return OK;
}

static err_t
take_in(struct vault *v, struct arena *a, struct str plain)
{
	char **names;
	size_t n;

	TRY(dir_list(a, v->dir, DIR_MAX, &names, &n));
	for (size_t i = 0; i < n; i++) {
		const char *path = arena_printf(a, "%s/%s", v->dir, names[i]);
		auto_key struct key *k = NULL;
		uint8_t hash[VAULT_HASH];
		struct str sealed_text;
		bool sealed;

		TRY(plain_key(a, path, hash, &sealed, &k));
		if (k == NULL || !hash_listed(plain, hash))
			continue;
		TRY(sealed_pem(v, a, path, k, &sealed_text));
		TRY(file_write(path, sealed_text, 0600));
	}
	return OK;
}

/* ---- the whole ---- */

static char *
copy(const char *s)
{
	char *c = strdup(s);

	if (c == NULL)
		abort();
	return c;
}

struct vault *
vault_new(const char *dir)
{
	auto_arena struct arena *a = arena_new();
	struct vault *v = calloc(1, sizeof(*v));

	if (v == NULL)
		abort();
	v->dir = copy(dir);
	v->path = copy(arena_printf(a, "%s/" VAULT_NAME, dir));
	pthread_mutex_init(&v->lock, NULL);
	return v;
}

void
vault_free(struct vault *v)
{
	if (v == NULL)
		return;
	secret_wipe(v->master, sizeof(v->master));
	pthread_mutex_destroy(&v->lock);
	free(v->dir);
	free(v->path);
	free(v);
}

static void
vault_cleanup(struct vault **v)
{
	vault_free(*v);
}
#define auto_vault __attribute__((cleanup(vault_cleanup)))

static err_t
make(struct vault *v, struct arena *a, const char *passphrase, struct str *ret_plain)
{
	struct str plain;

	TRY(check_passphrase(passphrase));
	rand_bytes(v->master, sizeof(v->master));
	rand_bytes(v->id, sizeof(v->id));
	TRY(plain_list(v, a, &plain));
	TRY(vault_write(v, a, passphrase, plain, true));
	*ret_plain = plain;
	return OK;
}

static err_t
unlock(struct vault *v, struct arena *a, const char *passphrase, struct str *ret_plain)
{
	struct vault_head h;

	TRY(vault_unlock(a, v->path, passphrase, v->master, &h));
	memcpy(v->id, h.id.p, VAULT_ID);
	*ret_plain = h.plain;
	return OK;
}

err_t
vault_open(const char *dir, const char *passphrase, struct vault **ret)
{
	auto_arena struct arena *a = arena_new();
	auto_vault struct vault *v = vault_new(dir);
	bool there = file_exists(v->path);
	struct str plain = STR_EMPTY;

	if (passphrase == NULL && there)
		FAIL(ERR_KEY_PASSPHRASE, "the keys in %s are encrypted and no passphrase was given",
		    dir);
	if (passphrase == NULL) {
		*ret = NULL;
		return OK;
	}
	TRY(there ? unlock(v, a, passphrase, &plain) : make(v, a, passphrase, &plain));
	if (plain.n > 0) { /* or an attempt that was cut off goes on */
		TRY(take_in(v, a, plain));
		TRY(vault_write(v, a, passphrase, STR_EMPTY, false));
	}
	*ret = steal(v);
	return OK;
}

err_t
vault_passwd(struct vault *v, const char *old, const char *passphrase)
{
	auto_arena struct arena *a = arena_new();
	uint8_t master[VAULT_MASTER];
	struct vault_head h;
	err_t e;

	TRY(vault_unlock(a, v->path, old, master, &h));
	secret_wipe(master, sizeof(master));
	if (!str_eq(h.id, STR(v->id)))
		FAIL(ERR_KEY_SEAL, "%s is the file of another vault", v->path);
	pthread_mutex_lock(&v->lock);
	e = vault_write(v, a, passphrase, STR_EMPTY, false);
	pthread_mutex_unlock(&v->lock);
	return e;
}
