/* SPDX-License-Identifier: Apache-2.0 */
#include "device/apple_heard.h"

#include "base/limits.h"
#include "base/rd.h"
#include "model/checkin.h"

enum { VERSION = 1 };
/* Seconds after which a device is asked again for what it holds. */
enum { INVENTORY_EVERY = 6 * 3600, COVERED_EVERY = 24 * 3600 };

static err_t
read_mark(struct str *in, uint8_t to[APPLE_MARK])
{
	struct str s;

	TRY(rd_take(in, APPLE_MARK, &s));
	memcpy(to, s.p, APPLE_MARK);
	return OK;
}

static err_t
read_count(struct str *in, size_t *ret)
{
	uint16_t n;

	TRY(rd_u16(in, &n));
	if (n > APPLE_HEARD_MAX)
		FAIL(ERR_RANGE, "%u of them", n);
	*ret = n;
	return OK;
}

static err_t
read_all(struct arena *a, struct str in, struct apple_heard *h)
{
	uint8_t version, partial;

	TRY(rd_u8(&in, &version));
	if (version != VERSION)
		FAIL(ERR_RANGE, "version %u", version);
	TRY(rd_i64(&in, &h->since));
	TRY(rd_i64(&in, &h->doubt));
	TRY(rd_text(a, &in, LIMIT_TEXT, &h->refused));
	TRY(rd_u8(&in, &partial));
	h->partial = partial != 0;
	TRY(read_count(&in, &h->n));
	h->v = arena_array(a, h->n + 1, sizeof(*h->v));
	for (size_t i = 0; i < h->n; i++) {
		TRY(read_mark(&in, h->v[i].id));
		TRY(read_mark(&in, h->v[i].sha256));
	}
	TRY(read_count(&in, &h->ngone));
	h->gone = arena_array(a, h->ngone + 1, sizeof(*h->gone));
	for (size_t i = 0; i < h->ngone; i++) {
		TRY(read_mark(&in, h->gone[i].sha256));
		TRY(rd_i64(&in, &h->gone[i].since));
	}
	return rd_end(&in);
}

void
apple_heard_read(struct arena *a, struct str blob, struct apple_heard *ret)
{
	struct apple_heard h = { .refused = "" };
	err_t e = blob.n == 0 ? OK : read_all(a, blob, &h);

	if (!err_ok(e)) {
		err_forget(e);
		h = (struct apple_heard){ .refused = "" };
	}
	*ret = h;
}

err_t
apple_heard_write(struct arena *a, const struct apple_heard *h, struct str *ret)
{
	auto_buf struct buf b = { 0 };

	buf_init(&b, LIMIT_DEVICE_STATE);
	TRY(wr_u8(&b, VERSION));
	TRY(wr_i64(&b, h->since));
	TRY(wr_i64(&b, h->doubt));
	TRY(wr_text(&b, h->refused));
	TRY(wr_u8(&b, h->partial));
	TRY(wr_u16(&b, (uint16_t)h->n));
	for (size_t i = 0; i < h->n; i++) {
		TRY(buf_put(&b, STR(h->v[i].id)));
		TRY(buf_put(&b, STR(h->v[i].sha256)));
	}
	TRY(wr_u16(&b, (uint16_t)h->ngone));
	for (size_t i = 0; i < h->ngone; i++) {
		TRY(buf_put(&b, STR(h->gone[i].sha256)));
		TRY(wr_i64(&b, h->gone[i].since));
	}
	*ret = arena_str(a, buf_str(&b));
	return OK;
}

static struct apple_mark *
by_id(struct apple_mark *v, size_t n, const uint8_t id[APPLE_MARK])
{
	for (size_t i = 0; i < n; i++)
		if (memcmp(v[i].id, id, APPLE_MARK) == 0)
			return &v[i];
	return NULL;
}

static bool
tells_of(const struct apple_mark *v, size_t n, const uint8_t *sha256)
{
	for (size_t i = 0; i < n; i++)
		if (memcmp(v[i].sha256, sha256, APPLE_MARK) == 0)
			return true;
	return false;
}

/* One certificate of a report into the list; of one identifier the last counts. */
static void
hear(struct apple_heard *h, const struct apple_told *t)
{
	struct apple_mark *have = by_id(h->v, h->n, t->id);

	if (t->removed) {
		if (have != NULL)
			*have = h->v[--h->n];
		return;
	}
	if (have == NULL && h->n == APPLE_HEARD_MAX) {
		h->partial = true;
		return;
	}
	if (have == NULL) {
		have = &h->v[h->n++];
		memcpy(have->id, t->id, APPLE_MARK);
	}
	memcpy(have->sha256, t->sha256, APPLE_MARK);
}

/* Under the identifier of this certificate there is another one now. */
static bool
is_replaced(const struct apple_heard *was, struct apple_heard *now, const uint8_t *sha256)
{
	for (size_t i = 0; i < was->n; i++)
		if (memcmp(was->v[i].sha256, sha256, APPLE_MARK) == 0 &&
		    by_id(now->v, now->n, was->v[i].id) != NULL)
			return true;
	return false;
}

/* No command is on its way or waits for the lists to confirm it, and what they said last is on record. */
static bool
is_calm(const struct apple_state *st)
{
	for (size_t i = 0; i < st->nresults; i++)
		if (st->results[i].status == RESULT_OK)
			return false;
	return st->sent[0] == '\0' && st->ask == 0 && !st->fresh && st->known_ms > 0;
}

/* Without those that are there again, and those that the lists have settled. */
static void
prune_gone(struct apple_heard *h, const struct apple_state *st)
{
	size_t n = 0;

	for (size_t i = 0; i < h->ngone; i++)
		if (h->gone[i].since >= st->known_ms && !tells_of(h->v, h->n, h->gone[i].sha256))
			h->gone[n++] = h->gone[i];
	h->ngone = n;
}

/* What of our items it told of and tells of no more. */
static enum apple_news
missing(const struct apple_heard *was, struct apple_heard *h, const struct apple_state *st,
    when_ms_t now)
{
	enum apple_news news = APPLE_NEWS_NONE;

	for (size_t i = 0; i < st->nitems; i++) {
		const uint8_t *sha256 = st->items[i].sha256;

		if (!tells_of(was->v, was->n, sha256) || tells_of(h->v, h->n, sha256))
			continue;
		if (!is_calm(st) || is_replaced(was, h, sha256) || h->ngone == APPLE_HEARD_MAX) {
			news = news == APPLE_NEWS_NONE ? APPLE_NEWS_LOOK : news;
			continue;
		}
		news = APPLE_NEWS_LOST;
		if (apple_heard_gone(h, st, &st->items[i]))
			continue;
		memcpy(h->gone[h->ngone].sha256, sha256, APPLE_MARK);
		h->gone[h->ngone++].since = now;
	}
	return news;
}

enum apple_news
apple_heard_take(struct arena *a, struct apple_heard *h, const struct apple_report *r,
    const struct apple_state *st, when_ms_t now)
{
	struct apple_heard was = *h;
	enum apple_news news;

	if (r->refused[0] != '\0')
		h->refused = r->refused;
	else if (r->accepted || r->lists)
		h->refused = "";
	if (!r->lists)
		return APPLE_NEWS_NONE;
	h->since = now / 1000;
	h->partial = h->partial && !r->full;
	h->v = arena_array(a, APPLE_HEARD_MAX, sizeof(*h->v));
	h->n = r->full ? 0 : was.n;
	for (size_t i = 0; i < h->n; i++)
		h->v[i] = was.v[i];
	for (size_t i = 0; i < r->n; i++)
		hear(h, &r->v[i]);
	h->gone = arena_array(a, APPLE_HEARD_MAX, sizeof(*h->gone));
	for (size_t i = 0; i < h->ngone; i++)
		h->gone[i] = was.gone[i];
	prune_gone(h, st);
	news = h->partial ? APPLE_NEWS_NONE : missing(&was, h, st, now);
	if (news != APPLE_NEWS_NONE)
		h->doubt = now;
	return news;
}

bool
apple_heard_gone(
    const struct apple_heard *h, const struct apple_state *st, const struct apple_item *item)
{
	for (size_t i = 0; i < h->ngone; i++)
		if (h->gone[i].since >= st->known_ms &&
		    memcmp(h->gone[i].sha256, item->sha256, APPLE_MARK) == 0)
			return true;
	return false;
}

bool
apple_heard_covers(const struct apple_heard *h, const struct apple_state *st, when_t now)
{
	if (h->since == 0 || now - h->since >= APPLE_SILENT || h->refused[0] != '\0' || h->partial)
		return false;
	for (size_t i = 0; i < st->nitems; i++) {
		if (!tells_of(h->v, h->n, st->items[i].sha256))
			return false;
		/* One certificate that two profiles brought stays when one of them goes. */
		for (size_t k = i + 1; k < st->nitems; k++)
			if (memcmp(st->items[i].sha256, st->items[k].sha256, 32) == 0)
				return false;
	}
	return true;
}

bool
apple_heard_lists_due(const struct apple_heard *h, const struct apple_state *st, when_t now)
{
	return now - st->known_ms / 1000 >=
	    (apple_heard_covers(h, st, now) ? COVERED_EVERY : INVENTORY_EVERY);
}
