/* SPDX-License-Identifier: Apache-2.0 */
/* How a slot lies in its table (store/slot.c). Serves the files of store/slot.h and store/slot_search.h only. */
#ifndef STORE_SLOT_ROW_H
#define STORE_SLOT_ROW_H

#include "store/row.h"

extern const struct shape store_slot_shape;

#endif
