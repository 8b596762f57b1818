/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events of a connector, each with its number: event.tbl. A job is one line at its end, with request, kind and how long
 * it took; nothing in it is secret.
 */
#ifndef CONNECTOR_EVENT_H
#define CONNECTOR_EVENT_H

#include "codec/json.h"

enum event {
#define EV(name, number, level, message, meaning) EVENT_##name = number,
#include "connector/event.tbl"
#undef EV
};

/* fault and detail: NULL for none. */
void event_log(enum event e, const char *fault, const char *detail);
/* The same of a job and its result. */
void event_job(struct arena *a, const json *job, const json *result, int64_t took_ms);
/* Which event the end of a job with this outcome is. */
enum event event_of_outcome(const char *outcome);

#endif
