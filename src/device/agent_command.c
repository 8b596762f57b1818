/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of the agent protocol: see agent_msg.h. */
#include "base/limits.h"
#include "device/agent_msg.h"
#include "model/use.h"
#include "pki/cms.h"

static const char *const command_names[] = {
	[COMMAND_INSTALL_CA] = "install_ca",
	[COMMAND_INSTALL_IDENTITY] = "install_identity",
	[COMMAND_REMOVE_CA] = "remove_ca",
	[COMMAND_REMOVE_IDENTITY] = "remove_identity",
	[COMMAND_ENROL] = "enrol_scep",
	[COMMAND_WIPE] = "wipe",
	[COMMAND_INSTALL_NETWORK] = "install_network",
	[COMMAND_REMOVE_NETWORK] = "remove_network",
};

static json *
texts(const char *const *v, size_t n)
{
	json *list = json_array_new();

	for (size_t i = 0; i < n; i++)
		json_add(list, json_text_new(v[i]));
	return list;
}

/* X.509's bits by their names. RFC 5280 4.2.1.3 */
static json *
usage_write(uint8_t usage)
{
	json *list = json_array_new();

	if ((usage & 0x80) != 0)
		json_add(list, json_text_new("digitalSignature"));
	if ((usage & 0x20) != 0)
		json_add(list, json_text_new("keyEncipherment"));
	return list;
}

/* Whose the key is, and who may use it: silently these apps, or whom the user lets. */
static void
access_write(json *j, const struct command *c)
{
	const struct key_access *access = &c->what->access;
	json *x = json_object_new();

	json_set_text(j, "scope", id_is_zero(c->user) ? "device" : "user");
	json_set_text(x, "mode", access->npackages > 0 ? "grant" : "prompt");
	json_set(x, "apps", texts(access->packages, access->npackages));
	json_set(j, "access", x);
}

/* Where to ask, and by what right: by SCEP a challenge; by EST the identity that the device shows to the service. */
static err_t
way_write(const struct device_edge *edge, struct arena *a, const struct command *c, json *j)
{
	struct device_enrol e;

	if (c->what->est) {
		json_set_text(j, "server", edge->url);
		json_set_text(j, "label", id_text(a, c->request));
		return OK;
	}
	TRY(device_enrol_of(edge, a, c, &e));
	json_set(j, "urls", texts(e.urls, e.nurls));
	json_set_text(j, "challenge", e.challenge);
	json_set_bool(j, "sha1", (c->what->hashes & HASH_SHA1) != 0);
	return OK;
}

static err_t
enrol_write(const struct device_edge *edge, struct arena *a, const struct command *c, json *j)
{
	const struct primitive *what = c->what;
	json *key = json_object_new();

	json_set_text(key, "algorithm", what->key_alg == KEY_RSA ? "rsa" : "ec");
	json_set_int(key, "bits", what->key_bits);
	json_set(j, "key", key);
	TRY(way_write(edge, a, c, j));
	json_set_base64(a, j, "subject", what->subject);
	json_set_base64(a, j, "san", what->san);
	json_set(j, "ekus", texts(what->ekus, what->nekus));
	json_set(j, "key_usage", usage_write(what->key_usage));
	json_set_base64(a, j, "root", c->root);
	return OK;
}

static json *
proxy_write(const struct wifi *w)
{
	json *j;

	if (w->proxy == PROXY_NONE)
		return json_null_new();
	j = json_object_new();
	if (w->proxy == PROXY_AUTOMATIC) {
		json_set_text(j, "url", w->proxy_url);
		return j;
	}
	json_set_text(j, "host", w->proxy_host);
	json_set_int(j, "port", w->proxy_port);
	json_set_text(j, "exclude", w->proxy_not == NULL ? "" : w->proxy_not);
	return j;
}

/* 802.1X. What it refers to is on the device already: the certificate by its alias there. */
static void
log_on_write(struct arena *a, const struct use *u, json *j)
{
	static const char *const methods[] = {
		[WIFI_EAP_TLS] = "tls", [WIFI_EAP_TTLS] = "ttls", [WIFI_PEAP] = "peap"
	};
	const struct wifi *w = u->wifi;
	json *roots = json_array_new();

	json_set_text(j, "eap", methods[w->eap]);
	json_set_text(j, "certificate", u->alias);
	json_set_text(j, "identity", w->user == NULL ? "" : w->user);
	json_set(j, "servers", texts(w->servers.v, w->servers.n));
	for (size_t i = 0; i < u->nroots; i++)
		json_add(roots, json_text_new(text_base64(a, u->roots[i])));
	json_set(j, "roots", roots);
}

/* To the device alone: whoever keeps the exchange does not have it. */
static err_t
sealed_write(struct arena *a, const char *key, struct str identity, json *j)
{
	auto_cert struct cert *to = NULL;
	struct str sealed;

	TRY(cert_parse(identity, &to));
	TRY(cms_seal(a, to, str_c(key), &sealed));
	json_set_base64(a, j, "key", sealed);
	return OK;
}

static err_t
network_write(const struct device_edge *edge, struct arena *a, const struct command *c,
    struct str identity, json *j)
{
	static const char *const securities[] = {
		[WIFI_OPEN] = "open",
		[WIFI_WPA_PERSONAL] = "wpa-psk",
		[WIFI_WPA_ENTERPRISE] = "wpa-eap",
		[WIFI_WPA2_PERSONAL] = "wpa2-psk",
		[WIFI_WPA2_ENTERPRISE] = "wpa2-eap",
	};
	const struct wifi *w = c->what->use->wifi;
	const char *key;

	json_set_text(j, "ssid", w->ssid);
	json_set_bool(j, "hidden", w->hidden);
	json_set_bool(j, "automatic", w->automatic);
	json_set_text(j, "security", securities[w->security]);
	if (wifi_by_name(w))
		log_on_write(a, c->what->use, j);
	TRY(device_network_key(edge, a, c, &key));
	if (key[0] != '\0')
		TRY(sealed_write(a, key, identity, j));
	json_set_bool(j, "hardware_address", w->address == ADDRESS_HARDWARE);
	json_set(j, "proxy", proxy_write(w));
	return OK;
}

static err_t
fill(const struct device_edge *edge, struct arena *a, const struct command *c, struct str identity,
    json *j)
{
	json *network;

	switch (c->kind) {
	case COMMAND_INSTALL_CA:
		json_set_base64(a, j, "der", c->der);
		return OK;
	case COMMAND_INSTALL_IDENTITY:
		json_set_base64(a, j, "pfx", c->pfx);
		json_set_base64(a, j, "password", c->password);
		json_set_text(j, "sha256", text_hex(a, c->sha256));
		access_write(j, c);
		return OK;
	case COMMAND_ENROL:
		access_write(j, c);
		return enrol_write(edge, a, c, j);
	case COMMAND_INSTALL_NETWORK:
		json_set_text(j, "sha256", text_hex(a, c->sha256));
		network = json_object_new();
		json_set(j, "network", network);
		return network_write(edge, a, c, identity, network);
	case COMMAND_REMOVE_CA:
	case COMMAND_REMOVE_IDENTITY:
	case COMMAND_REMOVE_NETWORK:
	case COMMAND_WIPE:
		break;
	}
	return OK;
}

static err_t
command_write(const struct device_edge *edge, struct arena *a, const struct command *c,
    struct str identity, json **ret)
{
	auto_json json *j = json_object_new();

	json_set_text(j, "id", c->id);
	json_set_text(j, "kind",
	    c->kind == COMMAND_ENROL && c->what->est ? "enrol_est" : command_names[c->kind]);
	if (c->alias != NULL)
		json_set_text(j, "alias", c->alias);
	if (c->profile != NULL)
		json_set_text(j, "name", c->profile->display_name);
	TRY(fill(edge, a, c, identity, j));
	*ret = steal(j);
	return OK;
}

err_t
agent_commands_write(const struct device_edge *edge, struct arena *a, struct str identity,
    const struct command *v, size_t n, json **ret)
{
	auto_json json *body = json_object_new();
	json *list = json_array_new();

	json_set(body, "commands", list);
	for (size_t i = 0; i < n; i++) {
		json *one;

		TRY(command_write(edge, a, &v[i], identity, &one));
		json_add(list, one);
	}
	json_set_int(body, "next_poll_seconds", edge->poll_seconds);
	*ret = steal(body);
	return OK;
}
