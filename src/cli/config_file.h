/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder of configuration files: *.json, each one object or a list of them, in the form of cli/config_set.h. What is wrong
 * is told with file, line and property, all of it at once. Not here: what the installation says to them.
 */
#ifndef CLI_CONFIG_FILE_H
#define CLI_CONFIG_FILE_H

#include "cli/config_set.h"

#define CONFIG_FILES_MAX 1000u

/* One object of a file. */
struct config_item {
	enum config_kind kind;
	const char *name;
	const json *want; /* lent by the list that config_load() gives */
	const char *file;
	struct str text; /* of the whole file */
	size_t index;    /* of the object in it */
};

struct config_errors {
	size_t n;
	const char *first;
};
/* One line on standard error. property NULL: the object as a whole. */
void config_error(struct cli *c, struct config_errors *errs, const struct config_item *at,
    const char *property, const char *what);
/* "FILE:LINE" of the object, or of one of its members. */
const char *config_place(struct arena *a, const struct config_item *at, const char *property);

/* Every object of every file. *ret_docs: what the items lend from; the caller's. Errors of content go to errs. ERR_FILE,
 * ERR_FILE_MISSING, ERR_JSON. */
err_t config_load(struct cli *c, const char *dir, struct config_errors *errs, json **ret_docs,
    struct config_item **ret, size_t *retn);

#endif
