/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PKCS#12 files (RFC 7292): one key, its certificate, the chain.
 */
#ifndef PKI_PFX_H
#define PKI_PFX_H

#include "pki/cert.h"

enum pfx_profile {
	PFX_AES,  /* AES-256, PBES2 SHA-256, MAC SHA-256: Linux, current systems */
	PFX_3DES, /* 3DES and SHA-1: opens everywhere */
};

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
    struct pfx *ret); /* ERR_PFX, ERR_PFX_PASSWORD */
void pfx_free(struct pfx *p);
#define auto_pfx __attribute__((cleanup(pfx_free)))

#endif
