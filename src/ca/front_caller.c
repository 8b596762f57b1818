/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks the front, in the three ways that protocols say it: the certificate of the connection, HTTP's Authorization
 * header, WS-Security's header. Nothing is believed here; the issuer checks.
 */
#include "ca/front_int.h"

#include "codec/est_msg.h"

enum { CLOCK_SKEW = 300 };

err_t
front_http_caller(struct http_req *r, struct front_caller *ret)
{
	const char *authorization = http_header(r, "Authorization");
	struct front_caller c = { .certificate = http_peer_cert(r), .user = "", .password = "" };

	if (authorization != NULL)
		TRY(est_basic_parse(http_arena(r), authorization, &c.user, &c.password));
	*ret = c;
	return OK;
}

/* Of "ADPolicyProvider_CEP_Certificate" and its like: the last word says how callers show themselves. */
static const struct way {
	const char *suffix;
	bool password;
} ways[] = {
	{ "_Certificate", false },
	{ "_UsernamePassword", true },
};

static err_t
find_way(const char *segment, const char *kind, const struct way **ret, size_t *ret_stem)
{
	size_t n = strlen(segment), k = strlen(kind);

	for (size_t i = 0; i < COUNT(ways); i++) {
		size_t w = strlen(ways[i].suffix);

		if (n <= w + k || !str_ieq_c(str_c(segment + n - w), ways[i].suffix) ||
		    !str_ieq_c(str_of(segment + n - w - k, k), kind))
			continue;
		*ret = &ways[i];
		*ret_stem = n - w - k;
		return OK;
	}
	FAIL(ERR_NO_SEGMENT, "%s", segment);
}

/* The message's own times, when it has any: a message that was caught is of no use later. */
static err_t
check_times(struct arena *a, const struct soap_user *u)
{
	when_t now = when_now();

	if (u->expires != 0 && u->expires + CLOCK_SKEW < now)
		FAIL(ERR_MESSAGE_EXPIRED, "it was good until %s", when_text(a, u->expires));
	if (u->created > now + CLOCK_SKEW)
		FAIL(ERR_MESSAGE_EXPIRED, "it was made at %s", when_text(a, u->created));
	return OK;
}

err_t
front_soap_stem(struct http_req *r, const char *kind, const char **ret)
{
	const char *segment = http_param(r, "service");
	const struct way *w;
	size_t stem;

	TRY(find_way(segment, kind, &w, &stem));
	/* Before the message is looked at. */
	if (!w->password && http_peer_cert(r).n == 0)
		FAIL(ERR_FORBIDDEN, "a client certificate of this CA is needed");
	*ret = arena_cstr(http_arena(r), str_of(segment, stem));
	return OK;
}

err_t
front_soap_caller(
    struct http_req *r, const char *kind, const struct soap_user *u, struct front_caller *ret)
{
	struct front_caller c = { .certificate = STR_EMPTY, .user = "", .password = "" };
	const struct way *w;
	size_t stem;

	TRY(find_way(http_param(r, "service"), kind, &w, &stem));
	TRY(check_times(http_arena(r), u));
	if (w->password) {
		if (u->name[0] == '\0')
			FAIL(ERR_CREDENTIALS, "the message has no UsernameToken");
		c.user = u->name;
		c.password = u->password;
	} else {
		c.certificate = http_peer_cert(r);
	}
	*ret = c;
	return OK;
}
