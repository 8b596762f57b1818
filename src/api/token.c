/* SPDX-License-Identifier: Apache-2.0 */
#include "api/token.h"

#include "base/secret.h"
#include "codec/keys_ipc.h"

const char *
token_issuer(const struct api *api, struct arena *a)
{
	return arena_printf(a, "%s/%s/v2.0", api->base_url, id_text(a, api->tenant));
}

static json *
roles_array(const char *list)
{
	json *roles = json_array_new();
	struct str rest = str_c(list);

	while (rest.n > 0) {
		struct str word = str_cut(&rest, ' ');

		if (word.n > 0)
			json_add(roles, json_str_new(word));
	}
	return roles;
}

err_t
token_make(struct api *api, struct arena *a, const struct token_spec *spec, const char **ret)
{
	auto_json json *c = json_object_new();
	auto_buf struct buf req = { 0 };
	struct keys_token_rep rep;
	struct str claims, answer;
	when_t now = when_now();

	json_set_text(c, "aud", api->base_url);
	json_set_text(c, "iss", token_issuer(api, a));
	json_set_int(c, "iat", now);
	json_set_int(c, "nbf", now);
	json_set_int(c, "exp", now + TOKEN_LIFE_S);
	json_set_id(a, c, "tid", api->tenant);
	json_set_id(a, c, "oid", spec->subject);
	json_set_id(a, c, "sub", spec->subject);
	json_set_id(a, c, "appid", spec->client);
	json_set_id(a, c, "azp", spec->client);
	json_set_text(c, "idtyp", spec->app ? "app" : "user");
	json_set_text(c, "ver", "2.0");
	json_set_text(c, "uti", rand_token(a, 16));
	json_set_text(c, spec->app ? "app_displayname" : "name", spec->name);
	if (spec->app) {
		json_set(c, "roles", roles_array(spec->permissions));
	} else {
		json_set_text(c, "scp", spec->permissions);
		json_set_text(c, "preferred_username", spec->name);
		json_set_text(c, "upn", spec->name);
		json_set(c, "amr", roles_array("pwd"));
	}
	TRY(json_print(a, c, &claims));

	buf_init(&req, LIMIT_IPC_MESSAGE);
	TRY(keys_token_req_encode(
	    &(struct keys_token_req){ .claims = arena_cstr(a, claims) }, &req));
	TRY(ipc_call(api->keys, a, KEYS_SIGN_TOKEN, true, buf_str(&req), &answer));
	TRY(keys_token_rep_parse(a, answer, &rep));
	*ret = rep.token;
	return OK;
}

static err_t
check_claims(const struct api *api, struct arena *a, const json *c)
{
	when_t now = when_now();
	const json *exp = json_get(c, "exp");
	const json *nbf = json_get(c, "nbf");
	struct id tenant;

	if (strcmp(json_text(json_get(c, "iss")), token_issuer(api, a)) != 0)
		FAIL(ERR_TOKEN, "the token is of another issuer");
	if (strcmp(json_text(json_get(c, "aud")), api->base_url) != 0)
		FAIL(ERR_TOKEN, "the token is for another audience");
	TRY(id_parse(str_c(json_text(json_get(c, "tid"))), &tenant));
	if (!id_eq(tenant, api->tenant))
		FAIL(ERR_TOKEN, "the token is of another tenant");
	if (!json_is_int(exp) || !json_is_int(nbf))
		FAIL(ERR_TOKEN, "the token has no time of validity");
	if (now >= json_int(exp))
		FAIL(ERR_TOKEN, "the token expired at %s", when_text(a, json_int(exp)));
	if (now + TOKEN_GRACE_S < json_int(nbf))
		FAIL(ERR_TOKEN, "the token is not valid yet");
	return OK;
}

err_t
token_read(const struct api *api, struct arena *a, struct str compact, struct caller *ret)
{
	auto_json json *c = NULL;
	struct caller who = { 0 };
	const char *name;

	if (compact.n == 0 || compact.n > LIMIT_JWT_BYTES)
		FAIL(ERR_TOKEN, "no token, or one that is too long");
	TRY(jws_verify(a, api->token_keys, api->ntoken_keys, compact, &c));

	err_t e = check_claims(api, a, c);

	if (!err_ok(e))
		return err_is(e, ERR_TOKEN) ? e : ERROR(ERR_TOKEN, "the token lacks claims");
	if (!err_ok(id_parse(str_c(json_text(json_get(c, "oid"))), &who.id)))
		FAIL(ERR_TOKEN, "the token names nobody");
	if (!err_ok(id_parse(str_c(json_text(json_get(c, "appid"))), &who.client)))
		FAIL(ERR_TOKEN, "the token names no application");
	who.app = strcmp(json_text(json_get(c, "idtyp")), "app") == 0;
	name = json_text(json_get(c, who.app ? "app_displayname" : "preferred_username"));
	who.upn = who.app ? "" : arena_strdup(a, name);
	who.actor = arena_printf(a, "%s %s", who.app ? "app" : "admin",
	    *name == '\0' ? id_text(a, who.id) : text_safe(a, str_c(name)));
	who.perms = perm_of_claims(c);
	*ret = who;
	return OK;
}
