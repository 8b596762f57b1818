/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages from connector/link to connector/keys about imported PKCS#12 files and the keys that their passwords are
 * encrypted to. Encoding and parsing as in codec/ckeys_ipc.h.
 *
 *   type               request             reply
 *   PFX_KEY_MAKE       pfx_key_req         pfx_key_rep
 *   PFX_KEY_LIST       (empty)             pfx_keys_rep
 *   PFX_KEY_ADMIT      pfx_admit_req       (empty)
 *   PFX_OPEN           pfx_open_req        pfx_open_rep
 *   PFX_REWRAP         pfx_rewrap_req      pfx_rewrap_rep
 */
#ifndef CODEC_PFX_IPC_H
#define CODEC_PFX_IPC_H

#include "codec/ipc_part.h"
#include "codec/pack.h"

enum pfx_msg {
	PFX_KEY_MAKE = 0x0320,
	PFX_KEY_LIST,
	PFX_KEY_ADMIT,
	PFX_OPEN,
	PFX_REWRAP,
};

struct pfx_key_req {
	const char *name; /* "default"; letters, digits, '-', '_', '.' */
	uint16_t bits;    /* 2048, 3072, 4096 */
	const char *uri;  /* PKCS#11 URI (RFC 7512) of the pair; "": a file */
};

struct pfx_key_rep {
	struct str spki; /* SubjectPublicKeyInfo */
};

struct pfx_keys_rep {
	struct ipc_texts names; /* ours, and their public halves */
	struct ipc_blobs spkis;
	struct ipc_blobs
	    admitted; /* public keys of other connectors, that passwords may be encrypted to again */
};

struct pfx_admit_req {
	struct str spki;
};

struct pfx_open_req {
	const char *key; /* SHA-256 of the SPKI in hex, or "name:" and the key's name */
	uint8_t padding; /* Graph's userPfxPaddingScheme */
	struct str wrapped, pfx;
	struct str
	    leaf; /* the certificate inside, when it is known and the file is in the format named; else empty */
	struct pack pack;      /* for the device */
	struct str thumbprint; /* SHA-1 of the certificate that it must be */
	struct str device_certificate;
	struct str order; /* sealed: ORDER_IMPORT of just this */
};

struct pfx_open_rep {
	struct str leaf;
	struct str pfx, password; /* sealed to the device in the form asked for */
};

struct pfx_rewrap_req {
	const char *key;
	uint8_t padding;
	struct str wrapped;
	struct str to;    /* SHA-256 of the SPKI of an admitted key */
	struct str order; /* sealed: ORDER_REWRAP to it */
};

struct pfx_rewrap_rep {
	struct str wrapped; /* OAEP with SHA-256 */
};

err_t pfx_key_req_encode(const struct pfx_key_req *q, struct buf *out);
err_t pfx_key_req_parse(struct arena *a, struct str in, struct pfx_key_req *ret);
err_t pfx_key_rep_encode(const struct pfx_key_rep *q, struct buf *out);
err_t pfx_key_rep_parse(struct arena *a, struct str in, struct pfx_key_rep *ret);
err_t pfx_keys_rep_encode(const struct pfx_keys_rep *q, struct buf *out);
err_t pfx_keys_rep_parse(struct arena *a, struct str in, struct pfx_keys_rep *ret);
err_t pfx_admit_req_encode(const struct pfx_admit_req *q, struct buf *out);
err_t pfx_admit_req_parse(struct arena *a, struct str in, struct pfx_admit_req *ret);
err_t pfx_open_req_encode(const struct pfx_open_req *q, struct buf *out);
err_t pfx_open_req_parse(struct arena *a, struct str in, struct pfx_open_req *ret);
err_t pfx_open_rep_encode(const struct pfx_open_rep *q, struct buf *out);
err_t pfx_open_rep_parse(struct arena *a, struct str in, struct pfx_open_rep *ret);
err_t pfx_rewrap_req_encode(const struct pfx_rewrap_req *q, struct buf *out);
err_t pfx_rewrap_req_parse(struct arena *a, struct str in, struct pfx_rewrap_req *ret);
err_t pfx_rewrap_rep_encode(const struct pfx_rewrap_rep *q, struct buf *out);
err_t pfx_rewrap_rep_parse(struct arena *a, struct str in, struct pfx_rewrap_rep *ret);

#endif
