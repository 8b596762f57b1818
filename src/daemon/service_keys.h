/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process service/keys: seals orders, signs tokens, and lends its TLS and CA-client keys to the front for single
 * signatures. It has no network and no database, and no key of it ever leaves it.
 *
 *   state_dir/keys/order.pem   P-256, seals orders; the CA knows its public half
 *   state_dir/keys/token.jwk   RSA-2048, signs access tokens
 *   state_dir/keys/tls.pem     P-256, the service's TLS certificate
 *   state_dir/keys/ra.pem      P-256, the service's certificate towards the CA
 *   state_dir/keys/secret.key  64 bytes, seals the secrets that the service keeps: what a database holds of them is of no use
 *                              without it
 *
 * Keys that are missing are made at start. An order is sealed only if it parses as one, is not already over, and does not
 * last longer than a day: a captured front cannot stock up on orders for later.
 */
#ifndef DAEMON_SERVICE_KEYS_H
#define DAEMON_SERVICE_KEYS_H

#include "net/ipc.h"

struct service_keys;

err_t service_keys_open(const char *dir, struct service_keys **ret);
void service_keys_close(struct service_keys *k);
extern const struct ipc_verb service_keys_verbs[]; /* context: struct service_keys */

#endif
