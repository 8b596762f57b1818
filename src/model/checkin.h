/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A check-in: what the device reports goes in, what it shall do comes out, in one exchange.
 *
 *   report ──► results and inventory recorded ──► desired_for(device) ──► diff ──► requests inserted or withdrawn
 *          ──► commands: what is ready for this device, and what it must remove
 *
 * Running it again with the same report is harmless. When nothing is to be recorded or changed it only reads.
 *
 * A device that was retired is told what to remove, and nothing else. Once it reports that nothing is left it is gone:
 * from then on it is refused.
 */
#ifndef MODEL_CHECKIN_H
#define MODEL_CHECKIN_H

#include "model/kind.h"
#include "store/stamp.h"

struct report_item {
	const char *alias;
	bool identity; /* else a CA certificate */
	struct str sha256;
	bool has_key;
	when_t not_after;
};

enum result_status { RESULT_OK = 1, RESULT_ERROR, RESULT_NOT_NOW };
struct report_result {
	const char *id; /* of the command */
	enum result_status status;
	struct str sha256;
	const char *code, *detail; /* the device's own words */
};

struct report {
	/* It was taken before and waited since, so it may be older than what is on record: only the answer is made
	 * anew. */
	bool again;
	bool has_facts;
	struct device facts; /* name, fqdn, serial, machine_id, os, os_version, ... */
	bool has_inventory;
	const struct report_item *items;
	size_t nitems;
	const struct report_result *results;
	size_t nresults;
	struct str
	    identity; /* SHA-256 of the certificate that the device showed; for checkin_calm() */
};

enum command_kind {
	COMMAND_INSTALL_CA = 1,
	COMMAND_INSTALL_IDENTITY,
	COMMAND_REMOVE_CA,
	COMMAND_REMOVE_IDENTITY
};
struct command {
	enum command_kind kind;
	const char *id;                   /* "<slot id>:<hash>" */
	const char *alias;                /* "chancery-<profile id>" */
	struct str der;                   /* INSTALL_CA */
	struct str pfx, password, sha256; /* INSTALL_IDENTITY: two CMS, hash of the leaf */
};

/* What a check-in found, for model/calm.h. */
struct checkin_calm {
	struct stamp stamp;
	when_t
	    until; /* it would find the same until then, if nothing changes; 0: it found something to do */
	when_t written; /* the device's last contact on record */
};

/* ERR_DEVICE_RETIRED: it was retired, and everything is removed; that is on record now. */
err_t checkin_run(struct store *s, struct arena *a, struct id device, const struct report *r,
    struct command **ret, size_t *retn);
/* The same, and whether the device is as it should be. */
err_t checkin_look(struct store *s, struct arena *a, struct id device, const struct report *r,
    struct command **ret, size_t *retn, struct checkin_calm *ret_calm);

#endif
