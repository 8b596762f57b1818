/* SPDX-License-Identifier: Apache-2.0 */
/* See pfx.h. */
#include "pki/pfx.h"

#include <string.h>

#include <openssl/provider.h>

#include "base/limits.h"
#include "pki/key_int.h"
#include "pki/pfx_bags.h"
#include "pki/pfx_rounds.h"

/* Ours carry random passwords; what importers of people's files accept everywhere. */
#define ROUNDS 2048

struct profile {
	int cert_nid, key_nid;
	const char *mac;
};

static const struct profile profiles[] = {
	[PFX_AES] = { NID_aes_256_cbc, NID_aes_256_cbc, "SHA256" },
	[PFX_3DES] = { NID_pbe_WithSHA1And3_Key_TripleDES_CBC,
	    NID_pbe_WithSHA1And3_Key_TripleDES_CBC, "SHA1" },
};

static err_t
parse_chain(const struct str *chain, size_t n, STACK_OF(X509) * *ret)
{
	auto_x509s STACK_OF(X509) *s = sk_X509_new_null();

	if (n > LIMIT_CHAIN_CERTS)
		FAIL(ERR_PFX, "%zu certificates in the chain", n);
	for (size_t i = 0; i < n; i++) {
		auto_cert struct cert *c = NULL;
		X509 *x;

		TRY(cert_parse(chain[i], &c));
		x = cert_x509(c);
		if (X509_up_ref(x) != 1 || sk_X509_push(s, x) <= 0)
			abort();
	}
	*ret = steal(s);
	return OK;
}

static err_t
check_pair(const struct cert *leaf, const struct key *k)
{
	auto_key struct key *pub = NULL;

	TRY(cert_key(leaf, &pub));
	if (!key_is_private(k) || !key_same_public(pub, k))
		FAIL(ERR_PFX, "the key is not that of %s", cert_subject(leaf));
	return OK;
}

err_t
pfx_make(struct arena *a, enum pfx_profile profile, const struct key *k, struct str leaf,
    const struct str *chain, size_t nchain, const char *password, const char *friendly_name,
    struct str *ret)
{
	const struct profile *pr = &profiles[profile];
	auto_cert struct cert *c = NULL;
	auto_x509s STACK_OF(X509) *others = NULL;
	auto_ossl_bytes unsigned char *der = NULL;
	auto_p12 PKCS12 *p12 = NULL;
	auto_md EVP_MD *md = NULL;
	int n;

	TRY(cert_parse(leaf, &c));
	TRY(check_pair(c, k));
	TRY(parse_chain(chain, nchain, &others));
	md = EVP_MD_fetch(NULL, pr->mac, NULL);
	/* -1: the MAC is set below, with a digest of our choice. */
	p12 = PKCS12_create(password, friendly_name, key_pkey(k), cert_x509(c), others, pr->key_nid,
	    pr->cert_nid, ROUNDS, -1, 0);
	if (md == NULL || p12 == NULL ||
	    PKCS12_set_mac(p12, password, -1, NULL, 0, ROUNDS, md) != 1)
		FAIL_SSL(ERR_PFX, "writing PKCS#12");
	n = i2d_PKCS12(p12, &der);
	if (n <= 0)
		FAIL_SSL(ERR_PFX, "writing PKCS#12");
	*ret = arena_str(a, str_of(der, (size_t)n));
	return OK;
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
