/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an administrator sets on a template: a row a setting, for reading it from the arguments of a verb and for
 * showing it. The flags of MS-CRTD behind them are never set by number.
 */
#ifndef CA_TEMPLATE_FIELD_H
#define CA_TEMPLATE_FIELD_H

#include "ca/template.h"
#include "codec/json.h"

struct template_field {
	const char *name;
	err_t (*set)(struct arena *a, struct template_row *t, const json *v);
	json *(*get)(struct arena *a, const struct template_row *t);
	uint32_t enrolment_flag,
	    private_key_flag; /* instead of set and get: one bit, true or false */
	bool inverted;        /* true clears the bit */
};
/* Every setting that args has, into *t; *ret_changed: their names, with blanks between. ERR_BAD_REQUEST names the
 * setting; ERR_TEMPLATE_OVERLAP. */
err_t template_fields_set(
    struct arena *a, const json *args, struct template_row *t, const char **ret_changed);
void template_fields_show(struct arena *a, const struct template_row *t, json *out);

/* The names, for lists of arguments. */
#define TEMPLATE_FIELDS \
	"display_name", "supply_in_request", "order_required", "manager_approval", \
	    "renewal_without_approval", "publish_in_directory", "autoenrol", "sid_extension", \
	    "allow_key_export", "signature_is_proof_of_origin", "key_usages", "ekus", \
	    "key_algorithms", "min_key_size", "validity_days", "renewal_days", "ca_compatibility", \
	    "client_compatibility"

#endif
