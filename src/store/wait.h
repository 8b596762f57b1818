/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Under which number a request waits, for clients that have none to ask by and send the request itself again (RFC 7030
 * 4.2.3): by who asked, the template and the key. Expects a transaction of a store opened with STORE_CA.
 */
#ifndef STORE_WAIT_H
#define STORE_WAIT_H

#include "base/str.h"
#include "store/store.h"

/* Replaces what was there. */
err_t store_wait_put(
    struct tx *tx, const char *principal, const char *template, struct str spki_sha256, int64_t id);
/* 0: nothing waits or waited. */
err_t store_wait_get(struct tx *tx, const char *principal, const char *template,
    struct str spki_sha256, int64_t *ret_id);

#endif
