/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast each caller may fill the journal with its denials. What is over its measure in a minute is counted, not
 * written; the count is handed out with the first that is written again. Kept in memory: a fixed number of callers at a
 * time, the one longest away makes room. Safe from many threads.
 */
#ifndef CA_PACE_H
#define CA_PACE_H

#include "base/str.h"
#include "base/when.h"

struct pace;
struct pace *pace_new(void);
void pace_free(struct pace *p); /* NULL is fine */

/* May one more be written for this caller now? *ret_dropped: how many were not, since the last that was. */
bool pace_take(struct pace *p, const uint8_t caller[32], when_t now, int64_t per_minute,
    uint64_t *ret_dropped);

#endif
