/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks of passwords that anybody may ask for. One costs memory and time (pki/password.h), so few run at once, few wait,
 * and the others are refused at once: whoever guesses cannot take the threads that serve everybody.
 *
 * Not here: how often a name may be tried.
 */
#ifndef PKI_PASSWORD_QUEUE_H
#define PKI_PASSWORD_QUEUE_H

#include "base/err.h"

struct password_queue;

/* So many at once, and so many that wait for them; with fewer threads than both together nobody is ever refused. */
struct password_queue *password_queue_new(unsigned at_once, unsigned waiting);
void password_queue_free(struct password_queue *q); /* NULL is fine; nobody may be in it */

/* As password_matches(). ERR_BUSY: nothing was checked. */
err_t password_queue_check(
    struct password_queue *q, const char *hash, const char *password, bool *ret);

/* Of no password that anybody has, at the cost of a person's: checked for an unknown name, it takes as long as a known one. */
extern const char password_of_nobody[];

#endif
