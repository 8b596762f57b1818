/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the index of the texts of slots is asked for: the runs of three characters of what somebody looks for.
 *
 * Each of them that is asked for costs as much as there are slots with it, so those that most slots have are left out, as long
 * as there are others: a sample of the index says which those are. What is found by the rest has to be compared with the whole
 * text in any case (store/slot_search.c), so this changes the time it takes and not what is found.
 */
#ifndef STORE_TRIGRAM_H
#define STORE_TRIGRAM_H

#include "store/store.h"

/* For MATCH; text has three characters or more. Expects a transaction. */
err_t store_trigrams(struct tx *tx, struct arena *a, const char *text, const char **ret);
/* Characters of UTF-8. */
size_t characters_of(const char *s);

#endif
