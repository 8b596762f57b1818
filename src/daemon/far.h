/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys that live in a key process beside this one, as struct key: one message a signature.
 */
#ifndef DAEMON_FAR_H
#define DAEMON_FAR_H

#include "net/ipc.h"
#include "pki/keyprov.h"

struct far_ipc {
	struct ipc_client *client;
	uint16_t type; /* of the sign message */
	uint8_t which; /* row of the key process's table */
};

/* f must outlive the key. spki: the public half, DER. */
err_t far_key_open(struct far_ipc *f, struct str spki, struct key **ret);

#endif
