/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles as the API sees them: created, changed, assigned, each with all checks, in one transaction, audited.
 */
#ifndef MODEL_PROFILE_H
#define MODEL_PROFILE_H

#include "model/kind.h"

/* One API type: a kind on a platform. */
struct profile_type {
	const char *name;     /* "#chancery.linuxPkcsCertificateProfile" */
	const char *platform; /* "linux" */
	const struct kind *kind;
};
extern const struct profile_type *const profile_types; /* ended by a row with name NULL */
/* Case ignored, with or without '#'. ERR_PROFILE_TYPE names the near match. */
err_t profile_type_find(const char *name, const struct profile_type **ret);

/* The settings of a stored profile as the struct that its kind describes. */
err_t profile_settings(struct arena *a, const struct kind *k, const struct profile *p, void **ret);

/* Things that were saved but deserve a look. */
struct warning {
	const char *fault; /* id of the catalogue */
	const char *detail;
};
struct warnings {
	struct warning v[16];
	size_t n;
};

/* Reads a profile from the API's JSON (FIELD_CREATE), checks it, stores it, audits it. rootCertificate@odata.bind names the
 * trusted-root profile. `actor` for the audit. */
err_t profile_create(struct store *s, struct arena *a, const char *actor, const json *body,
    struct profile *ret, struct warnings *warn);
err_t profile_update(struct store *s, struct arena *a, const char *actor, struct id id,
    const json *body, struct profile *ret, struct warnings *warn);
err_t profile_delete(struct store *s, struct arena *a, const char *actor, struct id id);
/* The whole JSON of a profile with @odata.type. */
err_t profile_json(struct arena *a, const struct profile *p, json **ret);
/* Replaces the assignments. ERR_ASSIGNMENT: same group included and excluded, unknown group. Warns when a certificate
 * profile's root is not assigned to the same targets. Nudges connected devices. */
err_t profile_assign(struct store *s, struct arena *a, const char *actor, struct id id,
    const struct assignment *v, size_t n, struct warnings *warn);

#endif
