/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /chancery/v1/profiles/{id}/effect: what an edit would do before it is made.
 *
 *   {"assignments": [...] and/or "settings": {...}, "maxDevices": n}
 *   -> {"issue", "reissue", "withdraw", "revoke", "unchanged", "fault", "firstFault", "devices", "complete"}
 *
 * With secrets among the settings also "secrets": the mark that each would have (model/secret.h).
 *
 * The same at /chancery/v1/effect, of a profile that is not there yet: settings are those of a POST, whole.
 *
 * assignments as `assign` takes them, settings as PATCH takes them; what is left out stays as it is. Nothing is written.
 */
#include "api/effect.h"

#include "api/assignments.h"
#include "api/rights.h"
#include "api/token.h"

#define DEVICES_MAX 1000000
#define DEVICES_DEFAULT 100000

err_t
effect_max(const json *body, int64_t *ret)
{
	return json_want_int(body, "maxDevices", 1, DEVICES_MAX, DEVICES_DEFAULT, ret);
}

json *
effect_json(const struct effect *x)
{
	const struct {
		const char *name;
		size_t n;
	} rows[] = { { "issue", x->issue }, { "reissue", x->reissue }, { "withdraw", x->withdraw },
		{ "revoke", x->revoke }, { "unchanged", x->unchanged }, { "fault", x->fault },
		{ "devices", x->devices } };
	json *j = json_object_new(), *first = NULL;

	for (size_t i = 0; i < COUNT(rows); i++)
		json_set_int(j, rows[i].name, (int64_t)rows[i].n);
	json_set_bool(j, "complete", x->complete);
	if (x->first_fault != NULL) {
		first = json_object_new();
		json_set_text(first, "code", x->first_fault);
		json_set_text(first, "message", x->first_detail);
	}
	json_set(j, "firstFault", first == NULL ? json_null_new() : first);
	return j;
}

/* Whether a secret is the one that is set can be seen from what changes: only who could set it may ask. */
static err_t
take_secrets(struct http_req *r, struct id id, const json *settings, struct secrets *ret)
{
	const struct caller *who = http_caller(r);

	TRY(secrets_take(api_of(r)->keys, http_arena(r), id, settings, ret));
	if (ret->n == 0)
		return OK;
	if (((who->perms | who->scoped) & PERM_CONFIG_WRITE) == 0)
		FAIL(ERR_FORBIDDEN, "%s needs %s to ask about secrets", who->actor,
		    perm_describe(http_arena(r), PERM_CONFIG_WRITE));
	return id_is_zero(id) ? OK : rights_profile(r, PERM_CONFIG_WRITE);
}

static json *
marks_json(struct arena *a, const struct secrets *secrets)
{
	json *j = json_object_new();

	for (size_t i = 0; i < secrets->n; i++)
		json_set_text(j, secrets->v[i].name, secrets_mark(a, secrets->v[i].sealed));
	return j;
}

static err_t
post(struct http_req *r)
{
	struct arena *a = http_arena(r);
	auto_json json *body = NULL, *out = NULL;
	struct assignment *v = NULL;
	const json *settings;
	struct secrets secrets = { .n = 0 };
	struct effect x;
	size_t n = 0;
	struct id id = { { 0 } };
	int64_t max;

	if (http_param(r, "id") != NULL) {
		TRY(rights_profile(r, PERM_CONFIG_READ));
		TRY(param_id(r, "id", &id));
	}
	TRY(body_object(r, &body));
	TRY(effect_max(body, &max));
	settings = json_get(body, "settings");
	if (settings != NULL && !json_is_object(settings))
		FAIL(ERR_BAD_REQUEST, "\"settings\" must be an object");
	if (settings == NULL && id_is_zero(id))
		FAIL(ERR_BAD_REQUEST, "\"settings\" is missing");
	if (settings != NULL)
		TRY(take_secrets(r, id, settings, &secrets));
	if (settings == NULL || json_get(body, "assignments") != NULL)
		TRY(assignments_read(a, body, &v, &n));
	TRY(effect_of(api_of(r)->store, a, id, settings, &secrets, v, n, (size_t)max, &x));
	out = effect_json(&x);
	if (secrets.n > 0)
		json_set(out, "secrets", marks_json(a, &secrets));
	return reply_json(r, 200, out);
}

static const struct http_route routes[] = {
	ROUTE(POST, "/chancery/v1/profiles/{id}/effect", PERM_CONFIG_READ | PERM_SCOPED, post),
	ROUTE(POST, "/chancery/v1/effect", PERM_CONFIG_READ | PERM_SCOPED, post),
	{ 0 },
};

const struct resource resource_effect = { "effect", routes };
