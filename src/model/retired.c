/* SPDX-License-Identifier: Apache-2.0 */
#include "model/retired.h"

#include "store/access.h"

enum { ORDER_LIFE = 600 };

struct turn {
	struct arena *a;
	struct id after, device;
};

static err_t
next(struct tx *tx, void *arg)
{
	struct turn *t = arg;

	return store_device_left(tx, t->a, t->after, &t->device);
}

err_t
retired_next(struct store *s, struct arena *a, struct id after, struct str holder,
    const char *identity_ca, struct order *ret)
{
	struct turn t = { .a = a, .after = after };

	TRY(store_read(s, next, &t));
	*ret = (struct order){
		.kind = ORDER_REVOKE,
		.id = t.device,
		.device = t.device,
		.fence = (uint64_t)when_now_ms(),
		.issued = when_now(),
		.expires = when_now() + ORDER_LIFE,
		.ca = identity_ca,
		.template = "",
		.sid = "",
		.holder = holder,
		.keep = "",
	};
	return OK;
}

static err_t
done(struct tx *tx, void *arg)
{
	const struct turn *t = arg;

	TRY(store_device_ended(tx, t->device));
	return store_audit_add(
	    tx, "service", "device.identityRevoked", id_text(t->a, t->device), "", "");
}

err_t
retired_done(struct store *s, struct id device)
{
	auto_arena struct arena *a = arena_new();
	struct turn t = { .a = a, .device = device };

	return store_write(s, done, &t);
}
