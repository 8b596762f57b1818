/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message of a device on its way to the CA of its request, by a connector, and the answer within the same exchange: what
 * the addresses for SCEP and EST have in common (model/relay.h). Counted as chancery_relay_total.
 */
#ifndef DEVICE_CARRY_H
#define DEVICE_CARRY_H

#include "device/device.h"
#include "model/relay.h"

/* A request's id out of the parameter "request" of the address. ERR_SCEP_ADDRESS. */
err_t carry_address(struct http_req *r, struct id *ret);
/* *ret_there false: the exchange is parked and runs again. ERR_SCEP_ADDRESS; ERR_BUSY; ERR_SCEP_RELAY: nobody brought an
 * answer in time, or the connector did not reach the CA. */
err_t carry(struct http_req *r, struct id request, const char *operation, struct str message,
    struct relay *ret, bool *ret_there);

#endif
