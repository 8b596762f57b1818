/* SPDX-License-Identifier: Apache-2.0 */
/* See pfx_rounds.h. */
#include "pki/pfx_rounds.h"

#include "base/limits.h"

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

static err_t
check_count(const ASN1_INTEGER *i)
{
	int64_t n = 1; /* absent: the default */

	if (i != NULL && ASN1_INTEGER_get_int64(&n, i) != 1)
		n = 0;
	if (n < 1 || n > (int64_t)LIMIT_PFX_ROUNDS) {
		ssl_forget();
		FAIL(ERR_PFX, "a count of rounds is out of bounds");
	}
	return OK;
}

/* RFC 8018 A.4, A.2; another derivation than PBKDF2 is not taken. */
static err_t
check_pbes2(const ASN1_TYPE *param)
{
	PBE2PARAM *p = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), param);
	PBKDF2PARAM *kdf = NULL;
	err_t e;

	if (p != NULL && OBJ_obj2nid(p->keyfunc->algorithm) == NID_id_pbkdf2)
		kdf = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), p->keyfunc->parameter);
	e = kdf == NULL ? ERROR(ERR_PFX, "key derivation is not PBKDF2") : check_count(kdf->iter);
	PBKDF2PARAM_free(kdf);
	PBE2PARAM_free(p);
	return e;
}

static err_t
check_algorithm(const X509_ALGOR *alg)
{
	PBEPARAM *p;
	err_t e;

	if (OBJ_obj2nid(alg->algorithm) == NID_pbes2)
		return check_pbes2(alg->parameter);
	p = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), alg->parameter);
	e = p == NULL ? ERROR(ERR_PFX, "encryption algorithm") : check_count(p->iter);
	PBEPARAM_free(p);
	return e;
}

static err_t
check_bags(const STACK_OF(PKCS12_SAFEBAG) * bags)
{
	for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); i++) {
		const PKCS12_SAFEBAG *bag = sk_PKCS12_SAFEBAG_value(bags, i);
		const X509_ALGOR *alg;
		const ASN1_OCTET_STRING *data;

		if (PKCS12_SAFEBAG_get_nid(bag) == NID_safeContentsBag)
			FAIL(ERR_PFX, "bags within bags");
		if (PKCS12_SAFEBAG_get_nid(bag) != NID_pkcs8ShroudedKeyBag)
			continue;
		X509_SIG_get0(PKCS12_SAFEBAG_get0_pkcs8(bag), &alg, &data);
		TRY(check_algorithm(alg));
	}
	return OK;
}

static err_t
check_safe(PKCS7 *p7)
{
	auto_bags STACK_OF(PKCS12_SAFEBAG) *bags = NULL;

	switch (OBJ_obj2nid(p7->type)) {
	case NID_pkcs7_encrypted:
		if (p7->d.encrypted == NULL || p7->d.encrypted->enc_data == NULL)
			FAIL(ERR_PFX, "an encrypted part is empty");
		return check_algorithm(p7->d.encrypted->enc_data->algorithm);
	case NID_pkcs7_data:
		bags = PKCS12_unpack_p7data(p7);
		if (bags == NULL)
			FAIL_SSL(ERR_PFX, "%s", "");
		return check_bags(bags);
	default:
		FAIL(ERR_PFX, "a part that is neither data nor encrypted data");
	}
}

err_t
pfx_check_rounds(const PKCS12 *p12)
{
	const ASN1_INTEGER *rounds = NULL;
	auto_p7s STACK_OF(PKCS7) *safes = NULL;

	PKCS12_get0_mac(NULL, NULL, NULL, &rounds, p12);
	TRY(check_count(rounds));
	safes = PKCS12_unpack_authsafes(p12);
	if (safes == NULL)
		FAIL_SSL(ERR_PFX, "%s", "");
	for (int i = 0; i < sk_PKCS7_num(safes); i++)
		TRY(check_safe(sk_PKCS7_value(safes, i)));
	return OK;
}
