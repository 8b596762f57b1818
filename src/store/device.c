/* SPDX-License-Identifier: Apache-2.0 */
#include "store/device.h"
#include "store/row.h"

static const struct col device_cols[] = {
	COL(struct device, id),
	REF(struct device, user),
	COL(struct device, name),
	COL(struct device, fqdn),
	COL(struct device, serial),
	COL(struct device, machine_id),
	COL(struct device, manufacturer),
	COL(struct device, model),
	COL(struct device, platform),
	COL(struct device, os),
	COL(struct device, os_version),
	COL(struct device, agent_version),
	COL(struct device, imei),
	COL(struct device, meid),
	COL(struct device, wifi_mac),
	COL(struct device, ethernet_mac),
	COL(struct device, udid),
	COL(struct device, ownership),
	COL(struct device, category),
	COL(struct device, enrol_profile),
	COL(struct device, enrol_type),
	COL(struct device, rooted),
	COL(struct device, cpu),
	COL(struct device, sku),
	COL(struct device, join_type),
	COL(struct device, sid),
	COL(struct device, dn),
	COL(struct device, notes),
	COL(struct device, scope_tags),
	COL(struct device, withheld),
	COL(struct device, state),
	COL(struct device, identity),
	COL(struct device, identity_sha256),
	COL(struct device, identity_not_after),
	COL(struct device, last_seen),
	COL(struct device, inventory),
	COL(struct device, fence),
	COL(struct device, reporting),
	COL(struct device, enrolled),
	COL(struct device, waking),
};
static const struct shape device_shape = SHAPE("device", struct device, device_cols);
/* Without the last columns: when it enrolled never changes, and how it is woken is written by itself. */
static const struct shape device_change = { "device", sizeof(struct device), device_cols,
	COUNT(device_cols) - 2 };

static const struct col due_cols[] = {
	COL(struct device_due, id),
	COL(struct device_due, changes),
};
static const struct shape due_shape = SHAPE("device", struct device_due, due_cols);

err_t
store_device_insert(struct tx *tx, const struct device *d)
{
	tx_about(tx, d->id);
	return row_insert(tx, STMT_DEVICE_INSERT, &device_shape, d);
}

err_t
store_device_update(struct tx *tx, const struct device *d)
{
	tx_about(tx, d->id);
	return row_update(tx, STMT_DEVICE_UPDATE, &device_change, d);
}

err_t
store_device_seen(struct tx *tx, struct id id, when_t now)
{
	return row_must(tx, STMT_DEVICE_SEEN, &device_shape, VALS(val_id(id), val_i64(now)));
}

err_t
store_device_shown(struct tx *tx, struct id id, when_t now, const char *inventory)
{
	tx_about(tx, id);
	return row_must(tx, STMT_DEVICE_SHOWN, &device_shape,
	    VALS(val_id(id), val_i64(now), val_text(inventory)));
}

err_t
store_device_ask(struct tx *tx, struct id id, when_t now)
{
	tx_about(tx, id);
	return row_must(tx, STMT_DEVICE_ASK, &device_shape, VALS(val_id(id), val_i64(now)));
}

err_t
store_device_asked(struct tx *tx, struct id id, when_t *ret)
{
	return row_number(tx, STMT_DEVICE_ASKED, VALS(val_id(id)), ret);
}

err_t
store_device_waking(struct tx *tx, struct id id, const char *waking)
{
	return row_run(tx, STMT_DEVICE_WAKING, VALS(val_id(id), val_text(waking)), NULL);
}

err_t
store_device_contact(struct tx *tx, struct id id, when_t at)
{
	return row_run(tx, STMT_DEVICE_CONTACT, VALS(val_id(id), val_i64(at)), NULL);
}

err_t
store_device_get(struct tx *tx, struct arena *a, struct id id, struct device *ret)
{
	return row_one(tx, a, STMT_DEVICE_GET, &device_shape, VALS(val_id(id)), ret);
}

err_t
store_device_by_identity(struct tx *tx, struct arena *a, struct str sha256, struct device *ret)
{
	return row_one(tx, a, STMT_DEVICE_BY_IDENTITY, &device_shape, VALS(val_bytes(sha256)), ret);
}

err_t
store_device_list(
    struct tx *tx, struct arena *a, struct page p, struct device **ret, size_t *retn, bool *more)
{
	return row_page(tx, a, STMT_DEVICE_LIST, &device_shape, NO_VALS, p, ret, retn, more);
}

err_t
store_device_of_user(
    struct tx *tx, struct arena *a, struct id user, struct device **ret, size_t *retn)
{
	return row_all(tx, a, STMT_DEVICE_OF_USER, &device_shape, VALS(val_id(user)), ret, retn);
}

err_t
store_device_by_serial(struct tx *tx, struct arena *a, const char *serial, struct device *ret)
{
	return row_one(tx, a, STMT_DEVICE_BY_SERIAL, &device_shape, VALS(val_text(serial)), ret);
}

err_t
store_device_due(
    struct tx *tx, struct arena *a, size_t limit, struct device_due **ret, size_t *retn)
{
	return row_all(
	    tx, a, STMT_DEVICE_DUE, &due_shape, VALS(val_i64((int64_t)limit)), ret, retn);
}

err_t
store_device_looked(struct tx *tx, const struct device_due *d)
{
	return row_must(
	    tx, STMT_DEVICE_LOOKED, &device_shape, VALS(val_id(d->id), val_i64(d->changes)));
}

static const struct col device_count_cols[] = {
	COL(struct device_count, platform),
	COL(struct device_count, scope_tags),
	COL(struct device_count, n),
};
static const struct shape device_count_shape =
    SHAPE("count", struct device_count, device_count_cols);

err_t
store_device_counts(struct tx *tx, struct arena *a, struct device_count **ret, size_t *retn)
{
	return row_all(tx, a, STMT_DEVICE_COUNTS, &device_count_shape, NO_VALS, ret, retn);
}

err_t
store_device_left(struct tx *tx, struct arena *a, struct id after, struct id *ret)
{
	struct device_due d;

	TRY(row_one(tx, a, STMT_DEVICE_LEFT, &due_shape, VALS(val_id(after)), &d));
	*ret = d.id;
	return OK;
}

err_t
store_device_ended(struct tx *tx, struct id id)
{
	return row_must(tx, STMT_DEVICE_ENDED, &device_shape, VALS(val_id(id)));
}
