/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kinds that bring a certificate have in common: naming, validity, use, and who may use the key. Each of them
 * begins its settings with a struct cert_profile, and its rows with cert_head and ends them with cert_tail; which type
 * has which row is in the rows (struct field, only).
 *
 * Not here: CA and template (kind/pkcs.c), SCEP servers and keys (kind/scep.c), purposes (kind/imported_pfx.c).
 */
#ifndef MODEL_CERT_PROFILE_H
#define MODEL_CERT_PROFILE_H

#include "model/applicability.h"

enum cert_store { CERT_OF_USER = 1, CERT_OF_MACHINE = 2 };

enum sid_switch { SID_ENABLED, SID_DISABLED, SID_AT_RENEWAL };

struct alt {
	const char *format;
	int64_t type;
};

struct eku {
	const char *name;
	const char *oid;
};

struct package {
	const char *id;
};

struct cert_profile {
	struct applicability rules;
	int64_t renewal_percent;
	int64_t key_store; /* enum key_store */
	int64_t name_format;
	int64_t alt_types;
	int64_t validity_value, validity_scale;
	const char *alt_format, *name_text;
	int64_t store; /* enum cert_store; 0 where the type has no such setting: the user's */
	bool all_apps;
	int64_t channel;
	int64_t access;
	struct field_list ekus, alts, packages;
	int64_t sid;
};

extern const struct rows_of cert_head, cert_tail;

/* Rows for kinds: texts with variables, checked as they are read. */
err_t cert_check_name(struct arena *a, const struct field *f, const void *at);
err_t cert_check_text(struct arena *a, const struct field *f, const void *at);

/* Rules between settings, for all types. */
err_t cert_check(struct arena *a, const struct profile_type *t, const struct cert_profile *p,
    struct warnings *w);
err_t cert_check_key(const struct cert_profile *p, int64_t bits);
int cert_validity_days(const struct cert_profile *p);

/* The algorithm of the key, where a type lets it be chosen: "@chancery.keyAlgorithm". */
enum key_kind { KEY_IS_RSA, KEY_IS_P256, KEY_IS_P384 };
extern const struct field_member cert_key_kinds[];
/* key_alg and key_bits of *what; rsa_bits 0: 2048. */
void cert_key_choose(int64_t kind, int64_t rsa_bits, struct primitive *what);

/* Who may use the key, into *ret, which starts zeroed. */
void cert_access(struct arena *a, const struct cert_profile *p, struct key_access *ret);
/* Subject, alternative names, SID, uses, and what else comes from these settings, into *what. */
err_t cert_reduce(struct arena *a, const struct profile *p, const struct cert_profile *c,
    const struct subject_of *who, struct primitive *what);
/* Adds what cert_reduce made to what the hash is made of. */
err_t cert_hash(struct buf *b, const struct cert_profile *c, const struct primitive *what);

#endif
