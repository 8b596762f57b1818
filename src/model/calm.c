/* SPDX-License-Identifier: Apache-2.0 */
#include "model/calm.h"

#include <pthread.h>

#include "pki/key.h"
#include "store/device.h"

/* Slots of the table, and locks of them; seconds after which a contact is written again; devices written at once. */
enum { KEPT = 1 << 18, LOCKS = 64, SEEN_EVERY = 60, BATCH = 500 };

struct kept {
	uint8_t certificate[32], report[32];
	struct id device;
	struct stamp stamp;
	when_t until, seen, written;
	int64_t wait;
};

struct calm {
	struct store *store;
	pthread_mutex_t lock[LOCKS];
	struct kept *v; /* pages that are not used take no memory */
	struct metric found;
};

struct calm *
calm_new(struct store *s, struct metrics *m)
{
	struct calm *c = calloc(1, sizeof(*c));

	if (c == NULL)
		abort();
	c->store = s;
	c->v = calloc(KEPT, sizeof(*c->v));
	if (c->v == NULL)
		abort();
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_init(&c->lock[i], NULL);
	c->found = (struct metric){ .kind = METRIC_COUNTER,
		.name = "chancery_checkins_calm_total",
		.help = "Check-ins known to find everything as it should be." };
	if (m != NULL)
		metrics_add(m, &c->found);
	return c;
}

void
calm_free(struct calm *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_destroy(&c->lock[i]);
	free(c->v);
	free(c);
}

static size_t
place_of(const uint8_t certificate[32])
{
	uint32_t n;

	memcpy(&n, certificate, sizeof(n));
	return n % KEPT;
}

static bool
holds(struct calm *c, const struct kept *k, when_t now)
{
	return now < k->until && store_stamp_holds(c->store, k->device, &k->stamp);
}

bool
calm_find(struct calm *c, struct str certificate_der, struct str report, struct calm_hit *ret)
{
	when_t now = when_now();
	struct kept *k;
	size_t at;
	bool found;

	hash_sha256(certificate_der, ret->certificate);
	hash_sha256(report, ret->report);
	at = place_of(ret->certificate);
	k = &c->v[at];
	pthread_mutex_lock(&c->lock[at % LOCKS]);
	found = memcmp(k->certificate, ret->certificate, 32) == 0 &&
	    memcmp(k->report, ret->report, 32) == 0 && holds(c, k, now);
	if (found) {
		ret->device = k->device;
		ret->wait = k->wait;
		k->seen = now;
	}
	pthread_mutex_unlock(&c->lock[at % LOCKS]);
	if (found)
		metric_inc(&c->found, 1);
	return found;
}

void
calm_put(struct calm *c, const struct calm_hit *hit, const struct stamp *stamp, when_t until)
{
	when_t now = when_now();
	size_t at = place_of(hit->certificate);
	struct kept k = { .device = hit->device,
		.stamp = *stamp,
		.until = until < now + CALM_S ? until : now + CALM_S,
		.seen = now,
		.written = hit->written,
		.wait = hit->wait };

	memcpy(k.certificate, hit->certificate, 32);
	memcpy(k.report, hit->report, 32);
	pthread_mutex_lock(&c->lock[at % LOCKS]);
	c->v[at] = k;
	pthread_mutex_unlock(&c->lock[at % LOCKS]);
}

struct seen {
	size_t n;
	struct id device[BATCH];
	when_t at[BATCH];
};

static err_t
write_seen(struct tx *tx, void *arg)
{
	const struct seen *s = arg;

	for (size_t i = 0; i < s->n; i++)
		TRY(store_device_contact(tx, s->device[i], s->at[i]));
	return OK;
}

/* Takes those of one lock that are due, from *at on. */
static void
collect(struct calm *c, size_t lock, size_t *at, struct seen *s)
{
	pthread_mutex_lock(&c->lock[lock]);
	for (; *at < KEPT && s->n < BATCH; *at += LOCKS) {
		struct kept *k = &c->v[*at];

		if (k->seen - k->written < SEEN_EVERY)
			continue;
		s->device[s->n] = k->device;
		s->at[s->n++] = k->written = k->seen;
	}
	pthread_mutex_unlock(&c->lock[lock]);
}

err_t
calm_seen(struct calm *c)
{
	struct seen s = { 0 };

	for (size_t lock = 0; lock < LOCKS; lock++)
		for (size_t at = lock; at < KEPT;) {
			collect(c, lock, &at, &s);
			if (s.n < BATCH)
				continue;
			TRY(store_write(c->store, write_seen, &s));
			s.n = 0;
		}
	return s.n == 0 ? OK : store_write(c->store, write_seen, &s);
}
