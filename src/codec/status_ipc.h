/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages from ca/front to ca/issuer about revocation status (run_dir/issuer.sock). As in ca_ipc.h.
 *
 *   type            request                 reply
 *   CA_CRL          crl_part_req            crl_part_rep    one piece of the newest list
 *   CA_OCSP         ocsp_req                ocsp_rep        a signed answer
 */
#ifndef CODEC_STATUS_IPC_H
#define CODEC_STATUS_IPC_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/str.h"
#include "base/when.h"

/* A list is fetched from offset 0 on, naming the number that came with the first piece. */
struct crl_part_req {
	const char *ca; /* as in the name of its file: "Name" or, of a later key, "Name(1)" */
	uint32_t shard; /* 0: the list of all */
	bool delta;
	uint64_t number; /* offset 0: the one that is held already, or 0 */
	uint32_t offset;
};

struct crl_part_rep {
	uint64_t number;
	when_t this_update, next_update;
	uint32_t total;
	struct str part; /* <= LIMIT_CRL_PART; empty: the list that is held is the newest */
};

enum ocsp_hash { CERTID_SHA1 = 1, CERTID_SHA256 = 2 };

/* RFC 6960 4.1.1: CertID. */
struct ocsp_id {
	enum ocsp_hash hash;
	bool params;                    /* the algorithm has NULL parameters: answers mirror it */
	struct str name_hash, key_hash; /* of the issuer; 20 or 32 bytes */
	struct str serial;              /* content of the INTEGER, 1 to 40 bytes */
};

struct ocsp_req {
	const char *ca;    /* must be the issuer; "": any */
	struct ocsp_id *v; /* 1 to LIMIT_OCSP_CERTS */
	size_t n;
	struct str nonce; /* content of its extnValue; empty: none */
};

struct ocsp_rep {
	struct str der; /* OCSPResponse, <= LIMIT_OCSP_ANSWER */
	when_t this_update, next_update;
};

err_t crl_part_req_encode(const struct crl_part_req *q, struct buf *out);
err_t crl_part_req_parse(struct arena *a, struct str in, struct crl_part_req *ret);
err_t crl_part_rep_encode(const struct crl_part_rep *q, struct buf *out);
err_t crl_part_rep_parse(struct arena *a, struct str in, struct crl_part_rep *ret);
err_t ocsp_req_encode(const struct ocsp_req *q, struct buf *out);
err_t ocsp_req_parse(struct arena *a, struct str in, struct ocsp_req *ret);
err_t ocsp_rep_encode(const struct ocsp_rep *q, struct buf *out);
err_t ocsp_rep_parse(struct arena *a, struct str in, struct ocsp_rep *ret);

size_t ocsp_hash_size(enum ocsp_hash h);

#endif
