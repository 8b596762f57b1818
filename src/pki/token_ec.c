/* SPDX-License-Identifier: Apache-2.0 */
/* EC keys in a token: P-256 and P-384, ECDSA. PKCS#11 v2.40, 2.3. */
#include <openssl/core_names.h>

#include "base/secret.h"
#include "codec/der.h"
#include "codec/sign_ipc.h"
#include "pki/key_int.h"
#include "pki/ssl_err.h"
#include "pki/token_int.h"

enum { POINT_MAX = 256, NUMBER = 48 };

/* The curve's identifier as an OBJECT IDENTIFIER, and the same inside a SubjectPublicKeyInfo (RFC 5480 2.1). */
static const uint8_t p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static const uint8_t p384[] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 };
static const uint8_t ec_public_key[] = { 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };

static err_t
wrap(struct arena *a, uint8_t tag, const struct str *parts, size_t n, struct str *ret)
{
	auto_buf struct buf in, out;

	buf_init(&in, 1024);
	buf_init(&out, 1024);
	for (size_t i = 0; i < n; i++)
		TRY(buf_put(&in, parts[i]));
	TRY(der_put(&out, tag, buf_str(&in)));
	*ret = arena_str(a, buf_str(&out));
	return OK;
}

/* CKA_EC_POINT is the point in an OCTET STRING; some tokens leave that out. */
static err_t
point_of(struct str in, size_t want, struct str *ret)
{
	struct str rest = in, point;

	if (in.n == want) {
		*ret = in;
		return OK;
	}
	TRY(der_take(&rest, DER_OCTETS, &point));
	if (rest.n != 0 || point.n != want)
		FAIL(ERR_TOKEN_DEVICE, "point of %zu bytes", point.n);
	*ret = point;
	return OK;
}

err_t
token_ec_public(struct token *t, struct arena *a, CK_OBJECT_HANDLE pub, struct str *ret)
{
	static const uint8_t no_unused_bits[] = { 0 };
	uint8_t curve[POINT_MAX], bytes[POINT_MAX];
	CK_ATTRIBUTE at[] = { { CKA_EC_PARAMS, curve, sizeof curve },
		{ CKA_EC_POINT, bytes, sizeof bytes } };
	CK_RV rv = t->p11->C_GetAttributeValue(t->session, pub, at, COUNT(at));
	struct str oid, point, alg[2], parts[2];
	size_t want;

	if (rv != CKR_OK)
		return token_failed("C_GetAttributeValue", rv);
	oid = str_of(curve, at[0].ulValueLen);
	if (!str_eq(oid, STR(p256)) && !str_eq(oid, STR(p384)))
		FAIL(ERR_KEY_SIZE, "curve is neither P-256 nor P-384");
	want = str_eq(oid, STR(p256)) ? 65 : 97;
	TRY(point_of(str_of(bytes, at[1].ulValueLen), want, &point));
	alg[0] = STR(ec_public_key);
	alg[1] = oid;
	TRY(wrap(a, DER_SEQUENCE, alg, 2, &parts[0]));
	parts[1] = STR(no_unused_bits);
	TRY(wrap(a, DER_BITSTRING, (struct str[]){ parts[1], point }, 2, &parts[1]));
	return wrap(a, DER_SEQUENCE, parts, 2, ret);
}

err_t
token_ec_generate(struct token *t, const char *label, unsigned bits)
{
	CK_MECHANISM m = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	struct str curve = bits == KEY_P256 ? STR(p256) : STR(p384);
	uint8_t id[20];
	void *text = (void *)(uintptr_t)label;
	CK_OBJECT_HANDLE pub, priv;
	CK_ATTRIBUTE pub_at[] = { { CKA_TOKEN, &yes, sizeof yes },
		{ CKA_LABEL, text, strlen(label) }, { CKA_ID, id, sizeof id },
		{ CKA_VERIFY, &yes, sizeof yes },
		{ CKA_EC_PARAMS, (void *)(uintptr_t)curve.p, curve.n } };
	CK_ATTRIBUTE priv_at[] = { { CKA_TOKEN, &yes, sizeof yes },
		{ CKA_LABEL, text, strlen(label) }, { CKA_ID, id, sizeof id },
		{ CKA_PRIVATE, &yes, sizeof yes }, { CKA_SENSITIVE, &yes, sizeof yes },
		{ CKA_EXTRACTABLE, &no, sizeof no }, { CKA_SIGN, &yes, sizeof yes } };
	CK_RV rv;

	rand_bytes(id, sizeof id);
	rv = t->p11->C_GenerateKeyPair(
	    t->session, &m, pub_at, COUNT(pub_at), priv_at, COUNT(priv_at), &pub, &priv);
	return rv == CKR_OK ? OK : token_failed("C_GenerateKeyPair", rv);
}

/* The uncompressed point (SEC 1 2.3.3) of a public key: the end of its SubjectPublicKeyInfo. */
static err_t
point_out(struct arena *a, const struct key *k, size_t want, struct str *ret)
{
	struct str spki;

	TRY(key_spki(a, k, &spki));
	if (spki.n <= want || spki.p[spki.n - want] != 4)
		FAIL(ERR_KEY, "the public half is no uncompressed point");
	*ret = str_of(spki.p + spki.n - want, want);
	return OK;
}

static err_t
import_pair(struct token *t, const char *label, struct str curve, struct str point,
    struct str secret, const uint8_t id[20])
{
	CK_OBJECT_CLASS pub_class = CKO_PUBLIC_KEY, priv_class = CKO_PRIVATE_KEY;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_KEY_TYPE type = CKK_EC;
	CK_OBJECT_HANDLE h;
	CK_ATTRIBUTE at[] = { { CKA_CLASS, &priv_class, sizeof priv_class },
		{ CKA_KEY_TYPE, &type, sizeof type }, { CKA_TOKEN, &yes, sizeof yes },
		{ CKA_LABEL, (void *)(uintptr_t)label, strlen(label) },
		{ CKA_ID, (void *)(uintptr_t)id, 20 },
		{ CKA_EC_PARAMS, (void *)(uintptr_t)curve.p, curve.n },
		{ CKA_PRIVATE, &yes, sizeof yes }, { CKA_SENSITIVE, &yes, sizeof yes },
		{ CKA_EXTRACTABLE, &no, sizeof no }, { CKA_SIGN, &yes, sizeof yes },
		{ CKA_VALUE, (void *)(uintptr_t)secret.p, secret.n } };
	CK_ATTRIBUTE pub[] = { { CKA_CLASS, &pub_class, sizeof pub_class }, at[1], at[2], at[3],
		at[4], at[5], { CKA_VERIFY, &yes, sizeof yes },
		{ CKA_EC_POINT, (void *)(uintptr_t)point.p, point.n } };
	CK_RV rv = t->p11->C_CreateObject(t->session, at, COUNT(at), &h);

	if (rv == CKR_OK)
		rv = t->p11->C_CreateObject(t->session, pub, COUNT(pub), &h);
	return rv == CKR_OK ? OK : token_failed("C_CreateObject", rv);
}

err_t
token_ec_import(struct token *t, const char *label, const struct key *k, const uint8_t id[20])
{
	auto_arena struct arena *a = arena_new();
	size_t size = key_bits(k) / 8;
	auto_bn BIGNUM *bn = NULL;
	uint8_t secret[NUMBER];
	struct str point;
	err_t e;

	if (key_algorithm(k) != KEY_EC || (key_bits(k) != KEY_P256 && key_bits(k) != KEY_P384))
		FAIL(ERR_KEY_SIZE, "curve is neither P-256 nor P-384");
	TRY(point_out(a, k, 2 * size + 1, &point));
	TRY(wrap(a, DER_OCTETS, &point, 1, &point));
	if (EVP_PKEY_get_bn_param(key_pkey(k), OSSL_PKEY_PARAM_PRIV_KEY, &bn) != 1 ||
	    BN_bn2binpad(bn, secret, (int)size) != (int)size)
		FAIL_SSL(ERR_KEY, "the private half cannot be taken out");
	e = import_pair(t, label, key_bits(k) == KEY_P256 ? STR(p256) : STR(p384), point,
	    str_of(secret, size), id);
	secret_wipe(secret, sizeof secret);
	return e;
}

/* A big-endian number as a minimal positive INTEGER. */
static err_t
integer(struct arena *a, struct str n, struct str *ret)
{
	static const uint8_t zero[] = { 0 };
	struct str parts[2] = { STR_EMPTY, STR_EMPTY };

	while (n.n > 1 && n.p[0] == 0) {
		n.p++;
		n.n--;
	}
	if (n.p[0] & 0x80)
		parts[0] = STR(zero);
	parts[1] = n;
	return wrap(a, DER_INTEGER, parts, 2, ret);
}

/* The token gives r and s one after the other; the world wants an ECDSA-Sig-Value (RFC 3279 2.2.3). */
err_t
token_ec_signature(struct arena *a, struct str raw, struct str *ret)
{
	struct str parts[2];

	if (raw.n == 0 || raw.n % 2 != 0 || raw.n > 2 * NUMBER)
		FAIL(ERR_TOKEN_DEVICE, "signature of %zu bytes", raw.n);
	TRY(integer(a, str_of(raw.p, raw.n / 2), &parts[0]));
	TRY(integer(a, str_of(raw.p + raw.n / 2, raw.n / 2), &parts[1]));
	return wrap(a, DER_SEQUENCE, parts, 2, ret);
}
