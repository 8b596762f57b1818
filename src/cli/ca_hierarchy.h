/* SPDX-License-Identifier: Apache-2.0 */
/* CAs over time: more of them, requests, certificates, renewals, the passphrase. Verbs of "chancery ca". */
#ifndef CLI_CA_HIERARCHY_H
#define CLI_CA_HIERARCHY_H

#include "cli/command.h"

/* Whatever may make a key; which call: the row's. */
err_t ca_with_key(struct cli *c);
err_t ca_install(struct cli *c);
err_t ca_sign(struct cli *c);
err_t ca_passwd(struct cli *c);

extern const struct opt ca_add_opts[], ca_csr_opts[], ca_renew_opts[], ca_sign_opts[],
    ca_passwd_opts[];

#endif
