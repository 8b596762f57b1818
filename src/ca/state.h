/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the issuer share. Not for other layers. */
#ifndef CA_STATE_H
#define CA_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "ca/hierarchy.h"
#include "ca/issuer.h"
#include "ca/pace.h"
#include "ca/signon.h"
#include "pki/token_uri.h"
#include "pki/vault.h"
#include "store/ca.h"

struct issuer {
	struct store *store;
	char *keys_dir;
	struct vault *vault; /* NULL: key files are not encrypted */
	struct token_pool *tokens;
	struct signon *signon;
	struct own_certs *ocsp_signers;
	struct ocsp_answers *ocsp;
	struct pace *pace; /* of journalled denials */
	struct scep_ras *scep_ras;
	atomic_uint crl_shards;    /* the setting, for every certificate (crl_shard.h) */
	pthread_mutex_t lock;      /* guards `now` */
	pthread_mutex_t crl_lock;  /* one CRL is made at a time: numbers only go up */
	pthread_mutex_t init_lock; /* one administrator makes the hierarchy at a time */
	struct hierarchy *now; /* replaced, never changed; older ones stay until issuer_close() */
};

/* The hierarchy as loaded; it stays valid until issuer_close(). Empty before ca.init. */
const struct hierarchy *issuer_hierarchy(struct issuer *is);
/* Reads CAs, keys and the front's TLS certificate again. */
err_t issuer_reload(struct issuer *is);

#endif
