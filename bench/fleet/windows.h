/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Windows machine: what its parts share. windows.c enrols, windows_session.c speaks OMA-DM, windows_tree.c is what it
 * manages.
 */
#ifndef FLEET_WINDOWS_H
#define FLEET_WINDOWS_H

#include "codec/xml.h"
#include "fleet.h"

enum { NODES_MAX = 256 };

struct node {
	char *uri; /* "./Device/Vendor/..." as told, "./Vendor" being the device's */
	char *data;
};

struct windows {
	char device_id[33];
	char *address; /* where sessions go */
	unsigned session;
	struct node *v;
	size_t n;
	char *enrolling[8]; /* SCEP nodes whose request was begun */
	size_t nenrolling;
	bool told; /* every certificate was asked for since it came */
};

struct windows *windows_of(struct device *d);
void windows_forget(struct device *d);

/* Does one command; the status of SyncML, and the HRESULT of a failure. value: what Get reads, in the arena. */
struct windows_done {
	int code;
	uint32_t hresult;
	const char *value;
};
struct windows_done windows_do(
    struct device *d, struct arena *a, const char *verb, const char *uri, const char *data);
/* What was begun and goes on when the session is over. */
void windows_work(struct device *d, struct fiber *f);
/* Certificates with keys. */
size_t windows_identities(const struct windows *w);

err_t windows_session(struct device *d, struct fiber *f, int64_t wait, bool *ret_did);

#endif
