/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joining a connector to its CA and to the service. Two ways for one thing:
 *
 *   CA on this host   join: connector.csr ──► principal.add, ca.grant, template.grant ──► connector.join
 *   CA elsewhere      csr  ──file──►  admit at the CA  ──file──►  enrol with that file
 *
 * enrol is also for CAs of others, which know a connector by a certificate, a password, Kerberos or a key.
 */
#ifndef CLI_CONNECTOR_JOIN_H
#define CLI_CONNECTOR_JOIN_H

#include "cli/command.h"

err_t connector_csr(struct cli *c);
err_t connector_admit(struct cli *c);
err_t connector_join(struct cli *c);
err_t connector_enrol(struct cli *c);
/* The member ca_secret of args from the file of --ca-secret-file, if that was given. */
err_t connector_secret(struct cli *c, json *args);
/* --order-key: the public key in that file, as "order_key". */
err_t connector_order_key(struct cli *c, json *args);

#endif
