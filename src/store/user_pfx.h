/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates with their keys that were imported for a user (Graph userPFXCertificate): what they are is known here,
 * their keys are sealed to connectors and stay so. One record for each user and thumbprint. Every function expects a
 * transaction.
 */
#ifndef STORE_USER_PFX_H
#define STORE_USER_PFX_H

#include "store/directory.h"

/* userPfxIntendedPurpose; the profile's intendedPurpose has the same names and other numbers. */
enum pfx_purpose {
	PFX_UNASSIGNED = 0,
	PFX_SMIME_ENCRYPTION = 1,
	PFX_SMIME_SIGNING = 2,
	PFX_VPN = 4,
	PFX_WIFI = 8
};

/* userPfxPaddingScheme */
enum pfx_padding {
	PFX_NO_PADDING = 0,
	PFX_PKCS1 = 1,
	PFX_OAEP_SHA1 = 2,
	PFX_OAEP_SHA256 = 3,
	PFX_OAEP_SHA384 = 4,
	PFX_OAEP_SHA512 = 5
};

struct user_pfx {
	struct id id;
	struct id user;
	const char *thumbprint; /* SHA-1 of the certificate, hex in lower case */
	enum pfx_purpose purpose;
	const char *upn; /* of the user, as the import named it */
	when_t not_before, not_after;
	const char *provider, *key_name; /* of the key that the password is encrypted to */
	enum pfx_padding padding;
	struct str blob;     /* PKCS#12 under a password */
	struct str password; /* that password, encrypted to a connector; the copies say to which */
	struct str
	    leaf; /* our own import packed it (AES-256, random password): its certificate; else empty */
	when_t created, modified;
};

err_t store_pfx_insert(struct tx *tx, const struct user_pfx *p); /* ERR_CONFLICT: is there */
err_t store_pfx_update(struct tx *tx, const struct user_pfx *p);
err_t store_pfx_delete(struct tx *tx, struct id id);
err_t store_pfx_get(struct tx *tx, struct arena *a, struct id id, struct user_pfx *ret);
err_t store_pfx_by_thumbprint(
    struct tx *tx, struct arena *a, struct id user, const char *thumbprint, struct user_pfx *ret);
/* Without blob, password and leaf. */
err_t store_pfx_list(
    struct tx *tx, struct arena *a, struct page p, struct user_pfx **ret, size_t *retn, bool *more);
/* All of one user, longest validity first, without blob, password and leaf: enough to say what is due. */
err_t store_pfx_of_user(
    struct tx *tx, struct arena *a, struct id user, struct user_pfx **ret, size_t *retn);

/* How many end after `from` and not after `until`. */
err_t store_pfx_ending(struct tx *tx, when_t from, when_t until, int64_t *ret);

/* The password of a record, encrypted to one import key. */
struct pfx_copy {
	struct id pfx;
	const char
	    *key; /* SHA-256 of the public key in hex, or "name:" and its name; case ignored */
	const char *key_name; /* for people */
	enum pfx_padding padding;
	struct str password;
};

err_t store_pfx_copy_put(
    struct tx *tx, const struct pfx_copy *c); /* takes the place of one for the same key */
err_t store_pfx_copies_clear(struct tx *tx, struct id pfx);
err_t store_pfx_copies(
    struct tx *tx, struct arena *a, struct id pfx, struct pfx_copy **ret, size_t *retn);
/* One copy of each record that one of the keys (comma list) opens and that has none for `lacking`; by id of the record. */
err_t store_pfx_copies_lack(struct tx *tx, struct arena *a, const char *keys, const char *lacking,
    struct page p, struct pfx_copy **ret, size_t *retn);

#endif
