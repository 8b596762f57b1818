/* SPDX-License-Identifier: Apache-2.0 */
/* What Windows says when it could not do something, as a fault of the catalogue. */
#ifndef DEVICE_WINDOWS_ERROR_H
#define DEVICE_WINDOWS_ERROR_H

#include "model/checkin.h"

/* Fills fault, code and detail of a RESULT_ERROR. status: of SyncML; hresult: what stood behind it, 0: nothing. */
void windows_error(struct arena *a, uint32_t status, uint32_t hresult, struct report_result *ret);

#endif
