/* SPDX-License-Identifier: Apache-2.0 */
/* Upkeep of a CA from its host: settings, ping, backup and putting it back. Verbs of "chancery ca". */
#ifndef CLI_CA_UPKEEP_H
#define CLI_CA_UPKEEP_H

#include "cli/command.h"

err_t ca_settings(struct cli *c);
err_t ca_set(struct cli *c);
err_t ca_ping(struct cli *c);
err_t ca_backup(struct cli *c);
/* Lays a backup into the state folder; the CA takes it at its next start. It must be down. */
err_t ca_restore(struct cli *c);

extern const struct opt ca_restore_opts[];

#endif
