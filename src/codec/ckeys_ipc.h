/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages from connector/link to connector/keys (run_dir/keys.sock).
 *
 * *_encode appends to `out`; what *_parse gives is in the arena or points into `in`. A parser takes
 * the whole message: bytes after its end are ERR_TRAILING.
 *
 *   type                  request                reply
 *   CKEYS_BEGIN           ckeys_begin_req        ckeys_begin_rep
 *   CKEYS_FINISH          ckeys_finish_req       ckeys_finish_rep
 *   CKEYS_DROP            ckeys_drop_req         (empty)
 *   CKEYS_IDENTITY_CA     ckeys_identity_req     (empty)
 *   CKEYS_POOL            (empty)                ckeys_pool_rep
 *   CKEYS_MAKER           (empty)                ckeys_maker_rep
 *   CKEYS_ORDER_KEY       ckeys_order_req        (empty)
 */
#ifndef CODEC_CKEYS_IPC_H
#define CODEC_CKEYS_IPC_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/str.h"
#include "codec/ipc_part.h"
#include "codec/pack.h"

enum ckeys_msg {
	CKEYS_BEGIN = 0x0301,
	CKEYS_FINISH,
	CKEYS_DROP,
	CKEYS_IDENTITY_CA,
	CKEYS_POOL,
	CKEYS_MAKER,
	CKEYS_ORDER_KEY,
};

enum ckeys_alg { CKEYS_RSA = 1, CKEYS_EC = 2 };

struct ckeys_begin_req {
	enum ckeys_alg alg;
	uint16_t bits;         /* RSA: 2048 to 8192; EC: 256, 384, 521 (P-256, P-384, P-521) */
	struct str subject;    /* DER Name */
	struct str san;        /* DER GeneralNames; empty: none */
	const char *sid;       /* "" if none */
	struct ipc_texts ekus; /* OID text; <= LIMIT_EKUS */
	struct str device_certificate; /* whom it is for; looked at before the CA is asked */
	struct str order;              /* SHA-256 of the sealed order that it is for */
};

struct ckeys_begin_rep {
	uint64_t handle; /* unguessable; good until finished, dropped or 10 minutes unused */
	struct str csr;  /* PKCS#10, DER */
};

struct ckeys_finish_req {
	uint64_t handle;
	struct str leaf;
	struct ipc_blobs chain; /* issuing CA first; <= LIMIT_CHAIN_CERTS */
	struct str device_certificate;
	struct pack pack;
};

struct ckeys_finish_rep {
	struct str pfx, password; /* sealed to the device in the form asked for */
};

struct ckeys_drop_req {
	uint64_t handle;
};

struct ckeys_identity_req {
	const char *pem; /* the device-identity CA's certificate and those above it */
};

struct ckeys_order_req {
	struct str spki; /* by which the service seals its orders */
};

struct ckeys_maker_rep {
	struct str spki; /* of the key by which this process says what it made (pki/attest.h) */
};

/* Key pairs of one size that are made ahead, and what became of those since the start. */
struct ckeys_level {
	uint16_t bits;
	uint32_t ready, room, making;
	uint64_t taken, waited,
	    wait_ms; /* takes; of them those that had to wait, and how long together */
};

struct ckeys_pool_rep {
	struct ckeys_level *v;
	size_t n; /* <= CKEYS_LEVELS */
};
#define CKEYS_LEVELS 8u

err_t ckeys_begin_req_encode(const struct ckeys_begin_req *q, struct buf *out);
err_t ckeys_begin_req_parse(struct arena *a, struct str in, struct ckeys_begin_req *ret);
err_t ckeys_begin_rep_encode(const struct ckeys_begin_rep *q, struct buf *out);
err_t ckeys_begin_rep_parse(struct arena *a, struct str in, struct ckeys_begin_rep *ret);
err_t ckeys_finish_req_encode(const struct ckeys_finish_req *q, struct buf *out);
err_t ckeys_finish_req_parse(struct arena *a, struct str in, struct ckeys_finish_req *ret);
err_t ckeys_finish_rep_encode(const struct ckeys_finish_rep *q, struct buf *out);
err_t ckeys_finish_rep_parse(struct arena *a, struct str in, struct ckeys_finish_rep *ret);
err_t ckeys_drop_req_encode(const struct ckeys_drop_req *q, struct buf *out);
err_t ckeys_drop_req_parse(struct arena *a, struct str in, struct ckeys_drop_req *ret);
err_t ckeys_identity_req_encode(const struct ckeys_identity_req *q, struct buf *out);
err_t ckeys_identity_req_parse(struct arena *a, struct str in, struct ckeys_identity_req *ret);
err_t ckeys_order_req_encode(const struct ckeys_order_req *q, struct buf *out);
err_t ckeys_order_req_parse(struct arena *a, struct str in, struct ckeys_order_req *ret);
err_t ckeys_maker_rep_encode(const struct ckeys_maker_rep *q, struct buf *out);
err_t ckeys_maker_rep_parse(struct arena *a, struct str in, struct ckeys_maker_rep *ret);
err_t ckeys_pool_rep_encode(const struct ckeys_pool_rep *q, struct buf *out);
err_t ckeys_pool_rep_parse(struct arena *a, struct str in, struct ckeys_pool_rep *ret);

#endif
