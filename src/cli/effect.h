/* SPDX-License-Identifier: Apache-2.0 */
/* What an edit of a profile would do, for --dry-run: /chancery/v1/profiles/{id}/effect in words. */
#ifndef CLI_EFFECT_H
#define CLI_EFFECT_H

#include "cli/command.h"

/* body: {"assignments"} and/or {"settings"}. */
err_t effect_show(struct cli *c, const char *profile, const json *body);

#endif
