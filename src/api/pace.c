/* SPDX-License-Identifier: Apache-2.0 */
#include "api/pace.h"

#include "base/limits.h"

#define SPAN_MS 20000.0

void
pace_init(struct api_pace *p, const char *labels, struct metrics *m)
{
	pthread_mutex_init(&p->lock, NULL);
	memset(p->row, 0, sizeof(p->row));
	p->refused = (struct metric){ .kind = METRIC_COUNTER,
		.name = "chancery_api_throttled_total",
		.labels = labels,
		.help = "Requests refused because their caller, or an address, asked too often." };
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

struct rates {
	unsigned any, write; /* in SPAN_MS */
};

static bool
take(struct api_pace_row *row, struct rates rates, bool writes, unsigned *ret_wait_s)
{
	int64_t now = when_mono_ms();
	int64_t ms = now - row->at;

	row->any = filled(row->any, rates.any, ms);
	row->write = filled(row->write, rates.write, ms);
	row->at = now;
	if (row->any < 1.0) {
		*ret_wait_s = wait_for(row->any, rates.any);
		return false;
	}
	if (writes && row->write < 1.0) {
		*ret_wait_s = wait_for(row->write, rates.write);
		return false;
	}
	row->any -= 1.0;
	row->write -= writes ? 1.0 : 0.0;
	return true;
}

static bool
passes(struct api_pace *p, uint64_t hash, struct rates rates, bool writes, unsigned *ret_wait_s)
{
	struct api_pace_row *row = &p->row[hash % COUNT(p->row)];
	bool yes;

	pthread_mutex_lock(&p->lock);
	if (row->at == 0) {
		row->any = (double)rates.any;
		row->write = (double)rates.write;
		row->at = when_mono_ms();
	}
	yes = take(row, rates, writes, ret_wait_s);
	pthread_mutex_unlock(&p->lock);
	if (!yes)
		metric_inc(&p->refused, 1);
	return yes;
}

err_t
api_pace_take(struct api *api, const struct caller *who, bool writes, unsigned *ret_wait_s)
{
	struct rates rates = { api->rate_any, api->rate_write };

	if (passes(&api->pace, str_hash(id_str(&who->id)), rates, writes, ret_wait_s))
		return OK;
	FAIL(ERR_THROTTLED, "%s may make %u requests in 20 seconds, %u of them changes", who->actor,
	    api->rate_any, api->rate_write);
}

err_t
api_pace_stranger(struct http_req *r)
{
	struct rates rates = { LIMIT_RATE_STRANGER, LIMIT_RATE_STRANGER };
	const char *addr = http_peer_addr(r);
	unsigned wait_s = 0;

	/* Rows of their own: no address can slow down who signed in. */
	if (passes(&api_of(r)->strangers, str_hash(str_c(addr)), rates, false, &wait_s))
		return OK;
	http_reply_header(r, "Retry-After", arena_printf(http_arena(r), "%u", wait_s));
	FAIL(ERR_THROTTLED, "%s may begin or try %u sign-ins in 20 seconds", addr,
	    LIMIT_RATE_STRANGER);
}
