/* SPDX-License-Identifier: Apache-2.0 */
/* One value of a field table, to and from JSON. Serves codec/field.c only; the rules are in
 * codec/field.h. */
#ifndef CODEC_FIELD_VALUE_H
#define CODEC_FIELD_VALUE_H

#include "codec/field.h"

/* Bytes that a value of the type takes in the struct. */
size_t field_value_size(enum field_type type);
/* value is not null. `at` is written only on success. ERR_MODEL_INVALID naming the property. */
err_t field_value_read(struct arena *a, const struct field *f, const json *value, void *at);
json *field_value_write(struct arena *a, const struct field *f, const void *at);

#endif
