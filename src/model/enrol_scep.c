/* SPDX-License-Identifier: Apache-2.0 */
/* See enrol_scep.h. */
#include "model/enrol_scep.h"

#include "codec/dn.h"
#include "model/request.h"
#include "pki/cert.h"
#include "store/access.h"

/* Certificates are dated back by a little, for clocks that are behind. */
enum { DATED_BACK = 900 };

struct expecting {
	struct arena *a;
	struct enrolling row;
};

static err_t
expect(struct tx *tx, void *arg)
{
	struct expecting *x = arg;

	return store_enrolling_put(tx, &x->row);
}

static err_t
begin(struct store *s, struct arena *a, const char *platform, const char *identity_ca,
    struct enrol *e)
{
	struct expecting x = { .a = a };

	TRY(enrol_order(a, e, STR_EMPTY, STR_EMPTY, identity_ca, &e->order));
	e->order.expires = when_now() + ENROL_SCEP_LIFE;
	e->order.key_bits = KEY_RSA_2048;
	x.row = (struct enrolling){ .device = e->id,
		.user = e->user,
		.platform = platform,
		.fence = e->order.fence,
		.created = when_now(),
		.expires = when_now() + ENROL_SCEP_LIFE };
	return store_write(s, expect, &x);
}

err_t
enrol_scep_begin(struct store *s, struct arena *a, const char *code, const char *platform,
    const char *identity_ca, struct enrol *ret)
{
	static const uint8_t any_key[32] = { 0 };
	struct enrol e;

	TRY(enrol_begin(s, a, CODE_DEVICE, code, STR(any_key), STR_EMPTY, identity_ca, &e));
	TRY(begin(s, a, platform, identity_ca, &e));
	*ret = e;
	return OK;
}

err_t
enrol_scep_renew(struct store *s, struct arena *a, const struct device *d, const char *identity_ca,
    struct enrol *ret)
{
	struct enrol e = { .kind = CODE_DEVICE, .id = d->id, .user = d->user };

	TRY(begin(s, a, d->platform, identity_ca, &e));
	*ret = e;
	return OK;
}

/* CN=<id>,OU=Chancery Devices, and nothing else. */
static err_t
device_named(struct arena *a, const struct cert *c, struct id *ret)
{
	struct dn dn;
	err_t e;

	TRY(dn_decode(a, cert_subject_der(c), &dn));
	if (dn.n != 2 || dn.rdn[0].n != 1 || dn.rdn[1].n != 1 ||
	    strcmp(dn.rdn[0].ava[0].value, "Chancery Devices") != 0)
		FAIL(ERR_NOT_FOUND, "%s is no device", cert_subject(c));
	e = id_parse(str_c(dn.rdn[1].ava[0].value), ret);
	if (err_ok(e))
		return OK;
	err_forget(e);
	FAIL(ERR_NOT_FOUND, "%s is no device", cert_subject(c));
}

struct binding {
	struct arena *a;
	const struct cert *cert;
	struct id id;
	struct device device;
	struct str was; /* hash of the identity before; empty: none */
};

static err_t
expected(struct tx *tx, struct binding *b, struct enrolling *ret)
{
	struct enrolling row;

	TRY(store_enrolling_get(tx, b->a, b->id, when_now(), &row));
	if (cert_not_before(b->cert) + DATED_BACK < row.created)
		FAIL(ERR_NOT_FOUND, "the certificate is older than what is expected");
	*ret = row;
	return OK;
}

static err_t
look(struct tx *tx, void *arg)
{
	struct enrolling row;

	return expected(tx, arg, &row);
}

/* The record there is, or a new one. */
static err_t
take_device(struct tx *tx, struct binding *b, const struct enrolling *row, bool *ret_new)
{
	struct device *d = &b->device;
	err_t e = store_device_get(tx, b->a, b->id, d);

	*ret_new = err_is(e, ERR_NOT_FOUND);
	if (*ret_new) {
		err_forget(e);
		*d = (struct device){ .id = b->id,
			.user = row->user,
			.platform = row->platform,
			.state = DEVICE_ACTIVE,
			.enrolled = when_now() };
		return OK;
	}
	TRY(e);
	if (d->state != DEVICE_ACTIVE)
		FAIL(ERR_DEVICE_RETIRED, "device %s", id_text(b->a, d->id));
	if (d->fence > row->fence)
		FAIL(ERR_ENROL_OVERTAKEN, "device %s", id_text(b->a, d->id));
	b->was = d->identity_sha256;
	return OK;
}

static err_t
bind(struct tx *tx, void *arg)
{
	struct binding *b = arg;
	struct device *d = &b->device;
	struct enrolling row;
	bool is_new;

	TRY(expected(tx, b, &row));
	TRY(take_device(tx, b, &row, &is_new));
	d->identity = cert_der(b->cert);
	d->identity_sha256 = str_of(cert_sha256(b->cert), 32);
	d->identity_not_after = cert_not_after(b->cert);
	d->fence = row.fence;
	d->last_seen = when_now();
	TRY(is_new ? store_device_insert(tx, d) : store_device_update(tx, d));
	TRY(store_enrolling_delete(tx, b->id));
	return store_audit_add(tx, "device", is_new ? "device.enrol" : "device.renew",
	    id_text(b->a, b->id),
	    is_new ? "" : arena_printf(b->a, "{\"certificate\":\"%s\"}", text_hex(b->a, b->was)),
	    arena_printf(b->a, "{\"certificate\":\"%s\"}", text_hex(b->a, d->identity_sha256)));
}

err_t
enrol_scep_bind(struct store *s, struct arena *a, struct str der, struct device *ret)
{
	auto_cert struct cert *cert = NULL;
	struct binding b = { .a = a };

	TRY(cert_parse(arena_str(a, der), &cert));
	b.cert = cert;
	TRY(device_named(a, cert, &b.id));
	/* Whoever comes with a certificate that nobody expects costs no more than a read. */
	TRY(store_read(s, look, &b));
	TRY(store_write(s, bind, &b));
	b.device.identity = arena_str(a, b.device.identity);
	b.device.identity_sha256 = arena_str(a, b.device.identity_sha256);
	*ret = b.device;
	return OK;
}
