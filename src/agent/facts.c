/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this device is: read from where Linux keeps it. What cannot be read for lack of rights is named as unavailable,
 * which is not the same as absent.
 */
#include "agent/agent.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "net/host.h"

#include <sys/utsname.h>

#define RADIOS "/sys/class/ieee80211"
enum { RADIOS_MAX = 64 };

static const struct {
	const char *fact, *path;
} files[] = {
	{ "serial", "/sys/class/dmi/id/product_serial" },
	{ "manufacturer", "/sys/class/dmi/id/sys_vendor" },
	{ "model", "/sys/class/dmi/id/product_name" },
	{ "machine_id", "/etc/machine-id" },
};

static void
file_fact(struct arena *a, json *facts, json *unavailable, const char *fact, const char *path)
{
	struct str text;
	const char *value;
	err_t e;

	if (!file_exists(path))
		return;
	e = file_read(a, path, LIMIT_TEXT, &text);
	if (err_ok(e))
		e = text_cstr(a, str_trim(text), &value);
	if (err_ok(e)) {
		json_set_text(facts, fact, value);
		return;
	}
	err_forget(e);
	json_add(unavailable, json_text_new(fact));
}

const char *
agent_wifi_mac(struct arena *a, const char *folder)
{
	const char *value = NULL;
	char **names = NULL;
	struct str text;
	size_t n = 0;
	err_t e = OK;

	if (file_exists(folder))
		e = dir_list(a, folder, RADIOS_MAX, &names, &n);
	if (err_ok(e) && n > 0)
		e = file_read(
		    a, arena_printf(a, "%s/%s/macaddress", folder, names[0]), LIMIT_TEXT, &text);
	if (err_ok(e) && n > 0)
		e = text_cstr(a, str_trim(text), &value);
	err_forget(e);
	return value;
}

/* NAME=value or NAME="value" of os-release. */
static const char *
os_release(struct arena *a, struct str text, const char *name)
{
	size_t n = strlen(name);

	while (text.n > 0) {
		struct str line = str_cut(&text, '\n');

		if (line.n > n && line.p[n] == '=' && memcmp(line.p, name, n) == 0) {
			struct str v = str_of(line.p + n + 1, line.n - n - 1);

			if (v.n >= 2 && v.p[0] == '"' && v.p[v.n - 1] == '"')
				v = str_of(v.p + 1, v.n - 2);
			return text_safe(a, v);
		}
	}
	return NULL;
}

json *
agent_facts(struct arena *a, const struct agent *g)
{
	json *facts = json_object_new();
	json *unavailable = json_array_new();
	const char *mac;
	struct utsname host;
	struct str text;
	err_t e;

	if (uname(&host) != 0)
		memset(&host, 0, sizeof(host));
	json_set_text(facts, "device_name",
	    g->conf->device_name[0] != '\0' ? g->conf->device_name : host.nodename);
	json_set_text(facts, "fqdn", host_fqdn(a));
	for (size_t i = 0; i < COUNT(files); i++)
		file_fact(a, facts, unavailable, files[i].fact, files[i].path);
	if ((mac = agent_wifi_mac(a, RADIOS)) != NULL)
		json_set_text(facts, "wifi_mac", mac);
	e = file_read(a, "/etc/os-release", LIMIT_LONG_TEXT, &text);
	if (err_ok(e)) {
		json_set_text(facts, "os", os_release(a, text, "NAME"));
		json_set_text(facts, "os_version", os_release(a, text, "VERSION_ID"));
	} else {
		err_forget(e);
		json_set_text(facts, "os", host.sysname);
		json_set_text(facts, "os_version", host.release);
	}
	json_set_text(facts, "agent_version", CHANCERY_VERSION);
	json_set(facts, "unavailable", unavailable);
	return facts;
}
