/* SPDX-License-Identifier: Apache-2.0 */
#include "device/carry.h"

#include "base/text.h"

#define WAIT_MS 25000

static void
count(struct http_req *r, enum relay_outcome o)
{
	struct device_edge *edge = http_ctx(r);

	edge_count_relay(edge->count, o, when_mono_ms() - http_arrived_ms(r));
}

/* What cannot even be put on its way. */
static err_t
refuse(struct http_req *r, err_t e)
{
	if (err_is(e, ERR_BUSY))
		count(r, RELAY_FULL);
	if (err_is(e, ERR_SCEP_ADDRESS))
		count(r, RELAY_NOWHERE);
	return e;
}

err_t
carry_address(struct http_req *r, struct id *ret)
{
	const char *name = http_param(r, "request");
	err_t e = id_parse(str_c(name), ret);

	if (err_ok(e))
		return OK;
	err_forget(e);
	FAIL(ERR_SCEP_ADDRESS, "%s", text_safe(http_arena(r), str_c(name)));
}

err_t
carry(struct http_req *r, struct id request, const char *operation, struct str message,
    struct relay *ret, bool *ret_there)
{
	struct device_edge *edge = http_ctx(r);
	struct relay row;
	err_t e = relay_ask(edge->store, http_arena(r), request, operation, message, &row);

	if (!err_ok(e))
		return refuse(r, e);
	if (row.state == RELAY_ANSWERED) {
		count(r, row.status == 503 ? RELAY_UNREACHABLE : RELAY_CARRIED);
		if (row.status == 503)
			FAIL(ERR_SCEP_RELAY, "%s", "a connector could not reach the authority");
		*ret = row;
		*ret_there = true;
		return OK;
	}
	if (http_late(r)) {
		count(r, RELAY_LATE);
		FAIL(ERR_SCEP_RELAY, "request %s at %s", id_text(http_arena(r), request), row.ca);
	}
	*ret_there = false;
	return http_park(r, TOPIC_RELAY, id_str(&row.id), http_arrived_ms(r) + WAIT_MS);
}
