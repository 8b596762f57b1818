/* SPDX-License-Identifier: Apache-2.0 */
/* What a device of the agent protocol says of itself, and which platform of profiles that makes it. */
#include "base/limits.h"
#include "device/agent_msg.h"

/* Facts as profiles and directory name them. */
static const struct {
	const char *fact, *field;
} fields[] = {
	{ "device_name", "deviceName" },
	{ "fqdn", "fullyQualifiedDomainName" },
	{ "serial", "serialNumber" },
	{ "imei", "imei" },
	{ "meid", "meid" },
	{ "wifi_mac", "wiFiMacAddress" },
};

/* Facts that the device's platform keeps to itself. What else it names is nothing that a certificate could have. */
static err_t
read_unavailable(struct arena *a, const json *facts, const char **ret)
{
	const char *list = "";
	json *names;

	TRY(json_want_array(facts, "unavailable", COUNT(fields) * 4, &names));
	for (size_t i = 0; i < json_count(names); i++) {
		if (!json_is_text(json_at(names, i)))
			FAIL(ERR_BAD_REQUEST, "\"unavailable\" must hold texts");
		for (size_t k = 0; k < COUNT(fields); k++)
			if (str_eq_c(str_c(json_text(json_at(names, i))), fields[k].fact))
				list = arena_printf(
				    a, "%s%s%s", list, *list == '\0' ? "" : ",", fields[k].field);
	}
	*ret = list;
	return OK;
}

err_t
agent_facts_read(struct arena *a, const json *facts, struct device *ret)
{
	struct device d = *ret;
	const struct {
		const char *name;
		const char **to;
	} texts[] = {
		{ "imei", &d.imei },
		{ "meid", &d.meid },
		{ "wifi_mac", &d.wifi_mac },
		{ "device_name", &d.name },
		{ "fqdn", &d.fqdn },
		{ "serial", &d.serial },
		{ "machine_id", &d.machine_id },
		{ "manufacturer", &d.manufacturer },
		{ "model", &d.model },
		{ "os", &d.os },
		{ "os_version", &d.os_version },
		{ "agent_version", &d.agent_version },
	};

	if (!json_is_object(facts))
		FAIL(ERR_BAD_REQUEST, "\"facts\" must be an object");
	for (size_t i = 0; i < COUNT(texts); i++)
		TRY(json_want_text(facts, texts[i].name, LIMIT_TEXT, texts[i].to));
	TRY(read_unavailable(a, facts, &d.withheld));
	*ret = d;
	return OK;
}

/* How an Android device is managed, and the platform of the profiles that it takes. A work profile on a device that the
 * company owns takes those of the company's devices. google: 'y', 'n', or ' ' for both. */
static const struct {
	const char *mode;
	enum device_ownership ownership; /* OWNERSHIP_UNKNOWN: any */
	char google;
	const char *platform;
} androids[] = {
	{ "device_owner", OWNERSHIP_UNKNOWN, 'y', "androidDeviceOwner" },
	{ "device_owner", OWNERSHIP_UNKNOWN, 'n', "androidAOSP" },
	{ "profile_owner", OWNERSHIP_COMPANY, ' ', "androidDeviceOwner" },
	{ "profile_owner", OWNERSHIP_PERSONAL, ' ', "androidWorkProfile" },
	{ "device_admin", OWNERSHIP_UNKNOWN, ' ', "android" },
};

static err_t
ownership_read(const json *facts, const char *fallback, enum device_ownership *ret)
{
	const char *text = NULL;

	TRY(json_want_text(facts, "ownership", 16, &text));
	if (text == NULL)
		text = fallback;
	if (str_eq_c(str_c(text), "corporate"))
		*ret = OWNERSHIP_COMPANY;
	else if (str_eq_c(str_c(text), "personal"))
		*ret = OWNERSHIP_PERSONAL;
	else if (str_eq_c(str_c(text), ""))
		*ret = OWNERSHIP_UNKNOWN;
	else
		FAIL(ERR_BAD_REQUEST, "\"ownership\" is neither corporate nor personal");
	return OK;
}

static err_t
android_read(const json *facts, struct device *d)
{
	const json *google = json_get(facts, "google_services");
	const char *mode;

	if (!json_is_null(google) && !json_is_bool(google))
		FAIL(ERR_BAD_REQUEST, "\"google_services\" must be true or false");
	TRY(json_need_text(facts, "mode", 32, &mode));
	/* Who does not say whose it is has a device of his own; a device owner is the company's by its making. */
	TRY(ownership_read(facts, str_eq_c(str_c(mode), "device_owner") ? "corporate" : "personal",
	    &d->ownership));
	for (size_t i = 0; i < COUNT(androids); i++) {
		char has = json_is_null(google) || json_true(google) ? 'y' : 'n';

		if (!str_eq_c(str_c(mode), androids[i].mode) ||
		    (androids[i].ownership != OWNERSHIP_UNKNOWN &&
			androids[i].ownership != d->ownership) ||
		    (androids[i].google != ' ' && androids[i].google != has))
			continue;
		d->platform = androids[i].platform;
		return OK;
	}
	FAIL(ERR_BAD_REQUEST, "\"mode\" is none of device_owner, profile_owner, device_admin");
}

err_t
agent_platform_read(const json *facts, struct device *ret)
{
	struct device d = *ret;
	const char *name = NULL;

	TRY(json_want_text(facts, "platform", 16, &name));
	if (name != NULL && str_eq_c(str_c(name), "android")) {
		TRY(android_read(facts, &d));
	} else if (name == NULL || str_eq_c(str_c(name), "linux")) {
		TRY(ownership_read(facts, "", &d.ownership));
		d.platform = "linux";
	} else {
		FAIL(ERR_BAD_REQUEST, "\"platform\" is neither linux nor android");
	}
	*ret = d;
	return OK;
}
