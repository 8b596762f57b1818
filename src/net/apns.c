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

/* The word for why not; "" if the answer has none. */
static const char *
reason_of(struct arena *a, struct str body)
{
	auto_json json *j = NULL;
	const char *reason = "";
	err_t e = json_parse(body, REPLY_MAX, &j);

	if (err_ok(e))
		e = json_want_text(j, "reason", REASON_MAX, &reason);
	err_forget(e);
	return arena_strdup(a, reason == NULL ? "" : reason);
}

static err_t
outcome(int status, const char *reason, enum apns_outcome *ret)
{
	static const char *const tokens[] = { "BadDeviceToken", "DeviceTokenNotForTopic",
		"Unregistered", "ExpiredToken" };

	for (size_t i = 0; i < COUNT(tokens); i++)
		if (status >= 400 && status < 500 && strcmp(reason, tokens[i]) == 0)
			status = 410;
	switch (status) {
	case 200:
		*ret = APNS_SENT;
		return OK;
	case 410:
		*ret = APNS_UNREGISTERED;
		return OK;
	case 429:
		*ret = APNS_LATER;
		return OK;
	}
	if (status < 500)
		FAIL(ERR_APPLE_PUSH, "status %d: %s", status, reason);
	*ret = APNS_LATER;
	return OK;
}

err_t
apns_push(struct fetch *f, struct arena *a, const char *url, const struct apns_note *n,
    int64_t timeout_ms, enum apns_outcome *ret)
{
	const char *headers[] = { arena_printf(a, "apns-topic: %s", n->topic),
		"apns-push-type: mdm", "apns-priority: 10",
		arena_printf(a, "apns-expiration: %lld", (long long)n->expires),
		"Content-Type: application/json", NULL };
	const char *target = arena_printf(a, "%s/3/device/%s", url, text_hex(a, n->token));
	auto_json json *body = json_object_new();
	struct fetch_reply rep;
	struct str text;

	json_set_text(body, "mdm", n->magic);
	TRY(json_print(a, body, &text));
	TRY(fetch_run(f, a, "POST", target, headers, text, timeout_ms, &rep));
	return outcome(rep.status, reason_of(a, rep.body), ret);
}
