/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/crl_plan.h"

#include "ca/setting.h"

enum { HALF_DAY = 43200 };

err_t
crl_settings_get(struct tx *tx, struct crl_settings *ret)
{
	struct crl_settings s;

	TRY(setting_get(tx, SETTING_CRL_PERIOD, &s.period));
	TRY(setting_get(tx, SETTING_CRL_DELTA_PERIOD, &s.delta_period));
	TRY(setting_get(tx, SETTING_CRL_OVERLAP, &s.overlap));
	TRY(setting_get(tx, SETTING_CRL_DELTA_OVERLAP, &s.delta_overlap));
	TRY(setting_get(tx, SETTING_CRL_CLOCK_SKEW, &s.clock_skew));
	if (s.delta_period >= s.period)
		s.delta_period = 0;
	*ret = s;
	return OK;
}

static int64_t
smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t
overlap(const struct crl_settings *s, bool delta)
{
	int64_t set = delta ? s->delta_overlap : s->overlap;

	if (set != 0)
		return set;
	if (delta)
		return smaller(s->delta_period, HALF_DAY);
	return larger(smaller(s->period / 10, HALF_DAY), s->clock_skew * 3 / 2);
}

struct crl_times
crl_times(
    const struct crl_settings *s, bool delta, when_t now, when_t ca_not_before, when_t ca_not_after)
{
	when_t next = now + (delta ? s->delta_period : s->period);

	return (struct crl_times){
		.this_update = larger(now - s->clock_skew, ca_not_before),
		.next_publish = next,
		.next_update = smaller(next + overlap(s, delta) + s->clock_skew, ca_not_after),
	};
}
