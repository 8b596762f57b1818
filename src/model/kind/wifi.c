/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind: a Wi-Fi network (802.1X) that a device joins by a certificate.
 */
#include "model/cert_name.h"
#include "model/subject.h"
#include "model/use.h"

enum { SSID_MAX = 32, SERVERS_MAX = 16, PORT_MAX = 65535 };

static const struct field_member securities[] = {
	{ "wpaEnterprise", WIFI_WPA_ENTERPRISE },
	{ "wpa2Enterprise", WIFI_WPA2_ENTERPRISE },
	{ 0 },
};

static const struct field_member eap_types[] = {
	{ "eapTls", WIFI_EAP_TLS },
	{ "eapTtls", WIFI_EAP_TTLS },
	{ "peap", WIFI_PEAP },
	{ 0 },
};

static const struct field_member proxies[] = {
	{ "none", PROXY_NONE },
	{ "manual", PROXY_MANUAL },
	{ "automatic", PROXY_AUTOMATIC },
	{ 0 },
};

static const struct field fields[] = {
	FIELD(struct wifi, name, FIELD_TEXT, .name = "networkName", .flags = FIELD_REQUIRED,
	    .help = "Name of the network, for people."),
	FIELD(struct wifi, ssid, FIELD_TEXT, .name = "ssid", .flags = FIELD_REQUIRED,
	    .max = SSID_MAX, .help = "Name of the network on the air."),
	FIELD(struct wifi, automatic, FIELD_BOOL, .name = "connectAutomatically",
	    .help = "Join it whenever it is in reach."),
	FIELD(struct wifi, hidden, FIELD_BOOL, .name = "connectWhenNetworkNameIsHidden",
	    .help = "Look for it although it does not tell its name."),
	FIELD(struct wifi, security, FIELD_ENUM, .name = "wiFiSecurityType",
	    .flags = FIELD_REQUIRED, .members = securities, .help = "How the network is secured."),
	FIELD(struct wifi, proxy, FIELD_ENUM, .name = "proxySettings", .members = proxies,
	    .fallback = PROXY_NONE, .help = "Proxy of the network."),
	FIELD(struct wifi, proxy_host, FIELD_TEXT, .name = "proxyManualAddress",
	    .flags = FIELD_NULLABLE, .help = "Host of the proxy, with manual."),
	FIELD(struct wifi, proxy_port, FIELD_INT, .name = "proxyManualPort", .max = PORT_MAX,
	    .help = "Port of the proxy, with manual."),
	FIELD(struct wifi, proxy_url, FIELD_TEXT, .name = "proxyAutomaticConfigurationUrl",
	    .flags = FIELD_NULLABLE, .help = "Address of the proxy's script, with automatic."),
	FIELD(struct wifi, shared_key, FIELD_TEXT, .name = "preSharedKey", .flags = FIELD_NULLABLE,
	    .check = use_check_never, .help = "Of networks without certificates; always null."),
	FIELD(struct wifi, fixed_address, FIELD_BOOL, .name = "disableMacAddressRandomization",
	    .only = USES(ON_IOS), .help = "Show the hardware's own address."),
	FIELD(struct wifi, eap, FIELD_ENUM, .name = "eapType", .flags = FIELD_REQUIRED,
	    .members = eap_types, .help = "Method of EAP."),
	FIELD(struct wifi, servers, FIELD_TEXTS, .name = "trustedServerCertificateNames",
	    .max = SERVERS_MAX, .help = "Names that the server's certificate may have."),
	FIELD(struct wifi, authentication, FIELD_ENUM, .name = "authenticationMethod",
	    .members = use_methods, .fallback = USE_CERTIFICATE,
	    .help = "What the device shows: its certificate."),
	FIELD(struct wifi, outer, FIELD_TEXT, .name = "outerIdentityPrivacyTemporaryValue",
	    .flags = FIELD_NULLABLE, .help = "Name that is told before the tunnel stands."),
	FIELD(struct wifi, user, FIELD_TEXT, .name = "usernameFormatString",
	    .flags = FIELD_NULLABLE, .check = use_check_text, .only = USES(ON_IOS),
	    .help = "User name, with {{variables}}."),
	FIELD(struct wifi, channel, FIELD_ENUM, .name = "deploymentChannel",
	    .flags = FIELD_NULLABLE, .members = cert_channels, .fallback = FIELD_UNSET,
	    .only = USES(ON_MACOS),
	    .help = "Keychain of the machine or of the user; null: that of the certificate."),
};

static const struct reference refs[] = {
	{ "identityCertificateForClientAuthentication", REF_CERTIFICATE, false, USES(ON_APPLE) },
	{ "rootCertificatesForServerValidation", REF_ROOT, true, USES(ON_APPLE) },
	{ "rootCertificateForServerValidation", REF_ROOT, false, USES(ON_MACOS) },
	{ 0 },
};

static err_t
check_proxy(const struct wifi *s)
{
	bool host = s->proxy_host != NULL && s->proxy_host[0] != '\0';
	bool url = s->proxy_url != NULL && s->proxy_url[0] != '\0';

	if (s->proxy == PROXY_MANUAL && (!host || s->proxy_port == 0))
		FAIL(ERR_MODEL_INVALID,
		    "\"proxySettings\" manual needs \"proxyManualAddress\" and \"proxyManualPort\"");
	if (s->proxy == PROXY_AUTOMATIC && !url)
		FAIL(ERR_MODEL_INVALID,
		    "\"proxySettings\" automatic needs \"proxyAutomaticConfigurationUrl\"");
	return OK;
}

static err_t
check(struct arena *a, const struct profile_type *t, const void *settings, struct warnings *w)
{
	const struct subject_use use = { .family = t->family };
	const struct wifi *s = settings;

	TRY(applicability_check(t, &s->rules));
	if (s->ssid[0] == '\0')
		FAIL(ERR_MODEL_INVALID, "\"ssid\" must not be empty");
	TRY(check_proxy(s));
	if (s->user != NULL && s->user[0] != '\0')
		TRY_CTX(subject_use_check(a, &use, s->user), "usernameFormatString");
	if (s->servers.n == 0)
		warn(w, ERR_SERVER_UNNAMED,
		    "\"trustedServerCertificateNames\" is empty: any server with a certificate of "
		    "those roots is believed");
	return OK;
}

static err_t
reduce(struct arena *a, const struct profile *p, const void *settings, const struct subject_of *who,
    struct primitive *ret)
{
	struct wifi *s = ARENA_NEW(a, struct wifi);
	const struct use u = { .kind = USE_WIFI, .wifi = s };

	*s = *(const struct wifi *)settings;
	s->on_mac = strcmp(p->platform, "macos") == 0;
	TRY_CTX(use_text(a, who, s->user, &s->user), "usernameFormatString");
	TRY(use_reduce(a, p, who, &u, ret));
	if (s->channel != FIELD_UNSET)
		ret->access.user_channel = s->channel == CHANNEL_USER;
	return OK;
}

extern const struct kind kind_wifi;
const struct kind kind_wifi = {
	.name = "wifi",
	.title = "Wi-Fi network by certificate",
	.rows = { &applicability_rows, &(const struct rows_of){ fields, COUNT(fields) } },
	.size = sizeof(struct wifi),
	.needs_user = true,
	.needs_root = true,
	.needs_pfx = true,
	.refs = refs,
	.check = check,
	.reduce = reduce,
};
