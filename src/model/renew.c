/* SPDX-License-Identifier: Apache-2.0 */
#include "model/renew.h"

#include "base/limits.h"
#include "store/access.h"
#include "store/renewal.h"

err_t
renew_begin(struct arena *a, enum code_kind kind, struct id id, struct id user,
    struct str spki_sha256, struct str holder, const char *identity_ca, struct enrol *ret)
{
	struct enrol e = { .kind = kind, .id = id, .user = user };

	if (spki_sha256.n != 32)
		FAIL(ERR_BAD_REQUEST, "the hash of the public key has %zu bytes", spki_sha256.n);
	TRY(enrol_order(a, &e, spki_sha256, holder, identity_ca, &e.order));
	*ret = e;
	return OK;
}

enum { DAY = 86400 };

struct counting {
	struct arena *a;
	struct id device;
	int64_t day;
};

static err_t
count(struct tx *tx, void *arg)
{
	const struct counting *c = arg;
	err_t e = store_renewal_count(tx, c->device, c->day, LIMIT_RENEWALS);

	if (!err_is(e, ERR_RENEWALS))
		return e;
	err_forget(e);
	FAIL(ERR_RENEWALS, "device %s has asked for %u today", id_text(c->a, c->device),
	    LIMIT_RENEWALS);
}

err_t
renew_count(struct store *s, struct arena *a, struct id device, when_t now)
{
	struct counting c = { a, device, now / DAY };

	return store_write(s, count, &c);
}

static err_t
uncount(struct tx *tx, void *arg)
{
	const struct counting *c = arg;

	return store_renewal_uncount(tx, c->device, c->day);
}

err_t
renew_uncount(struct store *s, struct id device, when_t counted)
{
	struct counting c = { NULL, device, counted / DAY };

	return store_write(s, uncount, &c);
}

/* The order under which the identity in use was issued. */
static err_t
fence_of(struct tx *tx, struct arena *a, enum code_kind kind, struct id id, uint64_t *ret)
{
	struct connector c;
	struct device d;

	if (kind == CODE_CONNECTOR) {
		TRY(store_connector_get(tx, a, id, &c));
		*ret = c.fence;
		return OK;
	}
	TRY(store_device_get(tx, a, id, &d));
	*ret = d.fence;
	return OK;
}

struct finishing {
	struct arena *a;
	struct renewal renewal;
};

static err_t
finish(struct tx *tx, void *arg)
{
	struct finishing *f = arg;
	const struct renewal *n = &f->renewal;
	uint64_t fence;
	err_t e;

	TRY(fence_of(tx, f->a, n->kind, n->id, &fence));
	if (fence > n->fence)
		FAIL(ERR_ENROL_OVERTAKEN, "renewal of %s", id_text(f->a, n->id));
	e = store_renewal_put(tx, n);
	if (err_is(e, ERR_STATE_MOVED)) {
		err_forget(e);
		FAIL(ERR_ENROL_OVERTAKEN, "renewal of %s", id_text(f->a, n->id));
	}
	return e;
}

err_t
renew_finish(struct store *s, const struct enrol *e, struct str cert, struct str cert_sha256,
    when_t not_after)
{
	auto_arena struct arena *a = arena_new();
	struct finishing f = {
		.a = a,
		.renewal = {
			.id = e->id,
			.kind = e->kind,
			.identity = cert,
			.identity_sha256 = cert_sha256,
			.not_after = not_after,
			.fence = e->order.fence,
		},
	};

	return store_write(s, finish, &f);
}

struct using
{
	struct arena *a;
	struct str sha256;
	struct renewal renewal;
	struct device *device;
	struct connector *connector;
};

static err_t
look(struct tx *tx, void *arg)
{
	struct using *u = arg;

	return store_renewal_by_identity(tx, u->a, u->sha256, &u->renewal);
}

static err_t
used(struct tx *tx, const struct using *u, const char *who, struct str was)
{
	const struct renewal *n = &u->renewal;

	TRY(store_renewal_delete(tx, n->id));
	return store_audit_add(tx, who, arena_printf(u->a, "%s.renew", who), id_text(u->a, n->id),
	    arena_printf(u->a, "{\"certificate\":\"%s\"}", text_hex(u->a, was)),
	    arena_printf(u->a, "{\"certificate\":\"%s\"}", text_hex(u->a, n->identity_sha256)));
}

/* Two connections may use it for the first time at once: the second finds it done. */
static err_t
use_device(struct tx *tx, void *arg)
{
	struct using *u = arg;
	struct device *d = u->device;
	struct str was;
	err_t e = look(tx, u);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		return store_device_by_identity(tx, u->a, u->sha256, d);
	}
	TRY(e);
	TRY(store_device_get(tx, u->a, u->renewal.id, d));
	was = d->identity_sha256;
	d->identity = u->renewal.identity;
	d->identity_sha256 = u->renewal.identity_sha256;
	d->identity_not_after = u->renewal.not_after;
	d->fence = u->renewal.fence;
	TRY(store_device_update(tx, d));
	return used(tx, u, "device", was);
}

err_t
renew_used_device(struct store *s, struct arena *a, struct str sha256, struct device *ret)
{
	struct device d;
	struct using u = { .a = a, .sha256 = sha256, .device = &d };

	/* Whoever comes with a certificate that nobody knows costs no more than a read. */
	TRY(store_read(s, look, &u));
	if (u.renewal.kind != CODE_DEVICE)
		FAIL(ERR_NOT_FOUND, "it is a connector's");
	TRY(store_write(s, use_device, &u));
	*ret = d;
	return OK;
}

static err_t
use_connector(struct tx *tx, void *arg)
{
	struct using *u = arg;
	struct connector *c = u->connector;
	struct str was;
	err_t e = look(tx, u);

	if (err_is(e, ERR_NOT_FOUND)) {
		err_forget(e);
		return store_connector_by_identity(tx, u->a, u->sha256, c);
	}
	TRY(e);
	TRY(store_connector_get(tx, u->a, u->renewal.id, c));
	was = c->identity_sha256;
	c->identity = u->renewal.identity;
	c->identity_sha256 = u->renewal.identity_sha256;
	c->fence = u->renewal.fence;
	TRY(store_connector_update(tx, c));
	return used(tx, u, "connector", was);
}

err_t
renew_used_connector(struct store *s, struct arena *a, struct str sha256, struct connector *ret)
{
	struct connector c;
	struct using u = { .a = a, .sha256 = sha256, .connector = &c };

	TRY(store_read(s, look, &u));
	if (u.renewal.kind != CODE_CONNECTOR)
		FAIL(ERR_NOT_FOUND, "it is a device's");
	TRY(store_write(s, use_connector, &u));
	*ret = c;
	return OK;
}
