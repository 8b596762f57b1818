/* SPDX-License-Identifier: Apache-2.0 */
#include "api/pace.h"

#define SPAN_MS 20000.0

void
pace_init(struct api_pace *p, struct metrics *m)
{
	pthread_mutex_init(&p->lock, NULL);
	memset(p->row, 0, sizeof(p->row));
	p->refused = (struct metric){ .kind = METRIC_COUNTER,
		.name = "chancery_api_throttled_total",
		.help = "Requests refused because their caller asked too often." };
	if (m != NULL)
		metrics_add(m, &p->refused);
}

static double
filled(double now, unsigned rate, int64_t ms)
{
	double full = (double)rate;
	double v = now + full * (double)ms / SPAN_MS;

	return v < full ? v : full;
}

/* Seconds until the bucket holds one. */
static unsigned
wait_for(double have, unsigned rate)
{
	double ms = (1.0 - have) * SPAN_MS / (double)rate;

	return (unsigned)(ms / 1000.0) + 1;
}

static bool
take(struct api_pace_row *row, const struct api *api, bool writes, unsigned *ret_wait_s)
{
	int64_t now = when_mono_ms();
	int64_t ms = now - row->at;

	row->any = filled(row->any, api->rate_any, ms);
	row->write = filled(row->write, api->rate_write, ms);
	row->at = now;
	if (row->any < 1.0) {
		*ret_wait_s = wait_for(row->any, api->rate_any);
		return false;
	}
	if (writes && row->write < 1.0) {
		*ret_wait_s = wait_for(row->write, api->rate_write);
		return false;
	}
	row->any -= 1.0;
	row->write -= writes ? 1.0 : 0.0;
	return true;
}

err_t
api_pace_take(struct api *api, const struct caller *who, bool writes, unsigned *ret_wait_s)
{
	size_t at = str_hash(id_str(&who->id)) % COUNT(api->pace.row);
	struct api_pace_row *row = &api->pace.row[at];
	bool passes;

	pthread_mutex_lock(&api->pace.lock);
	if (row->at == 0) {
		row->any = (double)api->rate_any;
		row->write = (double)api->rate_write;
		row->at = when_mono_ms();
	}
	passes = take(row, api, writes, ret_wait_s);
	pthread_mutex_unlock(&api->pace.lock);
	if (passes)
		return OK;
	metric_inc(&api->pace.refused, 1);
	FAIL(ERR_THROTTLED, "%s may make %u requests in 20 seconds, %u of them changes", who->actor,
	    api->rate_any, api->rate_write);
}
