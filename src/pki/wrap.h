/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Short secrets encrypted to an RSA key (RFC 8017 7): the passwords of PKCS#12 files on their way to a connector. The
 * numbers are those of Graph's userPfxPaddingScheme; MGF1 has the same hash, the label is empty.
 *
 * Not here: CMS, which carries more than a password (pki/cms.h).
 */
#ifndef PKI_WRAP_H
#define PKI_WRAP_H

#include "pki/key.h"

enum wrap_padding {
	WRAP_OAEP_SHA1 = 2, /* opened only: what others wrote before */
	WRAP_OAEP_SHA256 = 3,
	WRAP_OAEP_SHA384 = 4,
	WRAP_OAEP_SHA512 = 5
};

/* ERR_PFX_PADDING: none of ours; SHA-1 for new ones. ERR_KEY: no RSA key. ERR_TOO_LARGE: the secret is too long for the
 * key (190, 158 and 126 bytes for SHA-256, 384 and 512 with 2048 bits). */
err_t wrap_seal(
    struct arena *a, const struct key *to, unsigned padding, struct str secret, struct str *ret);
/* ERR_PFX_UNWRAP without saying what was wrong; a token's own failure is ERR_TOKEN_DEVICE. The caller wipes *ret. */
err_t wrap_open(
    struct arena *a, const struct key *k, unsigned padding, struct str in, struct str *ret);
/* Which of several keys it is for cannot be seen. "oaepSha256" ...: names as Graph has them, case ignored; 0: none. */
unsigned wrap_padding_of(struct str name);
const char *wrap_padding_name(unsigned padding); /* "none" for what is no padding of ours */

#endif
