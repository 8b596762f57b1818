/* SPDX-License-Identifier: Apache-2.0 */
/* What a change takes, slot by slot: see rollout.h. */
#include "model/desired.h"
#include "model/rollout_turn.h"

enum { PAGE = 100 };

struct counting {
	struct rollout *r;
	struct profile now;
	struct assignment *targets;
	size_t ntargets;
	struct page page;
	bool more;
	size_t seen;
};

/* As they are by now, which is after the change. */
static err_t
fetch(struct tx *tx, struct arena *a, struct counting *c)
{
	TRY(store_profile_get(tx, a, c->r->profile, &c->now));
	return store_assignments(tx, a, c->r->profile, &c->targets, &c->ntargets);
}

/* Slots of devices and people that are leaving anyway are none that the change takes. */
static err_t
slot_count(struct tx *tx, struct counting *c, const struct slot *s)
{
	auto_arena struct arena *a = arena_new();
	struct desired want = { 0 };
	struct device d;
	bool wanted;

	TRY(store_device_get(tx, a, s->device, &d));
	if (d.state != DEVICE_ACTIVE)
		return OK;
	TRY(desired_draft(tx, a, &d, &c->now, c->targets, c->ntargets, &wanted, &want));
	c->r->planned += !wanted;
	return OK;
}

static err_t
page_count(struct tx *tx, void *arg)
{
	auto_arena struct arena *a = arena_new();
	struct counting *c = arg;
	struct slot *v;
	size_t n;

	TRY(fetch(tx, a, c));
	TRY(store_slot_list(tx, a, c->r->profile, (struct id){ { 0 } }, c->page, &v, &n, &c->more));
	for (size_t i = 0; i < n; i++)
		if (v[i].wanted)
			TRY(slot_count(tx, c, &v[i]));
	if (n > 0)
		c->page.after = v[n - 1].id;
	c->seen += n;
	return OK;
}

err_t
rollout_count(struct store *s, struct rollout *r, size_t max)
{
	struct counting c = { .r = r, .page = { .limit = PAGE, .after = r->cursor }, .more = true };

	if (id_is_zero(r->cursor))
		r->planned = 0;
	while (c.more && c.seen < max) {
		TRY(store_read(s, page_count, &c));
		r->cursor = c.page.after;
	}
	if (c.more)
		return OK;
	r->counted = true;
	if (rollout_regroups(r->change))
		r->total = r->planned;
	r->allowed = rollout_allowance(r->planned, r->total);
	return OK;
}
