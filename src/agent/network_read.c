/* SPDX-License-Identifier: Apache-2.0 */
/* What the service says of a network: see network.h. */
#include "agent/network.h"
#include "base/limits.h"
#include "base/text.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._*"
enum { ROOTS_MAX = 8, NAMES_MAX = 16 };

/* A line break would begin a setting of its own. */
static err_t
read_text(const json *j, const char *member, size_t max, const char **ret)
{
	const char *text;

	TRY(json_want_text(j, member, max, &text));
	*ret = text == NULL ? "" : text;
	for (const char *p = *ret; *p != '\0'; p++)
		if ((uint8_t)*p < 0x20 || *p == 0x7f)
			FAIL(ERR_BAD_REQUEST, "\"%s\" has a control character", member);
	return OK;
}

static err_t
read_servers(struct arena *a, const json *j, const char **ret)
{
	const char *all = "";
	json *list;

	TRY(json_want_array(j, "servers", NAMES_MAX, &list));
	for (size_t i = 0; i < json_count(list); i++) {
		const char *name = json_text(json_at(list, i));

		/* Names of hosts, and nothing that ends a value or begins another. */
		if (name[0] == '\0' || strspn(name, NAME_CHARACTERS) != strlen(name))
			FAIL(ERR_BAD_REQUEST, "\"servers\" %zu is no name of a host", i);
		all = arena_printf(a, "%s%s%s", all, i == 0 ? "" : ";", name);
	}
	*ret = all;
	return OK;
}

static err_t
read_roots(struct arena *a, const json *j, struct network *n)
{
	struct str *v = arena_array(a, ROOTS_MAX, sizeof(*v));
	json *list;

	TRY(json_want_array(j, "roots", ROOTS_MAX, &list));
	for (size_t i = 0; i < json_count(list); i++) {
		auto_cert struct cert *c = NULL;

		TRY(text_unbase64(a, str_c(json_text(json_at(list, i))), &v[i]));
		TRY(cert_parse(v[i], &c));
	}
	n->roots = v;
	n->nroots = json_count(list);
	return OK;
}

err_t
network_read(struct arena *a, const char *alias, const json *command, struct network *ret)
{
	const json *j = json_get(command, "network");
	struct network n = { .alias = alias };
	const char *security, *eap;

	TRY(alias_check_ours(alias));
	if (!json_is_object(j))
		FAIL(ERR_BAD_REQUEST, "\"network\" must be an object");
	TRY(read_text(command, "name", LIMIT_TEXT, &n.name));
	TRY(read_text(j, "ssid", 32, &n.ssid));
	TRY(read_text(j, "identity", LIMIT_TEXT, &n.identity));
	TRY(json_need_text(j, "certificate", LIMIT_TEXT, &n.certificate));
	TRY(json_need_text(j, "security", 16, &security));
	TRY(json_need_text(j, "eap", 16, &eap));
	if (n.ssid[0] == '\0' || n.identity[0] == '\0')
		FAIL(ERR_BAD_REQUEST, "\"ssid\" and \"identity\" must not be empty");
	if (!str_eq_c(str_c(eap), "tls"))
		FAIL(ERR_UNSUPPORTED, "EAP method %s", text_safe(a, str_c(eap)));
	n.newer = str_eq_c(str_c(security), "wpa2-eap");
	if (!n.newer && !str_eq_c(str_c(security), "wpa-eap"))
		FAIL(ERR_UNSUPPORTED, "security %s", text_safe(a, str_c(security)));
	TRY(alias_check_ours(n.certificate));
	n.automatic = json_true(json_get(j, "automatic"));
	n.hidden = json_true(json_get(j, "hidden"));
	TRY(read_servers(a, j, &n.servers));
	TRY(read_roots(a, j, &n));
	*ret = n;
	return OK;
}
