/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSV (RFC 4180): records of fields, separated by commas, or by semicolons where the first line has more of those; fields in
 * quotes may hold separators, line ends and doubled quotes. A byte order mark at the start is dropped; lines end in LF or
 * CR LF; empty lines are passed over. UTF-8 without NUL.
 *
 * Not here: what fields mean.
 */
#ifndef CODEC_CSV_H
#define CODEC_CSV_H

#include "base/arena.h"
#include "base/str.h"

#define CSV_FIELDS 64u

struct csv {
	struct arena *a;
	struct str rest;
	char separator;
	size_t line; /* of what comes next, from 1 */
};

struct csv_record {
	size_t line; /* where it begins */
	const char *v[CSV_FIELDS];
	size_t n;
};

/* ERR_UTF8. */
err_t csv_open(struct arena *a, struct str in, struct csv *ret);
/* *ret_more false: there is none. ERR_MALFORMED naming the line: a quote that is not closed, text after a closing quote,
 * more than CSV_FIELDS fields. */
err_t csv_next(struct csv *c, struct csv_record *ret, bool *ret_more);

#endif
