/* SPDX-License-Identifier: Apache-2.0 */
#include "device/apple_command.h"

#include "device/apple_profile.h"
#include "model/wipe.h"

struct pl *
apple_command(struct arena *a, const char *id, const char *type, struct pl **ret_body)
{
	struct pl *p = pl_dict(a);
	struct pl *body = pl_dict(a);

	pl_set_text(a, body, "RequestType", type);
	pl_set_text(a, p, "CommandUUID", id);
	pl_set(a, p, "Command", body);
	*ret_body = body;
	return p;
}

static err_t
print_profile(const struct device_edge *edge, struct arena *a, const struct device *d,
    const struct command *c, struct str *ret)
{
	struct device_enrol enrol = { 0 };
	const char *key;

	if (c->kind == COMMAND_INSTALL_NETWORK) {
		TRY(device_network_key(edge, a, c, &key));
		return apple_network_print(a, c, key, d->identity, ret);
	}
	if (c->kind == COMMAND_ENROL)
		TRY(device_enrol_of(edge, a, c, &enrol));
	return apple_profile_print(a, c, &enrol, ret);
}

static err_t
print_install(const struct device_edge *edge, struct arena *a, const struct device *d,
    const struct command *c, struct str *ret)
{
	struct str profile, made;
	struct pl *p, *body;

	TRY(print_profile(edge, a, d, c, &profile));
	TRY(edge->profile_sign(edge->identity_ctx, a, profile, &made));
	p = apple_command(a, c->id, "InstallProfile", &body);
	pl_set_data(a, body, "Payload", made);
	return pl_print(a, p, ret);
}

static err_t
print_remove(struct arena *a, const char *id, const char *identifier, struct str *ret)
{
	struct pl *body;
	struct pl *p = apple_command(a, id, "RemoveProfile", &body);

	pl_set_text(a, body, "Identifier", identifier);
	return pl_print(a, p, ret);
}

err_t
apple_leave_print(struct arena *a, struct str *ret)
{
	return print_remove(a, APPLE_LEAVE_ID, APPLE_ENROLMENT, ret);
}

/* A Mac without a quick erase goes by ObliterationBehavior; others do not look at it. */
static err_t
print_erase(const struct device_edge *edge, struct arena *a, const struct device *d,
    const struct command *c, struct str *ret)
{
	static const char *const fallbacks[] = {
		[WIPE_FALLBACK_NONE] = "DoNotObliterate",
		[WIPE_FALLBACK_WARN] = "ObliterateWithWarning",
		[WIPE_FALLBACK_ALWAYS] = "Always",
	};
	const struct wipe_how *how = c->wipe;
	const char *pin;
	struct pl *body;
	struct pl *p = apple_command(a, c->id, "EraseDevice", &body);

	TRY(wipe_pin(edge->keys, a, d->id, how, &pin));
	if (pin[0] != '\0')
		pl_set_text(a, body, "PIN", pin);
	if (how->keep_data_plan)
		pl_set_bool(a, body, "PreserveDataPlan", true);
	if (how->fallback > 0 && (size_t)how->fallback < COUNT(fallbacks))
		pl_set_text(a, body, "ObliterationBehavior", fallbacks[how->fallback]);
	return pl_print(a, p, ret);
}

err_t
apple_command_print(const struct device_edge *edge, struct arena *a, const struct device *d,
    const struct command *c, struct str *ret)
{
	switch (c->kind) {
	case COMMAND_INSTALL_CA:
	case COMMAND_INSTALL_IDENTITY:
	case COMMAND_ENROL:
	case COMMAND_INSTALL_NETWORK:
		return print_install(edge, a, d, c, ret);
	case COMMAND_REMOVE_CA:
	case COMMAND_REMOVE_IDENTITY:
	case COMMAND_REMOVE_NETWORK:
		return print_remove(a, c->id, c->alias, ret);
	case COMMAND_WIPE:
		return print_erase(edge, a, d, c, ret);
	}
	FAIL(ERR_INTERNAL, "command of kind %d", (int)c->kind);
}
