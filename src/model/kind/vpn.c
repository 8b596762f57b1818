/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind: a VPN that a device connects to by a certificate: IPsec of the system, IKEv2, or the program of a maker.
 */
#include "codec/dn.h"
#include "model/cert_name.h"
#include "model/use.h"

/* Rows of all types; of those with a choice of connection; of IKEv2. */
#define VPN_ALL USES(ON_APPLE | USES_IKEV2)
#define VPN_CHOICE USES(ON_APPLE)
#define VPN_OWN USES(USES_IKEV2)

enum { DOMAINS_MAX = 32, RULES_MAX = 8, PAIRS_MAX = 16, PORT_MAX = 65535, IDLE_MAX = 86400 };
enum { LIFE_MIN = 10, LIFE_MAX = 1440, MTU_MIN = 1280, MTU_MAX = 1400 };
enum local_name { LOCAL_FQDN, LOCAL_EMPTY, LOCAL_SUBJECT };
#define OID_COMMON_NAME "2.5.4.3"

static const struct field_member connections[] = {
	{ "ciscoAnyConnect", VPN_ANYCONNECT },
	{ "f5EdgeClient", VPN_F5_EDGE },
	{ "dellSonicWallMobileConnect", VPN_SONICWALL },
	{ "checkPointCapsuleVpn", VPN_CHECKPOINT },
	{ "customVpn", VPN_CUSTOM },
	{ "ciscoIPSec", VPN_IPSEC },
	{ "ciscoAnyConnectV2", VPN_ANYCONNECT_V2 },
	{ "paloAltoGlobalProtect", VPN_GLOBALPROTECT },
	{ "f5Access2018", VPN_F5_ACCESS },
	{ "citrixSso", VPN_CITRIX_SSO },
	{ "paloAltoGlobalProtectV2", VPN_GLOBALPROTECT_V2 },
	{ 0 },
};

static const struct field_member ikev2[] = {
	{ "ikEv2", VPN_IKEV2 },
	{ 0 },
};

static const struct field_member providers[] = {
	{ "notConfigured", 0 },
	{ "appProxy", 1 },
	{ "packetTunnel", 2 },
	{ 0 },
};

static const struct field_member actions[] = {
	{ "connect", 0 },
	{ "evaluateConnection", 1 },
	{ "ignore", 2 },
	{ "disconnect", 3 },
	{ 0 },
};

static const struct field_member networks[] = {
	{ "notConfigured", 0 },
	{ "ethernet", 1 },
	{ "wiFi", 2 },
	{ "cellular", 3 },
	{ 0 },
};

static const struct field_member domain_actions[] = {
	{ "connectIfNeeded", 0 },
	{ "neverConnect", 1 },
	{ 0 },
};

static const struct field_member locals[] = {
	{ "deviceFQDN", LOCAL_FQDN },
	{ "empty", LOCAL_EMPTY },
	{ "clientCertificateSubjectName", LOCAL_SUBJECT },
	{ 0 },
};

static const struct field_member clients[] = {
	{ "userAuthentication", 0 },
	{ "deviceAuthentication", 1 },
	{ 0 },
};

static const struct field_member key_types[] = {
	{ "rsa", 0 },
	{ "ecdsa256", 1 },
	{ "ecdsa384", 2 },
	{ "ecdsa521", 3 },
	{ 0 },
};

static const struct field_member rates[] = {
	{ "medium", 0 },
	{ "none", 1 },
	{ "low", 2 },
	{ "high", 3 },
	{ 0 },
};

static const struct field_member versions[] = {
	{ "oneDotZero", 10 },
	{ "oneDotOne", 11 },
	{ "oneDotTwo", 12 },
	{ 0 },
};

/* What is weaker than AES with SHA-2 is not offered. */
static const struct field_member encryptions[] = {
	{ "aes128", 0 },
	{ "aes256", 1 },
	{ "aes128Gcm", 2 },
	{ "aes256Gcm", 3 },
	{ "chaCha20Poly1305", 4 },
	{ 0 },
};

static const struct field_member integrities[] = {
	{ "sha2_256", 0 },
	{ "sha2_384", 1 },
	{ "sha2_512", 2 },
	{ 0 },
};

static const struct field server_fields[] = {
	FIELD(struct vpn_server, description, FIELD_TEXT, .name = "description",
	    .flags = FIELD_NULLABLE, .help = "For people."),
	FIELD(struct vpn_server, address, FIELD_TEXT, .name = "address", .flags = FIELD_REQUIRED,
	    .help = "Host name or address."),
	FIELD(struct vpn_server, first, FIELD_BOOL, .name = "isDefaultServer", .fallback = 1,
	    .help = "Whether it is the one to begin with."),
};

static const struct field proxy_fields[] = {
	FIELD(struct vpn_proxy, script, FIELD_TEXT, .name = "automaticConfigurationScriptUrl",
	    .flags = FIELD_NULLABLE, .help = "Address of the proxy's script."),
	FIELD(struct vpn_proxy, address, FIELD_TEXT, .name = "address", .flags = FIELD_NULLABLE,
	    .help = "Host of the proxy."),
	FIELD(struct vpn_proxy, port, FIELD_INT, .name = "port", .max = PORT_MAX,
	    .help = "Port of the proxy."),
};

static const struct field data_fields[] = {
	FIELD(struct vpn_pair, key, FIELD_TEXT, .name = "key", .flags = FIELD_REQUIRED,
	    .help = "Name that the program knows."),
	FIELD(struct vpn_pair, value, FIELD_TEXT, .name = "value", .flags = FIELD_NULLABLE,
	    .help = "What it is set to."),
};

static const struct field pair_fields[] = {
	FIELD(struct vpn_pair, key, FIELD_TEXT, .name = "name", .flags = FIELD_REQUIRED,
	    .help = "Name that the program knows."),
	FIELD(struct vpn_pair, value, FIELD_TEXT, .name = "value", .flags = FIELD_NULLABLE,
	    .help = "What it is set to."),
};

#define NAMES(member_, name_, help_) \
	FIELD(struct vpn_rule, member_, FIELD_TEXTS, .name = name_, .max = DOMAINS_MAX, \
	    .help = help_)

static const struct field rule_fields[] = {
	NAMES(ssids, "ssids", "On these Wi-Fi networks; empty: on any."),
	NAMES(suffixes, "dnsSearchDomains", "Where these are the search domains; empty: any."),
	FIELD(struct vpn_rule, probe, FIELD_TEXT, .name = "probeUrl", .flags = FIELD_NULLABLE,
	    .help = "Where this address answers."),
	FIELD(struct vpn_rule, action, FIELD_ENUM, .name = "action", .flags = FIELD_REQUIRED,
	    .members = actions, .help = "What is done there."),
	FIELD(struct vpn_rule, domain_action, FIELD_ENUM, .name = "domainAction",
	    .members = domain_actions, .help = "With evaluateConnection: for the domains."),
	NAMES(domains, "domains", "With evaluateConnection: for these domains."),
	FIELD(struct vpn_rule, domain_probe, FIELD_TEXT, .name = "probeRequiredUrl",
	    .flags = FIELD_NULLABLE, .help = "Connect where this address does not answer."),
	NAMES(resolvers, "dnsServerAddressMatch", "Where these are the DNS servers; empty: any."),
	FIELD(struct vpn_rule, network, FIELD_ENUM, .name = "interfaceType", .members = networks,
	    .help = "On networks of this kind."),
	NAMES(domain_resolvers, "requiredDnsServers", "DNS servers that the domains need."),
};

static const struct field cipher_fields[] = {
	FIELD(struct vpn_ciphers, encryption, FIELD_ENUM, .name = "securityEncryptionAlgorithm",
	    .members = encryptions, .fallback = 1, .help = "Cipher."),
	FIELD(struct vpn_ciphers, integrity, FIELD_ENUM, .name = "securityIntegrityAlgorithm",
	    .members = integrities, .help = "Hash."),
	FIELD(struct vpn_ciphers, group, FIELD_INT, .name = "securityDiffieHellmanGroup", .min = 14,
	    .max = 31, .fallback = 14, .help = "Diffie-Hellman group: 14 to 21, or 31."),
	FIELD(struct vpn_ciphers, minutes, FIELD_INT, .name = "lifetimeInMinutes", .min = LIFE_MIN,
	    .max = LIFE_MAX, .fallback = LIFE_MAX, .help = "Until keys are made anew."),
};

#define TEXT_ROW(member_, name_, only_, help_) \
	FIELD(struct vpn, member_, FIELD_TEXT, .name = name_, .flags = FIELD_NULLABLE, \
	    .only = only_, .help = help_)
#define SWITCH(member_, name_, only_, help_) \
	FIELD(struct vpn, member_, FIELD_BOOL, .name = name_, .only = only_, .help = help_)
#define TEXTS_ROW(member_, name_, only_, help_) \
	FIELD(struct vpn, member_, FIELD_TEXTS, .name = name_, .max = DOMAINS_MAX, .only = only_, \
	    .help = help_)

static const struct field fields[] = {
	FIELD(struct vpn, name, FIELD_TEXT, .name = "connectionName", .flags = FIELD_REQUIRED,
	    .help = "Name of the connection, for people."),
	FIELD(struct vpn, connection, FIELD_ENUM, .name = "connectionType", .flags = FIELD_REQUIRED,
	    .members = connections, .only = VPN_CHOICE,
	    .help = "Which program connects; customVpn is named by identifier."),
	FIELD(struct vpn, connection, FIELD_ENUM, .name = "connectionType", .members = ikev2,
	    .fallback = VPN_IKEV2, .only = VPN_OWN, .help = "The system's own IKEv2."),
	FIELD(struct vpn, authentication, FIELD_ENUM, .name = "authenticationMethod",
	    .members = use_methods, .fallback = USE_CERTIFICATE,
	    .help = "What the device shows: its certificate."),
	FIELD(struct vpn, server, FIELD_OBJECT, .name = "server", .flags = FIELD_REQUIRED,
	    .fields = server_fields, .nfields = COUNT(server_fields),
	    .size = sizeof(struct vpn_server), .help = "The gateway."),
	TEXT_ROW(group, "loginGroupOrDomain", VPN_CHOICE, "Group or domain to log on to."),
	TEXT_ROW(role, "role", VPN_CHOICE, "Role, of programs that have them."),
	TEXT_ROW(realm, "realm", VPN_CHOICE, "Realm, of programs that have them."),
	TEXT_ROW(identifier, "identifier", VPN_CHOICE, "Bundle of the program, with customVpn."),
	FIELD(struct vpn, data, FIELD_LIST, .name = "customData", .fields = data_fields,
	    .nfields = COUNT(data_fields), .size = sizeof(struct vpn_pair), .max = PAIRS_MAX,
	    .only = VPN_CHOICE, .help = "Settings of the program."),
	FIELD(struct vpn, pairs, FIELD_LIST, .name = "customKeyValueData", .fields = pair_fields,
	    .nfields = COUNT(pair_fields), .size = sizeof(struct vpn_pair), .max = PAIRS_MAX,
	    .only = VPN_CHOICE, .help = "More of them, in another form."),
	FIELD(struct vpn, demands, FIELD_LIST, .name = "onDemandRules", .fields = rule_fields,
	    .nfields = COUNT(rule_fields), .size = sizeof(struct vpn_rule), .max = RULES_MAX,
	    .help = "When it connects by itself; the first that fits counts."),
	FIELD(struct vpn, proxy, FIELD_OBJECT, .name = "proxyServer", .flags = FIELD_NULLABLE,
	    .fields = proxy_fields, .nfields = COUNT(proxy_fields),
	    .size = sizeof(struct vpn_proxy), .help = "Proxy behind the connection."),
	SWITCH(idle, "disconnectOnIdle", VPN_ALL, "Ends when nothing goes through it."),
	FIELD(struct vpn, idle_seconds, FIELD_INT, .name = "disconnectOnIdleTimerInSeconds",
	    .max = IDLE_MAX, .help = "After so many seconds, with disconnectOnIdle."),
	FIELD(struct vpn, provider, FIELD_ENUM, .name = "providerType", .members = providers,
	    .only = USES(ON_IOS), .help = "How the program takes the traffic."),
	FIELD(struct vpn, channel, FIELD_ENUM, .name = "deploymentChannel", .flags = FIELD_NULLABLE,
	    .members = cert_channels, .fallback = FIELD_UNSET, .only = USES(ON_MACOS),
	    .help = "Keychain of the machine or of the user; null: that of the certificate."),
	FIELD(struct vpn, remote, FIELD_TEXT, .name = "remoteIdentifier", .flags = FIELD_REQUIRED,
	    .only = VPN_OWN, .help = "Who the gateway says it is."),
	FIELD(struct vpn, local, FIELD_ENUM, .name = "localIdentifier", .members = locals,
	    .fallback = LOCAL_SUBJECT, .only = VPN_OWN,
	    .help = "Who the device says it is; the gateway compares it with the certificate."),
	FIELD(struct vpn, client, FIELD_ENUM, .name = "clientAuthenticationType",
	    .members = clients, .only = VPN_OWN, .help = "Whom the certificate stands for."),
	TEXT_ROW(server_issuer, "serverCertificateIssuerCommonName", VPN_OWN,
	    "Common name of the CA of the gateway's certificate."),
	TEXT_ROW(server_name, "serverCertificateCommonName", VPN_OWN,
	    "Common name of the gateway's certificate."),
	FIELD(struct vpn, server_key, FIELD_ENUM, .name = "serverCertificateType",
	    .members = key_types, .only = VPN_OWN,
	    .help = "Kind of key of the device's certificate; ours are RSA."),
	FIELD(struct vpn, dead_peer, FIELD_ENUM, .name = "deadPeerDetectionRate", .members = rates,
	    .only = VPN_OWN, .help = "How often the gateway is looked for."),
	SWITCH(no_mobility, "disableMobilityAndMultihoming", VPN_OWN, "No MOBIKE."),
	SWITCH(no_redirect, "disableRedirect", VPN_OWN, "The gateway cannot send it elsewhere."),
	SWITCH(check_revoked, "enableCertificateRevocationCheck", VPN_OWN,
	    "Ask whether the gateway's certificate is revoked."),
	SWITCH(eap, "enableEAP", VPN_OWN, "Log on by EAP within IKEv2."),
	SWITCH(secrecy, "enablePerfectForwardSecrecy", VPN_OWN, "New key exchange for each child."),
	SWITCH(subnet, "enableUseInternalSubnetAttributes", VPN_OWN,
	    "Routes are those that the gateway names."),
	FIELD(struct vpn, ike, FIELD_OBJECT, .name = "securityAssociationParameters",
	    .flags = FIELD_NULLABLE, .fields = cipher_fields, .nfields = COUNT(cipher_fields),
	    .size = sizeof(struct vpn_ciphers), .only = VPN_OWN, .help = "Of the IKE exchange."),
	FIELD(struct vpn, child, FIELD_OBJECT, .name = "childSecurityAssociationParameters",
	    .flags = FIELD_NULLABLE, .fields = cipher_fields, .nfields = COUNT(cipher_fields),
	    .size = sizeof(struct vpn_ciphers), .only = VPN_OWN, .help = "Of what is carried."),
	FIELD(struct vpn, mtu, FIELD_INT, .name = "mtuSizeInBytes", .min = MTU_MIN, .max = MTU_MAX,
	    .fallback = MTU_MIN, .only = VPN_OWN, .help = "Bytes of a packet."),
	FIELD(struct vpn, tls_min, FIELD_ENUM, .name = "tlsMinimumVersion", .flags = FIELD_NULLABLE,
	    .members = versions, .fallback = FIELD_UNSET, .only = VPN_OWN,
	    .help = "Lowest version of TLS, with enableEAP."),
	FIELD(struct vpn, tls_max, FIELD_ENUM, .name = "tlsMaximumVersion", .flags = FIELD_NULLABLE,
	    .members = versions, .fallback = FIELD_UNSET, .only = VPN_OWN,
	    .help = "Highest version of TLS, with enableEAP."),
};

static const struct reference refs[] = {
	{ "identityCertificate", REF_CERTIFICATE, false, VPN_ALL },
	{ 0 },
};

static err_t
check_ciphers(const char *name, const struct vpn_ciphers *c)
{
	if (c != NULL && c->group > 21 && c->group != 31)
		FAIL(ERR_MODEL_INVALID,
		    "\"%s\": \"securityDiffieHellmanGroup\" must be 14 to 21, or 31", name);
	return OK;
}

static err_t
check(struct arena *a, const struct profile_type *t, const void *settings, struct warnings *w)
{
	const struct vpn *s = settings;
	bool named = s->identifier != NULL && s->identifier[0] != '\0';

	(void)a;
	(void)w;
	TRY(applicability_check(t, &s->rules));
	if (s->server == NULL || s->server->address[0] == '\0')
		FAIL(ERR_MODEL_INVALID, "\"server\" needs an address");
	if ((s->connection == VPN_CUSTOM) != named && s->connection != VPN_IKEV2)
		FAIL(ERR_MODEL_INVALID,
		    "\"identifier\" names the program of \"connectionType\" customVpn, and of no other");
	if (s->tls_min != FIELD_UNSET && s->tls_max != FIELD_UNSET && s->tls_min > s->tls_max)
		FAIL(ERR_MODEL_INVALID, "\"tlsMinimumVersion\" is above \"tlsMaximumVersion\"");
	TRY(check_ciphers("securityAssociationParameters", s->ike));
	return check_ciphers("childSecurityAssociationParameters", s->child);
}

/* Of a DER Name the most specific common name. */
static err_t
common_name(struct arena *a, struct str der, const char **ret)
{
	const char *name = NULL;
	struct dn dn;

	TRY(dn_decode(a, der, &dn));
	for (size_t i = 0; i < dn.n; i++)
		for (size_t k = 0; k < dn.rdn[i].n; k++)
			if (strcmp(dn.rdn[i].ava[k].oid, OID_COMMON_NAME) == 0)
				name = dn.rdn[i].ava[k].value;
	if (name == NULL)
		FAIL(ERR_VARIABLE_EMPTY,
		    "\"localIdentifier\" clientCertificateSubjectName: the certificate's subject has "
		    "no common name");
	*ret = name;
	return OK;
}

/* Names of certificates that were imported are not known before they are packed. */
static err_t
local_name(struct arena *a, const struct vpn *s, const struct subject_of *who,
    const struct primitive *what, const char **ret)
{
	*ret = "";
	if (s->local == LOCAL_FQDN)
		return use_text(a, who, "{{FullyQualifiedDomainName}}", ret);
	return s->local == LOCAL_SUBJECT && what->subject.n > 0 ?
	    common_name(a, what->subject, ret) :
	    OK;
}

static err_t
reduce(struct arena *a, const struct profile *p, const void *settings, const struct subject_of *who,
    struct primitive *ret)
{
	const struct vpn *s = settings;
	struct use u = { .kind = USE_VPN, .vpn = s, .local = "" };
	struct primitive what;

	TRY(use_reduce(a, p, who, &u, &what));
	if (s->connection == VPN_IKEV2) {
		TRY(local_name(a, s, who, &what, &u.local));
		TRY(use_reduce(a, p, who, &u, &what));
	}
	if (s->connection != VPN_IKEV2)
		use_channel(s->channel, &what);
	*ret = what;
	return OK;
}

extern const struct kind kind_vpn;
const struct kind kind_vpn = {
	.name = "vpn",
	.title = "VPN by certificate",
	.rows = { &applicability_rows, &(const struct rows_of){ fields, COUNT(fields) } },
	.size = sizeof(struct vpn),
	.needs_user = true,
	.needs_root = true,
	.needs_pfx = true,
	.refs = refs,
	.check = check,
	.reduce = reduce,
};
