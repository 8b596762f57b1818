/* SPDX-License-Identifier: Apache-2.0 */
/* The pace and the brakes: see rollout.h. */
#include "base/log.h"
#include "model/rollout_turn.h"
#include "store/access.h"

enum { PAGE = 1000, COUNT_MAX = 2000, FAILURES_MIN = 3, SETTLED_PERCENT = 90 };
#define MINUTE_MS 60000
#define DAY_MS 86400000
#define TENTHS 10

struct counting {
	struct rollout r; /* as it was when the count began; counts are filled in */
	struct page page;
	bool more;
};

static void
count_slot(struct counting *c, const struct slot *s)
{
	struct rollout *r = &c->r;
	bool since = s->since >= r->created;

	if (!rollout_turn(r->id, r->change, r->share, s->device) || (!s->wanted && !since))
		return;
	r->released++;
	if (!s->wanted)
		r->withdrawn++;
	else if (rollout_regroups(r->change))
		return; /* what stays is none of its business */
	else if (s->fault != NULL && s->fault[0] != '\0' &&
	    strcmp(s->fault, err_info(ERR_ROOT_PENDING)->id) != 0)
		r->failed += since;
	else if (s->installed >= r->created && s->reached_hash.n > 0 &&
	    str_eq(s->reached_hash, s->wanted_hash))
		r->reached++;
}

static err_t
count_page(struct tx *tx, void *arg)
{
	auto_arena struct arena *a = arena_new();
	struct counting *c = arg;
	struct slot *v;
	size_t n;

	TRY(store_slot_list(tx, a, c->r.profile, (struct id){ { 0 } }, c->page, &v, &n, &c->more));
	for (size_t i = 0; i < n; i++)
		count_slot(c, &v[i]);
	if (n > 0)
		c->page.after = v[n - 1].id;
	return OK;
}

static void
stop(struct rollout *r, enum err_code why, const char *detail)
{
	r->state = ROLLOUT_STOPPED;
	r->fault = err_info(why)->id;
	r->detail = detail;
	r->since = when_now_ms();
	log_event(LOG_LEVEL_WARN, "roll-out stopped", "profile", r->name, "fault", r->fault,
	    "detail", detail, NULL);
}

/* What happened since the last resume, against what is allowed. */
static bool
brake(struct arena *a, struct rollout *r)
{
	int64_t failed = r->failed - r->forgiven;

	if (r->withdrawn > r->allowed) {
		stop(r, ERR_ROLLOUT_HARM,
		    arena_printf(a, "%lld slots were withdrawn, %lld were planned",
			(long long)r->withdrawn, (long long)r->planned));
		return true;
	}
	if (failed < FAILURES_MIN || failed * 100 <= (int64_t)r->limit * (failed + r->reached))
		return false;
	stop(r, ERR_ROLLOUT_FAILING,
	    arena_printf(a, "%lld failed and %lld got there; the limit is %u %%", (long long)failed,
		(long long)r->reached, r->limit));
	return true;
}

/* The share that the present step allows. */
static unsigned
cap_of(const struct rollout *r)
{
	return rollout_step(r) * (ROLLOUT_WHOLE / 100);
}

/* Of what it takes from somebody, the part that it has come to; with room for chance, as devices come in any order. */
static int64_t
expected(const struct rollout *r)
{
	int64_t e = (int64_t)((double)r->planned * r->share / ROLLOUT_WHOLE);

	return r->share == ROLLOUT_WHOLE ? r->planned : e - e / 4 - 3;
}

static bool
settled(const struct rollout *r)
{
	if (rollout_regroups(r->change))
		return r->withdrawn * 100 >= expected(r) * SETTLED_PERCENT;
	return (r->reached + r->failed + r->withdrawn) * 100 >= r->released * SETTLED_PERCENT;
}

/* By the time since the last time; what was left over counts next time. */
static void
advance(struct rollout *r)
{
	when_ms_t now = when_now_ms();
	when_ms_t past = now - r->ticked > MINUTE_MS ? MINUTE_MS : now - r->ticked;
	double add = r->total <= 0 ?
	    ROLLOUT_WHOLE :
	    (double)past * r->pace / 3600000.0 / (double)r->total * ROLLOUT_WHOLE;
	unsigned cap = cap_of(r), room = cap - r->share;

	if (room == 0 && cap < ROLLOUT_WHOLE && settled(r)) {
		r->passed++;
		room = cap_of(r) - r->share;
	}
	if (add < 1 && past < MINUTE_MS)
		return;
	r->ticked = now;
	r->share += add < room ? (unsigned)add : room;
}

/* Withdrawals of devices that are away are model/upkeep.h's, which has to look again as the turn comes to more of them. */
static err_t
look_again(struct tx *tx, const struct rollout *r, unsigned was)
{
	unsigned tenth = ROLLOUT_WHOLE / TENTHS;

	if (r->planned == 0 || (was / tenth == r->share / tenth))
		return OK;
	return store_rollout_look_again(tx);
}

static err_t
release(struct tx *tx, struct rollout *r)
{
	unsigned was = r->share;

	advance(r);
	if (r->share == ROLLOUT_WHOLE)
		r->since = when_now_ms();
	return look_again(tx, r, was);
}

/* All were released: it is over when they settled, or after a day. */
static err_t
end(struct tx *tx, struct arena *a, struct rollout *r)
{
	bool all = rollout_regroups(r->change) ?
	    r->withdrawn >= expected(r) :
	    r->reached + r->failed + r->withdrawn >= r->released;

	if (!all && when_now_ms() - r->since <= DAY_MS)
		return OK;
	r->state = ROLLOUT_DONE;
	r->since = when_now_ms();
	return store_audit_add(tx, "service", "rollout.done", id_text(a, r->id), "", "");
}

struct stepping {
	struct arena *a;
	const struct rollout *was, *counted;
	enum rollout_state state;
};

static err_t
step(struct tx *tx, void *arg)
{
	struct stepping *s = arg;
	const struct rollout *c = s->counted;
	struct rollout r;

	TRY(store_rollout_get(tx, s->a, c->id, &r));
	s->state = r.state;
	/* Another change joined it meanwhile: what was counted is not all. */
	if (r.state != ROLLOUT_RUNNING || r.created != s->was->created ||
	    !id_eq(r.cursor, s->was->cursor))
		return OK;
	r.counted = c->counted;
	r.cursor = c->cursor;
	r.total = c->total;
	r.planned = c->planned;
	r.allowed = c->allowed;
	r.released = c->released;
	r.reached = c->reached;
	r.failed = c->failed;
	r.withdrawn = c->withdrawn;
	if (!r.counted)
		r.ticked = when_now_ms();
	else if (r.share == ROLLOUT_WHOLE)
		TRY(end(tx, s->a, &r));
	else if (brake(s->a, &r))
		TRY(store_audit_add(tx, "service", "rollout.stop", id_text(s->a, r.id), "",
		    arena_printf(s->a, "{\"fault\":\"%s\"}", r.fault)));
	else
		TRY(release(tx, &r));
	s->state = r.state;
	return store_rollout_update(tx, &r);
}

static err_t
count(struct store *s, struct counting *c)
{
	c->page = (struct page){ .limit = PAGE };
	c->more = true;
	c->r.released = c->r.reached = c->r.failed = c->r.withdrawn = 0;
	while (c->more)
		TRY(store_read(s, count_page, c));
	return OK;
}

struct running {
	struct arena *a;
	struct rollout *v;
	size_t n;
};

static err_t
list(struct tx *tx, void *arg)
{
	struct running *r = arg;

	return store_rollout_all_open(tx, r->a, &r->v, &r->n);
}

err_t
rollout_run(struct store *s, struct rollout_counts *ret)
{
	auto_arena struct arena *a = arena_new();
	struct rollout_counts n = { 0 };
	struct running open = { .a = a };

	TRY(store_read(s, list, &open));
	for (size_t i = 0; i < open.n; i++) {
		struct counting c = { .r = open.v[i] };
		struct stepping st = {
			.a = a, .was = &open.v[i], .counted = &c.r, .state = c.r.state
		};

		if (c.r.state == ROLLOUT_RUNNING) {
			if (!c.r.counted)
				TRY(rollout_count(s, &c.r, COUNT_MAX));
			if (c.r.counted)
				TRY(count(s, &c));
			TRY(store_write(s, step, &st));
		}
		n.running += st.state == ROLLOUT_RUNNING;
		n.paused += st.state == ROLLOUT_PAUSED;
		n.stopped += st.state == ROLLOUT_STOPPED;
	}
	*ret = n;
	return OK;
}
