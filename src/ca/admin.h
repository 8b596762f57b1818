/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The administrator's verbs of the CA, as tables: each noun is a file with its rows. Arguments and answers are JSON
 * objects; an argument that a verb does not know is refused. Whoever may connect to the issuer's admin socket is the
 * administrator; every change is a line of the journal.
 *
 * Certificates and keys in arguments are PEM or base64 DER; in answers PEM.
 */
#ifndef CA_ADMIN_H
#define CA_ADMIN_H

#include "ca/issuer.h"
#include "ca/mint.h"
#include "codec/json.h"

struct ca_verb {
	const char *name;
	err_t (*run)(struct issuer *is, struct arena *a, const json *args, json *out);
	const char *const *args; /* the names it knows, ended by NULL */
	const char *help;
};
#define ADMIN_ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define ADMIN_NO_ARGS ((const char *const[]){ NULL })

/* Each ends with a row whose name is NULL. */
extern const struct ca_verb admin_ca_verbs[], admin_template_verbs[], admin_principal_verbs[],
    admin_cert_verbs[], admin_challenge_verbs[], admin_request_verbs[], admin_setting_verbs[],
    admin_hierarchy_verbs[], admin_crl_verbs[], admin_group_verbs[];

/* For the handlers. */
err_t admin_der(struct arena *a, const char *text, const char *label, size_t max, struct str *ret);
void admin_set_cert(struct arena *a, json *out, const char *key, struct str der);
/* PEM of a certificate and of those above it, the issuing CA first, without the root: one text. */
void admin_set_chain(struct issuer *is, struct arena *a, json *out, const char *key,
    struct str leaf, const struct ca *ca);
err_t admin_texts(struct arena *a, const json *args, const char *key, size_t max,
    const char *const **ret, size_t *retn);
/* Rights by name, as a list of texts or one text ("request|officer"), to bits. ERR_BAD_REQUEST lists the names. */
struct right_name {
	const char *name;
	unsigned bit;
};
err_t admin_rights(struct arena *a, const json *args, const char *key,
    const struct right_name *names, size_t n, unsigned *ret);
/* Issues a client certificate of TEMPLATE_PRINCIPAL and binds it to the principal (made if missing, with `rights`
 * added); an earlier certificate of it is superseded. */
err_t admin_principal(struct issuer *is, struct arena *a, const char *name, struct str csr,
    unsigned rights, struct minted *ret);
/* ERR_BAD_REQUEST: not what a principal, or a group of them, may be called. */
err_t admin_principal_name(const char *name);
json *admin_show_ca_rights(unsigned bits); /* their names */
/* Conditions on records, by these names. Times are dates, or now, now+30d, now-12h. */
#define ADMIN_FILTER_ARGS \
	"state", "ca", "template", "requester", "serial", "text", "before", "requested_from", \
	    "requested_before", "ends_from", "ends_before"
struct issued_filter;
err_t admin_filter(struct arena *a, const json *args, struct issued_filter *ret);
json *admin_show_issued(struct arena *a, const struct issued *x);
/* Allows a principal a right on a template, checked by the rules of lint.h. Expects a transaction. */
err_t admin_allow(
    struct tx *tx, struct arena *a, const char *template, const char *principal, unsigned rights);

/* Kinds of keys by name; bits 0: as the role has it. */
err_t admin_key_alg(const char *name, enum key_alg *ret_alg, unsigned *ret_bits);
struct ca;
void admin_show_ca(struct arena *a, json *out, const struct ca *ca);

#endif
