/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/known.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 1024 };

struct slot {
	uint8_t sha256[32];
	when_t from, until; /* both 0: empty */
};

struct known {
	pthread_mutex_t lock;
	struct slot v[SLOTS];
};

struct known *
known_new(void)
{
	struct known *k = calloc(1, sizeof(*k));

	if (k == NULL)
		abort();
	pthread_mutex_init(&k->lock, NULL);
	return k;
}

void
known_free(struct known *k)
{
	if (k == NULL)
		return;
	pthread_mutex_destroy(&k->lock);
	free(k);
}

static struct slot *
slot_of(struct known *k, const uint8_t sha256[32])
{
	return &k->v[((size_t)sha256[0] << 8 | sha256[1]) % SLOTS];
}

bool
known_is(struct known *k, const uint8_t sha256[32], when_t now)
{
	const struct slot *s;
	bool found;

	pthread_mutex_lock(&k->lock);
	s = slot_of(k, sha256);
	found = s->from <= now && now < s->until && memcmp(s->sha256, sha256, 32) == 0;
	pthread_mutex_unlock(&k->lock);
	return found;
}

void
known_put(struct known *k, const uint8_t sha256[32], when_t from, when_t until)
{
	struct slot *s;

	pthread_mutex_lock(&k->lock);
	s = slot_of(k, sha256);
	memcpy(s->sha256, sha256, 32);
	s->from = from;
	s->until = until;
	pthread_mutex_unlock(&k->lock);
}
