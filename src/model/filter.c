/* SPDX-License-Identifier: Apache-2.0 */
#include "model/filter.h"

void
filter_facts(const struct device *d, struct rule_facts *ret)
{
	static const char *const owners[] = { [OWNERSHIP_UNKNOWN] = "",
		[OWNERSHIP_COMPANY] = "Corporate",
		[OWNERSHIP_PERSONAL] = "Personal" };
	static const char *const rooted[] = {
		[ROOTED_UNKNOWN] = "", [ROOTED_NO] = "False", [ROOTED_YES] = "True"
	};
	static const char *const joins[] = { [JOIN_UNKNOWN] = "",
		[JOIN_JOINED] = "Azure AD joined",
		[JOIN_REGISTERED] = "Azure AD registered",
		[JOIN_HYBRID] = "Hybrid Azure AD joined" };

	*ret = (struct rule_facts){ .v = {
					[RULE_DEVICE_NAME] = d->name,
					[RULE_MANUFACTURER] = d->manufacturer,
					[RULE_MODEL] = d->model,
					[RULE_CATEGORY] = d->category,
					[RULE_OS_VERSION_NUMBER] = d->os_version,
					[RULE_OS_VERSION] = d->os_version,
					[RULE_OWNERSHIP] = owners[d->ownership],
					[RULE_ENROL_PROFILE] = d->enrol_profile,
					[RULE_ROOTED] = rooted[d->rooted],
					[RULE_CPU] = d->cpu,
					[RULE_SKU] = d->sku,
					[RULE_TRUST_TYPE] = joins[d->join_type],
				    } };
}

bool
filter_is_for(const char *filter_platform, const char *platform)
{
	return (rule_platform(filter_platform) & rule_platform(platform)) != 0;
}

err_t
filter_passes(
    struct tx *tx, struct arena *a, const struct assignment *by, const struct device *d, bool *ret)
{
	struct rule_facts facts;
	struct filter f;
	struct rule *rule;
	bool match = false;

	if (by->filter_mode == FILTER_NONE || id_is_zero(by->filter)) {
		*ret = true;
		return OK;
	}
	TRY(store_filter_get(tx, a, by->filter, &f));
	if (filter_is_for(f.platform, d->platform)) {
		TRY_CTX(
		    rule_parse(a, f.rule, 0, &rule), "assignment filter \"%s\"", f.display_name);
		filter_facts(d, &facts);
		match = rule_match(rule, &facts);
	}
	*ret = match == (by->filter_mode == FILTER_INCLUDE);
	return OK;
}
