/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of the certification authorities: CAs, templates, rights, principals, issued certificates, the journal.
 * Every function expects a transaction of a store opened with STORE_CA.
 */
#ifndef STORE_CA_H
#define STORE_CA_H

#include "store/directory.h"

struct ca_row {
	const char *name;
	const char *key_file; /* name inside the keys folder */
	struct str cert;      /* DER */
	const char *issuer;   /* CA name; its own for a root */
	const char *crl_url, *aia_url, *ocsp_url;
	uint64_t crl_number; /* of the newest list (store/crl.h); an update never lowers it */
	when_t created;
	int role;                       /* enum ca_role of codec/ca_ipc.h */
	uint32_t key_index, cert_index; /* of the newest key and certificate */
};
err_t store_ca_insert(struct tx *tx, const struct ca_row *c);
err_t store_ca_update(struct tx *tx, const struct ca_row *c);
err_t store_ca_get(
    struct tx *tx, struct arena *a, const char *name, struct ca_row *ret); /* name: case ignored */
err_t store_ca_list(struct tx *tx, struct arena *a, struct ca_row **ret,
    size_t *retn); /* in the order of their making */

/* Every certificate that a CA had; the newest is in its ca_row as well. */
struct ca_cert_row {
	const char *ca;
	uint32_t cert_index, key_index;
	const char *key_file;
	struct str cert;
	when_t created;
};
err_t store_ca_cert_insert(struct tx *tx, const struct ca_cert_row *c);
/* Of all CAs, by CA and index. */
err_t store_ca_cert_list(struct tx *tx, struct arena *a, struct ca_cert_row **ret, size_t *retn);

/* The key of a CA that waits for its certificate; at most one a CA. */
struct ca_next_key {
	const char *ca, *key_file;
	bool new_key; /* false: it is the CA's present key */
	when_t created;
};
err_t store_ca_next_key_put(struct tx *tx, const struct ca_next_key *k);
err_t store_ca_next_key_get(
    struct tx *tx, struct arena *a, const char *ca, struct ca_next_key *ret);
err_t store_ca_next_key_delete(struct tx *tx, const char *ca); /* absent is success */

struct template_row {
	const char *name, *display_name, *oid;
	int schema, major, minor;
	uint32_t flags, name_flags, enrolment_flags, private_key_flags;
	uint8_t key_usage;
	int min_key_bits;
	int64_t validity, overlap; /* seconds */
	const char *ekus;          /* comma list of OIDs */
	bool order_required, published;
	const char *cas; /* comma list of the CAs that issue it; "": none */
	when_t created, modified;
	const char *algorithms; /* comma list: rsa, p256, p384; "": what the key usage allows */
	const char *overrides;  /* comma list of the lint rules that the administrator set aside */
};
err_t store_template_put(
    struct tx *tx, const struct template_row *t); /* insert or replace by name */
err_t store_template_get(
    struct tx *tx, struct arena *a, const char *name_or_oid, struct template_row *ret);
err_t store_template_list(struct tx *tx, struct arena *a, struct template_row **ret, size_t *retn);
err_t store_template_delete(struct tx *tx, const char *name); /* with the rights on it */

struct principal {
	const char *name;
	struct str cert_sha256; /* its client certificate; empty: none yet */
	const char *password;   /* argon2id (pki/password.h); "": none */
	unsigned ca_rights;     /* bits: 1 request, 2 officer, 4 manage */
	bool enabled;
	when_t created;
	bool
	    is_group; /* of principals: what it may, its members may; has neither certificate nor password */
};
err_t store_principal_put(struct tx *tx, const struct principal *p);
err_t store_principal_get(struct tx *tx, struct arena *a, const char *name, struct principal *ret);
err_t store_principal_by_cert(
    struct tx *tx, struct arena *a, struct str sha256, struct principal *ret);
err_t store_principal_list(struct tx *tx, struct arena *a, struct principal **ret, size_t *retn);

/* Groups; whose row is a group and whose is not, is the caller's to look at. */
err_t store_principal_join(
    struct tx *tx, const char *group, const char *member); /* twice is once */
err_t store_principal_leave(
    struct tx *tx, const char *group, const char *member); /* ERR_NOT_FOUND */
err_t store_principal_groups(
    struct tx *tx, struct arena *a, const char *member, struct principal **ret, size_t *retn);
err_t store_principal_members(
    struct tx *tx, struct arena *a, const char *group, struct principal **ret, size_t *retn);
err_t store_principal_group_delete(struct tx *tx, const char *group); /* with its rights */
/* rights: bits 1 read, 2 enrol, 4 autoenrol, 8 write. deny wins. */
err_t store_template_right_put(
    struct tx *tx, const char *template, const char *principal, unsigned allow, unsigned deny);
err_t store_template_right_get(
    struct tx *tx, const char *template, const char *principal, unsigned *allow, unsigned *deny);

/* What it may do, by itself or by a group that is enabled, without what itself or a group is denied. */
err_t store_template_rights_of(
    struct tx *tx, const char *template, const char *principal, unsigned *ret);

struct template_right {
	const char *principal;
	uint32_t allow, deny;
};
err_t store_template_right_list(struct tx *tx, struct arena *a, const char *template,
    struct template_right **ret, size_t *retn);
/* The same with the members of groups: a principal has one row, of itself and all its groups together, also of those
 * that are disabled. */
err_t store_template_right_sums(struct tx *tx, struct arena *a, const char *template,
    struct template_right **ret, size_t *retn);

/* Keys whose orders are taken. */
err_t store_order_key_put(struct tx *tx, const char *service, struct str spki);
err_t store_order_keys(struct tx *tx, struct arena *a, struct str **ret, size_t *retn);

enum issued_state {
	ISSUED_INTENT = 1,
	ISSUED_VALID,
	ISSUED_REVOKED,
	ISSUED_DENIED,
	ISSUED_FAILED,
	ISSUED_PENDING /* waits for a manager; what was asked is in store/pending.h */
};
struct issued {
	int64_t id; /* the request id that clients see */
	const char *ca, *template, *requester;
	enum issued_state state;
	const char *serial;     /* hex; unique in a CA */
	const char *subject;    /* for people */
	const char *san;        /* for people and search */
	struct str tbs;         /* ISSUED_INTENT: what will be signed */
	struct str cert;        /* DER when signed */
	struct str cert_sha256; /* indexed */
	struct str spki_sha256;
	struct id order; /* zero: none */
	uint64_t fence;
	struct id slot, device, user, profile;
	when_t not_before, not_after, requested, resolved;
	int reason; /* of revocation */
	when_t revoked;
	uint32_t hresult; /* denied: why */
	const char *message;
};
err_t store_issued_insert(struct tx *tx, struct issued *x); /* sets x->id */
err_t store_issued_update(
    struct tx *tx, const struct issued *x, enum issued_state from); /* ERR_STATE_MOVED */
err_t store_issued_get(struct tx *tx, struct arena *a, int64_t id, struct issued *ret);
/* The same without certificate and to-be-signed bytes. */
err_t store_issued_head(struct tx *tx, struct arena *a, int64_t id, struct issued *ret);
err_t store_issued_by_serial(
    struct tx *tx, struct arena *a, const char *ca, const char *serial, struct issued *ret);
err_t store_issued_by_cert(
    struct tx *tx, struct arena *a, struct str cert_sha256, struct issued *ret);
/* A certificate for this key that was revoked for keyCompromise or cACompromise; 0: none. */
err_t store_issued_compromised(struct tx *tx, struct str spki_sha256, int64_t *ret_id);
err_t store_issued_by_order(
    struct tx *tx, struct arena *a, struct id order, struct issued **ret, size_t *retn);
err_t store_issued_open(
    struct tx *tx, struct arena *a, struct issued **ret, size_t *retn); /* ISSUED_INTENT */
/* What was issued to a principal by order and is revoked for good, oldest revocation first, after that place; not what
 * has ended by `now`, nor what is revoked in the second of `now`, which is not over. */
struct revocation {
	struct id order;
	const char *serial;
	int reason;
	when_t revoked;
	int64_t id;
};
err_t store_issued_revoked_since(struct tx *tx, struct arena *a, const char *requester, when_t now,
    when_t after, int64_t after_id, struct revocation **ret, size_t *retn); /* <= LIMIT_PAGE */

/* The highest fence seen under an order, and whether it is closed. Absent: 0, open. */
err_t store_order_state_get(struct tx *tx, struct id order, uint64_t *ret_fence, bool *ret_closed);
err_t store_order_state_put(struct tx *tx, struct id order, uint64_t fence, bool closed);
/* The request under an order that a manager approved; 0: none. The order must have a state when it is put. */
err_t store_order_approved_get(struct tx *tx, struct id order, int64_t *ret);
err_t store_order_approved_put(struct tx *tx, struct id order, int64_t request);

/* The journal: append-only, hash-chained lines about everything that the CA decided. */
err_t store_journal_add(struct tx *tx, const char *actor, const char *event, const char *detail);
err_t store_journal_verify(struct tx *tx, int64_t *ret_bad);

/* Small named values: TLS certificate of the front. */
err_t store_ca_setting_put(struct tx *tx, const char *name, struct str value);
err_t store_ca_setting_get(struct tx *tx, struct arena *a, const char *name, struct str *ret);

#endif
