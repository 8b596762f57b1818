/* SPDX-License-Identifier: Apache-2.0 */
#include "api/sign_in.h"

#define LABELS(grant) \
	{ \
		"grant=\"" grant "\",outcome=\"granted\"", \
		    "grant=\"" grant "\",outcome=\"refused\"" \
	}

static const struct {
	const char *granted, *refused;
} grants[GRANT_KINDS] = {
	[GRANT_CLIENT] = LABELS("client_credentials"),
	[GRANT_DEVICE] = LABELS("device_code"),
	[GRANT_CODE] = LABELS("authorization_code"),
	[GRANT_REFRESH] = LABELS("refresh_token"),
};

static const char *const passwords[PASSWORD_KINDS] = {
	[PASSWORD_RIGHT] = "outcome=\"right\"",
	[PASSWORD_WRONG] = "outcome=\"wrong\"",
	[PASSWORD_BRAKED] = "outcome=\"braked\"",
};

static void
add(struct metrics *m, struct metric *x, const char *name, const char *labels, const char *help)
{
	*x =
	    (struct metric){ .kind = METRIC_COUNTER, .name = name, .labels = labels, .help = help };
	if (m != NULL)
		metrics_add(m, x);
}

void
sign_ins_init(struct sign_ins *s, struct metrics *m)
{
	static const char name[] = "chancery_sign_ins_total";
	static const char help[] = "Requests for a token, by how and with what outcome.";

	for (size_t i = 0; i < GRANT_KINDS; i++) {
		add(m, &s->granted[i], name, grants[i].granted, help);
		add(m, &s->refused[i], name, grants[i].refused, help);
	}
	for (size_t i = 0; i < PASSWORD_KINDS; i++)
		add(m, &s->password[i], "chancery_passwords_total", passwords[i],
		    "Passwords of administrators, by what they were; braked: not looked at, after too many wrong ones.");
}

void
sign_ins_grant(struct sign_ins *s, enum sign_in_grant grant, enum err_code fault)
{
	if (fault == ERR_NONE)
		metric_inc(&s->granted[grant], 1);
	else if (fault != ERR_OAUTH_PENDING && fault != ERR_OAUTH_SLOW &&
	    err_info(fault)->http < 500)
		metric_inc(&s->refused[grant], 1);
}

void
sign_ins_password(struct sign_ins *s, enum sign_in_password how)
{
	metric_inc(&s->password[how], 1);
}
