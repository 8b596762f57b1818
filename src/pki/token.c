/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: sessions and key objects. What keys do is token_ops.c. */
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <p11-kit/p11-kit.h>

#include "base/limits.h"
#include "base/secret.h"
#include "pki/key_int.h"
#include "pki/keyprov.h"
#include "pki/ssl_err.h"
#include "pki/token_int.h"

#define SLOTS_MAX 64
#define LABEL_LEN 32 /* CK_TOKEN_INFO.label, padded with blanks */
#define NUMBER_MAX 1024
#define OBJECTS_MAX 16

/* clang-format off */
#define CKR(x) { x, #x }
static const struct {
	CK_RV rv;
	const char *name;
} returns[] = {
	CKR(CKR_HOST_MEMORY), CKR(CKR_SLOT_ID_INVALID), CKR(CKR_GENERAL_ERROR), CKR(CKR_FUNCTION_FAILED),
	CKR(CKR_ARGUMENTS_BAD), CKR(CKR_ATTRIBUTE_READ_ONLY), CKR(CKR_ATTRIBUTE_TYPE_INVALID),
	CKR(CKR_ATTRIBUTE_VALUE_INVALID), CKR(CKR_DATA_INVALID), CKR(CKR_DATA_LEN_RANGE), CKR(CKR_DEVICE_ERROR),
	CKR(CKR_DEVICE_MEMORY), CKR(CKR_DEVICE_REMOVED), CKR(CKR_ENCRYPTED_DATA_INVALID),
	CKR(CKR_ENCRYPTED_DATA_LEN_RANGE), CKR(CKR_FUNCTION_NOT_SUPPORTED), CKR(CKR_KEY_HANDLE_INVALID),
	CKR(CKR_KEY_SIZE_RANGE), CKR(CKR_KEY_TYPE_INCONSISTENT), CKR(CKR_KEY_FUNCTION_NOT_PERMITTED),
	CKR(CKR_MECHANISM_INVALID), CKR(CKR_MECHANISM_PARAM_INVALID), CKR(CKR_OBJECT_HANDLE_INVALID),
	CKR(CKR_OPERATION_ACTIVE), CKR(CKR_PIN_INCORRECT), CKR(CKR_PIN_INVALID), CKR(CKR_PIN_LEN_RANGE),
	CKR(CKR_PIN_EXPIRED), CKR(CKR_PIN_LOCKED), CKR(CKR_SESSION_CLOSED), CKR(CKR_SESSION_COUNT),
	CKR(CKR_SESSION_HANDLE_INVALID), CKR(CKR_SESSION_READ_ONLY), CKR(CKR_TEMPLATE_INCOMPLETE),
	CKR(CKR_TEMPLATE_INCONSISTENT), CKR(CKR_TOKEN_NOT_PRESENT), CKR(CKR_TOKEN_NOT_RECOGNIZED),
	CKR(CKR_TOKEN_WRITE_PROTECTED), CKR(CKR_USER_NOT_LOGGED_IN), CKR(CKR_USER_PIN_NOT_INITIALIZED),
	CKR(CKR_CRYPTOKI_NOT_INITIALIZED),
};
/* clang-format on */

err_t
token_failed(const char *call, CK_RV rv)
{
	for (size_t i = 0; i < COUNT(returns); i++)
		if (returns[i].rv == rv)
			FAIL(ERR_TOKEN_DEVICE, "%s: %s", call, returns[i].name);
	FAIL(ERR_TOKEN_DEVICE, "%s: CKR 0x%08lx", call, rv);
}

#define CHECK(t, call, ...) \
	do { \
		CK_RV check_ = (t)->p11->call(__VA_ARGS__); \
		if (check_ != CKR_OK) \
			return token_failed(#call, check_); \
	} while (0)

bool
token_session_lost(CK_RV rv)
{
	return rv == CKR_SESSION_HANDLE_INVALID || rv == CKR_SESSION_CLOSED ||
	    rv == CKR_USER_NOT_LOGGED_IN || rv == CKR_KEY_HANDLE_INVALID ||
	    rv == CKR_OBJECT_HANDLE_INVALID || rv == CKR_DEVICE_REMOVED;
}

const char *
token_pin(const struct token *t)
{
	return t->pin;
}

static err_t
session_open(struct token *t)
{
	CK_TOKEN_INFO info;
	CK_RV rv;

	CHECK(t, C_GetTokenInfo, t->slot, &info);
	/* Whoever corrects the PIN needs that one. */
	if (info.flags & CKF_USER_PIN_LOCKED)
		FAIL(ERR_TOKEN_DEVICE, "CKF_USER_PIN_LOCKED: its PIN must be unlocked");
	if (info.flags & CKF_USER_PIN_FINAL_TRY)
		FAIL(ERR_TOKEN_DEVICE,
		    "CKF_USER_PIN_FINAL_TRY: one try of its PIN is left; log on to it by hand first");
	CHECK(t, C_OpenSession, t->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
	    &t->session);
	t->open = true;
	/* Once and no more: a wrong PIN counts towards locking. */
	rv = t->p11->C_Login(t->session, CKU_USER, (CK_BYTE_PTR)t->pin, strlen(t->pin));
	if (rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LOCKED || rv == CKR_PIN_LEN_RANGE)
		FAIL(ERR_TOKEN_PIN, "%s",
		    rv == CKR_PIN_LOCKED ? "CKR_PIN_LOCKED" : "CKR_PIN_INCORRECT");
	if (rv != CKR_OK && rv != CKR_USER_ALREADY_LOGGED_IN)
		return token_failed("C_Login", rv);
	return OK;
}

/* Objects of this class and label, at most OBJECTS_MAX. */
static err_t
find(struct token *t, CK_OBJECT_CLASS class, const char *label, CK_OBJECT_HANDLE *ret,
    CK_ULONG *retn)
{
	CK_ATTRIBUTE want[] = { { CKA_CLASS, &class, sizeof class },
		{ CKA_LABEL, (void *)(uintptr_t)label, strlen(label) } };
	CK_RV rv;

	CHECK(t, C_FindObjectsInit, t->session, want, COUNT(want));
	rv = t->p11->C_FindObjects(t->session, ret, OBJECTS_MAX, retn);
	(void)t->p11->C_FindObjectsFinal(t->session);
	return rv == CKR_OK ? OK : token_failed("C_FindObjects", rv);
}

static err_t
find_one(struct token *t, CK_OBJECT_CLASS class, const char *label, CK_OBJECT_HANDLE *ret)
{
	CK_OBJECT_HANDLE all[OBJECTS_MAX];
	CK_ULONG n = 0;

	TRY(find(t, class, label, all, &n));
	if (n == 0)
		FAIL(ERR_NOT_FOUND, "no key \"%s\" in the token", label);
	*ret = all[n - 1];
	return OK;
}

/* Handles of the old session mean nothing in the new one, so those of all keys are looked up again. */
err_t
token_session_renew(struct token *t)
{
	err_t e;

	if (t->open)
		(void)t->p11->C_CloseSession(t->session);
	t->open = false;
	TRY(session_open(t));
	for (struct token_key *k = t->keys; k != NULL; k = k->next) {
		k->priv = CK_INVALID_HANDLE;
		e = find_one(t, CKO_PRIVATE_KEY, k->label, &k->priv);
		if (err_is(e, ERR_NOT_FOUND))
			err_forget(e); /* removed meanwhile: its next use fails */
		else
			TRY(e);
	}
	return OK;
}

/* Before work on objects: a session that is gone is opened again. */
static err_t
session_ensure(struct token *t)
{
	CK_SESSION_INFO info;

	if (t->open && t->p11->C_GetSessionInfo(t->session, &info) == CKR_OK)
		return OK;
	return token_session_renew(t);
}

static bool
label_is(const CK_TOKEN_INFO *info, const char *label)
{
	size_t n = strlen(label);

	if (n > LABEL_LEN || memcmp(info->label, label, n) != 0)
		return false;
	while (n < LABEL_LEN && info->label[n] == ' ')
		n++;
	return n == LABEL_LEN;
}

static err_t
slot_find(struct token *t, const char *label)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG n = 0;

	/* PKCS#11 v2.40 5.5: asking for the number is what makes the module look which tokens are there. */
	CHECK(t, C_GetSlotList, CK_TRUE, NULL, &n);
	n = SLOTS_MAX;
	CHECK(t, C_GetSlotList, CK_TRUE, slots, &n);
	for (CK_ULONG i = 0; i < n; i++) {
		CK_TOKEN_INFO info;

		if (t->p11->C_GetTokenInfo(slots[i], &info) == CKR_OK && label_is(&info, label)) {
			t->slot = slots[i];
			return OK;
		}
	}
	FAIL(ERR_TOKEN_DEVICE, "no token with the label \"%s\"", label);
}

static err_t
start(struct token *t, const char *module, const char *label)
{
	CK_MECHANISM_INFO info;
	CK_RV rv;

	t->p11 = p11_kit_module_load(module, 0);
	if (t->p11 == NULL)
		FAIL(ERR_TOKEN_DEVICE, "module %s cannot be loaded", module);
	rv = p11_kit_module_initialize(t->p11);
	if (rv != CKR_OK)
		return token_failed("C_Initialize", rv);
	t->initialized = true;
	TRY(slot_find(t, label));
	t->raw = t->p11->C_GetMechanismInfo(t->slot, CKM_RSA_X_509, &info) == CKR_OK &&
	    (info.flags & CKF_SIGN) != 0 && (info.flags & CKF_DECRYPT) != 0;
	return session_open(t);
}

err_t
token_open(const char *module, const char *token_label, const char *pin, struct token **ret)
{
	struct token *t = calloc(1, sizeof *t);
	err_t e;

	if (t == NULL)
		abort();
	pthread_mutex_init(&t->lock, NULL);
	t->pin = strdup(pin);
	if (t->pin == NULL)
		abort();
	e = start(t, module, token_label);
	if (!err_ok(e)) {
		token_close(t);
		TRY(e);
	}
	*ret = t;
	return OK;
}

static void
key_entry_free(struct token_key *k)
{
	free(k->label);
	free(k);
}

void
token_close(struct token *t)
{
	if (t == NULL)
		return;
	if (t->open)
		(void)t->p11->C_CloseSession(t->session);
	if (t->initialized)
		(void)p11_kit_module_finalize(t->p11);
	if (t->p11 != NULL)
		p11_kit_module_release(t->p11);
	while (t->keys != NULL) {
		struct token_key *k = t->keys;

		t->keys = k->next;
		key_entry_free(k);
	}
	secret_wipe(t->pin, strlen(t->pin));
	free(t->pin);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static err_t
spki_of(struct arena *a, struct str n, struct str e, struct str *ret)
{
	auto_bn BIGNUM *bn = BN_bin2bn(n.p, (int)n.n, NULL), *be = BN_bin2bn(e.p, (int)e.n, NULL);
	auto_pkey_ctx EVP_PKEY_CTX *c =
	    EVP_PKEY_CTX_new_from_name(NULL, "RSA", "provider!=" KEYPROV_NAME);
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	auto_ossl_bytes unsigned char *der = NULL;
	auto_pkey EVP_PKEY *p = NULL;
	OSSL_PARAM *params = NULL;
	int len = 0;

	if (bn != NULL && be != NULL && c != NULL && b != NULL &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, bn) == 1 &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, be) == 1)
		params = OSSL_PARAM_BLD_to_param(b);
	if (params != NULL && EVP_PKEY_fromdata_init(c) == 1 &&
	    EVP_PKEY_fromdata(c, &p, EVP_PKEY_PUBLIC_KEY, params) == 1)
		len = i2d_PUBKEY(p, &der);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(b);
	if (len <= 0)
		FAIL_SSL(ERR_CRYPTO, "public key of the token");
	*ret = arena_str(a, str_of(der, (size_t)len));
	return OK;
}

static err_t
read_public(struct token *t, struct arena *a, CK_OBJECT_HANDLE pub, struct str *ret)
{
	CK_KEY_TYPE type = CKK_RSA;
	CK_ATTRIBUTE kind = { CKA_KEY_TYPE, &type, sizeof type };
	uint8_t n[NUMBER_MAX], e[NUMBER_MAX];
	CK_ATTRIBUTE at[] = { { CKA_MODULUS, n, sizeof n }, { CKA_PUBLIC_EXPONENT, e, sizeof e } };

	CHECK(t, C_GetAttributeValue, t->session, pub, &kind, 1);
	if (type == CKK_EC)
		return token_ec_public(t, a, pub, ret);
	CHECK(t, C_GetAttributeValue, t->session, pub, at, COUNT(at));
	if (at[0].ulValueLen > sizeof n || at[1].ulValueLen > sizeof e)
		FAIL(ERR_TOKEN_DEVICE, "public key is not RSA");
	return spki_of(a, str_of(n, at[0].ulValueLen), str_of(e, at[1].ulValueLen), ret);
}

static err_t
generate(struct token *t, const char *label, unsigned bits)
{
	CK_MECHANISM m = { CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0 };
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ULONG size = bits;
	uint8_t e[] = { 1, 0, 1 }, id[20];
	void *text = (void *)(uintptr_t)label;
	CK_OBJECT_HANDLE pub, priv;
	CK_ATTRIBUTE pub_at[] = { { CKA_TOKEN, &yes, sizeof yes },
		{ CKA_LABEL, text, strlen(label) }, { CKA_ID, id, sizeof id },
		{ CKA_VERIFY, &yes, sizeof yes }, { CKA_ENCRYPT, &yes, sizeof yes },
		{ CKA_MODULUS_BITS, &size, sizeof size }, { CKA_PUBLIC_EXPONENT, e, sizeof e } };
	CK_ATTRIBUTE priv_at[] = { { CKA_TOKEN, &yes, sizeof yes },
		{ CKA_LABEL, text, strlen(label) }, { CKA_ID, id, sizeof id },
		{ CKA_PRIVATE, &yes, sizeof yes }, { CKA_SENSITIVE, &yes, sizeof yes },
		{ CKA_EXTRACTABLE, &no, sizeof no }, { CKA_SIGN, &yes, sizeof yes },
		{ CKA_DECRYPT, &yes, sizeof yes } };

	rand_bytes(id, sizeof id);
	CHECK(t, C_GenerateKeyPair, t->session, &m, pub_at, COUNT(pub_at), priv_at, COUNT(priv_at),
	    &pub, &priv);
	return OK;
}

static err_t
key_locked(struct token *t, struct arena *a, struct token_key *k, unsigned bits, struct str *ret)
{
	CK_OBJECT_HANDLE pub;
	err_t e;

	TRY(session_ensure(t));
	e = find_one(t, CKO_PRIVATE_KEY, k->label, &k->priv);
	if (bits != 0 && err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		TRY(k->alg == KEY_RSA ? generate(t, k->label, bits) :
					token_ec_generate(t, k->label, bits));
		e = find_one(t, CKO_PRIVATE_KEY, k->label, &k->priv);
	}
	TRY(e);
	TRY(find_one(t, CKO_PUBLIC_KEY, k->label, &pub));
	return read_public(t, a, pub, ret);
}

static struct token_key *
key_entry(struct token *t, const char *label, enum key_alg alg)
{
	struct token_key *k = calloc(1, sizeof *k);

	if (k == NULL)
		abort();
	k->token = t;
	k->alg = alg;
	k->label = strdup(label);
	if (k->label == NULL)
		abort();
	return k;
}

err_t
token_pair(struct token *t, const char *label, enum key_alg alg, unsigned bits, struct key **ret)
{
	auto_arena struct arena *a = arena_new();
	struct token_key *k = key_entry(t, label, alg);
	struct far_key far = { k, token_sign, token_decrypt };
	struct key *key = NULL;
	struct str spki;
	err_t e = bits == 0 ? OK : key_check_kind(alg, bits);

	if (err_ok(e)) {
		pthread_mutex_lock(&t->lock);
		e = key_locked(t, a, k, bits, &spki);
		pthread_mutex_unlock(&t->lock);
	}
	if (err_ok(e))
		e = keyprov_key(&far, spki, &key);
	if (!err_ok(e)) {
		key_entry_free(k);
		TRY(e);
	}
	k->bits = key_bits(key);
	k->alg = key_algorithm(key);
	k->next = t->keys;
	t->keys = k;
	*ret = key;
	return OK;
}

err_t
token_key(struct token *t, const char *label, unsigned bits, struct key **ret)
{
	TRY(key_check_kind(KEY_RSA, bits));
	return token_pair(t, label, KEY_RSA, bits, ret);
}

static err_t
find_locked(struct token *t, struct arena *a, const char *label, struct str *ret)
{
	CK_OBJECT_HANDLE pub, priv;

	TRY(session_ensure(t));
	TRY(find_one(t, CKO_PRIVATE_KEY, label, &priv));
	TRY(find_one(t, CKO_PUBLIC_KEY, label, &pub));
	return read_public(t, a, pub, ret);
}

err_t
token_find(struct token *t, const char *label, struct key **ret)
{
	auto_arena struct arena *a = arena_new();
	struct str spki;
	err_t e;

	pthread_mutex_lock(&t->lock);
	e = find_locked(t, a, label, &spki);
	pthread_mutex_unlock(&t->lock);
	TRY(e);
	return key_from_spki(spki, ret);
}

static err_t
destroy_all(struct token *t, const CK_OBJECT_HANDLE *list, CK_ULONG n)
{
	for (CK_ULONG i = 0; i < n; i++)
		CHECK(t, C_DestroyObject, t->session, list[i]);
	return OK;
}

/* An RSA key's numbers, in the order of `rows` of import_pair(); wiped by the caller. */
struct numbers {
	uint8_t b[8][NUMBER_MAX];
	CK_ULONG n[8];
};

static err_t
take_numbers(const struct key *k, struct numbers *ret)
{
	static const char *const names[] = { OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_RSA_E,
		OSSL_PKEY_PARAM_RSA_D, OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_FACTOR2,
		OSSL_PKEY_PARAM_RSA_EXPONENT1, OSSL_PKEY_PARAM_RSA_EXPONENT2,
		OSSL_PKEY_PARAM_RSA_COEFFICIENT1 };

	for (size_t i = 0; i < COUNT(names); i++) {
		auto_bn BIGNUM *bn = NULL;

		if (EVP_PKEY_get_bn_param(key_pkey(k), names[i], &bn) != 1 ||
		    BN_num_bytes(bn) > NUMBER_MAX)
			FAIL_SSL(ERR_KEY, "the private half cannot be taken out");
		ret->n[i] = (CK_ULONG)BN_bn2bin(bn, ret->b[i]);
	}
	return OK;
}

static err_t
import_pair(struct token *t, const char *label, struct numbers *v, uint8_t id[20])
{
	static const CK_ATTRIBUTE_TYPE rows[] = { CKA_MODULUS, CKA_PUBLIC_EXPONENT,
		CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_PRIME_2, CKA_EXPONENT_1, CKA_EXPONENT_2,
		CKA_COEFFICIENT };
	CK_OBJECT_CLASS pub_class = CKO_PUBLIC_KEY, priv_class = CKO_PRIVATE_KEY;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_KEY_TYPE rsa = CKK_RSA;
	CK_OBJECT_HANDLE h;
	CK_ATTRIBUTE at[18] = { { CKA_CLASS, &priv_class, sizeof priv_class },
		{ CKA_KEY_TYPE, &rsa, sizeof rsa }, { CKA_TOKEN, &yes, sizeof yes },
		{ CKA_LABEL, (void *)(uintptr_t)label, strlen(label) }, { CKA_ID, id, 20 },
		{ CKA_PRIVATE, &yes, sizeof yes }, { CKA_SENSITIVE, &yes, sizeof yes },
		{ CKA_EXTRACTABLE, &no, sizeof no }, { CKA_SIGN, &yes, sizeof yes },
		{ CKA_DECRYPT, &yes, sizeof yes } };
	CK_ATTRIBUTE pub[] = { { CKA_CLASS, &pub_class, sizeof pub_class }, at[1], at[2], at[3],
		at[4], { CKA_VERIFY, &yes, sizeof yes }, { CKA_ENCRYPT, &yes, sizeof yes },
		{ CKA_MODULUS, v->b[0], v->n[0] }, { CKA_PUBLIC_EXPONENT, v->b[1], v->n[1] } };

	for (size_t i = 0; i < COUNT(rows); i++)
		at[10 + i] = (CK_ATTRIBUTE){ rows[i], v->b[i], v->n[i] };
	CHECK(t, C_CreateObject, t->session, at, COUNT(at), &h);
	CHECK(t, C_CreateObject, t->session, pub, COUNT(pub), &h);
	return OK;
}

/* The old pair goes only when the new one is in. v: of an RSA key; NULL: k is one on a curve. */
static err_t
import_locked(
    struct token *t, const char *label, const struct key *k, struct numbers *v, uint8_t id[20])
{
	CK_OBJECT_HANDLE old_priv[OBJECTS_MAX], old_pub[OBJECTS_MAX];
	CK_ULONG npriv = 0, npub = 0;

	TRY(session_ensure(t));
	TRY(find(t, CKO_PRIVATE_KEY, label, old_priv, &npriv));
	TRY(find(t, CKO_PUBLIC_KEY, label, old_pub, &npub));
	TRY(v == NULL ? token_ec_import(t, label, k, id) : import_pair(t, label, v, id));
	TRY(destroy_all(t, old_priv, npriv));
	return destroy_all(t, old_pub, npub);
}

err_t
token_import(struct token *t, const char *label, const struct key *k)
{
	struct numbers *v = NULL;
	uint8_t spki[32];
	err_t e = key_spki_sha256(k, spki);

	if (err_ok(e) && key_algorithm(k) == KEY_RSA) {
		v = calloc(1, sizeof *v);
		if (v == NULL)
			abort();
		e = take_numbers(k, v);
	}
	if (err_ok(e)) {
		pthread_mutex_lock(&t->lock);
		e = import_locked(t, label, k, v, spki); /* the first 20 bytes are the CKA_ID */
		pthread_mutex_unlock(&t->lock);
	}
	if (v != NULL)
		secret_wipe(v, sizeof *v);
	free(v);
	return e;
}

static err_t
remove_locked(struct token *t, const char *label)
{
	static const CK_OBJECT_CLASS classes[] = { CKO_PRIVATE_KEY, CKO_PUBLIC_KEY };
	CK_OBJECT_HANDLE list[OBJECTS_MAX];
	CK_ULONG n = 0;

	TRY(session_ensure(t));
	for (size_t i = 0; i < COUNT(classes); i++) {
		TRY(find(t, classes[i], label, list, &n));
		TRY(destroy_all(t, list, n));
	}
	return OK;
}

err_t
token_remove(struct token *t, const char *label)
{
	err_t e;

	pthread_mutex_lock(&t->lock);
	e = remove_locked(t, label);
	pthread_mutex_unlock(&t->lock);
	return e;
}
