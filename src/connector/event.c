/* SPDX-License-Identifier: Apache-2.0 */
#include "connector/event.h"

#include "base/log.h"
#include "base/text.h"

#define NUMBER_MAX 12

static const struct {
	enum event event;
	enum log_level level;
	const char *message;
} events[] = {
#define EV(name, number, level, message, meaning) { EVENT_##name, LOG_LEVEL_##level, message },
#include "connector/event.tbl"
#undef EV
};

static const struct {
	const char *outcome;
	enum event event;
} ends[] = {
	{ "issued", EVENT_JOB_ISSUED },
	{ "revoked", EVENT_JOB_REVOKED },
	{ "pending", EVENT_JOB_PENDING },
	{ "rejected", EVENT_JOB_REJECTED },
	{ "unreachable", EVENT_JOB_UNREACHABLE },
	{ "misconfigured", EVENT_JOB_MISCONFIGURED },
	{ "deposited", EVENT_JOB_DEPOSITED },
	{ "relayed", EVENT_JOB_RELAYED },
};

enum event
event_of_outcome(const char *outcome)
{
	for (size_t i = 0; i < COUNT(ends); i++)
		if (str_eq_c(str_c(outcome), ends[i].outcome))
			return ends[i].event;
	return EVENT_JOB_MISCONFIGURED;
}

static size_t
row_of(enum event e)
{
	size_t i = 0;

	while (i + 1 < COUNT(events) && events[i].event != e)
		i++;
	return i;
}

void
event_log(enum event e, const char *fault, const char *detail)
{
	size_t row = row_of(e);
	char number[NUMBER_MAX];

	snprintf(number, sizeof(number), "%u", (unsigned)e);
	if (fault == NULL)
		log_event(events[row].level, events[row].message, "event", number, NULL);
	else
		log_event(events[row].level, events[row].message, "event", number, "fault", fault,
		    "detail", detail == NULL ? "" : detail, NULL);
}

void
event_job(struct arena *a, const json *job, const json *result, int64_t took_ms)
{
	enum event e = result == NULL ? EVENT_JOB_STARTED :
					event_of_outcome(json_text(json_get(result, "outcome")));
	size_t row = row_of(e);

	log_event(events[row].level, events[row].message, "event",
	    arena_printf(a, "%u", (unsigned)e), "request",
	    text_safe(a, str_c(json_text(json_get(job, "request")))), "fence",
	    arena_printf(a, "%lld", (long long)json_int(json_get(job, "fence"))), "kind",
	    text_safe(a, str_c(json_text(json_get(job, "kind")))), "ca",
	    text_safe(a, str_c(json_text(json_get(job, "ca")))), "fault",
	    json_text(json_get(result, "fault")), "detail", json_text(json_get(result, "detail")),
	    "ms", arena_printf(a, "%lld", (long long)took_ms), NULL);
}
