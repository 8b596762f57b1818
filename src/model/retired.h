/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a device's identity: what a retired device was known by is revoked at the device-identity CA, so that
 * nobody seals to it or believes it any more. No connector reaches that CA; the program asks it itself, by these two calls:
 *
 *   retired_next ── whose turn it is, and the order that closes its identity
 *   ... the caller has the order sealed and presents it to the identity CA ...
 *   retired_done ── the CA said yes
 *
 * Until the CA said so the device stays in the list, over restarts as well; asking twice is harmless. The order closes
 * the id under which all identities of the device were issued, renewed ones too. The device itself may still check in
 * with it to be cleaned: the service goes by its own record (model/checkin.h).
 */
#ifndef MODEL_RETIRED_H
#define MODEL_RETIRED_H

#include "codec/order.h"
#include "store/device.h"

/* after: those up to this id are passed over (one whose turn failed); zero: none. One read through an index.
 * ERR_NOT_FOUND: there is none. */
err_t retired_next(struct store *s, struct arena *a, struct id after, struct str holder,
    const char *identity_ca, struct order *ret);
err_t retired_done(struct store *s, struct id device);

#endif
