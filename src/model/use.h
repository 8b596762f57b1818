/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a certificate is used for: settings of Wi-Fi, VPN and mail profiles, as they are for one device. They are kept as
 * the API has them; texts with {{variables}} have their values in a struct use.
 *
 * On Apple's systems such a profile brings a certificate of its own, of the profile that it names: what uses a key there
 * refers to it within one configuration profile. So its slot is one of a certificate, with all that belongs to that:
 * renewed, replaced, revoked (use_reduce). Elsewhere it is a thing by itself, with a slot that has no certificate; what it
 * refers to must be on the device before it comes, and goes after it (use_network).
 *
 * Not here: how a platform says it (device/apple_use.h, device/windows_wifi.h).
 */
#ifndef MODEL_USE_H
#define MODEL_USE_H

#include "model/refs.h"
#include "model/wifi.h"

enum vpn_kind {
	VPN_ANYCONNECT,
	VPN_ANYCONNECT_V2,
	VPN_F5_EDGE,
	VPN_F5_ACCESS,
	VPN_SONICWALL,
	VPN_CHECKPOINT,
	VPN_GLOBALPROTECT,
	VPN_GLOBALPROTECT_V2,
	VPN_CITRIX_SSO,
	VPN_CUSTOM,
	VPN_IPSEC,
	VPN_IKEV2
};

struct vpn_server {
	const char *description, *address;
	bool first;
};
struct vpn_pair {
	const char *key, *value;
};
struct vpn_rule {
	int64_t action, network;
	struct field_texts ssids, suffixes, resolvers, domains, domain_resolvers;
	const char *probe;
	int64_t domain_action;
	const char *domain_probe;
};
struct vpn_proxy {
	const char *script, *address;
	int64_t port;
};
struct vpn_ciphers {
	int64_t encryption, integrity, group, minutes;
};

struct vpn {
	struct applicability rules;
	const char *name;
	int64_t connection, authentication;
	const char *group, *role, *realm, *identifier;
	struct vpn_server *server;
	struct vpn_proxy *proxy;
	struct field_list data, pairs, demands;
	bool idle;
	int64_t idle_seconds;
	int64_t provider, channel;
	/* IKEv2 */
	const char *remote, *server_name, *server_issuer;
	int64_t local, server_key, dead_peer, client, mtu, tls_min, tls_max;
	bool no_mobility, no_redirect, check_revoked, eap, secrecy, subnet;
	struct vpn_ciphers *ike, *child;
};

enum mail_user { MAIL_UPN, MAIL_SMTP, MAIL_SAM };
enum mail_service {
	MAIL_CALENDARS = 1,
	MAIL_CONTACTS = 2,
	MAIL_MAIL = 4,
	MAIL_NOTES = 8,
	MAIL_REMINDERS = 16
};

struct mail {
	struct applicability rules;
	const char *account, *host, *domain;
	int64_t authentication, user_source, user_other, address_source, domain_source, days,
	    services;
	bool services_override, keep_messages, apps_blocked, recents_private, ssl, oauth;
	bool signing, signing_override, signing_choice, encryption_choice, encrypt,
	    encrypt_override;
	bool per_message, required;
};

enum use_kind { USE_WIFI = 1, USE_VPN, USE_MAIL };
struct use {
	enum use_kind kind;
	/* One of these, by kind. */
	const struct wifi *wifi;
	const struct vpn *vpn;
	const struct mail *mail;
	const struct str *roots; /* DER: the other side is certified by one of them */
	size_t nroots;
	bool logs_on, signs, encrypts; /* USE_MAIL: what the certificate is for */
	const char *user, *address;    /* USE_MAIL: log-on and mail address */
	const char *local;             /* USE_VPN, IKEv2: who the device says it is */
	/* use_network(): the certificate that another profile brings; alias "": it uses none */
	const char *alias; /* its name on the device */
	struct str issuer; /* DER: a CA above it; empty: any */
	const char **ekus; /* what it is for */
	size_t nekus;
};

/* The primitive of the certificate that the profile names, to be used so. u: all but roots. A failure is the slot's fault. */
err_t use_reduce(struct arena *a, const struct profile *p, const struct subject_of *who,
    const struct use *u, struct primitive *ret);
/* PRIM_NETWORK: the same of a system where it is by itself. */
err_t use_network(struct arena *a, const struct profile *p, const struct subject_of *who,
    const struct use *u, struct primitive *ret);
/* What deploymentChannel says goes before where the certificate's own profile would put it; FIELD_UNSET: nothing. */
void use_channel(int64_t channel, struct primitive *what);
/* The value of a text with variables for this device; "" for none. */
err_t use_text(struct arena *a, const struct subject_of *who, const char *format, const char **ret);
/* Field checks: a text with variables; nothing at all. */
err_t use_check_text(struct arena *a, const struct field *f, const void *at);
err_t use_check_never(struct arena *a, const struct field *f, const void *at);
/* FIELD_ENUM rows of authenticationMethod: what has a certificate. */
extern const struct field_member use_methods[];

#endif
