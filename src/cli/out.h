/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What commands print: tables and records for people, JSON for programs, a line of progress for long waits.
 *
 * Tables go through libsmartcols: as wide as the terminal, coloured states unless NO_COLOR is set; plain and uncut when
 * the output is no terminal. What came from outside is made safe for a terminal first. Progress goes to standard error.
 */
#ifndef CLI_OUT_H
#define CLI_OUT_H

#include "cli/command.h"

struct column {
	const char *head;
	const char *key; /* member of each row */
	bool state;      /* coloured by its word */
	bool wrap;       /* long text: broken into lines on a terminal */
};

/* Without --json: a table of the rows. With it: the rows, {"value": [...]} as the API has them. Columns end with head NULL. */
err_t out_rows(struct cli *c, const struct column *columns, const json *rows);
/* The table alone, whatever --json says. */
err_t out_table(struct cli *c, const struct column *columns, const json *rows);
/* The table of one member of an answer; with --json the answer, whole. */
err_t out_list(struct cli *c, const struct column *columns, const json *answer, const char *member);
/* One object: a line a member, nested ones left out and long binary ones cut; or JSON, whole. */
err_t out_object(struct cli *c, const json *obj);
err_t out_json(struct cli *c, const json *j);
/* A sentence for people; nothing with --json. */
void out_say(const struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* What is being waited for. Rewrites its line on a terminal; elsewhere a line for each new text. "" ends it. */
void out_progress(struct cli *c, const char *text);
/* Any JSON value as one safe word or line: "-" for null and "". */
const char *out_value(struct arena *a, const json *j);
/* "1.32 s", "4 min": a time that something took, in milliseconds. */
const char *out_duration(struct arena *a, int64_t ms);

#endif
