/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/crl.h"

#include "base/secret.h"
#include "ca/crl_plan.h"
#include "ca/crl_shard.h"
#include "ca/state.h"
#include "pki/crl.h"

/* A revocation has its time before it is committed: a delta goes back that much further than its base. */
enum { COMMIT_MARGIN = 600 };

/* What is out of date carries a random mark, so that a revocation while a CRL is being made is not forgotten. */
static char *
mark_name(struct arena *a, const char *ca, uint32_t shard)
{
	if (shard == 0)
		return arena_printf(a, "crl.mark.%s", ca);
	return arena_printf(a, "crl.mark.%s~%u", ca, shard);
}

/* What the newest list of a key has of it. Names of CAs have dots and digits: the slash keeps them apart. */
static char *
seen_name(struct arena *a, const struct crl_which *w)
{
	return arena_printf(a, "crl.seen.%s~%u/%u", w->ca->name, w->shard, w->ca->key_index);
}

/* The lists of all keys are out of date: each names every revoked certificate of the CA. */
err_t
crl_mark(struct tx *tx, const char *ca, uint32_t shard)
{
	auto_arena struct arena *a = arena_new();
	uint8_t mark[8];

	rand_bytes(mark, sizeof(mark));
	if (shard != 0)
		TRY(store_ca_setting_put(tx, mark_name(a, ca, shard), STR(mark)));
	return store_ca_setting_put(tx, mark_name(a, ca, 0), STR(mark));
}

err_t
crl_release(struct tx *tx, const char *ca, uint32_t shard, const char *serial)
{
	TRY(store_crl_release(tx, ca, serial, when_now()));
	return crl_mark(tx, ca, shard);
}

const char *
crl_delta_url(struct arena *a, const char *url)
{
	size_t n = strlen(url);

	if (n < 4 || !str_eq_c(str_c(url + n - 4), ".crl"))
		return arena_printf(a, "%s+", url);
	return arena_printf(a, "%.*s+.crl", (int)(n - 4), url);
}

struct job {
	struct arena *a;
	const struct crl_which *which; /* its delta is not looked at: both are made together */
	const struct ca *ca;
	when_t now;
	bool force;
	/* what there is */
	struct crl_settings settings;
	struct crl_plan_row plan;
	struct crl_row base, delta; /* number 0: none */
	struct str mark, seen;      /* of the newest revocation, and of the newest list */
	uint64_t newest;
	/* what is to be made */
	bool make_base, make_delta, scheduled;
	uint64_t number;
	struct crl_item *items, *changes;
	size_t nitems, nchanges;
};

static err_t
read_mark(struct tx *tx, struct arena *a, const char *name, struct str *ret)
{
	struct str v = STR_EMPTY;
	err_t e = store_ca_setting_get(tx, a, name, &v);

	if (!err_ok(e) && !err_is(e, ERR_NOT_FOUND))
		return e;
	err_forget(e);
	*ret = v;
	return OK;
}

/* The record of a list, to be looked up or filled in. */
static struct crl_row
row_of(const struct crl_which *w, bool delta)
{
	return (struct crl_row){
		.ca = w->ca->name, .key_index = w->ca->key_index, .shard = w->shard, .delta = delta
	};
}

static err_t
read_head(struct tx *tx, struct job *j, bool delta, struct crl_row *ret)
{
	struct crl_row w = row_of(j->which, delta);
	err_t e = store_crl_head(tx, j->a, &w, ret);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		*ret = (struct crl_row){ .ca = j->ca->name };
		return OK;
	}
	return e;
}

/* A delta that no other will follow has no next publication. */
static bool
deltas_end(const struct job *j)
{
	return j->settings.delta_period == 0 && j->delta.number != 0 && j->delta.next_publish != 0;
}

static void
decide(struct job *j)
{
	bool ended = cert_not_after(j->ca->cert) <= j->now;
	bool stale = j->mark.n > 0 && !str_eq(j->mark, j->seen);
	bool first = j->base.number == 0;

	j->scheduled = j->force || first || j->now >= j->base.next_publish;
	j->make_base = !ended && (j->scheduled || stale);
	if (j->settings.delta_period != 0)
		j->make_delta = !ended &&
		    (j->make_base || j->delta.number == 0 || j->now >= j->delta.next_publish);
	else
		j->make_delta = j->make_base && deltas_end(j);
}

static err_t
state_tx(struct tx *tx, void *arg)
{
	struct job *j = arg;
	struct ca_row row;

	TRY(crl_shard_check(tx, j->which->shard));
	TRY(crl_settings_get(tx, &j->settings));
	if (j->which->shard != 0)
		j->settings.delta_period = 0;
	TRY(store_crl_plan_get(tx, j->a, j->ca->name, j->ca->key_index, j->which->shard, &j->plan));
	TRY(read_head(tx, j, false, &j->base));
	TRY(read_head(tx, j, true, &j->delta));
	TRY(read_mark(tx, j->a, mark_name(j->a, j->ca->name, j->which->shard), &j->mark));
	TRY(read_mark(tx, j->a, seen_name(j->a, j->which), &j->seen));
	TRY(store_ca_get(tx, j->a, j->ca->name, &row));
	j->newest = row.crl_number;
	decide(j);
	return OK;
}

/* The plan as it is once what is being made is published. */
static struct crl_plan_row
plan_after(const struct job *j, when_t base_until)
{
	struct crl_plan_row p = j->plan;

	if (!j->make_base || !j->scheduled)
		return p;
	p.older_number = p.base_number;
	p.older_made = p.base_made;
	p.older_until = p.base_until;
	p.base_number = j->number;
	p.base_made = j->now;
	p.base_until = base_until;
	return p;
}

/* Which base a delta changes, and since when. */
static void
delta_base(
    const struct job *j, const struct crl_plan_row *p, uint64_t *ret_number, when_t *ret_from)
{
	bool older = p->older_number != 0 && p->older_until > j->now && !deltas_end(j);

	*ret_number = older ? p->older_number : p->base_number;
	*ret_from = (older ? p->older_made : p->base_made) - COMMIT_MARGIN;
}

static struct crl_times
base_times(const struct job *j)
{
	struct crl_times t = crl_times(
	    &j->settings, false, j->now, cert_not_before(j->ca->cert), cert_not_after(j->ca->cert));

	if (!j->scheduled) {
		t.next_publish = j->base.next_publish;
		t.next_update = j->base.next_update;
	}
	return t;
}

static err_t
read_items(struct tx *tx, struct job *j)
{
	when_t from = j->scheduled ? j->plan.base_made : j->plan.older_made;

	if (j->which->shard == 0)
		return store_crl_items(tx, j->a, j->ca->name, from, &j->items, &j->nitems);
	return store_crl_shard_items(
	    tx, j->a, j->ca->name, j->which->shard, from, &j->items, &j->nitems);
}

static err_t
data_tx(struct tx *tx, void *arg)
{
	struct job *j = arg;
	struct crl_plan_row after;
	uint64_t number;
	when_t from;

	TRY(state_tx(tx, j));
	j->number = j->newest + 1;
	after = plan_after(j, 0);
	delta_base(j, &after, &number, &from);
	if (j->make_base)
		TRY(read_items(tx, j));
	if (j->make_delta)
		TRY(store_crl_changes(tx, j->a, j->ca->name, from, &j->changes, &j->nchanges));
	return OK;
}

static struct crl_entry *
entries(struct arena *a, const struct crl_item *v, size_t n)
{
	struct crl_entry *e = arena_array(a, n + 1, sizeof(*e));

	for (size_t i = 0; i < n; i++)
		e[i] = (struct crl_entry){ v[i].serial, v[i].when, v[i].reason };
	return e;
}

static struct crl_spec
spec(const struct job *j, const struct crl_times *t)
{
	return (struct crl_spec){ .issuer = j->ca->cert,
		.signer = j->ca->key,
		.ca_version = (uint32_t)j->ca->key_index << 16 | j->ca->cert_index,
		.number = j->number,
		.this_update = t->this_update,
		.next_update = t->next_update,
		.next_publish = t->next_publish };
}

static struct crl_row
row(const struct job *j, bool delta, const struct crl_times *t, struct str der)
{
	struct crl_row r = row_of(j->which, delta);

	r.number = j->number;
	r.this_update = t->this_update;
	r.next_update = t->next_update;
	r.next_publish = t->next_publish;
	r.der = der;
	return r;
}

static err_t
make_base(struct job *j)
{
	struct crl_times t = base_times(j);
	struct crl_spec s = spec(j, &t);
	struct str der;

	s.own_url = crl_shard_url(j->a, j->ca->crl_url, j->which->shard);
	s.point = j->which->shard != 0 ? s.own_url : NULL;
	s.fresh_url = j->settings.delta_period != 0 ? crl_delta_url(j->a, j->ca->crl_url) : NULL;
	s.v = entries(j->a, j->items, j->nitems);
	s.n = j->nitems;
	TRY(crl_make(j->a, &s, &der));
	j->base = row(j, false, &t, der);
	return OK;
}

static err_t
make_delta(struct job *j, const struct crl_plan_row *after)
{
	struct crl_times t = crl_times(
	    &j->settings, true, j->now, cert_not_before(j->ca->cert), cert_not_after(j->ca->cert));
	struct crl_spec s;
	struct str der;
	when_t from;

	if (deltas_end(j)) { /* good for as long as the one before it */
		t.next_publish = 0;
		t.next_update = j->delta.next_update;
	}
	s = spec(j, &t);
	s.delta = true;
	s.own_url = crl_delta_url(j->a, j->ca->crl_url);
	delta_base(j, after, &s.base, &from);
	s.v = entries(j->a, j->changes, j->nchanges);
	s.n = j->nchanges;
	TRY(crl_make(j->a, &s, &der));
	j->delta = row(j, true, &t, der);
	return OK;
}

static err_t
save_tx(struct tx *tx, void *arg)
{
	struct job *j = arg;
	struct crl_plan_row after = plan_after(j, j->base.next_update);
	uint64_t number;

	TRY(store_crl_number_take(tx, j->ca->name, &number));
	if (number != j->number)
		FAIL(ERR_BUSY, "a CRL of %s was made meanwhile", j->ca->name);
	if (j->make_base)
		TRY(store_crl_put(tx, &j->base));
	if (j->make_delta)
		TRY(store_crl_put(tx, &j->delta));
	TRY(store_crl_plan_put(tx, &after));
	if (j->make_base) {
		TRY(store_ca_setting_put(tx, seen_name(j->a, j->which), j->mark));
	}
	if (j->make_base && j->which->shard == 0) {
		TRY(store_crl_release_sweep(tx, j->ca->name,
		    (after.older_made != 0 ? after.older_made : after.base_made) - COMMIT_MARGIN));
	}
	return store_journal_add(tx, "issuer", "crl",
	    arena_printf(j->a,
		"ca=%s key=%u shard=%u number=%llu base=%s entries=%zu delta=%s changes=%zu",
		j->ca->name, j->ca->key_index, j->which->shard, (unsigned long long)j->number,
		j->make_base ? "yes" : "no", j->nitems, j->make_delta ? "yes" : "no", j->nchanges));
}

static err_t
make_due(struct issuer *is, struct job *j)
{
	struct crl_plan_row after;

	TRY(store_read(is->store, state_tx, j));
	if (!j->make_base && !j->make_delta)
		return OK;
	TRY(store_read(is->store, data_tx, j));
	if (!j->make_base && !j->make_delta)
		return OK;
	after = plan_after(j, 0);
	if (j->make_delta)
		TRY(make_delta(j, &after));
	if (j->make_base)
		TRY(make_base(j));
	return store_write(is->store, save_tx, j);
}

static err_t
publish(struct issuer *is, const struct crl_which *w, bool force)
{
	auto_arena struct arena *a = arena_new();
	struct job j = { .a = a, .which = w, .ca = w->ca, .now = when_now(), .force = force };
	err_t e;

	pthread_mutex_lock(&is->crl_lock);
	e = make_due(is, &j);
	pthread_mutex_unlock(&is->crl_lock);
	TRY_CTX(e, "CRL of %s", w->ca->name);
	return OK;
}

struct get {
	struct arena *a;
	const struct crl_which *which;
	bool whole;
	struct crl_row row;
};

static err_t
get_tx(struct tx *tx, void *arg)
{
	struct get *g = arg;
	struct crl_row w = row_of(g->which, g->which->delta);

	if (g->whole)
		return store_crl_get(tx, g->a, &w, &g->row);
	return store_crl_head(tx, g->a, &w, &g->row);
}

/* Made anew if due. When that fails, what is there goes on for as long as it is good; the tick tells of the failure. */
static err_t
get(struct issuer *is, struct get *g, struct crl_row *ret)
{
	struct err_report why = { .code = ERR_NONE };
	err_t e = publish(is, g->which, false);

	if (!err_ok(e))
		err_take(e, &why);
	e = store_read(is->store, get_tx, g);
	if (why.code != ERR_NONE && (!err_ok(e) || g->row.next_update <= when_now())) {
		err_forget(e);
		return err_raise(&why);
	}
	TRY(e);
	*ret = g->row;
	return OK;
}

err_t
crl_head(struct issuer *is, struct arena *a, const struct crl_which *w, struct crl_row *ret)
{
	struct get g = { .a = a, .which = w };

	return get(is, &g, ret);
}

err_t
crl_get(struct issuer *is, struct arena *a, const struct crl_which *w, struct crl_row *ret)
{
	struct get g = { .a = a, .which = w, .whole = true };

	return get(is, &g, ret);
}

struct due {
	struct arena *a;
	when_t now;
	struct crl_row *v;
	size_t n;
};

static err_t
due_tx(struct tx *tx, void *arg)
{
	struct due *d = arg;

	return store_crl_shards_due(tx, d->a, d->now, &d->v, &d->n);
}

/* The CA and key that a list is of; NULL: it has ended. */
static const struct ca *
ca_of(const struct hierarchy *h, const struct crl_row *r)
{
	for (size_t i = 0; i < h->n; i++) {
		if (h->v[i].key_index == r->key_index && str_ieq_c(str_c(h->v[i].name), r->ca))
			return &h->v[i];
	}
	return NULL;
}

static void
keep_first(err_t e, struct err_report *first)
{
	if (!err_ok(e) && first->code == ERR_NONE)
		err_take(e, first);
	else
		err_forget(e);
}

err_t
crl_all(struct issuer *is, bool force)
{
	const struct hierarchy *h = issuer_hierarchy(is);
	auto_arena struct arena *a = arena_new();
	struct due d = { .a = a, .now = force ? INT64_MAX : when_now() };
	struct err_report first = { .code = ERR_NONE };

	for (size_t i = 0; i < h->n; i++)
		keep_first(publish(is, &(struct crl_which){ .ca = &h->v[i] }, force), &first);
	keep_first(store_read(is->store, due_tx, &d), &first);
	for (size_t i = 0; i < d.n; i++) {
		struct crl_which w = { .ca = ca_of(h, &d.v[i]), .shard = d.v[i].shard };

		if (w.ca != NULL)
			keep_first(publish(is, &w, force), &first);
	}
	return first.code == ERR_NONE ? OK : err_raise(&first);
}
