/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an Apple device's error means here. Its numbers are not promised to stay: they are shown as they came, and a coarse
 * table says which failure of our catalogue that is.
 */
#ifndef DEVICE_APPLE_FAULT_H
#define DEVICE_APPLE_FAULT_H

#include "base/err.h"

/* domain, number: of the last element of the ErrorChain. Unknown ones: the id of ERR_DEVICE_REFUSED. */
const char *apple_fault(const char *domain, int64_t number);
/* "It is not there any more": what a removal wanted. */
bool apple_gone_already(const char *domain, int64_t number);

#endif
