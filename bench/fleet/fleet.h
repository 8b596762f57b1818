/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fleet of simulated devices in one process: each enrols with a code of its own, checks in, does what it is told and says
 * so, by the protocol of its platform. Written from the protocols (doc/agent-protocol.md, and those of Apple and Microsoft), not
 * from the service's code; what a device would not take ends as its failure, counted by fault.
 *
 * What they share that real devices do not: a few keys, made at the beginning. Their identities and certificates differ, the
 * key pairs repeat; making keys is the devices' own work and would hide what is measured.
 *
 * A device belongs to one thread (its loop); nothing of it is touched by another while loops run. Numbers that are shown
 * meanwhile are atomic.
 */
#ifndef FLEET_FLEET_H
#define FLEET_FLEET_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/text.h"
#include "base/when.h"
#include "link.h"

struct device;

struct platform {
	const char *name;
	/* With its code. The identity is set by device_joined(). */
	err_t (*enrol)(struct device *d, struct fiber *f);
	/* One whole check-in, and what it asks for. wait: seconds that it may take if there is nothing to do, for platforms
	 * whose protocol has that. *ret_did: something was done, and another should follow at once. */
	err_t (*checkin)(struct device *d, struct fiber *f, int64_t wait, bool *ret_did);
	err_t (*leave)(struct device *d, struct fiber *f);
	void (*forget)(struct device *d); /* frees its state */
	bool waits;                       /* it can wait in a check-in */
};
extern const struct platform platform_linux, platform_android, platform_ios, platform_windows;

struct device {
	struct fleet *fleet;
	const struct platform *platform;
	size_t number;
	const char *code, *user; /* user: its principal name; "" if not given */
	const struct key *key;   /* of the identity; lent by the fleet */
	struct cert *identity;
	struct link link;
	void *state;         /* the platform's own */
	size_t certificates; /* with their keys, that the service was told of */
	when_ms_t newest;    /* when the newest of them was told of */
	bool enrolled, gone;
};

enum { KEYS_MAX = 64, FAULTS_MAX = 32 };

struct fault {
	const char *id;
	char detail[256]; /* of the first one */
	size_t n;
};

struct fleet {
	const char *url;
	SSL_CTX *tls;
	struct key *keys[KEYS_MAX];
	size_t nkeys;
	struct device *v;
	size_t n;
	struct loop **loops;
	size_t nloops;
	size_t parallel;  /* devices of one loop that do something at a time */
	int64_t poll_ms;  /* between check-ins of platforms that cannot wait */
	bool open;        /* agents open what is sealed to them; the others must in any case */
	bool reconnect;   /* each check-in over a connection of its own */
	atomic_bool stop; /* an endless step is to end */
	atomic_size_t enrolled, certificates, checkins, commands, failed, waiting, done;
	pthread_mutex_t lock; /* of what follows */
	struct fault faults[FAULTS_MAX];
	size_t nfaults;
	bool broken_off; /* by a signal: no step follows */
};

/* A name by which the service knows it: "fleet-00017". */
const char *device_name(struct arena *a, const struct device *d);
/* The identity that the service gave it. ERR_KEY_MISMATCH. */
err_t device_joined(struct device *d, struct str certificate);
/* How many certificates with keys the service was told of by now. */
void device_holds(struct device *d, size_t certificates);
/* Any of the shared keys; the same for the same `seed`. */
struct key *fleet_key(const struct fleet *fleet, struct str seed);
void fleet_failed(struct fleet *fleet, const struct device *d, err_t e);
/* What a server puts off may work later: busy, not reached, no answer in time. */
bool fleet_passing(err_t e);
/* Before try number tried + 1 of what failed so. False: it was tried five times, or the step is over; e is as it was. Else it
 * was waited for, and e is forgotten. */
bool fleet_again(struct device *d, struct fiber *f, err_t e, int tried);

/* An answer with this status, else ERR_HTTP_STATUS with the beginning of what it says. */
err_t expect_status(struct arena *a, const struct link_got *got, int status, const char *what);

/* A certificate by SCEP (RFC 8894), by GetCACaps, GetCACert and PKIOperation, over the device's link. What the server puts
 * off is asked again, with the same request, as fleet_again() has it. ca_sha1: a certificate that GetCACert must bring, by its
 * SHA-1, or NULL. Answers in the arena; the chain is not put in order. */
struct scep_order {
	const char *url;
	struct key *key;
	struct str csr;
	struct str subject; /* DER Name of it */
	const char *ca_sha1;
};
err_t scep_order(struct device *d, struct fiber *f, struct arena *a, const struct scep_order *o,
    struct str *ret_leaf);

#endif
