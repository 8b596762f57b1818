/* SPDX-License-Identifier: Apache-2.0 */
/* What a failure means for the request that it happened to. */
#include "../expect.h"

#include "connector/backend.h"
#include "connector/hresult.h"

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
		ERR_STORE, ERR_INTERNAL, ERR_THROTTLED };

	(void)state;
	for (size_t i = 0; i < COUNT(codes); i++)
		assert_int_equal(outcome_for(err_raise(&(struct err_report){ .code = codes[i] })),
		    OUTCOME_UNREACHABLE);
}

static void
what_a_person_must_mend_is_rejected(void **state)
{
	static const enum err_code codes[] = { ERR_CA_DENIED, ERR_KEY_MISMATCH, ERR_UNSUPPORTED,
		ERR_EXPIRED, ERR_CHAIN, ERR_BAD_REQUEST, ERR_ORDER_KEY, ERR_CA_NO_REVOKE,
		ERR_CA_ACCESS, ERR_CA_OUTCOME, ERR_CA_UNUSED, ERR_CA_APPROVAL };

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

/* The numbers of the reference's table, and what a person must hear of each. */
static void
every_number_of_a_ca_has_its_plain_fault(void **state)
{
	static const struct {
		uint32_t from, to;
	} known[] = { { 0x80094001, 0x80094006 }, { 0x80094008, 0x8009400C },
		{ 0x8009400E, 0x8009400E }, { 0x80094011, 0x80094012 }, { 0x80094014, 0x80094014 },
		{ 0x80094800, 0x80094807 }, { 0x80094809, 0x80094817 }, { 0x8009481A, 0x8009481A },
		{ 0x80070005, 0x80070005 }, { 0x8007052E, 0x8007052E }, { 0x80070057, 0x80070057 },
		{ 0x8007000D, 0x8007000D }, { 0x800706BA, 0x800706BA }, { 0x80091004, 0x80091004 },
		{ 0x80092020, 0x80092024 }, { 0x8009310B, 0x8009310B } };

	(void)state;
	for (size_t i = 0; i < COUNT(known); i++)
		for (uint32_t n = known[i].from; n <= known[i].to; n++) {
			const struct hresult *h = hresult_find(n);

			if (h == NULL)
				fail_msg("0x%08X", (unsigned)n);
			assert_true(strlen(err_info(h->code)->text) > 0);
			assert_true(strlen(err_info(h->code)->hint) > 0);
		}
	assert_null(hresult_find(0x80094007));
	assert_null(hresult_find(0));
}

static void
only_what_passes_by_itself_is_said_to(void **state)
{
	static const struct {
		uint32_t number;
		enum err_code code;
		bool passes;
	} rows[] = {
		{ 0x80094800, ERR_TEMPLATE_UNKNOWN, false },
		{ 0x80094012, ERR_TEMPLATE_DENIED, false },
		{ 0x80094011, ERR_CA_ENROL_DENIED, false },
		{ 0x80094811, ERR_KEY_SIZE, false },
		{ 0x80094001, ERR_CA_SUBJECT, false },
		{ 0x80094807, ERR_CA_VERSION, true },
		{ 0x80094006, ERR_CA_SUSPENDED, true },
		{ 0x800706BA, ERR_UNREACHABLE, true },
		{ 0x800706BE, ERR_CA_OUTCOME, false },
		{ 0x800706BF, ERR_UNREACHABLE, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(hresult_find(rows[i].number)->code, rows[i].code);
		assert_int_equal(hresult_find(rows[i].number)->passes, rows[i].passes);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_passes_by_itself_is_tried_again),
		cmocka_unit_test(what_a_person_must_mend_is_rejected),
		cmocka_unit_test(what_this_host_lacks_is_misconfigured),
		cmocka_unit_test(every_number_of_a_ca_has_its_plain_fault),
		cmocka_unit_test(only_what_passes_by_itself_is_said_to),
		cmocka_unit_test(a_status_without_an_answer_is_a_denial_or_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
