/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed tokens (RFC 7515, RFC 7519), by cjose. The algorithm is fixed by the key, never by the header: RS256 with RSA of
 * 2048 bits and more, ES256 with P-256. Other keys are refused.
 */
#ifndef CODEC_JWS_H
#define CODEC_JWS_H

#include "codec/json.h"

struct jws_key;

/* key_json: a JWK (RFC 7517) with or without its private part; kid is demanded. */
err_t jws_key_parse(struct str jwk, struct jws_key **ret);
void jws_key_free(struct jws_key *k);
/* A new RSA-2048 key as a JWK text with private part; kid is random. */
err_t jws_key_make(struct arena *a, struct str *ret_private_jwk);
err_t jws_key_public(struct arena *a, const struct jws_key *k, struct str *ret_jwk);

err_t jws_sign(
    struct arena *a, const struct jws_key *k, struct str payload, const char **ret_compact);
/* Of the key: kid, and "RS256" or "ES256". Borrowed. */
const char *jws_key_kid(const struct jws_key *k);
const char *jws_key_alg(const struct jws_key *k);
/* Which key a token says it was signed with, unchecked: for finding the key only. ERR_TOKEN. */
err_t jws_kid(struct arena *a, struct str compact, const char **ret);
/* ERR_TOKEN for anything but a good signature of one of the keys, found by kid. Claims are the caller's to check. */
err_t jws_verify(struct arena *a, const struct jws_key *const *keys, size_t n, struct str compact,
    json **ret_payload);

#endif
