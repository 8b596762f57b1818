/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports that are being made or were made: what was asked, how far it is, and the bytes, in parts. Each step adds one
 * part and the place to go on from, in one transaction. They are kept for hours, then dropped. Every function expects a
 * transaction.
 */
#ifndef STORE_REPORT_H
#define STORE_REPORT_H

#include "store/directory.h"

enum report_state { REPORT_NOT_STARTED = 1, REPORT_IN_PROGRESS, REPORT_COMPLETED, REPORT_FAILED };

struct report_job {
	const char *id;      /* <name>_<guid> */
	const char *name;    /* of the report */
	const char *format;  /* csv, json */
	const char *columns; /* comma list; "": all */
	const char *filter, *search;
	enum report_state state;
	struct id cursor; /* rows after it are missing yet */
	int64_t rows, size;
	uint32_t crc;
	const char *token;  /* who has it may fetch the bytes; as long-lived as they are */
	const char *detail; /* why it failed */
	when_t created, expires;
	const char *owner; /* text id of who asked for it */
	const char *tags;  /* JSON array of the scope tags that limit it; "": it is not limited */
};

err_t store_report_insert(struct tx *tx, const struct report_job *r);
err_t store_report_get(struct tx *tx, struct arena *a, const char *id, struct report_job *ret);
err_t store_report_by_token(
    struct tx *tx, struct arena *a, const char *token, struct report_job *ret);
/* Newest first; there are few. */
err_t store_report_list(struct tx *tx, struct arena *a, struct report_job **ret, size_t *retn);
/* The oldest that is to be worked at; ERR_NOT_FOUND. */
err_t store_report_next(struct tx *tx, struct arena *a, struct report_job *ret);
/* Appends a part (empty: none), which r->size has in it, and writes how far it is, if nobody else went on from `from`.
 * ERR_STATE_MOVED. */
err_t store_report_step(struct tx *tx, const struct report_job *r, struct id from, struct str part);
/* What lies at this place of the whole, max bytes at most, to the end of the part it is in. ERR_NOT_FOUND. */
err_t store_report_bytes_at(
    struct tx *tx, struct arena *a, const char *id, int64_t at, int64_t max, struct str *ret);
/* A piece of those that expired; a report goes with its last part. Again until none is left. */
err_t store_report_drop(struct tx *tx, when_t now);
err_t store_report_bytes(struct tx *tx, int64_t *ret); /* of all */
err_t store_report_count(struct tx *tx, int64_t *ret);

#endif
