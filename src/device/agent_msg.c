/* SPDX-License-Identifier: Apache-2.0 */
#include "device/agent_msg.h"

#include "base/limits.h"

static const struct {
	const char *name;
	enum result_status status;
} statuses[] = {
	{ "ok", RESULT_OK }, { "error", RESULT_ERROR }, { "not_now", RESULT_NOT_NOW },
	{ "pending", RESULT_NOT_NOW }, /* the device waits for somebody: its user, or the CA */
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

static err_t
read_sha256(struct arena *a, const json *item, struct str *ret)
{
	const char *hex;
	struct str hash;
	err_t e;

	TRY(json_need_text(item, "sha256", 64, &hex));
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
	ret->identity = str_eq_c(str_c(kind), "identity");
	ret->network = str_eq_c(str_c(kind), "network");
	if (!ret->identity && !ret->network && !str_eq_c(str_c(kind), "ca"))
		FAIL(ERR_BAD_REQUEST, "\"kind\" is neither ca, identity nor network");
	TRY(read_sha256(a, j, &ret->sha256));
	TRY(read_has_key(j, &ret->has_key));
	TRY(json_want_base64(a, j, "certificate", LIMIT_CERT_BYTES, &ret->certificate));
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
		FAIL(ERR_BAD_REQUEST, "\"status\" is none of ok, error, not_now, pending");
	TRY(json_want_text(j, "code", LIMIT_TEXT, &ret->code));
	TRY(json_want_text(j, "detail", LIMIT_LONG_TEXT, &ret->detail));
	TRY(json_want_base64(a, j, "certificate", LIMIT_CERT_BYTES, &ret->certificate));
	ret->fault = agent_code_fault(ret->code);
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
	if (!json_is_null(json_get(msg, "wipe")) && !json_is_bool(json_get(msg, "wipe")))
		FAIL(ERR_BAD_REQUEST, "\"wipe\" must be true or false");
	c.report.wipe = json_true(json_get(msg, "wipe")) ? REPORT_WIPE_CAN : REPORT_WIPE_NEVER;
	TRY(read_items(a, msg, &c.report));
	TRY(read_results(a, msg, &c.report));
	*ret = c;
	return OK;
}
