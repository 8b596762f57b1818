/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the edge towards devices counts: identities, enrolment codes and wake-up addresses that were refused, by why; SCEP messages that
 * a connector was to carry, and reports of Apple devices, by what came of them. Adding is one atomic instruction, from any thread.
 */
#ifndef DEVICE_COUNT_H
#define DEVICE_COUNT_H

#include "base/err.h"
#include "base/metric.h"

enum relay_outcome {
	RELAY_CARRIED,     /* an answer of the authority */
	RELAY_LATE,        /* no connector brought one in time */
	RELAY_UNREACHABLE, /* a connector could not reach the authority */
	RELAY_FULL,        /* too many on their way */
	RELAY_NOWHERE,     /* nothing is requested at the address */
	RELAY_OUTCOMES
};

/* Status reports of Apple devices. */
enum report_outcome {
	REPORT_TAKEN,   /* nothing of ours went */
	REPORT_LOOK,    /* something may have: the device is asked for its lists */
	REPORT_LOST,    /* something of ours went */
	REPORT_REFUSED, /* it is none */
	REPORT_OUTCOMES
};

enum { COUNTED_FAULTS = 9 };

struct edge_count {
	struct metric refused[COUNTED_FAULTS];
	struct metric relay[RELAY_OUTCOMES];
	struct metric relay_time;
	struct metric report[REPORT_OUTCOMES];
};

/* At start; both outlive what counts. */
void edge_count_init(struct edge_count *c, struct metrics *m);
/* Faults that are of none of these are not counted. c NULL is fine. */
void edge_count_refused(struct edge_count *c, enum err_code fault);
/* ms: since the message arrived. */
void edge_count_relay(struct edge_count *c, enum relay_outcome o, int64_t ms);
void edge_count_report(struct edge_count *c, enum report_outcome o);

#endif
