/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed tokens (RFC 7515, RFC 7519), by cjose. RS256 only: the algorithm is fixed by the key, never by the header.
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
/* ERR_TOKEN for anything but a good RS256 signature of one of the keys, found by kid. Claims are the caller's to check. */
err_t jws_verify(struct arena *a, const struct jws_key *const *keys, size_t n, struct str compact,
    json **ret_payload);

#endif
