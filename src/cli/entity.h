/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of one kind at the service's API, and the verbs that are the same for all of them: a row of a noun's table
 * names the verb's function here and the kind, { "list", "The filters.", NULL, NULL, entity_list, &filters }.
 *
 * Not here: what is a noun's own (which options make a body, what is asked before it is deleted); names (cli/find.h).
 */
#ifndef CLI_ENTITY_H
#define CLI_ENTITY_H

#include "cli/command.h"
#include "cli/out.h"

struct entity {
	const char *set;              /* path of the collection: "/v1.0/users" */
	const char *listed;           /* where the list is another one; NULL: the collection */
	const struct column *columns; /* of the list */
	/* The identifier of the one so named; NULL: they go by their identifiers alone. */
	err_t (*find)(struct cli *c, const char *name, const char **ret);
	const char *gone; /* what is said after a deletion; NULL: "deleted" */
};

/* Verbs; which kind: the row's `of`. The one that is shown or deleted is the first operand. */
err_t entity_list(struct cli *c);
err_t entity_show(struct cli *c);
err_t entity_delete(struct cli *c);

/* The path of the one that the first operand names, and what stands behind it: "" or "/members". */
err_t entity_path(struct cli *c, const struct entity *e, const char *tail, const char **ret);
/* Makes one, or changes the one that the first operand names, and prints it. ERR_USAGE where nothing is changed. */
err_t entity_create(struct cli *c, const struct entity *e, const json *body);
err_t entity_update(struct cli *c, const struct entity *e, const json *body);

#endif
