/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "model/enrol.h"

static const struct str key1 = { (const uint8_t *)"key1key1key1key1key1key1key1key1", 32 };
static const struct str key2 = { (const uint8_t *)"key2key2key2key2key2key2key2key2", 32 };
static const struct str holder = { (const uint8_t *)"holdholdholdholdholdholdholdhold", 32 };

static const char *
code_for(struct world *w, enum code_kind kind)
{
	const char *code;
	struct code c;

	expect_ok(enrol_code_make(w->store, w->a, "admin", kind,
	    kind == CODE_DEVICE ? w->user.id : (struct id){ 0 }, 3600, &code, &c));
	return code;
}

static err_t
begin(struct world *w, enum code_kind kind, const char *code, struct str key, struct enrol *ret)
{
	return enrol_begin(w->store, w->a, kind, code, key, holder, "Corp Device Identity CA", ret);
}

static void
a_code_gives_an_order_for_an_identity_and_a_device(void **state)
{
	WORLD(state);
	struct device facts = { .name = "new", .platform = "linux" };
	struct enrol e;
	struct dn dn;

	expect_ok(begin(w, CODE_DEVICE, code_for(w, CODE_DEVICE), key1, &e));
	assert_true(id_eq(e.user, w->user.id));
	assert_string_equal(e.order.template, "DeviceIdentity");
	assert_string_equal(e.order.ca, "Corp Device Identity CA");
	assert_true(str_eq(e.order.spki, key1));
	assert_true(str_eq(e.order.holder, holder));
	assert_int_equal(e.order.key_usage, 0xa0);
	expect_ok(dn_decode(w->a, e.order.subject, &dn));
	assert_string_equal(dn_print(w->a, &dn),
	    arena_printf(w->a, "CN=%s, OU=Chancery Devices", id_text(w->a, e.id)));
	expect_ok(enrol_finish_device(w->store, &e, &facts, LIT("cert"), key2, MADE_NOW + 1000));
	w->device.id = e.id;
	assert_int_equal(world_checkin(w, NULL, 0, NULL), 1);
}

static void
the_same_key_may_begin_again_and_gets_the_same_id(void **state)
{
	WORLD(state);
	const char *code = code_for(w, CODE_DEVICE);
	struct device facts = { .name = "new", .platform = "linux" };
	struct enrol first, second;

	expect_ok(begin(w, CODE_DEVICE, code, key1, &first));
	when_set(MADE_NOW + 1);
	expect_ok(begin(w, CODE_DEVICE, code, key1, &second));
	assert_true(id_eq(first.id, second.id));
	assert_true(second.order.fence > first.order.fence);
	expect_ok(
	    enrol_finish_device(w->store, &second, &facts, LIT("cert"), key2, MADE_NOW + 1000));
	expect_ok(
	    enrol_finish_device(w->store, &second, &facts, LIT("cert"), key2, MADE_NOW + 1000));
}

static void
another_key_with_the_same_code_is_refused(void **state)
{
	WORLD(state);
	const char *code = code_for(w, CODE_DEVICE);
	struct enrol e;

	expect_ok(begin(w, CODE_DEVICE, code, key1, &e));
	expect_err(ERR_CODE, begin(w, CODE_DEVICE, code, key2, &e));
}

static void
wrong_codes_are_refused(void **state)
{
	WORLD(state);
	struct enrol e;

	expect_err(ERR_CODE, begin(w, CODE_DEVICE, "", key1, &e));
	expect_err(ERR_CODE, begin(w, CODE_DEVICE, "00000-00000-00000-00000", key1, &e));
	expect_err(ERR_CODE, begin(w, CODE_DEVICE, "UUUUU-UUUUU-UUUUU-UUUUU", key1, &e));
	expect_err(ERR_CODE, begin(w, CODE_DEVICE, code_for(w, CODE_CONNECTOR), key1, &e));
	expect_err(
	    ERR_BAD_REQUEST, begin(w, CODE_DEVICE, code_for(w, CODE_DEVICE), LIT("short"), &e));
}

struct standing {
	struct world *w;
	sem_t stands, go;
	_Atomic bool gone;
};

static err_t
stand(struct tx *tx, void *arg)
{
	struct standing *s = arg;
	struct timespec until;

	(void)tx;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 20;
	sem_post(&s->stands);
	(void)sem_timedwait(&s->go, &until);
	atomic_store(&s->gone, true);
	return OK;
}

static void *
hold_the_writer(void *arg)
{
	struct standing *s = arg;

	expect_ok(store_write(s->w->store, stand, s));
	return NULL;
}

static void
a_wrong_code_does_not_wait_for_the_writer(void **state)
{
	WORLD(state);
	struct standing s = { .w = w };
	pthread_t thread;
	struct enrol e;

	sem_init(&s.stands, 0, 0);
	sem_init(&s.go, 0, 0);
	assert_int_equal(pthread_create(&thread, NULL, hold_the_writer, &s), 0);
	assert_int_equal(sem_wait(&s.stands), 0);
	expect_err(ERR_CODE, begin(w, CODE_DEVICE, "00000-00000-00000-00000", key1, &e));
	assert_false(atomic_load(&s.gone));
	sem_post(&s.go);
	pthread_join(thread, NULL);
	sem_destroy(&s.stands);
	sem_destroy(&s.go);
}

static void
an_expired_code_is_refused(void **state)
{
	WORLD(state);
	const char *code = code_for(w, CODE_DEVICE);
	struct enrol e;

	when_set(MADE_NOW + 3600);
	expect_err(ERR_CODE, begin(w, CODE_DEVICE, code, key1, &e));
}

static void
a_code_may_be_typed_as_people_type(void **state)
{
	WORLD(state);
	char *code = arena_strdup(w->a, code_for(w, CODE_DEVICE));
	struct enrol e;

	for (char *p = code; *p != '\0'; p++) {
		if (*p == '-')
			*p = ' ';
		else if (*p == '0')
			*p = 'o';
		else if (*p == '1')
			*p = 'l';
		else if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	}
	expect_ok(begin(w, CODE_DEVICE, code, key1, &e));
}

static void
off(struct world *w, struct tx *tx)
{
	w->user.enabled = false;
	expect_ok(store_user_update(tx, &w->user));
}

static void
a_disabled_user_enrols_no_device(void **state)
{
	WORLD(state);
	const char *code = code_for(w, CODE_DEVICE);
	struct enrol e;

	world_write(w, off);
	expect_err(ERR_USER_DISABLED, begin(w, CODE_DEVICE, code, key1, &e));
}

static void
a_retired_device_does_not_come_back_by_its_code(void **state)
{
	WORLD(state);
	const char *code = code_for(w, CODE_DEVICE);
	struct device facts = { .name = "new", .platform = "linux" };
	struct enrol e;

	expect_ok(begin(w, CODE_DEVICE, code, key1, &e));
	expect_ok(enrol_finish_device(w->store, &e, &facts, LIT("cert"), key2, MADE_NOW + 1000));
	expect_ok(device_retire(w->store, w->a, "admin", e.id));
	expect_ok(device_retire(w->store, w->a, "admin", e.id));
	assert_int_equal(world_lines(w, "device.enrol", e.id), 1);
	assert_int_equal(world_lines(w, "device.retire", e.id), 1);
	expect_err(ERR_CODE, begin(w, CODE_DEVICE, code, key1, &e));
	expect_err(ERR_CODE,
	    enrol_finish_device(w->store, &e, &facts, LIT("cert"), key2, MADE_NOW + 1000));
}

static void
of_two_enrolments_at_once_the_later_order_stays_on_record(void **state)
{
	WORLD(state);
	const char *code = code_for(w, CODE_DEVICE), *ccode = code_for(w, CODE_CONNECTOR);
	struct device facts = { .name = "new", .platform = "linux" };
	struct connector cfacts = { .name = "C2", .machine = "m", .version = "1", .features = "" };
	struct str first = LIT("11111111111111111111111111111111");
	struct enrol e1, e2;

	expect_ok(begin(w, CODE_DEVICE, code, key1, &e1));
	when_set(MADE_NOW + 1);
	expect_ok(begin(w, CODE_DEVICE, code, key1, &e2));
	expect_ok(enrol_finish_device(w->store, &e2, &facts, LIT("two"), key2, MADE_NOW + 1000));
	expect_err(ERR_ENROL_OVERTAKEN,
	    enrol_finish_device(w->store, &e1, &facts, LIT("one"), first, MADE_NOW + 1000));
	expect_ok(enrol_finish_device(w->store, &e2, &facts, LIT("two"), key2, MADE_NOW + 1000));

	expect_ok(begin(w, CODE_CONNECTOR, ccode, key1, &e1));
	when_set(MADE_NOW + 2);
	expect_ok(begin(w, CODE_CONNECTOR, ccode, key1, &e2));
	expect_ok(enrol_finish_connector(w->store, &e2, &cfacts, LIT("two"), key2));
	expect_err(
	    ERR_ENROL_OVERTAKEN, enrol_finish_connector(w->store, &e1, &cfacts, LIT("one"), first));
}

static void
a_connector_enrols_with_its_own_template(void **state)
{
	WORLD(state);
	struct connector facts = {
		.name = "C2", .machine = "m", .version = "1", .features = "pkcs,revoke"
	};
	struct enrol e;

	expect_ok(begin(w, CODE_CONNECTOR, code_for(w, CODE_CONNECTOR), key1, &e));
	assert_string_equal(e.order.template, "ConnectorIdentity");
	assert_true(id_is_zero(e.order.device));
	expect_ok(enrol_finish_connector(w->store, &e, &facts, LIT("cert"), key2));
	expect_ok(enrol_finish_connector(w->store, &e, &facts, LIT("cert"), key2));
}

/* A certificate with the subject of the identity that this order is for. */
static struct str
identity_of(struct world *w, const struct order *o)
{
	struct issue_spec s = made_spec(w->a, "x", w->leaf_key);
	auto_cert struct cert *cert = NULL;

	s.subject = o->subject;
	cert = made_cert(w->a, &s, w->leaf_key);
	return arena_str(w->a, cert_der(cert));
}

static void
whose_an_identity_is_stands_in_its_name(void **state)
{
	WORLD(state);
	struct enrol e;
	struct order named = { .subject = made_name(w->a, "Chancery Connectors") };

	expect_ok(begin(w, CODE_CONNECTOR, code_for(w, CODE_CONNECTOR), key1, &e));
	assert_int_equal(enrol_kind_of(w->a, identity_of(w, &e.order)), CODE_CONNECTOR);
	expect_ok(begin(w, CODE_DEVICE, code_for(w, CODE_DEVICE), key1, &e));
	assert_int_equal(enrol_kind_of(w->a, identity_of(w, &e.order)), CODE_DEVICE);
	/* The name of another attribute, and what is no certificate. */
	assert_int_equal(enrol_kind_of(w->a, identity_of(w, &named)), CODE_DEVICE);
	assert_int_equal(enrol_kind_of(w->a, LIT("Chancery Connectors")), CODE_DEVICE);
	assert_int_equal(enrol_kind_of(w->a, STR_EMPTY), CODE_DEVICE);
}

static void
codes_do_not_repeat_and_look_like_codes(void **state)
{
	WORLD(state);
	const char *a = code_for(w, CODE_DEVICE), *b = code_for(w, CODE_DEVICE);

	assert_int_equal(strlen(a), 23);
	assert_int_equal(a[5], '-');
	assert_string_not_equal(a, b);
	assert_int_equal(strspn(a, "0123456789ABCDEFGHJKMNPQRSTVWXYZ-"), 23);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(a_code_gives_an_order_for_an_identity_and_a_device),
		IN_WORLD(the_same_key_may_begin_again_and_gets_the_same_id),
		IN_WORLD(another_key_with_the_same_code_is_refused),
		IN_WORLD(wrong_codes_are_refused),
		IN_WORLD(a_wrong_code_does_not_wait_for_the_writer),
		IN_WORLD(an_expired_code_is_refused),
		IN_WORLD(a_code_may_be_typed_as_people_type),
		IN_WORLD(a_disabled_user_enrols_no_device),
		IN_WORLD(a_retired_device_does_not_come_back_by_its_code),
		IN_WORLD(of_two_enrolments_at_once_the_later_order_stays_on_record),
		IN_WORLD(a_connector_enrols_with_its_own_template),
		IN_WORLD(whose_an_identity_is_stands_in_its_name),
		IN_WORLD(codes_do_not_repeat_and_look_like_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
