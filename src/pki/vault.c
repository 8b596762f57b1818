/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/vault.h"

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
#define VAULT_AAD "chancery-vault-v1"

enum { FORMAT = 1, KIBIBYTES = 64 * 1024, PASSES = 3, LANES = 1 };
enum { KIBIBYTES_MAX = 1024 * 1024, PASSES_MAX = 16 };
enum { MASTER = 32, SALT = 16, NONCE = 12, TAG = 16, FILE_MAX = 64 * 1024 };

struct vault {
	char *path;
	uint8_t master[MASTER];
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
seal(struct buf *out, const uint8_t key[MASTER], struct str aad, struct str in)
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

/* *ret is secret, in the arena. ERR_KEY: key, name or bytes are not those that it was sealed with. */
static err_t
unseal(struct arena *a, const uint8_t key[MASTER], struct str aad, struct str in, struct str *ret)
{
	auto_cipher_ctx EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	size_t len = in.n - NONCE - TAG;
	uint8_t tag[TAG], *out;
	int n = 0, end = 0;

	if (in.n < NONCE + TAG || in.n > FILE_MAX)
		FAIL(ERR_KEY, "sealed bytes: %zu", in.n);
	out = arena_alloc(a, len + 1);
	memcpy(tag, in.p + NONCE + len, TAG);
	if (c == NULL || EVP_DecryptInit_ex2(c, EVP_aes_256_gcm(), key, in.p, NULL) != 1 ||
	    EVP_DecryptUpdate(c, NULL, &n, aad.p, (int)aad.n) != 1 ||
	    EVP_DecryptUpdate(c, out, &n, in.p + NONCE, (int)len) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG, tag) != 1 ||
	    EVP_DecryptFinal_ex(c, out + n, &end) != 1) {
		secret_wipe(out, len);
		FAIL_SSL(ERR_KEY, "the seal does not hold");
	}
	*ret = str_of(out, len);
	return OK;
}

/* ---- the vault's own file ---- */

struct head {
	uint32_t kibibytes, passes;
	struct str salt, sealed;
};

static err_t
derive(const char *passphrase, const struct head *h, uint8_t ret[MASTER])
{
	int r = argon2id_hash_raw(h->passes, h->kibibytes, LANES, passphrase, strlen(passphrase),
	    h->salt.p, h->salt.n, ret, MASTER);

	if (r != ARGON2_OK)
		FAIL(ERR_CRYPTO, "argon2: %s", argon2_error_message(r));
	return OK;
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

static err_t
head_parse(struct str in, struct head *ret)
{
	struct head h;
	uint8_t format;

	TRY(rd_u8(&in, &format));
	if (format != FORMAT)
		FAIL(ERR_KEY, "vault of format %u", format);
	TRY(rd_u32(&in, &h.kibibytes));
	TRY(rd_u32(&in, &h.passes));
	TRY(rd_take(&in, SALT, &h.salt));
	if (h.kibibytes < 8 || h.kibibytes > KIBIBYTES_MAX || h.passes < 1 || h.passes > PASSES_MAX)
		FAIL(ERR_KEY, "vault with a cost of %u KiB, %u passes", h.kibibytes, h.passes);
	h.sealed = in;
	*ret = h;
	return OK;
}

static err_t
vault_read(struct arena *a, const char *path, struct head *ret)
{
	struct str text, der;
	size_t n;

	TRY(file_read(a, path, FILE_MAX, &text));
	TRY_CTX(text_unpem(a, text, VAULT_LABEL, &der, 1, &n), "%s", path);
	if (n != 1)
		FAIL(ERR_KEY, "%s is no vault", path);
	TRY_CTX(head_parse(der, ret), "%s", path);
	return OK;
}

static err_t
vault_unlock(struct arena *a, const char *path, const char *passphrase, uint8_t ret[MASTER])
{
	uint8_t kek[MASTER];
	struct str master;
	struct head h;
	err_t e;

	TRY(check_passphrase(passphrase));
	TRY(vault_read(a, path, &h));
	TRY(derive(passphrase, &h, kek));
	e = unseal(a, kek, LIT(VAULT_AAD), h.sealed, &master);
	secret_wipe(kek, sizeof(kek));
	if (!err_ok(e) || master.n != MASTER) {
		err_forget(e);
		FAIL(ERR_KEY_PASSPHRASE, "%s", path);
	}
	memcpy(ret, master.p, MASTER);
	secret_wipe((void *)(uintptr_t)master.p, master.n);
	return OK;
}

static err_t
vault_write(struct arena *a, const char *path, const char *passphrase, const uint8_t master[MASTER],
    bool fresh)
{
	uint8_t salt[SALT], kek[MASTER];
	struct head h = { KIBIBYTES, PASSES, STR(salt), STR_EMPTY };
	auto_buf struct buf out;
	struct str text;
	err_t e;

	TRY(check_passphrase(passphrase));
	rand_bytes(salt, sizeof(salt));
	buf_init(&out, FILE_MAX);
	TRY(wr_u8(&out, FORMAT));
	TRY(wr_u32(&out, h.kibibytes));
	TRY(wr_u32(&out, h.passes));
	TRY(buf_put(&out, h.salt));
	TRY(derive(passphrase, &h, kek));
	e = seal(&out, kek, LIT(VAULT_AAD), str_of(master, MASTER));
	secret_wipe(kek, sizeof(kek));
	TRY(e);
	text = str_c(text_pem(a, VAULT_LABEL, buf_str(&out)));
	return fresh ? file_create(path, text, 0600) : file_write(path, text, 0600);
}

static struct vault *
vault_new(const char *path)
{
	struct vault *v = calloc(1, sizeof(*v));

	if (v == NULL)
		abort();
	v->path = strdup(path);
	if (v->path == NULL)
		abort();
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
	free(v->path);
	free(v);
}

static void
vault_cleanup(struct vault **v)
{
	vault_free(*v);
}
#define auto_vault __attribute__((cleanup(vault_cleanup)))

err_t
vault_open(const char *dir, const char *passphrase, struct vault **ret)
{
	auto_arena struct arena *a = arena_new();
	const char *path = arena_printf(a, "%s/" VAULT_NAME, dir);
	auto_vault struct vault *v = vault_new(path);

	if (passphrase == NULL && file_exists(path))
		FAIL(ERR_KEY_PASSPHRASE, "the keys in %s are encrypted and no passphrase was given",
		    dir);
	if (passphrase == NULL) {
		*ret = NULL;
		return OK;
	}
	if (file_exists(path)) {
		TRY(vault_unlock(a, path, passphrase, v->master));
	} else {
		rand_bytes(v->master, sizeof(v->master));
		TRY(vault_write(a, path, passphrase, v->master, true));
	}
	*ret = steal(v);
	return OK;
}

err_t
vault_passwd(struct vault *v, const char *old, const char *passphrase)
{
	auto_arena struct arena *a = arena_new();
	uint8_t master[MASTER];
	err_t e;

	TRY(vault_unlock(a, v->path, old, master));
	pthread_mutex_lock(&v->lock);
	e = vault_write(a, v->path, passphrase, master, false);
	pthread_mutex_unlock(&v->lock);
	secret_wipe(master, sizeof(master));
	return e;
}

/* ---- key files ---- */

static struct str
name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return str_c(slash != NULL ? slash + 1 : path);
}

static err_t
sealed_pem(struct vault *v, struct arena *a, const char *path, const struct key *k, struct str *ret)
{
	auto_buf struct buf pem, out;
	err_t e;

	buf_init(&pem, LIMIT_KEY_BYTES);
	buf_init(&out, FILE_MAX);
	TRY(key_write(&pem, k, NULL));
	e = seal(&out, v->master, name_of(path), buf_str(&pem));
	secret_wipe(pem.p, pem.n);
	TRY(e);
	*ret = str_c(text_pem(a, KEY_LABEL, buf_str(&out)));
	return OK;
}

static err_t
read_sealed(struct vault *v, struct arena *a, const char *path, struct str text, struct key **ret)
{
	struct str der, pem;
	size_t n;
	err_t e;

	TRY(text_unpem(a, text, KEY_LABEL, &der, 1, &n));
	if (n != 1)
		FAIL(ERR_KEY, "it is no sealed key");
	TRY(unseal(a, v->master, name_of(path), der, &pem));
	e = key_read(pem, NULL, ret);
	secret_wipe((void *)(uintptr_t)pem.p, pem.n);
	return e;
}

/* From before there was a passphrase: encrypted from now on. */
static err_t
read_plain(struct vault *v, struct arena *a, const char *path, struct str text, struct key **ret)
{
	auto_key struct key *k = NULL;
	struct str sealed;
	err_t e = key_read(text, NULL, &k);

	secret_wipe((void *)(uintptr_t)text.p, text.n);
	TRY(e);
	TRY(sealed_pem(v, a, path, k, &sealed));
	pthread_mutex_lock(&v->lock);
	e = file_write(path, sealed, 0600);
	pthread_mutex_unlock(&v->lock);
	TRY(e);
	*ret = steal(k);
	return OK;
}

err_t
vault_key_read(struct vault *v, struct arena *a, const char *path, struct key **ret)
{
	struct str text;
	err_t e;

	TRY(file_read(a, path, FILE_MAX, &text));
	if (v == NULL) {
		e = key_read(text, NULL, ret);
		secret_wipe((void *)(uintptr_t)text.p, text.n);
	} else if (memmem(text.p, text.n, KEY_LABEL, strlen(KEY_LABEL)) != NULL) {
		e = read_sealed(v, a, path, text, ret);
	} else {
		e = read_plain(v, a, path, text, ret);
	}
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
