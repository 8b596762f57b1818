/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When revocation lists are made and how long they are good: the rules of an AD CS CA, and the settings they follow.
 *
 *   thisUpdate     now less the clock skew, not before the CA begins
 *   next publish   now and the period
 *   nextUpdate     next publish and overlap and skew, not after the CA ends
 *   overlap        as set; else of a base a tenth of the period, at most 12 hours, at least one and a half skews,
 *                  and of a delta the period, at most 12 hours
 *
 * Pure but for the settings. Not here: making lists (ca/crl.h).
 */
#ifndef CA_CRL_PLAN_H
#define CA_CRL_PLAN_H

#include "store/ca.h"

/* Seconds, of the settings crl.* (ca/setting.h). */
struct crl_settings {
	int64_t period;        /* of bases */
	int64_t delta_period;  /* 0: no deltas */
	int64_t overlap;       /* 0: computed */
	int64_t delta_overlap; /* 0: computed */
	int64_t clock_skew;
};
/* Expects a transaction. */
err_t crl_settings_get(struct tx *tx, struct crl_settings *ret);

struct crl_times {
	when_t this_update, next_publish, next_update;
};
struct crl_times crl_times(const struct crl_settings *s, bool delta, when_t now,
    when_t ca_not_before, when_t ca_not_after);

#endif
