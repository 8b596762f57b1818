/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an Apple device's error means here. Its numbers are not promised to stay: they are shown as they came, and a coarse
 * table says which failure of our catalogue that is.
 */
#ifndef DEVICE_APPLE_FAULT_H
#define DEVICE_APPLE_FAULT_H

#include "device/apple_msg.h"

/* An ErrorChain, outermost first: the innermost that is known counts, as causes of the system's own stand below it. None is:
 * the id of ERR_DEVICE_REFUSED. */
const char *apple_fault(const struct apple_link *v, size_t n);
/* "It is not there any more": what a removal wanted. Of an installation the same words are a failure. */
bool apple_gone_already(const struct apple_link *v, size_t n);

#endif
