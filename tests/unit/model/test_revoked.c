/* SPDX-License-Identifier: Apache-2.0 */
#include "model/revoked.h"

#include "world.h"

static size_t
tell(struct world *w, const struct connector *c, struct id request, const char *serial)
{
	struct revoked_item x = { request, serial, 1 };
	size_t n;

	expect_ok(revoked_take(w->store, w->a, c, &x, 1, &n));
	return n;
}

static void
what_the_device_holds_is_asked_for_anew(void **state)
{
	WORLD(state);
	struct request first;
	struct job j;

	world_install(w);
	first = world_newest(w, "pkcs");
	assert_int_equal(tell(w, &w->connector, first.id, first.serial), 1);
	assert_int_equal(world_checkin(w, NULL, 0, NULL), 0);
	j = world_job(w);
	assert_int_equal(j.kind, REQUEST_ISSUE);
	assert_false(id_eq(j.request, first.id));
}

static void
what_is_on_its_way_is_withdrawn(void **state)
{
	WORLD(state);
	struct request first;
	struct command *v;
	struct job j;

	assert_int_equal(world_checkin(w, NULL, 0, &v), 1);
	world_obey(w, &v[0], NULL);
	j = world_job(w);
	world_finish(w, &j, JOB_ISSUED);
	first = world_newest(w, "pkcs");
	assert_int_equal(first.state, REQUEST_READY);
	assert_int_equal(tell(w, &w->connector, first.id, first.serial), 1);
	assert_int_equal(world_checkin(w, NULL, 0, NULL), 0); /* nothing to deliver */
}

static void
said_twice_it_changes_nothing_more(void **state)
{
	WORLD(state);
	struct request first;

	world_install(w);
	first = world_newest(w, "pkcs");
	assert_int_equal(tell(w, &w->connector, first.id, first.serial), 1);
	assert_int_equal(tell(w, &w->connector, first.id, first.serial), 0);
	world_checkin(w, NULL, 0, NULL);
	assert_int_equal(tell(w, &w->connector, first.id, first.serial), 0);
}

static void
another_serial_an_unknown_request_or_a_connector_of_another_ca_change_nothing(void **state)
{
	WORLD(state);
	struct connector stranger = w->connector;
	struct request first;

	world_install(w);
	first = world_newest(w, "pkcs");
	stranger.cas = "Another CA";
	assert_int_equal(tell(w, &w->connector, first.id, "00"), 0);
	assert_int_equal(tell(w, &w->connector, id_new(), first.serial), 0);
	assert_int_equal(tell(w, &stranger, first.id, first.serial), 0);
	assert_string_equal(world_word(w, "pkcs"), "installed");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(what_the_device_holds_is_asked_for_anew),
		IN_WORLD(what_is_on_its_way_is_withdrawn),
		IN_WORLD(said_twice_it_changes_nothing_more),
		IN_WORLD(
		    another_serial_an_unknown_request_or_a_connector_of_another_ca_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
