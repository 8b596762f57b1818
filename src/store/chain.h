/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A chain of lines: the hash of each covers the hash of the line before, so that a removed or changed line shows; the
 * newest is kept beside the lines, so that one missing at the end shows as well. It does not show a rewrite of the
 * whole chain by somebody who can write the database: for that, keep a hash elsewhere.
 * The hash itself: pki/line_hash.h.
 */
#ifndef STORE_CHAIN_H
#define STORE_CHAIN_H

#include "store/row.h"

/* A table of lines. Its records have these columns, in this order: seq, when, the texts that the hash covers, hash. */
struct chain_table {
	const char *name;
	const struct shape *shape;
	enum stmt_id add;
	enum stmt_id list; /* lines after ?1, the oldest first, ?2 of them at most */
};

/* Adds a line. Its seq is set here; its hash is for the table only. */
err_t chain_add(struct tx *tx, const struct chain_table *t, void *line);
/* *ret_bad: the first line that does not fit, or 0. */
err_t chain_verify(struct tx *tx, const struct chain_table *t, int64_t *ret_bad);

#endif
