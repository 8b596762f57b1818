/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Releases that somebody signed (codec/release.h): nothing of the manifest is read before its signature holds, and no
 * file is given that is not the one the manifest names.
 *
 * The keys are those of the administrator's configuration: who holds a bundle, or sends it, cannot make one up. Whether
 * a version is wanted is for the caller to say.
 */
#ifndef PKI_SIGNED_RELEASE_H
#define PKI_SIGNED_RELEASE_H

#include "codec/release.h"
#include "pki/key.h"

struct release_keys {
	struct key *const *v; /* any of them may have signed */
	size_t n;
};

struct signed_release {
	struct release release;
	struct str head;      /* for signed_release_head() later */
	struct str *contents; /* of each file */
};

/* Points into `bundle`. ERR_RELEASE_SIGNATURE: none of the keys signed it. ERR_RELEASE_DAMAGED: cut off, or another file
 * than the manifest names. ERR_MALFORMED, ERR_BAD_REQUEST, ERR_TOO_LARGE: no bundle. */
err_t signed_release_open(struct arena *a, struct str bundle, const struct release_keys *keys,
    struct signed_release *ret);
/* What a kept head says, if one of the keys signed it. The same errors. */
err_t signed_release_head(
    struct arena *a, struct str head, const struct release_keys *keys, struct release *ret);
/* Whether these bytes are the file. ERR_RELEASE_DAMAGED. */
err_t signed_release_file(const struct release_file *f, struct str bytes);

#endif
