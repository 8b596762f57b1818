/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that are away: see upkeep.h. */
#include "model/upkeep.h"
#include "model/diff.h"

struct upkeep {
	struct arena *a;
	size_t max;
	struct device_due *due;
	size_t n;
	bool *needs;           /* something is to be done for it */
	struct err_report bad; /* of the first that failed; code ERR_NONE: none */
};

struct one {
	struct arena *a;
	const struct device_due *due;
};

static err_t
leave(struct tx *tx, void *arg)
{
	const struct one *o = arg;
	struct device d;

	TRY(store_device_get(tx, o->a, o->due->id, &d));
	TRY(diff_leaving(tx, o->a, &d));
	return tx_writes(tx) ? store_device_looked(tx, o->due) : OK;
}

static void
remember(struct upkeep *u, err_t e)
{
	if (u->bad.code == ERR_NONE)
		err_take(e, &u->bad);
	else
		err_forget(e);
}

/* A reading transaction: finds those that need one that writes. */
static err_t
look(struct tx *tx, void *arg)
{
	struct upkeep *u = arg;

	TRY(store_device_due(tx, u->a, u->max, &u->due, &u->n));
	u->needs = arena_array(u->a, u->n + 1, sizeof(*u->needs));
	for (size_t i = 0; i < u->n; i++) {
		auto_arena struct arena *a = arena_new();
		err_t e = leave(tx, &(struct one){ a, &u->due[i] });

		u->needs[i] = err_is(e, ERR_READ_ONLY);
		if (u->needs[i])
			err_forget(e);
		else if (!err_ok(e))
			remember(u, e);
	}
	return OK;
}

static err_t
mark(struct tx *tx, void *arg)
{
	const struct upkeep *u = arg;

	for (size_t i = 0; i < u->n; i++)
		if (!u->needs[i])
			TRY(store_device_looked(tx, &u->due[i]));
	return OK;
}

err_t
upkeep_run(struct store *s, size_t max, size_t *ret)
{
	auto_arena struct arena *a = arena_new();
	struct upkeep u = { .a = a, .max = max, .bad = { .code = ERR_NONE } };

	TRY(store_read(s, look, &u));
	for (size_t i = 0; i < u.n; i++) {
		auto_arena struct arena *one = arena_new();
		err_t e;

		if (!u.needs[i])
			continue;
		e = store_write(s, leave, &(struct one){ one, &u.due[i] });
		if (err_ok(e))
			continue;
		u.needs[i] = false; /* marked with the others */
		remember(&u, e);
	}
	if (u.n > 0)
		TRY(store_write(s, mark, &u));
	*ret = u.n;
	return u.bad.code == ERR_NONE ? OK : err_raise(&u.bad);
}
