/* SPDX-License-Identifier: Apache-2.0 */
#include "device/apple_declare.h"

#include <assert.h>

#include "codec/json.h"
#include "device/apple_command.h"
#include "pki/key.h"

#define ACTIVATION "chancery.activation"
/* When the declarations became what they are: to be changed with them. */
#define REVISED "2026-11-22T00:00:00Z"

/* Both systems list certificates in reports from these on, and say which reports are whole. */
enum { FIRST_IOS = 17, FIRST_MACOS = 14 };
/* Seconds: a device that did not take the declarations is told of them again. */
enum { AGAIN = 86400 };
/* Bytes of a device's own code that are kept. */
enum { CODE_MAX = 128 };

bool
apple_declare_can(const struct device *d)
{
	struct str version = str_c(d->os_version == NULL ? "" : d->os_version);
	bool mac = d->platform != NULL && strcmp(d->platform, "macos") == 0;
	int64_t n;
	err_t e = text_i64(str_cut(&version, '.'), 0, 1000, &n);

	if (!err_ok(e)) {
		err_forget(e);
		return false;
	}
	return n >= (mac ? FIRST_MACOS : FIRST_IOS);
}

static json *
named(const char *name)
{
	json *j = json_object_new();

	json_set_text(j, "Name", name);
	return j;
}

static json *
subscription(void)
{
	json *payload = json_object_new(), *items = json_array_new();

	json_add(items, named("security.certificate.list"));
	json_add(items, named("device.operating-system.version"));
	json_set(payload, "StatusItems", items);
	return payload;
}

static json *
activation(void)
{
	json *payload = json_object_new(), *names = json_array_new();

	json_add(names, json_text_new(APPLE_SUBSCRIPTION));
	json_set(payload, "StandardConfigurations", names);
	return payload;
}

static const struct declaration {
	const char *kind, *group; /* in an endpoint; in the manifest */
	const char *type, *identifier;
	json *(*payload)(void);
} declarations[] = {
	{ "activation", "Activations", "com.apple.activation.simple", ACTIVATION, activation },
	{ "configuration", "Configurations",
	    "com.apple.configuration.management.status-subscriptions", APPLE_SUBSCRIPTION,
	    subscription },
};

/* At most 64 octets (DeclarationBase, ServerToken). */
static err_t
server_token(struct arena *a, const struct declaration *d, const char **ret)
{
	auto_json json *payload = d->payload();
	uint8_t hash[32];
	struct str text;

	TRY(json_print(a, payload, &text));
	hash_sha256(
	    str_c(arena_printf(a, "%s %s %s", d->type, d->identifier, arena_cstr(a, text))), hash);
	*ret = text_hex(a, str_of(hash, 16));
	return OK;
}

static err_t
one(struct arena *a, const struct declaration *d, json **ret)
{
	auto_json json *j = json_object_new();
	const char *token;

	TRY(server_token(a, d, &token));
	json_set_text(j, "Type", d->type);
	json_set_text(j, "Identifier", d->identifier);
	json_set_text(j, "ServerToken", token);
	json_set(j, "Payload", d->payload());
	*ret = steal(j);
	return OK;
}

const char *
apple_declare_token(struct arena *a, bool on)
{
	const char *all = on ? "" : "none", *token;
	uint8_t hash[32];

	for (size_t i = 0; on && i < COUNT(declarations); i++) {
		err_t e = server_token(a, &declarations[i], &token);

		assert(err_ok(e)); /* they are our own */
		all = arena_printf(a, "%s %s", all, token);
	}
	hash_sha256(str_c(all), hash);
	return text_hex(a, STR(hash));
}

static err_t
tokens(struct arena *a, bool on, struct str *ret)
{
	auto_json json *j = json_object_new();
	json *t = json_object_new();

	json_set_text(t, "Timestamp", REVISED);
	json_set_text(t, "DeclarationsToken", apple_declare_token(a, on));
	json_set(j, "SyncTokens", t);
	return json_print(a, j, ret);
}

static err_t
manifest(struct arena *a, bool on, struct str *ret)
{
	static const char *const groups[] = { "Activations", "Configurations", "Assets",
		"Management" };
	auto_json json *j = json_object_new();
	json *all = json_object_new();
	const char *token;

	json_set(j, "Declarations", all);
	json_set_text(j, "DeclarationsToken", apple_declare_token(a, on));
	for (size_t i = 0; i < COUNT(groups); i++)
		json_set(all, groups[i], json_array_new());
	for (size_t i = 0; on && i < COUNT(declarations); i++) {
		json *item;

		TRY(server_token(a, &declarations[i], &token));
		item = json_object_new();
		json_set_text(item, "Identifier", declarations[i].identifier);
		json_set_text(item, "ServerToken", token);
		json_add(json_get(all, declarations[i].group), item);
	}
	return json_print(a, j, ret);
}

err_t
apple_declare_answer(struct arena *a, bool on, const char *endpoint, struct str *ret)
{
	if (strcmp(endpoint, "tokens") == 0)
		return tokens(a, on, ret);
	if (strcmp(endpoint, "declaration-items") == 0)
		return manifest(a, on, ret);
	for (size_t i = 0; on && i < COUNT(declarations); i++) {
		const struct declaration *d = &declarations[i];

		if (strcmp(endpoint,
			arena_printf(a, "declaration/%s/%s", d->kind, d->identifier)) == 0) {
			auto_json json *j = NULL;

			TRY(one(a, d, &j));
			return json_print(a, j, ret);
		}
	}
	FAIL(ERR_NOT_FOUND, "declarations have no \"%.64s\"", text_safe(a, str_c(endpoint)));
}

/* What the device is to be told; NULL: nothing. */
static const char *
token_for(struct arena *a, bool on, const struct device *d, const struct apple_state *st)
{
	on = on && apple_declare_can(d);
	return on || st->declared[0] != '\0' ? apple_declare_token(a, on) : NULL;
}

err_t
apple_declare_offer(
    struct arena *a, bool on, const struct device *d, const struct apple_state *st, struct str *ret)
{
	const char *token = token_for(a, on, d, st);
	struct pl *p, *body;
	struct str told;

	if (token == NULL || apple_state_answered(st, APPLE_DECLARE_ID))
		return OK;
	if (strcmp(st->declared, token) == 0 &&
	    (st->refused[0] == '\0' || when_now() - st->declared_at < AGAIN))
		return OK;
	TRY(tokens(a, on && apple_declare_can(d), &told));
	p = apple_command(a, APPLE_DECLARE_ID, "DeclarativeManagement", &body);
	pl_set_data(a, body, "Data", told);
	return pl_print(a, p, ret);
}

void
apple_declare_taken(struct arena *a, bool on, const struct device *d, const struct apple_msg *m,
    struct apple_state *st)
{
	const char *token = token_for(a, on, d, st);

	if (m->status == APPLE_NOT_NOW)
		apple_state_away(a, st, APPLE_DECLARE_ID);
	if (m->status == APPLE_NOT_NOW || token == NULL)
		return;
	st->declared = token;
	st->declared_at = when_now();
	st->refused = "";
	if (m->status == APPLE_ERROR)
		st->refused = text_safe(a, str_c(arena_printf(a, "%.*s", CODE_MAX, m->code)));
}
