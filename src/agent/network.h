/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wi-Fi networks of the service: with the certificate that the agent holds under another alias, by its paths, which stay when
 * that certificate is renewed; with the network's key, which came sealed to this device; or with neither. The key is then in
 * what is configured, in files that are root's alone to read.
 *
 *   network_read.c   what the service says: anything that could be taken for another setting is refused there
 *   network.c        install, remove, report: by one of the ways
 *   network_nm.c     way: a connection of NetworkManager, one keyfile each
 *   network_wpa.c    way: a wpa_supplicant that is its own master, one file for all of them
 *
 *   state_dir/networks/<alias>.pem    the roots by which it knows the server, where it knows one
 *   state_dir/networks/<alias>.json   what it was made of, and by which way; written once it was taken
 *   state_dir/networks/<alias>.wpa    its part of wpa_supplicant's file
 *
 * A network counts as held as long as what is configured is what was written: one that was changed or deleted comes again.
 *
 * Not here: connections that were there before (networkmanager.c, wpa.c).
 */
#ifndef AGENT_NETWORK_H
#define AGENT_NETWORK_H

#include "agent/dot1x.h"

enum { NETWORK_FILE_MAX = 65536, NETWORKS_MAX = 4096, NETWORK_KEY_HEX = 64 };

enum protection { PROTECT_OPEN, PROTECT_BY_KEY, PROTECT_BY_NAME };

struct network {
	const char *alias, *name, *ssid; /* no control characters; ssid: 1 to 32 bytes */
	bool automatic, hidden, newer;   /* newer: WPA2 and nothing before it */
	enum protection protection;
	struct str sealed;       /* PROTECT_BY_KEY: the key, sealed to this device */
	const char *key;         /* what was in it, once it was opened; NULL before */
	const char *identity;    /* PROTECT_BY_NAME, as all that follows; no control characters */
	const char *certificate; /* alias */
	const char *servers;     /* "a;b": names of hosts; "": any */
	const struct str *roots; /* DER */
	size_t nroots;
};

/* ERR_BAD_REQUEST, ERR_UNSUPPORTED, ERR_ALIAS. In the arena, or borrowed from the command. */
err_t network_read(struct arena *a, const char *alias, const json *command, struct network *ret);
/* A key of a network, IEEE 802.11 J.4: 8 to 63 printable ASCII characters, or 64 hexadecimal digits. ERR_BAD_REQUEST, which
 * does not say the key. */
err_t network_key_check(struct str key);

/* Where what it uses lies, of one by name. roots "": whatever the system trusts. */
struct network_paths {
	const char *cert, *key, *roots; /* key: a path, or a PKCS#11 URI */
};

/* How networks are configured on a machine. */
struct network_way {
	const char *name; /* in the records */
	/* Whether the networks of this machine are to go this way. */
	bool (*here)(const struct agent *g);
	/* What of it is compared later: its own part of the configuration. */
	err_t (*print)(struct arena *a, const struct network *n, const struct network_paths *p,
	    struct buf *out);
	/* Has it used, and knows afterwards that it is. ERR_DOT1X. */
	err_t (*put)(const struct agent *g, struct arena *a, const char *alias, struct str text);
	/* Its part as it is configured now; empty: it is not. */
	err_t (*get)(const struct agent *g, struct arena *a, const char *alias, struct str *ret);
	/* Absent is success. */
	err_t (*drop)(const struct agent *g, struct arena *a, const char *alias);
};
extern const struct network_way network_by_wpa, network_by_nm;

/* state_dir/networks/<alias>.<suffix> */
const char *network_record(
    const struct agent *g, struct arena *a, const char *alias, const char *suffix);
/* The alias of the certificate that the network under this alias logs on with; "": none, or there is no record of it. */
const char *network_certificate(const struct agent *g, struct arena *a, const char *alias);
/* The aliases of the files in that folder that end so; nothing where the folder is not. */
err_t network_aliases(
    struct arena *a, const char *folder, const char *suffix, char ***ret, size_t *retn);

#endif
