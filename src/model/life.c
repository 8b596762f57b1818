/* SPDX-License-Identifier: Apache-2.0 */
/* See life.h. */
#include "model/life.h"

#include "model/diff.h"
#include "store/access.h"

enum { TOLD_EVERY = 3600 };

struct change {
	struct arena *a;
	const struct life_actor *by;
	struct id device;
	bool lost;
};

static err_t
change(struct tx *tx, void *arg)
{
	struct change *c = arg;
	struct device_life life;
	struct device d;

	TRY(store_device_get(tx, c->a, c->device, &d));
	TRY(c->by->may(c->by->ctx, &d));
	if (d.state != DEVICE_ACTIVE)
		FAIL(ERR_DEVICE_RETIRED, "device %s", id_text(c->a, d.id));
	TRY(store_device_life_get(tx, c->a, d.id, &life));
	if ((life.lost != 0) == c->lost)
		return OK;
	life.lost = c->lost ? when_now() : 0;
	TRY(store_device_life_put(tx, &life));
	TRY(diff_device(tx, c->a, &d));
	return store_audit_add(tx, c->by->name, c->lost ? "device.lost" : "device.found",
	    id_text(c->a, d.id), c->lost ? "{\"lost\":false}" : "{\"lost\":true}",
	    c->lost ? "{\"lost\":true}" : "{\"lost\":false}");
}

err_t
device_lost(struct store *s, struct arena *a, const struct life_actor *by, struct id device)
{
	struct change c = { a, by, device, true };

	return store_write(s, change, &c);
}

err_t
device_found(struct store *s, struct arena *a, const struct life_actor *by, struct id device)
{
	struct change c = { a, by, device, false };

	return store_write(s, change, &c);
}

static err_t
replace_one(struct tx *tx, struct arena *a, struct device *was, const struct device *by)
{
	struct device_life life;

	TRY(store_device_life_get(tx, a, was->id, &life));
	life.replaced = by->id;
	TRY(store_device_life_put(tx, &life));
	was->state = DEVICE_GONE;
	TRY(store_device_update(tx, was));
	TRY(diff_device(tx, a, was));
	return store_audit_add(tx, "device", "device.replaced", id_text(a, was->id),
	    arena_printf(a, "{\"certificate\":\"%s\"}", text_hex(a, was->identity_sha256)),
	    arena_printf(a, "{\"by\":\"%s\"}", id_text(a, by->id)));
}

/* What hardware it is, everybody who enrols a device of his own says as he likes. */
static err_t
note_same(struct tx *tx, struct arena *a, const struct device *was, const struct device *by)
{
	return store_audit_add(tx, "device", "device.sameHardware", id_text(a, was->id), "",
	    arena_printf(a, "{\"as\":\"%s\"}", id_text(a, by->id)));
}

bool
life_may_replace(const struct device *was, const struct device *by)
{
	return id_eq(was->user, by->user);
}

err_t
life_replace(struct tx *tx, struct arena *a, const struct device *d)
{
	struct device *v;
	size_t n;

	TRY(store_device_same(tx, a, d, &v, &n));
	for (size_t i = 0; i < n; i++)
		if (v[i].enrolled <= d->enrolled)
			TRY(life_may_replace(&v[i], d) ? replace_one(tx, a, &v[i], d) :
							 note_same(tx, a, &v[i], d));
	return OK;
}

static bool
differs(const char *was, const char *now)
{
	return was != NULL && now != NULL && was[0] != '\0' && now[0] != '\0' &&
	    strcmp(was, now) != 0;
}

bool
life_says_hardware(const struct device *d)
{
	return (d->machine_id != NULL && d->machine_id[0] != '\0') ||
	    (d->udid != NULL && d->udid[0] != '\0');
}

bool
life_is_elsewhere(const struct device *on_record, const struct device *says)
{
	return differs(on_record->machine_id, says->machine_id) ||
	    differs(on_record->udid, says->udid);
}

static err_t
note(struct tx *tx, void *arg)
{
	struct change *c = arg;
	struct device_life life;

	TRY(store_device_life_get(tx, c->a, c->device, &life));
	if (life.elsewhere > when_now() - TOLD_EVERY)
		return OK;
	life.elsewhere = when_now();
	TRY(store_device_life_put(tx, &life));
	return store_audit_add(tx, "device", "device.elsewhere", id_text(c->a, c->device), "", "");
}

err_t
life_note_elsewhere(struct store *s, struct arena *a, struct id device)
{
	struct change c = { .a = a, .device = device };

	return store_write(s, note, &c);
}

static err_t
why(struct tx *tx, void *arg)
{
	struct change *c = arg;
	struct device_life life;

	TRY(store_device_life_get(tx, c->a, c->device, &life));
	if (!id_is_zero(life.replaced))
		FAIL(ERR_DEVICE_REPLACED, "device %s is %s now", id_text(c->a, c->device),
		    id_text(c->a, life.replaced));
	if (life.wipe == WIPE_DONE)
		FAIL(ERR_DEVICE_WIPED, "device %s", id_text(c->a, c->device));
	FAIL(ERR_DEVICE_RETIRED, "device %s", id_text(c->a, c->device));
}

err_t
life_refuse(struct store *s, struct arena *a, struct id device)
{
	struct change c = { .a = a, .device = device };

	return store_read(s, why, &c);
}
