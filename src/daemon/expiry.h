/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates that a process stands on and that nobody renews by itself: a warning in the log from 30 days before their
 * end, once a day, and a metric with the time.
 */
#ifndef DAEMON_EXPIRY_H
#define DAEMON_EXPIRY_H

#include "base/metric.h"
#include "base/str.h"
#include "base/when.h"

struct expiry {
	const char *name; /* "tls" */
	when_t until;
	when_t said; /* when it was last warned of; 0: never */
	char labels[64];
	struct metric metric;
};

/* x lives as long as the metrics. metrics may be NULL. */
void expiry_watch(struct expiry *x, const char *name, when_t until, struct metrics *metrics);
/* To be called now and then. True: it was warned of in this call. */
bool expiry_check(struct expiry *x);

#endif
