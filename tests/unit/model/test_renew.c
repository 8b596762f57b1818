/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "base/limits.h"
#include "model/renew.h"

static const struct str new_key = { (const uint8_t *)"key1key1key1key1key1key1key1key1", 32 };
static const struct str hash1 = { (const uint8_t *)"new1new1new1new1new1new1new1new1", 32 };
static const struct str hash2 = { (const uint8_t *)"new2new2new2new2new2new2new2new2", 32 };
static const struct str holder = { (const uint8_t *)"holdholdholdholdholdholdholdhold", 32 };

static struct enrol
begun(struct world *w, enum code_kind kind)
{
	struct enrol e;

	expect_ok(renew_begin(w->a, kind, kind == CODE_DEVICE ? w->device.id : w->connector.id,
	    kind == CODE_DEVICE ? w->user.id : (struct id){ 0 }, new_key, holder,
	    "Corp Device Identity CA", &e));
	return e;
}

struct lookup {
	struct world *w;
	struct str sha256;
	struct device device;
	struct connector connector;
};

static err_t
find_device(struct tx *tx, void *arg)
{
	struct lookup *l = arg;

	return store_device_by_identity(tx, l->w->a, l->sha256, &l->device);
}

static err_t
device_by(struct world *w, struct str sha256)
{
	struct lookup l = { .w = w, .sha256 = sha256 };

	return store_read(w->store, find_device, &l);
}

static err_t
find_connector(struct tx *tx, void *arg)
{
	struct lookup *l = arg;

	return store_connector_by_identity(tx, l->w->a, l->sha256, &l->connector);
}

static err_t
connector_by(struct world *w, struct str sha256)
{
	struct lookup l = { .w = w, .sha256 = sha256 };

	return store_read(w->store, find_connector, &l);
}

static void
the_order_is_that_of_an_enrolment_under_the_same_id(void **state)
{
	WORLD(state);
	struct enrol e = begun(w, CODE_DEVICE);
	struct dn dn;

	assert_true(id_eq(e.order.id, w->device.id));
	assert_true(id_eq(e.order.device, w->device.id));
	assert_true(id_eq(e.order.user, w->user.id));
	assert_string_equal(e.order.template, "DeviceIdentity");
	assert_int_equal(e.order.key_usage, 0xa0);
	assert_true(str_eq(e.order.spki, new_key));
	expect_ok(dn_decode(w->a, e.order.subject, &dn));
	assert_string_equal(dn_print(w->a, &dn),
	    arena_printf(w->a, "CN=%s, OU=Chancery Devices", id_text(w->a, w->device.id)));
	e = begun(w, CODE_CONNECTOR);
	assert_string_equal(e.order.template, "ConnectorIdentity");
	assert_true(id_is_zero(e.order.device));
	expect_err(ERR_BAD_REQUEST,
	    renew_begin(
		w->a, CODE_DEVICE, w->device.id, w->user.id, LIT("short"), holder, "CA", &e));
}

static void
the_old_identity_is_good_until_the_new_one_is_used_and_then_refused(void **state)
{
	WORLD(state);
	struct enrol e = begun(w, CODE_DEVICE);
	struct device d;

	expect_ok(renew_finish(w->store, &e, LIT("cert"), hash1, MADE_NOW + 1000));
	expect_ok(device_by(w, w->device.identity_sha256));
	expect_err(ERR_NOT_FOUND, device_by(w, hash1));
	expect_err(ERR_NOT_FOUND, renew_used_device(w->store, w->a, hash2, &d));
	expect_ok(device_by(w, w->device.identity_sha256));
	expect_ok(renew_used_device(w->store, w->a, hash1, &d));
	assert_true(id_eq(d.id, w->device.id));
	assert_true(str_eq(d.identity, LIT("cert")));
	assert_int_equal(d.identity_not_after, MADE_NOW + 1000);
	expect_ok(device_by(w, hash1));
	expect_err(ERR_NOT_FOUND, device_by(w, w->device.identity_sha256));
	expect_err(ERR_NOT_FOUND, renew_used_device(w->store, w->a, hash1, &d));
	assert_int_equal(world_lines(w, "device.renew", w->device.id), 1);
}

static void
a_later_renewal_takes_the_place_of_one_that_was_not_used(void **state)
{
	WORLD(state);
	struct enrol first = begun(w, CODE_DEVICE), second;
	struct device d;

	when_set(MADE_NOW + 1);
	second = begun(w, CODE_DEVICE);
	expect_ok(renew_finish(w->store, &second, LIT("second"), hash2, MADE_NOW + 1000));
	expect_err(ERR_ENROL_OVERTAKEN,
	    renew_finish(w->store, &first, LIT("first"), hash1, MADE_NOW + 1000));
	expect_err(ERR_NOT_FOUND, renew_used_device(w->store, w->a, hash1, &d));
	expect_ok(renew_used_device(w->store, w->a, hash2, &d));
	expect_err(ERR_ENROL_OVERTAKEN,
	    renew_finish(w->store, &first, LIT("first"), hash1, MADE_NOW + 1000));
}

static void
a_connector_renews_alike_and_keeps_what_it_said(void **state)
{
	WORLD(state);
	struct enrol e = begun(w, CODE_CONNECTOR);
	struct connector c;
	struct device d;

	expect_ok(renew_finish(w->store, &e, LIT("cert"), hash1, MADE_NOW + 1000));
	expect_err(ERR_NOT_FOUND, renew_used_device(w->store, w->a, hash1, &d));
	expect_ok(connector_by(w, w->connector.identity_sha256));
	expect_ok(renew_used_connector(w->store, w->a, hash1, &c));
	assert_string_equal(c.cas, w->connector.cas);
	assert_true(str_eq(c.holder, w->connector.holder));
	expect_ok(connector_by(w, hash1));
	expect_err(ERR_NOT_FOUND, connector_by(w, w->connector.identity_sha256));
}

static void
a_device_gets_so_many_new_identities_a_day(void **state)
{
	WORLD(state);
	when_t today = MADE_NOW, tomorrow = MADE_NOW + 86400;

	for (unsigned i = 0; i < LIMIT_RENEWALS; i++)
		expect_ok(renew_count(w->store, w->a, w->device.id, today));
	expect_err(ERR_RENEWALS, renew_count(w->store, w->a, w->device.id, today));
	expect_err(ERR_RENEWALS, renew_count(w->store, w->a, w->device.id, today));
	/* What came to nothing does not count, and the next day counts anew. */
	expect_ok(renew_uncount(w->store, w->device.id, today));
	expect_ok(renew_count(w->store, w->a, w->device.id, today));
	expect_err(ERR_RENEWALS, renew_count(w->store, w->a, w->device.id, today));
	for (unsigned i = 0; i < LIMIT_RENEWALS; i++)
		expect_ok(renew_count(w->store, w->a, w->device.id, tomorrow));
	expect_ok(renew_uncount(w->store, w->device.id, today));
	expect_err(ERR_RENEWALS, renew_count(w->store, w->a, w->device.id, tomorrow));
}

static void
who_is_not_on_record_cannot_renew(void **state)
{
	WORLD(state);
	struct enrol e;

	expect_ok(renew_begin(w->a, CODE_DEVICE, id_new(), w->user.id, new_key, holder, "CA", &e));
	expect_err(ERR_NOT_FOUND, renew_finish(w->store, &e, LIT("cert"), hash1, MADE_NOW + 1000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(the_order_is_that_of_an_enrolment_under_the_same_id),
		IN_WORLD(the_old_identity_is_good_until_the_new_one_is_used_and_then_refused),
		IN_WORLD(a_later_renewal_takes_the_place_of_one_that_was_not_used),
		IN_WORLD(a_connector_renews_alike_and_keeps_what_it_said),
		IN_WORLD(a_device_gets_so_many_new_identities_a_day),
		IN_WORLD(who_is_not_on_record_cannot_renew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
