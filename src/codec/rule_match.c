/* SPDX-License-Identifier: Apache-2.0 */
/* What properties and operators there are, and whether a device matches: see rule.h. */
#include <strings.h>

#include "codec/rule_tree.h"

#define BIT(op) (1u << (op))
#define TEXT_OPS \
	(BIT(RULE_EQ) | BIT(RULE_NE) | BIT(RULE_STARTS) | BIT(RULE_IN) | BIT(RULE_NOT_IN) | \
	    BIT(RULE_CONTAINS) | BIT(RULE_NOT_CONTAINS) | BIT(RULE_NOT_STARTS) | BIT(RULE_ENDS) | \
	    BIT(RULE_NOT_ENDS))
#define SAME_OPS (BIT(RULE_EQ) | BIT(RULE_NE))
#define SET_OPS (SAME_OPS | BIT(RULE_IN) | BIT(RULE_NOT_IN))
#define ORDER_OPS (SAME_OPS | BIT(RULE_GT) | BIT(RULE_GE) | BIT(RULE_LT) | BIT(RULE_LE))

static const char *const ownerships[] = { "Personal", "Corporate", "unknown", NULL };
static const char *const truths[] = { "True", "False", "unknown", NULL };
static const char *const cpus[] = { "amd64", "x86", "arm64", "x64", "unknown", NULL };
static const char *const trusts[] = { "Azure AD joined", "Azure AD registered",
	"Hybrid Azure AD joined", "Unknown", NULL };

const struct rule_property_info rule_properties[RULE_PROPERTIES] = {
	[RULE_DEVICE_NAME] = { "device.deviceName", "String", TEXT_OPS, RULE_ON_ALL, NULL },
	[RULE_MANUFACTURER] = { "device.manufacturer", "String", TEXT_OPS, RULE_ON_ALL, NULL },
	[RULE_MODEL] = { "device.model", "String", TEXT_OPS, RULE_ON_ALL, NULL },
	[RULE_CATEGORY] = { "device.deviceCategory", "String", TEXT_OPS, RULE_ON_ALL, NULL },
	[RULE_OS_VERSION_NUMBER] = { "device.operatingSystemVersion", "Version", ORDER_OPS,
	    RULE_ON_ALL, NULL },
	[RULE_OS_VERSION] = { "device.osVersion", "String", TEXT_OPS, RULE_ON_ALL, NULL },
	[RULE_OWNERSHIP] = { "device.deviceOwnership", "String", SAME_OPS, RULE_ON_ALL,
	    ownerships },
	[RULE_ENROL_PROFILE] = { "device.enrollmentProfileName", "String", TEXT_OPS, RULE_ON_ALL,
	    NULL },
	[RULE_ROOTED] = { "device.isRooted", "String", SAME_OPS, RULE_ON_ANDROID | RULE_ON_APPLE,
	    truths },
	[RULE_CPU] = { "device.cpuArchitecture", "String", SET_OPS,
	    RULE_ON_WINDOWS | RULE_ON_MACOS | RULE_ON_LINUX, cpus },
	[RULE_SKU] = { "device.operatingSystemSKU", "String", TEXT_OPS, RULE_ON_WINDOWS, NULL },
	[RULE_TRUST_TYPE] = { "device.deviceTrustType", "String", SET_OPS, RULE_ON_WINDOWS,
	    trusts },
};

static const struct {
	const char *name, *words;
} ops[RULE_OPS] = {
	[RULE_EQ] = { "eq", "equals" },
	[RULE_NE] = { "ne", "notEquals" },
	[RULE_STARTS] = { "startsWith", "startsWith" },
	[RULE_NOT_STARTS] = { "notStartsWith", "notStartsWith" },
	[RULE_ENDS] = { "endsWith", "endsWith" },
	[RULE_NOT_ENDS] = { "notEndsWith", "notEndsWith" },
	[RULE_CONTAINS] = { "contains", "contains" },
	[RULE_NOT_CONTAINS] = { "notContains", "notContains" },
	[RULE_IN] = { "in", "in" },
	[RULE_NOT_IN] = { "notIn", "notIn" },
	[RULE_GT] = { "gt", "greaterThan" },
	[RULE_GE] = { "ge", "greaterThanOrEquals" },
	[RULE_LT] = { "lt", "lessThan" },
	[RULE_LE] = { "le", "lessThanOrEquals" },
};

const char *
rule_op_name(enum rule_op op)
{
	return ops[op].name;
}

const char *
rule_op_word(enum rule_op op)
{
	return ops[op].words;
}

unsigned
rule_platform(const char *name)
{
	static const struct {
		const char *start;
		unsigned bits;
	} rows[] = { { "android", RULE_ON_ANDROID }, { "ios", RULE_ON_APPLE },
		{ "macos", RULE_ON_MACOS }, { "windows", RULE_ON_WINDOWS },
		{ "linux", RULE_ON_LINUX } };

	for (size_t i = 0; i < COUNT(rows); i++)
		if (strncasecmp(name, rows[i].start, strlen(rows[i].start)) == 0)
			return rows[i].bits;
	return 0;
}

/* One part of a version, up to the next dot. */
static struct str
next_part(struct str *s)
{
	return str_cut(s, '.');
}

static bool
part_number(struct str s, int64_t *ret)
{
	err_t e;

	*ret = 0;
	if (s.n == 0)
		return true;
	e = text_i64(s, 0, INT64_MAX, ret);
	if (err_ok(e))
		return true;
	err_forget(e);
	return false;
}

int
rule_version_cmp(const char *a, const char *b)
{
	struct str x = str_c(a), y = str_c(b);

	while (x.n > 0 || y.n > 0) {
		struct str p = next_part(&x), q = next_part(&y);
		int64_t m, n;
		int order;

		if (part_number(p, &m) && part_number(q, &n))
			order = (m > n) - (m < n);
		else
			order = str_cmp(p, q);
		if (order != 0)
			return order;
	}
	return 0;
}

static bool
holds(enum rule_op op, const char *have, const char *want)
{
	size_t n = strlen(have), k = strlen(want);

	switch (op) {
	case RULE_EQ:
	case RULE_IN:
		return strcasecmp(have, want) == 0;
	case RULE_STARTS:
		return strncasecmp(have, want, k) == 0;
	case RULE_ENDS:
		return k <= n && strcasecmp(have + n - k, want) == 0;
	case RULE_CONTAINS:
		for (size_t i = 0; i + k <= n; i++)
			if (strncasecmp(have + i, want, k) == 0)
				return true;
		return false;
	case RULE_NE:
	case RULE_NOT_STARTS:
	case RULE_NOT_ENDS:
	case RULE_NOT_CONTAINS:
	case RULE_NOT_IN:
	case RULE_GT:
	case RULE_GE:
	case RULE_LT:
	case RULE_LE:
	case RULE_OPS:
		break;
	}
	return false;
}

static bool
version_holds(enum rule_op op, int order)
{
	return (op == RULE_EQ && order == 0) || (op == RULE_GT && order > 0) ||
	    (op == RULE_GE && order >= 0) || (op == RULE_LT && order < 0) ||
	    (op == RULE_LE && order <= 0);
}

/* A negation says of a device without a value what it says of one with another value: it holds. */
static enum rule_op
positive(enum rule_op op, bool *negated)
{
	static const enum rule_op of[RULE_OPS] = { [RULE_NE] = RULE_EQ,
		[RULE_NOT_STARTS] = RULE_STARTS,
		[RULE_NOT_ENDS] = RULE_ENDS,
		[RULE_NOT_CONTAINS] = RULE_CONTAINS,
		[RULE_NOT_IN] = RULE_IN };

	*negated = op == RULE_NE || op == RULE_NOT_STARTS || op == RULE_NOT_ENDS ||
	    op == RULE_NOT_CONTAINS || op == RULE_NOT_IN;
	return *negated ? of[op] : op;
}

static bool
compare(const struct rule *r, const char *have)
{
	bool version = strcmp(rule_properties[r->property].type, "Version") == 0;
	bool missing = have == NULL || *have == '\0';
	bool negated, yes = false;
	enum rule_op op = positive(r->op, &negated);

	if (missing && rule_properties[r->property].values != NULL) {
		have = "unknown";
		missing = false;
	}
	for (size_t i = 0; i < r->n && !yes; i++) {
		if (r->v[i] == NULL)
			yes = missing;
		else if (missing)
			yes = false;
		else if (version)
			yes = version_holds(op, rule_version_cmp(have, r->v[i]));
		else
			yes = holds(op, have, r->v[i]);
	}
	return yes != negated;
}

bool
rule_match(const struct rule *r, const struct rule_facts *f)
{
	switch (r->kind) {
	case RULE_AND:
		return rule_match(r->left, f) && rule_match(r->right, f);
	case RULE_OR:
		return rule_match(r->left, f) || rule_match(r->right, f);
	case RULE_NOT:
		return !rule_match(r->left, f);
	case RULE_COMPARE:
		break;
	}
	return compare(r, f->v[r->property]);
}
