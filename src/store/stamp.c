/* SPDX-License-Identifier: Apache-2.0 */
#include "store/stamp.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "store/row.h"

enum { COUNTERS = 65536 }; /* of devices: those of which the ids fall together share one */

struct stamps {
	_Atomic uint64_t all, one[COUNTERS];
};

struct stamps *
stamps_new(void)
{
	struct stamps *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	return s;
}

void
stamps_free(struct stamps *s)
{
	free(s);
}

static size_t
place_of(struct id device)
{
	return str_hash(id_str(&device)) % COUNTERS;
}

void
stamps_count(struct stamps *s, bool all, const struct about *about)
{
	if (all)
		atomic_fetch_add(&s->all, 1);
	for (; about != NULL; about = about->next)
		atomic_fetch_add(&s->one[place_of(about->device)], 1);
}

struct stamp
store_stamp(const struct store *s, struct id device)
{
	const struct stamps *v = store_stamps(s);

	return (struct stamp){ atomic_load(&v->all), atomic_load(&v->one[place_of(device)]) };
}

bool
store_stamp_holds(const struct store *s, struct id device, const struct stamp *stamp)
{
	struct stamp now = store_stamp(s, device);

	return now.all == stamp->all && now.one == stamp->one;
}

uint64_t
stamps_all(const struct stamps *s)
{
	return atomic_load(&s->all);
}

void
tx_about(struct tx *tx, struct id device)
{
	struct about *x;

	tx->nabout++;
	if (!tx->writes || (tx->about != NULL && id_eq(tx->about->device, device)))
		return;
	x = ARENA_NEW(tx->a, struct about);
	x->device = device;
	x->next = tx->about;
	tx->about = x;
}

void
tx_about_none(struct tx *tx)
{
	tx->nabout++;
}
