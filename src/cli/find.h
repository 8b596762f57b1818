/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names where identifiers are wanted: a user by UPN, everything else by its display name when only one has it; a
 * device that was retired counts only when no other has the name. Each gives an identifier as the API writes it. ERR_NOT_FOUND, ERR_AMBIGUOUS.
 */
#ifndef CLI_FIND_H
#define CLI_FIND_H

#include "cli/command.h"

err_t find_user(struct cli *c, const char *name, const char **ret);
err_t find_group(struct cli *c, const char *name, const char **ret);
err_t find_device(struct cli *c, const char *name, const char **ret);
err_t find_profile(struct cli *c, const char *name, const char **ret);
err_t find_filter(struct cli *c, const char *name, const char **ret);
err_t find_connector(struct cli *c, const char *name, const char **ret);
/* In the list at a path, which is read whole: by identifier or display name, case ignored. noun: "role". */
err_t find_row(
    struct cli *c, const char *path, const char *noun, const char *name, const char **ret);
/* A member of a group: a user by UPN, else a device, else a group. */
err_t find_member(struct cli *c, const char *name, const char **ret);

#endif
