/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets of profiles in files: the member "secrets" of the form in files (cli/config_set.h). No file of that form has a
 * secret itself. It says where it is, or, as it was exported, by which mark an installation shows that it has it:
 *
 *   "secrets": {"preSharedKey": {"file": "guests.key"}}    the first line of that file; relative to the folder
 *              {"preSharedKey": {"env": "GUESTS_KEY"}}     a variable of the environment
 *              {"preSharedKey": {"mark": "0f1e2d3c4b5a"}}  @chancery.secrets: it stays as it is
 *
 * Whether a secret is the one that the installation has, only the service can say: it answers with the mark that it would have.
 */
#ifndef CLI_CONFIG_SECRETS_H
#define CLI_CONFIG_SECRETS_H

#include "cli/config_set.h"

/* Why a property may not stand in a file by itself; NULL: it is no secret. */
const char *config_secrets_hint(const char *property);
/* "file" of one object is relative to this folder: from now on it is a path. */
void config_secrets_place(struct arena *a, const char *dir, json *object);
/* marks: @chancery.secrets of a row. *ret NULL: there are none. */
err_t config_secrets_to_file(const json *marks, json **ret);
/* want: "secrets" of a file; have: what the installation has of them in that form, of the profile id and its type; NULL: it is not
 * there yet. Those that are the same have their mark in *ret, the others stay. ERR_USAGE: a mark of another secret, or none at
 * all. */
err_t config_secrets_known(struct cli *c, const char *id, const char *type, const json *want,
    const json *have, json **ret);
/* The secrets themselves into `out`; what has a mark stays as it is. ERR_USAGE: nothing is read for a property that
 * everybody sees; ERR_FILE, ERR_FILE_MISSING. */
err_t config_secrets_to_api(struct cli *c, const json *secrets, json *out);

#endif
