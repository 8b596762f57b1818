/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New releases of the connector: by hand on its host, and through the service.
 *
 *   update --file FILE         on the host: handed to the connector in parts, which checks, tries and keeps it, or goes back
 *   upload FILE, offer VERSION at the service: connectors that allow it fetch it, one after the other
 */
#ifndef CLI_CONNECTOR_UPDATE_H
#define CLI_CONNECTOR_UPDATE_H

#include "cli/command.h"

err_t connector_update(struct cli *c);
err_t connector_upload(struct cli *c);
/* offer or withdraw, by the verb's name. */
err_t connector_act(struct cli *c);
/* The releases that the service has. */
extern const struct entity connector_release_set;

#endif
