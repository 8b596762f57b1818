/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets: wiped when done with, compared in constant time. And the one source of randomness.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/arena.h"
#include "base/str.h"

void secret_wipe(void *p, size_t n);
void secret_free(void *p); /* memory of malloc(3), wiped as long as it is; NULL is fine */
bool secret_eq(struct str a, struct str b); /* time depends on the lengths only */

void rand_bytes(void *p, size_t n); /* getrandom(2); aborts if the kernel has none */
/* n random bytes in base64url without padding: for codes, passwords, client secrets. */
char *rand_token(struct arena *a, size_t n);

#endif
