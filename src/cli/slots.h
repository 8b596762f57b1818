/* SPDX-License-Identifier: Apache-2.0 */
/* What the rows of /chancery/v1/slots say, taken together. Pure. */
#ifndef CLI_SLOTS_H
#define CLI_SLOTS_H

#include "base/arena.h"
#include "codec/json.h"

struct slots_goal {
	const char **device; /* identifiers; none: whichever have slots */
	size_t ndevices;
	int64_t count; /* slots that each device has at least; without devices: all in all */
	bool removed;  /* the goal is that all are removed, not that all are installed */
};

/* The same rows, by names of device and profile. *ret is the caller's. */
void slots_sort(struct arena *a, const json *slots, json **ret);
bool slot_is(const json *slot, const char *state);
/* From assignment to installed, "1.32 s"; "-" when it is not installed. */
const char *slot_took(struct arena *a, const json *slot);
/* NULL: the goal is reached. Else one line that says what is missing, with faults. */
const char *slots_missing(struct arena *a, const struct slots_goal *goal, const json *slots);

#endif
