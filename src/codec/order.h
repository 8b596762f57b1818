/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order: what the service states about who may be issued what, as bytes. pki/seal.h signs and opens them.
 *
 *   u16 version (1) | u8 kind | 16 id | 16 slot | 16 device | 16 user | 16 profile | u32 profile version | u64 fence |
 *   i64 issued | i64 expires | blob ca | blob template | blob subject | blob san | blob sid | u8 n, n blobs ekus |
 *   u8 key usage | u16 key bits | blob spki | blob holder | blob challenge | blob maker |
 *   blob recipient | blob keep | blob content
 */
#ifndef CODEC_ORDER_H
#define CODEC_ORDER_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/when.h"

#define LIMIT_ORDER_MAKER \
	128u /* bytes of the public key of who makes keys, and of who seals orders */
#define LIMIT_SEALED_BYTES (LIMIT_ORDER_BYTES + 1024u)

enum order_kind {
	ORDER_ISSUE = 1,
	ORDER_REVOKE = 2,
	ORDER_IMPORT =
	    3, /* what was imported is for this device: connector/keys opens it for no other */
	ORDER_REWRAP =
	    4, /* passwords of what was imported may be encrypted to this import key as well */
};

struct order {
	enum order_kind kind;
	struct id id; /* the request: one certificate at most is valid under it */
	struct id slot, device, user, profile;
	uint32_t profile_version;
	uint64_t fence; /* a higher one supersedes what a lower one got */
	when_t issued, expires;
	const char *ca; /* name of the CA that may act on it */
	const char *template;
	struct str subject; /* DER Name */
	struct str san;     /* DER GeneralNames; empty: none */
	const char *sid;    /* "" if none */
	const char **ekus;  /* OID text; what the profile wishes, the template decides */
	size_t nekus;
	uint32_t
	    validity_days; /* what the profile wishes; the CA's setting says whether that is heard; 0: nothing */
	uint8_t key_usage; /* first byte of the KeyUsage bit string; 0: the template's */
	uint16_t key_bits; /* an RSA key of the request has so many at least; 0: the template's */
	struct str spki;   /* SHA-256 of the public key that must be certified; empty: any */
	struct str
	    holder; /* SHA-256 of the client certificate of the only caller that may present it; empty: any */
	/* SHA-256 of the challenge that who presents it must show; empty: it is shown itself. */
	struct str challenge;
	/* SPKI of who must have made the key to certify, and say so in the request (pki/attest.h); empty: anybody. */
	struct str maker;
	/* With a maker: SHA-256 of the certificate whose holder alone gets that key. ORDER_IMPORT: the same for what was
	 * imported. ORDER_REWRAP: SHA-256 of the public key. */
	struct str recipient;
	const char *keep;   /* ORDER_REVOKE: serial (hex) that stays; "": none */
	struct str content; /* ORDER_IMPORT: what may be opened, seal_import() (pki/seal.h) */
};

err_t order_encode(const struct order *o, struct buf *out);
/* Everything in *ret is in the arena or points into `in`. */
err_t order_parse(struct arena *a, struct str in, struct order *ret);

/* A sealed order: order bytes, signature, key id. */
struct sealed {
	struct str body;
	struct str signature;
	struct str key_id; /* SHA-256 of the signer's SPKI */
};
err_t sealed_encode(const struct sealed *s, struct buf *out);
err_t sealed_parse(struct str in, struct sealed *ret);

#endif
