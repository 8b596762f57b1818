/* SPDX-License-Identifier: Apache-2.0 */
#include "model/applies.h"

#include <strings.h>

#include "codec/json.h"
#include "codec/rule.h"

#define PREFIX "deviceManagementApplicabilityRule"
#define SERVER "serverApplicabilityRules" /* of Windows 10X */

/* Editions of which the API's name is not that of the system with "windows10" before it. */
static const struct {
	const char *api, *system;
} editions[] = {
	{ "windows10Home", "Core" },
	{ "windows10HomeN", "CoreN" },
	{ "windows10HomeChina", "CoreCountrySpecific" },
	{ "windows10HomeSingleLanguage", "CoreSingleLanguage" },
	{ "windows10IoTCore", "IoTUAP" },
};

static bool
edition_is(const char *api, const char *system)
{
	for (size_t i = 0; i < COUNT(editions); i++)
		if (strcasecmp(api, editions[i].api) == 0)
			return strcasecmp(system, editions[i].system) == 0;
	return strncasecmp(api, "windows10", 9) == 0 && strcasecmp(api + 9, system) == 0;
}

static bool
edition_listed(const json *rule, const char *system)
{
	const json *list = json_get(rule, "osEditionTypes");

	for (size_t i = 0; i < json_count(list); i++)
		if (edition_is(json_text(json_at(list, i)), system))
			return true;
	return false;
}

static bool
version_within(const json *rule, const char *version)
{
	const char *min = json_text(json_get(rule, "minOSVersion"));
	const char *max = json_text(json_get(rule, "maxOSVersion"));

	return *version != '\0' && (*min == '\0' || rule_version_cmp(version, min) >= 0) &&
	    (*max == '\0' || rule_version_cmp(version, max) <= 0);
}

/* A rule that is not there lets everything pass. */
static bool
passes(const json *rule, bool matches)
{
	bool exclude = strcasecmp(json_text(json_get(rule, "ruleType")), "exclude") == 0;

	return !json_is_object(rule) || matches != exclude;
}

/* All of the list; each says by filterType what the others say by ruleType. */
static bool
all_pass(const json *rules, const char *version)
{
	for (size_t i = 0; i < json_count(rules); i++) {
		const json *rule = json_at(rules, i);
		bool exclude = strcasecmp(json_text(json_get(rule, "filterType")), "exclude") == 0;

		if (version_within(rule, version) == exclude)
			return false;
	}
	return true;
}

err_t
applies_to(struct arena *a, const struct profile *p, const struct device *d, bool *ret)
{
	auto_json json *settings = NULL;
	const json *edition, *version;
	const char *os = d->os_version == NULL ? "" : d->os_version;

	(void)a;
	/* Most profiles have none, and are not read for it. As they are kept, without blanks; the schema's trigger looks alike. */
	if (p->settings == NULL ||
	    (strstr(p->settings, PREFIX "OsEdition\":{") == NULL &&
		strstr(p->settings, PREFIX "OsVersion\":{") == NULL &&
		strstr(p->settings, SERVER "\":[{") == NULL)) {
		*ret = true;
		return OK;
	}
	TRY(json_parse(str_c(p->settings), LIMIT_HTTP_BODY, &settings));
	edition = json_get(settings, PREFIX "OsEdition");
	version = json_get(settings, PREFIX "OsVersion");
	*ret = passes(edition, edition_listed(edition, d->sku == NULL ? "" : d->sku)) &&
	    passes(version, version_within(version, os)) &&
	    all_pass(json_get(settings, SERVER), os);
	return OK;
}
