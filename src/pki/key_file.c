/* SPDX-License-Identifier: Apache-2.0 */
/* Key pairs as PKCS#8 PEM (RFC 5958, RFC 8018). */
#include "pki/key.h"

#include <string.h>

#include <openssl/pem.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/secret.h"
#include "pki/key_int.h"
#include "pki/ssl_err.h"

#define ROUNDS 600000
#define SALT 16

/* What PEM_read_bio_ex allocated; secret. */
struct pem {
	char *name, *header;
	unsigned char *data;
	long n;
};

static void
pem_cleanup(struct pem *p)
{
	OPENSSL_free(p->name);
	OPENSSL_free(p->header);
	OPENSSL_clear_free(p->data, p->n > 0 ? (size_t)p->n : 0);
}

static err_t
write_encrypted(BIO *out, PKCS8_PRIV_KEY_INFO *p8, const char *passphrase)
{
	uint8_t salt[SALT];
	auto_algor X509_ALGOR *pbe = NULL;
	auto_x509_sig X509_SIG *sig = NULL;

	rand_bytes(salt, sizeof salt);
	pbe = PKCS5_pbe2_set_iv(
	    EVP_aes_256_cbc(), ROUNDS, salt, sizeof salt, NULL, NID_hmacWithSHA256);
	if (pbe == NULL)
		FAIL_SSL(ERR_CRYPTO, "encrypting a key");
	sig = PKCS8_set0_pbe(passphrase, (int)strlen(passphrase), p8, pbe);
	if (sig == NULL)
		FAIL_SSL(ERR_CRYPTO, "encrypting a key");
	(void)steal(pbe); /* belongs to sig now */
	if (PEM_write_bio_PKCS8(out, sig) != 1)
		FAIL_SSL(ERR_CRYPTO, "writing a key");
	return OK;
}

err_t
key_write(struct buf *out, const struct key *k, const char *passphrase)
{
	auto_bio BIO *bio = BIO_new(BIO_s_secmem());
	auto_p8 PKCS8_PRIV_KEY_INFO *p8 = NULL;
	char *text;
	long n;

	if (!key_is_private(k))
		FAIL(ERR_KEY, "only the public half is here");
	p8 = EVP_PKEY2PKCS8(key_pkey(k));
	if (bio == NULL || p8 == NULL)
		FAIL_SSL(ERR_KEY, "the private half cannot be taken out");
	if (passphrase != NULL)
		TRY(write_encrypted(bio, p8, passphrase));
	else if (PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, p8) != 1)
		FAIL_SSL(ERR_CRYPTO, "writing a key");
	n = BIO_get_mem_data(bio, &text);
	return buf_put(out, str_of(text, (size_t)n));
}

static err_t
read_p8(const struct pem *pem, const char *passphrase, PKCS8_PRIV_KEY_INFO **ret)
{
	const unsigned char *p = pem->data;
	auto_x509_sig X509_SIG *sig = NULL;

	if (strcmp(pem->name, PEM_STRING_PKCS8INF) == 0) {
		*ret = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, pem->n);
		if (*ret == NULL)
			FAIL_SSL(ERR_KEY, "private key");
		return OK;
	}
	if (strcmp(pem->name, PEM_STRING_PKCS8) != 0)
		FAIL(ERR_KEY, "not a PKCS#8 private key");
	if (passphrase == NULL)
		FAIL(ERR_KEY_PASSPHRASE, "the key is encrypted and no passphrase was given");
	sig = d2i_X509_SIG(NULL, &p, pem->n);
	if (sig == NULL)
		FAIL_SSL(ERR_KEY, "encrypted private key");
	*ret = PKCS8_decrypt(sig, passphrase, (int)strlen(passphrase));
	if (*ret == NULL)
		FAIL_SSL(ERR_KEY_PASSPHRASE, "%s", "");
	return OK;
}

err_t
key_read(struct str pem, const char *passphrase, struct key **ret)
{
	__attribute__((cleanup(pem_cleanup))) struct pem block = { 0 };
	auto_p8 PKCS8_PRIV_KEY_INFO *p8 = NULL;
	auto_bio BIO *in = NULL;
	EVP_PKEY *k;

	if (pem.n == 0 || pem.n > LIMIT_KEY_BYTES)
		FAIL(ERR_KEY, "key of %zu bytes", pem.n);
	in = BIO_new_mem_buf(pem.p, (int)pem.n);
	if (in == NULL ||
	    PEM_read_bio_ex(
		in, &block.name, &block.header, &block.data, &block.n, PEM_FLAG_SECURE) != 1)
		FAIL_SSL(ERR_KEY, "no PEM block");
	TRY(read_p8(&block, passphrase, &p8));
	k = EVP_PKCS82PKEY(p8);
	if (k == NULL)
		FAIL_SSL(ERR_KEY, "private key");
	return key_adopt(k, true, ret);
}

static err_t
read_file(struct arena *a, const char *path, struct key **ret)
{
	struct str text;
	err_t e;

	TRY(file_read(a, path, LIMIT_KEY_BYTES, &text));
	e = key_read(text, NULL, ret);
	secret_wipe((void *)(uintptr_t)text.p, text.n);
	if (!err_ok(e))
		return err_context(e, __FILE__, __LINE__, "%s", path);
	return OK;
}

err_t
key_file(struct arena *a, const char *path, enum key_alg alg, unsigned bits, struct key **ret)
{
	auto_key struct key *k = NULL;
	auto_buf struct buf pem;
	err_t e;

	buf_init(&pem, LIMIT_KEY_BYTES);
	if (file_exists(path))
		return read_file(a, path, ret);
	TRY(key_make(alg, bits, &k));
	TRY(key_write(&pem, k, NULL));
	e = file_create(path, buf_str(&pem), 0600);
	if (err_is(e, ERR_FILE_EXISTS)) { /* somebody was faster: theirs is the key */
		err_forget(e);
		return read_file(a, path, ret);
	}
	TRY(e);
	*ret = steal(k);
	return OK;
}
