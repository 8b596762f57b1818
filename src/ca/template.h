/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificate templates: the built-in ones, duplicates, what they demand, and the extensions they put into
 * certificates. MS-CRTD 2.
 */
#ifndef CA_TEMPLATE_H
#define CA_TEMPLATE_H

#include "codec/json.h"
#include "pki/issue.h"
#include "store/ca.h"

/* MS-CRTD 2.4 flags */
enum {
	TEMPLATE_ADD_TEMPLATE_NAME = 0x200,
	TEMPLATE_MACHINE = 0x40,
	TEMPLATE_IS_CA = 0x80,
	TEMPLATE_CROSS_CA = 0x800,
	TEMPLATE_IS_DEFAULT = 0x10000,
	TEMPLATE_IS_MODIFIED = 0x20000
};
/* MS-CRTD 2.28 msPKI-Certificate-Name-Flag */
enum { TEMPLATE_SUPPLY_SUBJECT = 0x1 };
/* MS-CRTD 2.26 msPKI-Enrollment-Flag */
enum {
	TEMPLATE_PEND_ALL = 0x2,
	TEMPLATE_PUBLISH_TO_DS = 0x8,
	TEMPLATE_AUTO_ENROL = 0x20,
	TEMPLATE_PREVIOUS_APPROVAL = 0x40, /* a renewal needs no approval */
	TEMPLATE_OCSP_NOCHECK = 0x1000,
	TEMPLATE_NO_REVOCATION_INFO = 0x4000,
	TEMPLATE_EMPTY_BASIC_CONSTRAINTS = 0x8000,
	TEMPLATE_NO_SECURITY_EXTENSION = 0x80000
};

/* MS-CRTD 2.27 msPKI-Private-Key-Flag */
enum { TEMPLATE_EXPORTABLE_KEY = 0x10 };

/* Rights on a template, as the store keeps them. */
enum {
	TEMPLATE_READ = 1,
	TEMPLATE_ENROL = 2,
	TEMPLATE_AUTOENROL = 4,
	TEMPLATE_WRITE = 8,
	TEMPLATE_FULL = 15
};

#define TEMPLATE_DEVICE_IDENTITY "DeviceIdentity"
#define TEMPLATE_CONNECTOR_IDENTITY "ConnectorIdentity"
#define TEMPLATE_PRINCIPAL \
	"PrincipalIdentity" /* client certificates of principals; by the administrator only */
#define TEMPLATE_WEB_SERVER "WebServer"
#define TEMPLATE_ROOT_CA "CA"
#define TEMPLATE_SUB_CA "SubCA"

struct template_builtin {
	const char *name, *display_name;
	int number; /* last arc of the OID */
	int schema, major, minor;
	uint32_t flags, name_flags, enrolment_flags, private_key_flags;
	uint8_t key_usage;
	int validity_days, overlap_days;
	const char *ekus; /* comma list */
	bool order_required;
	enum { TEMPLATE_NOT_PUBLISHED, TEMPLATE_ON_ISSUING, TEMPLATE_ON_IDENTITY } where;
};
extern const struct template_builtin template_builtins[];
extern const size_t template_nbuiltins;

/* Puts every built-in template that is missing. Expects a transaction. */
err_t template_seed(
    struct tx *tx, struct arena *a, const char *issuing_ca, const char *identity_ca);

/* What is set on a template: the members that template_field.h has rows for. */
struct template_copy {
	const char *source, *name;
	const json *settings;
	const char *const *overrides; /* rules of lint.h that are set aside, by name */
	size_t noverrides;
	const char *ca; /* that publishes it; NULL: none */
};
/* ERR_TEMPLATE_NAME, ERR_TEMPLATE_UNKNOWN, ERR_CONFLICT, those of lint_save() and template_fields_set(). Expects a
 * transaction. */
err_t template_duplicate(
    struct tx *tx, struct arena *a, const struct template_copy *c, struct template_row *ret);

struct template_change {
	const char *name;
	const json *settings;
	const char *const *overrides;
	size_t noverrides;
	bool
	    reenrol; /* all holders enrol anew: the major revision goes up instead of the minor one */
};
/* ERR_TEMPLATE_BUILTIN, ERR_BAD_REQUEST when there is nothing to change; else as above. Expects a transaction. */
err_t template_edit(struct tx *tx, struct arena *a, const struct template_change *c,
    struct template_row *ret, const char **ret_changed);
/* With the rights on it. ERR_TEMPLATE_BUILTIN, ERR_TEMPLATE_IN_USE while a CA publishes it. Expects a transaction. */
err_t template_delete(struct tx *tx, struct arena *a, const char *name);
/* Puts it on the CA's list of templates to issue, or takes it off. ERR_TEMPLATE_MANUAL. Expects a transaction. */
err_t template_publish(struct tx *tx, struct arena *a, const char *name, const char *ca,
    bool publish, struct template_row *ret);

err_t template_ekus(
    struct arena *a, const struct template_row *t, const char *const **ret, size_t *retn);
bool template_has_eku(const struct template_row *t, const char *oid);
bool template_on(const struct template_row *t, const char *ca); /* published, and on this CA */
/* Key usage for a key of this kind: an EC key cannot encipher keys. ERR_KEY_SIZE: too small, or not of an algorithm that
 * the template takes. */
err_t template_key(const struct template_row *t, const struct key *k, uint8_t *ret_usage);
/* Would such a key pass template_key()? */
bool template_takes(const struct template_row *t, enum key_alg alg, unsigned bits);
/* Template name or information, application policies, and what flags ask for. */
err_t template_extensions(
    struct arena *a, const struct template_row *t, struct issue_ext **ret, size_t *retn);
bool template_revocation_info(
    const struct template_row *t); /* are CRL and issuer addresses put in? */

#endif
