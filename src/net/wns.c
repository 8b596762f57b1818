/* SPDX-License-Identifier: Apache-2.0 */
#include "net/wns.h"

#include "codec/json.h"
#include "net/url.h"

enum { CHANNEL_MAX = 2048, TOKEN_MAX = 16384, REASON_MAX = 256, REPLY_MAX = 65536 };
/* Of a token whose end is not said; and the longest wait that is taken at its word. */
enum { TOKEN_S = 3600, TOKEN_S_MAX = 7 * 86400, AFTER_MAX = 86400 };
enum { PUBLISHER = 13, NAME_MAX_BYTES = 64 };

#define STORE_LOGIN "https://login.live.com/accesstoken.srf"
#define STORE_SCOPE "notify.windows.com"
#define ENTRA_LOGIN "https://login.microsoftonline.com"
#define ENTRA_SCOPE "https://wns.windows.com/.default"

/* Fields that WNS answers with, in the order of fetch_reply.also. */
static const char *const fields[] = { "X-WNS-Status", "X-WNS-Error-Description",
	"X-WNS-Continue-After", NULL };
enum { FIELD_STATUS, FIELD_ERROR, FIELD_AFTER };

static bool
is_id(const char *text)
{
	struct id id;
	err_t e = id_parse(str_c(text), &id);
	bool good = err_ok(e);

	err_forget(e);
	return good;
}

err_t
wns_conf_check(const struct wns_conf *c)
{
	struct str client = str_c(c->client);

	if (!text_printable_ascii(client) || memchr(client.p, ' ', client.n) != NULL)
		FAIL(ERR_CONF,
		    "[windows] push_client: is neither a Package SID nor an application id");
	if (c->tenant[0] == '\0' && !str_starts(client, LIT("ms-app://")))
		FAIL(ERR_CONF,
		    "[windows] push_client: begins with ms-app://, or push_tenant names the directory of the application");
	if (c->tenant[0] != '\0' && (!is_id(c->tenant) || !is_id(c->client)))
		FAIL(ERR_CONF,
		    "[windows] push_client, push_tenant: write them as the portal shows them, "
		    "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
	if (c->secret[0] == '\0')
		FAIL(ERR_CONF, "[windows] push_secret_file: is empty or not set");
	if (c->token_url[0] != '\0' && !fetch_address_good(c->token_url))
		FAIL(ERR_CONF, "[windows] push_token_url: begins with https:// and names a host");
	return OK;
}

static bool
letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool
wns_package_good(const char *family_name)
{
	const char *end = strchr(family_name, '_');
	size_t n = end == NULL ? 0 : (size_t)(end - family_name);

	if (n == 0 || n > NAME_MAX_BYTES || strlen(end + 1) != PUBLISHER)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!letter_or_digit(family_name[i]) && family_name[i] != '.' &&
		    family_name[i] != '-')
			return false;
	for (size_t i = 1; i <= PUBLISHER; i++)
		if (!letter_or_digit(end[i]))
			return false;
	return true;
}

/* "db5.": labels of a host name, each with its dot. */
static bool
names_before(struct str s)
{
	if (s.n == 0 || s.p[0] == '.' || s.p[s.n - 1] != '.')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!letter_or_digit((char)s.p[i]) && s.p[i] != '-' && s.p[i] != '.')
			return false;
	return true;
}

bool
wns_channel_good(const char *host, const char *uri)
{
	struct str rest = str_c(uri), own = str_c(host);
	size_t scheme = strlen("https://"), n = 0;

	if (rest.n > CHANNEL_MAX || own.n == 0 || !str_starts(rest, LIT("https://")) ||
	    !fetch_address_good(uri))
		return false;
	rest = str_of(rest.p + scheme, rest.n - scheme);
	while (n < rest.n && memchr("/?#", rest.p[n], 3) == NULL)
		n++;
	if (n < own.n || !str_ieq_c(str_of(rest.p + n - own.n, own.n), host))
		return false;
	return n == own.n || names_before(str_of(rest.p, n - own.n));
}

err_t
wns_open(const struct tls_client_conf *tls, struct fetch **ret)
{
	auto_fetch struct fetch *f = NULL;

	TRY(fetch_new(tls, &f));
	fetch_also(f, fields);
	*ret = steal(f);
	return OK;
}

/* ---- tokens ---- */

const char *
wns_token_url(struct arena *a, const struct wns_conf *c)
{
	if (c->token_url[0] != '\0')
		return c->token_url;
	if (c->tenant[0] == '\0')
		return STORE_LOGIN;
	return arena_printf(a, ENTRA_LOGIN "/%s/oauth2/v2.0/token", url_segment(a, c->tenant));
}

/* RFC 6749 5.2: what the login service says of a refusal; it repeats no secret. */
static const char *
refusal(struct arena *a, struct str body)
{
	auto_json json *j = NULL;
	const char *error, *text;
	err_t e = json_parse(body, REPLY_MAX, &j);

	err_forget(e);
	error = json_text(json_get(j, "error"));
	text = json_text(json_get(j, "error_description"));
	return arena_printf(a, "%.64s%s%.400s", text_safe(a, str_c(error)),
	    error[0] != '\0' && text[0] != '\0' ? ": " : "", text_safe(a, str_c(text)));
}

static err_t
read_token(struct arena *a, struct str body, const char **ret_token, int64_t *ret_seconds)
{
	auto_json json *j = NULL;
	const json *expires;
	const char *token;
	int64_t seconds;

	TRY(json_parse(body, REPLY_MAX, &j));
	TRY(json_need_text(j, "access_token", TOKEN_MAX, &token));
	/* Into a header field: nothing else may begin there. RFC 6750 2.1 */
	if (token[0] == '\0' || !text_printable_ascii(str_c(token)) || strchr(token, ' ') != NULL)
		FAIL(ERR_BAD_REQUEST, "access_token: is none");
	expires = json_get(j, "expires_in");
	seconds = json_int(expires);
	/* The older of the two login services is known to write it as text. */
	if (json_is_text(expires))
		TRY(text_i64(str_c(json_text(expires)), 0, INT64_MAX, &seconds));
	*ret_seconds = seconds <= 0 ? TOKEN_S : seconds > TOKEN_S_MAX ? TOKEN_S_MAX : seconds;
	*ret_token = arena_strdup(a, token);
	return OK;
}

err_t
wns_token(struct fetch *f, struct arena *a, const struct wns_conf *c, int64_t timeout_ms,
    const char **ret_token, int64_t *ret_seconds)
{
	static const char *const headers[] = { "Content-Type: application/x-www-form-urlencoded",
		NULL };
	char *form =
	    arena_printf(a, "grant_type=client_credentials&client_id=%s&client_secret=%s&scope=%s",
		url_segment(a, c->client), url_segment(a, c->secret),
		url_segment(a, c->tenant[0] == '\0' ? STORE_SCOPE : ENTRA_SCOPE));
	const char *url = wns_token_url(a, c);
	struct fetch_reply rep;
	err_t e;

	TRY(fetch_run(f, a, "POST", url, headers, str_c(form), timeout_ms, &rep));
	if (rep.status == 429 || rep.status >= 500)
		FAIL(ERR_BUSY, "the login service answers with status %d", rep.status);
	if (rep.status != 200)
		FAIL(ERR_WINDOWS_PUSH, "no token: status %d: %s", rep.status, refusal(a, rep.body));
	e = read_token(a, rep.body, ret_token, ret_seconds);
	if (err_ok(e))
		return OK;
	err_forget(e);
	FAIL(ERR_WINDOWS_PUSH, "no token: the answer of the login service has none");
}

/* ---- pushes ---- */

/* Seconds; 0: not said, or as a date, which needs the other side's clock. */
static int64_t
seconds_of(const char *text)
{
	int64_t v = 0;
	err_t e = text_i64(str_c(text), 0, AFTER_MAX, &v);

	err_forget(e);
	return err_ok(e) ? v : 0;
}

static enum wns_outcome
outcome_of(const struct fetch_reply *rep)
{
	const char *status = rep->also[FIELD_STATUS];

	if (str_ieq_c(str_c(status), "channelthrottled"))
		return WNS_THROTTLED;
	switch (rep->status) {
	case 200:
		return str_ieq_c(str_c(status), "dropped") ? WNS_REFUSED : WNS_SENT;
	case 401:
		return WNS_TOKEN;
	case 404:
	case 410:
		return WNS_GONE;
	case 406:
	case 429:
		return WNS_LATER;
	}
	return rep->status >= 500 ? WNS_LATER : WNS_REFUSED;
}

err_t
wns_push(struct fetch *f, struct arena *a, const char *channel, const char *token,
    int64_t timeout_ms, struct wns_reply *ret)
{
	char *bearer = arena_printf(a, "Authorization: Bearer %s", token);
	const char *headers[] = { bearer, "X-WNS-Type: wns/raw",
		"Content-Type: application/octet-stream", "X-WNS-Cache-Policy: cache", NULL };
	const char *after, *error;
	struct fetch_reply rep;

	TRY(fetch_run(f, a, "POST", channel, headers, STR_EMPTY, timeout_ms, &rep));
	after = rep.also[FIELD_AFTER][0] != '\0' ? rep.also[FIELD_AFTER] : rep.retry_after;
	error = rep.also[FIELD_ERROR][0] != '\0' ? rep.also[FIELD_ERROR] : rep.also[FIELD_STATUS];
	*ret = (struct wns_reply){ .outcome = outcome_of(&rep),
		.after_s = seconds_of(after),
		.reason = arena_printf(a, "status %d%s%s", rep.status, error[0] == '\0' ? "" : ": ",
		    text_safe(a, str_c(error))) };
	return OK;
}
