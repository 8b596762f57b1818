/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/effect.h"

#include "cli/api.h"
#include "cli/args.h"
#include "cli/out.h"

static void
say_rows(struct cli *c, const json *answer)
{
	static const struct {
		const char *key, *text;
	} rows[] = {
		{ "issue", "would be issued" },
		{ "reissue", "would be issued again, with other content" },
		{ "withdraw", "would be withdrawn" },
		{ "revoke", "certificates would be revoked" },
		{ "fault", "could not be made" },
		{ "unchanged", "stay as they are" },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		if (json_get(answer, rows[i].key) != NULL)
			out_say(c, "%8lld %s", (long long)json_int(json_get(answer, rows[i].key)),
			    rows[i].text);
}

static err_t
show(struct cli *c, const char *path, const json *body)
{
	auto_json json *answer = NULL;
	const json *first;

	TRY(api_send(c, "POST", path, body, &answer));
	if (c->json)
		return out_json(c, answer);
	say_rows(c, answer);
	first = json_get(answer, "firstFault");
	if (json_is_object(first))
		out_say(c, "the first that could not be made: %s (%s)",
		    out_value(c->arena, json_get(first, "message")),
		    json_text(json_get(first, "code")));
	if (!json_true(json_get(answer, "complete")))
		out_say(c, "only %lld devices were looked at; there are more",
		    (long long)json_int(json_get(answer, "devices")));
	if (json_true(json_get(answer, "paced")))
		out_say(c, "it would be a roll-out: what is withdrawn follows a set pace");
	out_say(c, "nothing was changed");
	return OK;
}

err_t
effect_show(struct cli *c, const char *profile, const json *body)
{
	return show(c, arena_printf(c->arena, "/chancery/v1/profiles/%s/effect", profile), body);
}

static const char *
path_of(struct cli *c, const char *of, const char *id)
{
	return arena_printf(c->arena, "/chancery/v1/%s/%s/effect", of, id);
}

err_t
effect_show_of(struct cli *c, const char *of, const char *id, const json *body)
{
	return show(c, path_of(c, of, id), body);
}

err_t
effect_warn_of(struct cli *c, const char *of, const char *id, const json *body)
{
	auto_json json *answer = NULL;
	long long n;

	if (c->json)
		return OK;
	TRY(api_send(c, "POST", path_of(c, of, id), body, &answer));
	n = json_int(json_get(answer, "withdraw"));
	if (n > 0 || json_true(json_get(answer, "paced")))
		out_say(c, "%lld slots%s lose what they have%s", n,
		    json_true(json_get(answer, "complete")) ? "" : " or more",
		    json_true(json_get(answer, "paced")) ?
			", at a set pace: chancery rollout list" :
			"");
	return OK;
}

void
effect_now(struct cli *c, json *body)
{
	json *terms;

	if (!args_has(c->args, "now"))
		return;
	terms = json_object_new();
	json_set_bool(terms, "now", true);
	json_set(body, "@chancery.rollout", terms);
}
