/* SPDX-License-Identifier: Apache-2.0 */
/* Measurements end with the first error. */
#ifndef BENCH_MUST_H
#define BENCH_MUST_H

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"

static void
must(err_t e, const char *what)
{
	struct err_report why;

	if (err_ok(e))
		return;
	err_take(e, &why);
	fprintf(stderr, "%s: %s: %s\n", what, err_info(why.code)->text, why.detail);
	exit(1);
}

#endif
