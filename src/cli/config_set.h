/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be kept in files: a row for each kind of object, in the order in which they refer to each other, and its two
 * forms. The form in files has no identifiers: objects are known by kind and name, and refer to others by name.
 *
 *   {"kind": "profile", "displayName": "Wi-Fi", "@odata.type": ..., settings as the API has them,
 *    "rootCertificate": "Corp Root", "scopeTags": ["Berlin"],
 *    "secrets": {"preSharedKey": {"file": "guests.key"}} (cli/config_secrets.h),
 *    "references": {"identityCertificate": "Ada's certificate", "rootCertificatesForServerValidation": ["Corp Root"]},
 *    "assignments": [{"group": "Sales", "filter": "Laptops", "filterMode": "include"}, {"excludeGroup": "Lab"},
 *                    {"all": "devices"}, {"all": "users"}]}
 *   {"kind": "role", ..., "permissions": ["DeviceManagementConfiguration.Read.All"]}
 *   {"kind": "roleAssignment", ..., "role": "Operators", "members": ["group:Helpdesk", "user:a@b.example", "issuer:x"]}
 *   {"kind": "notification", "channel": "webhook", ...}
 *   {"kind": "scopeTag" | "group" | "filter", displayName, description ...}
 *
 * Lists whose order means nothing are sorted. Not here: files (cli/config_file.h), what is to be done (cli/config_plan.h).
 */
#ifndef CLI_CONFIG_SET_H
#define CLI_CONFIG_SET_H

#include "cli/command.h"

enum config_kind {
	CONFIG_SCOPE_TAG,
	CONFIG_GROUP,
	CONFIG_FILTER,
	CONFIG_ROLE,
	CONFIG_ROLE_ASSIGNMENT,
	CONFIG_PROFILE,
	CONFIG_NOTIFICATION
};
#define CONFIG_KINDS 7u

struct config_set {
	const char *kind, *file; /* "profile", "profiles.json" */
	const char *path, *list; /* of the collection; to read it */
	const char *const
	    *properties; /* as they are in both forms; NULL: all but those of `hidden` */
	const char *const *references; /* of the form in files alone */
	const char *const *hidden;
};
extern const struct config_set config_sets[CONFIG_KINDS];

/* Objects as the installation has them. */
struct config_world {
	json *rows[CONFIG_KINDS];  /* as the API gives them, of those that files may speak of */
	json *ids[CONFIG_KINDS];   /* name -> identifier; "" : several have the name */
	bool closed[CONFIG_KINDS]; /* what the caller may not read: no rows then */
};
err_t config_world_read(struct cli *c, struct config_world *ret);
void config_world_free(struct config_world *w);
/* NULL: not there. */
const char *config_id(const struct config_world *w, enum config_kind k, const char *name);
void config_made(struct config_world *w, enum config_kind k, const char *name, const char *id);

/* A row in the form of files. ERR_AMBIGUOUS: it refers to a name that several have. */
err_t config_to_file(
    struct cli *c, const struct config_world *w, enum config_kind k, const json *row, json **ret);
/* The members of `want` that `only` names (NULL: all) as the API takes them, without assignments. Names that are not there
 * (yet) go to *missing as "property: name", a new array. */
err_t config_to_api(struct cli *c, const struct config_world *w, enum config_kind k,
    const json *want, const json *only, json **ret, json *missing);
/* The body of `assign`. */
err_t config_assignments(
    struct cli *c, const struct config_world *w, const json *want, json **ret, json *missing);
/* Sorted where order means nothing: both forms of a value compare by it. */
err_t config_normal(struct arena *a, const char *property, const json *value, json **ret);
/* Whether the set has the property in files. */
bool config_has(enum config_kind k, const char *property);

#endif
