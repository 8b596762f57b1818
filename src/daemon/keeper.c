/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/keeper.h"

#include "model/history.h"
#include "model/status.h"
#include "store/slot_count.h"
#include "store/slot_search.h"
#include "store/user_pfx.h"

/* ENDED, TEXTS, EVENTS: of one round. */
enum { ENDED = 50, TEXTS = 500, EVENTS = 500, REST_S = 600, COUNT_S = 10 };
enum { SOON_S = 30 * 86400 }; /* before an imported certificate ends */

static const char *const labels[] = {
	[STATUS_WAITING] = "state=\"waiting\"",
	[STATUS_ISSUING] = "state=\"issuing\"",
	[STATUS_READY] = "state=\"ready\"",
	[STATUS_OFFERED] = "state=\"offered\"",
	[STATUS_INSTALLED] = "state=\"installed\"",
	[STATUS_RENEWING] = "state=\"renewing\"",
	[STATUS_FAILED] = "state=\"failed\"",
	[STATUS_REMOVING] = "state=\"removing\"",
	[STATUS_REMOVED] = "state=\"removed\"",
};

static const char *const imported_labels[] = { "state=\"good\"", "state=\"ending\"",
	"state=\"ended\"" };

void
keeper_init(struct keeper *k, struct store *s, int64_t history_days, struct metrics *metrics)
{
	*k = (struct keeper){ .store = s, .history_s = history_days * 86400 };
	for (size_t i = STATUS_WAITING; i < COUNT(labels); i++) {
		k->slots[i].kind = METRIC_GAUGE;
		k->slots[i].name = "chancery_slots";
		k->slots[i].labels = labels[i];
		k->slots[i].help = "Certificates that are due or were, by where they stand.";
		metrics_add(metrics, &k->slots[i]);
	}
	for (size_t i = 0; i < COUNT(k->imported); i++) {
		k->imported[i].kind = METRIC_GAUGE;
		k->imported[i].name = "chancery_imported_certificates";
		k->imported[i].labels = imported_labels[i];
		k->imported[i].help =
		    "Imported certificates, by their end: ending is within 30 days.";
		metrics_add(metrics, &k->imported[i]);
	}
}

struct counting {
	struct arena *a;
	struct slot_count *v;
	size_t n;
	when_t now;
	int64_t imported[COUNT(imported_labels)];
};

static err_t
counts(struct tx *tx, void *arg)
{
	struct counting *c = arg;

	TRY(store_slot_counts(tx, c->a, (struct id){ 0 }, &c->v, &c->n));
	TRY(store_pfx_ending(tx, c->now + SOON_S, INT64_MAX, &c->imported[0]));
	TRY(store_pfx_ending(tx, c->now, c->now + SOON_S, &c->imported[1]));
	return store_pfx_ending(tx, INT64_MIN, c->now, &c->imported[2]);
}

static err_t
count(struct keeper *k)
{
	auto_arena struct arena *a = arena_new();
	struct counting c = { .a = a, .now = when_now() };
	int64_t sum[COUNT(labels)] = { 0 };

	if (when_now() - k->counted < COUNT_S)
		return OK;
	k->counted = when_now();
	TRY(store_read(k->store, counts, &c));
	for (size_t i = 0; i < c.n; i++)
		if (c.v[i].state < COUNT(sum))
			sum[c.v[i].state] += c.v[i].n;
	for (size_t i = STATUS_WAITING; i < COUNT(sum); i++)
		metric_set(&k->slots[i], sum[i]);
	for (size_t i = 0; i < COUNT(k->imported); i++)
		metric_set(&k->imported[i], c.imported[i]);
	return OK;
}

static err_t
unindexed(struct tx *tx, void *arg)
{
	return store_slot_unindexed(tx, arg);
}

static err_t
index_some(struct tx *tx, void *arg)
{
	return store_slot_index(tx, TEXTS, arg);
}

/* Looks first, so that a store in which nothing happens is not written. */
static err_t
texts(struct keeper *k)
{
	bool due = false;
	size_t n = TEXTS;

	TRY(store_read(k->store, unindexed, &due));
	return due ? store_write(k->store, index_some, &n) : OK;
}

static err_t
ended(struct keeper *k)
{
	size_t n;

	return status_ended(k->store, ENDED, &n);
}

static err_t
history(struct keeper *k)
{
	size_t n;

	if (when_now() < k->rest)
		return OK;
	TRY(history_step(k->store, when_now() - k->history_s, EVENTS, &n));
	if (n == 0)
		k->rest = when_now() + REST_S;
	return OK;
}

err_t
keeper_run(struct keeper *k)
{
	err_t (*const parts[])(struct keeper *) = { ended, texts, history, count };
	struct err_report first = { .code = ERR_NONE };

	for (size_t i = 0; i < COUNT(parts); i++) {
		err_t e = parts[i](k);

		if (!err_ok(e) && first.code == ERR_NONE)
			err_take(e, &first);
		else if (!err_ok(e))
			err_forget(e);
	}
	return first.code == ERR_NONE ? OK : err_raise(&first);
}
