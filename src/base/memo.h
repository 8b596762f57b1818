/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values that are made of a text, kept for whoever comes with the same text: what costs a parser each time is made once.
 *
 * A value is found by the whole text, compared byte for byte, so it can never be that of another; there is nothing to
 * declare invalid. It is read by several at once, so nobody may change it, and it stays until the arena of the last who got it
 * is given back, whether it is kept still or not.
 *
 * A bounded number is kept, each in a place by the caller's hint (an identifier of what the text belongs to); who comes to a
 * taken place with another text takes it over. Any thread.
 *
 * Not here: secrets. What is kept is wiped when it goes, as all memory of arenas is, but nobody says when that will be.
 */
#ifndef BASE_MEMO_H
#define BASE_MEMO_H

#include "base/arena.h"
#include "base/err.h"

struct memo;

struct memo *memo_new(size_t places);
void memo_free(
    struct memo *m); /* NULL is fine. Values that somebody has are good for as long as before */

/* Makes it in the arena; what it refers to lies there as well, the text excepted, which lives as long. */
typedef err_t (*memo_make)(struct arena *a, struct str text, const void *arg, void **ret);

/* *ret is good as long as `a`. kind: values of different makers or arg have different ones. m NULL, or a text of more than
 * LIMIT_MEMO_TEXT bytes: it is made anew, in `a`. Failures are those of make, and are not kept. */
err_t memo_get(struct memo *m, struct arena *a, struct str hint, const void *kind, struct str text,
    memo_make make, const void *arg, const void **ret);

#endif
