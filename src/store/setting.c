/* SPDX-License-Identifier: Apache-2.0 */
/* Small named values of an installation. */
#include "store/access.h"
#include "store/ca.h"
#include "store/row.h"

static const struct shape setting_shape = BYTES_SHAPE("setting");

err_t
store_setting_put(struct tx *tx, const char *name, struct str value)
{
	return row_run(tx, STMT_SETTING_PUT, VALS(val_text(name), val_bytes(value)), NULL);
}

err_t
store_setting_get(struct tx *tx, struct arena *a, const char *name, struct str *ret)
{
	TRY_CTX(row_one(tx, a, STMT_SETTING_GET, &setting_shape, VALS(val_text(name)), ret), "%s",
	    name);
	return OK;
}

/* Both schemas have the table. */
err_t
store_ca_setting_put(struct tx *tx, const char *name, struct str value)
{
	return store_setting_put(tx, name, value);
}

err_t
store_ca_setting_get(struct tx *tx, struct arena *a, const char *name, struct str *ret)
{
	return store_setting_get(tx, a, name, ret);
}
