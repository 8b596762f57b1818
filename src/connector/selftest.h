/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The self-test of a connector after an update: every check (check.h) that passed before passes now.
 */
#ifndef CONNECTOR_SELFTEST_H
#define CONNECTOR_SELFTEST_H

#include "base/arena.h"

/* Writes the names of the checks that do not pass at the moment to the file at `before`. */
err_t selftest_keep(const char *admin_socket, const char *before);
/* NULL: all pass that did before. Else, in words, the first that does not. Without the file all must. */
const char *selftest(const char *admin_socket, struct arena *a, const char *before);

#endif
