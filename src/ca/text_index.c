/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/text_index.h"

#include "ca/state.h"
#include "store/search.h"

/* A batch, and how many at most before the other upkeep has its turn. */
enum { BATCH = 500, BATCHES = 200 };

static err_t
batch_tx(struct tx *tx, void *arg)
{
	return store_issued_index(tx, BATCH, arg);
}

static err_t
waits_tx(struct tx *tx, void *arg)
{
	return store_issued_unindexed(tx, arg);
}

err_t
text_index_upkeep(struct issuer *is)
{
	bool more = false;

	/* Most of the time there is nothing: then nothing is written. */
	TRY(store_read(is->store, waits_tx, &more));
	for (int i = 0; i < BATCHES && more; i++)
		TRY(store_write(is->store, batch_tx, &more));
	return OK;
}
