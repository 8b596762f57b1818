/* SPDX-License-Identifier: Apache-2.0 */
#include "store/wait.h"

#include "store/row.h"

err_t
store_wait_put(
    struct tx *tx, const char *principal, const char *template, struct str spki_sha256, int64_t id)
{
	return row_run(tx, STMT_WAIT_PUT,
	    VALS(val_text(principal), val_text(template), val_bytes(spki_sha256), val_i64(id)),
	    NULL);
}

err_t
store_wait_get(struct tx *tx, const char *principal, const char *template, struct str spki_sha256,
    int64_t *ret_id)
{
	return row_number(tx, STMT_WAIT_GET,
	    VALS(val_text(principal), val_text(template), val_bytes(spki_sha256)), ret_id);
}
