/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often one caller may ask: two token buckets each, one for every request and one for those that change something.
 * A full bucket is a burst of 20 seconds' worth; it fills up evenly. Callers are applications and administrators, and the
 * addresses of those who are to sign in yet.
 *
 * Not here: wrong passwords (struct api_brake), what a request costs.
 */
#ifndef API_PACE_H
#define API_PACE_H

#include "api/token.h"

/* labels: of its metric. m may be NULL. */
void pace_init(struct api_pace *p, const char *labels, struct metrics *m);
/* ERR_THROTTLED; *ret_wait_s (set then only): whole seconds until the request would pass. */
err_t api_pace_take(struct api *api, const struct caller *who, bool writes, unsigned *ret_wait_s);
/* The same for who has not signed in, by address: LIMIT_RATE_STRANGER. ERR_THROTTLED, with Retry-After set. */
err_t api_pace_stranger(struct http_req *r);

#endif
