/* SPDX-License-Identifier: Apache-2.0 */
/* See password.h. */
#include "pki/password.h"

#include <argon2.h>
#include <openssl/evp.h>

#include "base/limits.h"
#include "base/secret.h"
#include "base/text.h"
#include "pki/fips.h"
#include "pki/ssl_err.h"

#define SALT 16
#define HASH 32
#define LANES 1

struct cost {
	uint32_t passes, kibibytes;
};

static const struct cost costs[] = {
	[PASSWORD_PERSON] = { 3, 64 * 1024 },
	[PASSWORD_RANDOM] = { 1, 1024 },
};

/* $pbkdf2-sha256$ROUNDS$SALT$HASH, both in hexadecimal digits */
#define PBKDF2 "$pbkdf2-sha256$"
#define ROUNDS_MAX 10000000

static const int rounds[] = {
	[PASSWORD_PERSON] = 600000,
	[PASSWORD_RANDOM] = 1000,
};

static bool
stretch(const char *password, struct str salt, int n, uint8_t ret[HASH])
{
	return PKCS5_PBKDF2_HMAC(password, (int)strlen(password), salt.p, (int)salt.n, n,
		   EVP_sha256(), HASH, ret) == 1;
}

static err_t
pbkdf2_hash(struct arena *a, enum password_kind kind, const char *password, const char **ret)
{
	uint8_t salt[SALT], hash[HASH];

	rand_bytes(salt, sizeof salt);
	if (!stretch(password, STR(salt), rounds[kind], hash))
		FAIL_SSL(ERR_CRYPTO, "PBKDF2");
	*ret = arena_printf(
	    a, PBKDF2 "%d$%s$%s", rounds[kind], text_hex(a, STR(salt)), text_hex(a, STR(hash)));
	return OK;
}

static err_t
pbkdf2_read(
    struct arena *a, const char *hash, int64_t *ret_rounds, struct str *ret_salt, struct str *ret)
{
	struct str rest = str_c(hash + strlen(PBKDF2));

	TRY(text_i64(str_cut(&rest, '$'), 1, ROUNDS_MAX, ret_rounds));
	TRY(text_unhex(a, str_cut(&rest, '$'), ret_salt));
	TRY(text_unhex(a, rest, ret));
	if (ret_salt->n != SALT || ret->n != HASH)
		FAIL(ERR_MALFORMED, "a stored password");
	return OK;
}

static bool
pbkdf2_matches(const char *hash, const char *password)
{
	auto_arena struct arena *a = arena_new();
	struct str salt = STR_EMPTY, want = STR_EMPTY;
	uint8_t have[HASH];
	int64_t n = 0;
	err_t e = pbkdf2_read(a, hash, &n, &salt, &want);

	if (!err_ok(e)) {
		err_forget(e);
		return false;
	}
	return stretch(password, salt, (int)n, have) && secret_eq(STR(have), want);
}

/* It takes as long as one that could match: nobody learns by the clock who has a password. */
static bool
matches_nothing(const char *password)
{
	static const uint8_t salt[SALT];
	uint8_t have[HASH];

	(void)stretch(password, STR(salt), rounds[PASSWORD_PERSON], have);
	return false;
}

err_t
password_hash(struct arena *a, enum password_kind kind, const char *password, const char **ret)
{
	const struct cost *c = &costs[kind];
	size_t len = strlen(password), n;
	uint8_t salt[SALT];
	char *out;
	int r;

	if (len == 0 || len > LIMIT_LONG_TEXT)
		FAIL(ERR_RANGE, "password of %zu bytes", len);
	if (fips_is_on())
		return pbkdf2_hash(a, kind, password, ret);
	n = argon2_encodedlen(c->passes, c->kibibytes, LANES, SALT, HASH, Argon2_id);
	out = arena_alloc(a, n);
	rand_bytes(salt, sizeof salt);
	r = argon2id_hash_encoded(
	    c->passes, c->kibibytes, LANES, password, len, salt, SALT, HASH, out, n);
	if (r != ARGON2_OK)
		FAIL(ERR_CRYPTO, "argon2: %s", argon2_error_message(r));
	*ret = out;
	return OK;
}

bool
password_matches(const char *hash, const char *password)
{
	size_t len = strlen(password);

	if (len == 0 || len > LIMIT_LONG_TEXT)
		return false;
	if (strncmp(hash, PBKDF2, strlen(PBKDF2)) == 0)
		return pbkdf2_matches(hash, password);
	if (fips_is_on())
		return matches_nothing(password);
	return argon2id_verify(hash, password, len) == ARGON2_OK;
}
