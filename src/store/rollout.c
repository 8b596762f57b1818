/* SPDX-License-Identifier: Apache-2.0 */
#include "store/rollout.h"

#include "store/row.h"

static const struct col version_cols[] = {
	COL(struct version, seq),
	COL(struct version, profile.id),
	COL(struct version, profile.type),
	COL(struct version, profile.platform),
	COL(struct version, profile.display_name),
	COL(struct version, profile.description),
	COL(struct version, profile.settings),
	COL(struct version, profile.scope_tags),
	COL(struct version, profile.root),
	COL(struct version, profile.version),
	COL(struct version, profile.created),
	COL(struct version, profile.modified),
	COL(struct version, targets),
	COL(struct version, actor),
	COL(struct version, change),
	COL(struct version, at),
};
static const struct shape version_shape =
    SHAPE("version of the profile", struct version, version_cols);

static const struct col rollout_cols[] = {
	COL(struct rollout, id),
	COL(struct rollout, profile),
	COL(struct rollout, name),
	COL(struct rollout, platform),
	COL(struct rollout, change),
	COL(struct rollout, actor),
	COL(struct rollout, state),
	COL(struct rollout, before),
	COL(struct rollout, share),
	COL(struct rollout, pace),
	COL(struct rollout, steps),
	COL(struct rollout, passed),
	COL(struct rollout, limit),
	COL(struct rollout, total),
	COL(struct rollout, planned),
	COL(struct rollout, released),
	COL(struct rollout, reached),
	COL(struct rollout, failed),
	COL(struct rollout, withdrawn),
	COL(struct rollout, forgiven),
	COL(struct rollout, allowed),
	COL(struct rollout, fault),
	COL(struct rollout, detail),
	COL(struct rollout, created),
	COL(struct rollout, since),
	COL(struct rollout, ticked),
	COL(struct rollout, counted),
	COL(struct rollout, cursor),
};
static const struct shape rollout_shape = SHAPE("roll-out", struct rollout, rollout_cols);

static const struct col open_cols[] = {
	COL(struct rollout_open, id),
	COL(struct rollout_open, share),
	COL(struct rollout_open, change),
	COL(struct rollout_open, profile.id),
	COL(struct rollout_open, profile.type),
	COL(struct rollout_open, profile.platform),
	COL(struct rollout_open, profile.display_name),
	COL(struct rollout_open, profile.description),
	COL(struct rollout_open, profile.settings),
	COL(struct rollout_open, profile.scope_tags),
	COL(struct rollout_open, profile.root),
	COL(struct rollout_open, profile.version),
	COL(struct rollout_open, profile.created),
	COL(struct rollout_open, profile.modified),
	COL(struct rollout_open, targets),
};
static const struct shape open_shape = SHAPE("roll-out", struct rollout_open, open_cols);

struct assigned {
	struct id profile;
};
static const struct col assigned_cols[] = { COL(struct assigned, profile) };
static const struct shape assigned_shape = SHAPE("target", struct assigned, assigned_cols);

err_t
store_version_add(struct tx *tx, const struct version *v, size_t keep, int64_t *ret)
{
	TRY(row_insert(tx, STMT_VERSION_INSERT, &version_shape, v));
	TRY(row_number(tx, STMT_VERSION_NEWEST, VALS(val_id(v->profile.id)), ret));
	return row_run(
	    tx, STMT_VERSION_PRUNE, VALS(val_id(v->profile.id), val_i64((int64_t)keep)), NULL);
}

err_t
store_version_get(struct tx *tx, struct arena *a, int64_t seq, struct version *ret)
{
	return row_one(tx, a, STMT_VERSION_GET, &version_shape, VALS(val_i64(seq)), ret);
}

err_t
store_version_list(
    struct tx *tx, struct arena *a, struct id profile, struct version **ret, size_t *retn)
{
	return row_all(tx, a, STMT_VERSION_LIST, &version_shape, VALS(val_id(profile)), ret, retn);
}

err_t
store_rollout_insert(struct tx *tx, const struct rollout *r)
{
	return row_insert(tx, STMT_ROLLOUT_INSERT, &rollout_shape, r);
}

err_t
store_rollout_update(struct tx *tx, const struct rollout *r)
{
	return row_update(tx, STMT_ROLLOUT_UPDATE, &rollout_shape, r);
}

err_t
store_rollout_get(struct tx *tx, struct arena *a, struct id id, struct rollout *ret)
{
	return row_one(tx, a, STMT_ROLLOUT_GET, &rollout_shape, VALS(val_id(id)), ret);
}

err_t
store_rollout_of(struct tx *tx, struct arena *a, struct id profile, struct rollout *ret)
{
	return row_one(tx, a, STMT_ROLLOUT_OF, &rollout_shape, VALS(val_id(profile)), ret);
}

err_t
store_rollout_list(
    struct tx *tx, struct arena *a, struct page p, struct rollout **ret, size_t *retn, bool *more)
{
	return row_page(tx, a, STMT_ROLLOUT_LIST, &rollout_shape, NO_VALS, p, ret, retn, more);
}

err_t
store_rollout_all_open(struct tx *tx, struct arena *a, struct rollout **ret, size_t *retn)
{
	return row_all(tx, a, STMT_ROLLOUT_ALL_OPEN, &rollout_shape, NO_VALS, ret, retn);
}

err_t
store_rollout_holding(
    struct tx *tx, struct arena *a, const char *platform, struct rollout_open **ret, size_t *retn)
{
	return row_all(
	    tx, a, STMT_ROLLOUT_HOLDING, &open_shape, VALS(val_text(platform)), ret, retn);
}

err_t
store_rollout_forget(struct tx *tx, when_ms_t before)
{
	TRY(row_run(tx, STMT_ROLLOUT_FORGET, VALS(val_i64(before)), NULL));
	return row_run(tx, STMT_VERSION_FORGET, VALS(val_i64(before)), NULL);
}

err_t
store_rollout_slots(struct tx *tx, struct id profile, int64_t limit, int64_t *ret)
{
	return row_number(tx, STMT_ROLLOUT_SLOTS, VALS(val_id(profile), val_i64(limit)), ret);
}

err_t
store_assigned_to(struct tx *tx, struct arena *a, struct id group, enum target_kind kind,
    struct id **ret, size_t *retn)
{
	return row_all(tx, a, STMT_ASSIGNED_TO, &assigned_shape, VALS(val_id(group), val_i64(kind)),
	    ret, retn);
}

err_t
store_rollout_look_again(struct tx *tx)
{
	return row_run(tx, STMT_ROLLOUT_LOOK_AGAIN, NO_VALS, NULL);
}
