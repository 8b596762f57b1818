/* SPDX-License-Identifier: Apache-2.0 */
/* Any JSON as what an agent says: a check-in, and the facts of an enrolment. */
#include <assert.h>

#include "base/limits.h"
#include "device/agent_msg.h"
#include "model/inventory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
expect_bounded(const struct agent_checkin *c)
{
	const struct report *r = &c->report;

	assert(c->wait >= 0 && c->wait <= AGENT_WAIT_MAX);
	assert(r->nitems <= LIMIT_INVENTORY && r->nresults <= LIMIT_RESULTS);
	for (size_t i = 0; i < r->nitems; i++)
		assert(strlen(r->items[i].alias) <= LIMIT_TEXT &&
		    (r->items[i].sha256.n == 0 || r->items[i].sha256.n == 32));
	for (size_t i = 0; i < r->nresults; i++)
		assert(strlen(r->results[i].id) <= LIMIT_TEXT && r->results[i].status != 0);
}

/* What is kept of an inventory is read again as it was. */
static void
keep(struct arena *a, const struct report *r)
{
	struct holdings has;
	const char *text;

	assert(err_ok(inventory_print(a, r->items, r->nitems, &text)));
	assert(err_ok(inventory_parse(a, text, &has)));
	for (size_t i = 0; i < r->nitems; i++)
		assert(inventory_find(&has, r->items[i].alias) != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *a = arena_new();
	auto_json json *msg = NULL;
	struct agent_checkin c;
	struct device d = { 0 };
	err_t e;

	if (size > 20000)
		return 0;
	e = json_parse(str_of(data, size), 20000, &msg);
	if (err_ok(e))
		e = agent_checkin_read(a, msg, &c);
	if (err_ok(e)) {
		expect_bounded(&c);
		if (c.report.has_inventory)
			keep(a, &c.report);
	}
	err_forget(e);
	if (msg != NULL) {
		e = agent_platform_read(json_get(msg, "facts"), &d);
		assert(!err_ok(e) || d.platform != NULL);
		err_forget(e);
	}
	return 0;
}
