/* SPDX-License-Identifier: Apache-2.0 */
/*
 * References of profiles to others between files, which have names, and the API, which has identifiers: the member
 * "references" of the form in files (cli/config_set.h).
 */
#ifndef CLI_CONFIG_REFS_H
#define CLI_CONFIG_REFS_H

#include "cli/config_set.h"

/* refs: identifiers by the name of the reference, each one or a list. *ret NULL: there are none. */
err_t config_refs_to_file(const struct config_world *w, const json *refs, json **ret);
/* "<name>@odata.bind" for each into `out`; names that are not there (yet) go to *missing. ERR_USAGE. */
err_t config_refs_to_api(
    struct cli *c, const struct config_world *w, const json *refs, json *out, json *missing);

/* Of cli/config_set.c: the name of an object by its identifier; of a list of them. ERR_AMBIGUOUS: others have it, too. */
err_t config_name_of(
    const struct config_world *w, enum config_kind k, const char *id, const char **ret);
err_t config_names_of(
    const struct config_world *w, enum config_kind k, const json *ids, json **ret);
/* An identifier, or NULL and a line in `missing`. */
err_t config_resolve(struct cli *c, const struct config_world *w, enum config_kind k,
    const char *property, const char *name, json *missing, const char **ret);

#endif
