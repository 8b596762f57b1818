/* SPDX-License-Identifier: Apache-2.0 */
#include "store/scep.h"

#include "base/limits.h"
#include "pki/key.h"
#include "store/row.h"

static const struct col challenge_cols[] = {
	COL(struct challenge, id),
	COL(struct challenge, sha256),
	COL(struct challenge, ca),
	COL(struct challenge, template),
	COL(struct challenge, principal),
	COL(struct challenge, subject),
	COL(struct challenge, san),
	COL(struct challenge, subject_text),
	COL(struct challenge, created),
	COL(struct challenge, expires),
};
static const struct shape challenge_shape = SHAPE("challenge", struct challenge, challenge_cols);

static const struct col transaction_cols[] = {
	COL(struct scep_transaction, ca),
	COL(struct scep_transaction, transaction),
	COL(struct scep_transaction, signer),
	COL(struct scep_transaction, content),
	COL(struct scep_transaction, message),
	COL(struct scep_transaction, request),
	COL(struct scep_transaction, seen),
};
static const struct shape transaction_shape =
    SHAPE("SCEP transaction", struct scep_transaction, transaction_cols);

static const struct col deposit_cols[] = {
	COL(struct deposit, sha256),
	COL(struct deposit, ca),
	COL(struct deposit, principal),
	COL(struct deposit, sealed),
	COL(struct deposit, order),
	COL(struct deposit, expires),
};
static const struct shape deposit_shape = SHAPE("deposit", struct deposit, deposit_cols);

struct order_key {
	const char *service;
	struct str spki;
};
static const struct col order_key_cols[] = {
	COL(struct order_key, service),
	COL(struct order_key, spki),
};
static const struct shape order_key_shape = SHAPE("order key", struct order_key, order_key_cols);

err_t
store_challenge_insert(struct tx *tx, const struct challenge *c)
{
	return row_insert(tx, STMT_CHALLENGE_INSERT, &challenge_shape, c);
}

err_t
store_challenge_get(struct tx *tx, struct arena *a, struct str sha256, struct challenge *ret)
{
	return row_one(tx, a, STMT_CHALLENGE_GET, &challenge_shape, VALS(val_bytes(sha256)), ret);
}

err_t
store_challenge_list(struct tx *tx, struct arena *a, struct challenge **ret, size_t *retn)
{
	return row_all(
	    tx, a, STMT_CHALLENGE_LIST, &challenge_shape, VALS(val_i64(LIMIT_PAGE)), ret, retn);
}

err_t
store_challenge_delete(struct tx *tx, struct id id)
{
	return row_must(tx, STMT_CHALLENGE_DELETE, &challenge_shape, VALS(val_id(id)));
}

err_t
store_challenge_prune(struct tx *tx, when_t before)
{
	return row_run(tx, STMT_CHALLENGE_PRUNE, VALS(val_i64(before)), NULL);
}

err_t
store_deposit_put(struct tx *tx, const struct deposit *d)
{
	int64_t n = 0;

	TRY(row_save(tx, STMT_DEPOSIT_PUT, &deposit_shape, d, NO_VALS, &n));
	if (n == 0)
		FAIL(ERR_CONFLICT, "another order lies under this challenge");
	return OK;
}

err_t
store_deposit_get(struct tx *tx, struct arena *a, struct str sha256, struct deposit *ret)
{
	return row_one(tx, a, STMT_DEPOSIT_GET, &deposit_shape, VALS(val_bytes(sha256)), ret);
}

err_t
store_deposit_prune(struct tx *tx, when_t before)
{
	return row_run(tx, STMT_DEPOSIT_PRUNE, VALS(val_i64(before)), NULL);
}

err_t
store_scep_put(struct tx *tx, const struct scep_transaction *t)
{
	return row_insert(tx, STMT_SCEP_PUT, &transaction_shape, t);
}

err_t
store_scep_get(struct tx *tx, struct arena *a, const char *ca, const char *transaction,
    struct str signer, struct scep_transaction *ret)
{
	return row_one(tx, a, STMT_SCEP_GET, &transaction_shape,
	    VALS(val_text(ca), val_text(transaction), val_bytes(signer)), ret);
}

err_t
store_scep_prune(struct tx *tx, when_t before)
{
	return row_run(tx, STMT_SCEP_PRUNE, VALS(val_i64(before)), NULL);
}

err_t
store_order_service(struct tx *tx, struct arena *a, struct str key_id, const char **ret)
{
	struct order_key *v;
	uint8_t hash[32];
	size_t n;

	TRY(row_all(tx, a, STMT_ORDER_KEY_LIST, &order_key_shape, NO_VALS, &v, &n));
	for (size_t i = 0; i < n; i++) {
		hash_sha256(v[i].spki, hash);
		if (str_eq(STR(hash), key_id)) {
			*ret = v[i].service;
			return OK;
		}
	}
	FAIL(ERR_NOT_FOUND, "no service with this key");
}
