/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices, connectors and the one-time codes they enrol with. Every function expects a transaction.
 */
#ifndef STORE_DEVICE_H
#define STORE_DEVICE_H

#include "store/directory.h"

enum device_state { DEVICE_ACTIVE = 1, DEVICE_RETIRED, DEVICE_GONE };

enum device_ownership { OWNERSHIP_UNKNOWN, OWNERSHIP_COMPANY, OWNERSHIP_PERSONAL };
enum device_rooted { ROOTED_UNKNOWN, ROOTED_NO, ROOTED_YES };
enum device_join { JOIN_UNKNOWN, JOIN_JOINED, JOIN_REGISTERED, JOIN_HYBRID };

struct device {
	struct id id;
	struct id user; /* primary; zero: none */
	const char *name, *fqdn, *serial, *machine_id, *manufacturer, *model;
	const char *platform; /* "linux", ... */
	const char *os, *os_version;
	const char *agent_version;
	const char *imei, *meid, *wifi_mac, *ethernet_mac, *udid; /* as the device reports them */
	enum device_ownership ownership;
	const char *category;
	const char *enrol_profile; /* name of the enrolment profile that it came by */
	const char *enrol_type;    /* member of Graph's deviceEnrollmentType; "": userEnrollment */
	enum device_rooted rooted;
	const char *cpu; /* "amd64", "x86", "arm64", "x64"; "": unknown */
	const char *sku; /* Windows: "Enterprise", "Professional", ... */
	enum device_join join_type;
	const char *sid, *dn; /* on-premises */
	const char *notes;
	const char *scope_tags; /* JSON array of text; "": ["0"] */
	/* Comma list of variables' fields (imei, serialNumber, ...) that its platform keeps to itself, by policy. */
	const char *withheld;
	/* Apple: "declarative" if it tells by itself which certificates it holds, "polled" or "polled: WHY" if it is asked
	 * for them; "": not known yet. Elsewhere "". */
	const char *reporting;
	/* Windows: its channel for wake-ups, and what the push service said last; "": the installation wakes none, or it was
	 * not asked yet. Elsewhere "". Written by store_device_waking() alone. */
	const char *waking;
	enum device_state state;
	struct str identity; /* its certificate, DER */
	struct str identity_sha256;
	when_t identity_not_after;
	when_t enrolled, last_seen;
	const char *inventory; /* last reported inventory, JSON text */
	uint64_t fence;        /* of the order that its identity was issued under */
};

err_t store_device_insert(struct tx *tx, const struct device *d);
/* All but id, enrolled and waking. */
err_t store_device_update(struct tx *tx, const struct device *d);
/* A device that is not there is no error. */
err_t store_device_waking(struct tx *tx, struct id id, const char *waking);
/* Of a check-in, which compares it with what it should have in the same transaction: not due until the next change. */
err_t store_device_seen(struct tx *tx, struct id id, when_t now);
/* The same, with what it says it holds. */
err_t store_device_shown(struct tx *tx, struct id id, when_t now, const char *inventory);
/* An administrator wants to know how it stands: platforms that do not list with each contact what they hold are asked for
 * it. When that was last; 0: never. */
err_t store_device_ask(struct tx *tx, struct id id, when_t now);
err_t store_device_asked(struct tx *tx, struct id id, when_t *ret);
/* It was in contact, and was not compared. A later contact on record stays; a device that is not there is no error. */
err_t store_device_contact(struct tx *tx, struct id id, when_t at);
/* Active ones that nobody compared with what they should have since users, members or assignments changed; longest ago
 * first. */
struct device_due {
	struct id id;
	int64_t changes; /* their number as of this transaction */
};
err_t store_device_due(
    struct tx *tx, struct arena *a, size_t limit, struct device_due **ret, size_t *retn);
/* The first after `after` that is retired or gone and whose identity certificate was not revoked yet; ERR_NOT_FOUND. */
err_t store_device_left(struct tx *tx, struct arena *a, struct id after, struct id *ret);
/* It is revoked. */
err_t store_device_ended(struct tx *tx, struct id id);
/* Compared, with all that was changed until then. */
err_t store_device_looked(struct tx *tx, const struct device_due *d);
err_t store_device_get(struct tx *tx, struct arena *a, struct id id, struct device *ret);
/* How many active ones there are of each platform, apart by their scope tags. */
struct device_count {
	const char *platform, *scope_tags;
	int64_t n;
};
err_t store_device_counts(struct tx *tx, struct arena *a, struct device_count **ret, size_t *retn);
err_t store_device_by_identity(
    struct tx *tx, struct arena *a, struct str sha256, struct device *ret);
/* The active one that enrolled last. */
err_t store_device_by_serial(
    struct tx *tx, struct arena *a, const char *serial, struct device *ret);
err_t store_device_list(
    struct tx *tx, struct arena *a, struct page p, struct device **ret, size_t *retn, bool *more);
err_t store_device_of_user(
    struct tx *tx, struct arena *a, struct id user, struct device **ret, size_t *retn);

struct connector {
	struct id id;
	const char *name, *machine, *version;
	const char *features;                 /* comma list: pkcs,revoke */
	const char *cas;                      /* comma list of CA names it reaches */
	const char *import_keys;              /* comma list, as struct pfx_copy names keys */
	struct str identity, identity_sha256; /* its certificate towards the service */
	/* SPKI of its key-making process, as it said when it enrolled: never changed. Empty: it did not say */
	struct str maker;
	struct str holder; /* SHA-256 of its certificate towards the CA; empty until it said so */
	bool enabled;
	when_t enrolled, last_contact;
	uint64_t fence; /* of the order that its identity was issued under */
	const char
	    *templates;   /* comma list of those that it may enrol for, when it was checked last */
	when_t checked;   /* 0: never */
	struct id wanted; /* release that it shall go over to; zero: none */
	when_t turn;      /* when that was offered to it; 0: not yet */
	const char *report; /* what it says of itself, JSON; "": nothing */
};

err_t store_connector_insert(struct tx *tx, const struct connector *c);
err_t store_connector_update(struct tx *tx, const struct connector *c);
err_t store_connector_delete(struct tx *tx, struct id id);
err_t store_connector_get(struct tx *tx, struct arena *a, struct id id, struct connector *ret);
err_t store_connector_by_identity(
    struct tx *tx, struct arena *a, struct str sha256, struct connector *ret);
err_t store_connector_list(struct tx *tx, struct arena *a, struct page p, struct connector **ret,
    size_t *retn, bool *more);

enum code_kind { CODE_DEVICE = 1, CODE_CONNECTOR };
struct code {
	struct id id;
	struct str hash; /* SHA-256 of the code; the code itself is shown once and never stored */
	enum code_kind kind;
	struct id user;                /* CODE_DEVICE: whose device it becomes; zero: none */
	when_t created, expires, used; /* used 0: not yet */
	struct id used_by;             /* device or connector */
};
err_t store_code_insert(struct tx *tx, const struct code *c);
/* The unused, unexpired code of that kind with this hash becomes used by `by`: one guarded statement. The same `by` may
 * repeat. ERR_CODE (wrong or used or expired; the detail says which only to the log). */
err_t store_code_use(struct tx *tx, struct arena *a, enum code_kind kind, struct str hash,
    struct id by, when_t now, struct code *ret);
/* Whether it could be used by `by` (zero: by somebody new), without using it; same errors. */
err_t store_code_check(struct tx *tx, struct arena *a, enum code_kind kind, struct str hash,
    struct id by, when_t now, struct code *ret);
err_t store_code_list(
    struct tx *tx, struct arena *a, struct page p, struct code **ret, size_t *retn, bool *more);
err_t store_code_delete(struct tx *tx, struct id id);

#endif
