/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings of the CAs of one issuer: rows of one table, each with its type, limits, default and help. They are read in
 * the transaction that acts on them, so a change counts from the next request on.
 *
 * There is no setting that lets a request name what the template or the order must name (subject alternative names,
 * purposes, key usage), and none that leaves the security identifier out of certificates.
 */
#ifndef CA_SETTING_H
#define CA_SETTING_H

#include "store/ca.h"

enum ca_setting_id {
	SETTING_VALIDITY_ATTRIBUTES,
	SETTING_MAX_VALIDITY_DAYS,
	SETTING_PENDING_PER_PRINCIPAL,
	SETTING_DENIALS_PER_MINUTE,
	SETTING_SCEP_SHA1,
	SETTING_SCEP_RENEWAL,
	SETTING_CRL_PERIOD,
	SETTING_CRL_DELTA_PERIOD,
	SETTING_CRL_OVERLAP,
	SETTING_CRL_DELTA_OVERLAP,
	SETTING_CRL_CLOCK_SKEW,
	SETTING_CRL_SHARDS,
	SETTING_OCSP_VALIDITY,
};

enum ca_setting_type { CA_SETTING_BOOL, CA_SETTING_INT };

struct ca_setting {
	const char *name;
	enum ca_setting_type type;
	int64_t min, max, fallback; /* bool: 0 and 1 */
	const char *help;
};
extern const struct ca_setting ca_settings[]; /* by enum ca_setting_id */
extern const size_t ca_nsettings;

/* The value, or the default. Expects a transaction. */
err_t setting_get(struct tx *tx, enum ca_setting_id id, int64_t *ret);
/* Text as people write it: true, false, a number; "" is the default again. ERR_NOT_FOUND, ERR_RANGE, ERR_NUMBER. Writes
 * the journal. Expects a transaction. */
err_t setting_put(struct tx *tx, struct arena *a, const char *name, const char *text);
const char *setting_text(struct arena *a, const struct ca_setting *s, int64_t value);

#endif
