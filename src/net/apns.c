/* SPDX-License-Identifier: Apache-2.0 */
#include "net/apns.h"

#include "codec/json.h"

enum { REASON_MAX = 128, REPLY_MAX = 4096 };

err_t
apns_open(const struct tls_client_conf *tls, struct fetch **ret)
{
	auto_fetch struct fetch *f = NULL;

	TRY(fetch_new(tls, &f));
	TRY(fetch_http2(f));
	*ret = steal(f);
	return OK;
}

/* The word for why not, and since when; "" and 0 if the answer has none. */
static void
read_reason(struct arena *a, struct str body, struct apns_result *r)
{
	auto_json json *j = NULL;
	const char *reason = "";
	int64_t since = 0;
	err_t e = json_parse(body, REPLY_MAX, &j);

	if (err_ok(e))
		e = json_want_text(j, "reason", REASON_MAX, &reason);
	if (err_ok(e))
		e = json_want_int(j, "timestamp", 0, INT64_MAX, 0, &since);
	err_forget(e);
	r->reason = arena_strdup(a, reason == NULL ? "" : reason);
	r->gone_ms = since;
}

static err_t
outcome(int status, struct apns_result *r)
{
	static const struct {
		const char *reason;
		enum apns_outcome outcome;
	} reasons[] = {
		{ "BadDeviceToken", APNS_NOT_A_TOKEN },
		{ "DeviceTokenNotForTopic", APNS_NOT_A_TOKEN },
		{ "Unregistered", APNS_UNREGISTERED },
		{ "ExpiredToken", APNS_UNREGISTERED },
	};

	r->outcome = status == 200 ? APNS_SENT :
	    status == 410          ? APNS_UNREGISTERED :
	    status == 429          ? APNS_DEVICE_LATER :
	    status >= 500          ? APNS_LATER :
				     0;
	for (size_t i = 0; i < COUNT(reasons) && status >= 400 && status < 500; i++)
		if (strcmp(r->reason, reasons[i].reason) == 0)
			r->outcome = reasons[i].outcome;
	if (r->outcome == 0)
		FAIL(ERR_APPLE_PUSH, "status %d: %s", status, r->reason);
	return OK;
}

err_t
apns_push(struct fetch *f, struct arena *a, const char *url, const struct apns_note *n,
    int64_t timeout_ms, struct apns_result *ret)
{
	const char *headers[] = { arena_printf(a, "apns-topic: %s", n->topic),
		"apns-push-type: mdm", "apns-priority: 10",
		arena_printf(a, "apns-expiration: %lld", (long long)n->expires),
		"Content-Type: application/json", NULL };
	const char *target = arena_printf(a, "%s/3/device/%s", url, text_hex(a, n->token));
	auto_json json *body = json_object_new();
	struct apns_result r;
	struct fetch_reply rep;
	struct str text;
	err_t e;

	json_set_text(body, "mdm", n->magic);
	TRY(json_print(a, body, &text));
	e = fetch_run(f, a, "POST", target, headers, text, timeout_ms, &rep);
	/* Apple ends connections when it likes (GOAWAY), also while a push is on its way, and that is no sign that it is away.
	 * The same push twice is one. */
	if (err_is(e, ERR_UNREACHABLE)) {
		err_forget(e);
		fetch_once(f);
		e = fetch_run(f, a, "POST", target, headers, text, timeout_ms, &rep);
	}
	TRY(e);
	read_reason(a, rep.body, &r);
	TRY(outcome(rep.status, &r));
	*ret = r;
	return OK;
}
