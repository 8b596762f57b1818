/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wi-Fi networks as Windows takes them: the profile document of the WiFi CSP (WLAN_profile v1 with OneX v1), with the
 * configuration of its EAP method (MS-GPWL 2.2.3.2), or with its key, for which the CSP knows no encryption: the session's
 * TLS is what keeps it.
 *
 * A certificate is not named there: the device looks for one by who issued it and what it is for. So the document says both,
 * as far as the profile does.
 */
#ifndef DEVICE_WINDOWS_WIFI_H
#define DEVICE_WINDOWS_WIFI_H

#include "model/use.h"

#define WINDOWS_WIFI_NODES "/Vendor/MSFT/WiFi/Profile"

/* The node of a network, without its scope: the CSP wants the name that the document has, and that to be the network's own
 * name on the air. */
const char *windows_wifi_node(struct arena *a, const struct wifi *w);
/* key: of a network that is joined by one, opened; else "". of_machine: whose certificate it is; user or machine are shown
 * accordingly when the settings do not say. */
err_t windows_wifi_print(
    struct arena *a, const struct use *u, const char *key, bool of_machine, const char **ret);

#endif
