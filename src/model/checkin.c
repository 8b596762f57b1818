/* SPDX-License-Identifier: Apache-2.0 */
/* A check-in: see checkin.h. */
#include "model/checkin.h"
#include "model/diff.h"
#include "model/enrolled.h"
#include "model/life.h"
#include "model/request.h"
#include "model/status.h"
#include "model/wipe.h"
#include "pki/key.h"

/* Seconds: how often the time of the last contact is written; how long something is not offered
 * again. */
enum { SEEN_EVERY = 60, NOT_NOW = 60, NOT_SHOWN = 60, REMOVE_AGAIN_MS = 60000 };

/* What the id of a removal has behind the slot's. */
static const char removal[] = "remove-";

struct checkin {
	struct id id;
	const struct report *report;
	struct arena *a;
	struct device device;
	struct holdings has;
	struct command *commands;
	size_t n;
	bool left;                   /* the device may have something of ours still */
	when_t until, due;           /* of struct checkin_calm */
	const struct wipe_how *wipe; /* NULL: not to be told */
	bool wiping;                 /* it is to be told some time */
	/* What the reader found that came before the writer; good for it as long as the stamp from before both is. */
	struct stamp stamp;
	struct desired *desired;
	size_t ndesired;
	bool has_desired;
};

static bool
text_set(const char **have, const char *now)
{
	const char *was = *have == NULL ? "" : *have;

	if (now == NULL || strcmp(was, now) == 0)
		return false;
	*have = now;
	return true;
}

static bool
facts_set(struct device *d, const struct device *f)
{
	bool changed = false;

	changed |= text_set(&d->name, f->name);
	changed |= text_set(&d->fqdn, f->fqdn);
	changed |= text_set(&d->serial, f->serial);
	changed |= text_set(&d->machine_id, f->machine_id);
	changed |= text_set(&d->manufacturer, f->manufacturer);
	changed |= text_set(&d->model, f->model);
	changed |= text_set(&d->os, f->os);
	changed |= text_set(&d->os_version, f->os_version);
	changed |= text_set(&d->agent_version, f->agent_version);
	changed |= text_set(&d->imei, f->imei);
	changed |= text_set(&d->meid, f->meid);
	changed |= text_set(&d->wifi_mac, f->wifi_mac);
	changed |= text_set(&d->withheld, f->withheld);
	changed |= text_set(&d->reporting, f->reporting);
	return changed;
}

/* Facts, inventory, last contact: written when they say something new. */
static err_t
record(struct tx *tx, struct checkin *c)
{
	struct device *d = &c->device;
	const struct report *r = c->report;
	when_t now = when_now();
	const char *inventory;
	bool changed = false, shown = false, known = true;

	if (r->again)
		return OK;
	if (r->has_facts && life_is_elsewhere(d, &r->facts))
		FAIL(ERR_DEVICE_ELSEWHERE, "device %s", id_text(c->a, d->id));
	if (r->has_facts) {
		known = life_says_hardware(d);
		changed |= facts_set(d, &r->facts);
		known = known || !life_says_hardware(d);
	}
	if (r->has_inventory) {
		TRY(inventory_print(c->a, r->items, r->nitems, &inventory));
		shown = text_set(&d->inventory, inventory);
	}
	if (!changed && !shown && now - d->last_seen < SEEN_EVERY)
		return OK;
	TRY(request_may_write(tx));
	d->last_seen = now;
	c->has_desired &= !changed;
	if (changed)
		TRY(store_device_update(tx, d));
	if (!known)
		TRY(life_replace(tx, c->a, d));
	return shown ? store_device_shown(tx, d->id, now, d->inventory) :
		       store_device_seen(tx, d->id, now);
}

static const char *
install_id(struct arena *a, const struct request *r)
{
	uint8_t hash[32];

	/* What comes of it is not known yet; each challenge makes it another command. */
	if (r->kind == REQUEST_ENROL)
		hash_sha256(str_c(arena_printf(a, "enrol %s %llu", id_text(a, r->id),
				(unsigned long long)r->fence)),
		    hash);
	else if (r->kind == REQUEST_IMPORT) /* the same one may come again, in another shape */
		hash_sha256(str_c(arena_printf(
				a, "import %s %s", text_hex(a, r->leaf), text_hex(a, r->hash))),
		    hash);
	else
		hash_sha256(r->leaf, hash);
	return arena_printf(a, "%s:%s", id_text(a, r->slot), text_hex(a, str_of(hash, 8)));
}

static const char *
remove_id(struct arena *a, const struct slot *s, const struct held *h)
{
	uint8_t hash[32];

	hash_sha256(str_c(arena_printf(a, "remove %s", text_hex(a, h->sha256))), hash);
	return arena_printf(a, "%s:%s%s", id_text(a, s->id), removal, text_hex(a, str_of(hash, 8)));
}

bool
checkin_removes(const char *command)
{
	const char *rest = strchr(command, ':');

	return rest != NULL && strncmp(rest + 1, removal, strlen(removal)) == 0;
}

/* The slot of this device that a command's id names; *found false: none, or somebody else's. */
static err_t
slot_of(struct tx *tx, struct checkin *c, const char *command, bool *found, struct slot *ret)
{
	struct str rest = str_c(command);
	struct id id;
	err_t e = id_parse(str_cut(&rest, ':'), &id);

	*found = false;
	if (err_ok(e))
		e = store_slot_get(tx, c->a, id, ret);
	if (err_is(e, ERR_ID) || err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		return OK;
	}
	TRY(e);
	*found = id_eq(ret->device, c->id);
	return OK;
}

static struct why
device_says(struct arena *a, const struct report_result *res)
{
	const char *code = res->code == NULL ? "" : res->code;
	const char *detail = res->detail == NULL ? "" : res->detail;

	return (struct why){ res->fault != NULL ? res->fault : err_info(ERR_DEVICE_REFUSED)->id,
		text_safe(a,
		    str_c(arena_printf(
			a, "%.64s%s%.512s", code, code[0] == '\0' ? "" : ": ", detail))) };
}

/* The certificate that the device says came of its request; empty: it showed none yet. */
static struct str
shown(const struct checkin *c, const struct report_result *res, const char *alias)
{
	struct str der = res->certificate;

	for (size_t i = 0; der.n == 0 && i < c->report->nitems; i++)
		if (strcmp(c->report->items[i].alias, alias) == 0)
			der = c->report->items[i].certificate;
	return der;
}

/* What the slot is about as things are now; what->kind 0: nothing any more. */
static err_t
wanted_now(struct tx *tx, struct checkin *c, const struct slot *s, struct primitive *ret)
{
	struct desired *v;
	size_t n;

	*ret = (struct primitive){ 0 };
	TRY(desired_for(tx, c->a, &c->device, &v, &n));
	for (size_t i = 0; i < n; i++)
		if (v[i].fault == NULL && id_eq(v[i].profile.id, s->profile) &&
		    id_eq(v[i].user, s->user) && id_eq(v[i].item, s->item))
			*ret = v[i].what;
	return OK;
}

/* What the device requested becomes known by what it shows. *ret_refused: it is something else. */
static err_t
learn_leaf(struct tx *tx, struct checkin *c, struct slot *s, struct request *r,
    const struct report_result *res, bool *ret_refused)
{
	struct str der = shown(c, res, inventory_alias(c->a, s->profile, s->item));
	struct primitive what;
	struct err_report rep;
	err_t e;

	*ret_refused = false;
	if (der.n == 0)
		return OK;
	TRY(wanted_now(tx, c, s, &what));
	if (what.kind != PRIM_ENROL)
		return OK;
	e = enrolled_check(c->a, der, &what);
	if (err_ok(e)) {
		r->leaf = der;
		return OK;
	}
	err_take(e, &rep);
	*ret_refused = true;
	return delivery_refuse(tx, c->a, s, r,
	    (struct why){ err_info(ERR_LEAF_MISMATCH)->id, arena_strdup(c->a, rep.detail) });
}

/* The answer to an offer. An answer to anything else than the present offer is of no interest. */
static err_t
result_of_offer(struct tx *tx, struct checkin *c, struct slot *s, struct request *r,
    const struct report_result *res)
{
	uint8_t hash[32];
	bool refused = false;

	/* A parked check-in runs again with the same report: that it puts the offer off is noted
	 * already. */
	if (res->status == RESULT_NOT_NOW && r->not_before > when_now())
		return OK;
	switch (res->status) {
	case RESULT_NOT_NOW:
		return delivery_postpone(tx, c->a, s, r, res->again_s > 0 ? res->again_s : NOT_NOW,
		    (struct why){ res->fault, device_says(c->a, res).detail });
	case RESULT_ERROR:
		return delivery_refuse(tx, c->a, s, r, device_says(c->a, res));
	case RESULT_OK:
		break;
	}
	if (r->kind == REQUEST_ENROL)
		TRY(learn_leaf(tx, c, s, r, res, &refused));
	if (refused)
		return OK;
	hash_sha256(r->leaf, hash);
	if (r->leaf.n > 0 &&
	    inventory_shows(&c->has, inventory_alias(c->a, s->profile, s->item), str_of(hash, 32),
		!request_is_plain(r->kind)))
		return delivery_ack(tx, c->a, s, r);
	if (r->not_before > when_now())
		return OK;
	return delivery_postpone(tx, c->a, s, r, NOT_SHOWN,
	    (struct why){ NULL, "the device reports success, its inventory does not show it" });
}

static bool
removal_failed_lately(const struct slot *s)
{
	return s->fault != NULL && s->fault[0] != '\0' &&
	    when_now_ms() - s->since < REMOVE_AGAIN_MS;
}

/* A failed removal is told at the slot and asked for again later. */
static err_t
result_of_removal(struct tx *tx, struct checkin *c, struct slot *s, const struct report_result *res)
{
	struct why why = device_says(c->a, res);

	if (s->wanted || res->status == RESULT_OK ||
	    inventory_find(&c->has, inventory_alias(c->a, s->profile, s->item)) == NULL ||
	    removal_failed_lately(s))
		return OK;
	s->fault = why.fault;
	s->detail = why.detail;
	s->since = when_now_ms();
	TRY(request_note_again(tx, s, s->request, "device", "remove-failed", why));
	return status_put(tx, s, NULL);
}

static err_t
result_take(struct tx *tx, struct checkin *c, const struct report_result *res)
{
	struct request r;
	struct slot s;
	bool found;

	TRY(slot_of(tx, c, res->id, &found, &s));
	if (!found)
		return OK;
	TRY(request_of(tx, c->a, &s, &found, &r));
	if (found && r.state == REQUEST_OFFERED && strcmp(install_id(c->a, &r), res->id) == 0)
		return result_of_offer(tx, c, &s, &r, res);
	return result_of_removal(tx, c, &s, res);
}

/* The certificate of the trusted root that it refers to; empty: none. */
static struct str
root_of(const struct diff_slot *v, size_t n, const struct diff_slot *ds)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].desired != NULL && v[i].desired->what.kind == PRIM_TRUST &&
		    id_eq(v[i].slot.profile, ds->desired->what.root))
			return v[i].desired->what.der;
	return STR_EMPTY;
}

static void
fill_command(struct checkin *c, const struct diff_slot *ds, struct command *cmd)
{
	const struct request *r = &ds->request;
	uint8_t *hash;

	cmd->id = install_id(c->a, r);
	cmd->alias = ds->alias;
	cmd->profile = &ds->desired->profile;
	cmd->what = &ds->desired->what;
	cmd->user = ds->slot.user;
	cmd->request = r->id;
	cmd->fence = r->fence;
	if (r->kind == REQUEST_TRUST) {
		cmd->kind = COMMAND_INSTALL_CA;
		cmd->der = r->leaf;
	} else if (r->kind == REQUEST_NETWORK) {
		hash = arena_alloc(c->a, 32);
		hash_sha256(r->leaf, hash);
		cmd->kind = COMMAND_INSTALL_NETWORK;
		cmd->sha256 = str_of(hash, 32);
	} else if (r->kind == REQUEST_ENROL) {
		cmd->kind = COMMAND_ENROL;
	} else {
		hash = arena_alloc(c->a, 32);
		hash_sha256(r->leaf, hash);
		cmd->kind = COMMAND_INSTALL_IDENTITY;
		cmd->pfx = r->sealed;
		cmd->password = r->password;
		cmd->leaf = r->leaf;
		cmd->sha256 = str_of(hash, 32);
	}
}

static err_t
command_install(struct tx *tx, struct checkin *c, struct diff_slot *ds, struct str root)
{
	struct request *r = &ds->request;
	struct command cmd = { .root = root };
	bool ready = true;

	if (!ds->has_request || ds->root_missing || ds->need_missing)
		return OK;
	if (r->state == REQUEST_READY || r->state == REQUEST_OFFERED)
		TRY(request_renew_challenge(tx, c->a, &ds->slot, r, &ready));
	if (!ready)
		return OK;
	if (r->state == REQUEST_READY)
		TRY(delivery_offer(tx, c->a, &ds->slot, r));
	if (r->state != REQUEST_OFFERED || r->not_before > when_now())
		return OK;
	fill_command(c, ds, &cmd);
	c->commands[c->n++] = cmd;
	return OK;
}

static void
command_remove(struct checkin *c, const struct diff_slot *ds)
{
	const struct held *h = inventory_find(&c->has, ds->alias);

	if (h == NULL)
		return;
	if (removal_failed_lately(&ds->slot))
		return;
	c->commands[c->n++] = (struct command){
		.kind = h->network ? COMMAND_REMOVE_NETWORK :
		    h->identity    ? COMMAND_REMOVE_IDENTITY :
				     COMMAND_REMOVE_CA,
		.id = remove_id(c->a, &ds->slot, h),
		.alias = ds->alias,
		.place = h->place,
	};
}

/* Installed, and this report confirms it: the sealed key is needed no more. Left for a later
 * check-in than the one that brought the device's answer, which has enough to write. */
static err_t
forget_confirmed(struct tx *tx, struct checkin *c, struct diff_slot *ds)
{
	struct request *r = &ds->request;

	if (!ds->has_request || r->state != REQUEST_DONE || !c->report->has_inventory ||
	    ds->slot.reached_hash.n == 0 || when_now_ms() - r->updated < 1000)
		return OK;
	return delivery_forget(tx, r);
}

/* Nothing about the slot moves before *until, which is made earlier if need be; false: something may at any time. */
static bool
slot_is_calm(const struct diff_slot *ds, when_t *until)
{
	const struct slot *s = &ds->slot;
	enum primitive_kind kind;
	when_t due;

	if (ds->desired == NULL)
		return !s->wanted && !ds->remove && s->reached_hash.n == 0;
	if ((s->fault != NULL && s->fault[0] != '\0') || s->reached_hash.n == 0 ||
	    !str_eq(s->reached_hash, s->wanted_hash) || ds->root_missing || ds->need_missing ||
	    (ds->has_request && (request_is_open(&ds->request) || ds->request.sealed.n > 0)))
		return false;
	kind = ds->desired->what.kind;
	if (kind != PRIM_DELIVER && kind != PRIM_ENROL)
		return true;
	due = diff_renewal_due(s, ds->desired->what.renewal_percent);
	*until = due < *until ? due : *until;
	return due > when_now();
}

/* When the slot is worth another look, though nobody does anything until then; 0: never. */
static when_t
slot_due(const struct diff_slot *ds)
{
	const struct request *r = &ds->request;

	if (ds->remove && removal_failed_lately(&ds->slot))
		return (ds->slot.since + REMOVE_AGAIN_MS + 999) / 1000;
	if (ds->desired == NULL || !ds->has_request || r->not_before <= when_now() ||
	    (r->state != REQUEST_OFFERED && r->state != REQUEST_FAILED))
		return 0;
	return r->not_before;
}

static when_t
first_due(const struct diff_slot *v, size_t n)
{
	when_t first = 0;

	for (size_t i = 0; i < n; i++) {
		when_t due = slot_due(&v[i]);

		if (due > 0 && (first == 0 || due < first))
			first = due;
	}
	return first;
}

/* Only of a look that needed nothing written: facts and inventory are those on record then. */
static when_t
calm_until(const struct tx *tx, const struct checkin *c, const struct diff_slot *v, size_t n)
{
	const struct report *r = c->report;
	when_t until = INT64_MAX;
	bool calm = !tx_writes(tx) && c->n == 0 && !c->wiping && !r->again && r->has_inventory &&
	    r->nresults == 0 && c->device.state == DEVICE_ACTIVE &&
	    str_eq(r->identity, c->device.identity_sha256);

	for (size_t i = 0; i < n && calm; i++)
		calm = slot_is_calm(&v[i], &until);
	return calm ? until : 0;
}

/* It depends on nothing that is written here but the facts of the device, and is a third of the work. */
static err_t
desire(struct tx *tx, struct checkin *c)
{
	if (c->has_desired && (!tx_writes(tx) || tx_stamp_holds(tx, c->id, &c->stamp)))
		return OK;
	c->has_desired = false;
	TRY(desired_for(tx, c->a, &c->device, &c->desired, &c->ndesired));
	c->has_desired = !tx_writes(tx);
	return OK;
}

/* Whatever else is to be done there goes with it. */
static void
command_wipe(struct checkin *c)
{
	c->commands[0] = (struct command){
		.kind = COMMAND_WIPE, .id = wipe_command_id(c->a, c->id), .wipe = c->wipe
	};
	c->n = 1;
}

static err_t
answer(struct tx *tx, struct checkin *c)
{
	struct diff_slot *v;
	size_t n;

	TRY(desire(tx, c));
	TRY(diff_run(tx, c->a, &c->device, c->desired, c->ndesired, &c->has, &v, &n));
	c->commands = arena_array(c->a, n + 1, sizeof(*c->commands));
	/* What it holds is known from its own words; without any, nothing was ever due if it has no slot. */
	c->left = !c->has.known && n > 0;
	for (size_t i = 0; i < n; i++) {
		TRY(forget_confirmed(tx, c, &v[i]));
		c->left |= v[i].remove || v[i].slot.reached_hash.n > 0;
	}
	if (c->wipe != NULL) {
		command_wipe(c);
		return OK;
	}
	for (int rank = KIND_RANKS; rank-- > 0;)
		for (size_t i = 0; i < n; i++)
			if (v[i].remove && kind_rank_of(v[i].slot.kind) == rank)
				command_remove(c, &v[i]);
	for (int rank = 0; rank < KIND_RANKS; rank++)
		for (size_t i = 0; i < n; i++)
			if (v[i].desired != NULL && kind_rank(v[i].desired->kind) == rank)
				TRY(command_install(tx, c, &v[i], root_of(v, n, &v[i])));
	c->until = calm_until(tx, c, v, n);
	c->due = first_due(v, n);
	return OK;
}

static err_t
run(struct tx *tx, void *arg)
{
	struct checkin *c = arg;
	bool any_wipe;

	c->commands = NULL;
	c->n = 0;
	c->until = c->due = 0;
	TRY(store_device_get(tx, c->a, c->id, &c->device));
	if (c->device.state == DEVICE_GONE)
		return OK;
	if (c->report->first != NULL)
		TRY(c->report->first->run(tx, c->a, &c->device, NULL, 0, c->report->first->ctx));
	/* Before it is found that something is to be written: there are many readers, and one writer. */
	if (!tx_writes(tx))
		TRY(desire(tx, c));
	TRY(record(tx, c));
	TRY(wipe_checkin(tx, c->a, &c->device, c->report, &c->wipe, &c->wiping, &any_wipe));
	c->has_desired &= !any_wipe;
	if (c->device.state == DEVICE_GONE)
		return OK;
	/* One that was reset holds nothing any more. */
	TRY(inventory_parse(c->a, c->device.inventory, &c->has));
	for (size_t i = 0; !c->report->again && i < c->report->nresults; i++)
		TRY(result_take(tx, c, &c->report->results[i]));
	TRY(answer(tx, c));
	if (c->report->with != NULL)
		TRY(c->report->with->run(
		    tx, c->a, &c->device, c->commands, c->n, c->report->with->ctx));
	if (c->device.state != DEVICE_RETIRED || c->left)
		return OK;
	TRY(request_may_write(tx));
	c->device.state = DEVICE_GONE;
	return store_device_update(tx, &c->device);
}

err_t
checkin_run(struct store *s, struct arena *a, struct id device, const struct report *r,
    struct command **ret, size_t *retn)
{
	struct checkin_calm calm;

	return checkin_look(s, a, device, r, ret, retn, &calm);
}

err_t
checkin_look(struct store *s, struct arena *a, struct id device, const struct report *r,
    struct command **ret, size_t *retn, struct checkin_calm *ret_calm)
{
	struct checkin c = { .id = device, .report = r, .a = a, .stamp = store_stamp(s, device) };
	err_t e;

	/* Most check-ins find everything as it was: they only read. The first that needs more
	 * runs again as a writer. */
	e = store_read(s, run, &c);
	if (err_is(e, ERR_READ_ONLY)) {
		err_forget(e);
		e = store_write(s, run, &c);
	}
	if (err_is(e, ERR_DEVICE_ELSEWHERE))
		TRY(life_note_elsewhere(s, a, device));
	TRY(e);
	if (c.device.state == DEVICE_GONE)
		return life_refuse(s, a, device);
	*ret = c.commands;
	*retn = c.n;
	*ret_calm = (struct checkin_calm){ c.stamp, c.until, c.device.last_seen, c.due };
	return OK;
}
