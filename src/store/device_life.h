/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What befell a device beside being enrolled and retired: lost, replaced by itself enrolled anew, its identity seen on
 * another machine. Few devices have such a record. Every function expects a transaction.
 */
#ifndef STORE_DEVICE_LIFE_H
#define STORE_DEVICE_LIFE_H

#include "store/device.h"

struct device_life {
	struct id device;
	when_t lost; /* 0: it is not */
	when_t
	    elsewhere; /* when its identity was last told to be used on another machine; 0: never */
	struct id replaced; /* by this one; zero: it was not */
};
/* None: all zero but the device. */
err_t store_device_life_get(
    struct tx *tx, struct arena *a, struct id device, struct device_life *ret);
err_t store_device_life_put(
    struct tx *tx, const struct device_life *l); /* ERR_NOT_FOUND: no such device */
/* Others of the platform that are not gone and have the same machine_id and name, or the same udid; what is empty is not
 * the same as anything. */
err_t store_device_same(
    struct tx *tx, struct arena *a, const struct device *d, struct device **ret, size_t *retn);

#endif
