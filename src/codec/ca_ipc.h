/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages from ca/front to ca/issuer (run_dir/issuer.sock).
 *
 * *_encode appends to `out`; what *_parse gives is in the arena or points into `in`. A parser takes
 * the whole message: bytes after its end are ERR_TRAILING.
 *
 *   type            request                 reply
 *   CA_SUBMIT       ca_submit_req           ca_submit_rep
 *   CA_QUERY        ca_query_req            ca_submit_rep
 *   CA_REVOKE       ca_revoke_req           ca_revoke_rep
 *   CA_CRL          crl_part_req            crl_part_rep    the newest CRL, in pieces (codec/status_ipc.h)
 *   CA_OCSP         ocsp_req                ocsp_rep        an OCSP answer (codec/status_ipc.h)
 *   CA_CERT         ca_name_req             ca_der_rep      the CA's certificate
 *   CA_LIST         (empty)                 ca_list_rep
 *   CA_TLS_CHAIN    (empty)                 ca_chain_rep    the front's TLS certificate first, then its chain
 *   CA_POLICIES     policies_req            policies_rep    what the caller may enrol for (codec/policies_ipc.h)
 *   CA_KEYGEN       ca_submit_req           ca_keygen_rep   the key is made by the issuer
 *   CA_REVOKED      ca_revoked_req          ca_revoked_rep  what of the caller's was revoked since
 *   CA_SIGN_TLS     sign_req (which is 0)   sign_rep        with the TLS server key (codec/sign_ipc.h)
 */
#ifndef CODEC_CA_IPC_H
#define CODEC_CA_IPC_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/str.h"
#include "base/text.h"
#include "codec/ipc_part.h"
#include "codec/sign_ipc.h"

enum ca_msg {
	CA_SUBMIT = 0x0101,
	CA_QUERY,
	CA_REVOKE,
	CA_CRL,
	CA_CERT,
	CA_LIST,
	CA_TLS_CHAIN,
	CA_SIGN_TLS,
	CA_OCSP = 0x0120,
	CA_POLICIES = 0x0130,
	CA_KEYGEN,
	CA_REVOKED,
};

struct ca_attribute {
	const char *name, *value;
};

struct ca_submit_req {
	const char *ca;              /* "": the one that issues the template */
	struct str caller;           /* DER of the client certificate of the TLS connection */
	const char *user, *password; /* a principal that shows itself by these instead; "": none */
	struct str
	    renews; /* DER of the certificate that the caller holds and renews; empty: none */
	bool
	    again; /* the client sends the same request again to ask what became of it (RFC 7030 4.2.3) */
	struct str token; /* PKCS#10, or the CMS of a renewal around one */
	struct ca_attribute
	    *attributes; /* <= LIMIT_CA_ATTRIBUTES; a value <= LIMIT_CA_ATTRIBUTE bytes */
	size_t nattributes;
};

enum ca_disposition { CA_DENIED = 1, CA_PENDING = 2, CA_ISSUED = 3 };

struct ca_submit_rep {
	enum ca_disposition disposition;
	uint32_t hresult;    /* 0 unless denied */
	const char *message; /* one line for people */
	const char *fault;   /* id in the catalogue (base/err.h) when denied; else "" */
	uint64_t request_id;
	struct str leaf;        /* DER; empty unless issued */
	struct ipc_blobs chain; /* DER, issuing CA first; <= LIMIT_CHAIN_CERTS */
};

/* Empty key unless issued. Whoever holds one of these wipes it. */
struct ca_keygen_rep {
	struct ca_submit_rep answer;
	struct str key; /* PKCS#8, DER */
};

struct ca_query_req {
	const char *ca;
	struct str caller;
	const char *user, *password; /* as in ca_submit_req */
	uint64_t request_id;
};

struct ca_revoke_req {
	struct str caller;
	struct str order; /* sealed (codec/order.h) */
};

struct ca_revoke_rep {
	uint32_t count;
};

/* A place in the order of revocations: time, and the number of the record. Zero: from the beginning. */
struct ca_revoked_place {
	int64_t at, id;
};

struct ca_revoked_req {
	struct str caller;
	struct ca_revoked_place after;
};

struct ca_revoked {
	struct id order;
	const char *serial; /* hex */
	uint8_t reason;     /* RFC 5280 5.3.1 */
};

struct ca_revoked_rep {
	struct ca_revoked *v; /* <= LIMIT_PAGE, oldest first */
	size_t n;
	struct ca_revoked_place next; /* ask from here the next time */
};

struct ca_name_req {
	const char *ca;
};

struct ca_der_rep {
	struct str der;
};

enum ca_role { CA_ROLE_ROOT = 1, CA_ROLE_ISSUING = 2, CA_ROLE_IDENTITY = 3 };

struct ca_entry {
	const char *name;
	enum ca_role role;
	struct str certificate; /* DER */
};

struct ca_list_rep {
	struct ca_entry *v; /* <= LIMIT_CAS */
	size_t n;
};

struct ca_chain_rep {
	struct ipc_blobs chain;
};

const char *ca_disposition_name(enum ca_disposition d); /* "issued", "pending", "denied" */

err_t ca_submit_req_encode(const struct ca_submit_req *q, struct buf *out);
err_t ca_submit_req_parse(struct arena *a, struct str in, struct ca_submit_req *ret);
err_t ca_submit_rep_encode(const struct ca_submit_rep *q, struct buf *out);
err_t ca_submit_rep_parse(struct arena *a, struct str in, struct ca_submit_rep *ret);
err_t ca_keygen_rep_encode(const struct ca_keygen_rep *q, struct buf *out);
err_t ca_keygen_rep_parse(struct arena *a, struct str in, struct ca_keygen_rep *ret);
err_t ca_query_req_encode(const struct ca_query_req *q, struct buf *out);
err_t ca_query_req_parse(struct arena *a, struct str in, struct ca_query_req *ret);
err_t ca_revoke_req_encode(const struct ca_revoke_req *q, struct buf *out);
err_t ca_revoke_req_parse(struct arena *a, struct str in, struct ca_revoke_req *ret);
err_t ca_revoke_rep_encode(const struct ca_revoke_rep *q, struct buf *out);
err_t ca_revoke_rep_parse(struct arena *a, struct str in, struct ca_revoke_rep *ret);
err_t ca_revoked_req_encode(const struct ca_revoked_req *q, struct buf *out);
err_t ca_revoked_req_parse(struct arena *a, struct str in, struct ca_revoked_req *ret);
err_t ca_revoked_rep_encode(const struct ca_revoked_rep *q, struct buf *out);
err_t ca_revoked_rep_parse(struct arena *a, struct str in, struct ca_revoked_rep *ret);
err_t ca_name_req_encode(const struct ca_name_req *q, struct buf *out);
err_t ca_name_req_parse(struct arena *a, struct str in, struct ca_name_req *ret);
err_t ca_der_rep_encode(const struct ca_der_rep *q, struct buf *out);
err_t ca_der_rep_parse(struct arena *a, struct str in, struct ca_der_rep *ret);
err_t ca_list_rep_encode(const struct ca_list_rep *q, struct buf *out);
err_t ca_list_rep_parse(struct arena *a, struct str in, struct ca_list_rep *ret);
err_t ca_chain_rep_encode(const struct ca_chain_rep *q, struct buf *out);
err_t ca_chain_rep_parse(struct arena *a, struct str in, struct ca_chain_rep *ret);

#endif
