/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A profile's JSON from the command line: --file first, then --type, --name, --description, --set NAME=VALUE and
 * --certificate on top of it; and a profile printed for people, lists of settings and assignments included.
 */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include "cli/command.h"

/* ERR_USAGE, ERR_FILE_MISSING, ERR_JSON, ERR_CERTIFICATE. */
err_t settings_read(struct cli *c, json **ret);
/* rootCertificate@odata.bind. */
void settings_set_root(struct arena *a, json *body, const char *profile_id);
/* "<name>@odata.bind": this profile alone, or with `more` behind those that are there. */
void settings_refer(
    struct arena *a, json *body, const char *name, const char *profile_id, bool more);
err_t settings_print(struct cli *c, const json *profile);

#endif
