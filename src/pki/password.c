/* SPDX-License-Identifier: Apache-2.0 */
/* See password.h. */
#include "pki/password.h"

#include <argon2.h>

#include "base/limits.h"
#include "base/secret.h"

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

	return len > 0 && len <= LIMIT_LONG_TEXT &&
	    argon2id_verify(hash, password, len) == ARGON2_OK;
}
