/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles as the API sees them: created and changed, each with all checks, in one transaction, audited.
 *
 * Not here: to whom they go (model/assign.h).
 */
#ifndef MODEL_PROFILE_H
#define MODEL_PROFILE_H

#include "model/kind.h"

/* Whether profiles of a type have a trusted-root profile that they refer to. */
enum root_rule { ROOT_NONE, ROOT_MAY, ROOT_MUST };
/* Under which path of deviceManagement Graph has them: deviceConfigurations, or resourceAccessProfiles. */
enum profile_set { SET_CONFIGURATIONS, SET_ACCESS };
extern const char *const profile_set_names[];

/* One API type: a kind on a platform. */
struct profile_type {
	const char *name;     /* "#chancery.linuxPkcsCertificateProfile" */
	const char *platform; /* "linux": of the devices that it is for */
	const struct kind *kind;
	enum family family;
	uint64_t only; /* its bit among those of struct field */
	enum root_rule root;
	enum profile_set set;
};
extern const struct profile_type *const profile_types; /* ended by a row with name NULL */
/* Case ignored, with or without '#' and namespace, also in microsoft.management.services.api. ERR_PROFILE_TYPE names the
 * near match. */
err_t profile_type_find(const char *name, const struct profile_type **ret);
/* The rows that the type has, in the order in which they are shown. */
const struct field *profile_type_fields(
    struct arena *a, const struct profile_type *t, size_t *retn);
/* Every row of the type's kind, of whatever platform. */
const struct field *profile_kind_fields(struct arena *a, const struct kind *k, size_t *retn);

/* The settings of a stored profile as the struct that its kind describes. */
err_t profile_settings(struct arena *a, const struct kind *k, const struct profile *p, void **ret);
/* The same to be read alone, of a profile of this type, good as long as the arena: for check-ins, which come with the same ones again
 * and again. */
err_t profile_settings_shared(struct tx *tx, struct arena *a, const struct profile_type *t,
    const struct profile *p, const void **ret);

/* Properties of every profile of a set: displayName, description ... */
const struct field *profile_common_fields(enum profile_set set, size_t *retn);

/* Things that were saved but deserve a look. */
struct warning {
	const char *fault; /* id of the catalogue */
	const char *detail;
};
struct warnings {
	struct warning v[16];
	size_t n;
};
void warn(struct warnings *w, enum err_code code, const char *detail);

/* What the secrets of a body come to (model/secret.h). */
struct secrets;

/* Reads a profile from the API's JSON (FIELD_CREATE), checks it, stores it, audits it. rootCertificate@odata.bind names the
 * trusted-root profile, with Windows 10X rootCertificateId as well. `actor` for the audit. */
err_t profile_create(struct store *s, struct arena *a, const char *actor, const json *body,
    struct profile *ret, struct warnings *warn);
/* The same of a body that has secrets; the profile gets the identifier that they are sealed for. */
err_t profile_create_with(struct store *s, struct arena *a, const char *actor, const json *body,
    const struct secrets *secrets, struct profile *ret, struct warnings *warn);
err_t profile_update(struct store *s, struct arena *a, const char *actor, struct id id,
    const json *body, struct profile *ret, struct warnings *warn);
err_t profile_delete(struct store *s, struct arena *a, const char *actor, struct id id);
/* The same, if check agrees with the profile as it is in the transaction that changes it. */
typedef err_t (*profile_check)(void *ctx, struct arena *a, const struct profile *now);
err_t profile_update_if(struct store *s, struct arena *a, const char *actor, struct id id,
    const json *body, const struct secrets *secrets, profile_check check, void *ctx,
    struct profile *ret, struct warnings *warn);
err_t profile_delete_if(struct store *s, struct arena *a, const char *actor, struct id id,
    profile_check check, void *ctx);
/* Takes the reference to the trusted-root profile out. ERR_NOT_FOUND: there is none; ERR_MODEL_INVALID: it must have one. */
err_t profile_unbind(struct store *s, struct arena *a, const char *actor, struct id id,
    profile_check check, void *ctx, struct warnings *warn);

/* Changes one reference of a profile that names others (model/refs.h). A change like any other. */
enum refs_op { REFS_SET = 1, REFS_CLEAR, REFS_ADD, REFS_REMOVE };
err_t profile_refer(struct store *s, struct arena *a, const char *actor, struct id id,
    const char *reference, enum refs_op op, struct id target, profile_check check, void *ctx,
    struct warnings *warn);

/* Versions that a profile had before each change, by number (store/rollout.h), newest first; the newest 20 of a year. */
struct version;
/* ERR_NOT_FOUND: the profile has no such version (any more). Expects a transaction. */
err_t profile_version(
    struct tx *tx, struct arena *a, struct id profile, int64_t number, struct version *ret);
/* Settings, names and root as they were in that version; with_targets: its targets, too, but for groups and filters that are
 * gone. Scope tags stay as they are. A change like any other: checked, paced (terms: as ROLLOUT_MEMBER of a body), kept as a
 * version itself, audited with before and after. */
err_t profile_restore_if(struct store *s, struct arena *a, const char *actor, struct id id,
    int64_t number, bool with_targets, const json *terms, profile_check check, void *ctx,
    struct profile *ret, struct warnings *warn);

/* The whole JSON of a profile with @odata.type. */
err_t profile_json(struct arena *a, const struct profile *p, json **ret);

#endif
