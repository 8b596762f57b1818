/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kinds of Wi-Fi networks have in common: their settings, rows and rules. On Apple's systems a network comes in one
 * piece with a certificate of its own (kind/wifi.c); everywhere else it is something by itself that uses a certificate which
 * another profile brought (kind/network.c). One that takes no certificate, but a key that all share, or nothing, is something
 * by itself everywhere (kind/wifi_key.c). Which type has which row is in the rows (struct field, only).
 *
 * Not here: how a platform says it (device/apple_use.h, device/windows_wifi.h).
 */
#ifndef MODEL_WIFI_H
#define MODEL_WIFI_H

#include "model/applicability.h"

/* Graph's numbers. */
enum wifi_security {
	WIFI_OPEN,
	WIFI_WPA_PERSONAL,
	WIFI_WPA_ENTERPRISE,
	WIFI_WEP, /* never: the rows refuse it */
	WIFI_WPA2_PERSONAL,
	WIFI_WPA2_ENTERPRISE
};
/* As in EAP (RFC 3748), but for FIELD_UNSET. */
enum wifi_eap { WIFI_EAP_TLS = 13, WIFI_EAP_TTLS = 21, WIFI_PEAP = 25 };
enum use_authentication { USE_CERTIFICATE = 0, USE_PASSWORD = 1 };
enum use_proxy { PROXY_NONE, PROXY_MANUAL, PROXY_AUTOMATIC };
/* What is said within the tunnel of EAP-TTLS with a password: Graph's numbers. */
enum wifi_inner { INNER_NONE = 0, INNER_PAP = 0, INNER_CHAP, INNER_MSCHAP, INNER_MSCHAP_V2 };
enum wifi_address { ADDRESS_RANDOM, ADDRESS_HARDWARE };
/* Who it is that shows the certificate, or whose name and password it is: Windows. */
enum wifi_who { WHO_ANY, WHO_USER, WHO_MACHINE, WHO_EITHER, WHO_GUEST };
enum wifi_sign_on { SIGN_ON_NOT, SIGN_ON_BEFORE, SIGN_ON_AFTER };
enum wifi_cost { COST_NONE, COST_FIXED, COST_VARIABLE };

/* Of Windows only; 0: what the system does by itself. */
struct wifi_windows {
	bool prefers_others, fips, cache_keys, early, cache_password, prompts, binding,
	    checks_server, asks_nobody, own_lan;
	int64_t cost, who, sign_on;
	int64_t period, pause, start_period, failures, timeout, starts, keys, key_minutes, earlies;
};

struct wifi {
	struct applicability rules;
	const char *name, *ssid;
	bool automatic, hidden, fixed_address;
	int64_t security, proxy;
	const char *proxy_host, *proxy_url;
	int64_t proxy_port;
	/* With 802.1X never there: the row refuses it. Otherwise a secret (model/secret.h): sealed, as it is stored. */
	const char *shared_key;
	int64_t eap, authentication, inner, inner_peap, address;
	bool shared_key_set;
	const char *proxy_not;
	struct field_texts servers;
	const char *outer, *user;
	int64_t channel;
	struct wifi_windows windows;
	bool on_mac; /* by its type */
};

/* Every network, and what those with 802.1X have beside it, and those without. */
extern const struct rows_of wifi_rows, wifi_eap_rows, wifi_key_rows;
#define WIFI_KEY "preSharedKey"

/* Who joins it is asked for a certificate, or a name and a password (802.1X). */
bool wifi_by_name(const struct wifi *w);
/* Whoever has its key may join it. */
bool wifi_by_key(const struct wifi *w);
/* Of a key: 64 hexadecimal digits, the key itself, and not what it is made of. */
bool wifi_key_is_raw(const char *key);

/* As struct kind has them; settings: a struct wifi. */
err_t wifi_check(
    struct arena *a, const struct profile_type *t, const void *settings, struct warnings *w);
/* Of those without 802.1X. */
err_t wifi_key_check(
    struct arena *a, const struct profile_type *t, const void *settings, struct warnings *w);
void wifi_key_settle(void *settings);

#endif
