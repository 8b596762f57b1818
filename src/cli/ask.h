/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the person at the terminal. */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include "base/arena.h"

/* A new secret, typed twice without being shown. what: "Password"; option: by which it comes from a file ("--password-file").
 * ERR_USAGE without a terminal, or when the two differ. */
err_t ask_new_secret(struct arena *a, const char *what, const char *option, const char **ret);
/* A question whose answer is y or yes. ERR_USAGE without a terminal. */
err_t ask_yes(const char *question, bool *ret);

#endif
