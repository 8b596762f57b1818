/* SPDX-License-Identifier: Apache-2.0 */
/*
 * History is kept for a time, and so is what was removed: older events of timelines become counts (how many of each
 * kind in each month), and slots that were removed that long ago, with nothing open at any authority, go with their
 * requests.
 *
 * Guarantees: a step is two short transactions, whatever there is to do; ended at any point it goes on where it was.
 * What is wanted, what a device may still hold, and what is not revoked yet is never touched. The audit is no history:
 * it stays.
 *
 * The queue needs none of this: a slot has one open request, and keeps its newest few (model/request.h).
 */
#ifndef MODEL_HISTORY_H
#define MODEL_HISTORY_H

#include "store/store.h"

/* What ended before `before`: at most `max` events and a tenth as many slots. *ret: how many of both; 0: nothing is
 * left. */
err_t history_step(struct store *s, when_t before, size_t max, size_t *ret);

#endif
