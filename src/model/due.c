/* SPDX-License-Identifier: Apache-2.0 */
#include "model/due.h"

#include "model/diff.h"
#include "model/wipe.h"

/* Whoever was told when it came may not have been reached then. */
static bool
waits(const struct diff_slot *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].remove ||
		    (v[i].desired != NULL && v[i].has_request &&
			v[i].request.state == REQUEST_READY && !v[i].root_missing &&
			!v[i].need_missing))
			return true;
	return false;
}

err_t
device_is_due(struct tx *tx, struct arena *a, struct id device, enum due_kind *ret)
{
	struct desired *desired;
	struct diff_slot *slots;
	struct holdings has;
	struct device_life life;
	struct device d;
	size_t n, nslots;
	err_t e;

	*ret = DUE_NOT;
	TRY(store_device_get(tx, a, device, &d));
	if (d.state != DEVICE_ACTIVE) {
		*ret = d.state == DEVICE_RETIRED ? DUE_WAITING : DUE_NOT;
		return OK;
	}
	TRY(store_device_life_get(tx, a, device, &life));
	if (wipe_is_open(&life)) {
		*ret = DUE_NEWS;
		return OK;
	}
	TRY(desired_for(tx, a, &d, &desired, &n));
	TRY(inventory_parse(a, d.inventory, &has));
	/* What would change a record is news. */
	e = diff_run(tx, a, &d, desired, n, &has, &slots, &nslots);
	if (err_is(e, ERR_READ_ONLY)) {
		err_forget(e);
		*ret = DUE_NEWS;
		return OK;
	}
	TRY(e);
	*ret = waits(slots, nslots) ? DUE_WAITING : DUE_NOT;
	return OK;
}
