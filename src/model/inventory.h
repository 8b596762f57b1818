/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device says it has. The newest report is kept in the device's record; "installed" is read
 * from it, never from what was sent.
 */
#ifndef MODEL_INVENTORY_H
#define MODEL_INVENTORY_H

#include "model/checkin.h"

struct held {
	const char *alias;
	bool identity, network; /* neither: a CA certificate */
	struct str sha256;
	bool has_key;
	const char *place; /* NULL: not said */
};
struct holdings {
	const struct held *v;
	size_t n;
	bool known; /* false: the device never said */
};

/* "chancery-<profile id>", and "-<item>" behind it when the profile brings several: the name on the device. */
const char *inventory_alias(struct arena *a, struct id profile, struct id item);
/* The text for the record; the same report gives the same text. */
err_t inventory_print(struct arena *a, const struct report_item *v, size_t n, const char **ret);
err_t inventory_parse(struct arena *a, const char *text, struct holdings *ret); /* "": not known */
/* What a report with an inventory says, before it is on record. */
struct holdings inventory_said(struct arena *a, const struct report *r);
const struct held *inventory_find(
    const struct holdings *has, const char *alias); /* NULL: nothing there */
/* This very certificate, or network, under the alias, and its key if it is an identity. */
bool inventory_shows(
    const struct holdings *has, const char *alias, struct str sha256, bool identity);

#endif
