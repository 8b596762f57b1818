/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages from service/front to service/keys (run_dir/keys.sock).
 *
 * *_encode appends to `out`; what *_parse gives is in the arena or points into `in`. A parser takes
 * the whole message: bytes after its end are ERR_TRAILING.
 *
 *   type              request           reply
 *   KEYS_PUBLIC       (empty)           keys_public_rep
 *   KEYS_CSR          keys_csr_req      keys_csr_rep
 *   KEYS_SEAL_ORDER   keys_seal_req     keys_seal_rep
 *   KEYS_SIGN_TOKEN   keys_token_req    keys_token_rep
 *   KEYS_CHALLENGE    keys_challenge_req keys_challenge_rep
 *   KEYS_HIDE         keys_hide_req     keys_hide_rep    a secret, sealed
 *   KEYS_SHOW         keys_hide_req     keys_hide_rep    what was sealed, opened
 *   KEYS_SIGN         sign_req          sign_rep         which: enum keys_which (codec/sign_ipc.h)
 */
#ifndef CODEC_KEYS_IPC_H
#define CODEC_KEYS_IPC_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/str.h"
#include "base/text.h"
#include "codec/ipc_part.h"
#include "codec/sign_ipc.h"

enum keys_msg {
	KEYS_PUBLIC = 0x0201,
	KEYS_CSR,
	KEYS_SEAL_ORDER,
	KEYS_SIGN_TOKEN,
	KEYS_SIGN,
	KEYS_CHALLENGE,
	KEYS_HIDE,
	KEYS_SHOW,
};

/* The keys that the front may use by name. The order key and the token key are not among them. */
enum keys_which {
	KEYS_TLS = 1,
	KEYS_RA = 2,
	KEYS_PROFILE = 3, /* RSA: signs what devices are to install */
	KEYS_PUSH = 4     /* RSA: shown to Apple's push service */
};

struct keys_public_rep {
	const char *order_key; /* SPKI, PEM */
	const char *jwks;      /* RFC 7517 5: {"keys":[...]} with public parts only */
};

struct keys_csr_req {
	enum keys_which which;
	const char *cn;
	struct ipc_texts hosts; /* DNS names or IP addresses; <= LIMIT_SANS */
};

struct keys_csr_rep {
	struct str csr; /* PKCS#10, DER */
};

struct keys_seal_req {
	struct str order; /* order_encode()'s bytes */
};

struct keys_seal_rep {
	struct str sealed; /* sealed_encode()'s bytes */
};

struct keys_token_req {
	const char *claims; /* JSON object */
};

struct keys_token_rep {
	const char *token; /* JWS compact, RS256 */
};

/* The SCEP challenge of a request under one of its fencing numbers: derived, so that it is kept nowhere. */
struct keys_challenge_req {
	struct id request;
	uint64_t fence;
};

struct keys_challenge_rep {
	const char *text; /* 32 hexadecimal digits */
};

/* A secret that the service keeps and cannot read by itself, or what it keeps of it (pki/siv.h). */
struct keys_hide_req {
	const char *label; /* what it is, and whose */
	struct str bytes;
};

struct keys_hide_rep {
	struct str bytes;
};

err_t keys_hide_req_encode(const struct keys_hide_req *q, struct buf *out);
err_t keys_hide_req_parse(struct arena *a, struct str in, struct keys_hide_req *ret);
err_t keys_hide_rep_encode(const struct keys_hide_rep *q, struct buf *out);
err_t keys_hide_rep_parse(struct arena *a, struct str in, struct keys_hide_rep *ret);
err_t keys_challenge_req_encode(const struct keys_challenge_req *q, struct buf *out);
err_t keys_challenge_req_parse(struct arena *a, struct str in, struct keys_challenge_req *ret);
err_t keys_challenge_rep_encode(const struct keys_challenge_rep *q, struct buf *out);
err_t keys_challenge_rep_parse(struct arena *a, struct str in, struct keys_challenge_rep *ret);
err_t keys_public_rep_encode(const struct keys_public_rep *q, struct buf *out);
err_t keys_public_rep_parse(struct arena *a, struct str in, struct keys_public_rep *ret);
err_t keys_csr_req_encode(const struct keys_csr_req *q, struct buf *out);
err_t keys_csr_req_parse(struct arena *a, struct str in, struct keys_csr_req *ret);
err_t keys_csr_rep_encode(const struct keys_csr_rep *q, struct buf *out);
err_t keys_csr_rep_parse(struct arena *a, struct str in, struct keys_csr_rep *ret);
err_t keys_seal_req_encode(const struct keys_seal_req *q, struct buf *out);
err_t keys_seal_req_parse(struct arena *a, struct str in, struct keys_seal_req *ret);
err_t keys_seal_rep_encode(const struct keys_seal_rep *q, struct buf *out);
err_t keys_seal_rep_parse(struct arena *a, struct str in, struct keys_seal_rep *ret);
err_t keys_token_req_encode(const struct keys_token_req *q, struct buf *out);
err_t keys_token_req_parse(struct arena *a, struct str in, struct keys_token_req *ret);
err_t keys_token_rep_encode(const struct keys_token_rep *q, struct buf *out);
err_t keys_token_rep_parse(struct arena *a, struct str in, struct keys_token_rep *ret);

#endif
