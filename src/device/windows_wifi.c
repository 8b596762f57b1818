/* SPDX-License-Identifier: Apache-2.0 */
#include "device/windows_wifi.h"

#include "base/text.h"
#include "codec/oid.h"
#include "codec/xml.h"
#include "net/url.h"
#include "pki/key.h"

enum { DOCUMENT_MAX = 32768, MSCHAP_V2 = 26, AUTHOR_TTLS = 311 };

#define NS_WLAN "http://www.microsoft.com/networking/WLAN/profile/"
#define NS_ONEX "http://www.microsoft.com/networking/OneX/v1"
#define NS_EAP "http://www.microsoft.com/provisioning/"

struct printing {
	struct arena *a;
	const struct use *use;
	const struct wifi *w;
	const char *key;
	bool of_machine;
	struct buf *b;
};

/* ---- elements ---- */

static err_t
open_in(struct printing *p, const char *name, const char *ns)
{
	return buf_printf(p->b, "<%s xmlns=\"%s\">", name, ns);
}

static err_t
open(struct printing *p, const char *name)
{
	return buf_printf(p->b, "<%s>", name);
}

static err_t
close(struct printing *p, const char *name)
{
	return buf_printf(p->b, "</%s>", name);
}

static err_t
text(struct printing *p, const char *name, const char *value)
{
	TRY(open(p, name));
	TRY(xml_put_text(p->b, value));
	return close(p, name);
}

static err_t
truth(struct printing *p, const char *name, bool v)
{
	return text(p, name, v ? "true" : "false");
}

static err_t
truth_in(struct printing *p, const char *name, const char *ns, bool v)
{
	TRY(open_in(p, name, ns));
	TRY(buf_puts(p->b, v ? "true" : "false"));
	return close(p, name);
}

static err_t
number(struct printing *p, const char *name, int64_t v)
{
	return text(p, name, arena_printf(p->a, "%lld", (long long)v));
}

/* SHA-1 as the system writes it: pairs of digits with spaces between them. */
static err_t
thumb(struct printing *p, const char *name, struct str der)
{
	uint8_t hash[20];

	hash_sha1(der, hash);
	TRY(open(p, name));
	for (size_t i = 0; i < sizeof(hash); i++)
		TRY(buf_printf(p->b, "%s%02x", i == 0 ? "" : " ", hash[i]));
	return close(p, name);
}

/* ---- what the server shows ---- */

static const char *
names(struct printing *p)
{
	const char *out = "";

	for (size_t i = 0; i < p->w->servers.n; i++)
		out = arena_printf(p->a, "%s%s%s", out, i == 0 ? "" : ";", p->w->servers.v[i]);
	return out;
}

static err_t
roots(struct printing *p, const char *name)
{
	for (size_t i = 0; i < p->use->nroots; i++)
		TRY(thumb(p, name, p->use->roots[i]));
	return OK;
}

static err_t
server(struct printing *p)
{
	TRY(open(p, "ServerValidation"));
	TRY(truth(p, "DisableUserPromptForServerValidation", p->w->windows.asks_nobody));
	TRY(text(p, "ServerNames", names(p)));
	TRY(roots(p, "TrustedRootCA"));
	return close(p, "ServerValidation");
}

/* ---- which certificate is shown ---- */

static bool
for_clients(const struct use *u)
{
	for (size_t i = 0; i < u->nekus; i++)
		if (strcmp(u->ekus[i], OID_EKU_CLIENT_AUTH) == 0)
			return true;
	return false;
}

/* Certificates that are for clients, and for all of these as well. */
static err_t
purposes(struct printing *p)
{
	const struct use *u = p->use;

	if (u->nekus > 1) {
		TRY(open(p, "EKUMapping"));
		for (size_t i = 0; i < u->nekus; i++) {
			if (strcmp(u->ekus[i], OID_EKU_CLIENT_AUTH) == 0)
				continue;
			TRY(open(p, "EKUMap"));
			TRY(text(p, "EKUName", u->ekus[i]));
			TRY(text(p, "EKUOID", u->ekus[i]));
			TRY(close(p, "EKUMap"));
		}
		TRY(close(p, "EKUMapping"));
	}
	TRY(buf_puts(p->b, "<ClientAuthEKUList Enabled=\"true\">"));
	for (size_t i = 0; i < u->nekus; i++) {
		if (strcmp(u->ekus[i], OID_EKU_CLIENT_AUTH) == 0)
			continue;
		TRY(open(p, "EKUMapInList"));
		TRY(text(p, "EKUName", u->ekus[i]));
		TRY(close(p, "EKUMapInList"));
	}
	return close(p, "ClientAuthEKUList");
}

static err_t
filter(struct printing *p)
{
	TRY(open_in(p, "TLSExtensions", NS_EAP "EapTlsConnectionPropertiesV2"));
	TRY(open_in(p, "FilteringInfo", NS_EAP "EapTlsConnectionPropertiesV3"));
	if (p->use->issuer.n > 0) {
		TRY(buf_puts(p->b, "<CAHashList Enabled=\"true\">"));
		TRY(thumb(p, "IssuerHash", p->use->issuer));
		TRY(close(p, "CAHashList"));
	}
	if (for_clients(p->use))
		TRY(purposes(p));
	TRY(close(p, "FilteringInfo"));
	return close(p, "TLSExtensions");
}

/* ---- methods ---- */

static err_t
begin_method(struct printing *p, int64_t type, const char *ns)
{
	TRY(open_in(p, "Eap", NS_EAP "BaseEapConnectionPropertiesV1"));
	TRY(number(p, "Type", type));
	return open_in(p, "EapType", ns);
}

static err_t
end_method(struct printing *p)
{
	TRY(close(p, "EapType"));
	return close(p, "Eap");
}

static err_t
method_tls(struct printing *p)
{
	TRY(begin_method(p, WIFI_EAP_TLS, NS_EAP "EapTlsConnectionPropertiesV1"));
	TRY(open(p, "CredentialsSource"));
	TRY(open(p, "CertificateStore"));
	TRY(truth(p, "SimpleCertSelection", true));
	TRY(close(p, "CertificateStore"));
	TRY(close(p, "CredentialsSource"));
	TRY(server(p));
	TRY(truth(p, "DifferentUsername", false));
	TRY(truth_in(p, "PerformServerValidation", NS_EAP "EapTlsConnectionPropertiesV2", true));
	TRY(truth_in(
	    p, "AcceptServerName", NS_EAP "EapTlsConnectionPropertiesV2", p->w->servers.n > 0));
	if (p->use->issuer.n > 0 || for_clients(p->use))
		TRY(filter(p));
	return end_method(p);
}

/* A name and a password: those of signing in to the machine where that is joined with the network. */
static err_t
method_password(struct printing *p)
{
	TRY(begin_method(p, MSCHAP_V2, NS_EAP "MsChapV2ConnectionPropertiesV1"));
	TRY(truth(p, "UseWinLogonCredentials", p->w->windows.sign_on != SIGN_ON_NOT));
	return end_method(p);
}

static bool
hides_name(const struct wifi *w)
{
	return w->outer != NULL && w->outer[0] != '\0';
}

static err_t
peap_extensions(struct printing *p)
{
#define NS NS_EAP "MsPeapConnectionPropertiesV2"
	TRY(open(p, "PeapExtensions"));
	TRY(truth_in(p, "PerformServerValidation", NS, true));
	TRY(truth_in(p, "AcceptServerName", NS, p->w->servers.n > 0));
	if (hides_name(p->w)) {
		TRY(open_in(p, "IdentityPrivacy", NS));
		TRY(truth(p, "EnableIdentityPrivacy", true));
		TRY(text(p, "AnonymousUserName", p->w->outer));
		TRY(close(p, "IdentityPrivacy"));
	}
	return close(p, "PeapExtensions");
#undef NS
}

static err_t
method_peap(struct printing *p)
{
	TRY(begin_method(p, WIFI_PEAP, NS_EAP "MsPeapConnectionPropertiesV1"));
	TRY(server(p));
	TRY(truth(p, "FastReconnect", true));
	TRY(truth(p, "InnerEapOptional", false));
	TRY(p->w->authentication == USE_PASSWORD ? method_password(p) : method_tls(p));
	TRY(truth(p, "EnableQuarantineChecks", false));
	TRY(truth(p, "RequireCryptoBinding", p->w->windows.binding));
	TRY(peap_extensions(p));
	return end_method(p);
}

static err_t host_config(struct printing *p, int64_t type);

static err_t
ttls_inner(struct printing *p)
{
	if (p->w->authentication != USE_PASSWORD)
		return host_config(p, WIFI_EAP_TLS);
	switch ((enum wifi_inner)p->w->inner) {
	case INNER_PAP:
		return buf_puts(p->b, "<PAPAuthentication/>");
	case INNER_CHAP:
		return buf_puts(p->b, "<CHAPAuthentication/>");
	case INNER_MSCHAP:
		return buf_puts(p->b, "<MSCHAPAuthentication/>");
	case INNER_MSCHAP_V2:
		break;
	}
	TRY(open(p, "MSCHAPv2Authentication"));
	TRY(truth(p, "UseWinlogonCredentials", p->w->windows.sign_on != SIGN_ON_NOT));
	return close(p, "MSCHAPv2Authentication");
}

static err_t
method_ttls(struct printing *p)
{
	TRY(open_in(p, "EapTtls", NS_EAP "EapTtlsConnectionPropertiesV1"));
	TRY(open(p, "ServerValidation"));
	TRY(text(p, "ServerNames", names(p)));
	TRY(roots(p, "TrustedRootCAHash"));
	TRY(truth(p, "DisablePrompt", p->w->windows.asks_nobody));
	TRY(close(p, "ServerValidation"));
	TRY(open(p, "Phase2Authentication"));
	TRY(ttls_inner(p));
	TRY(close(p, "Phase2Authentication"));
	TRY(open(p, "Phase1Identity"));
	TRY(truth(p, "IdentityPrivacy", hides_name(p->w)));
	if (hides_name(p->w))
		TRY(text(p, "AnonymousIdentity", p->w->outer));
	TRY(close(p, "Phase1Identity"));
	return close(p, "EapTtls");
}

static err_t
method_number(struct printing *p, const char *name, int64_t v)
{
	TRY(open_in(p, name, NS_EAP "EapCommon"));
	TRY(buf_printf(p->b, "%lld", (long long)v));
	return close(p, name);
}

static err_t
host_config(struct printing *p, int64_t type)
{
	TRY(open_in(p, "EapHostConfig", NS_EAP "EapHostConfig"));
	TRY(open(p, "EapMethod"));
	TRY(method_number(p, "Type", type));
	TRY(method_number(p, "VendorId", 0));
	TRY(method_number(p, "VendorType", 0));
	TRY(method_number(p, "AuthorId", type == WIFI_EAP_TTLS ? AUTHOR_TTLS : 0));
	TRY(close(p, "EapMethod"));
	TRY(open_in(p, "Config", NS_EAP "EapHostConfig"));
	TRY(type == WIFI_EAP_TTLS ? method_ttls(p) :
		type == WIFI_PEAP ? method_peap(p) :
				    method_tls(p));
	TRY(close(p, "Config"));
	return close(p, "EapHostConfig");
}

/* ---- 802.1X, and what is around it ---- */

static const char *
who(const struct printing *p)
{
	static const char *const words[] = {
		[WHO_USER] = "user",
		[WHO_MACHINE] = "machine",
		[WHO_EITHER] = "machineOrUser",
		[WHO_GUEST] = "guest",
	};

	if (p->w->windows.who != WHO_ANY)
		return words[p->w->windows.who];
	return p->use->alias[0] != '\0' && p->of_machine ? "machine" : "user";
}

static err_t
onex(struct printing *p)
{
	const struct wifi_windows *win = &p->w->windows;

	TRY(open_in(p, "OneX", NS_ONEX));
	TRY(truth(p, "cacheUserData", win->cache_password));
	TRY(number(p, "heldPeriod", win->pause));
	TRY(number(p, "authPeriod", win->period));
	TRY(number(p, "startPeriod", win->start_period));
	TRY(number(p, "maxStart", win->starts));
	TRY(number(p, "maxAuthFailures", win->failures));
	TRY(text(p, "authMode", who(p)));
	if (win->sign_on != SIGN_ON_NOT) {
		TRY(open(p, "singleSignOn"));
		TRY(text(p, "type", win->sign_on == SIGN_ON_BEFORE ? "preLogon" : "postLogon"));
		TRY(number(p, "maxDelay", win->timeout));
		TRY(truth(p, "allowAdditionalDialogs", win->prompts));
		TRY(truth(p, "userBasedVirtualLan", win->own_lan));
		TRY(close(p, "singleSignOn"));
	}
	TRY(open(p, "EAPConfig"));
	TRY(host_config(p, p->w->eap));
	TRY(close(p, "EAPConfig"));
	return close(p, "OneX");
}

static err_t
protection(struct printing *p)
{
	static const struct {
		const char *authentication, *encryption;
	} rows[] = {
		[WIFI_OPEN] = { "open", "none" },
		[WIFI_WPA_PERSONAL] = { "WPAPSK", "TKIP" },
		[WIFI_WPA_ENTERPRISE] = { "WPA", "TKIP" },
		[WIFI_WPA2_PERSONAL] = { "WPA2PSK", "AES" },
		[WIFI_WPA2_ENTERPRISE] = { "WPA2", "AES" },
	};

	TRY(open(p, "authEncryption"));
	TRY(text(p, "authentication", rows[p->w->security].authentication));
	TRY(text(p, "encryption", rows[p->w->security].encryption));
	TRY(truth(p, "useOneX", wifi_by_name(p->w)));
	if (p->w->windows.fips)
		TRY(truth_in(p, "FIPSMode", NS_WLAN "v2", true));
	return close(p, "authEncryption");
}

static err_t
shared_key(struct printing *p)
{
	TRY(open(p, "sharedKey"));
	TRY(text(p, "keyType", wifi_key_is_raw(p->key) ? "networkKey" : "passPhrase"));
	TRY(truth(p, "protected", false));
	TRY(text(p, "keyMaterial", p->key));
	return close(p, "sharedKey");
}

static err_t
security(struct printing *p)
{
	const struct wifi_windows *win = &p->w->windows;

	TRY(open(p, "security"));
	TRY(protection(p));
	if (wifi_by_key(p->w))
		TRY(shared_key(p));
	if (!wifi_by_name(p->w))
		return close(p, "security");
	TRY(text(p, "PMKCacheMode", win->cache_keys ? "enabled" : "disabled"));
	if (win->cache_keys) {
		TRY(number(p, "PMKCacheTTL", win->key_minutes));
		TRY(number(p, "PMKCacheSize", win->keys));
	}
	TRY(text(p, "preAuthMode", win->early ? "enabled" : "disabled"));
	if (win->early)
		TRY(number(p, "preAuthThrottle", win->earlies));
	TRY(onex(p));
	return close(p, "security");
}

static err_t
hex(struct printing *p, const char *name, const char *value)
{
	TRY(open(p, name));
	for (const char *c = value; *c != '\0'; c++)
		TRY(buf_printf(p->b, "%02X", (unsigned)(uint8_t)*c));
	return close(p, name);
}

static err_t
document(struct printing *p)
{
	TRY(buf_puts(p->b, "<?xml version=\"1.0\"?>"));
	TRY(open_in(p, "WLANProfile", NS_WLAN "v1"));
	TRY(text(p, "name", p->w->ssid));
	TRY(open(p, "SSIDConfig"));
	TRY(open(p, "SSID"));
	TRY(hex(p, "hex", p->w->ssid));
	TRY(text(p, "name", p->w->ssid));
	TRY(close(p, "SSID"));
	TRY(truth(p, "nonBroadcast", p->w->hidden));
	TRY(close(p, "SSIDConfig"));
	TRY(text(p, "connectionType", "ESS"));
	TRY(text(p, "connectionMode", p->w->automatic ? "auto" : "manual"));
	if (p->w->automatic)
		TRY(truth(p, "autoSwitch", p->w->windows.prefers_others));
	TRY(open(p, "MSM"));
	TRY(security(p));
	TRY(close(p, "MSM"));
	return close(p, "WLANProfile");
}

const char *
windows_wifi_node(struct arena *a, const struct wifi *w)
{
	return arena_printf(a, WINDOWS_WIFI_NODES "/%s", url_segment(a, w->ssid));
}

err_t
windows_wifi_print(
    struct arena *a, const struct use *u, const char *key, bool of_machine, const char **ret)
{
	auto_buf struct buf b;
	struct printing p = {
		.a = a, .use = u, .w = u->wifi, .key = key, .of_machine = of_machine, .b = &b
	};

	buf_init(&b, DOCUMENT_MAX);
	TRY(document(&p));
	return text_cstr(a, arena_str(a, buf_str(&b)), ret);
}
