/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs of `chancery profile` that change nothing: what a profile would bring, and which types there are. */
#ifndef CLI_PREVIEW_H
#define CLI_PREVIEW_H

#include "cli/command.h"

/* body: a draft, or what would be changed; empty: the profile as it is. */
err_t preview_show(struct cli *c, const json *body);
err_t preview_types(struct cli *c);

#endif
