/* SPDX-License-Identifier: Apache-2.0 */
#include "device/windows_push.h"

#include "base/limits.h"
#include "device/windows_msg.h"
#include "model/due.h"
#include "net/wns.h"
#include "store/device_state.h"

#define NODES "./Device/Vendor/MSFT/DMClient/Provider/" WINDOWS_PROVIDER "/Push/"
#define CHANNEL_NODE NODES "ChannelURI"
#define STATUS_NODE NODES "Status"
#define CHANNEL "push" /* beside the session's, which is "" */

/* ---- what is kept ---- */

static err_t
read_text(struct arena *a, struct str text, struct windows_push *ret)
{
	auto_json json *j = NULL;

	TRY(json_parse(text, LIMIT_DEVICE_STATE, &j));
	ret->uri = arena_strdup(a, json_text(json_get(j, "uri")));
	ret->family = arena_strdup(a, json_text(json_get(j, "family")));
	ret->status = (uint32_t)json_int(json_get(j, "status"));
	ret->refused = json_int(json_get(j, "refused"));
	return OK;
}

err_t
windows_push_get(struct tx *tx, struct arena *a, struct id device, struct windows_push *ret)
{
	struct windows_push p = { .uri = "", .family = "" };
	struct channel_state row;
	err_t e = OK;

	TRY(store_device_state_get(tx, a, device, CHANNEL, &row));
	if (row.state.n > 0)
		e = read_text(a, row.state, &p);
	err_forget(e);
	*ret = p;
	return OK;
}

static err_t
put(struct tx *tx, struct arena *a, struct id device, const struct windows_push *p)
{
	struct channel_state row = { .device = device, .channel = CHANNEL, .updated = when_now() };
	auto_json json *j = json_object_new();

	json_set_text(j, "uri", p->uri);
	json_set_text(j, "family", p->family);
	json_set_int(j, "status", p->status);
	json_set_int(j, "refused", p->refused);
	TRY(json_print(a, j, &row.state));
	return store_device_state_put(tx, &row);
}

/* One that refused is tried again after a day, and at once by who came after that: the credentials may be others. */
static bool
is_silent(const struct windows_push *p, when_t since)
{
	if (p->refused == 0 || p->refused == WINDOWS_PUSH_DEAD)
		return p->refused != 0;
	return p->refused > since && p->refused > when_now() - WINDOWS_PUSH_PAUSE;
}

bool
windows_push_good(const struct windows_push *p, const struct windows_pusher *by)
{
	return p->uri[0] != '\0' && strcmp(p->family, by->family) == 0 && !is_silent(p, by->since);
}

err_t
windows_push_note(struct tx *tx, struct arena *a, struct id device, const char *uri, when_t refused,
    const char *answer)
{
	struct windows_push p;

	TRY(windows_push_get(tx, a, device, &p));
	if (strcmp(p.uri, uri) != 0)
		return OK;
	TRY(store_device_waking(tx, device, arena_printf(a, "channel: %.160s", answer)));
	if (p.refused == refused)
		return OK;
	p.refused = refused;
	return put(tx, a, device, &p);
}

err_t
windows_push_due(struct tx *tx, struct arena *a, struct id device, const struct windows_pusher *by,
    enum due_kind *ret)
{
	struct windows_push p;

	*ret = DUE_NOT;
	TRY(windows_push_get(tx, a, device, &p));
	return windows_push_good(&p, by) ? device_is_due(tx, a, device, ret) : OK;
}

/* ---- in a session ---- */

static bool
off(const struct device_edge *edge)
{
	return edge->windows_family == NULL || edge->windows_family[0] == '\0';
}

void
windows_push_ask(const struct device_edge *edge, struct windows_state *st)
{
	if (off(edge) || (st->facts && st->push != WINDOWS_PUSH_TOLD))
		return;
	if (!st->facts)
		windows_ask_add(st, WINDOWS_PUSH_FAMILY);
	windows_ask_add(st, CHANNEL_NODE);
	windows_ask_add(st, STATUS_NODE);
}

static const char *
said(const struct windows_state *st, const char *uri)
{
	const struct windows_answer *w = windows_answer_of(st, uri);

	return w == NULL || w->code != 200 ? "" : w->data;
}

/* A channel counts if it is of our application, and one of the push service. */
static struct windows_push
read_answers(const struct device_edge *edge, struct windows_state *st)
{
	const char *family = edge->windows_family, *uri = said(st, CHANNEL_NODE);
	bool ours =
	    st->push == WINDOWS_PUSH_TOLD || strcmp(said(st, WINDOWS_PUSH_FAMILY), family) == 0;
	struct windows_push p = { .uri = "", .family = ours ? family : "" };
	int64_t status = 0;
	err_t e = text_i64(str_c(said(st, STATUS_NODE)), 0, UINT32_MAX, &status);

	err_forget(e);
	p.status = (uint32_t)status;
	if (!ours || uri[0] == '\0')
		return p;
	if (wns_channel_good(edge->windows_push_host, uri))
		p.uri = uri;
	else
		edge_count_refused(edge->count, ERR_WINDOWS_CHANNEL);
	return p;
}

struct hearing {
	struct arena *a;
	struct id device;
	struct windows_push now, old;
};

static err_t
load(struct tx *tx, void *arg)
{
	struct hearing *h = arg;

	return windows_push_get(tx, h->a, h->device, &h->old);
}

/* As the device says it; what becomes of a wake-up stands in its place when one was sent. */
static const char *
waking_of(struct arena *a, const struct windows_push *p)
{
	if (p->uri[0] != '\0')
		return "channel";
	return p->status == 0 ? "no channel" :
				arena_printf(a, "no channel: status 0x%08x", p->status);
}

static err_t
keep(struct tx *tx, void *arg)
{
	struct hearing *h = arg;

	TRY(windows_push_get(tx, h->a, h->device, &h->old));
	if (strcmp(h->old.uri, h->now.uri) == 0)
		h->now.refused = h->old.refused;
	TRY(put(tx, h->a, h->device, &h->now));
	return store_device_waking(tx, h->device, waking_of(h->a, &h->now));
}

static bool
same(const struct windows_push *a, const struct windows_push *b)
{
	return strcmp(a->uri, b->uri) == 0 && strcmp(a->family, b->family) == 0 &&
	    a->status == b->status;
}

/* Setting the application anew makes the device ask for a channel. One that says another error than "there is no such node"
 * has no push at all. */
static const char *
verb_for(const struct windows_state *st, const struct hearing *h)
{
	const struct windows_answer *w = windows_answer_of(st, WINDOWS_PUSH_FAMILY);
	bool dead = h->now.uri[0] == '\0' || h->old.refused == WINDOWS_PUSH_DEAD;

	if (st->push != WINDOWS_PUSH_UNTOLD || w == NULL)
		return NULL;
	if (w->code == 404)
		return "Add";
	return w->code == 200 && dead ? "Replace" : NULL;
}

err_t
windows_push_hear(const struct device_edge *edge, struct arena *a, struct id device,
    struct windows_state *st, const char **ret_verb)
{
	struct hearing h = { .a = a, .device = device };

	*ret_verb = NULL;
	if (off(edge) || windows_answer_of(st, CHANNEL_NODE) == NULL)
		return OK;
	h.now = read_answers(edge, st);
	TRY(store_read(edge->store, load, &h));
	if (!same(&h.now, &h.old))
		TRY(store_write(edge->store, keep, &h));
	else
		h.now.refused = h.old.refused;
	*ret_verb = verb_for(st, &h);
	if (st->push == WINDOWS_PUSH_TOLD)
		st->push = WINDOWS_PUSH_ASKED;
	return OK;
}
