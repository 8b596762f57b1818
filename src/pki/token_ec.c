/* SPDX-License-Identifier: Apache-2.0 */
/* EC keys in a token: P-256 and P-384, ECDSA. PKCS#11 v2.40, 2.3. */
#include "base/secret.h"
#include "codec/der.h"
#include "codec/sign_ipc.h"
#include "pki/key_int.h"
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
