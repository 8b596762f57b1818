/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and certificates of the certification authorities over time. */
#include "store/ca.h"
#include "store/row.h"

static const struct col cert_cols[] = {
	COL(struct ca_cert_row, ca),
	COL(struct ca_cert_row, cert_index),
	COL(struct ca_cert_row, key_index),
	COL(struct ca_cert_row, key_file),
	COL(struct ca_cert_row, cert),
	COL(struct ca_cert_row, created),
};
static const struct shape cert_shape = SHAPE("CA certificate", struct ca_cert_row, cert_cols);

static const struct col next_cols[] = {
	COL(struct ca_next_key, ca),
	COL(struct ca_next_key, key_file),
	COL(struct ca_next_key, new_key),
	COL(struct ca_next_key, created),
};
static const struct shape next_shape =
    SHAPE("key that waits for a certificate", struct ca_next_key, next_cols);

err_t
store_ca_cert_insert(struct tx *tx, const struct ca_cert_row *c)
{
	return row_insert(tx, STMT_CA_CERT_INSERT, &cert_shape, c);
}

err_t
store_ca_cert_list(struct tx *tx, struct arena *a, struct ca_cert_row **ret, size_t *retn)
{
	return row_all(tx, a, STMT_CA_CERT_LIST, &cert_shape, NO_VALS, ret, retn);
}

err_t
store_ca_next_key_put(struct tx *tx, const struct ca_next_key *k)
{
	return row_insert(tx, STMT_CA_NEXT_KEY_PUT, &next_shape, k);
}

err_t
store_ca_next_key_get(struct tx *tx, struct arena *a, const char *ca, struct ca_next_key *ret)
{
	return row_one(tx, a, STMT_CA_NEXT_KEY_GET, &next_shape, VALS(val_text(ca)), ret);
}

err_t
store_ca_next_key_delete(struct tx *tx, const char *ca)
{
	return row_run(tx, STMT_CA_NEXT_KEY_DELETE, VALS(val_text(ca)), NULL);
}
