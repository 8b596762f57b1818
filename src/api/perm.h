/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Permissions: the names that tokens carry, and the bits that routes ask for.
 *
 * A route names the bits of which the caller must hold one. A name grants its bits and those it implies (ReadWrite
 * implies Read, Directory covers users, groups and members). Applications carry names in the claim `roles`, people in
 * `scp`. What a token says beyond this table grants nothing.
 *
 * Names are those of Microsoft Graph where Graph has the thing; the others begin with "Chancery.".
 *
 * Not here: who gets which permission (store/access.h), reading of tokens (api/token.h).
 */
#ifndef API_PERM_H
#define API_PERM_H

#include "codec/json.h"

enum perm {
	PERM_PUBLIC = 1u << 0,    /* no token asked for */
	PERM_SIGNED_IN = 1u << 1, /* any valid token */
	PERM_USERS_READ = 1u << 2,
	PERM_USERS_WRITE = 1u << 3,
	PERM_GROUPS_READ = 1u << 4,
	PERM_GROUPS_WRITE = 1u << 5,
	PERM_MEMBERS_READ = 1u << 6,
	PERM_MEMBERS_WRITE = 1u << 7,
	PERM_DEVICES_READ = 1u << 8,
	PERM_DEVICES_WRITE = 1u << 9,
	PERM_DEVICES_ACT = 1u << 10,
	PERM_CONFIG_READ = 1u << 11,
	PERM_CONFIG_WRITE = 1u << 12,
	PERM_ENROL_READ = 1u << 13,
	PERM_ENROL_WRITE = 1u << 14,
	PERM_AUDIT_READ = 1u << 15,
	PERM_METRICS_READ = 1u << 16,
	PERM_ORGANIZATION_READ = 1u << 17,
	PERM_RBAC_READ = 1u << 18,
	PERM_RBAC_WRITE = 1u << 19,
	PERM_SETTINGS_READ = 1u << 20,
	PERM_SETTINGS_WRITE = 1u << 21,
	PERM_FILTERS_READ = 1u << 22,
	/* No permission: the handler asks rights_reach() of every object (api/rights.h). */
	PERM_SCOPED = 1u << 23,
	/* Device port: by client certificate, never by token. */
	PERM_CONNECTOR_ENROL = 1u << 24,
	PERM_CONNECTOR = 1u << 25,
	PERM_FILTERS_WRITE = 1u << 26,
	PERM_CONNECTORS_READ = 1u << 27,
	PERM_CONNECTORS_WRITE = 1u << 28,
	PERM_SCEP_VALIDATE = 1u << 29,
	PERM_DEVICES_WIPE = 1u << 30,
};
/* What has no scope tags and may be read by who is limited by them. */
#define PERM_UNTAGGED \
	(PERM_USERS_READ | PERM_GROUPS_READ | PERM_MEMBERS_READ | PERM_ORGANIZATION_READ)
#define PERM_DEVICE_PORT (PERM_CONNECTOR_ENROL | PERM_CONNECTOR)

struct perm_name {
	const char *name;
	unsigned grants; /* with what is implied */
	const char *help;
};
extern const struct perm_name perm_names[]; /* ended by name NULL */

/* Bits of one name, case ignored; 0: there is none of that name. */
unsigned perm_bits(struct str name);
/* Bits of a blank-separated list; unknown names grant nothing. */
unsigned perm_list_bits(const char *list);
/* For lists that an administrator gives: ERR_BAD_REQUEST names the first unknown one and the near match. */
err_t perm_list_check(struct arena *a, const char *list);
/* What the token's payload grants. idtyp "app" reads roles, all else scp: never both. */
unsigned perm_of_claims(const json *claims);
/* The names out of `list` whose bits all lie in `within`, blank-separated. */
const char *perm_list_within(struct arena *a, const char *list, unsigned within);
/* "User.Read.All or Directory.Read.All": names that satisfy a route, for error details. */
const char *perm_describe(struct arena *a, unsigned need);

#endif
