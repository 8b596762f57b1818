/* SPDX-License-Identifier: Apache-2.0 */
/* Signed tokens: see jws.h. */
#include "codec/jws.h"

#undef json_true
#undef json_equal
#include <cjose/cjose.h>

#include "base/limits.h"
#include "base/secret.h"

enum { KEY_BITS_MIN = 2048, KID_MAX = 128, KID_BYTES = 16 };

struct jws_key {
	cjose_jwk_t *jwk;
	const char *alg;
	char kid[KID_MAX + 1];
};

static void
jwk_cleanup(cjose_jwk_t **k)
{
	cjose_jwk_release(*k);
}

static void
jws_cleanup(cjose_jws_t **j)
{
	cjose_jws_release(*j);
}

static void
header_cleanup(cjose_header_t **h)
{
	if (*h != NULL)
		cjose_header_release(*h);
}

#define auto_jwk __attribute__((cleanup(jwk_cleanup)))
#define auto_jws __attribute__((cleanup(jws_cleanup)))
#define auto_header __attribute__((cleanup(header_cleanup)))

/* RFC 7518 3.1. NULL: no key that is used here. */
static const char *
alg_of(const cjose_jwk_t *jwk)
{
	cjose_err why = { 0 };

	if (cjose_jwk_get_kty(jwk, &why) == CJOSE_JWK_KTY_RSA)
		return cjose_jwk_get_keysize(jwk, &why) >= KEY_BITS_MIN ? "RS256" : NULL;
	if (cjose_jwk_get_kty(jwk, &why) == CJOSE_JWK_KTY_EC)
		return cjose_jwk_EC_get_curve(jwk, &why) == CJOSE_JWK_EC_P_256 ? "ES256" : NULL;
	return NULL;
}

err_t
jws_key_parse(struct str text, struct jws_key **ret)
{
	cjose_err why = { 0 };
	const char *kid;
	struct jws_key *k;
	auto_jwk cjose_jwk_t *jwk = NULL;

	if (text.n == 0 || text.n > LIMIT_JWT_BYTES)
		FAIL(ERR_MALFORMED, "key of %zu bytes", text.n);
	jwk = cjose_jwk_import((const char *)text.p, text.n, &why);
	if (jwk == NULL)
		FAIL(ERR_MALFORMED, "not a JSON web key");
	if (alg_of(jwk) == NULL)
		FAIL(ERR_MALFORMED, "neither an RSA key of %d bits or more nor one on P-256",
		    KEY_BITS_MIN);
	kid = cjose_jwk_get_kid(jwk, &why);
	if (kid == NULL || kid[0] == '\0' || strlen(kid) > KID_MAX)
		FAIL(ERR_MALFORMED, "key without a kid of 1 to %d bytes", KID_MAX);
	k = calloc(1, sizeof(*k));
	if (k == NULL)
		abort();
	memcpy(k->kid, kid, strlen(kid));
	k->alg = alg_of(jwk);
	k->jwk = steal(jwk);
	*ret = k;
	return OK;
}

void
jws_key_free(struct jws_key *k)
{
	if (k == NULL)
		return;
	cjose_jwk_release(k->jwk);
	free(k);
}

static err_t
jwk_text(struct arena *a, const cjose_jwk_t *jwk, bool private, struct str *ret)
{
	cjose_err why = { 0 };
	char *text = cjose_jwk_to_json(jwk, private, &why);

	if (text == NULL)
		FAIL(ERR_INTERNAL, "a key cannot be written");
	*ret = arena_str(a, str_c(text));
	secret_wipe(text, strlen(text));
	cjose_get_dealloc()(text);
	return OK;
}

err_t
jws_key_make(struct arena *a, struct str *ret_private_jwk)
{
	static const uint8_t exponent[] = { 1, 0, 1 };
	const char *kid = rand_token(a, KID_BYTES);
	cjose_err why = { 0 };
	auto_jwk cjose_jwk_t *jwk =
	    cjose_jwk_create_RSA_random(KEY_BITS_MIN, exponent, sizeof(exponent), &why);

	if (jwk == NULL || !cjose_jwk_set_kid(jwk, kid, strlen(kid), &why))
		FAIL(ERR_INTERNAL, "no token key could be made");
	return jwk_text(a, jwk, true, ret_private_jwk);
}

err_t
jws_key_public(struct arena *a, const struct jws_key *k, struct str *ret_jwk)
{
	return jwk_text(a, k->jwk, false, ret_jwk);
}

err_t
jws_sign(struct arena *a, const struct jws_key *k, struct str payload, const char **ret_compact)
{
	cjose_err why = { 0 };
	const char *compact;
	auto_header cjose_header_t *h = cjose_header_new(&why);
	auto_jws cjose_jws_t *j = NULL;

	if (h == NULL || !cjose_header_set(h, CJOSE_HDR_ALG, k->alg, &why) ||
	    !cjose_header_set(h, CJOSE_HDR_KID, k->kid, &why) ||
	    !cjose_header_set(h, "typ", "JWT", &why))
		FAIL(ERR_INTERNAL, "no token header could be made");
	j = cjose_jws_sign(k->jwk, h, payload.p, payload.n, &why);
	if (j == NULL || !cjose_jws_export(j, &compact, &why))
		FAIL(ERR_INTERNAL, "the token key cannot sign");
	*ret_compact = arena_strdup(a, compact);
	return OK;
}

/* RFC 7515 4.1: what the header claims is looked at before any of it is used. */
static err_t
header_check(struct arena *a, struct str compact, const char **kid, const char **ret_alg)
{
	struct str rest = compact, head, body, bytes;
	json *alg, *id;
	auto_json json *h = NULL;

	head = str_cut(&rest, '.');
	body = str_cut(&rest, '.');
	if (head.n == 0 || body.n == 0 || rest.n == 0 || memchr(rest.p, '.', rest.n) != NULL)
		FAIL(ERR_TOKEN, "not a compact JWS");
	TRY(text_unbase64(a, head, &bytes));
	TRY(json_parse(bytes, LIMIT_JWT_BYTES, &h));
	alg = json_get(h, "alg");
	id = json_get(h, "kid");
	if (strcmp(json_text(alg), "RS256") != 0 && strcmp(json_text(alg), "ES256") != 0)
		FAIL(ERR_TOKEN, "algorithm is neither RS256 nor ES256");
	if (json_get(h, "crit") != NULL)
		FAIL(ERR_TOKEN, "critical header parameters are not supported");
	if (!json_is_text(id))
		FAIL(ERR_TOKEN, "no key is named");
	*kid = arena_strdup(a, json_text(id));
	*ret_alg = arena_strdup(a, json_text(alg));
	return OK;
}

static err_t
payload_take(struct arena *a, struct str compact, const struct jws_key *k, json **ret)
{
	cjose_err why = { 0 };
	uint8_t *plain;
	size_t n;
	/* cjose reads C strings. */
	char *text = arena_cstr(a, compact);
	auto_json json *claims = NULL;
	auto_jws cjose_jws_t *j = cjose_jws_import(text, compact.n, &why);

	if (j == NULL)
		FAIL(ERR_TOKEN, "not a compact JWS");
	if (!cjose_jws_verify(j, k->jwk, &why))
		FAIL(ERR_TOKEN, "the signature is not good");
	if (!cjose_jws_get_plaintext(j, &plain, &n, &why))
		FAIL(ERR_TOKEN, "no payload");
	TRY(json_parse(str_of(plain, n), LIMIT_JWT_BYTES, &claims));
	if (!json_is_object(claims))
		FAIL(ERR_TOKEN, "claims are not an object");
	*ret = steal(claims);
	return OK;
}

static bool
compact_char(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '-' || c == '_' || c == '.';
}

static err_t
head(struct arena *a, struct str compact, const char **ret_kid, const char **ret_alg)
{
	if (compact.n > LIMIT_JWT_BYTES)
		FAIL(ERR_TOKEN, "longer than %u bytes", LIMIT_JWT_BYTES);
	for (size_t i = 0; i < compact.n; i++)
		if (!compact_char(compact.p[i]))
			FAIL(ERR_TOKEN, "not a compact JWS");
	return header_check(a, compact, ret_kid, ret_alg);
}

static err_t
verify(struct arena *a, const struct jws_key *const *keys, size_t n, struct str compact, json **ret)
{
	const char *kid, *alg;

	TRY(head(a, compact, &kid, &alg));
	for (size_t i = 0; i < n; i++) {
		if (strcmp(keys[i]->kid, kid) != 0)
			continue;
		if (strcmp(keys[i]->alg, alg) != 0)
			FAIL(ERR_TOKEN, "the algorithm is not that of the key");
		return payload_take(a, compact, keys[i], ret);
	}
	FAIL(ERR_TOKEN, "signed with a key that is not ours");
}

/* Whatever is wrong with a token is one code. */
static err_t
as_token(err_t e)
{
	struct err_report why;

	if (err_ok(e) || err_is(e, ERR_TOKEN))
		return e;
	err_take(e, &why);
	FAIL(ERR_TOKEN, "%s", why.detail);
}

err_t
jws_verify(struct arena *a, const struct jws_key *const *keys, size_t n, struct str compact,
    json **ret_payload)
{
	return as_token(verify(a, keys, n, compact, ret_payload));
}

err_t
jws_kid(struct arena *a, struct str compact, const char **ret)
{
	const char *alg;

	return as_token(head(a, compact, ret, &alg));
}

const char *
jws_key_kid(const struct jws_key *k)
{
	return k->kid;
}

const char *
jws_key_alg(const struct jws_key *k)
{
	return k->alg;
}
