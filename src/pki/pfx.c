/* SPDX-License-Identifier: Apache-2.0 */
/* See pfx.h. */
#include "pki/pfx.h"

#include <string.h>

#include <openssl/provider.h>

#include "base/limits.h"
#include "base/secret.h"
#include "pki/cert_skim.h"
#include "pki/fips.h"
#include "pki/key_int.h"
#include "pki/pfx_bags.h"
#include "pki/pfx_rounds.h"

/*
 * RFC 7292 B.2, RFC 8018 4.2: rounds make guessing a password expensive. Ours are random and cannot be guessed. One
 * round is what the format itself takes for granted (RFC 7292 4: DEFAULT 1); OpenSSL, NSS, GnuTLS and Java open it.
 * Importers that cannot be tried here get about as many as their own systems write.
 */
struct profile {
	int nid; /* of the encryption, for key and certificates */
	const char *mac;
	int rounds, mac_rounds;
};

#define SALT 16 /* SP 800-132 5.1 */

static const struct profile profiles[] = {
	[PFX_AES] = { NID_aes_256_cbc, "SHA256", 2048, 2048 },
	[PFX_AES_QUICK] = { NID_aes_256_cbc, "SHA256", 1, 1 },
	[PFX_3DES] = { NID_pbe_WithSHA1And3_Key_TripleDES_CBC, "SHA1", 2048, 2048 },
};

static void
bags_cleanup(STACK_OF(PKCS12_SAFEBAG) * *s)
{
	sk_PKCS12_SAFEBAG_pop_free(*s, PKCS12_SAFEBAG_free);
}
#define auto_bags __attribute__((cleanup(bags_cleanup)))

static void
safes_cleanup(STACK_OF(PKCS7) * *s)
{
	sk_PKCS7_pop_free(*s, PKCS7_free);
}
#define auto_safes __attribute__((cleanup(safes_cleanup)))

static err_t
check_pair(const struct cert *leaf, const struct key *k)
{
	auto_key struct key *pub = NULL;

	TRY(cert_key(leaf, &pub));
	if (!key_is_private(k) || !key_same_public(pub, k))
		FAIL(ERR_PFX, "the key is not that of %s", cert_subject(leaf));
	return OK;
}

/* The bag is the stack's from here on. */
static err_t
add_bag(STACK_OF(PKCS12_SAFEBAG) * bags, PKCS12_SAFEBAG *bag)
{
	if (bag == NULL)
		FAIL_SSL(ERR_PFX, "writing PKCS#12");
	if (sk_PKCS12_SAFEBAG_push(bags, bag) <= 0)
		abort();
	return OK;
}

/* The bytes as they are: an object of OpenSSL's would be made and taken apart for nothing. */
static err_t
add_cert(STACK_OF(PKCS12_SAFEBAG) * bags, struct str der)
{
	const unsigned char *p = der.p;
	ASN1_TYPE *any = d2i_ASN1_TYPE(NULL, &p, (long)der.n);
	PKCS12_SAFEBAG *bag = NULL;

	if (any != NULL)
		bag = PKCS12_item_pack_safebag(
		    any, ASN1_ITEM_rptr(ASN1_ANY), NID_x509Certificate, NID_certBag);
	ASN1_TYPE_free(any);
	return add_bag(bags, bag);
}

/* What tells importers that key and certificate belong together, and what people see. */
static err_t
mark(PKCS12_SAFEBAG *bag, struct str leaf, const char *friendly_name)
{
	uint8_t id[20];

	hash_sha1(leaf, id);
	if (PKCS12_add_friendlyname_utf8(bag, friendly_name, -1) != 1 ||
	    PKCS12_add_localkeyid(bag, id, sizeof(id)) != 1)
		FAIL_SSL(ERR_PFX, "writing PKCS#12");
	return OK;
}

/* As PKCS12_add_safe(), with a salt of our length. */
static err_t
add_sealed(STACK_OF(PKCS7) * *safes, STACK_OF(PKCS12_SAFEBAG) * bags, const struct profile *pr,
    const char *password)
{
	uint8_t salt[SALT];
	PKCS7 *p7;

	rand_bytes(salt, sizeof(salt));
	p7 = PKCS12_pack_p7encdata(pr->nid, password, -1, salt, SALT, pr->rounds, bags);
	if (p7 == NULL)
		FAIL_SSL(ERR_PFX, "writing PKCS#12");
	if (*safes == NULL)
		*safes = sk_PKCS7_new_null();
	if (*safes == NULL || sk_PKCS7_push(*safes, p7) <= 0)
		abort();
	return OK;
}

static err_t
put_certs(STACK_OF(PKCS7) * *safes, const struct profile *pr, struct str leaf,
    const struct str *chain, size_t nchain, const char *password, const char *friendly_name)
{
	auto_bags STACK_OF(PKCS12_SAFEBAG) *bags = sk_PKCS12_SAFEBAG_new_null();

	TRY(add_cert(bags, leaf));
	TRY(mark(sk_PKCS12_SAFEBAG_value(bags, 0), leaf, friendly_name));
	for (size_t i = 0; i < nchain; i++)
		TRY(add_cert(bags, chain[i]));
	return add_sealed(safes, bags, pr, password);
}

static err_t
put_key(STACK_OF(PKCS7) * *safes, const struct profile *pr, struct str leaf, const struct key *k,
    const char *password, const char *friendly_name)
{
	auto_bags STACK_OF(PKCS12_SAFEBAG) *bags = sk_PKCS12_SAFEBAG_new_null();
	auto_p8 PKCS8_PRIV_KEY_INFO *p8 = EVP_PKEY2PKCS8(key_pkey(k));
	uint8_t salt[SALT];

	if (p8 == NULL)
		FAIL_SSL(ERR_PFX, "writing PKCS#12");
	rand_bytes(salt, sizeof(salt));
	TRY(add_bag(bags,
	    PKCS12_SAFEBAG_create_pkcs8_encrypt(
		pr->nid, password, -1, salt, SALT, pr->rounds, p8)));
	TRY(mark(sk_PKCS12_SAFEBAG_value(bags, 0), leaf, friendly_name));
	if (PKCS12_add_safe(safes, bags, -1, 0, NULL) != 1)
		FAIL_SSL(ERR_PFX, "writing PKCS#12");
	return OK;
}

static err_t
check_certs(const struct key *k, struct str leaf, const struct str *chain, size_t nchain)
{
	struct cert_skim c;
	err_t e;

	if (nchain > LIMIT_CHAIN_CERTS)
		FAIL(ERR_PFX, "%zu certificates in the chain", nchain);
	for (size_t i = 0; i < nchain; i++)
		TRY(cert_skim(chain[i], &c));
	e = cert_for_key(leaf, k);
	if (!err_is(e, ERR_KEY_MISMATCH) && key_is_private(k))
		return e;
	err_forget(e);
	FAIL(ERR_PFX, "the key is not that of the certificate");
}

/*
 * The MAC's key is derived by PKCS#12's own function (RFC 7292 B), which no FIPS provider has, and without which nobody
 * opens the file. No security is claimed for it: contents are sealed by PBES2, and the file or its password travels in an
 * envelope. In FIPS mode that one step is done by a library context of its own; nothing else is.
 */
static OSSL_LIB_CTX *
mac_ctx_new(void)
{
	OSSL_LIB_CTX *lib = OSSL_LIB_CTX_new();

	if (lib == NULL || OSSL_PROVIDER_load(lib, "default") == NULL)
		abort();
	return lib;
}

static err_t
finish(STACK_OF(PKCS7) * safes, const struct profile *pr, const char *password, OSSL_LIB_CTX *lib,
    struct arena *a, struct str *ret)
{
	auto_ossl_bytes unsigned char *der = NULL;
	auto_p12 PKCS12 *p12 = PKCS12_add_safes_ex(safes, 0, lib, NULL);
	auto_md EVP_MD *md = EVP_MD_fetch(lib, pr->mac, NULL);
	uint8_t salt[SALT];
	int n;

	rand_bytes(salt, sizeof(salt));
	if (md == NULL || p12 == NULL ||
	    PKCS12_set_mac(p12, password, -1, salt, SALT, pr->mac_rounds, md) != 1)
		FAIL_SSL(ERR_PFX, "writing PKCS#12");
	n = i2d_PKCS12(p12, &der);
	if (n <= 0)
		FAIL_SSL(ERR_PFX, "writing PKCS#12");
	*ret = arena_str(a, str_of(der, (size_t)n));
	return OK;
}

err_t
pfx_make(struct arena *a, enum pfx_profile profile, const struct key *k, struct str leaf,
    const struct str *chain, size_t nchain, const char *password, const char *friendly_name,
    struct str *ret)
{
	bool fips = fips_is_on();
	const struct profile *pr = &profiles[fips && profile == PFX_AES_QUICK ? PFX_AES : profile];
	auto_safes STACK_OF(PKCS7) *safes = NULL;
	OSSL_LIB_CTX *lib;
	err_t e;

	if (profile == PFX_3DES)
		TRY(fips_refuse(PFX_UNAPPROVED));
	TRY(check_certs(k, leaf, chain, nchain));
	TRY(put_certs(&safes, pr, leaf, chain, nchain, password, friendly_name));
	TRY(put_key(&safes, pr, leaf, k, password, friendly_name));
	if (!fips)
		return finish(safes, pr, password, NULL, a, ret);
	lib = mac_ctx_new();
	e = finish(safes, pr, password, lib, a, ret);
	OSSL_LIB_CTX_free(lib);
	return e;
}

static err_t
read_chain(struct arena *a, const STACK_OF(X509) * others, struct pfx *p)
{
	int n = others == NULL ? 0 : sk_X509_num(others);

	if (n > (int)LIMIT_CHAIN_CERTS)
		FAIL(ERR_PFX, "%d certificates beside the key's", n);
	p->chain = arena_array(a, (size_t)n + 1, sizeof *p->chain);
	for (int i = 0; i < n; i++) {
		auto_ossl_bytes unsigned char *der = NULL;
		int len = i2d_X509(sk_X509_value(others, i), &der);

		if (len <= 0)
			FAIL_SSL(ERR_PFX, "certificate %d", i + 1);
		p->chain[i] = arena_str(a, str_of(der, (size_t)len));
	}
	p->nchain = (size_t)n;
	return OK;
}

/* Which of "no password" and "empty password" the writer meant cannot be seen; both are tried. */
static err_t
check_mac(PKCS12 *p12, const char *password, const char **ret)
{
	*ret = password;
	if (PKCS12_verify_mac(p12, password, -1) == 1)
		return OK;
	*ret = NULL;
	if (password[0] == '\0' && PKCS12_verify_mac(p12, NULL, 0) == 1)
		return OK;
	ssl_forget();
	FAIL(ERR_PFX_PASSWORD, "%s", "");
}

static err_t
read_contents(struct arena *a, PKCS12 *p12, const char *password, struct pfx *p)
{
	auto_x509s STACK_OF(X509) *others = NULL;
	auto_ossl_bytes unsigned char *der = NULL;
	auto_x509 X509 *leaf = NULL;
	auto_cert struct cert *c = NULL;
	auto_pkey EVP_PKEY *k = NULL;
	int n;

	if (PKCS12_parse(p12, password, &k, &leaf, &others) != 1)
		FAIL_SSL(ERR_PFX, "%s", "");
	if (k == NULL || leaf == NULL)
		FAIL(ERR_PFX, "there is no key with its certificate inside");
	TRY(key_adopt(steal(k), true, &p->key));
	n = i2d_X509(leaf, &der);
	if (n <= 0)
		FAIL_SSL(ERR_PFX, "certificate");
	p->leaf = arena_str(a, str_of(der, (size_t)n));
	TRY(cert_parse(p->leaf, &c));
	TRY(check_pair(c, p->key));
	return read_chain(a, others, p);
}

err_t
pfx_open(struct arena *a, struct str der, const char *password, struct pfx *ret)
{
	const unsigned char *at = der.p;
	auto_p12 PKCS12 *p12 = NULL;
	auto_pfx struct pfx p = { 0 };

	if (der.n == 0 || der.n > LIMIT_PFX_BYTES)
		FAIL(ERR_PFX, "%zu bytes", der.n);
	TRY(fips_refuse(
	    "reading a PKCS#12 file, which goes by its own derivation of keys: chancery pfx import makes files "
	    "that are handed on as they are"));
	p12 = d2i_PKCS12(NULL, &at, (long)der.n);
	if (p12 == NULL)
		FAIL_SSL(ERR_PFX, "%s", "");
	if (at != der.p + der.n)
		FAIL(ERR_PFX, "bytes after the file");
	if (PKCS12_mac_present(p12) != 1)
		FAIL(ERR_PFX, "there is no MAC");
	TRY(pfx_check_rounds(p12));
	TRY(check_mac(p12, password, &password));
	TRY(pfx_check_bags(p12, password));
	TRY(read_contents(a, p12, password, &p));
	ssl_forget();
	*ret = p;
	p.key = NULL;
	return OK;
}

/* What OSSL_PROVIDER_load() counted, taken back once for each name, and once for this look. */
static void
unload(void)
{
	static const char *const names[] = { "legacy", "default" };

	for (size_t i = 0; i < COUNT(names); i++) {
		OSSL_PROVIDER *p = OSSL_PROVIDER_load(NULL, names[i]);

		OSSL_PROVIDER_unload(p);
		OSSL_PROVIDER_unload(p);
	}
}

/* The default provider is named as well: loading one by hand turns its automatic loading off. */
bool
pfx_legacy(void)
{
	if (fips_is_on())
		return false;
	if (OSSL_PROVIDER_available(NULL, "legacy") == 1)
		return true;
	if (OSSL_PROVIDER_load(NULL, "legacy") == NULL) {
		ssl_forget();
		return false;
	}
	if (OSSL_PROVIDER_load(NULL, "default") == NULL || OPENSSL_atexit(unload) != 1)
		ssl_forget();
	return true;
}

void
pfx_free(struct pfx *p)
{
	key_free(p->key);
	p->key = NULL;
}
