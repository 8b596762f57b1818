/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/config_secrets.h"

#include "base/file.h"
#include "cli/api.h"

#define PROFILES "/chancery/v1/profiles"

const char *
config_secrets_hint(const char *property)
{
	return strcmp(property, "preSharedKey") == 0 ?
	    "a secret stands in no such file; \"secrets\": {\"preSharedKey\": {\"file\": \"NAME\"}} "
	    "says where it is" :
	    NULL;
}

void
config_secrets_place(struct arena *a, const char *dir, json *object)
{
	json *secrets = json_get(object, "secrets");

	for (void *it = json_iter(secrets); it != NULL; it = json_iter_next(secrets, it)) {
		json *one = json_iter_value(it);
		const char *file = json_text(json_get(one, "file"));

		if (file[0] != '\0' && file[0] != '/')
			json_set_text(one, "file", arena_printf(a, "%s/%s", dir, file));
	}
}

err_t
config_secrets_to_file(const json *marks, json **ret)
{
	auto_json json *out = json_object_new();

	for (void *it = json_iter(marks); it != NULL; it = json_iter_next(marks, it)) {
		json *one = json_object_new();

		json_set(out, json_iter_key(it), one);
		json_set_text(one, "mark", json_text(json_iter_value(it)));
	}
	*ret = json_count(out) == 0 ? NULL : steal(out);
	return OK;
}

/* Of one secret: "file", "env" or "mark", and nothing else. */
static err_t
place_of(const char *name, const json *one, const char **ret_kind, const char **ret_value)
{
	static const char *const kinds[] = { "file", "env", "mark" };

	for (size_t i = 0; json_count(one) == 1 && i < COUNT(kinds); i++) {
		*ret_kind = kinds[i];
		*ret_value = json_text(json_get(one, kinds[i]));
		if ((*ret_value)[0] != '\0')
			return OK;
	}
	FAIL(ERR_USAGE,
	    "\"secrets\": \"%.64s\" must be {\"file\": NAME} or {\"env\": NAME}: where the secret is",
	    name);
}

/* Whoever writes the files shall not have what lies with who applies them shown in a property that is none. */
static err_t
read_one(struct cli *c, const char *name, const char *kind, const char *value, const char **ret)
{
	if (config_secrets_hint(name) == NULL)
		FAIL(
		    ERR_USAGE, "\"secrets\": \"%.64s\" is no secret; write it as a property", name);
	if (strcmp(kind, "file") == 0) {
		TRY_CTX(file_first_line(c->arena, value, ret), "\"secrets\": \"%.64s\"", name);
		return OK;
	}
	*ret = getenv(value);
	if (*ret == NULL || **ret == '\0')
		FAIL(
		    ERR_USAGE, "\"secrets\": \"%.64s\": the environment has no %.64s", name, value);
	return OK;
}

err_t
config_secrets_to_api(struct cli *c, const json *secrets, json *out)
{
	const char *kind, *value, *secret;

	if (!json_is_null(secrets) && !json_is_object(secrets))
		FAIL(ERR_USAGE, "\"secrets\" must be an object");
	for (void *it = json_iter(secrets); it != NULL; it = json_iter_next(secrets, it)) {
		const char *name = json_iter_key(it);

		TRY(place_of(name, json_iter_value(it), &kind, &value));
		if (strcmp(kind, "mark") == 0)
			continue;
		TRY(read_one(c, name, kind, value, &secret));
		json_set_text(out, name, secret);
	}
	return OK;
}

/* The mark that this secret would have; "": it is refused, as with other settings that change with it. */
static err_t
ask_mark(struct cli *c, const char *id, const char *type, const char *name, const char *secret,
    const char **ret)
{
	auto_json json *body = json_object_new(), *answer = NULL;
	json *settings = json_object_new();
	err_t e;

	json_set(body, "settings", settings);
	json_set_text(settings, "@odata.type", type);
	json_set_text(settings, name, secret);
	json_set_int(body, "maxDevices", 1);
	e = api_send(c, "POST", arena_printf(c->arena, PROFILES "/%s/effect", id), body, &answer);
	if (err_is(e, ERR_UNREACHABLE) || err_is(e, ERR_NOT_LOGGED_IN) || err_is(e, ERR_TIMEOUT))
		return e;
	err_forget(e);
	*ret = arena_strdup(c->arena, json_text(json_get(json_get(answer, "secrets"), name)));
	return OK;
}

static err_t
known_one(struct cli *c, const char *id, const char *type, const char *name, const json *one,
    const char *mark, json *out)
{
	const char *kind, *value, *secret, *would;
	json *same;

	TRY(place_of(name, one, &kind, &value));
	if (strcmp(kind, "mark") == 0 && strcmp(value, mark) != 0)
		FAIL(ERR_USAGE,
		    "\"secrets\": the installation has another \"%.64s\" than the mark is of, or none; "
		    "say where it is by \"file\" or \"env\"",
		    name);
	would = value;
	if (strcmp(kind, "mark") != 0) {
		TRY(read_one(c, name, kind, value, &secret));
		would = "";
		if (mark[0] != '\0')
			TRY(ask_mark(c, id, type, name, secret, &would));
	}
	if (mark[0] == '\0' || strcmp(would, mark) != 0) {
		json_set(out, name, json_ref((json *)(uintptr_t)one));
		return OK;
	}
	same = json_object_new();
	json_set(out, name, same);
	json_set_text(same, "mark", mark);
	return OK;
}

err_t
config_secrets_known(
    struct cli *c, const char *id, const char *type, const json *want, const json *have, json **ret)
{
	auto_json json *out = json_object_new();

	if (!json_is_object(want))
		FAIL(ERR_USAGE, "\"secrets\" must be an object");
	for (void *it = json_iter(want); it != NULL; it = json_iter_next(want, it)) {
		const char *name = json_iter_key(it);

		TRY(known_one(c, id, type, name, json_iter_value(it),
		    json_text(json_get(json_get(have, name), "mark")), out));
	}
	*ret = steal(out);
	return OK;
}
