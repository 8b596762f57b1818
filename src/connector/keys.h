/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process connector/keys: makes key pairs and requests for them, and packs key and certificate for one device.
 *
 *   CKEYS_BEGIN ──► a key pair under a handle, and its PKCS#10; only for a device that it may be sealed to
 *   CKEYS_FINISH ─► PFX under a fresh password, both sealed to the device's identity certificate; the key is wiped
 *   CKEYS_DROP ───► the key is wiped
 *   CKEYS_POOL ───► how many key pairs are ready, and what became of those before
 *   CKEYS_ORDER_KEY ► by which key the service seals its orders; named once
 *   PFX_... ──────► imported files: codec/pfx_ipc.h, keys_pfx.c; only what the service ordered, for whom it ordered it
 *
 * A private key exists in this process's memory only, from BEGIN to FINISH or DROP, ten minutes at most; then it is wiped,
 * asked for or not. It seals only to certificates that were issued by the device-identity CA that the administrator named
 * when the connector joined (state_dir/keys/identity-ca.pem). That CA is named once: neither the service nor a captured
 * link can put itself in a device's place.
 */
#ifndef CONNECTOR_KEYS_H
#define CONNECTOR_KEYS_H

#include "net/ipc.h"
#include "pki/key.h"

struct connector_keys;

struct connector_keys_conf {
	const char *dir; /* state_dir/keys */
	unsigned threads,
	    pool; /* pool: key pairs of each size kept ready, made by the threads while nothing else is to do */
	unsigned sizes[3]; /* that are kept ready from the start */
	size_t nsizes;
	enum key_maker maker;
	int64_t life_ms; /* of a key pair between BEGIN and FINISH; 0: ten minutes */
};

err_t connector_keys_open(const struct connector_keys_conf *conf, struct connector_keys **ret);
void connector_keys_close(struct connector_keys *k);
/* How many key pairs of this size are kept ready at most: less than conf->pool where memory cannot be locked. */
size_t connector_keys_room(struct connector_keys *k, unsigned bits);
extern const struct ipc_verb connector_keys_verbs[]; /* context: struct connector_keys */

#endif
