/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a key and as a token; none of them is one of ours. */
#include <assert.h>

#include "codec/jws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char key_text[] =
    "{\"kty\":\"RSA\",\"kid\":\"x\",\"e\":\"AQAB\",\"n\":\""
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhM"
    "stn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5"
    "hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    "\"}";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	struct jws_key *key = NULL, *other = NULL;
	const struct jws_key *keys[1];
	json *claims = NULL;

	assert(err_ok(jws_key_parse(str_c(key_text), &key)));
	keys[0] = key;
	assert(err_is(jws_verify(a, keys, 1, str_of(data, size), &claims), ERR_TOKEN));
	if (size < 4096 && err_ok(jws_key_parse(str_of(data, size), &other)))
		jws_key_free(other);
	jws_key_free(key);
	return 0;
}
