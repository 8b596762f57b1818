/* SPDX-License-Identifier: Apache-2.0 */
/* Help at every level, printed from the tables of commands. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/command.h"

void help_program(FILE *to);
void help_command(FILE *to, const struct command *cmd);
void help_verb(FILE *to, const struct command *cmd, const struct verb *verb);

#endif
