/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates of callers that the CAs of one hierarchy were found to have signed, by the hash of their bytes: a caller that
 * keeps coming is not parsed and checked each time. Says nothing of revocation, which is asked of the records every time.
 *
 * A table of fixed size: who is put in may put another one out.
 */
#ifndef CA_KNOWN_H
#define CA_KNOWN_H

#include "base/str.h"
#include "base/when.h"

struct known;

struct known *known_new(void);
void known_free(struct known *k); /* NULL is fine */

/* Was it found good, and is it valid at this time? */
bool known_is(struct known *k, const uint8_t sha256[32], when_t now);
void known_put(struct known *k, const uint8_t sha256[32], when_t from, when_t until);

#endif
