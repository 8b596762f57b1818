/* SPDX-License-Identifier: Apache-2.0 */
#include "connector/selftest.h"

#include "base/file.h"
#include "net/admin.h"

#define PATIENCE_MS 60000
#define NAMES_MAX 8192u

static err_t
findings(const char *admin_socket, struct arena *a, json **ret)
{
	auto_json json *args = json_object_new();
	struct ipc_client *client;
	err_t e;

	TRY(ipc_client_new(admin_socket, 1, PATIENCE_MS, &client));
	e = admin_call(client, a, "connector.check", args, ret);
	ipc_client_free(client);
	return e;
}

err_t
selftest_keep(const char *admin_socket, const char *before)
{
	auto_arena struct arena *a = arena_new();
	auto_json json *answer = NULL, *names = json_array_new();
	struct str text;
	json *list;

	TRY(findings(admin_socket, a, &answer));
	list = json_get(answer, "findings");
	for (size_t i = 0; i < json_count(list); i++)
		if (!json_true(json_get(json_at(list, i), "ok")))
			json_add(names, json_ref(json_get(json_at(list, i), "check")));
	TRY(json_print(a, names, &text));
	return file_write(before, text, 0600);
}

static bool
is_named(const json *names, const char *check)
{
	for (size_t i = 0; i < json_count(names); i++)
		if (strcmp(json_text(json_at(names, i)), check) == 0)
			return true;
	return false;
}

static err_t
compare(const char *admin_socket, struct arena *a, const char *before, const char **ret)
{
	auto_json json *answer = NULL, *names = NULL;
	const json *list;
	struct str text;

	if (file_exists(before)) {
		TRY(file_read(a, before, NAMES_MAX, &text));
		TRY(json_parse(text, NAMES_MAX, &names));
	}
	TRY(findings(admin_socket, a, &answer));
	list = json_get(answer, "findings");
	*ret = json_count(list) == 0 ? "nothing was checked" : NULL;
	for (size_t i = 0; i < json_count(list) && *ret == NULL; i++) {
		const json *one = json_at(list, i);
		const char *check = json_text(json_get(one, "check"));

		if (!json_true(json_get(one, "ok")) && !is_named(names, check))
			*ret = arena_printf(a, "%s: %s: %s", check,
			    json_text(json_get(one, "text")), json_text(json_get(one, "detail")));
	}
	return OK;
}

const char *
selftest(const char *admin_socket, struct arena *a, const char *before)
{
	const char *found = NULL;
	struct err_report rep;
	err_t e = compare(admin_socket, a, before, &found);

	if (err_ok(e))
		return found;
	err_take(e, &rep);
	return arena_printf(a, "the connector does not answer: %s", rep.detail);
}
