/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What on this machine uses the certificates: NSS databases, 802.1X connections, hooks. Each is brought to what the agent
 * holds, again and again until it is there.
 *
 *   consumers_sync() ──► for each: is what it was brought to the same as what it shall be now? ──► its sync()
 *
 * state_dir/consumers.json remembers for each what it was brought to (so that what is gone can be taken back) and why it is
 * not where it should be. A failure holds up nobody else and nothing of the service's; it is logged with its fault, shown by
 * "chancery-agent show", and tried again every minute.
 *
 * A new consumer is a file, and a row in consumer.c.
 */
#ifndef AGENT_CONSUMER_H
#define AGENT_CONSUMER_H

#include "agent/agent.h"

/* Something that the agent holds. Paths are stable: a new version comes under the same ones. */
struct holding {
	const char *alias, *name; /* name: of the profile; "" unknown */
	bool identity;
	const char *sha256; /* hex, of the certificate */
	const char *cert;   /* PEM; an identity: with its chain */
	const char *key, *uri,
	    *chain; /* identity: PEM of the key, or the file with its PKCS#11 URI: one is NULL */
};
struct holdings {
	const struct holding *v;
	size_t n;
	const char *bundle; /* PEM of all CA certificates that are held */
};
/* NULL: not held. */
const struct holding *holding_find(const struct holdings *h, const char *alias);

struct consumer {
	const char *name;
	/* Is anything of its kind configured here, or was it? Its state counts as configured as long as it is not empty. */
	bool (*wanted)(const struct agent *g);
	/* What else than the holdings decides what it does: files, settings. */
	const char *(*mark)(const struct agent *g, struct arena *a);
	/* state: an object of its own, kept from call to call, written also when this fails. */
	err_t (*sync)(
	    const struct agent *g, struct arena *a, const struct holdings *h, json *state);
};

/* Brings all of them to what is held; *ret_failed: how many are not there. Those that failed and whose time has not come are
 * passed over unless `now`. */
err_t consumers_sync(const struct agent *g, struct arena *a, bool now, size_t *ret_failed);
/* For "show": [{"consumer", "fault", "detail"}] */
err_t consumers_show(const struct agent *g, struct arena *a, json *list);
/* The end of enrolment: state_dir/consumers.json and the bundle go. */
err_t consumers_forget(const struct agent *g, struct arena *a);

extern const struct consumer consumer_nss, consumer_networkmanager, consumer_wpa, consumer_networks,
    consumer_hooks;

/* hooks.c: each hook is told that the device is to be wiped; the first failure is returned once all were told. */
err_t hooks_wipe(const struct agent *g, struct arena *a);

#endif
