/* SPDX-License-Identifier: Apache-2.0 */
/* Key pairs: made, compared, used for signatures. Storage is key_file.c. */
#include "pki/key.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/limits.h"
#include "base/locked.h"
#include "codec/der.h"
#include "codec/sign_ipc.h"
#include "pki/fips.h"
#include "pki/key_int.h"
#include "pki/rsa_gen.h"
#include "pki/rsa_raw.h"
#include "pki/spki.h"
#include "pki/ssl_err.h"

/* What we read from others; what we make and issue for is narrower. */
#define RSA_READ_MIN 1024
#define RSA_READ_MAX 8192

struct key {
	EVP_PKEY *pkey;
	EVP_PKEY *
	    pub; /* the public half for OpenSSL's own provider: decoding one costs more than a signature */
	enum key_alg alg;
	unsigned bits;
	bool has_private;
	bool unused; /* made here, for nobody else to sign with: pki/rsa_raw.h */
	unsigned char *spki;
	size_t nspki;
	uint8_t spki_sha256[32];
};

struct scheme {
	enum sign_scheme scheme;
	enum key_alg alg;
	const char *md;
	int padding;
};

static const struct scheme schemes[] = {
	{ SIGN_ECDSA_SHA256, KEY_EC, "SHA256", 0 },
	{ SIGN_ECDSA_SHA384, KEY_EC, "SHA384", 0 },
	{ SIGN_RSA_PKCS1_SHA256, KEY_RSA, "SHA256", RSA_PKCS1_PADDING },
	{ SIGN_RSA_PKCS1_SHA384, KEY_RSA, "SHA384", RSA_PKCS1_PADDING },
	{ SIGN_RSA_PKCS1_SHA512, KEY_RSA, "SHA512", RSA_PKCS1_PADDING },
	{ SIGN_RSA_PSS_SHA256, KEY_RSA, "SHA256", RSA_PKCS1_PSS_PADDING },
	{ SIGN_RSA_PSS_SHA384, KEY_RSA, "SHA384", RSA_PKCS1_PSS_PADDING },
	{ SIGN_RSA_PSS_SHA512, KEY_RSA, "SHA512", RSA_PKCS1_PSS_PADDING },
};

/* The curve's size, 0 for one that we do not take. Explicit parameters are refused (RFC 5480 2.1.1). */
static unsigned
ec_bits(const EVP_PKEY *p)
{
	char group[64], encoding[32];
	int implicit = 0;

	if (EVP_PKEY_get_group_name(p, group, sizeof group, NULL) != 1)
		return 0;
	if (EVP_PKEY_get_utf8_string_param(
		p, OSSL_PKEY_PARAM_EC_ENCODING, encoding, sizeof encoding, NULL) == 1 &&
	    strcmp(encoding, OSSL_PKEY_EC_ENCODING_GROUP) != 0)
		return 0;
	if (EVP_PKEY_get_int_param(p, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &implicit) ==
		1 &&
	    implicit != 0)
		return 0;
	if (strcmp(group, "prime256v1") == 0)
		return KEY_P256;
	return strcmp(group, "secp384r1") == 0 ? KEY_P384 : 0;
}

static err_t
read_kind(struct key *k)
{
	int bits = EVP_PKEY_get_bits(k->pkey);

	if (EVP_PKEY_is_a(k->pkey, "RSA")) {
		if (bits < RSA_READ_MIN || bits > RSA_READ_MAX)
			FAIL(ERR_KEY_SIZE, "RSA key of %d bits", bits);
		k->alg = KEY_RSA;
		k->bits = (unsigned)bits;
		return OK;
	}
	if (!EVP_PKEY_is_a(k->pkey, "EC"))
		FAIL(ERR_KEY, "algorithm is neither RSA nor EC");
	k->alg = KEY_EC;
	k->bits = ec_bits(k->pkey);
	ssl_forget();
	if (k->bits == 0)
		FAIL(ERR_KEY_SIZE, "curve is neither P-256 nor P-384");
	return OK;
}

static bool
is_far(const EVP_PKEY *p)
{
	const OSSL_PROVIDER *prov = EVP_PKEY_get0_provider(p);

	return prov != NULL && strcmp(OSSL_PROVIDER_get0_name(prov), KEYPROV_NAME) == 0;
}

/* A key of OpenSSL's own serves as its public half; one that lives elsewhere must not be asked. */
static err_t
public_half(struct key *k)
{
	const unsigned char *p = k->spki;

	if (!is_far(k->pkey)) {
		if (EVP_PKEY_up_ref(k->pkey) != 1)
			FAIL_SSL(ERR_CRYPTO, "public key");
		k->pub = k->pkey;
		return OK;
	}
	k->pub = d2i_PUBKEY(NULL, &p, (long)k->nspki);
	if (k->pub == NULL)
		FAIL_SSL(ERR_CRYPTO, "public key");
	return OK;
}

/* One key has one encoding, so that its hash is that of the key: points are uncompressed, however they came. */
static err_t
plain_point(EVP_PKEY *p)
{
	static const char plain[] = OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED;
	char form[32];

	if (EVP_PKEY_get_utf8_string_param(
		p, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, form, sizeof form, NULL) != 1)
		FAIL_SSL(ERR_CRYPTO, "public key");
	if (strcmp(form, plain) == 0)
		return OK;
	if (EVP_PKEY_set_utf8_string_param(p, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, plain) !=
	    1)
		FAIL_SSL(ERR_CRYPTO, "public key");
	return OK;
}

static err_t
keep_spki(struct key *k, struct str spki)
{
	k->spki = OPENSSL_memdup(spki.p, spki.n);
	if (k->spki == NULL)
		abort();
	k->nspki = spki.n;
	return OK;
}

static err_t
write_spki(struct key *k)
{
	int n;

	if (k->alg == KEY_RSA && !is_far(k->pkey)) {
		auto_buf struct buf out = { 0 };

		buf_init(&out, LIMIT_CERT_BYTES);
		TRY(spki_put_rsa(k->pkey, &out));
		return keep_spki(k, buf_str(&out));
	}
	if (k->alg == KEY_EC && !is_far(k->pkey))
		TRY(plain_point(k->pkey));
	n = i2d_PUBKEY(k->pkey, &k->spki);

	if (n <= 0)
		FAIL_SSL(ERR_CRYPTO, "public key");
	k->nspki = (size_t)n;
	return OK;
}

/* spki: its bytes where they are known; writing them takes as long as two signatures. */
static err_t
adopt(EVP_PKEY *pkey, bool has_private, struct str spki, struct key **ret)
{
	auto_pkey EVP_PKEY *owned = pkey;
	auto_key struct key *k = calloc(1, sizeof *k);

	if (k == NULL)
		abort();
	k->pkey = steal(owned);
	k->has_private = has_private;
	TRY(read_kind(k));
	TRY(spki.n > 0 ? keep_spki(k, spki) : write_spki(k));
	hash_sha256(str_of(k->spki, k->nspki), k->spki_sha256);
	TRY(public_half(k));
	*ret = steal(k);
	return OK;
}

err_t
key_adopt(EVP_PKEY *pkey, bool has_private, struct key **ret)
{
	return adopt(pkey, has_private, STR_EMPTY, ret);
}

void
key_free(struct key *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_free(k->pkey);
	EVP_PKEY_free(k->pub);
	OPENSSL_free(k->spki);
	free(k);
}

err_t
key_check_kind(enum key_alg alg, unsigned bits)
{
	if (alg == KEY_RSA && bits != KEY_RSA_2048 && bits != KEY_RSA_3072 && bits != KEY_RSA_4096)
		FAIL(ERR_KEY_SIZE, "RSA key of %u bits", bits);
	if (alg == KEY_EC && bits != KEY_P256 && bits != KEY_P384)
		FAIL(ERR_KEY_SIZE, "EC key of %u bits", bits);
	return OK;
}

err_t
key_make(enum key_alg alg, unsigned bits, struct key **ret)
{
	EVP_PKEY *p = NULL;

	TRY(key_check_kind(alg, bits));
	switch (alg) {
	case KEY_RSA:
		p = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
		break;
	case KEY_EC:
		p = EVP_PKEY_Q_keygen(NULL, NULL, "EC", bits == KEY_P256 ? "P-256" : "P-384");
		break;
	}
	if (p == NULL)
		FAIL_SSL(ERR_CRYPTO, "making a key");
	return key_adopt(p, true, ret);
}

err_t
key_of_numbers(unsigned bits, const uint64_t *numbers, struct key **ret)
{
	EVP_PKEY *p = NULL;

	TRY(rsa_numbers_pkey(bits, numbers, &p));
	TRY(key_adopt(p, true, ret));
	(*ret)->unused = true;
	return OK;
}

static err_t
make_rsa(enum key_maker by, unsigned bits, struct key **ret)
{
	struct rsa_gen *g = NULL;
	struct locked numbers;
	err_t e;

	TRY(rsa_gen_new(bits, rsa_gen_way(by), 2, &g));
	locked_new(8 * rsa_numbers_words(bits), &numbers);
	e = rsa_gen_next(g, numbers.p);
	if (err_ok(e))
		e = key_of_numbers(bits, numbers.p, ret);
	locked_free(&numbers);
	rsa_gen_free(g);
	return e;
}

err_t
key_make_by(enum key_maker by, enum key_alg alg, unsigned bits, struct key **ret)
{
	if (by == KEY_MAKER_LIBCRYPTO || alg != KEY_RSA || fips_is_on())
		return key_make(alg, bits, ret);
	TRY(key_check_kind(alg, bits));
	return make_rsa(by, bits, ret);
}

enum key_alg
key_algorithm(const struct key *k)
{
	return k->alg;
}

unsigned
key_bits(const struct key *k)
{
	return k->bits;
}

bool
key_is_private(const struct key *k)
{
	return k->has_private;
}

err_t
key_spki(struct arena *a, const struct key *k, struct str *ret)
{
	*ret = arena_str(a, str_of(k->spki, k->nspki));
	return OK;
}

err_t
key_spki_sha256(const struct key *k, uint8_t ret[32])
{
	memcpy(ret, k->spki_sha256, 32);
	return OK;
}

bool
key_same_public(const struct key *a, const struct key *b)
{
	return memcmp(a->spki_sha256, b->spki_sha256, sizeof a->spki_sha256) == 0;
}

err_t
key_from_spki(struct str der, struct key **ret)
{
	const unsigned char *p = der.p;
	auto_pkey EVP_PKEY *k = NULL;

	if (der.n == 0 || der.n > LIMIT_CERT_BYTES)
		FAIL(ERR_KEY, "public key of %zu bytes", der.n);
	TRY(spki_key(der, &k));
	if (k != NULL) /* these bytes are the only ones that it has */
		return adopt(steal(k), false, der, ret);
	k = d2i_PUBKEY(NULL, &p, (long)der.n);
	if (k == NULL)
		FAIL_SSL(ERR_KEY, "public key");
	if (p != der.p + der.n)
		FAIL(ERR_KEY, "bytes after the public key");
	return key_adopt(steal(k), false, ret);
}

err_t
key_public(const struct key *k, EVP_PKEY **ret)
{
	if (EVP_PKEY_up_ref(k->pub) != 1)
		FAIL_SSL(ERR_CRYPTO, "public key");
	*ret = k->pub;
	return OK;
}

void *
key_pkey(const struct key *k)
{
	return k->pkey;
}

static const char *
sign_md(const struct key *k)
{
	return k->alg == KEY_EC && k->bits == KEY_P384 ? "SHA384" : "SHA256";
}

static err_t
sign_raw(struct arena *a, const struct key *k, struct str msg, struct str *ret)
{
	struct str signature;

	TRY(rsa_raw_sign(a, k->pkey, msg, &signature));
	TRY(key_verify(k, msg, signature));
	*ret = signature;
	return OK;
}

err_t
key_sign(struct arena *a, const struct key *k, struct str msg, struct str *ret)
{
	auto_md_ctx EVP_MD_CTX *c = NULL;
	uint8_t *out;
	size_t n = 0;

	if (!k->has_private)
		FAIL(ERR_KEY, "only the public half is here");
	if (k->unused && !fips_is_on())
		return sign_raw(a, k, msg, ret);
	c = EVP_MD_CTX_new();
	if (c == NULL ||
	    EVP_DigestSignInit_ex(c, NULL, sign_md(k), NULL, NULL, k->pkey, NULL) != 1 ||
	    EVP_DigestSign(c, NULL, &n, msg.p, msg.n) != 1)
		FAIL_SSL(ERR_CRYPTO, "signing");
	out = arena_alloc(a, n);
	if (EVP_DigestSign(c, out, &n, msg.p, msg.n) != 1)
		FAIL_SSL(ERR_CRYPTO, "signing");
	*ret = str_of(out, n);
	return OK;
}

err_t
key_verify(const struct key *k, struct str msg, struct str signature)
{
	return key_verify_with(k, sign_md(k), msg, signature);
}

err_t
key_verify_with(const struct key *k, const char *md, struct str msg, struct str signature)
{
	auto_md_ctx EVP_MD_CTX *c = EVP_MD_CTX_new();

	if (c == NULL || EVP_DigestVerifyInit_ex(c, NULL, md, NULL, NULL, k->pub, NULL) != 1)
		FAIL_SSL(ERR_CRYPTO, "checking a signature");
	if (EVP_DigestVerify(c, signature.p, signature.n, msg.p, msg.n) != 1) {
		ssl_forget();
		FAIL(ERR_SIGNATURE, "%s", "");
	}
	return OK;
}

static const struct scheme *
scheme_find(uint8_t scheme, enum key_alg alg)
{
	for (size_t i = 0; i < COUNT(schemes); i++)
		if (schemes[i].scheme == scheme)
			return schemes[i].alg == alg ? &schemes[i] : NULL;
	return NULL;
}

static bool
set_padding(EVP_PKEY_CTX *c, int padding)
{
	if (padding == 0)
		return true;
	if (EVP_PKEY_CTX_set_rsa_padding(c, padding) != 1)
		return false;
	return padding != RSA_PKCS1_PSS_PADDING ||
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(c, RSA_PSS_SALTLEN_DIGEST) == 1;
}

err_t
key_sign_digest(
    struct arena *a, const struct key *k, uint8_t scheme, struct str digest, struct str *ret)
{
	const struct scheme *s = scheme_find(scheme, k->alg);
	auto_pkey_ctx EVP_PKEY_CTX *c = NULL;
	auto_md EVP_MD *md = NULL;
	uint8_t *out;
	size_t n = 0;

	if (s == NULL)
		FAIL(ERR_KEY, "signature scheme %u does not fit the key", scheme);
	if (!k->has_private)
		FAIL(ERR_KEY, "only the public half is here");
	md = EVP_MD_fetch(NULL, s->md, NULL);
	if (md == NULL)
		FAIL_SSL(ERR_CRYPTO, "digest %s", s->md);
	if (digest.n != (size_t)EVP_MD_get_size(md))
		FAIL(ERR_RANGE, "digest of %zu bytes", digest.n);
	c = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
	if (c == NULL || EVP_PKEY_sign_init(c) != 1 || !set_padding(c, s->padding) ||
	    EVP_PKEY_CTX_set_signature_md(c, md) != 1 ||
	    EVP_PKEY_sign(c, NULL, &n, digest.p, digest.n) != 1)
		FAIL_SSL(ERR_CRYPTO, "signing a digest");
	out = arena_alloc(a, n);
	if (EVP_PKEY_sign(c, out, &n, digest.p, digest.n) != 1)
		FAIL_SSL(ERR_CRYPTO, "signing a digest");
	*ret = str_of(out, n);
	return OK;
}

struct str
key_sigalg(const struct key *k)
{
	return key_sigalg_of(k->pkey);
}

struct str
key_sigalg_of(const EVP_PKEY *p)
{
	/* RFC 4055 5: sha256WithRSAEncryption with NULL; RFC 5758 3.2: ecdsa-with-SHA2 without. */
	static const uint8_t rsa_sha256[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7,
		0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00 };
	static const uint8_t ec_sha256[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
		0x04, 0x03, 0x02 };
	static const uint8_t ec_sha384[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
		0x04, 0x03, 0x03 };

	if (EVP_PKEY_is_a(p, "RSA"))
		return STR(rsa_sha256);
	return EVP_PKEY_get_bits(p) == KEY_P384 ? STR(ec_sha384) : STR(ec_sha256);
}

err_t
key_sign_tbs(struct arena *a, const struct key *k, struct str tbs, struct str *ret)
{
	struct str signature;
	auto_buf struct buf body, bits, out;

	buf_init(&body, tbs.n + 4096);
	buf_init(&bits, 4096);
	buf_init(&out, tbs.n + 8192);
	TRY(key_sign(a, k, tbs, &signature));
	/* A faulty or exchanged signer must not leave its mark on a certificate. */
	TRY(key_verify(k, tbs, signature));
	TRY(buf_putc(&bits, 0)); /* no unused bits */
	TRY(buf_put(&bits, signature));
	TRY(buf_put(&body, tbs));
	TRY(buf_put(&body, key_sigalg(k)));
	TRY(der_put(&body, DER_BITSTRING, buf_str(&bits)));
	TRY(der_put(&out, DER_SEQUENCE, buf_str(&body)));
	*ret = arena_str(a, buf_str(&out));
	return OK;
}

static void
hash_to(const char *name, struct str in, uint8_t *ret, size_t n)
{
	size_t got = 0;

	/* Fails only without memory or without the provider: nothing to go on with. */
	if (EVP_Q_digest(NULL, name, NULL, in.n == 0 ? (const void *)"" : in.p, in.n, ret, &got) !=
		1 ||
	    got != n)
		abort();
}

void
hash_sha256(struct str in, uint8_t ret[32])
{
	hash_to("SHA256", in, ret, 32);
}

void
hash_sha1(struct str in, uint8_t ret[20])
{
	hash_to("SHA1", in, ret, 20);
}
