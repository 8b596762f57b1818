/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A check-in: what the device reports goes in, what it shall do comes out, in one exchange.
 *
 *   report ──► results and inventory recorded ──► desired_for(device) ──► diff ──► requests inserted or withdrawn
 *          ──► commands: what is ready for this device, and what it must remove
 *
 * Running it again with the same report is harmless. When nothing is to be recorded or changed it only reads.
 *
 * A device that is to be wiped is told that and nothing else (model/wipe.h). One that was retired is told what to remove, and nothing else. Once it reports that nothing is left it is gone:
 * from then on it is refused.
 */
#ifndef MODEL_CHECKIN_H
#define MODEL_CHECKIN_H

#include "model/kind.h"
#include "store/stamp.h"

struct report_item {
	const char *alias;
	bool identity, network; /* neither: a CA certificate */
	struct str sha256;
	bool has_key;
	when_t not_after;
	/* The platform's own word for where it lies, given back with the command that removes it; NULL: none. At most
	 * LIMIT_LONG_TEXT bytes. */
	const char *place;
	/* DER, where the device shows it. Of a certificate that the device requested itself it is needed once, here
	 * or in the result: until then nobody knows which it is. */
	struct str certificate;
};

struct command;

enum result_status { RESULT_OK = 1, RESULT_ERROR, RESULT_NOT_NOW };
struct report_result {
	const char *id; /* of the command */
	enum result_status status;
	const char *code, *detail; /* the device's own words */
	const char *fault; /* id of the catalogue; NULL: device-refused, with RESULT_NOT_NOW none */
	int again_s;       /* RESULT_NOT_NOW: seconds until it is offered again; 0: a minute */
	struct str certificate; /* of COMMAND_ENROL: DER; empty: the inventory has it */
};

/*
 * What a platform does in the transaction of the check-in, with what came of it: its own state
 * (store/device_state.h), the commands that it is about to send. It may be called twice: check-ins begin by reading,
 * and the first that has something to write (request_may_write) begins anew as a writer. What it puts into ctx must
 * stand that.
 */
struct checkin_with {
	err_t (*run)(struct tx *tx, struct arena *a, const struct device *d,
	    const struct command *v, size_t n, void *ctx);
	void *ctx;
};

/* Whether the device can be told in this answer to wipe itself. */
enum report_wipe {
	REPORT_WIPE_NOT_HERE, /* not in this answer */
	REPORT_WIPE_CAN,
	REPORT_WIPE_NEVER /* it does not let itself be wiped */
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
	const struct checkin_with *with; /* NULL: nothing */
	/* The same before anything of the report is looked at, without commands: what is said by what the platform keeps
	 * is filled in here, where nobody else changes it. NULL: nothing. */
	const struct checkin_with *first;
	enum report_wipe wipe;
	struct str
	    identity; /* SHA-256 of the certificate that the device showed; for checkin_calm() */
};

enum command_kind {
	COMMAND_INSTALL_CA = 1,
	COMMAND_INSTALL_IDENTITY,
	COMMAND_REMOVE_CA,
	COMMAND_REMOVE_IDENTITY,
	COMMAND_ENROL, /* make a key, request by SCEP */
	COMMAND_WIPE,  /* erase everything; comes alone */
	COMMAND_INSTALL_NETWORK,
	COMMAND_REMOVE_NETWORK
};
struct wipe_how;

struct command {
	enum command_kind kind;
	/* "<slot id>:<hash>"; of removals "<slot id>:remove-<hash>"; of WIPE "<device id>:wipe" */
	const char *id;
	const char *alias; /* "chancery-<profile id>"; WIPE: NULL */
	struct str der;    /* INSTALL_CA */
	struct str pfx, password,
	    sha256; /* INSTALL_IDENTITY: as packed (model/packing.h), hash of the leaf; INSTALL_NETWORK: names its content */
	struct str leaf; /* INSTALL_IDENTITY: DER */
	/* All but removals: the profile, and what it is reduced to: stores, key, access, names, uses. */
	const struct profile *profile;
	const struct primitive *what;
	struct id user; /* whose it is; zero: the device's */
	struct str
	    root; /* ENROL, INSTALL_IDENTITY: DER of the root that the profile refers to; empty: none */
	struct id request; /* ENROL: what challenge and address are made of (device/device.h) */
	uint64_t fence;
	const char *place;           /* removals: as the inventory said; NULL: it did not */
	const struct wipe_how *wipe; /* WIPE: model/wipe.h */
};

/* What a check-in found: for model/calm.h, and for who waits for its next one. */
struct checkin_calm {
	struct stamp stamp;
	when_t
	    until; /* it would find the same until then, if nothing changes; 0: it found something to do */
	when_t written; /* the device's last contact on record */
	when_t due;     /* what was put off comes then, without anybody's doing; 0: nothing was */
};

/* Whether a command of this id was a removal. */
bool checkin_removes(const char *command);

/* ERR_DEVICE_ELSEWHERE: it speaks of other hardware than the device's; ERR_DEVICE_REPLACED: model/life.h.
 * ERR_DEVICE_RETIRED: it was retired, and everything is removed; that is on record now. ERR_DEVICE_WIPED: it said that it
 * wipes itself. */
err_t checkin_run(struct store *s, struct arena *a, struct id device, const struct report *r,
    struct command **ret, size_t *retn);
/* The same, and whether the device is as it should be. */
err_t checkin_look(struct store *s, struct arena *a, struct id device, const struct report *r,
    struct command **ret, size_t *retn, struct checkin_calm *ret_calm);

#endif
