/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 802.1X connections of NetworkManager and of wpa_supplicant: those named in the configuration use the certificate that the
 * agent holds, and log on anew when it is another one. What they used before is put back when it goes.
 */
#ifndef AGENT_DOT1X_H
#define AGENT_DOT1X_H

#include "agent/consumer.h"

/* One of the two managers. state: of this connection, kept from call to call. */
struct dot1x_way {
	err_t (*use)(const struct agent *g, struct arena *a, const char *connection,
	    const struct holdings *h, const struct holding *is, json *state);
	err_t (*restore)(
	    const struct agent *g, struct arena *a, const char *connection, const json *state);
};

/* "CONNECTION=PROFILE" or "CONNECTION": which identity a connection shall use. *ret NULL: none is held. A profile is
 * named by its id or its name; without one there may be only one identity. ERR_DOT1X_CERTIFICATE. */
err_t dot1x_choose(struct arena *a, const struct holdings *h, const char *setting,
    const char **ret_connection, const struct holding **ret);
/* Path of the key's file, or its PKCS#11 URI. */
err_t dot1x_key(struct arena *a, const struct holding *h, const char **ret);
/* All connections of the settings, and those of the state that are configured no longer. */
err_t dot1x_sync(const struct agent *g, struct arena *a, const struct holdings *h,
    const char *const *settings, const struct dot1x_way *way, json *state);
/* As exec_run; ERR_DOT1X. */
err_t dot1x_run(struct arena *a, const char *const *argv, int64_t timeout_ms, const char **ret_out);
/* wpa_cli(8) with this command, ended by NULL, at the wpa_supplicant of an interface; it ends with 0 whatever happens, so its last
 * words are the answer. ERR_DOT1X. */
err_t dot1x_wpa(const struct agent *g, struct arena *a, const char *interface,
    const char *const *command, const char **ret);

#endif
