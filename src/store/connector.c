/* SPDX-License-Identifier: Apache-2.0 */
#include "store/device.h"
#include "store/row.h"

static const struct col connector_cols[] = {
	COL(struct connector, id),
	COL(struct connector, name),
	COL(struct connector, machine),
	COL(struct connector, version),
	COL(struct connector, features),
	COL(struct connector, cas),
	COL(struct connector, import_keys),
	COL(struct connector, identity),
	COL(struct connector, identity_sha256),
	COL(struct connector, holder),
	COL(struct connector, enabled),
	COL(struct connector, last_contact),
	COL(struct connector, fence),
	COL(struct connector, templates),
	COL(struct connector, checked),
	COL(struct connector, wanted),
	COL(struct connector, turn),
	COL(struct connector, report),
	COL(struct connector, maker),
	COL(struct connector, enrolled),
};
static const struct shape connector_shape = SHAPE("connector", struct connector, connector_cols);
/* Without the last two: when it enrolled, and what it said then of who makes its keys, never change. */
static const struct shape connector_change = { "connector", sizeof(struct connector),
	connector_cols, COUNT(connector_cols) - 2 };

err_t
store_connector_insert(struct tx *tx, const struct connector *c)
{
	return row_insert(tx, STMT_CONNECTOR_INSERT, &connector_shape, c);
}

err_t
store_connector_update(struct tx *tx, const struct connector *c)
{
	return row_update(tx, STMT_CONNECTOR_UPDATE, &connector_change, c);
}

err_t
store_connector_delete(struct tx *tx, struct id id)
{
	return row_must(tx, STMT_CONNECTOR_DELETE, &connector_shape, VALS(val_id(id)));
}

err_t
store_connector_get(struct tx *tx, struct arena *a, struct id id, struct connector *ret)
{
	return row_one(tx, a, STMT_CONNECTOR_GET, &connector_shape, VALS(val_id(id)), ret);
}

err_t
store_connector_by_identity(
    struct tx *tx, struct arena *a, struct str sha256, struct connector *ret)
{
	return row_one(
	    tx, a, STMT_CONNECTOR_BY_IDENTITY, &connector_shape, VALS(val_bytes(sha256)), ret);
}

err_t
store_connector_list(
    struct tx *tx, struct arena *a, struct page p, struct connector **ret, size_t *retn, bool *more)
{
	return row_page(tx, a, STMT_CONNECTOR_LIST, &connector_shape, NO_VALS, p, ret, retn, more);
}
