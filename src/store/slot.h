/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots, requests and their timeline. Every function expects a transaction.
 *
 * The unique key (device, user, profile, item) makes slots; the unique key (slot, kind) over open requests makes sure
 * that a slot never has two. State changes are guarded statements: they name the state they start from and say with
 * ERR_STATE_MOVED that it was another. model/request.h draws the machine and is the only caller of those.
 */
#ifndef STORE_SLOT_H
#define STORE_SLOT_H

#include "store/device.h"

enum request_state {
	REQUEST_QUEUED = 1,
	REQUEST_LEASED,
	REQUEST_READY,
	REQUEST_OFFERED,
	REQUEST_DONE,
	REQUEST_FAILED,
	REQUEST_WITHDRAWN
};
/* REQUEST_IMPORT: a certificate that was imported with its key is opened by a connector and sealed to the device. */
/* REQUEST_ENROL: the device makes the key and requests by SCEP; a connector leaves the order behind the challenge at the CA. */
enum request_kind {
	REQUEST_ISSUE = 1,
	REQUEST_REVOKE,
	REQUEST_TRUST,
	REQUEST_IMPORT,
	REQUEST_ENROL,
	REQUEST_NETWORK /* a network to join: nothing is issued */
};

/* Where a slot stands: model/status.h decides, the store counts. The SQL names them by number. */
enum status_state {
	STATUS_WAITING = 1,
	STATUS_ISSUING,
	STATUS_READY,
	STATUS_OFFERED,
	STATUS_INSTALLED,
	STATUS_RENEWING,
	STATUS_FAILED,
	STATUS_REMOVING,
	STATUS_REMOVED
};

struct slot {
	struct id id, device, user, profile; /* user zero: none */
	struct id
	    item; /* which of the profile's imported certificates; zero: it has one thing to deliver */
	const char *kind; /* kind of the profile: "trusted-root", "pkcs" */
	bool wanted;      /* desired at the last look */
	struct str
	    wanted_hash; /* SHA-256 of the content it should have; empty: none could be made */
	struct str reached_hash; /* of what the device says it has; empty: nothing */
	const char *fault;       /* id of the catalogue; "" when all is well */
	const char *detail;
	when_ms_t since;               /* of the present state of things */
	when_ms_t assigned, installed; /* 0: not yet */
	struct id request;             /* newest request that matters; zero: none */
	const char *serial, *subject;  /* of the current certificate; "" if none */
	const char *issuer;            /* CA name */
	struct str cert_sha256;
	when_t not_before, not_after;
	enum status_state state;
	const char *thumbprint; /* SHA-1 of the certificate in hex, as Windows and Graph show it */
};

struct request {
	struct id id, slot, device;
	enum request_kind kind;
	enum request_state state;
	uint64_t fence; /* counts leases */
	uint32_t attempts;
	struct str hash;   /* content hash it works for */
	const char *ca;    /* CA name it must reach; "" for REQUEST_TRUST, _IMPORT and _NETWORK */
	const char *owner; /* connector that holds the lease, as text id */
	when_t
	    lease_until; /* REQUEST_ENROL, READY or OFFERED: the end of its challenge; 0: it has none */
	when_t not_before;          /* not leased before this time (retry) */
	const char *fault, *detail; /* why it failed or waits */
	const char *
	    keep; /* REQUEST_REVOKE: serial that stays; REQUEST_ENROL: the key that it is granted to; "": none yet */
	struct id
	    about; /* REQUEST_REVOKE: the issue request whose certificates go; REQUEST_IMPORT: the record */
	/* the result */
	struct str leaf, sealed,
	    password; /* DER, CMS, CMS. REQUEST_TRUST: leaf is the CA certificate; _NETWORK: what names its content */
	const char *serial;
	/* REQUEST_ISSUE, LEASED: the connector (text id) that has begun to send it to a CA which would issue anew if it were
	 * sent again; FAILED: the one whose word is still awaited; REQUEST_ENROL by EST: until its answer is there; else "" */
	const char *sent;
	const char *
	    ca_request; /* how the CA calls the request, where that is known and nothing was issued yet; else "" */
	bool
	    unissued; /* nothing was issued, so there is nothing to revoke: a CA that knows no orders said so, or none was asked */
	when_ms_t created, updated;
};

struct event {
	int64_t seq;
	struct id slot, request;
	when_ms_t when;
	const char *actor; /* "service", "connector NAME", "ca", "device" */
	const char *event; /* "queued", "leased", "issued", "offered", "installed", ... */
	const char *detail;
	const char *fault; /* id, or "" */
	int64_t count;     /* how often it happened, once or more: 0 is read as 1 */
	when_ms_t until;   /* the last time */
};

err_t store_slot_insert(struct tx *tx, const struct slot *s); /* ERR_CONFLICT: it is there */
err_t store_slot_update(
    struct tx *tx, const struct slot *s); /* all but who it is for and of what kind */
err_t store_slot_get(struct tx *tx, struct arena *a, struct id id, struct slot *ret);
err_t store_slot_find(struct tx *tx, struct arena *a, struct id device, struct id user,
    struct id profile, struct slot *ret);
err_t store_slots_of_device(
    struct tx *tx, struct arena *a, struct id device, struct slot **ret, size_t *retn);
/* profile or device zero: any. */
err_t store_slot_list(struct tx *tx, struct arena *a, struct id profile, struct id device,
    struct page p, struct slot **ret, size_t *retn, bool *more);

err_t store_request_insert(
    struct tx *tx, const struct request *r); /* ERR_CONFLICT: the slot has an open one */
err_t store_request_get(struct tx *tx, struct arena *a, struct id id, struct request *ret);
/* Open (QUEUED, LEASED, READY, OFFERED) or FAILED request of that slot and kind, newest first; ERR_NOT_FOUND. */
err_t store_request_of_slot(
    struct tx *tx, struct arena *a, struct id slot, enum request_kind kind, struct request *ret);
/* The oldest leasable one (QUEUED, or LEASED with its lease over and not sent; not_before reached) of these kinds and CAs becomes
 * LEASED by owner with fence + 1: one statement with RETURNING. ERR_NOT_FOUND: nothing to do. cas: comma list; keys:
 * those of the import keys, for REQUEST_IMPORT. */
err_t store_request_lease(struct tx *tx, struct arena *a, const enum request_kind *kinds,
    size_t nkinds, const char *cas, const char *keys, const char *owner, when_t now, when_t until,
    struct request *ret);
/* Writes state and all other columns of r but who and what it is for (slot, device, kind, hash, ca, about, created), if the row is
 * still in `from` and (fence not 0) holds this fence. */
err_t store_request_move(
    struct tx *tx, const struct request *r, enum request_state from, uint64_t fence);
/* When the next lease ends or the next retry is due; 0: none. */
err_t store_request_next_due(struct tx *tx, when_t now, when_t *ret);
/* Leased ones whose time is over, and that were not sent, go back to QUEUED; how many. */
err_t store_request_expire(struct tx *tx, when_t now, size_t *ret);
/* LEASED ones whose time is over, at most `limit`. */
err_t store_request_overdue(
    struct tx *tx, struct arena *a, when_t now, size_t limit, struct request **ret, size_t *retn);
/* Those that this owner holds a lease of, at most limit. */
err_t store_requests_leased_by(struct tx *tx, struct arena *a, const char *owner, size_t limit,
    struct request **ret, size_t *retn);
/* Those that any worker of this connector holds a lease of: owner is the connector's text id, or begins with it and '/'. */
err_t store_requests_leased_to(struct tx *tx, struct arena *a, const char *connector, size_t limit,
    struct request **ret, size_t *retn);
/* Every request that the slot has on record, oldest first; without leaf, sealed and password, so none of these may be
 * handed to store_request_move(). */
err_t store_requests_of_slot(
    struct tx *tx, struct arena *a, struct id slot, struct request **ret, size_t *retn);
/* What was sealed for the device is wiped, whatever state it is in. */
err_t store_request_forget(struct tx *tx, struct id id);
/* The serial number of what was issued for a request of the slot, for its row and its revocation's, where they have none. */
err_t store_request_name_serial(
    struct tx *tx, struct id slot, struct id request, const char *serial);
/* The oldest open revocation of the slot that has a fault; ERR_NOT_FOUND. */
err_t store_request_stuck(struct tx *tx, struct arena *a, struct id slot, struct request *ret);
/* Removes what is over for good (never leased, revoked, or the revocation of what was removed), except for the newest
 * `keep` and the slot's present one. */
err_t store_request_prune(struct tx *tx, struct id device, struct id slot, size_t keep);
err_t store_request_counts(struct tx *tx, size_t ret[8]); /* by state */

err_t store_event_add(struct tx *tx, const struct event *e);
/* Of what comes again and again: counts up the row that says the same of the same request by the same actor, with the
 * newer detail, if it is among the slot's last few; else adds one. */
err_t store_event_repeat(struct tx *tx, const struct event *e);
err_t store_event_list(struct tx *tx, struct arena *a, struct id slot, struct event **ret,
    size_t *retn); /* oldest first */

#endif
