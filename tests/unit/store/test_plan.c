/* SPDX-License-Identifier: Apache-2.0 */
/* Every statement is valid, and those that run all the time go through an index. */
#include "scratch.h"

#include <sqlite3.h>

#include "store/schema.h"

static sqlite3 *
schema_load(const struct migration *v, size_t n)
{
	sqlite3 *h = NULL;

	assert_int_equal(sqlite3_open(":memory:", &h), SQLITE_OK);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(sqlite3_exec(h, v[i].sql, NULL, NULL, NULL), SQLITE_OK);
	return h;
}

static bool
is_valid(sqlite3 *h, enum stmt_id q)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(h, stmt_sql(q), -1, &st, NULL);

	sqlite3_finalize(st);
	return rc == SQLITE_OK;
}

/* A step that reads the whole of one of the schema's tables; its own lists (g, n, split) are small. */
static bool
step_scans(const char *step, const char *const *tables, size_t n)
{
	char want[64];

	for (size_t i = 0; i < n; i++) {
		snprintf(want, sizeof(want), "SCAN %s", tables[i]);
		if (strncmp(step, want, strlen(want)) == 0)
			return true;
	}
	return false;
}

static void
uses_index(sqlite3 *h, enum stmt_id q)
{
	/* r, q, a, m, p, h: the names that tables have inside statements */
	static const char *const tables[] = { "users", "groups", "members", "devices", "connectors",
		"codes", "profiles", "assignments", "slots", "requests", "events", "logins",
		"issued", "orders", "principals", "cas", "templates", "r", "q", "a", "m", "p" };
	char sql[4096];
	sqlite3_stmt *st = NULL;

	snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s", stmt_sql(q));
	assert_int_equal(sqlite3_prepare_v2(h, sql, -1, &st, NULL), SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW) {
		const char *step = (const char *)sqlite3_column_text(st, 3);

		if (step_scans(step, tables, COUNT(tables)))
			fail_msg("%s: %s", stmt_name(q), step);
	}
	sqlite3_finalize(st);
}

static void
every_statement_is_valid_in_one_of_the_schemas(void **state)
{
	sqlite3 *service = schema_load(schema_service, schema_service_count);
	sqlite3 *ca = schema_load(schema_ca, schema_ca_count);

	(void)state;
	for (enum stmt_id q = 0; q < STMT_COUNT; q++)
		if (!is_valid(service, q) && !is_valid(ca, q))
			fail_msg("%s: %s; %s", stmt_name(q), sqlite3_errmsg(service),
			    sqlite3_errmsg(ca));
	sqlite3_close(service);
	sqlite3_close(ca);
}

static void
frequent_statements_of_the_service_scan_no_table(void **state)
{
	static const enum stmt_id frequent[] = { STMT_REQUEST_LEASE, STMT_REQUEST_OF_SLOT,
		STMT_REQUEST_GET, STMT_REQUEST_MOVE, STMT_REQUEST_MOVE_REST, STMT_DEVICE_SHOWN,
		STMT_REQUEST_EXPIRE, STMT_REQUEST_NEXT_DUE, STMT_PROFILES_FOR, STMT_GROUPS_OF,
		STMT_DEVICE_BY_IDENTITY, STMT_DEVICE_GET, STMT_DEVICE_SEEN, STMT_DEVICE_OF_USER,
		STMT_CONNECTOR_BY_IDENTITY, STMT_CODE_USE, STMT_CODE_BY_HASH, STMT_SLOTS_OF_DEVICE,
		STMT_SLOT_FIND, STMT_SLOT_GET, STMT_SLOT_UPDATE, STMT_SLOT_LIST_PROFILE,
		STMT_SLOT_LIST_DEVICE, STMT_EVENT_LIST, STMT_USER_BY_UPN, STMT_MEMBER_LIST,
		STMT_MEMBER_FORGET, STMT_LOGIN_BY_CODE, STMT_LOGIN_BY_USER_CODE, STMT_LOGIN_FORGET,
		STMT_PROFILE_GET, STMT_ASSIGN_LIST, STMT_ASSIGN_FORGET, STMT_DEVICE_DUE,
		STMT_DEVICE_LEFT, STMT_DEVICE_ENDED, STMT_DEVICE_LOOKED, STMT_EVENT_REPEAT,
		STMT_REQUESTS_OF_SLOT, STMT_REQUEST_FORGET, STMT_REQUEST_STUCK, STMT_REQUEST_PRUNE,
		STMT_SLOT_WAY_STATE, STMT_SLOT_WAY_PROFILE, STMT_SLOT_WAY_PROFILE_STATE,
		STMT_SLOT_WAY_DEVICE, STMT_SLOT_WAY_USER, STMT_SLOT_WAY_SERIAL,
		STMT_SLOT_WAY_THUMBPRINT, STMT_SLOT_WAY_CERT, STMT_SLOT_WAY_ENDS,
		STMT_SLOT_BY_NUMBER, STMT_SLOTS_ENDED, STMT_SLOTS_GONE, STMT_SLOT_DELETE,
		STMT_SLOT_REQUESTS_DELETE, STMT_SLOT_EVENTS_DELETE, STMT_SLOT_EVENTS_COUNT_UP,
		STMT_EVENT_FORGET, STMT_SLOT_COUNTS_OF, STMT_SLOT_USERS, STMT_SLOT_USER_COUNTS,
		STMT_SLOT_TEXT_HAS, STMT_ROLLOUT_HOLDING, STMT_ROLLOUT_OF, STMT_ROLLOUT_SLOTS,
		STMT_VERSION_NEWEST, STMT_VERSION_LIST };
	sqlite3 *h = schema_load(schema_service, schema_service_count);

	(void)state;
	for (size_t i = 0; i < COUNT(frequent); i++)
		uses_index(h, frequent[i]);
	sqlite3_close(h);
}

static void
frequent_statements_of_a_ca_scan_no_table(void **state)
{
	static const enum stmt_id frequent[] = { STMT_ISSUED_GET, STMT_ISSUED_BY_ORDER,
		STMT_ISSUED_BY_CERT, STMT_ISSUED_BY_SERIAL, STMT_CRL_ITEMS, STMT_CRL_CHANGES,
		STMT_CRL_HEAD, STMT_ISSUED_STATUS, STMT_ISSUED_UPDATE, STMT_ORDER_STATE_GET,
		STMT_ORDER_STATE_PUT, STMT_PRINCIPAL_BY_CERT, STMT_CA_GET, STMT_TEMPLATE_GET,
		STMT_CRL_SHARD_ITEMS, STMT_CRL_SHARDS_DUE, STMT_ISSUED_SHARD,
		STMT_TEMPLATE_RIGHT_GET, STMT_TEMPLATE_RIGHTS_OF, STMT_PRINCIPAL_GROUPS };
	sqlite3 *h = schema_load(schema_ca, schema_ca_count);

	(void)state;
	for (size_t i = 0; i < COUNT(frequent); i++)
		uses_index(h, frequent[i]);
	sqlite3_close(h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_statement_is_valid_in_one_of_the_schemas),
		cmocka_unit_test(frequent_statements_of_the_service_scan_no_table),
		cmocka_unit_test(frequent_statements_of_a_ca_scan_no_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
