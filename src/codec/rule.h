/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules of assignment filters: (device.manufacturer -eq "Dell") and (device.osVersion -startsWith "10.0.22").
 *
 *   rule  = and *( "or" and )      and = term *( "and" term )
 *   term  = [ "not" ] ( "(" rule ")" | property operator value )
 *   value = text | "[" text *( "," text ) "]" | version | $null | True | False
 *
 * Names, operators and words compare without regard to ASCII case, and so do texts; the dash before an operator, and, or
 * and not may be left out; texts stand in double or single quotes; -in and -notIn take a list; null goes with -eq and -ne only;
 * "and" binds tighter than "or". Which property exists, on which platform, and with which operators and values is a
 * table (rule_properties). What the table does not allow is refused with ERR_FILTER_RULE, naming the character and the rule.
 *
 * A device that does not have the property: -eq and the like are false; -ne, -notIn, -notContains and the like are true.
 *
 * Not here: where the values come from (model/filter.h).
 */
#ifndef CODEC_RULE_H
#define CODEC_RULE_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/text.h"

enum rule_property {
	RULE_DEVICE_NAME,
	RULE_MANUFACTURER,
	RULE_MODEL,
	RULE_CATEGORY,
	RULE_OS_VERSION_NUMBER, /* operatingSystemVersion */
	RULE_OS_VERSION,        /* osVersion, as text */
	RULE_OWNERSHIP,
	RULE_ENROL_PROFILE,
	RULE_ROOTED,
	RULE_CPU,
	RULE_SKU,
	RULE_TRUST_TYPE,
	RULE_PROPERTIES
};

enum rule_op {
	RULE_EQ,
	RULE_NE,
	RULE_STARTS,
	RULE_NOT_STARTS,
	RULE_ENDS,
	RULE_NOT_ENDS,
	RULE_CONTAINS,
	RULE_NOT_CONTAINS,
	RULE_IN,
	RULE_NOT_IN,
	RULE_GT,
	RULE_GE,
	RULE_LT,
	RULE_LE,
	RULE_OPS
};

struct rule_property_info {
	const char *name;          /* "device.deviceName" */
	const char *type;          /* "String" or "Version" */
	unsigned ops;              /* bits 1 << RULE_* */
	unsigned platforms;        /* bits RULE_ON_* */
	const char *const *values; /* the only ones, ended by NULL; NULL: any */
};
enum {
	RULE_ON_ANDROID = 1,
	RULE_ON_APPLE = 2,
	RULE_ON_MACOS = 4,
	RULE_ON_WINDOWS = 8,
	RULE_ON_LINUX = 16,
	RULE_ON_ALL = 31
};
extern const struct rule_property_info rule_properties[RULE_PROPERTIES];
const char *rule_op_word(enum rule_op op); /* "equals": of older rules and of the API */
const char *rule_op_name(enum rule_op op); /* "startsWith" */
/* Bits of a platform's name ("windows10AndLater", "linux", "androidForWork", ...); 0: there is none of that name. */
unsigned rule_platform(const char *name);

struct rule;

/* What a device has, by property; NULL or "": it has not. */
struct rule_facts {
	const char *v[RULE_PROPERTIES];
};

/* platform: bits of rule_platform(). ERR_FILTER_RULE. */
err_t rule_parse(struct arena *a, const char *text, unsigned platform, struct rule **ret);
bool rule_match(const struct rule *r, const struct rule_facts *f);
/* "10.0.22621" against "10.0.9": <0, 0, >0 by numbers; what is missing at the end is 0; parts that are no numbers by text. */
int rule_version_cmp(const char *a, const char *b);

#endif
