/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who was not let in, for the audit log: wrong enrolment codes, identities that are no longer good or used elsewhere,
 * wrong passwords and secrets.
 *
 * Whoever tries codes must not fill the log, nor cost the writer a turn each: what came is counted in memory, by side and
 * fault, and told in one line, the first at once and then what came since, ten minutes apart. A line says how many there
 * were, since when, from which addresses (the first few) and what the last one was about. What is counted and not told yet
 * when the process dies is lost; the metrics count apart from it.
 *
 * Not here: whether somebody is let in, and the metrics (device/count.h, api/sign_in.h).
 */
#ifndef MODEL_REFUSAL_H
#define MODEL_REFUSAL_H

#include "store/store.h"

enum refusal_side { REFUSED_DEVICE, REFUSED_CONNECTOR, REFUSED_SIGN_IN };

struct refusals;

struct refusals *refusals_new(void);
void refusals_free(struct refusals *x);

/* From any thread. Faults that do not say that somebody was not let in are passed over, and so is everything if x is NULL.
 * detail: of the fault; never a secret. */
void refusals_note(struct refusals *x, enum refusal_side side, enum err_code fault,
    const char *address, const char *detail);
/* Writes what is due to be told into the audit log; all: also what is not due yet. From one thread at a time. */
err_t refusals_tell(struct refusals *x, struct store *s, bool all);

#endif
