/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders that are left here before the device that they are for asks: a sealed order lies under the hash of the challenge
 * that the service gives to that device. An order is a thousand bytes and more; what clients can send as a challenge is
 * short.
 *
 * Who leaves one is a principal with the right to request from this CA; it speaks for the request that comes, so its
 * rights on the template are asked then, as if it requested itself. What is certified is in the order, which the service
 * sealed, with the hash of the challenge that it lies behind; the caller can neither change it nor use it himself, since he
 * knows the hash alone. The order is opened again when the challenge is shown: it may have expired, its key
 * may have been taken back, or its id closed.
 */
#ifndef CA_DEPOSIT_H
#define CA_DEPOSIT_H

#include "base/arena.h"
#include "base/str.h"

/* CA_SCEP_DEPOSIT of codec/ca_scep_ipc.h; ctx is the struct issuer. ERR_CALLER_*, ERR_CA_DENIED, ERR_ORDER* (ERR_ORDER_CHALLENGE: it is for
 * another challenge), ERR_CA_UNKNOWN,
 * ERR_CONFLICT. */
err_t deposit_on_message(void *ctx, struct arena *a, struct str in, struct buf *out);

#endif
