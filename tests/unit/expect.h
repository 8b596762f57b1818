/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What unit tests say about err_t. Brings cmocka with the headers that it wants first.
 *
 * Both macros show id, detail and trail when they fail, and leave no trail behind for the next one.
 */
#ifndef TESTS_UNIT_EXPECT_H
#define TESTS_UNIT_EXPECT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"

static inline void
expect_code(enum err_code want, err_t e, const char *what, const char *file, int line)
{
	struct err_report rep;

	err_take(e, &rep);
	if (rep.code == want)
		return;
	print_error("%s:%d: %s\n  expected %s, got %s\n  detail: %s\n  trail: %s\n", file, line,
	    what, err_info(want)->id, err_info(rep.code)->id, rep.detail, rep.trail);
	_fail(file, line);
}

#define expect_ok(expr) expect_code(ERR_NONE, (expr), #expr, __FILE__, __LINE__)
#define expect_err(code, expr) expect_code((code), (expr), #expr, __FILE__, __LINE__)

#endif
