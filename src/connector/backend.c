/* SPDX-License-Identifier: Apache-2.0 */
#include "connector/backend.h"

static const char *const names[] = {
	[OUTCOME_ISSUED] = "issued",
	[OUTCOME_REVOKED] = "revoked",
	[OUTCOME_PENDING] = "pending",
	[OUTCOME_REJECTED] = "rejected",
	[OUTCOME_UNREACHABLE] = "unreachable",
	[OUTCOME_MISCONFIGURED] = "misconfigured",
};

/* Errors that go away by themselves, and those that only this host's administrator can mend. All others need somebody
 * who changes the profile, the template or the device. */
static const struct {
	enum err_code code;
	enum outcome outcome;
} outcomes[] = {
	{ ERR_UNREACHABLE, OUTCOME_UNREACHABLE },
	{ ERR_TIMEOUT, OUTCOME_UNREACHABLE },
	{ ERR_IPC, OUTCOME_UNREACHABLE },
	{ ERR_BUSY, OUTCOME_UNREACHABLE },
	{ ERR_HANDLE, OUTCOME_UNREACHABLE },
	{ ERR_TLS, OUTCOME_MISCONFIGURED },
	{ ERR_NOT_JOINED, OUTCOME_MISCONFIGURED },
	{ ERR_FILE, OUTCOME_MISCONFIGURED },
	{ ERR_SYSTEM, OUTCOME_MISCONFIGURED },
};

const char *
outcome_name(enum outcome o)
{
	return names[o];
}

enum outcome
outcome_of(err_t e)
{
	for (size_t i = 0; i < COUNT(outcomes); i++)
		if (err_is(e, outcomes[i].code))
			return outcomes[i].outcome;
	return OUTCOME_REJECTED;
}

const struct backend *
backend_by_name(const char *name)
{
	for (size_t i = 0; i < backend_count; i++)
		if (str_eq_c(str_c(name), backend_table[i]->name))
			return backend_table[i];
	return NULL;
}
