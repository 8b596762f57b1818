/* SPDX-License-Identifier: Apache-2.0 */
/* What a failure means for the request that it happened to. */
#include "../expect.h"

#include "connector/backend.h"

static enum outcome
outcome_for(err_t e)
{
	enum outcome o = outcome_of(e);

	err_forget(e);
	return o;
}

static void
what_passes_by_itself_is_tried_again(void **state)
{
	static const enum err_code codes[] = { ERR_UNREACHABLE, ERR_TIMEOUT, ERR_IPC, ERR_BUSY,
		ERR_HANDLE, ERR_HTTP_STATUS, ERR_XML, ERR_JSON, ERR_MALFORMED, ERR_CRYPTO,
		ERR_STORE, ERR_INTERNAL };

	(void)state;
	for (size_t i = 0; i < COUNT(codes); i++)
		assert_int_equal(outcome_for(err_raise(&(struct err_report){ .code = codes[i] })),
		    OUTCOME_UNREACHABLE);
}

static void
what_a_person_must_mend_is_rejected(void **state)
{
	static const enum err_code codes[] = { ERR_CA_DENIED, ERR_KEY_MISMATCH, ERR_UNSUPPORTED,
		ERR_EXPIRED, ERR_CHAIN, ERR_BAD_REQUEST, ERR_ORDER_KEY };

	(void)state;
	for (size_t i = 0; i < COUNT(codes); i++)
		assert_int_equal(outcome_for(err_raise(&(struct err_report){ .code = codes[i] })),
		    OUTCOME_REJECTED);
}

static void
what_this_host_lacks_is_misconfigured(void **state)
{
	static const enum err_code codes[] = { ERR_TLS, ERR_NOT_JOINED, ERR_FILE, ERR_SYSTEM };

	(void)state;
	for (size_t i = 0; i < COUNT(codes); i++)
		assert_int_equal(outcome_for(err_raise(&(struct err_report){ .code = codes[i] })),
		    OUTCOME_MISCONFIGURED);
}

static void
a_status_without_an_answer_is_a_denial_or_passes(void **state)
{
	static const struct {
		int status;
		enum outcome outcome;
	} rows[] = {
		{ 302, OUTCOME_UNREACHABLE },
		{ 400, OUTCOME_REJECTED },
		{ 401, OUTCOME_REJECTED },
		{ 403, OUTCOME_REJECTED },
		{ 404, OUTCOME_REJECTED },
		{ 408, OUTCOME_UNREACHABLE },
		{ 429, OUTCOME_UNREACHABLE },
		{ 500, OUTCOME_UNREACHABLE },
		{ 502, OUTCOME_UNREACHABLE },
		{ 504, OUTCOME_UNREACHABLE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(
		    outcome_for(outcome_http("test", rows[i].status, "")), rows[i].outcome);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_passes_by_itself_is_tried_again),
		cmocka_unit_test(what_a_person_must_mend_is_rejected),
		cmocka_unit_test(what_this_host_lacks_is_misconfigured),
		cmocka_unit_test(a_status_without_an_answer_is_a_denial_or_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
