/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packing in connector/keys: a key with its certificate for one device, in the form that its platform opens (codec/pack.h).
 * What leaves is ciphertext to the device's identity certificate, or a PKCS#12 file whose password is that.
 */
#ifndef CONNECTOR_PACK_H
#define CONNECTOR_PACK_H

#include "codec/pack.h"
#include "pki/cert.h"

/* What FIPS mode has against the forms of systems: they open envelopes of RSA PKCS #1 v1.5, and what else is nowhere said. */
#define PACK_UNAPPROVED "RSA PKCS #1 v1.5 encryption, the only one that this platform opens"

struct packed {
	struct str pfx, password; /* first and second part; the second may be empty */
};

/* A file that exists already, with its password (text, in bytes). */
err_t pack_seal(struct arena *a, const struct pack *p, const struct cert *device, struct str pfx,
    struct str password, struct packed *ret);
/* A file made here under a fresh random password. Roots in the chain stay out: a device trusts one because it was told so,
 * not because it came along with a key. */
err_t pack_key(struct arena *a, const struct pack *p, const struct cert *device,
    const struct key *key, struct str leaf, const struct str *chain, size_t nchain,
    struct packed *ret);

#endif
