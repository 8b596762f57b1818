/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scope tags of an object: a JSON array of their numbers as texts, as Graph writes them; "" stands for ["0"].
 *
 * Not here: the tags themselves (store/filter.h), who may see what (api/perm.h).
 */
#ifndef MODEL_SCOPE_H
#define MODEL_SCOPE_H

#include "codec/field.h"
#include "store/filter.h"

/* Every tag of the list is there. ERR_SCOPE_TAG. Expects a transaction. */
err_t scope_check(struct tx *tx, struct arena *a, const char *tags);
/* Between the record's text and a field table. An empty list becomes ["0"]. */
err_t scope_read(struct arena *a, const char *tags, struct field_texts *ret);
err_t scope_print(struct arena *a, const struct field_texts *t, const char **ret);

#endif
