/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time: seconds or milliseconds UTC since 1970 from a clock that tests can set. Nothing else calls time().
 *
 * when_mono_ms() never goes back and is for waiting; it is not a date.
 */
#ifndef BASE_WHEN_H
#define BASE_WHEN_H

#include "base/arena.h"
#include "base/str.h"

typedef int64_t when_t;    /* seconds UTC */
typedef int64_t when_ms_t; /* milliseconds UTC */

when_t when_now(void);
when_ms_t when_now_ms(void);
int64_t when_mono_ms(void);
/* From now on the clock stands at t (tests); 0 gives the system's clock back. Process-wide. */
void when_set(when_t t);

/* ISO 8601 as Graph writes it: 2024-01-02T03:04:05Z, or with milliseconds 2024-01-02T03:04:05.123Z. */
char *when_text(struct arena *a, when_t t);
char *when_text_ms(struct arena *a, when_ms_t t);
/* Any offset, any number of fraction digits; without an offset UTC. ERR_TIME. */
err_t when_parse(struct str s, when_t *ret);
/* Calendar arithmetic as validity periods need it: 31 January + 1 month is the last of February. */
when_t when_add_months(when_t t, int months);
/* "3 min ago", "in 5 days": for people. */
char *when_ago(struct arena *a, when_t t, when_t now);

#endif
