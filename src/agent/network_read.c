/* SPDX-License-Identifier: Apache-2.0 */
/* What the service says of a network: see network.h. */
#include "agent/network.h"
#include "base/limits.h"
#include "base/text.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._*"
enum { ROOTS_MAX = 8, NAMES_MAX = 16, KEY_MIN = 8, SEALED_MAX = 4096 };

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

static err_t
read_security(struct arena *a, const json *j, struct network *n)
{
	static const struct {
		const char *name;
		enum protection protection;
		bool newer;
	} rows[] = {
		{ "open", PROTECT_OPEN, false },
		{ "wpa-psk", PROTECT_BY_KEY, false },
		{ "wpa2-psk", PROTECT_BY_KEY, true },
		{ "wpa-eap", PROTECT_BY_NAME, false },
		{ "wpa2-eap", PROTECT_BY_NAME, true },
	};
	const char *security;

	TRY(json_need_text(j, "security", 16, &security));
	for (size_t i = 0; i < COUNT(rows); i++)
		if (strcmp(rows[i].name, security) == 0) {
			n->protection = rows[i].protection;
			n->newer = rows[i].newer;
			return OK;
		}
	FAIL(ERR_UNSUPPORTED, "security %s", text_safe(a, str_c(security)));
}

/* 802.1X */
static err_t
read_log_on(struct arena *a, const json *j, struct network *n)
{
	const char *eap;

	TRY(read_text(j, "identity", LIMIT_TEXT, &n->identity));
	if (n->identity[0] == '\0')
		FAIL(ERR_BAD_REQUEST, "\"identity\" must not be empty");
	TRY(json_need_text(j, "certificate", LIMIT_TEXT, &n->certificate));
	TRY(json_need_text(j, "eap", 16, &eap));
	if (!str_eq_c(str_c(eap), "tls"))
		FAIL(ERR_UNSUPPORTED, "EAP method %s", text_safe(a, str_c(eap)));
	TRY(alias_check_ours(n->certificate));
	TRY(read_servers(a, j, &n->servers));
	return read_roots(a, j, n);
}

err_t
network_key_check(struct str key)
{
	bool hex = true;

	for (size_t i = 0; i < key.n; i++) {
		if (key.p[i] < ' ' || key.p[i] > '~')
			FAIL(ERR_BAD_REQUEST, "the key has a character that no key has");
		hex &= strchr("0123456789abcdefABCDEF", key.p[i]) != NULL;
	}
	if (key.n < KEY_MIN || key.n > NETWORK_KEY_HEX || (key.n == NETWORK_KEY_HEX && !hex))
		FAIL(ERR_BAD_REQUEST, "the key has %zu characters", key.n);
	return OK;
}

err_t
network_read(struct arena *a, const char *alias, const json *command, struct network *ret)
{
	const json *j = json_get(command, "network");
	struct network n = { .alias = alias, .servers = "" };

	TRY(alias_check_ours(alias));
	if (!json_is_object(j))
		FAIL(ERR_BAD_REQUEST, "\"network\" must be an object");
	TRY(read_text(command, "name", LIMIT_TEXT, &n.name));
	TRY(read_text(j, "ssid", 32, &n.ssid));
	if (n.ssid[0] == '\0')
		FAIL(ERR_BAD_REQUEST, "\"ssid\" must not be empty");
	TRY(read_security(a, j, &n));
	n.automatic = json_true(json_get(j, "automatic"));
	n.hidden = json_true(json_get(j, "hidden"));
	switch (n.protection) {
	case PROTECT_OPEN:
		break;
	case PROTECT_BY_KEY:
		TRY(json_need_base64(a, j, "key", SEALED_MAX, &n.sealed));
		break;
	case PROTECT_BY_NAME:
		TRY(read_log_on(a, j, &n));
		break;
	}
	*ret = n;
	return OK;
}
