/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuer: the process that holds the CA's keys and has no network. It answers ca/front and the administrator over
 * unix sockets and believes neither: every message is parsed as input, and every rule is checked here, again, in the
 * transaction that acts on it.
 *
 *   front --CA_SUBMIT--> policy (approval) --> mint: intent on disk, signature, certificate on disk --> answer
 *
 * Owns state_dir/ca.db and state_dir/keys/. One issuer serves one hierarchy: a root, an issuing CA and a
 * device-identity CA, made by the administrator's verb ca.init. Before that every other message fails with ERR_CA_NONE.
 *
 * All functions are safe from many threads after issuer_open().
 */
#ifndef CA_ISSUER_H
#define CA_ISSUER_H

#include "base/metric.h"
#include "net/ipc.h"

struct issuer;

struct issuer_conf {
	const char *state_dir;   /* is made with mode 0700 if missing */
	struct metrics *metrics; /* may be NULL */
	const char *passphrase;  /* of the key files; NULL: they are not encrypted */
	unsigned cache;          /* as in struct store_conf */
};

/* Opens the store, loads the keys, and revokes what an earlier process may have signed without answering. */
err_t issuer_open(const struct issuer_conf *conf, struct issuer **ret);
void issuer_close(struct issuer *is); /* NULL is fine */

/* Rows for net/ipc.h; the context of their handlers is the struct issuer. */
const struct ipc_verb *issuer_verbs(void);       /* codec/ca_ipc.h, for run_dir/issuer.sock */
const struct ipc_verb *issuer_admin_verbs(void); /* codec/admin_ipc.h, for run_dir/admin.sock */

/* To be called every few seconds: makes new CRLs when due, closes intents that were left
 * over, renews the front's TLS certificate. The first error is
 * returned after everything was tried. */
err_t issuer_tick(struct issuer *is);

#endif
