/* SPDX-License-Identifier: Apache-2.0 */
#include "device/apple_use.h"

#include "device/apple_profile.h"
#include "pki/cert.h"

struct printing {
	struct arena *a;
	const struct use *use;
	const char *key, *alias, *certificate;
	bool user;
	struct pl *content, *anchors; /* UUIDs of the roots */
};

static void
text(struct printing *p, struct pl *d, const char *key, const char *value)
{
	if (value != NULL && value[0] != '\0')
		pl_set_text(p->a, d, key, value);
}

static void
texts(struct printing *p, struct pl *d, const char *key, const struct field_texts *t)
{
	struct pl *list;

	if (t->n == 0)
		return;
	list = pl_set(p->a, d, key, pl_array(p->a));
	for (size_t i = 0; i < t->n; i++)
		pl_add(list, pl_text(p->a, t->v[i]));
}

static struct pl *
payload(struct printing *p, const char *type, const char *part, const char *name)
{
	const char *identifier = arena_printf(p->a, "%s.%s", p->alias, part);

	return pl_add(p->content,
	    apple_payload(
		p->a, type, identifier, apple_uuid_for(p->a, "payload", identifier), name));
}

static err_t
anchors(struct printing *p)
{
	p->anchors = pl_array(p->a);
	for (size_t i = 0; i < p->use->nroots; i++) {
		auto_cert struct cert *c = NULL;
		struct pl *d;

		TRY(cert_parse(p->use->roots[i], &c));
		d = payload(p,
		    cert_self_issued(c) ? "com.apple.security.root" : "com.apple.security.pkcs1",
		    arena_printf(p->a, "anchor%zu", i), cert_subject(c));
		pl_set_text(p->a, d, "PayloadCertificateFileName", "certificate.cer");
		pl_set_data(p->a, d, "PayloadContent", p->use->roots[i]);
		pl_add(p->anchors, pl_text(p->a, pl_get(d, "PayloadUUID")->text));
	}
	return OK;
}

/* com.apple.wifi.managed */
static void
eap(struct printing *p, struct pl *d)
{
	const struct wifi *w = p->use->wifi;
	struct pl *e = pl_set(p->a, d, "EAPClientConfiguration", pl_dict(p->a));
	struct pl *types = pl_set(p->a, e, "AcceptEAPTypes", pl_array(p->a));

	pl_add(types, pl_int(p->a, w->eap));
	pl_set_bool(p->a, e, "TLSCertificateIsRequired", true);
	pl_set_bool(p->a, e, "TLSAllowTrustExceptions", false);
	if (pl_count(p->anchors) > 0)
		pl_set(p->a, e, "PayloadCertificateAnchorUUID", p->anchors);
	texts(p, e, "TLSTrustedServerNames", &w->servers);
	text(p, e, "OuterIdentity", w->outer);
	text(p, e, "UserName", w->user);
}

static void
wifi(struct printing *p)
{
	static const char *const proxies[] = {
		[PROXY_NONE] = "None", [PROXY_MANUAL] = "Manual", [PROXY_AUTOMATIC] = "Auto"
	};
	static const char *const securities[] = {
		[WIFI_OPEN] = "None",
		[WIFI_WPA_PERSONAL] = "WPA",
		[WIFI_WPA_ENTERPRISE] = "WPA",
		[WIFI_WPA2_PERSONAL] = "WPA2",
		[WIFI_WPA2_ENTERPRISE] = "WPA2",
	};
	const struct wifi *w = p->use->wifi;
	struct pl *d = payload(p, "com.apple.wifi.managed", "wifi", w->name), *modes;

	pl_set_text(p->a, d, "SSID_STR", w->ssid);
	pl_set_bool(p->a, d, "HIDDEN_NETWORK", w->hidden);
	pl_set_bool(p->a, d, "AutoJoin", w->automatic);
	pl_set_text(p->a, d, "EncryptionType", securities[w->security]);
	text(p, d, "PayloadCertificateUUID", p->certificate);
	text(p, d, "Password", p->key);
	pl_set_text(p->a, d, "ProxyType", proxies[w->proxy]);
	if (w->proxy == PROXY_MANUAL) {
		pl_set_text(p->a, d, "ProxyServer", w->proxy_host);
		pl_set_int(p->a, d, "ProxyServerPort", w->proxy_port);
	}
	if (w->proxy == PROXY_AUTOMATIC)
		pl_set_text(p->a, d, "ProxyPACURL", w->proxy_url);
	if (w->fixed_address)
		pl_set_bool(p->a, d, "DisableAssociationMACRandomization", true);
	if (!wifi_by_name(w))
		return;
	eap(p, d);
	/* A Mac connects before anybody signs in, with a key of the machine. */
	if (!p->user && w->on_mac) {
		modes = pl_set(p->a, d, "SetupModes", pl_array(p->a));
		pl_add(modes, pl_text(p->a, "System"));
	}
}

/* com.apple.vpn.managed */
static const char *
vpn_program(const struct vpn *v)
{
	static const char *const bundles[] = {
		[VPN_ANYCONNECT] = "com.cisco.anyconnect.applevpn.plugin",
		[VPN_ANYCONNECT_V2] = "com.cisco.anyconnect",
		[VPN_F5_EDGE] = "com.f5.F5-Edge-Client.vpnplugin",
		[VPN_F5_ACCESS] = "com.f5.access.ios",
		[VPN_SONICWALL] = "com.sonicwall.SonicWALL-SSLVPN.vpnplugin",
		[VPN_CHECKPOINT] = "com.checkpoint.CheckPoint-VPN.vpnplugin",
		[VPN_GLOBALPROTECT] = "com.paloaltonetworks.GlobalProtect.vpnplugin",
		[VPN_GLOBALPROTECT_V2] = "com.paloaltonetworks.globalprotect.vpn",
		[VPN_CITRIX_SSO] = "com.citrix.NetScalerGateway.ios.app",
	};

	return v->connection == VPN_CUSTOM ? v->identifier : bundles[v->connection];
}

static struct pl *
demand(struct printing *p, const struct vpn_rule *r)
{
	static const char *const actions[] = { "Connect", "EvaluateConnection", "Ignore",
		"Disconnect" };
	static const char *const networks[] = { NULL, "Ethernet", "WiFi", "Cellular" };
	struct pl *d = pl_dict(p->a), *list, *one;

	pl_set_text(p->a, d, "Action", actions[r->action]);
	texts(p, d, "SSIDMatch", &r->ssids);
	texts(p, d, "DNSDomainMatch", &r->suffixes);
	texts(p, d, "DNSServerAddressMatch", &r->resolvers);
	text(p, d, "URLStringProbe", r->probe);
	text(p, d, "InterfaceTypeMatch", networks[r->network]);
	if (strcmp(actions[r->action], "EvaluateConnection") != 0)
		return d;
	list = pl_set(p->a, d, "ActionParameters", pl_array(p->a));
	one = pl_add(list, pl_dict(p->a));
	pl_set_text(
	    p->a, one, "DomainAction", r->domain_action == 0 ? "ConnectIfNeeded" : "NeverConnect");
	texts(p, one, "Domains", &r->domains);
	texts(p, one, "RequiredDNSServers", &r->domain_resolvers);
	text(p, one, "RequiredURLStringProbe", r->domain_probe);
	return d;
}

/* What every kind of connection has in its own dictionary. */
static void
vpn_common(struct printing *p, struct pl *d)
{
	const struct vpn *v = p->use->vpn;
	const struct vpn_rule *rules = v->demands.v;
	struct pl *list;

	pl_set_text(p->a, d, "RemoteAddress", v->server->address);
	pl_set_text(p->a, d, "AuthenticationMethod", "Certificate");
	pl_set_text(p->a, d, "PayloadCertificateUUID", p->certificate);
	if (v->idle && v->idle_seconds > 0) {
		pl_set_int(p->a, d, "DisconnectOnIdle", 1);
		pl_set_int(p->a, d, "DisconnectOnIdleTimer", v->idle_seconds);
	}
	if (v->demands.n == 0)
		return;
	pl_set_int(p->a, d, "OnDemandEnabled", 1);
	list = pl_set(p->a, d, "OnDemandRules", pl_array(p->a));
	for (size_t i = 0; i < v->demands.n; i++)
		pl_add(list, demand(p, &rules[i]));
}

static void
vendor(struct printing *p, struct pl *d)
{
	const struct vpn *v = p->use->vpn;
	const struct field_list *const lists[] = { &v->data, &v->pairs };
	struct pl *own = pl_dict(p->a);

	text(p, own, "Group", v->group);
	text(p, own, "Role", v->role);
	text(p, own, "Realm", v->realm);
	for (size_t k = 0; k < COUNT(lists); k++) {
		const struct vpn_pair *pairs = lists[k]->v;

		for (size_t i = 0; i < lists[k]->n; i++)
			pl_set_text(
			    p->a, own, pairs[i].key, pairs[i].value == NULL ? "" : pairs[i].value);
	}
	if (pl_count(own) > 0)
		pl_set(p->a, d, "VendorConfig", own);
}

static void
ciphers(struct printing *p, struct pl *d, const char *key, const struct vpn_ciphers *c)
{
	static const char *const encryptions[] = { "AES-128", "AES-256", "AES-128-GCM",
		"AES-256-GCM", "ChaCha20Poly1305" };
	static const char *const hashes[] = { "SHA2-256", "SHA2-384", "SHA2-512" };
	struct pl *s;

	if (c == NULL)
		return;
	s = pl_set(p->a, d, key, pl_dict(p->a));
	pl_set_text(p->a, s, "EncryptionAlgorithm", encryptions[c->encryption]);
	pl_set_text(p->a, s, "IntegrityAlgorithm", hashes[c->integrity]);
	pl_set_int(p->a, s, "DiffieHellmanGroup", c->group);
	pl_set_int(p->a, s, "LifeTimeInMinutes", c->minutes);
}

static const char *
tls_name(int64_t version)
{
	return version == 10 ? "1.0" : version == 11 ? "1.1" : "1.2";
}

static void
ike(struct printing *p, struct pl *d)
{
	static const char *const keys[] = { "RSA", "ECDSA256", "ECDSA384", "ECDSA521" };
	static const char *const rates[] = { "Medium", "None", "Low", "High" };
	const struct vpn *v = p->use->vpn;

	pl_set_text(p->a, d, "RemoteIdentifier", v->remote);
	pl_set_text(p->a, d, "LocalIdentifier", p->use->local);
	pl_set_text(p->a, d, "CertificateType", keys[v->server_key]);
	text(p, d, "ServerCertificateIssuerCommonName", v->server_issuer);
	text(p, d, "ServerCertificateCommonName", v->server_name);
	pl_set_text(p->a, d, "DeadPeerDetectionRate", rates[v->dead_peer]);
	pl_set_int(p->a, d, "DisableMOBIKE", v->no_mobility);
	pl_set_int(p->a, d, "DisableRedirect", v->no_redirect);
	pl_set_int(p->a, d, "EnableCertificateRevocationCheck", v->check_revoked);
	pl_set_int(p->a, d, "EnablePFS", v->secrecy);
	pl_set_int(p->a, d, "UseConfigurationAttributeInternalIPSubnet", v->subnet);
	pl_set_int(p->a, d, "ExtendedAuthEnabled", v->eap);
	pl_set_int(p->a, d, "MTU", v->mtu);
	if (v->tls_min != FIELD_UNSET)
		pl_set_text(p->a, d, "TLSMinimumVersion", tls_name(v->tls_min));
	if (v->tls_max != FIELD_UNSET)
		pl_set_text(p->a, d, "TLSMaximumVersion", tls_name(v->tls_max));
	ciphers(p, d, "IKESecurityAssociationParameters", v->ike);
	ciphers(p, d, "ChildSecurityAssociationParameters", v->child);
}

static void
proxy(struct printing *p, struct pl *d)
{
	const struct vpn_proxy *x = p->use->vpn->proxy;
	struct pl *s;

	if (x == NULL)
		return;
	s = pl_set(p->a, d, "Proxies", pl_dict(p->a));
	if (x->script != NULL && x->script[0] != '\0') {
		pl_set_int(p->a, s, "ProxyAutoConfigEnable", 1);
		pl_set_text(p->a, s, "ProxyAutoConfigURLString", x->script);
	} else if (x->address != NULL && x->address[0] != '\0') {
		for (int tls = 0; tls < 2; tls++) {
			const char *name = tls ? "HTTPS" : "HTTP";

			pl_set_int(p->a, s, arena_printf(p->a, "%sEnable", name), 1);
			pl_set_text(p->a, s, arena_printf(p->a, "%sProxy", name), x->address);
			pl_set_int(p->a, s, arena_printf(p->a, "%sPort", name), x->port);
		}
	}
}

static void
vpn(struct printing *p)
{
	static const char *const providers[] = { NULL, "app-proxy", "packet-tunnel" };
	const struct vpn *v = p->use->vpn;
	struct pl *d = payload(p, "com.apple.vpn.managed", "vpn", v->name), *own;
	const char *kind = v->connection == VPN_IKEV2 ? "IKEv2" :
	    v->connection == VPN_IPSEC                ? "IPSec" :
							"VPN";

	pl_set_text(p->a, d, "UserDefinedName", v->name);
	pl_set_text(p->a, d, "VPNType", kind);
	own = pl_set(p->a, d, kind, pl_dict(p->a));
	vpn_common(p, own);
	if (v->connection == VPN_IKEV2)
		ike(p, own);
	else if (v->connection == VPN_IPSEC)
		text(p, own, "LocalIdentifier", v->group);
	if (strcmp(kind, "VPN") == 0) {
		pl_set_text(p->a, d, "VPNSubType", vpn_program(v));
		text(p, own, "ProviderType", providers[v->provider]);
		vendor(p, d);
	}
	proxy(p, d);
}

/* com.apple.eas.account */
static void
smime(struct printing *p, struct pl *d)
{
	const struct mail *m = p->use->mail;

	if (p->use->signs) {
		pl_set_bool(p->a, d, "SMIMESigningEnabled", m->signing || m->required);
		pl_set_text(p->a, d, "SMIMESigningCertificateUUID", p->certificate);
		pl_set_bool(p->a, d, "SMIMESigningUserOverrideable", m->signing_override);
		pl_set_bool(
		    p->a, d, "SMIMESigningCertificateUUIDUserOverrideable", m->signing_choice);
	}
	if (p->use->encrypts) {
		pl_set_text(p->a, d, "SMIMEEncryptionCertificateUUID", p->certificate);
		pl_set_bool(p->a, d, "SMIMEEncryptByDefault", m->encrypt || m->required);
		pl_set_bool(p->a, d, "SMIMEEncryptByDefaultUserOverrideable", m->encrypt_override);
		pl_set_bool(p->a, d, "SMIMEEncryptionCertificateUUIDUserOverrideable",
		    m->encryption_choice);
		pl_set_bool(p->a, d, "SMIMEEnableEncryptionPerMessageSwitch", m->per_message);
	}
}

static void
mail(struct printing *p)
{
	static const struct {
		int64_t bit;
		const char *on, *choice;
	} services[] = {
		{ MAIL_CALENDARS, "EnableCalendars", "EnableCalendarsUserOverridable" },
		{ MAIL_CONTACTS, "EnableContacts", "EnableContactsUserOverridable" },
		{ MAIL_MAIL, "EnableMail", "EnableMailUserOverridable" },
		{ MAIL_NOTES, "EnableNotes", "EnableNotesUserOverridable" },
		{ MAIL_REMINDERS, "EnableReminders", "EnableRemindersUserOverridable" },
	};
	const struct mail *m = p->use->mail;
	struct pl *d = payload(p, "com.apple.eas.account", "mail", m->account);

	pl_set_text(p->a, d, "Host", m->host);
	pl_set_bool(p->a, d, "SSL", m->ssl);
	pl_set_text(p->a, d, "EmailAddress", p->use->address);
	pl_set_text(p->a, d, "UserName", p->use->user);
	pl_set_bool(p->a, d, "OAuth", m->oauth);
	pl_set_bool(p->a, d, "PreventMove", m->keep_messages);
	pl_set_bool(p->a, d, "PreventAppSheet", m->apps_blocked);
	pl_set_bool(p->a, d, "disableMailRecentsSyncing", m->recents_private);
	if (m->days >= 0)
		pl_set_int(p->a, d, "MailNumberOfPastDaysToSync", m->days);
	for (size_t i = 0; i < COUNT(services); i++) {
		pl_set_bool(p->a, d, services[i].on, (m->services & services[i].bit) != 0);
		pl_set_bool(p->a, d, services[i].choice, m->services_override);
	}
	if (p->use->logs_on)
		pl_set_text(p->a, d, "PayloadCertificateUUID", p->certificate);
	smime(p, d);
}

err_t
apple_use_print(struct arena *a, const struct use *u, const char *key, const char *alias,
    const char *certificate_uuid, bool user, struct pl *content)
{
	struct printing p = { .a = a,
		.use = u,
		.key = key,
		.alias = alias,
		.certificate = certificate_uuid,
		.user = user,
		.content = content };

	TRY(anchors(&p));
	switch (u->kind) {
	case USE_WIFI:
		wifi(&p);
		break;
	case USE_VPN:
		vpn(&p);
		break;
	case USE_MAIL:
		mail(&p);
		break;
	}
	return OK;
}
