/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The administrator's socket: verbs with JSON arguments and JSON answers over net/ipc.h, for the administrator of this
 * host and nobody else (the socket has mode 0600).
 */
#ifndef NET_ADMIN_H
#define NET_ADMIN_H

#include "codec/json.h"
#include "net/ipc.h"

struct admin_verb {
	const char *name;
	/* Adds members to answer. */
	err_t (*run)(void *ctx, struct arena *a, const json *args, json *answer);
};

/* For an ipc_verb's handler: finds the verb in the table (ended by name NULL), runs it, encodes its answer. */
err_t admin_dispatch(
    const struct admin_verb *verbs, void *ctx, struct arena *a, struct str in, struct buf *out);
/* The other side: one call. args is borrowed. *ret is the caller's. */
err_t admin_call(
    struct ipc_client *c, struct arena *a, const char *verb, const json *args, json **ret);

#endif
