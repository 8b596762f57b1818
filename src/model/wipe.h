/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wiping a device: an administrator asks for it, the device is told with its next contact, and says whether it does it.
 *
 *   device_wipe()
 *  (none) ─────► PENDING ──offered──► ISSUED ──yes──► DONE        the device is gone, its identity dead
 *                 │   │                │  │ └──yes, and it keeps its enrolment──► RESETTING ──it is back──► DONE
 *                 │   └─too old─► EXPIRED └──no──► FAILED
 *                 └──── device_wipe_cancel() ────► CANCELLED ◄── from ISSUED and FAILED as well
 *
 * Until it is offered nothing changes: what the device holds may be how it reaches the service at all. From then on
 * everything that was issued to it is withdrawn and revoked, as nobody may hear its answer any more; that stays so after a
 * no, until the wipe is cancelled or asked for again, because a device that somebody wanted empty gets nothing new. One
 * that says beforehand that it does not let itself be wiped is not told, fails, and keeps what it has.
 * An ISSUED one is offered with each contact until the device answers. A yes counts whenever it comes, after a
 * cancellation, too: the device says that it erases itself.
 *
 * A device that shall lose its certificates now, not when it is reached, is also marked as lost (model/life.h).
 *
 * Not here: how a platform says it (device/).
 */
#ifndef MODEL_WIPE_H
#define MODEL_WIPE_H

#include "codec/field.h"
#include "model/checkin.h"
#include "model/life.h"
#include "net/ipc.h"

/* How long a device may be away before a wipe that was asked for is forgotten: 180 days. */
enum { WIPE_LIFE = 180 * 86400 };

/* What a Mac does that cannot erase quickly; the order is that of Apple's names. */
enum wipe_fallback {
	WIPE_FALLBACK_DEFAULT,
	WIPE_FALLBACK_NONE,
	WIPE_FALLBACK_WARN,
	WIPE_FALLBACK_ALWAYS
};

struct wipe_how {
	bool keep_enrolment, keep_user; /* Windows */
	bool protect;        /* Windows: clean the disk, even if it does not start again */
	bool keep_data_plan; /* iPhone, iPad */
	const char *
	    pin; /* Macs: six digits, needed; NULL, "": none. As an administrator gives it; never kept, never shown */
	const char *sealed; /* the same as it is kept until the device answered; NULL, "": none */
	int64_t fallback;   /* Macs: enum wipe_fallback */
};
/* By the names of Graph's action: keepEnrollmentData, keepUserData, macOsUnlockCode ... */
extern const struct field wipe_fields[];
extern const size_t wipe_nfields;

/* Puts how->sealed in the place of how->pin (model/secret.h), for this device alone; without a code nothing changes. That it
 * is six digits was seen when it was read (wipe_fields). */
err_t wipe_seal(struct ipc_client *keys, struct arena *a, struct id device, struct wipe_how *how);
/* The code, opened, for the message to the device; "": none. ERR_SECRET_LOST, ERR_IPC. */
err_t wipe_pin(struct ipc_client *keys, struct arena *a, struct id device,
    const struct wipe_how *how, const char **ret);

/* Replaces one that is not over. A code must be sealed. ERR_DEVICE_RETIRED; ERR_WIPE_HOW: not on this platform; ERR_WIPE_TAKEN: RESETTING. */
err_t device_wipe(struct store *s, struct arena *a, const struct life_actor *by, struct id device,
    const struct wipe_how *how);
/* Nothing to cancel is no error. ERR_WIPE_TAKEN: the device said yes. */
err_t device_wipe_cancel(
    struct store *s, struct arena *a, const struct life_actor *by, struct id device);
/* The device leaves by another way. In the transaction of that. */
err_t wipe_forget(struct tx *tx, struct arena *a, struct id device);

/* Those that no device came for in time are over, by the clock: nobody has to ask. To be called now and then. */
err_t wipe_sweep(struct store *s);

/* The device gets nothing, and what it has is withdrawn. */
bool wipe_withholds(const struct device_life *l);
/* It is to be told, now or again. */
bool wipe_is_open(const struct device_life *l);
/* As of now: one that is too old is WIPE_EXPIRED, whatever the record says. */
enum wipe_state wipe_state_of(const struct device_life *l);
const char *wipe_state_name(enum wipe_state s); /* "pending", ...; WIPE_NONE: "none" */
err_t wipe_how_parse(struct arena *a, const char *text, struct wipe_how *ret);

/* The id of the command, the same each time: a device's yes is a yes to whatever wipe. */
const char *wipe_command_id(struct arena *a, struct id device);
bool wipe_is_command(const char *id);
/* In the transaction of a check-in, before anything else is made of the report. Takes results of the wipe; *ret NULL: it
 * is not to be told in this answer. *d is changed to what was written: gone, if it said yes. *ret_any: one was asked for
 * some time, so that something about it may have been written here. */
err_t wipe_checkin(struct tx *tx, struct arena *a, struct device *d, const struct report *r,
    const struct wipe_how **ret, bool *ret_open, bool *ret_any);

#endif
