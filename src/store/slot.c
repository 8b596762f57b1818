/* SPDX-License-Identifier: Apache-2.0 */
#include "store/slot.h"
#include "store/slot_row.h"

static const struct col slot_cols[] = {
	COL(struct slot, id),
	COL(struct slot, device),
	COL(struct slot, user),
	COL(struct slot, profile),
	COL(struct slot, item),
	COL(struct slot, kind),
	COL(struct slot, wanted),
	COL(struct slot, wanted_hash),
	COL(struct slot, reached_hash),
	COL(struct slot, fault),
	COL(struct slot, detail),
	COL(struct slot, since),
	COL(struct slot, assigned),
	COL(struct slot, installed),
	COL(struct slot, request),
	COL(struct slot, serial),
	COL(struct slot, subject),
	COL(struct slot, issuer),
	COL(struct slot, cert_sha256),
	COL(struct slot, not_before),
	COL(struct slot, not_after),
	COL(struct slot, state),
	COL(struct slot, thumbprint),
};
const struct shape store_slot_shape = SHAPE("slot", struct slot, slot_cols);

/* What an update writes: who a slot is for never changes. */
static const struct col moving_cols[] = {
	COL(struct slot, id),
	COL(struct slot, wanted),
	COL(struct slot, wanted_hash),
	COL(struct slot, reached_hash),
	COL(struct slot, fault),
	COL(struct slot, detail),
	COL(struct slot, since),
	COL(struct slot, assigned),
	COL(struct slot, installed),
	COL(struct slot, request),
	COL(struct slot, state),
};
static const struct shape moving_shape = SHAPE("slot", struct slot, moving_cols);

static const struct col cert_cols[] = {
	COL(struct slot, id),
	COL(struct slot, serial),
	COL(struct slot, subject),
	COL(struct slot, issuer),
	COL(struct slot, cert_sha256),
	COL(struct slot, not_before),
	COL(struct slot, not_after),
	COL(struct slot, thumbprint),
};
static const struct shape cert_shape = SHAPE("slot", struct slot, cert_cols);

err_t
store_slot_insert(struct tx *tx, const struct slot *s)
{
	tx_about(tx, s->device);
	return row_insert(tx, STMT_SLOT_INSERT, &store_slot_shape, s);
}

err_t
store_slot_update(struct tx *tx, const struct slot *s)
{
	tx_about(tx, s->device);
	TRY(row_update(tx, STMT_SLOT_UPDATE, &moving_shape, s));
	tx_about(tx, s->device);
	return row_save(tx, STMT_SLOT_UPDATE_CERT, &cert_shape, s, NO_VALS, NULL);
}

err_t
store_slot_get(struct tx *tx, struct arena *a, struct id id, struct slot *ret)
{
	return row_one(tx, a, STMT_SLOT_GET, &store_slot_shape, VALS(val_id(id)), ret);
}

err_t
store_slot_find(struct tx *tx, struct arena *a, struct id device, struct id user, struct id profile,
    struct slot *ret)
{
	return row_one(tx, a, STMT_SLOT_FIND, &store_slot_shape,
	    VALS(val_id(device), val_id(user), val_id(profile)), ret);
}

err_t
store_slots_of_device(
    struct tx *tx, struct arena *a, struct id device, struct slot **ret, size_t *retn)
{
	return row_all(
	    tx, a, STMT_SLOTS_OF_DEVICE, &store_slot_shape, VALS(val_id(device)), ret, retn);
}

err_t
store_slot_list(struct tx *tx, struct arena *a, struct id profile, struct id device, struct page p,
    struct slot **ret, size_t *retn, bool *more)
{
	struct vals by_profile = VALS(val_id(profile)), by_device = VALS(val_id(device));
	struct vals by_both = VALS(val_id(device), val_id(profile));

	if (id_is_zero(profile) && id_is_zero(device))
		return row_page(
		    tx, a, STMT_SLOT_LIST, &store_slot_shape, NO_VALS, p, ret, retn, more);
	if (id_is_zero(profile))
		return row_page(
		    tx, a, STMT_SLOT_LIST_DEVICE, &store_slot_shape, by_device, p, ret, retn, more);
	if (id_is_zero(device))
		return row_page(tx, a, STMT_SLOT_LIST_PROFILE, &store_slot_shape, by_profile, p,
		    ret, retn, more);
	return row_page(tx, a, STMT_SLOT_LIST_BOTH, &store_slot_shape, by_both, p, ret, retn, more);
}
