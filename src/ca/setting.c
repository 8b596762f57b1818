/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/setting.h"

#include "base/limits.h"

const struct ca_setting ca_settings[] = {
	[SETTING_VALIDITY_ATTRIBUTES] = { "request.validity_attributes", CA_SETTING_BOOL, 0, 1, 0,
	    "Let requests shorten the validity: ExpirationDate, ValidityPeriod and ValidityPeriodUnits "
	    "(EDITF_ATTRIBUTEENDDATE)." },
	[SETTING_MAX_VALIDITY_DAYS] = { "request.max_validity_days", CA_SETTING_INT, 1, 3650, 730,
	    "No certificate on request is valid for longer, whatever its template says (ValidityPeriod)." },
	[SETTING_PENDING_PER_PRINCIPAL] = { "request.pending_per_principal", CA_SETTING_INT, 1,
	    100000, 1000, "Requests of one principal that may wait for a manager at a time." },
	[SETTING_DENIALS_PER_MINUTE] = { "journal.denials_per_minute", CA_SETTING_INT, 1, 100000,
	    60, "Denials of one caller that are written down each minute; more are counted." },
	[SETTING_SCEP_SHA1] = { "scep.sha1", CA_SETTING_BOOL, 0, 1, 0,
	    "Take SCEP messages and requests that old devices sign with SHA-1." },
	[SETTING_SCEP_RENEWAL] = { "scep.renewal", CA_SETTING_BOOL, 0, 1, 1,
	    "Renew over SCEP for who holds a valid certificate, without a new challenge." },
	[SETTING_CRL_PERIOD] = { "crl.period", CA_SETTING_INT, 300, 63072000, 604800,
	    "Seconds between two base CRLs of the schedule, from the next publication on (CRLPeriod)." },
	[SETTING_CRL_DELTA_PERIOD] = { "crl.delta_period", CA_SETTING_INT, 0, 31536000, 86400,
	    "Seconds between two delta CRLs; 0, or no less than crl.period: there are none (CRLDeltaPeriod)." },
	[SETTING_CRL_OVERLAP] = { "crl.overlap", CA_SETTING_INT, 0, 31536000, 0,
	    "Seconds that a base CRL is good beyond the next publication; 0: computed (CRLOverlapPeriod)." },
	[SETTING_CRL_DELTA_OVERLAP] = { "crl.delta_overlap", CA_SETTING_INT, 0, 31536000, 0,
	    "Seconds that a delta CRL is good beyond the next publication; 0: computed (CRLDeltaOverlapPeriod)." },
	[SETTING_CRL_CLOCK_SKEW] = { "crl.clock_skew", CA_SETTING_INT, 0, 86400, 600,
	    "Seconds that the clocks of relying parties may be off (ClockSkewMinutes)." },
	[SETTING_CRL_SHARDS] = { "crl.shards", CA_SETTING_INT, 0, LIMIT_CRL_SHARDS, 0,
	    "CRLs that new certificates are spread over, each naming its own; 0: all name the one whole CRL." },
	[SETTING_OCSP_VALIDITY] = { "ocsp.validity", CA_SETTING_INT, 60, 604800, 3600,
	    "Seconds that an OCSP answer is good." },
};
const size_t ca_nsettings = COUNT(ca_settings);

static const char *
key(struct arena *a, const struct ca_setting *s)
{
	return arena_printf(a, "set.%s", s->name);
}

err_t
setting_get(struct tx *tx, enum ca_setting_id id, int64_t *ret)
{
	const struct ca_setting *s = &ca_settings[id];
	auto_arena struct arena *a = arena_new();
	struct str v;
	err_t e = store_ca_setting_get(tx, a, key(a, s), &v);

	if (!err_ok(e) && !err_is(e, ERR_NOT_FOUND))
		return e;
	if (!err_ok(e) || v.n == 0) {
		err_forget(e);
		*ret = s->fallback;
		return OK;
	}
	return text_i64(v, s->min, s->max, ret);
}

static err_t
find(const char *name, const struct ca_setting **ret)
{
	for (size_t i = 0; i < ca_nsettings; i++) {
		if (str_ieq_c(str_c(name), ca_settings[i].name)) {
			*ret = &ca_settings[i];
			return OK;
		}
	}
	FAIL(ERR_NOT_FOUND, "there is no setting %s", name);
}

/* As it is stored: a number; bool: 0 or 1. */
static err_t
read_value(const struct ca_setting *s, struct str text, int64_t *ret)
{
	if (s->type == CA_SETTING_BOOL && str_ieq_c(text, "true")) {
		*ret = 1;
		return OK;
	}
	if (s->type == CA_SETTING_BOOL && str_ieq_c(text, "false")) {
		*ret = 0;
		return OK;
	}
	TRY_CTX(text_i64(text, s->min, s->max, ret), "%s is %lld to %lld", s->name,
	    (long long)s->min, (long long)s->max);
	return OK;
}

err_t
setting_put(struct tx *tx, struct arena *a, const char *name, const char *text)
{
	struct str trimmed = str_trim(str_c(text));
	const struct ca_setting *s;
	int64_t v;

	TRY(find(name, &s));
	v = s->fallback;
	if (trimmed.n > 0)
		TRY(read_value(s, trimmed, &v));
	TRY(store_ca_setting_put(tx, key(a, s),
	    trimmed.n == 0 ? STR_EMPTY : str_c(arena_printf(a, "%lld", (long long)v))));
	return store_journal_add(tx, "administrator", "setting",
	    arena_printf(a, "name=%s value=%s%s", s->name, setting_text(a, s, v),
		trimmed.n == 0 ? " (default)" : ""));
}

const char *
setting_text(struct arena *a, const struct ca_setting *s, int64_t value)
{
	if (s->type == CA_SETTING_BOOL)
		return value != 0 ? "true" : "false";
	return arena_printf(a, "%lld", (long long)value);
}
