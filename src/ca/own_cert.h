/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates that a CA of ours gives to a helper of ours, such as its signer of OCSP answers: one key and certificate
 * for each plan, made when first asked for and renewed in time with the same key. The key is in the issuer's folder of
 * keys, the certificate is a setting of the database.
 *
 * One that was revoked is replaced by the next upkeep; when it was revoked for keyCompromise, or its key is known as
 * compromised otherwise, there is a new key in a file of its own: "x.key", then "x-1.key", "x-2.key".
 *
 * While the certificate is good, a renewal that fails is no error. What was given out stays good until
 * own_certs_free(). Safe from several threads; one certificate is made at a time.
 *
 * Not here: what a helper does with it (ca/ocsp_signer.h, ca/scep_ra.h).
 */
#ifndef CA_OWN_CERT_H
#define CA_OWN_CERT_H

#include "ca/hierarchy.h"
#include "store/ca.h"

struct own_plan {
	const char *setting;     /* where the certificate is; one for each key of a helper */
	const char *file;        /* of the first key: "NAME.key" */
	const char *common_name; /* X.520: 64 characters at most */
	enum key_alg alg;
	unsigned bits;
};

/* A sort of helper. */
struct own_kind {
	const char *template;
	uint8_t more_usage;   /* bits of key usage beside the template's */
	int64_t renew, retry; /* seconds: before its end; after a renewal that failed */
	/* What is to be made for this CA; in the arena. */
	void (*plan)(struct arena *a, const struct ca *ca, struct own_plan *ret);
	/* Can it be used now, under this CA? */
	bool (*good)(const struct cert *c, const struct ca *ca);
};

struct own_certs;
struct own_certs *own_certs_new(const struct own_kind *kind); /* the kind is kept by reference */
void own_certs_free(struct own_certs *s);                     /* NULL is fine */

struct own_cert {
	const struct key *key;
	const struct cert *cert;
	struct str key_id; /* SHA-1 of the public key's bit string */
};

/* What policy and mint have against it, when none can be made or renewed and there is no good one. */
err_t own_cert_get(struct issuer *is, struct own_certs *s, struct arena *a, const struct ca *ca,
    struct own_cert *ret);
/* Looks up which of those that are in use were revoked, for own_cert_get() to replace them. */
err_t own_certs_look(struct issuer *is, struct own_certs *s);
/* The key file after this many that were compromised. */
const char *own_key_file(struct arena *a, const char *file, int64_t lost);
/* How many keys were lost under a name (a setting is kept of it), and that one more was, which is journalled. Expect a
 * transaction. */
err_t own_keys_lost(struct tx *tx, const char *name, int64_t *ret);
err_t own_keys_lost_put(struct tx *tx, const char *name, int64_t lost);
/* Is a certificate of ours revoked? Not if there is no record of it. Expects a transaction. */
err_t own_cert_revoked(struct tx *tx, const struct cert *c, bool *ret);
/* Was one made before, in this process or an earlier one? */
err_t own_cert_made(
    struct issuer *is, const struct own_certs *s, struct arena *a, const struct ca *ca, bool *ret);

#endif
