/* SPDX-License-Identifier: Apache-2.0 */
/* SCEP messages on their way. */
#include "world.h"

#include "model/relay.h"

static struct id request;

static void
a_request(struct world *w, struct tx *tx)
{
	struct slot s = { .id = id_new(),
		.device = w->device.id,
		.profile = w->pkcs_profile.id,
		.kind = "scep",
		.wanted = true,
		.state = STATUS_OFFERED };
	struct request r = { .id = id_new(),
		.slot = s.id,
		.device = w->device.id,
		.kind = REQUEST_ENROL,
		.state = REQUEST_OFFERED,
		.ca = "Corp Issuing CA",
		.created = 1,
		.updated = 1 };

	expect_ok(store_slot_insert(tx, &s));
	expect_ok(store_request_insert(tx, &r));
	w->connector.features = "relay";
	request = r.id;
}

static err_t
ask(struct world *w, struct id id, const char *operation, const char *message, struct relay *ret)
{
	return relay_ask(w->store, w->a, id, operation, str_c(message), ret);
}

static size_t
lease(struct world *w, size_t max, struct relay **ret)
{
	size_t n;

	expect_ok(relay_lease(w->store, w->a, &w->connector, max, ret, &n));
	return n;
}

static void
a_message_goes_to_a_connector_and_its_answer_comes_back(void **state)
{
	WORLD(state);
	struct relay row, *v;

	world_write(w, a_request);
	expect_ok(ask(w, request, "PKIOperation", "m", &row));
	assert_int_equal(row.state, RELAY_WAITING);
	assert_int_equal(lease(w, 4, &v), 1);
	assert_true(str_eq_c(v[0].message, "m"));
	assert_string_equal(v[0].ca, "Corp Issuing CA");
	assert_int_equal(lease(w, 4, &v), 0);
	expect_ok(relay_answer(w->store, w->a, &w->connector, row.id, 200, "t", LIT("answer")));
	expect_ok(ask(w, request, "PKIOperation", "m", &row));
	assert_int_equal(row.state, RELAY_ANSWERED);
	assert_true(str_eq_c(row.body, "answer"));
	assert_int_equal(row.status, 200);
}

static void
the_same_message_is_on_its_way_once(void **state)
{
	WORLD(state);
	struct relay one, two, *v;

	world_write(w, a_request);
	expect_ok(ask(w, request, "PKIOperation", "m", &one));
	expect_ok(ask(w, request, "PKIOperation", "m", &two));
	assert_true(id_eq(one.id, two.id));
	expect_ok(ask(w, request, "GetCACert", "", &two));
	assert_false(id_eq(one.id, two.id));
	assert_int_equal(lease(w, 4, &v), 2);
}

static void
what_is_no_request_of_a_device_is_not_carried(void **state)
{
	WORLD(state);
	struct relay row;

	world_write(w, a_request);
	expect_err(ERR_SCEP_ADDRESS, ask(w, id_new(), "GetCACert", "", &row));
}

static void
a_request_is_owned_by_its_device_alone(void **state)
{
	WORLD(state);

	world_write(w, a_request);
	expect_ok(relay_owned(w->store, w->a, request, w->device.id));
	expect_err(ERR_SCEP_ADDRESS, relay_owned(w->store, w->a, request, id_new()));
	expect_err(ERR_SCEP_ADDRESS, relay_owned(w->store, w->a, id_new(), w->device.id));
}

static void
another_connector_cannot_answer(void **state)
{
	WORLD(state);
	struct connector other = w->connector;
	struct relay row, *v;

	world_write(w, a_request);
	expect_ok(ask(w, request, "GetCACert", "", &row));
	expect_err(
	    ERR_NOT_FOUND, relay_answer(w->store, w->a, &w->connector, row.id, 200, "", STR_EMPTY));
	assert_int_equal(lease(w, 4, &v), 1);
	other.id = id_new();
	expect_err(ERR_NOT_FOUND, relay_answer(w->store, w->a, &other, row.id, 200, "", STR_EMPTY));
	expect_ok(relay_answer(w->store, w->a, &w->connector, row.id, 200, "", STR_EMPTY));
	expect_err(
	    ERR_NOT_FOUND, relay_answer(w->store, w->a, &w->connector, row.id, 200, "", STR_EMPTY));
}

static size_t
lease_for(struct world *w, const struct connector *c)
{
	struct relay *v;
	size_t n;

	expect_ok(relay_sweep(w->store));
	expect_ok(relay_lease(w->store, w->a, c, 4, &v, &n));
	return n;
}

static void
a_message_that_lies_with_a_connector_is_given_once_more_and_the_first_answer_counts(void **state)
{
	WORLD(state);
	struct connector other = w->connector, third = w->connector;
	struct relay row;

	world_write(w, a_request);
	other.features = third.features = w->connector.features;
	other.id = id_new();
	third.id = id_new();
	expect_ok(ask(w, request, "PKIOperation", "m", &row));
	assert_int_equal(lease_for(w, &w->connector), 1);
	when_set(MADE_NOW + RELAY_PATIENCE - 1);
	assert_int_equal(lease_for(w, &other), 0);
	when_set(MADE_NOW + RELAY_PATIENCE);
	assert_int_equal(lease_for(w, &other), 1);
	when_set(MADE_NOW + 2 * RELAY_PATIENCE);
	assert_int_equal(lease_for(w, &third), 0);
	expect_err(ERR_NOT_FOUND, relay_answer(w->store, w->a, &third, row.id, 200, "", STR_EMPTY));
	expect_ok(relay_answer(w->store, w->a, &w->connector, row.id, 200, "t", LIT("late")));
	expect_err(ERR_NOT_FOUND, relay_answer(w->store, w->a, &other, row.id, 200, "", LIT("x")));
	expect_ok(ask(w, request, "PKIOperation", "m", &row));
	assert_true(str_eq_c(row.body, "late"));
}

static void
what_was_given_back_and_is_over_begins_anew(void **state)
{
	WORLD(state);
	struct relay row;

	world_write(w, a_request);
	expect_ok(ask(w, request, "GetCACert", "", &row));
	assert_int_equal(lease_for(w, &w->connector), 1);
	when_set(MADE_NOW + RELAY_PATIENCE);
	assert_int_equal(lease_for(w, &w->connector), 1);
	when_set(MADE_NOW + RELAY_LIFE);
	expect_ok(ask(w, request, "GetCACert", "", &row));
	assert_int_equal(lease_for(w, &w->connector), 1);
	when_set(MADE_NOW + RELAY_LIFE + RELAY_PATIENCE);
	assert_int_equal(lease_for(w, &w->connector), 1);
}

static void
a_connector_gets_messages_for_its_cas_and_with_the_feature_only(void **state)
{
	WORLD(state);
	struct relay row, *v;

	world_write(w, a_request);
	expect_ok(ask(w, request, "GetCACert", "", &row));
	w->connector.features = "pkcs,revoke,scep";
	assert_int_equal(lease(w, 4, &v), 0);
	w->connector.features = "relay";
	w->connector.cas = "Another CA";
	assert_int_equal(lease(w, 4, &v), 0);
	w->connector.cas = "Another CA,corp issuing ca";
	assert_int_equal(lease(w, 0, &v), 0);
	assert_int_equal(lease(w, 4, &v), 1);
}

static void
how_many_are_on_their_way_for_one_request_is_bounded(void **state)
{
	WORLD(state);
	struct relay row;

	world_write(w, a_request);
	for (unsigned i = 0; i < LIMIT_RELAYS_EACH; i++)
		expect_ok(
		    ask(w, request, "PKIOperation", arena_printf(w->a, "message %u", i), &row));
	expect_err(ERR_BUSY, ask(w, request, "PKIOperation", "one more", &row));
	when_set(MADE_NOW + RELAY_LIFE);
	expect_ok(relay_sweep(w->store));
	expect_ok(ask(w, request, "PKIOperation", "one more", &row));
}

static void
what_is_over_is_neither_taken_nor_answered(void **state)
{
	WORLD(state);
	struct relay row, *v;

	world_write(w, a_request);
	expect_ok(ask(w, request, "GetCACert", "", &row));
	when_set(MADE_NOW + RELAY_LIFE);
	assert_int_equal(lease(w, 4, &v), 0);
	expect_ok(ask(w, request, "GetCACert", "", &row));
	assert_int_equal(row.state, RELAY_WAITING);
	assert_int_equal(lease(w, 4, &v), 1);
}

static void
what_was_answered_is_not_kept_without_end(void **state)
{
	WORLD(state);
	struct relay row, *v;

	world_write(w, a_request);
	for (unsigned i = 0; i < LIMIT_RELAYS_KEPT; i++) {
		expect_ok(ask(w, request, "PKIOperation", arena_printf(w->a, "m%u", i), &row));
		assert_int_equal(lease(w, 1, &v), 1);
		expect_ok(relay_answer(
		    w->store, w->a, &w->connector, v[0].id, 200, "text/plain", LIT("answer")));
	}
	expect_err(ERR_BUSY, ask(w, request, "PKIOperation", "one more", &row));
	when_set(MADE_NOW + RELAY_LIFE + 1);
	expect_ok(relay_sweep(w->store));
	expect_ok(ask(w, request, "PKIOperation", "one more", &row));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(a_message_goes_to_a_connector_and_its_answer_comes_back),
		IN_WORLD(the_same_message_is_on_its_way_once),
		IN_WORLD(what_is_no_request_of_a_device_is_not_carried),
		IN_WORLD(a_request_is_owned_by_its_device_alone),
		IN_WORLD(another_connector_cannot_answer),
		IN_WORLD(
		    a_message_that_lies_with_a_connector_is_given_once_more_and_the_first_answer_counts),
		IN_WORLD(what_was_given_back_and_is_over_begins_anew),
		IN_WORLD(a_connector_gets_messages_for_its_cas_and_with_the_feature_only),
		IN_WORLD(how_many_are_on_their_way_for_one_request_is_bounded),
		IN_WORLD(what_is_over_is_neither_taken_nor_answered),
		IN_WORLD(what_was_answered_is_not_kept_without_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
