/* SPDX-License-Identifier: Apache-2.0 */
/* The reports that there are, and their rows as text. Serves api/reports.c. */
#ifndef API_REPORT_ROW_H
#define API_REPORT_ROW_H

#include "api/slot.h"

struct report_kind {
	const char *name;
	const char *const *columns; /* ended by NULL */
	bool certificates;          /* only slots that hold or held one of a device's own */
	unsigned perms;             /* of which it takes one, as reading the same elsewhere does */
};
/* NULL: there is none of that name. */
const struct report_kind *report_kind(const char *name);
extern const struct report_kind report_kinds[]; /* ended by name NULL */

/* Every column of the kind, by name. */
err_t report_row(
    struct tx *tx, struct arena *a, const struct report_kind *k, const struct slot *s, json **ret);
/* One line: values in quotes; what a spreadsheet would take for a formula begins with an apostrophe (CWE-1236). */
err_t report_csv(struct buf *out, const json *row, const char *const *columns);
err_t report_csv_head(struct buf *out, const char *const *columns);

#endif
