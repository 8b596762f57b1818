/* SPDX-License-Identifier: Apache-2.0 */
#include "model/wifi.h"

#include "model/cert_name.h"
#include "model/subject.h"
#include "model/use.h"

enum { SSID_MAX = 32, SERVERS_MAX = 16, PORT_MAX = 65535, SECONDS_MAX = 3600, TRIES_MAX = 100 };
#define ELSEWHERE USES(ON_ANY & ~ON_WINDOWS)
#define WINDOWS USES(ON_WINDOWS)
#define LINUX USES(ON_LINUX)
#define ANDROID USES(ON_OWNER | ON_WORKPROFILE)
/* Types of Graph: ours has what can be brought about there. */
#define BY_HAND USES(ON_ANY & ~(ON_LINUX | ON_WORKPROFILE))
#define GRAPHS USES(ON_ANY & ~ON_LINUX)

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

/* What Android and NetworkManager show a certificate by. */
static const struct field_member eap_types_tls[] = {
	{ "eapTls", WIFI_EAP_TLS },
	{ 0 },
};

static const struct field_member securities_owner[] = {
	{ "wpaEnterprise", WIFI_WPA_ENTERPRISE },
	{ 0 },
};

/* Of those without certificates; the others are known so that the answer to them is more than "not a member". */
static const struct field_member securities_key[] = {
	{ "open", WIFI_OPEN },
	{ "wpaPersonal", WIFI_WPA_PERSONAL },
	{ "wpaEnterprise", WIFI_WPA_ENTERPRISE },
	{ "wep", WIFI_WEP },
	{ "wpa2Personal", WIFI_WPA2_PERSONAL },
	{ "wpa2Enterprise", WIFI_WPA2_ENTERPRISE },
	{ 0 },
};

/* wpaPersonal is all of WPA there. */
static const struct field_member securities_key_android[] = {
	{ "open", WIFI_OPEN },
	{ "wep", WIFI_WEP },
	{ "wpaPersonal", WIFI_WPA_PERSONAL },
	{ "wpaEnterprise", WIFI_WPA_ENTERPRISE },
	{ 0 },
};

static const struct field_member proxies_profile[] = {
	{ "none", PROXY_NONE },
	{ "automatic", PROXY_AUTOMATIC },
	{ 0 },
};

static const struct field_member addresses[] = {
	{ "automatic", ADDRESS_RANDOM },
	{ "hardware", ADDRESS_HARDWARE },
	{ 0 },
};

static const struct field_member proxies[] = {
	{ "none", PROXY_NONE },
	{ "manual", PROXY_MANUAL },
	{ "automatic", PROXY_AUTOMATIC },
	{ 0 },
};

static const struct field_member methods[] = {
	{ "certificate", USE_CERTIFICATE },
	{ "usernameAndPassword", USE_PASSWORD },
	{ 0 },
};

static const struct field_member inners[] = {
	{ "unencryptedPassword", INNER_PAP },
	{ "challengeHandshakeAuthenticationProtocol", INNER_CHAP },
	{ "microsoftChap", INNER_MSCHAP },
	{ "microsoftChapVersionTwo", INNER_MSCHAP_V2 },
	{ 0 },
};

static const struct field_member inners_peap[] = {
	{ "none", INNER_NONE },
	{ "microsoftChapVersionTwo", INNER_MSCHAP_V2 },
	{ 0 },
};

static const struct field_member costs[] = {
	{ "unrestricted", COST_NONE },
	{ "fixed", COST_FIXED },
	{ "variable", COST_VARIABLE },
	{ 0 },
};

static const struct field_member whos[] = {
	{ "none", WHO_ANY },
	{ "user", WHO_USER },
	{ "machine", WHO_MACHINE },
	{ "machineOrUser", WHO_EITHER },
	{ "guest", WHO_GUEST },
	{ 0 },
};

static const struct field_member sign_ons[] = {
	{ "disabled", SIGN_ON_NOT },
	{ "prelogon", SIGN_ON_BEFORE },
	{ "postlogon", SIGN_ON_AFTER },
	{ 0 },
};

#define ROW(member_, type_, name_, ...) \
	FIELD(struct wifi, member_, type_, .name = name_, __VA_ARGS__)
#define SWITCH(member_, name_, help_) \
	ROW(windows.member_, FIELD_BOOL, name_, .only = WINDOWS, .help = help_)
#define NUMBER(member_, name_, min_, max_, fallback_, help_) \
	ROW(windows.member_, FIELD_INT, name_, .min = min_, .max = max_, .fallback = fallback_, \
	    .only = WINDOWS, .help = help_)
#define SECURITY(name_, only_) \
	ROW(security, FIELD_ENUM, name_, .flags = FIELD_REQUIRED, .members = securities, \
	    .only = only_, .help = "How the network is secured.")
#define PROXY(name_, only_) \
	ROW(proxy, FIELD_ENUM, name_, .members = proxies, .fallback = PROXY_NONE, .only = only_, \
	    .help = "Proxy of the network.")

/* Networks with a password are not taken for these types. */
static err_t
check_no_inner(struct arena *a, const struct field *f, const void *at)
{
	(void)a;
	if (*(const int64_t *)at != FIELD_UNSET)
		FAIL(ERR_MODEL_INVALID, "\"%s\" must be null: the device shows a certificate",
		    f->name);
	return OK;
}

static err_t
check_unset(struct arena *a, const struct field *f, const void *at)
{
	(void)a;
	if (*(const bool *)at)
		FAIL(ERR_MODEL_INVALID, "\"%s\" must be false: secrets are not kept here", f->name);
	return OK;
}

static const struct field fields[] = {
	ROW(name, FIELD_TEXT, "networkName", .flags = FIELD_REQUIRED,
	    .help = "Name of the network, for people."),
	ROW(ssid, FIELD_TEXT, "ssid", .flags = FIELD_REQUIRED, .max = SSID_MAX,
	    .help = "Name of the network on the air."),
	ROW(automatic, FIELD_BOOL, "connectAutomatically",
	    .help = "Join it whenever it is in reach."),
	ROW(hidden, FIELD_BOOL, "connectWhenNetworkNameIsHidden",
	    .help = "Look for it although it does not tell its name."),
	PROXY("proxySettings", USES(ON_APPLE | ON_OWNER)),
	ROW(proxy, FIELD_ENUM, "proxySettings", .members = proxies_profile, .fallback = PROXY_NONE,
	    .only = USES(ON_WORKPROFILE), .help = "Proxy of the network."),
	PROXY("proxySetting", WINDOWS),
	ROW(proxy_host, FIELD_TEXT, "proxyManualAddress", .flags = FIELD_NULLABLE, .only = BY_HAND,
	    .help = "Host of the proxy, with manual."),
	ROW(proxy_port, FIELD_INT, "proxyManualPort", .max = PORT_MAX, .only = BY_HAND,
	    .help = "Port of the proxy, with manual."),
	ROW(proxy_url, FIELD_TEXT, "proxyAutomaticConfigurationUrl", .flags = FIELD_NULLABLE,
	    .only = GRAPHS, .help = "Address of the proxy's script, with automatic."),
	ROW(proxy_not, FIELD_TEXT, "proxyExclusionList", .flags = FIELD_NULLABLE,
	    .only = USES(ON_OWNER),
	    .help = "Hosts that are reached without the proxy, with manual; joined by commas."),
	ROW(address, FIELD_ENUM, "macAddressRandomizationMode", .members = addresses,
	    .fallback = ADDRESS_RANDOM, .only = USES(ON_OWNER),
	    .help = "Which address the network sees: one of its own, or the hardware's."),
	ROW(fixed_address, FIELD_BOOL, "disableMacAddressRandomization", .only = USES(ON_IOS),
	    .help = "Show the hardware's own address."),
	SWITCH(prefers_others, "connectToPreferredNetwork",
	    "Leave it for a network that stands before it; with connectAutomatically."),
	SWITCH(fips, "forceFIPSCompliance", "Only what FIPS 140 approves."),
	ROW(windows.cost, FIELD_ENUM, "meteredConnectionLimit", .members = costs,
	    .fallback = COST_NONE, .only = WINDOWS, .help = "Whether traffic is paid for."),
};
const struct rows_of wifi_rows = { fields, COUNT(fields) };

static const struct field eap_fields[] = {
	SECURITY("wiFiSecurityType", ELSEWHERE & ~USES(ON_OWNER)),
	ROW(security, FIELD_ENUM, "wiFiSecurityType", .flags = FIELD_REQUIRED,
	    .members = securities_owner, .only = USES(ON_OWNER),
	    .help = "How the network is secured."),
	SECURITY("wifiSecurityType", WINDOWS),
	ROW(shared_key, FIELD_TEXT, "preSharedKey", .flags = FIELD_NULLABLE, .only = GRAPHS,
	    .check = use_check_never, .help = "Of networks without certificates; always null."),
	ROW(shared_key_set, FIELD_BOOL, "preSharedKeyIsSet", .check = check_unset, .only = ANDROID,
	    .help = "Of networks without certificates; always false."),
	ROW(eap, FIELD_ENUM, "eapType", .flags = FIELD_REQUIRED, .members = eap_types,
	    .only = USES(ON_APPLE | ON_WINDOWS), .help = "Method of EAP."),
	ROW(eap, FIELD_ENUM, "eapType", .flags = FIELD_REQUIRED, .members = eap_types_tls,
	    .only = ANDROID, .help = "Method of EAP."),
	ROW(eap, FIELD_ENUM, "eapType", .members = eap_types_tls, .fallback = WIFI_EAP_TLS,
	    .only = LINUX, .help = "Method of EAP."),
	ROW(servers, FIELD_TEXTS, "trustedServerCertificateNames", .max = SERVERS_MAX,
	    .help = "Names that the server's certificate may have."),
	ROW(authentication, FIELD_ENUM, "authenticationMethod", .members = use_methods,
	    .fallback = USE_CERTIFICATE, .only = USES(ON_APPLE | ON_LINUX) | ANDROID,
	    .help = "What the device shows: its certificate."),
	ROW(authentication, FIELD_ENUM, "authenticationMethod", .members = methods,
	    .fallback = USE_CERTIFICATE, .only = WINDOWS,
	    .help = "What the device shows: a certificate, or what the person enters."),
	ROW(inner, FIELD_ENUM, "innerAuthenticationProtocolForEAPTTLS", .flags = FIELD_NULLABLE,
	    .members = inners, .fallback = FIELD_UNSET, .only = WINDOWS,
	    .help = "How a password is shown, with eapTtls."),
	ROW(inner, FIELD_ENUM, "innerAuthenticationProtocolForEapTtls", .flags = FIELD_NULLABLE,
	    .members = inners, .fallback = FIELD_UNSET, .check = check_no_inner, .only = ANDROID,
	    .help = "Of networks with a password; always null."),
	ROW(inner_peap, FIELD_ENUM, "innerAuthenticationProtocolForPeap", .flags = FIELD_NULLABLE,
	    .members = inners_peap, .fallback = FIELD_UNSET, .check = check_no_inner,
	    .only = ANDROID, .help = "Of networks with a password; always null."),
	ROW(outer, FIELD_TEXT, "outerIdentityPrivacyTemporaryValue", .flags = FIELD_NULLABLE,
	    .only = GRAPHS, .help = "Name that is told before the tunnel stands."),
	ROW(user, FIELD_TEXT, "usernameFormatString", .flags = FIELD_NULLABLE,
	    .check = use_check_text, .only = USES(ON_IOS),
	    .help = "User name, with {{variables}}."),
	ROW(user, FIELD_TEXT, "usernameFormatString", .flags = FIELD_REQUIRED,
	    .check = use_check_text, .only = LINUX,
	    .help = "Who the machine says it is, with {{variables}}."),
	ROW(channel, FIELD_ENUM, "deploymentChannel", .flags = FIELD_NULLABLE,
	    .members = cert_channels, .fallback = FIELD_UNSET, .only = USES(ON_MACOS),
	    .help = "Keychain of the machine or of the user; null: that of the certificate."),
	ROW(windows.who, FIELD_ENUM, "authenticationType", .members = whos, .fallback = WHO_ANY,
	    .only = WINDOWS,
	    .help = "Who is shown to the network; none: whose the certificate is."),
	ROW(windows.sign_on, FIELD_ENUM, "networkSingleSignOn", .members = sign_ons,
	    .fallback = SIGN_ON_NOT, .only = WINDOWS,
	    .help = "Join it as part of signing in to the machine."),
	NUMBER(timeout, "maximumAuthenticationTimeoutInSeconds", 1, 120, 10,
	    "Seconds that signing in waits for the network, with networkSingleSignOn."),
	SWITCH(prompts, "promptForAdditionalAuthenticationCredentials",
	    "Ask for more while signing in, with networkSingleSignOn."),
	SWITCH(own_lan, "userBasedVirtualLan",
	    "The network changes with the person, with networkSingleSignOn."),
	SWITCH(cache_password, "cacheCredentials", "Keep what the person entered."),
	SWITCH(cache_keys, "enablePairwiseMasterKeyCaching", "Keep keys for coming back."),
	NUMBER(key_minutes, "maximumPairwiseMasterKeyCacheTimeInMinutes", 5, 1440, 720,
	    "For so many minutes."),
	NUMBER(keys, "maximumNumberOfPairwiseMasterKeysInCache", 1, 255, 128, "So many."),
	SWITCH(early, "enablePreAuthentication",
	    "Log on at the next access point before going there."),
	NUMBER(earlies, "maximumPreAuthenticationAttempts", 1, 16, 3, "At so many."),
	NUMBER(period, "authenticationPeriodInSeconds", 1, SECONDS_MAX, 18,
	    "Seconds until an attempt has failed."),
	NUMBER(pause, "authenticationRetryDelayPeriodInSeconds", 1, SECONDS_MAX, 1,
	    "Seconds between attempts."),
	NUMBER(start_period, "eapolStartPeriodInSeconds", 1, SECONDS_MAX, 5,
	    "Seconds before the network is asked to begin."),
	NUMBER(starts, "maximumEAPOLStartMessages", 1, TRIES_MAX, 3, "How often it is asked."),
	NUMBER(failures, "maximumAuthenticationFailures", 1, TRIES_MAX, 1,
	    "How often the same is tried."),
	ROW(windows.checks_server, FIELD_BOOL, "performServerValidation", .fallback = 1,
	    .only = WINDOWS, .help = "Look at the server's certificate; nothing else is taken."),
	SWITCH(asks_nobody, "disableUserPromptForServerValidation",
	    "Do not ask people whether they believe another server."),
	SWITCH(binding, "requireCryptographicBinding",
	    "Tie the tunnel to what goes through it, with peap."),
};
const struct rows_of wifi_eap_rows = { eap_fields, COUNT(eap_fields) };

enum { KEY_MIN = 8, KEY_MAX = 63, KEY_RAW = 64 };

bool
wifi_by_name(const struct wifi *w)
{
	return w->security == WIFI_WPA_ENTERPRISE || w->security == WIFI_WPA2_ENTERPRISE;
}

bool
wifi_by_key(const struct wifi *w)
{
	return w->security == WIFI_WPA_PERSONAL || w->security == WIFI_WPA2_PERSONAL;
}

bool
wifi_key_is_raw(const char *key)
{
	return strlen(key) == KEY_RAW && strspn(key, "0123456789abcdefABCDEF") == KEY_RAW;
}

static err_t
check_security(struct arena *a, const struct field *f, const void *at)
{
	int64_t security = *(const int64_t *)at;

	(void)a;
	if (security == WIFI_WEP)
		FAIL(ERR_WIFI_WEP, "\"%s\" wep", f->name);
	if (security == WIFI_WPA_ENTERPRISE || security == WIFI_WPA2_ENTERPRISE)
		FAIL(ERR_MODEL_INVALID,
		    "\"%s\": networks by certificates have a type of their own, with Enterprise in "
		    "its name",
		    f->name);
	return OK;
}

/* IEEE 802.11 J.4.1: 8 to 63 characters from blank to tilde, or the 32 bytes themselves. The value is never told. */
static err_t
check_key(struct arena *a, const struct field *f, const void *at)
{
	const char *key = *(const char *const *)at;
	size_t n = strlen(key);

	(void)a;
	for (const char *p = key; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			FAIL(ERR_MODEL_INVALID,
			    "\"%s\" has a character that is not one of ASCII from blank to tilde",
			    f->name);
	if (n >= KEY_MIN && n <= KEY_MAX)
		return OK;
	if (n == KEY_RAW && wifi_key_is_raw(key))
		return OK;
	FAIL(ERR_MODEL_INVALID, "\"%s\" must have %d to %d characters, or be %d hexadecimal digits",
	    f->name, KEY_MIN, KEY_MAX, KEY_RAW);
}

#define KEY_SECURITY(name_, members_, only_) \
	ROW(security, FIELD_ENUM, name_, .flags = FIELD_REQUIRED, .members = members_, \
	    .check = check_security, .only = only_, \
	    .help = \
		"How the network is secured; wep is refused, and so is what uses certificates.")
static const struct field key_fields[] = {
	KEY_SECURITY("wiFiSecurityType", securities_key, USES(ON_APPLE | ON_LINUX)),
	KEY_SECURITY("wifiSecurityType", securities_key, WINDOWS),
	KEY_SECURITY("wiFiSecurityType", securities_key_android, ANDROID),
	ROW(channel, FIELD_ENUM, "deploymentChannel", .flags = FIELD_NULLABLE,
	    .members = cert_channels, .fallback = FIELD_UNSET, .only = USES(ON_MACOS),
	    .help = "Whether it is a network of the machine or of the user; null: of the machine."),
	ROW(shared_key, FIELD_TEXT, WIFI_KEY, .flags = FIELD_NULLABLE | FIELD_SECRET,
	    .max = KEY_RAW, .check = check_key,
	    .help =
		"Key of the network: 8 to 63 characters, or 64 hexadecimal digits. Never shown; "
		"null in a change leaves it as it is."),
	ROW(shared_key_set, FIELD_BOOL, "preSharedKeyIsSet", .flags = FIELD_READONLY,
	    .only = ANDROID, .help = "Whether there is a key."),
};
const struct rows_of wifi_key_rows = { key_fields, COUNT(key_fields) };

static err_t
check_proxy(const struct profile_type *t, const struct wifi *s)
{
	const char *name = (t->family & ON_WINDOWS) != 0 ? "proxySetting" : "proxySettings";
	bool host = s->proxy_host != NULL && s->proxy_host[0] != '\0';
	bool url = s->proxy_url != NULL && s->proxy_url[0] != '\0';

	if (s->proxy == PROXY_MANUAL && (!host || s->proxy_port == 0))
		FAIL(ERR_MODEL_INVALID,
		    "\"%s\" manual needs \"proxyManualAddress\" and \"proxyManualPort\"", name);
	if (s->proxy == PROXY_AUTOMATIC && !url)
		FAIL(ERR_MODEL_INVALID, "\"%s\" automatic needs \"proxyAutomaticConfigurationUrl\"",
		    name);
	return OK;
}

/* A server that is not looked at gets the device's name and password, and carries all its traffic. */
static err_t
check_windows(const struct wifi *s)
{
	const struct wifi_windows *win = &s->windows;

	if (!win->checks_server)
		FAIL(ERR_MODEL_INVALID,
		    "\"performServerValidation\" must be true: anybody could pose as the network");
	if (win->fips && s->security != WIFI_WPA2_ENTERPRISE)
		FAIL(ERR_MODEL_INVALID,
		    "\"forceFIPSCompliance\" goes with \"wifiSecurityType\" wpa2Enterprise");
	if (win->own_lan && win->sign_on == SIGN_ON_NOT)
		FAIL(
		    ERR_MODEL_INVALID, "\"userBasedVirtualLan\" goes with \"networkSingleSignOn\"");
	if (s->authentication == USE_PASSWORD && s->eap == WIFI_EAP_TLS)
		FAIL(ERR_MODEL_INVALID,
		    "\"eapType\" eapTls shows a certificate, and \"authenticationMethod\" says otherwise");
	if (s->authentication == USE_PASSWORD && s->eap == WIFI_EAP_TTLS && s->inner == FIELD_UNSET)
		FAIL(ERR_MODEL_INVALID,
		    "\"innerAuthenticationProtocolForEAPTTLS\" says how the password is shown");
	if (s->inner != FIELD_UNSET &&
	    (s->authentication != USE_PASSWORD || s->eap != WIFI_EAP_TTLS))
		FAIL(ERR_MODEL_INVALID,
		    "\"innerAuthenticationProtocolForEAPTTLS\" goes with eapTtls and "
		    "usernameAndPassword");
	return OK;
}

/* What every network has. */
static err_t
check_common(const struct profile_type *t, const struct wifi *s)
{
	TRY(applicability_check(t, &s->rules));
	if (s->ssid[0] == '\0')
		FAIL(ERR_MODEL_INVALID, "\"ssid\" must not be empty");
	if (s->windows.prefers_others && !s->automatic)
		FAIL(ERR_MODEL_INVALID,
		    "\"connectToPreferredNetwork\" goes with \"connectAutomatically\"");
	return check_proxy(t, s);
}

err_t
wifi_key_check(
    struct arena *a, const struct profile_type *t, const void *settings, struct warnings *w)
{
	const struct wifi *s = settings;

	(void)a;
	TRY(check_common(t, s));
	if (wifi_by_key(s) && (s->shared_key == NULL || s->shared_key[0] == '\0'))
		FAIL(ERR_MODEL_INVALID, "\"" WIFI_KEY "\" is missing: the network has a key");
	if (s->windows.fips)
		FAIL(ERR_MODEL_INVALID,
		    "\"forceFIPSCompliance\" goes with a network by certificates");
	if (s->security == WIFI_OPEN)
		warn(w, ERR_WIFI_OPEN, "\"wiFiSecurityType\" is open");
	return OK;
}

void
wifi_key_settle(void *settings)
{
	struct wifi *s = settings;

	if (!wifi_by_key(s))
		s->shared_key = NULL;
	s->shared_key_set = s->shared_key != NULL && s->shared_key[0] != '\0';
}

err_t
wifi_check(struct arena *a, const struct profile_type *t, const void *settings, struct warnings *w)
{
	const struct wifi *s = settings;
	const struct subject_use use = { .family = t->family };

	TRY(check_common(t, s));
	if ((t->family & ON_WINDOWS) != 0)
		TRY(check_windows(s));
	if ((t->family & ON_LINUX) != 0 && s->user[0] == '\0')
		FAIL(ERR_MODEL_INVALID, "\"usernameFormatString\" must not be empty");
	if (s->user != NULL && s->user[0] != '\0')
		TRY_CTX(subject_use_check(a, &use, s->user), "usernameFormatString");
	if (s->servers.n == 0)
		warn(w, ERR_SERVER_UNNAMED,
		    "\"trustedServerCertificateNames\" is empty: any server with a certificate of "
		    "those roots is believed");
	return OK;
}
