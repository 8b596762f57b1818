/* SPDX-License-Identifier: Apache-2.0 */
/* Desired against reached: see diff.h. */
#include "model/diff.h"
#include "model/request.h"
#include "model/status.h"

/* So often in so many milliseconds, and it is not issued again for now. */
enum { LOST_OFTEN = 6, LOST_LATELY_MS = 86400 * 1000 };

struct diff {
	struct tx *tx;
	struct arena *a;
	const struct device *device;
	const struct desired *desired;
	size_t ndesired;
	const struct holdings *has;
	struct diff_slot *v;
	size_t n;
	bool dirty;   /* the slot at hand has changes that no arrow wrote */
	bool leaving; /* no new slots */
};

when_t
diff_renewal_due(const struct slot *s, int renewal_percent)
{
	when_t life = s->not_after - s->not_before;
	when_t before = life / 100 * (100 - renewal_percent);
	when_t spread = before / 20 * (when_t)(str_hash(id_str(&s->id)) % 1000) / 1000;
	when_t due = s->not_before + before - spread;
	/* A certificate that was due as it came would be renewed without end. */
	when_t earliest = s->installed / 1000 + (s->not_after - s->installed / 1000) / 20;

	return due > earliest ? due : earliest;
}

static const char *
nonnull(const char *s)
{
	return s == NULL ? "" : s;
}

static void
set_fault(struct diff *d, struct slot *s, const char *fault, const char *detail)
{
	if (strcmp(nonnull(s->fault), nonnull(fault)) == 0 &&
	    strcmp(nonnull(s->detail), nonnull(detail)) == 0)
		return;
	s->fault = nonnull(fault);
	s->detail = nonnull(detail);
	s->since = when_now_ms();
	d->dirty = true;
}

static void
set_hash(struct diff *d, struct str *hash, struct str value)
{
	if (!str_eq(*hash, value)) {
		*hash = value;
		d->dirty = true;
	}
}

static err_t
save(struct diff *d, struct diff_slot *ds)
{
	if (!d->dirty)
		return OK;
	TRY(request_may_write(d->tx));
	d->dirty = false;
	return status_put(d->tx, &ds->slot, ds->has_request ? &ds->request : NULL);
}

static err_t
slot_new(struct diff *d, const struct desired *want, struct diff_slot *ret)
{
	when_ms_t enrolled = d->device->enrolled * 1000;
	struct slot s = {
		.id = id_new_ordered(),
		.device = d->device->id,
		.user = want->user,
		.profile = want->profile.id,
		.item = want->item,
		.kind = want->kind->name,
		.wanted = true,
		.since = when_now_ms(),
		.assigned = want->assigned > enrolled ? want->assigned : enrolled,
	};

	TRY(request_may_write(d->tx));
	TRY(status_insert(d->tx, &s));
	TRY(request_note(
	    d->tx, &s, (struct id){ 0 }, "service", "assigned", want->profile.display_name));
	*ret = (struct diff_slot){ .slot = s };
	return OK;
}

/* Slots of the device, and one for each desired that has none yet. */
static err_t
gather(struct diff *d)
{
	struct slot *slots;
	size_t n;

	TRY(store_slots_of_device(d->tx, d->a, d->device->id, &slots, &n));
	d->v = arena_array(d->a, n + d->ndesired + 1, sizeof(*d->v));
	for (size_t i = 0; i < n; i++)
		d->v[d->n++].slot = slots[i];
	for (size_t i = 0; i < d->ndesired; i++) {
		const struct desired *want = &d->desired[i];
		struct diff_slot *hit = NULL;

		for (size_t k = 0; k < n; k++)
			if (id_eq(d->v[k].slot.profile, want->profile.id) &&
			    id_eq(d->v[k].slot.user, want->user) &&
			    id_eq(d->v[k].slot.item, want->item))
				hit = &d->v[k];
		if (hit == NULL && d->leaving)
			continue;
		if (hit == NULL) {
			hit = &d->v[d->n++];
			TRY(slot_new(d, want, hit));
		}
		hit->desired = want;
	}
	for (size_t i = 0; i < d->n; i++) {
		struct diff_slot *ds = &d->v[i];

		ds->alias = inventory_alias(d->a, ds->slot.profile, ds->slot.item);
		TRY(request_of(d->tx, d->a, &ds->slot, &ds->has_request, &ds->request));
	}
	return OK;
}

/* The wanted slot of a profile on this device; NULL: none. */
static const struct diff_slot *
wanted_slot(const struct diff *d, struct id profile)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->v[i].desired != NULL && id_eq(d->v[i].slot.profile, profile))
			return &d->v[i];
	return NULL;
}

/* Whether another slot of the device is wanted that goes by the same name. */
static bool
is_replaced(const struct diff *d, const struct diff_slot *ds)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->v[i].desired != NULL && strcmp(d->v[i].alias, ds->alias) == 0)
			return true;
	return false;
}

/* Imported certificates are of use after their end, and nobody here can renew them. */
static bool
is_renewed(const struct diff_slot *ds)
{
	return ds->desired->what.kind == PRIM_DELIVER || ds->desired->what.kind == PRIM_ENROL;
}

static bool
is_identity(const struct diff_slot *ds)
{
	return ds->desired != NULL && kind_has_certificate(ds->desired->kind->name);
}

/* What was installed and is not there any more. */
static err_t
notice_loss(struct diff *d, struct diff_slot *ds)
{
	struct slot *s = &ds->slot;

	if (!d->has->known || s->reached_hash.n == 0 ||
	    inventory_shows(d->has, ds->alias, s->cert_sha256, kind_has_certificate(s->kind)))
		return OK;
	TRY(request_note(d->tx, s, s->request, "device", "lost", "the inventory does not show it"));
	set_hash(d, &s->reached_hash, STR_EMPTY);
	return OK;
}

/* An open or failed request that works for something else than what is wanted now. */
static err_t
drop_stale(struct diff *d, struct diff_slot *ds, const char *detail)
{
	if (!ds->has_request ||
	    !(request_is_open(&ds->request) || ds->request.state == REQUEST_FAILED))
		return OK;
	d->dirty = false; /* the arrow writes the slot */
	return request_withdraw(d->tx, d->a, &ds->slot, &ds->request, detail);
}

static bool
retry_due(const struct request *r, const struct desired *want)
{
	return r->state == REQUEST_FAILED &&
	    (when_now() >= r->not_before || want->changed / 1000 > r->updated / 1000);
}

/* Done, lost by the device, and what was sealed for it is still here. */
static bool
can_offer_again(const struct diff_slot *ds)
{
	const struct request *r = &ds->request;

	if (!ds->has_request || r->state != REQUEST_DONE || ds->slot.reached_hash.n > 0 ||
	    !str_eq(r->hash, ds->slot.wanted_hash))
		return false;
	if (request_is_plain(r->kind))
		return true;
	return r->sealed.n > 0 && (r->kind == REQUEST_IMPORT || ds->slot.not_after > when_now());
}

/* What was issued was installed, and is gone. Two machines that share an identity, one restored from a backup of the other
 * or copied from it, each lack what was issued for the other: without an end it would be issued again at each contact. */
static err_t
count_losses(struct diff *d, struct diff_slot *ds)
{
	const struct request *r = &ds->request;
	struct event *v;
	size_t n, lost = 0;

	if (!ds->has_request || r->state != REQUEST_DONE || ds->slot.reached_hash.n > 0 ||
	    !str_eq(r->hash, ds->slot.wanted_hash))
		return OK;
	TRY(store_event_list(d->tx, d->a, ds->slot.id, &v, &n));
	for (size_t i = 0; i < n; i++)
		lost +=
		    strcmp(v[i].event, "lost") == 0 && when_now_ms() - v[i].when < LOST_LATELY_MS;
	ds->losses = lost < LOST_OFTEN ? 0 : lost;
	return OK;
}

static err_t
fresh(struct diff *d, struct diff_slot *ds)
{
	if (can_offer_again(ds)) {
		d->dirty = false;
		return delivery_again(d->tx, d->a, &ds->slot, &ds->request);
	}
	TRY(count_losses(d, ds));
	if (ds->losses > 0)
		return OK;
	d->dirty = false;
	TRY(request_insert(d->tx, d->a, &ds->slot, &ds->desired->what, &ds->request));
	ds->has_request = true;
	return OK;
}

static err_t
work_for(struct diff *d, struct diff_slot *ds)
{
	struct request *r = &ds->request;
	bool live = ds->has_request && (request_is_open(r) || r->state == REQUEST_FAILED);

	if (live && !str_eq(r->hash, ds->slot.wanted_hash)) {
		TRY(drop_stale(d, ds, "the content changed"));
		live = false;
	}
	if (!live)
		return fresh(d, ds);
	if (!retry_due(r, ds->desired))
		return OK;
	d->dirty = false;
	return request_retry(d->tx, d->a, &ds->slot, r, &ds->desired->what);
}

/* The fault that keeps a desired item from being worked for; NULL: none. */
static const char *
obstacle(const struct diff *d, const struct diff_slot *ds, const char **ret_detail)
{
	const struct desired *want = ds->desired;

	*ret_detail = want->detail;
	if (want->fault != NULL)
		return want->fault;
	for (size_t i = 0; i < want->what.nneeds; i++)
		if (wanted_slot(d, want->what.needs[i]) == NULL) {
			*ret_detail = arena_printf(d->a,
			    "profile %s, which \"%s\" refers to, is not assigned to this device",
			    id_text(d->a, want->what.needs[i]), want->profile.display_name);
			return err_info(ERR_NEED_NOT_ASSIGNED)->id;
		}
	if (want->what.kind == PRIM_TRUST || id_is_zero(want->what.root) ||
	    wanted_slot(d, want->what.root) != NULL)
		return NULL;
	*ret_detail = arena_printf(d->a,
	    "the trusted-root profile %s of \"%s\" is not assigned to this device",
	    id_text(d->a, want->what.root), want->profile.display_name);
	return err_info(ERR_ROOT_NOT_ASSIGNED)->id;
}

/* The device has what is wanted. */
static bool
is_reached(const struct diff_slot *ds)
{
	return ds->slot.reached_hash.n > 0 && str_eq(ds->slot.reached_hash, ds->slot.wanted_hash);
}

static bool
root_is_missing(const struct diff *d, const struct diff_slot *ds)
{
	const struct diff_slot *root;

	if (ds->desired->what.kind == PRIM_TRUST || id_is_zero(ds->desired->what.root))
		return false;
	root = wanted_slot(d, ds->desired->what.root);
	return root == NULL || !is_reached(root);
}

/* Whether everything that a profile brings is on the device. */
static bool
profile_is_reached(const struct diff *d, struct id profile)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++) {
		if (d->v[i].desired == NULL || !id_eq(d->v[i].slot.profile, profile))
			continue;
		if (!is_reached(&d->v[i]))
			return false;
		n++;
	}
	return n > 0;
}

static bool
need_is_missing(const struct diff *d, const struct diff_slot *ds)
{
	const struct primitive *what = &ds->desired->what;

	for (size_t i = 0; i < what->nneeds; i++)
		if (!profile_is_reached(d, what->needs[i]))
			return true;
	return false;
}

/* What the slot says while nothing moves: why its request waits or failed, that its root is
 * missing, or nothing. */
static void
tell(struct diff *d, struct diff_slot *ds)
{
	const struct request *r = &ds->request;

	if (ds->losses > 0)
		set_fault(d, &ds->slot, err_info(ERR_DEVICE_ELSEWHERE)->id,
		    arena_printf(d->a,
			"its inventory lacked the certificate %zu times within a day, each time "
			"after it had shown it: two machines seem to have one identity; it is not "
			"issued again today",
			ds->losses));
	else if (ds->has_request && r->state == REQUEST_READY && ds->root_missing)
		set_fault(d, &ds->slot, err_info(ERR_ROOT_PENDING)->id, "");
	else if (ds->has_request && r->state == REQUEST_READY && ds->need_missing)
		set_fault(d, &ds->slot, err_info(ERR_NEED_PENDING)->id, "");
	else if (ds->has_request && (request_is_open(r) || r->state == REQUEST_FAILED))
		set_fault(d, &ds->slot, r->fault, r->detail);
	else
		set_fault(d, &ds->slot, "", "");
}

static err_t
wanted(struct diff *d, struct diff_slot *ds)
{
	const struct desired *want = ds->desired;
	struct slot *s = &ds->slot;
	const char *fault, *detail;
	bool reached;

	if (!s->wanted) {
		TRY(request_note(
		    d->tx, s, (struct id){ 0 }, "service", "assigned", want->profile.display_name));
		s->wanted = true;
		s->assigned = want->assigned;
		/* Its certificate was revoked when it was unassigned, whether the device removed
		 * it or not. */
		if (is_identity(ds))
			s->reached_hash = STR_EMPTY;
		s->since = when_now_ms();
		d->dirty = true;
	}
	TRY(notice_loss(d, ds));
	fault = obstacle(d, ds, &detail);
	if (fault != NULL) {
		set_hash(d, &s->wanted_hash, STR_EMPTY);
		TRY(drop_stale(d, ds, detail));
		set_fault(d, s, fault, detail);
		return save(d, ds);
	}
	set_hash(d, &s->wanted_hash, want->what.hash);
	reached = str_eq(s->reached_hash, s->wanted_hash);
	if (!reached ||
	    (is_renewed(ds) && when_now() >= diff_renewal_due(s, want->what.renewal_percent)))
		TRY(work_for(d, ds));
	else
		TRY(drop_stale(d, ds, "what the device has is right again"));
	ds->root_missing = root_is_missing(d, ds);
	ds->need_missing = need_is_missing(d, ds);
	tell(d, ds);
	return save(d, ds);
}

static err_t
unwanted(struct diff *d, struct diff_slot *ds)
{
	struct slot *s = &ds->slot;
	const struct held *held = inventory_find(d->has, ds->alias);
	bool replaced = is_replaced(d, ds);

	if (s->wanted) {
		TRY(request_note(d->tx, s, s->request, "service", "unassigned", ""));
		s->wanted = false;
		s->wanted_hash = STR_EMPTY;
		s->fault = s->detail = "";
		s->since = when_now_ms();
		d->dirty = true;
		TRY(save(d, ds)); /* what is to be revoked depends on it */
	}
	if (ds->has_request && ds->request.state != REQUEST_WITHDRAWN)
		TRY(request_withdraw(d->tx, d->a, s, &ds->request, "no longer wanted"));
	/* The item of the slot that took the place goes by the same name. */
	if (replaced && held != NULL && !str_eq(held->sha256, s->cert_sha256))
		held = NULL;
	ds->remove = held != NULL && !replaced;
	if (d->has->known && held == NULL && s->reached_hash.n > 0) {
		TRY(request_note(d->tx, s, s->request, "device", "removed", s->serial));
		set_hash(d, &s->reached_hash, STR_EMPTY);
		s->fault = s->detail = "";
		s->since = when_now_ms();
	}
	return save(d, ds);
}

static err_t
all_unwanted(struct diff *d)
{
	for (size_t i = 0; i < d->n; i++) {
		d->dirty = false;
		if (d->v[i].desired == NULL)
			TRY(unwanted(d, &d->v[i]));
	}
	return OK;
}

err_t
diff_run(struct tx *tx, struct arena *a, const struct device *device, const struct desired *desired,
    size_t n, const struct holdings *has, struct diff_slot **ret, size_t *retn)
{
	struct diff d = {
		.tx = tx,
		.a = a,
		.device = device,
		.desired = desired,
		.ndesired = n,
		.has = has,
	};

	TRY(gather(&d));
	/* Roots before what refers to them: losing a root holds a certificate back in the same
	 * look. */
	for (int rank = 0; rank < KIND_RANKS; rank++)
		for (size_t i = 0; i < d.n; i++) {
			d.dirty = false;
			if (d.v[i].desired != NULL && kind_rank(d.v[i].desired->kind) == rank)
				TRY(wanted(&d, &d.v[i]));
		}
	TRY(all_unwanted(&d));
	*ret = d.v;
	*retn = d.n;
	return OK;
}

err_t
diff_leaving(struct tx *tx, struct arena *a, const struct device *device)
{
	struct holdings has;
	struct diff d = { .tx = tx, .a = a, .device = device, .has = &has, .leaving = true };
	struct desired *desired;

	TRY(desired_for(tx, a, device, &desired, &d.ndesired));
	d.desired = desired;
	TRY(inventory_parse(a, device->inventory, &has));
	TRY(gather(&d));
	TRY(all_unwanted(&d));
	if (tx_writes(tx))
		tx_notify(tx, TOPIC_DEVICE, id_str(&device->id));
	return OK;
}

err_t
diff_device(struct tx *tx, struct arena *a, const struct device *d)
{
	struct holdings has;
	struct desired *desired;
	struct diff_slot *v;
	size_t n, nv;

	TRY(desired_for(tx, a, d, &desired, &n));
	TRY(inventory_parse(a, d->inventory, &has));
	TRY(diff_run(tx, a, d, desired, n, &has, &v, &nv));
	tx_notify(tx, TOPIC_DEVICE, id_str(&d->id));
	return OK;
}

err_t
diff_user(struct tx *tx, struct arena *a, struct id user)
{
	struct device *v;
	size_t n;

	TRY(store_device_of_user(tx, a, user, &v, &n));
	for (size_t i = 0; i < n; i++)
		TRY(diff_device(tx, a, &v[i]));
	return OK;
}

err_t
diff_user_leaves(struct tx *tx, struct arena *a, struct id user)
{
	struct user u;

	TRY(store_user_get(tx, a, user, &u));
	u.enabled = false;
	TRY(store_user_update(tx, &u));
	return diff_user(tx, a, user);
}
