/* SPDX-License-Identifier: Apache-2.0 */
#include "device/apple_status.h"

#include "base/limits.h"
#include "device/apple_declare.h"
#include "device/apple_inventory.h"
#include "store/device_state.h"

/* Seconds since the last word of a session after which it is over: the device broke it off, and what it was sent is not under
 * way any more. */
enum { SESSION_MAX = 600 };

struct status {
	struct arena *a;
	const struct device *device;
	const char *channel;
	const struct apple_report *report;
	/* after it was taken */
	enum apple_news news;
	struct apple_channels ch;
	struct report tell;
};

/* The device is at it already, and is asked for its lists before the session ends. */
static bool
under_way(const struct apple_channels *ch)
{
	const struct apple_state *st = &ch->v[ch->own].state;

	return when_now() - ch->v[ch->own].updated < SESSION_MAX &&
	    (st->sent[0] != '\0' || (st->ask & ~APPLE_ASK_LATER) != 0);
}

static err_t
take(struct tx *tx, void *arg)
{
	struct status *s = arg;
	struct str was, blob;
	struct apple_heard *h;

	TRY(apple_channels_load(tx, s->a, s->device->id, s->channel, &s->ch));
	h = &s->ch.v[s->ch.own].heard;
	TRY(apple_heard_write(s->a, h, &was));
	s->news = apple_heard_take(s->a, h, s->report, &s->ch.v[s->ch.own].state, when_now_ms());
	TRY(apple_heard_write(s->a, h, &blob));
	if (!str_eq(blob, was))
		TRY(store_device_report_put(tx, s->device->id, s->channel, blob));
	if (s->news != APPLE_NEWS_NONE && !under_way(&s->ch))
		tx_notify(tx, TOPIC_DEVICE, id_str(&s->device->id));
	return OK;
}

static bool
differs(const char *now, const char *was)
{
	return now != NULL && now[0] != '\0' && strcmp(now, was == NULL ? "" : was) != 0;
}

/* In the transaction of the check-in, perhaps twice: its lists may have been read since the report was taken. */
static err_t
fill_inventory(struct tx *tx, struct arena *a, const struct device *d, const struct command *v,
    size_t n, void *ctx)
{
	struct status *s = ctx;

	(void)v;
	(void)n;
	TRY(apple_channels_load(tx, a, d->id, s->channel, &s->ch));
	s->tell.has_inventory = false;
	apple_inventory_report(a, &s->ch, NULL, &s->tell);
	return OK;
}

/* Facts that are others now, and what is not there any more. */
static err_t
tell_model(struct device_edge *edge, struct status *s)
{
	struct checkin_with first = { fill_inventory, s };
	struct report *r = &s->tell;
	struct command *v;
	const char *word;
	size_t n;
	err_t e;

	if (differs(s->report->os_version, s->device->os_version))
		r->facts.os_version = s->report->os_version;
	word = apple_status_word(
	    edge, s->a, s->device, &s->ch.v[s->ch.own].state, &s->ch.v[s->ch.own].heard);
	if (s->channel[0] == '\0' && differs(word, s->device->reporting))
		r->facts.reporting = word;
	r->has_facts = r->facts.os_version != NULL || r->facts.reporting != NULL;
	if (s->news == APPLE_NEWS_LOST)
		r->first = &first;
	if (!r->has_facts && r->first == NULL)
		return OK;
	e = checkin_run(edge->store, s->a, s->device->id, r, &v, &n);
	if (err_is(e, ERR_DEVICE_RETIRED) || err_is(e, ERR_DEVICE_WIPED)) {
		err_forget(e);
		return OK;
	}
	return e;
}

err_t
apple_status_take(
    struct device_edge *edge, struct arena *a, const struct device *d, const struct apple_msg *m)
{
	static const enum report_outcome outcomes[] = { [APPLE_NEWS_NONE] = REPORT_TAKEN,
		[APPLE_NEWS_LOOK] = REPORT_LOOK,
		[APPLE_NEWS_LOST] = REPORT_LOST };
	struct apple_report report;
	struct status s = { .a = a, .device = d, .channel = m->channel, .report = &report };
	struct str data;

	TRY(pl_need_data(m->body, "Data", LIMIT_APPLE_REPORT, &data));
	TRY(apple_report_read(a, data, &report));
	TRY(store_write(edge->store, take, &s));
	TRY(tell_model(edge, &s));
	edge_count_report(edge->count, outcomes[s.news]);
	return OK;
}

const char *
apple_status_word(const struct device_edge *edge, struct arena *a, const struct device *d,
    const struct apple_state *st, const struct apple_heard *h)
{
	const char *why = st->refused[0] != '\0' ? st->refused : h->refused;

	if (!edge->apple_declarative || !apple_declare_can(d))
		return "polled";
	if (why[0] != '\0')
		return arena_printf(a, "polled: %s", why);
	if (h->since == 0)
		return "polled";
	if (when_now() - h->since >= APPLE_SILENT)
		return arena_printf(a, "polled: no report since %s", when_text(a, h->since));
	return "declarative";
}
