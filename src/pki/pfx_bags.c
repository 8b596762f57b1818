/* SPDX-License-Identifier: Apache-2.0 */
/* See pfx_bags.h. */
#include "pki/pfx_bags.h"

#include "base/str.h"

static void
p7s_cleanup(STACK_OF(PKCS7) * *s)
{
	sk_PKCS7_pop_free(*s, PKCS7_free);
}
#define auto_p7s __attribute__((cleanup(p7s_cleanup)))

static void
bags_cleanup(STACK_OF(PKCS12_SAFEBAG) * *s)
{
	sk_PKCS12_SAFEBAG_pop_free(*s, PKCS12_SAFEBAG_free);
}
#define auto_bags __attribute__((cleanup(bags_cleanup)))

/* Encryption of old files (RFC 7292 C) whose ciphers only OpenSSL's legacy provider has. */
static const struct {
	int nid;
	const char *cipher;
} old[] = {
	{ NID_pbe_WithSHA1And40BitRC2_CBC, "RC2-40-CBC" },
	{ NID_pbe_WithSHA1And128BitRC2_CBC, "RC2-CBC" },
	{ NID_pbe_WithSHA1And40BitRC4, "RC4-40" },
	{ NID_pbe_WithSHA1And128BitRC4, "RC4" },
};

static err_t
check_cipher(const X509_ALGOR *alg)
{
	int nid = OBJ_obj2nid(alg->algorithm);

	for (size_t i = 0; i < COUNT(old); i++) {
		EVP_CIPHER *c;

		if (old[i].nid != nid)
			continue;
		c = EVP_CIPHER_fetch(NULL, old[i].cipher, NULL);
		EVP_CIPHER_free(c);
		ssl_forget();
		if (c == NULL)
			FAIL(ERR_PFX_LEGACY, "%s", old[i].cipher);
	}
	return OK;
}

static err_t
count_bags(const STACK_OF(PKCS12_SAFEBAG) * bags, size_t *n)
{
	for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); i++) {
		const PKCS12_SAFEBAG *bag = sk_PKCS12_SAFEBAG_value(bags, i);
		const X509_ALGOR *alg;
		const ASN1_OCTET_STRING *data;

		switch (PKCS12_SAFEBAG_get_nid(bag)) {
		case NID_pkcs8ShroudedKeyBag:
			X509_SIG_get0(PKCS12_SAFEBAG_get0_pkcs8(bag), &alg, &data);
			TRY(check_cipher(alg));
			++*n;
			break;
		case NID_keyBag:
			++*n;
			break;
		case NID_safeContentsBag:
			FAIL(ERR_PFX, "bags within bags");
		default:
			break;
		}
	}
	return OK;
}

static err_t
count_safe(PKCS7 *p7, const char *password, size_t *n)
{
	auto_bags STACK_OF(PKCS12_SAFEBAG) *bags = NULL;

	if (OBJ_obj2nid(p7->type) == NID_pkcs7_encrypted) {
		TRY(check_cipher(p7->d.encrypted->enc_data->algorithm));
		bags = PKCS12_unpack_p7encdata(p7, password, password == NULL ? 0 : -1);
	} else {
		bags = PKCS12_unpack_p7data(p7);
	}
	if (bags == NULL)
		FAIL_SSL(ERR_PFX, "%s", "");
	return count_bags(bags, n);
}

err_t
pfx_check_bags(const PKCS12 *p12, const char *password)
{
	auto_p7s STACK_OF(PKCS7) *safes = PKCS12_unpack_authsafes(p12);
	size_t n = 0;

	if (safes == NULL)
		FAIL_SSL(ERR_PFX, "%s", "");
	for (int i = 0; i < sk_PKCS7_num(safes); i++)
		TRY(count_safe(sk_PKCS7_value(safes, i), password, &n));
	if (n == 0)
		FAIL(ERR_PFX_NO_KEY, "%s", "");
	if (n > 1)
		FAIL(ERR_PFX_TWO_KEYS, "%zu keys", n);
	return OK;
}
