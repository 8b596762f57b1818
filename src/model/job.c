/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs of connectors: see job.h. */
#include "model/job.h"
#include "model/desired.h"
#include "model/inventory.h"
#include "model/job_int.h"
#include "model/request.h"
#include "pki/seal.h"

/* An order outlives its lease by so many seconds, for clocks that differ and CAs that are slow. */
enum { ORDER_GRACE = 300, SWEEP_BATCH = 100, SWEEP_WINDOW = 2, LOST_BATCH = 1000 };

/* One lease may come upon many that nobody wants any more; it does not clean up a whole queue. */
enum { LEASE_ROUNDS = 4 };

struct leased {
	struct slot slot;
	struct request request;
};

struct leasing {
	struct arena *a;
	const struct connector *connector;
	const struct job_asking *ask;
	const char *owner;
	when_t now, until;
	struct job *jobs;
	size_t n;
	struct leased *rows; /* of this round; then those that no job was made of */
	size_t nrows;
	int round;
	bool empty; /* the queue */
};

static void
order_base(const struct leasing *l, const struct slot *s, const struct request *r, struct order *o)
{
	*o = (struct order){
		.slot = s->id,
		.device = s->device,
		.user = s->user,
		.profile = s->profile,
		.fence = r->fence,
		.issued = l->now,
		.expires = l->until + ORDER_GRACE,
		.ca = r->ca,
		.template = "",
		.sid = "",
		.holder = l->connector->holder,
		.keep = "",
	};
}

/* Where the CA lives; a profile that is gone leaves it to the connector to know. */
static err_t
ca_host_of(struct tx *tx, struct arena *a, const struct slot *s, const char **ret)
{
	const struct desired *hit = NULL;
	struct desired *v;
	struct device d;
	size_t n;

	TRY(store_device_get(tx, a, s->device, &d));
	TRY(desired_of_profile(tx, a, &d, s->profile, &v, &n));
	for (size_t i = 0; i < n; i++)
		if (id_eq(v[i].profile.id, s->profile) && v[i].fault == NULL)
			hit = &v[i];
	*ret = hit == NULL || hit->what.ca_host == NULL ? "" : hit->what.ca_host;
	return OK;
}

static err_t
job_revoke(struct tx *tx, struct leasing *l, const struct slot *s, const struct request *r)
{
	struct job j = {
		.request = r->id, .fence = r->fence, .kind = r->kind, .lease_until = l->until
	};

	order_base(l, s, r, &j.order);
	j.order.kind = ORDER_REVOKE;
	j.order.id = r->about;
	j.order.keep = r->keep == NULL ? "" : r->keep;
	j.serial = r->serial;
	j.ca_request = r->ca_request;
	TRY(ca_host_of(tx, l->a, s, &j.ca_host));
	l->jobs[l->n++] = j;
	return OK;
}

static void
take_content(struct arena *a, struct job *j, const struct slot *s, const struct desired *d,
    const struct device *device)
{
	j->device_cert = device->identity;
	j->packing = packing_of(device);
	j->device = *device;
	j->profile = d->profile;
	j->what = d->what;
	j->alias = inventory_alias(a, s->profile, s->item);
}

static err_t
job_issue(struct leasing *l, const struct slot *s, const struct request *r, const struct desired *d,
    const struct device *device)
{
	struct job j = {
		.request = r->id, .fence = r->fence, .kind = r->kind, .lease_until = l->until
	};
	struct order *o = &j.order;

	order_base(l, s, r, o);
	o->kind = ORDER_ISSUE;
	o->id = r->id;
	o->profile_version = d->profile.version;
	o->ca = d->what.ca;
	o->template = d->what.template;
	o->subject = d->what.subject;
	o->san = d->what.san;
	o->sid = d->what.sid;
	o->ekus = d->what.ekus;
	o->nekus = d->what.nekus;
	o->validity_days = d->what.validity_days > 0 ? (uint32_t)d->what.validity_days : 0;
	o->key_usage = d->what.key_usage;
	o->maker = l->connector->maker;
	if (o->maker.n > 0)
		o->recipient = device->identity_sha256;
	if (r->kind == REQUEST_ENROL) {
		/* None of the devices is known to the CA: they show the challenge that whoever seals this binds it to. */
		o->holder = o->maker = o->recipient = STR_EMPTY;
		o->expires = l->now + REQUEST_CHALLENGE_LIFE;
		o->key_bits = d->what.key_alg == KEY_RSA ? (uint16_t)d->what.key_bits : 0;
	}
	j.ca_host = d->what.ca_host;
	j.key_alg = d->what.key_alg;
	j.key_bits = d->what.key_bits;
	take_content(l->a, &j, s, d, device);
	l->jobs[l->n++] = j;
	return OK;
}

static bool
opens(const struct connector *c, const struct pfx_copy *copy)
{
	return c->import_keys != NULL && request_list_has(c->import_keys, copy->key);
}

/* What connector/keys opens, and for whom. To one that named no key of its own nothing can be ordered; it says so. */
static err_t
order_import(struct leasing *l, struct job *j, const struct device *device)
{
	struct order *o = &j->order;
	uint8_t *content = arena_alloc(l->a, 32);
	struct str thumbprint;

	TRY(text_unhex(l->a, str_c(j->pfx.thumbprint), &thumbprint));
	TRY(seal_import(&(struct seal_import){ j->copy.key, (uint8_t)j->copy.padding,
			    j->copy.password, j->pfx.blob, thumbprint },
	    content));
	o->kind = ORDER_IMPORT;
	o->id = j->request;
	o->profile_version = j->profile.version;
	o->maker = l->connector->maker;
	o->recipient = device->identity_sha256;
	o->content = str_of(content, 32);
	return OK;
}

static err_t
job_import(struct tx *tx, struct leasing *l, const struct slot *s, const struct request *r,
    const struct desired *d, const struct device *device)
{
	struct job j = {
		.request = r->id, .fence = r->fence, .kind = r->kind, .lease_until = l->until
	};
	struct pfx_copy *v;
	size_t n;

	order_base(l, s, r, &j.order);
	take_content(l->a, &j, s, d, device);
	TRY(store_pfx_get(tx, l->a, d->what.pfx[0].id, &j.pfx));
	TRY(store_pfx_copies(tx, l->a, d->what.pfx[0].id, &v, &n));
	for (size_t i = 0; i < n; i++)
		if (opens(l->connector, &v[i]))
			j.copy = v[i];
	TRY(order_import(l, &j, device));
	l->jobs[l->n++] = j;
	return OK;
}

/* What the slot should have as things are at this moment; *ret NULL: nothing any more. */
static err_t
desired_of(struct tx *tx, struct arena *a, const struct slot *s, struct device *device,
    const struct desired **ret)
{
	struct desired *v;
	size_t n;

	TRY(store_device_get(tx, a, s->device, device));
	TRY(desired_of_profile(tx, a, device, s->profile, &v, &n));
	*ret = NULL;
	for (size_t i = 0; i < n; i++)
		if (id_eq(v[i].profile.id, s->profile) && id_eq(v[i].user, s->user) &&
		    id_eq(v[i].item, s->item))
			*ret = &v[i];
	return OK;
}

/* The request was made from directory and profile as they were; the order states them as they
 * are. *ret_d: what the slot should have, if that is something else than what was asked for. */
static err_t
job_make(struct tx *tx, struct leasing *l, const struct slot *s, const struct request *r,
    const struct desired **ret_d, bool *ret_made)
{
	const struct desired *d = NULL;
	struct device device;

	*ret_made = true;
	if (r->kind == REQUEST_REVOKE)
		return job_revoke(tx, l, s, r);
	TRY(desired_of(tx, l->a, s, &device, &d));
	*ret_d = d;
	if (d != NULL && d->fault == NULL && str_eq(d->what.hash, r->hash))
		return r->kind == REQUEST_IMPORT ? job_import(tx, l, s, r, d, &device) :
						   job_issue(l, s, r, d, &device);
	*ret_made = false;
	return OK;
}

static err_t
job_take(struct tx *tx, struct leasing *l, struct slot *s, struct request *r)
{
	const struct desired *d;
	bool made;

	TRY(job_make(tx, l, s, r, &d, &made));
	if (made)
		return OK;
	TRY(request_unlease(tx, r));
	if (d == NULL)
		return request_withdraw(tx, l->a, s, r, "no longer wanted");
	if (d->fault != NULL)
		return request_reject(
		    tx, l->a, s, r, "service", (struct why){ d->fault, d->detail });
	/* The device is told by its next check-in; what was asked for is not issued any more. */
	TRY(request_withdraw(tx, l->a, s, r, "the content changed"));
	tx_notify(tx, TOPIC_DEVICE, id_str(&s->device));
	return OK;
}

static bool
is_held(const struct job_asking *ask, struct id request)
{
	for (size_t i = 0; i < ask->nholds; i++)
		if (id_eq(ask->holds[i], request))
			return true;
	return false;
}

/* Back to the queue, but for what is in hand (ask NULL: nothing is). */
static err_t
free_leases(
    struct tx *tx, struct arena *a, struct request *v, size_t n, const struct job_asking *ask)
{
	struct slot s;

	for (size_t i = 0; i < n; i++) {
		if (ask != NULL && is_held(ask, v[i].id))
			continue;
		TRY(store_slot_get(tx, a, v[i].slot, &s));
		TRY(request_expire(tx, a, &s, &v[i]));
	}
	return OK;
}

/* Leases that got lost on the way to who asks. */
static err_t
free_lost(struct tx *tx, struct leasing *l)
{
	const struct job_asking *ask = l->ask;
	struct request *v;
	size_t n;

	if (ask->alone)
		TRY(store_requests_leased_to(
		    tx, l->a, id_text(l->a, l->connector->id), LOST_BATCH, &v, &n));
	else
		TRY(store_requests_leased_by(tx, l->a, l->owner, LOST_BATCH, &v, &n));
	return free_leases(tx, l->a, v, n, ask);
}

err_t
job_release(struct tx *tx, struct arena *a, struct id connector)
{
	struct request *v;
	size_t n;

	TRY(store_requests_leased_to(tx, a, id_text(a, connector), LOST_BATCH, &v, &n));
	return free_leases(tx, a, v, n, NULL);
}

/* The rows alone. */
static err_t
lease(struct tx *tx, void *arg)
{
	struct leasing *l = arg;
	size_t room = l->ask->max - l->n;
	struct leased *row;
	err_t e;

	if (l->round == 0 && !l->ask->again && l->ask->worker != NULL)
		TRY(free_lost(tx, l));
	for (l->nrows = 0; l->nrows < room; l->nrows++) {
		row = &l->rows[l->nrows];
		e = request_lease(
		    tx, l->a, l->connector, l->owner, l->now, l->until, &row->slot, &row->request);
		l->empty = err_is(e, ERR_NOT_FOUND);
		if (l->empty) {
			err_forget(e);
			return OK;
		}
		TRY(e);
	}
	return OK;
}

/* Jobs of the rows, as things are now; others write meanwhile. Rows that none can be made of remain. */
static err_t
make(struct tx *tx, void *arg)
{
	struct leasing *l = arg;
	const struct desired *d;
	size_t left = 0;
	bool made;

	for (size_t i = 0; i < l->nrows; i++) {
		TRY(job_make(tx, l, &l->rows[i].slot, &l->rows[i].request, &d, &made));
		if (!made)
			l->rows[left++] = l->rows[i];
	}
	l->nrows = left;
	return OK;
}

/* What remained is looked at once more by a writer: it ends requests, so it must know. */
static err_t
settle(struct tx *tx, void *arg)
{
	struct leasing *l = arg;

	for (size_t i = 0; i < l->nrows; i++) {
		struct request r;
		struct slot s;

		TRY(store_request_get(tx, l->a, l->rows[i].request.id, &r));
		if (r.state != REQUEST_LEASED || r.fence != l->rows[i].request.fence)
			continue;
		TRY(store_slot_get(tx, l->a, r.slot, &s));
		TRY(job_take(tx, l, &s, &r));
	}
	if (l->round + 1 == LEASE_ROUNDS && !l->empty && l->n < l->ask->max)
		tx_notify(tx, TOPIC_QUEUE, STR_EMPTY);
	return OK;
}

err_t
job_lease(struct store *s, struct arena *a, const struct connector *c, const struct job_asking *ask,
    int lease_s, struct job **ret, size_t *retn)
{
	const char *id = id_text(a, c->id);
	struct leasing l = {
		.a = a,
		.connector = c,
		.ask = ask,
		.owner = ask->worker == NULL ? id : arena_printf(a, "%s/%s", id, ask->worker),
		.now = when_now(),
		.until = when_now() + lease_s,
		.jobs = arena_array(a, ask->max + 1, sizeof(struct job)),
		.rows = arena_array(a, ask->max + 1, sizeof(struct leased)),
	};

	if (c->holder.n == 0)
		FAIL(ERR_CONNECTOR_HOLDER, "connector %s", c->name);
	do {
		TRY(store_write(s, lease, &l));
		if (l.nrows > 0)
			TRY(store_read(s, make, &l));
		if (l.nrows > 0)
			TRY(store_write(s, settle, &l));
	} while (++l.round < LEASE_ROUNDS && !l.empty && l.n < ask->max);
	*ret = l.jobs;
	*retn = l.n;
	return OK;
}

struct sweep {
	struct arena *a;
	when_t now, due;
};

static err_t
look(struct tx *tx, void *arg)
{
	struct sweep *w = arg;

	/* Retries that came due since the last look or the one before; a look more wakes
	 * somebody in vain, no more. */
	return store_request_next_due(tx, w->now - SWEEP_WINDOW, &w->due);
}

static err_t
sweep(struct tx *tx, void *arg)
{
	struct sweep *w = arg;
	struct request *v;
	struct slot s;
	size_t n;

	TRY(store_request_overdue(tx, w->a, w->now, SWEEP_BATCH, &v, &n));
	for (size_t i = 0; i < n; i++) {
		TRY(store_slot_get(tx, w->a, v[i].slot, &s));
		TRY(request_expire(tx, w->a, &s, &v[i]));
	}
	tx_notify(tx, TOPIC_QUEUE, STR_EMPTY);
	return OK;
}

err_t
job_sweep(struct store *s)
{
	auto_arena struct arena *a = arena_new();
	struct sweep w = { .a = a, .now = when_now() };

	TRY(store_read(s, look, &w));
	if (w.due == 0 || w.due > w.now)
		return OK;
	return store_write(s, sweep, &w);
}

err_t
job_wanted(struct tx *tx, struct arena *a, const struct slot *s, struct device *device,
    const struct desired **ret)
{
	return desired_of(tx, a, s, device, ret);
}

err_t
job_order_of(struct arena *a, const struct connector *c, const struct slot *s,
    const struct request *r, const struct desired *d, const struct device *device,
    struct order *ret)
{
	struct job job;
	struct leasing l = { .a = a, .connector = c, .now = when_now(), .jobs = &job };

	TRY(job_issue(&l, s, r, d, device));
	*ret = job.order;
	return OK;
}
