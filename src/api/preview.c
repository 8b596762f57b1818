/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /chancery/v1/preview: what a profile, or a draft of one, would bring to a user and a device. Nothing is issued or
 * stored. Who asks may read profiles, and the user and the device that are named.
 */
#include "api/reach.h"
#include "api/reply.h"
#include "api/warnings.h"
#include "codec/oid.h"
#include "model/preview.h"
#include "store/user_pfx.h"

static json *
checks_json(const struct preview *p)
{
	json *list = json_array_new();

	for (size_t i = 0; i < p->n; i++) {
		const struct preview_check *c = &p->checks[i];
		const struct err_info *info = c->fault == NULL ? NULL : err_info_by_id(c->fault);
		json *j = json_object_new();

		json_add(list, j);
		json_set_text(j, "check", c->name);
		json_set_text(j, "result", preview_result_name(c->result));
		json_set_text(j, "fault", c->fault);
		json_set_text(j, "message", info == NULL ? NULL : info->text);
		json_set_text(j, "detail", c->detail);
		json_set_text(j, "hint", info == NULL ? NULL : info->hint);
	}
	return list;
}

static err_t
san_json(struct arena *a, struct str der, json **ret)
{
	json *list = json_array_new();
	struct san *v = NULL;
	size_t n = 0;

	*ret = list;
	if (der.n > 0)
		TRY(san_decode(a, der, &v, &n));
	for (size_t i = 0; i < n; i++) {
		json *j = json_object_new();

		json_add(list, j);
		json_set_text(j, "type", san_type_name(v[i].type));
		json_set_text(j, "value", v[i].value);
	}
	return OK;
}

static json *
ekus_json(const struct primitive *what)
{
	json *list = json_array_new();

	for (size_t i = 0; i < what->nekus; i++) {
		json *j = json_object_new();

		json_add(list, j);
		json_set_text(j, "name", oid_name(what->ekus[i]));
		json_set_text(j, "objectIdentifier", what->ekus[i]);
	}
	return list;
}

static json *
usage_json(uint8_t usage)
{
	json *list = json_array_new();

	if ((usage & 0x80) != 0)
		json_add(list, json_text_new("digitalSignature"));
	if ((usage & 0x20) != 0)
		json_add(list, json_text_new("keyEncipherment"));
	return list;
}

static json *
urls_json(const struct primitive *what)
{
	json *list = json_array_new();

	for (size_t i = 0; i < what->nurls; i++)
		json_add(list, json_text_new(what->urls[i]));
	return list;
}

static json *
pfx_json(struct arena *a, const struct primitive *what)
{
	json *list = json_array_new();

	for (size_t i = 0; i < what->npfx; i++) {
		json *j = json_object_new();

		json_add(list, j);
		json_set_text(j, "thumbprint", what->pfx[i].thumbprint);
		json_set_when(a, j, "startDateTime", what->pfx[i].not_before);
		json_set_when(a, j, "expirationDateTime", what->pfx[i].not_after);
	}
	return list;
}

static const char *
text_or_null(const char *s)
{
	return s == NULL || *s == '\0' ? NULL : s;
}

/* As "@chancery.keyAlgorithm" of profiles says it. */
static const char *
key_name(const struct primitive *what)
{
	if (what->key_alg == KEY_RSA)
		return "rsa";
	return what->key_bits == KEY_P256 ? "p256" : "p384";
}

/* What would be asked for. */
static err_t
certificate_json(struct arena *a, const struct primitive *what, json *out)
{
	struct dn name;
	json *san;

	TRY(dn_decode(a, what->subject, &name));
	json_set_text(out, "subject", dn_print(a, &name));
	TRY(san_json(a, what->san, &san));
	json_set(out, "subjectAlternativeNames", san);
	json_set_text(out, "securityIdentifier", text_or_null(what->sid));
	json_set(out, "extendedKeyUsages", ekus_json(what));
	json_set(out, "keyUsage", usage_json(what->key_usage));
	json_set_text(out, "keyAlgorithm", key_name(what));
	json_set_int(out, "keyBits", what->key_bits);
	json_set_int(out, "validityDays", what->validity_days);
	json_set_text(out, "certificateStore", what->of_machine ? "machine" : "user");
	json_set_text(out, "certificationAuthority", text_or_null(what->ca_host));
	json_set_text(out, "certificationAuthorityName", text_or_null(what->ca));
	json_set_text(out, "certificateTemplateName", text_or_null(what->template));
	json_set(out, "scepServerUrls", urls_json(what));
	return OK;
}

static err_t
preview_json(struct arena *a, const struct preview *p, json *out)
{
	json *certificate = NULL;

	json_set_id(a, out, "profileId", p->profile.id);
	json_set_text(out, "profileName", p->profile.display_name);
	json_set_text(out, "profileType", p->type->name);
	json_set_text(out, "kind", p->type->kind->name);
	json_set_text(out, "platform", p->type->platform);
	json_set_id(a, out, "deviceId", p->device.id);
	json_set_text(
	    out, "deviceName", id_is_zero(p->device.id) ? NULL : text_or_null(p->device.name));
	json_set_id(a, out, "userId", p->user == NULL ? (struct id){ { 0 } } : p->user->id);
	json_set_text(out, "userPrincipalName", p->user == NULL ? NULL : p->user->upn);
	json_set_bool(out, "wouldIssue", preview_would_issue(p));
	if (p->resolved && p->what.subject.n > 0) {
		certificate = json_object_new();
		json_set(out, "certificate", certificate);
		TRY(certificate_json(a, &p->what, certificate));
	} else {
		json_set(out, "certificate", json_null_new());
	}
	json_set(out, "importedCertificates", pfx_json(a, &p->what));
	json_set(out, "checks", checks_json(p));
	json_set(out, "warnings", warnings_json(&p->warn));
	return OK;
}

static err_t
demand(const struct caller *who, struct arena *a, unsigned held, unsigned perm)
{
	if ((held & perm) == 0)
		FAIL(ERR_FORBIDDEN, "%s needs %s", who->actor, perm_describe(a, perm));
	return OK;
}

/* Who is limited by scope tags reaches the profile and the device. */
struct asking {
	struct arena *a;
	const struct caller *who;
	const struct preview_ask *ask;
};

static err_t
may_ask(struct tx *tx, void *arg)
{
	const struct asking *x = arg;

	if (!id_is_zero(x->ask->profile))
		TRY(reach_profile(tx, x->a, x->who, PERM_CONFIG_READ, x->ask->profile));
	if (!id_is_zero(x->ask->device))
		TRY(reach_device(tx, x->a, x->who, PERM_DEVICES_READ, x->ask->device));
	return OK;
}

static err_t
id_of(const json *body, const char *name, struct id *ret)
{
	if (json_is_null(json_get(body, name)))
		return OK;
	return json_need_id(body, name, ret);
}

static err_t
members_check(struct arena *a, const json *body)
{
	static const char *const known[] = { "profileId", "profile", "deviceId", "userId" };

	for (void *it = json_iter(body); it != NULL; it = json_iter_next(body, it)) {
		bool ok = false;

		for (size_t i = 0; i < COUNT(known); i++)
			ok = ok || strcmp(json_iter_key(it), known[i]) == 0;
		if (!ok)
			FAIL(ERR_MODEL_INVALID,
			    "unknown property \"%.64s\"; there are profileId, profile, deviceId, "
			    "userId",
			    text_safe(a, str_c(json_iter_key(it))));
	}
	return OK;
}

static err_t
post(struct http_req *r)
{
	const struct caller *who = http_caller(r);
	struct arena *a = http_arena(r);
	struct preview_ask ask = { .draft = NULL };
	auto_json json *body = NULL;
	auto_json json *out = json_object_new();
	struct preview p;
	struct query q;

	TRY(query_read(r, QUERY_ENTITY, &q));
	TRY(body_object(r, &body));
	TRY(members_check(a, body));
	TRY(id_of(body, "profileId", &ask.profile));
	TRY(id_of(body, "deviceId", &ask.device));
	TRY(id_of(body, "userId", &ask.user));
	if (!json_is_null(json_get(body, "profile")))
		ask.draft = json_get(body, "profile");
	if (ask.draft != NULL && !json_is_object(ask.draft))
		FAIL(ERR_MODEL_INVALID, "\"profile\" must be an object");
	if (id_is_zero(ask.profile) && ask.draft == NULL)
		FAIL(ERR_MODEL_INVALID, "\"profileId\" or \"profile\" is required");
	if (id_is_zero(ask.device) && id_is_zero(ask.user))
		FAIL(ERR_MODEL_INVALID, "\"deviceId\" or \"userId\" is required");
	/* The names of the certificate tell what the directory has. */
	TRY(demand(who, a, who->perms, PERM_USERS_READ));
	if (!id_is_zero(ask.device))
		TRY(demand(who, a, who->perms | who->scoped, PERM_DEVICES_READ));
	TRY(store_read(
	    api_of(r)->store, may_ask, &(struct asking){ .a = a, .who = who, .ask = &ask }));
	TRY(preview_run(api_of(r)->store, a, &ask, &p));
	TRY(preview_json(a, &p, out));
	TRY(reply_narrow(&q, out));
	return reply_json(r, 200, out);
}

static const struct http_route routes[] = {
	ROUTE(POST, "/chancery/v1/preview", PERM_CONFIG_READ | PERM_SCOPED, post),
	{ 0 },
};

const struct resource resource_preview = { "preview", routes };
