/* SPDX-License-Identifier: Apache-2.0 */
#include "device/agent_msg.h"

#include "base/limits.h"

static const struct {
	const char *name;
	enum result_status status;
} statuses[] = {
	{ "ok", RESULT_OK },
	{ "error", RESULT_ERROR },
	{ "not_now", RESULT_NOT_NOW },
};

static const char *const command_names[] = {
	[COMMAND_INSTALL_CA] = "install_ca",
	[COMMAND_INSTALL_IDENTITY] = "install_identity",
	[COMMAND_REMOVE_CA] = "remove_ca",
	[COMMAND_REMOVE_IDENTITY] = "remove_identity",
};

err_t
agent_version_check(const json *msg)
{
	int64_t version;

	TRY(json_need_int(msg, "protocol", 1, 1000, &version));
	if (version != AGENT_PROTOCOL)
		FAIL(
		    ERR_PROTOCOL_VERSION, "protocol %d, we speak %d", (int)version, AGENT_PROTOCOL);
	return OK;
}

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
	d.platform = "linux";
	*ret = d;
	return OK;
}

/* A SHA-256 in hex; empty when absent and not demanded. */
static err_t
read_sha256(struct arena *a, const json *item, bool demanded, struct str *ret)
{
	const char *hex = NULL;
	struct str hash;
	err_t e;

	if (demanded)
		TRY(json_need_text(item, "sha256", 64, &hex));
	else
		TRY(json_want_text(item, "sha256", 64, &hex));
	if (hex == NULL || hex[0] == '\0')
		return OK;
	e = text_unhex(a, str_c(hex), &hash);
	if (!err_ok(e) || hash.n != 32) {
		err_forget(e);
		FAIL(ERR_BAD_REQUEST, "\"sha256\" must be 64 hex digits");
	}
	*ret = hash;
	return OK;
}

static err_t
read_has_key(const json *item, bool *ret)
{
	const json *j = json_get(item, "has_key");

	if (!json_is_null(j) && !json_is_bool(j))
		FAIL(ERR_BAD_REQUEST, "\"has_key\" must be true or false");
	*ret = json_true(j);
	return OK;
}

static err_t
read_not_after(const json *item, when_t *ret)
{
	const char *text;
	err_t e;

	TRY(json_want_text(item, "not_after", 64, &text));
	if (text == NULL || text[0] == '\0')
		return OK;
	e = when_parse(str_c(text), ret);
	if (!err_ok(e)) {
		err_forget(e);
		FAIL(ERR_BAD_REQUEST, "\"not_after\" is not a date and time");
	}
	return OK;
}

static err_t
read_item(struct arena *a, const json *j, struct report_item *ret)
{
	const char *kind;

	TRY(json_need_text(j, "alias", LIMIT_TEXT, &ret->alias));
	TRY(json_need_text(j, "kind", 16, &kind));
	if (!str_eq_c(str_c(kind), "ca") && !str_eq_c(str_c(kind), "identity"))
		FAIL(ERR_BAD_REQUEST, "\"kind\" is neither ca nor identity");
	ret->identity = kind[0] == 'i';
	TRY(read_sha256(a, j, true, &ret->sha256));
	TRY(read_has_key(j, &ret->has_key));
	return read_not_after(j, &ret->not_after);
}

static err_t
read_result(struct arena *a, const json *j, struct report_result *ret)
{
	const char *status;

	TRY(json_need_text(j, "id", LIMIT_TEXT, &ret->id));
	TRY(json_need_text(j, "status", 16, &status));
	for (size_t i = 0; i < COUNT(statuses); i++)
		if (str_eq_c(str_c(status), statuses[i].name))
			ret->status = statuses[i].status;
	if (ret->status == 0)
		FAIL(ERR_BAD_REQUEST, "\"status\" is none of ok, error, not_now");
	TRY(read_sha256(a, j, false, &ret->sha256));
	TRY(json_want_text(j, "code", LIMIT_TEXT, &ret->code));
	TRY(json_want_text(j, "detail", LIMIT_LONG_TEXT, &ret->detail));
	return OK;
}

static err_t
read_items(struct arena *a, const json *msg, struct report *rep)
{
	struct report_item *items;
	json *list;

	TRY(json_want_array(msg, "inventory", LIMIT_INVENTORY, &list));
	if (list == NULL)
		return OK;
	items = arena_array(a, json_count(list) + 1, sizeof(*items));
	for (size_t i = 0; i < json_count(list); i++)
		TRY_CTX(read_item(a, json_at(list, i), &items[i]), "inventory %zu", i);
	rep->items = items;
	rep->nitems = json_count(list);
	rep->has_inventory = true;
	return OK;
}

static err_t
read_results(struct arena *a, const json *msg, struct report *rep)
{
	struct report_result *results;
	json *list;

	TRY(json_want_array(msg, "results", LIMIT_RESULTS, &list));
	if (list == NULL)
		return OK;
	results = arena_array(a, json_count(list) + 1, sizeof(*results));
	for (size_t i = 0; i < json_count(list); i++)
		TRY_CTX(read_result(a, json_at(list, i), &results[i]), "results %zu", i);
	rep->results = results;
	rep->nresults = json_count(list);
	return OK;
}

err_t
agent_checkin_read(struct arena *a, const json *msg, struct agent_checkin *ret)
{
	struct agent_checkin c = { 0 };

	TRY(agent_version_check(msg));
	TRY(json_want_int(msg, "wait", 0, 3600, 0, &c.wait));
	if (c.wait > AGENT_WAIT_MAX)
		c.wait = AGENT_WAIT_MAX;
	if (!json_is_null(json_get(msg, "facts"))) {
		TRY(agent_facts_read(a, json_get(msg, "facts"), &c.report.facts));
		c.report.has_facts = true;
	}
	TRY(read_items(a, msg, &c.report));
	TRY(read_results(a, msg, &c.report));
	*ret = c;
	return OK;
}

static json *
command_write(struct arena *a, const struct command *c)
{
	json *j = json_object_new();

	json_set_text(j, "id", c->id);
	json_set_text(j, "kind", command_names[c->kind]);
	json_set_text(j, "alias", c->alias);
	switch (c->kind) {
	case COMMAND_INSTALL_CA:
		json_set_base64(a, j, "der", c->der);
		break;
	case COMMAND_INSTALL_IDENTITY:
		json_set_base64(a, j, "pfx", c->pfx);
		json_set_base64(a, j, "password", c->password);
		json_set_text(j, "sha256", text_hex(a, c->sha256));
		break;
	case COMMAND_REMOVE_CA:
	case COMMAND_REMOVE_IDENTITY:
		break;
	}
	return j;
}

json *
agent_commands_write(struct arena *a, const struct command *v, size_t n, int64_t poll_seconds)
{
	json *body = json_object_new();
	json *list = json_array_new();

	for (size_t i = 0; i < n; i++)
		json_add(list, command_write(a, &v[i]));
	json_set(body, "commands", list);
	json_set_int(body, "next_poll_seconds", poll_seconds);
	return body;
}
