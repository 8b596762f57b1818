/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a CA of Microsoft's kind means by the number with which it refuses: the row of our catalogue that says it in plain
 * words, with the one next step. MS-WCCE 2.2.2.7.10 and winerror.h name the numbers.
 */
#ifndef CONNECTOR_HRESULT_H
#define CONNECTOR_HRESULT_H

#include "base/err.h"

#include <stdint.h>

struct hresult {
	uint32_t number;
	enum err_code code;
	bool passes; /* by itself: tried again without anybody doing anything */
};

/* NULL: not in the table. */
const struct hresult *hresult_find(uint32_t number);

#endif
