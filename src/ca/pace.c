/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/pace.h"

#include <pthread.h>

enum { CALLERS = 512, MINUTE = 60 };

struct entry {
	uint8_t caller[32];
	when_t since; /* 0: free */
	int64_t written;
	uint64_t dropped;
};

struct pace {
	pthread_mutex_t lock;
	struct entry v[CALLERS];
};

struct pace *
pace_new(void)
{
	struct pace *p = calloc(1, sizeof(*p));

	if (p == NULL)
		abort();
	pthread_mutex_init(&p->lock, NULL);
	return p;
}

void
pace_free(struct pace *p)
{
	if (p == NULL)
		return;
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* The caller's entry, or the one longest away, emptied. */
static struct entry *
entry_of(struct pace *p, const uint8_t caller[32])
{
	struct entry *oldest = &p->v[0];

	for (size_t i = 0; i < CALLERS; i++) {
		if (p->v[i].since != 0 && memcmp(p->v[i].caller, caller, 32) == 0)
			return &p->v[i];
		if (p->v[i].since < oldest->since)
			oldest = &p->v[i];
	}
	*oldest = (struct entry){ 0 };
	memcpy(oldest->caller, caller, 32);
	return oldest;
}

static bool
take(struct entry *x, when_t now, int64_t per_minute, uint64_t *ret_dropped)
{
	*ret_dropped = 0;
	if (x->since == 0 || now - x->since >= MINUTE || now < x->since) {
		x->since = now;
		x->written = 0;
	}
	if (x->written >= per_minute) {
		x->dropped++;
		return false;
	}
	x->written++;
	*ret_dropped = x->dropped;
	x->dropped = 0;
	return true;
}

bool
pace_take(
    struct pace *p, const uint8_t caller[32], when_t now, int64_t per_minute, uint64_t *ret_dropped)
{
	bool yes;

	pthread_mutex_lock(&p->lock);
	yes = take(entry_of(p, caller), now, per_minute, ret_dropped);
	pthread_mutex_unlock(&p->lock);
	return yes;
}
