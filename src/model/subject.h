/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The variables of subject and alternative-name formats: {{UserName}}, {{DeviceId}} ... A table, a
 * row a variable; names compare without case.
 *
 * Formats are checked when a profile is saved (does the variable exist, and may it stand there) and again when a name
 * is made (has it a value).
 *
 * Not here: the grammar of formats (codec/dn.h).
 */
#ifndef MODEL_SUBJECT_H
#define MODEL_SUBJECT_H

#include "model/kind.h"

/* ERR_VARIABLE_UNKNOWN: the detail names it and the one that was probably meant. */
err_t subject_variable_check(const char *variable);
/* The variables of a name's format and of a plain text, all of them known. */
err_t subject_format_check(struct arena *a, const char *format);
err_t subject_text_check(struct arena *a, const char *format);

/* Where a format stands. */
struct subject_use {
	enum family family;
	bool of_machine; /* the certificate is the device's: no variables of users */
	bool
	    for_logon; /* a name that directories log people on by: nothing that devices say of themselves */
};
/* ERR_VARIABLE_PLACE names the variable and the rule; ERR_VARIABLE_UNKNOWN. The format may be a name's or a text. */
err_t subject_use_check(struct arena *a, const struct subject_use *use, const char *format);

/* A dn_lookup; ctx is a const struct subject_of *. ERR_VARIABLE_EMPTY names user or device, and
 * the field that is empty. ERR_VARIABLE_WITHHELD: the platform does not tell. ERR_NO_USER: a variable of a user, and
 * there is none. */
err_t subject_lookup(void *ctx, struct arena *a, const char *variable, const char **ret);

/* For reference pages and forms. */
struct subject_variable {
	const char *name;
	bool for_user, for_device; /* certificates that may have it: of users; of devices */
	unsigned families;
	const char *field; /* where the value comes from */
};
size_t subject_variables(struct arena *a, const struct subject_variable **ret);

#endif
