/* SPDX-License-Identifier: Apache-2.0 */
/* chancery whoami: who is signed in where, and what that one may do. */
#include "cli/api.h"
#include "cli/out.h"

static err_t
whoami(struct cli *c)
{
	auto_json json *claims = NULL, *out = json_object_new();
	const json *roles;
	const char *url;

	TRY(api_whoami(c, &claims));
	TRY(api_url(c, &url));
	roles = json_get(claims, "roles");
	json_set_text(out, "url", url);
	json_set_text(out, "tenant", json_text(json_get(claims, "tid")));
	json_set_text(out, "client_id", json_text(json_get(claims, "appid")));
	json_set_text(
	    out, "name", json_text(json_get(claims, roles != NULL ? "app_displayname" : "name")));
	json_set_when(c->arena, out, "token_until", json_int(json_get(claims, "exp")));
	if (roles != NULL)
		json_set(out, "permissions", json_ref(json_get(claims, "roles")));
	else
		json_set_text(out, "permissions", json_text(json_get(claims, "scp")));
	return out_object(c, out);
}

static const struct verb verbs[] = {
	{ NULL, "Who is signed in where, and with which permissions.", NULL, NULL, whoami },
	{ 0 },
};

const struct command command_whoami = { "whoami", "Who is signed in.", verbs };
