/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a profile would bring to one device and its user, without anything being issued or stored: the names with their
 * values, what would be asked for, and every check that can be made here: platform, root, the way to the CA, and the
 * rules that the CA lints certificates by.
 *
 * What only the CA knows is said to be unknown. Of the template is said what the connectors found when they were checked
 * last: that one may be enrolled for, or that none could then (a warning, as that may be another by now).
 */
#ifndef MODEL_PREVIEW_H
#define MODEL_PREVIEW_H

#include "model/profile.h"

enum preview_result { PREVIEW_OK, PREVIEW_WARNING, PREVIEW_ERROR, PREVIEW_UNKNOWN };

struct preview_check {
	const char *name; /* "names", "platform", "root", "authority", "template", "lint" */
	enum preview_result result;
	const char *fault; /* id of the catalogue; NULL: none */
	const char *detail;
};

struct preview_ask {
	struct id profile; /* zero: the draft alone */
	const json *draft; /* NULL: as it is; with a profile: what would be changed in it */
	struct id device;  /* zero: a device of which nothing is known */
	struct id user;    /* zero: that of the device */
};

struct preview {
	struct profile profile;
	const struct profile_type *type;
	struct device device;
	const struct user *user; /* NULL: none */
	bool resolved;           /* what is valid */
	struct primitive what;
	struct preview_check checks[8];
	size_t n;
	struct warnings warn;
};

/* ERR_NOT_FOUND, and what a draft is refused with; what stands in the way of a certificate is in the checks. */
err_t preview_run(
    struct store *s, struct arena *a, const struct preview_ask *ask, struct preview *ret);
/* "ok", "warning", "error", "unknown" */
const char *preview_result_name(enum preview_result r);
/* No check says error. */
bool preview_would_issue(const struct preview *p);

#endif
