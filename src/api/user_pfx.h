/* SPDX-License-Identifier: Apache-2.0 */
/* Imported certificates, for the files that bring many of them or serve connectors about them. */
#ifndef API_USER_PFX_H
#define API_USER_PFX_H

#include "api/users.h"
#include "store/user_pfx.h"

/* One row of an import, in the import's transaction. */
err_t pfx_import(struct tx *tx, struct arena *a, const struct caller *who, const json *row,
    enum import_outcome *ret, int64_t *again);

/* user_pfx_body.c */
#define PFX_KEPT_BLOB "AA==" /* what stands in the blob's place in a GET, and keeps it in a PATCH */

struct pfx_copies {
	struct pfx_copy *v;
	size_t n; /* 0: those that are there stay */
};
/* What a body says goes into *p, whose user and thumbprint are there already; what it does not say stays.
 * ERR_BAD_REQUEST, ERR_PFX, ERR_PFX_PADDING name the member. */
err_t pfx_fit(struct arena *a, const json *body, struct user_pfx *p, struct pfx_copies *copies);
/* 40 hexadecimal digits, in lower case. ERR_BAD_REQUEST. */
err_t pfx_thumbprint(struct arena *a, const char *text, const char **ret);
const char *pfx_purpose_name(enum pfx_purpose p);

/* connector_pfx.c: the device port's rows for connectors that encrypt passwords again. */
err_t pfx_post_lacking(struct http_req *r);
err_t pfx_post_rewrapped(struct http_req *r);

#endif
