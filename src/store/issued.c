/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates that were asked for, with what became of them. */
#include "store/ca.h"
#include "store/row.h"

#include <assert.h>

#include "base/limits.h"

static_assert(ISSUED_INTENT == 1 && ISSUED_REVOKED == 3); /* the SQL has them by number */

static const struct col issued_cols[] = {
	COL(struct issued, id),
	COL(struct issued, ca),
	COL(struct issued, template),
	COL(struct issued, requester),
	COL(struct issued, state),
	COL(struct issued, serial),
	COL(struct issued, subject),
	COL(struct issued, san),
	COL(struct issued, tbs),
	COL(struct issued, cert),
	COL(struct issued, cert_sha256),
	COL(struct issued, spki_sha256),
	COL(struct issued, order),
	COL(struct issued, fence),
	COL(struct issued, slot),
	COL(struct issued, device),
	COL(struct issued, user),
	COL(struct issued, profile),
	COL(struct issued, not_before),
	COL(struct issued, not_after),
	COL(struct issued, requested),
	COL(struct issued, resolved),
	COL(struct issued, reason),
	COL(struct issued, revoked),
	COL(struct issued, hresult),
	COL(struct issued, message),
};
static const struct shape issued_shape = SHAPE("certificate request", struct issued, issued_cols);

/* What there is of each kind: the schema says more. Intents are not counted. */
static err_t
cell_enter(struct tx *tx, const struct issued *x)
{
	if (x->state == ISSUED_INTENT)
		return OK;
	return row_run(tx, STMT_CELL_ENTER,
	    VALS(val_i64(x->requested), val_i64(x->not_after), val_text(x->ca),
		val_text(x->template), val_text(x->requester), val_i64(x->state), val_i64(x->id)),
	    NULL);
}

static err_t
cell_leave(struct tx *tx, const struct issued *x, enum issued_state from)
{
	return from == ISSUED_INTENT ?
	    OK :
	    row_run(tx, STMT_CELL_LEAVE, VALS(val_i64(x->id), val_i64(from)), NULL);
}

err_t
store_issued_insert(struct tx *tx, struct issued *x)
{
	auto_db_stmt struct db_stmt *st = NULL;

	TRY(row_insert(tx, STMT_ISSUED_INSERT, &issued_shape, x));
	TRY(db_stmt(tx->db, STMT_ISSUED_INSERT, &st));
	x->id = db_last_id(st);
	return cell_enter(tx, x);
}

err_t
store_issued_update(struct tx *tx, const struct issued *x, enum issued_state from)
{
	/* Only what waited for a manager may go on with other names: the index of texts follows. */
	const bool renames = from == ISSUED_PENDING;

	if (renames)
		TRY(row_run(tx, STMT_TEXT_FORGET, VALS(val_i64(x->id), val_i64(from)), NULL));
	TRY(cell_leave(tx, x, from));
	TRY(row_guarded(tx, STMT_ISSUED_UPDATE, &issued_shape, x, VALS(val_i64(from)),
	    STMT_ISSUED_EXISTS, VALS(val_i64(x->id))));
	TRY(cell_enter(tx, x));
	return renames ? row_run(tx, STMT_TEXT_ADD, VALS(val_i64(x->id)), NULL) : OK;
}

err_t
store_issued_get(struct tx *tx, struct arena *a, int64_t id, struct issued *ret)
{
	return row_one(tx, a, STMT_ISSUED_GET, &issued_shape, VALS(val_i64(id)), ret);
}

err_t
store_issued_head(struct tx *tx, struct arena *a, int64_t id, struct issued *ret)
{
	return row_one(tx, a, STMT_ISSUED_HEAD, &issued_shape, VALS(val_i64(id)), ret);
}

err_t
store_issued_by_serial(
    struct tx *tx, struct arena *a, const char *ca, const char *serial, struct issued *ret)
{
	return row_one(
	    tx, a, STMT_ISSUED_BY_SERIAL, &issued_shape, VALS(val_text(ca), val_text(serial)), ret);
}

err_t
store_issued_by_cert(struct tx *tx, struct arena *a, struct str cert_sha256, struct issued *ret)
{
	return row_one(
	    tx, a, STMT_ISSUED_BY_CERT, &issued_shape, VALS(val_bytes(cert_sha256)), ret);
}

err_t
store_issued_compromised(struct tx *tx, struct str spki_sha256, int64_t *ret_id)
{
	return row_number(tx, STMT_ISSUED_COMPROMISED, VALS(val_bytes(spki_sha256)), ret_id);
}

err_t
store_issued_by_order(
    struct tx *tx, struct arena *a, struct id order, struct issued **ret, size_t *retn)
{
	return row_all(tx, a, STMT_ISSUED_BY_ORDER, &issued_shape, VALS(val_id(order)), ret, retn);
}

err_t
store_issued_open(struct tx *tx, struct arena *a, struct issued **ret, size_t *retn)
{
	return row_all(tx, a, STMT_ISSUED_OPEN, &issued_shape, NO_VALS, ret, retn);
}

static const struct col revocation_cols[] = {
	COL(struct revocation, order),
	COL(struct revocation, serial),
	COL(struct revocation, reason),
	COL(struct revocation, revoked),
	COL(struct revocation, id),
};
static const struct shape revocation_shape =
    SHAPE("revocation", struct revocation, revocation_cols);

err_t
store_issued_revoked_since(struct tx *tx, struct arena *a, const char *requester, when_t now,
    when_t after, int64_t after_id, struct revocation **ret, size_t *retn)
{
	return row_all(tx, a, STMT_ISSUED_REVOKED_SINCE, &revocation_shape,
	    VALS(val_text(requester), val_i64(now), val_i64(after), val_i64(after_id),
		val_i64(LIMIT_PAGE)),
	    ret, retn);
}
