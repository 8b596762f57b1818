/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/effect.h"

#include "cli/api.h"
#include "cli/out.h"

err_t
effect_show(struct cli *c, const char *profile, const json *body)
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
	auto_json json *answer = NULL;
	const json *first;

	TRY(api_send(c, "POST", arena_printf(c->arena, "/chancery/v1/profiles/%s/effect", profile),
	    body, &answer));
	if (c->json)
		return out_json(c, answer);
	for (size_t i = 0; i < COUNT(rows); i++)
		out_say(c, "%8lld %s", (long long)json_int(json_get(answer, rows[i].key)),
		    rows[i].text);
	first = json_get(answer, "firstFault");
	if (json_is_object(first))
		out_say(c, "the first that could not be made: %s (%s)",
		    out_value(c->arena, json_get(first, "message")),
		    json_text(json_get(first, "code")));
	if (!json_true(json_get(answer, "complete")))
		out_say(c, "only %lld devices were looked at; there are more",
		    (long long)json_int(json_get(answer, "devices")));
	out_say(c, "nothing was changed");
	return OK;
}
