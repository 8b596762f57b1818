/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PKCS#12 files (RFC 7292): one key, its certificate, the chain.
 */
#ifndef PKI_PFX_H
#define PKI_PFX_H

#include "pki/cert.h"

/* What FIPS mode has against PFX_3DES. */
#define PFX_UNAPPROVED "PKCS#12 with triple DES and SHA-1, the only one that this platform opens"

enum pfx_profile {
	PFX_AES,       /* AES-256, PBES2 SHA-256, MAC SHA-256: current systems */
	PFX_AES_QUICK, /* the same with one round of key derivation: importers that were tried with it */
	PFX_3DES,      /* 3DES and SHA-1: opens everywhere */
};

/* The password must be random, 128 bits or more: then there is nothing for rounds of key derivation to slow down, and
 * the file has the fewest that importers take (pfx.c). In FIPS mode PFX_AES_QUICK has as many rounds as PFX_AES, and
 * PFX_3DES is ERR_FIPS_REFUSED. ERR_PFX: the key is not that of the leaf; ERR_CERTIFICATE. */
err_t pfx_make(struct arena *a, enum pfx_profile profile, const struct key *k, struct str leaf,
    const struct str *chain, size_t nchain, const char *password, const char *friendly_name,
    struct str *ret);

struct pfx {
	struct key *key; /* owned; pfx_free */
	struct str leaf; /* DER, in the arena */
	struct str *chain;
	size_t nchain;
};
err_t pfx_open(struct arena *a, struct str der, const char *password,
    struct pfx *
	ret); /* ERR_PFX, ERR_PFX_PASSWORD, ERR_PFX_NO_KEY, ERR_PFX_TWO_KEYS, ERR_PFX_LEGACY, ERR_FIPS_REFUSED */
/* From now on this process reads files that are encrypted with RC2 and RC4, by OpenSSL's legacy provider; false: it is not
 * installed, or FIPS mode is on. Once, before threads. */
bool pfx_legacy(void);
void pfx_free(struct pfx *p);
#define auto_pfx __attribute__((cleanup(pfx_free)))

#endif
