/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings the index of names (store/search.h) on, beside issuing: in batches, each a transaction that holds up the others
 * for some milliseconds. A batch costs a tenth of what one certificate at a time would. Nothing depends on it having run.
 */
#ifndef CA_TEXT_INDEX_H
#define CA_TEXT_INDEX_H

#include "ca/issuer.h"

/* For issuer_tick(). */
err_t text_index_upkeep(struct issuer *is);

#endif
