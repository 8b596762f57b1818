/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a fleet does: one step after the other, all devices at a time.
 *
 *   enrol       each with its code
 *   sync        check-ins until there is nothing left to do
 *   checkins=N  N check-ins of each, whatever they bring
 *   live=N      connected and waiting, or coming by again and again, until each holds N certificates
 *   live        the same until there is a line (or the end) on standard input, or the time is over
 *   leave       each leaves management
 *
 * What a server puts off (busy, unreachable) a device tries again, five times.
 */
#ifndef FLEET_STEP_H
#define FLEET_STEP_H

#include "fleet.h"

enum step_kind { STEP_ENROL, STEP_SYNC, STEP_CHECKINS, STEP_LIVE, STEP_LEAVE };

struct step {
	enum step_kind kind;
	const char *name;
	size_t n; /* what follows '=' */
};

struct outcome {
	double seconds, cpu; /* of the wall; of this process */
	size_t enrolled, checkins, commands, failed, certificates;
	size_t ops;                    /* enrolments, check-ins ... */
	double p50_ms, p99_ms, max_ms; /* of one */
	when_ms_t newest_p50, newest_p99,
	    newest_last; /* when devices told of their newest certificate */
	bool whole;      /* it ended by itself, neither by the time nor by a signal */
	bool broken_off; /* SIGINT or SIGTERM came; the next one has its usual effect again */
};

/* ERR_BAD_REQUEST */
err_t step_parse(struct str text, struct step *ret);
/* interactive: a line on standard input ends `live`. progress: to standard error. say: what happens meanwhile, or NULL. */
void step_run(struct fleet *fleet, const struct step *s, int64_t seconds, bool interactive,
    bool progress, void (*say)(const char *event), struct outcome *ret);

#endif
