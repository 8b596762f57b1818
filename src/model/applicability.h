/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applicability rules of profiles: Windows editions, versions and modes that one is for, or not for. The first
 * setting of every kind.
 */
#ifndef MODEL_APPLICABILITY_H
#define MODEL_APPLICABILITY_H

#include "model/profile.h"

enum rule_type { RULE_INCLUDE, RULE_EXCLUDE };

struct rule_edition {
	const char *name;
	struct field_texts editions; /* members of windows10EditionType */
	int64_t rule;
};

struct rule_version {
	const char *name, *min, *max; /* "10.0.19045"; min and max belong to it */
	int64_t rule;
};

struct rule_mode {
	const char *name;
	int64_t mode; /* 0 standard, 1 S mode */
	int64_t rule;
};

/* Of Windows 10X, which has a list of them. */
struct rule_server {
	int64_t type, filter;
	const char *min, *max;
};

/* NULL: no rule. */
struct applicability {
	struct rule_edition *edition;
	struct rule_version *version;
	struct rule_mode *mode;
	struct field_list server; /* of struct rule_server */
};

extern const struct rows_of applicability_rows;

/* Rules are for Windows 10 and later only; min is not above max. */
err_t applicability_check(const struct profile_type *t, const struct applicability *r);

#endif
