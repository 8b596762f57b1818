/* SPDX-License-Identifier: Apache-2.0 */
/* See wipe.h. */
#include "model/wipe.h"

#include "base/limits.h"
#include "base/text.h"
#include "model/diff.h"
#include "model/request.h"
#include "model/secret.h"
#include "store/access.h"

#define COMMAND_END ":wipe"
#define SEALED_CODE "sealedUnlockCode"
enum { PIN_DIGITS = 6, SWEEP_BATCH = 64 };

static err_t
check_pin(struct arena *a, const struct field *f, const void *at)
{
	const char *pin = *(const char *const *)at;

	(void)a;
	if (pin == NULL || pin[0] == '\0' ||
	    (strlen(pin) == PIN_DIGITS && strspn(pin, "0123456789") == PIN_DIGITS))
		return OK;
	FAIL(ERR_MODEL_INVALID, "\"%s\" must be six digits", f->name);
}

static const struct field_member fallbacks[] = {
	{ "default", WIPE_FALLBACK_DEFAULT },
	{ "doNotObliterate", WIPE_FALLBACK_NONE },
	{ "obliterateWithWarning", WIPE_FALLBACK_WARN },
	{ "always", WIPE_FALLBACK_ALWAYS },
	{ 0 },
};

const struct field wipe_fields[] = {
	FIELD(struct wipe_how, keep_enrolment, FIELD_BOOL, .name = "keepEnrollmentData",
	    .help = "Windows: it stays enrolled."),
	FIELD(struct wipe_how, keep_user, FIELD_BOOL, .name = "keepUserData",
	    .help = "Windows: accounts and data of its users stay, and it stays enrolled."),
	FIELD(struct wipe_how, protect, FIELD_BOOL, .name = "useProtectedWipe",
	    .help = "Windows: the disk is cleaned, even if the device does not start afterwards."),
	FIELD(struct wipe_how, keep_data_plan, FIELD_BOOL, .name = "persistEsimDataPlan",
	    .help = "iPhone and iPad: the data plan of an eSIM stays."),
	FIELD(struct wipe_how, pin, FIELD_TEXT, .name = "macOsUnlockCode", .flags = FIELD_SECRET,
	    .check = check_pin, .help = "Macs: six digits that it asks for afterwards; needed."),
	FIELD(struct wipe_how, fallback, FIELD_ENUM, .name = "obliterationBehavior",
	    .members = fallbacks, .help = "Macs: what to do where they cannot erase quickly."),
};
const size_t wipe_nfields = COUNT(wipe_fields);

static const char *const state_names[] = {
	[WIPE_NONE] = "none",
	[WIPE_PENDING] = "pending",
	[WIPE_ISSUED] = "issued",
	[WIPE_RESETTING] = "resetting",
	[WIPE_FAILED] = "failed",
	[WIPE_DONE] = "done",
	[WIPE_CANCELLED] = "cancelled",
	[WIPE_EXPIRED] = "expired",
};

const char *
wipe_state_name(enum wipe_state s)
{
	return (size_t)s < COUNT(state_names) ? state_names[s] : "";
}

enum wipe_state
wipe_state_of(const struct device_life *l)
{
	return l->wipe == WIPE_PENDING && l->wipe_expires <= when_now() ? WIPE_EXPIRED : l->wipe;
}

bool
wipe_withholds(const struct device_life *l)
{
	return l->wipe == WIPE_ISSUED || l->wipe == WIPE_RESETTING ||
	    (l->wipe == WIPE_FAILED && l->wipe_issued != 0);
}

bool
wipe_is_open(const struct device_life *l)
{
	enum wipe_state s = wipe_state_of(l);

	return s == WIPE_PENDING || s == WIPE_ISSUED;
}

/* ---- how ---- */

static bool
has_text(const char *s)
{
	return s != NULL && s[0] != '\0';
}

/* What a code is sealed under: as somebody's own. */
static const char *
label_of(struct arena *a, struct id device)
{
	return arena_printf(a, "wipe %s", id_text(a, device));
}

err_t
wipe_seal(struct ipc_client *keys, struct arena *a, struct id device, struct wipe_how *how)
{
	if (!has_text(how->pin))
		return OK;
	TRY(secret_hide(keys, a, label_of(a, device), how->pin, &how->sealed));
	how->pin = "";
	return OK;
}

err_t
wipe_pin(struct ipc_client *keys, struct arena *a, struct id device, const struct wipe_how *how,
    const char **ret)
{
	*ret = "";
	return has_text(how->sealed) ? secret_show(keys, a, label_of(a, device), how->sealed, ret) :
				       OK;
}

/* secrets: with the code, as it is kept until the device has it. */
static err_t
how_print(struct arena *a, const struct wipe_how *how, bool secrets, const char **ret)
{
	auto_json json *j = json_object_new();
	struct str text;

	TRY(field_write(a, wipe_fields, wipe_nfields, how, j));
	if (secrets && has_text(how->sealed))
		json_set_text(j, SEALED_CODE, how->sealed);
	TRY(json_print(a, j, &text));
	*ret = arena_cstr(a, text);
	return OK;
}

err_t
wipe_how_parse(struct arena *a, const char *text, struct wipe_how *ret)
{
	static const char *const kept[] = { SEALED_CODE, NULL };
	auto_json json *j = NULL;
	struct wipe_how how = { 0 };

	TRY(json_parse(str_c(text), LIMIT_LONG_TEXT, &j));
	TRY(field_read(a, wipe_fields, wipe_nfields, j, FIELD_CREATE, kept, &how));
	how.sealed = arena_strdup(a, json_text(json_get(j, SEALED_CODE)));
	*ret = how;
	return OK;
}

/* Who asks that something is kept shall not lose it because this platform has no word for it. */
static err_t
how_check(const struct device *d, const struct wipe_how *how)
{
	bool windows = strcmp(d->platform, "windows") == 0, mac = strcmp(d->platform, "macos") == 0;
	bool phone = strcmp(d->platform, "ios") == 0;

	if ((how->keep_enrolment || how->keep_user || how->protect) && !windows)
		FAIL(ERR_WIPE_HOW,
		    "keepEnrollmentData, keepUserData and useProtectedWipe are for Windows; the "
		    "device's platform is %s",
		    d->platform);
	if (how->protect && (how->keep_enrolment || how->keep_user))
		FAIL(ERR_WIPE_HOW, "a protected wipe keeps nothing");
	if (how->keep_data_plan && !phone)
		FAIL(ERR_WIPE_HOW,
		    "persistEsimDataPlan is for iPhones and iPads; the device's platform is %s",
		    d->platform);
	if ((has_text(how->sealed) || how->fallback != WIPE_FALLBACK_DEFAULT) && !mac)
		FAIL(ERR_WIPE_HOW,
		    "macOsUnlockCode and obliterationBehavior are for Macs; the device's platform "
		    "is %s",
		    d->platform);
	if (mac && !has_text(how->sealed))
		FAIL(ERR_WIPE_HOW,
		    "a Mac is wiped with macOsUnlockCode, six digits that it asks for afterwards");
	return OK;
}

/* ---- asked for, and cancelled ---- */

struct change {
	struct arena *a;
	const struct life_actor *by;
	struct id device;
	const struct wipe_how *how; /* NULL: cancel */
};

static err_t
note(struct tx *tx, struct arena *a, const char *actor, const char *event,
    const struct device_life *l, enum wipe_state before, const char *more)
{
	return store_audit_add(tx, actor, event, id_text(a, l->device),
	    arena_printf(a, "{\"wipe\":\"%s\"}", wipe_state_name(before)),
	    arena_printf(a, "{\"wipe\":\"%s\"%s%s}", wipe_state_name(l->wipe),
		more == NULL ? "" : ",\"how\":", more == NULL ? "" : more));
}

/* The code is of no use any more. */
static err_t
how_blank(struct arena *a, struct device_life *l)
{
	struct wipe_how how;

	if (!has_text(l->wipe_how))
		return OK;
	TRY(wipe_how_parse(a, l->wipe_how, &how));
	return how_print(a, &how, false, &l->wipe_how);
}

static err_t
end(struct tx *tx, struct arena *a, struct device_life *l, enum wipe_state to, const char *actor,
    const char *event)
{
	enum wipe_state before = l->wipe;

	l->wipe = to;
	l->wipe_ended = when_now();
	TRY(how_blank(a, l));
	TRY(store_device_life_put(tx, l));
	return note(tx, a, actor, event, l, before, NULL);
}

static err_t
ask(struct tx *tx, void *arg)
{
	struct change *c = arg;
	struct device_life l;
	struct device d;
	enum wipe_state before;
	const char *shown;

	TRY(store_device_get(tx, c->a, c->device, &d));
	TRY(c->by->may(c->by->ctx, &d));
	if (d.state != DEVICE_ACTIVE)
		FAIL(ERR_DEVICE_RETIRED, "device %s", id_text(c->a, d.id));
	TRY(how_check(&d, c->how));
	TRY(store_device_life_get(tx, c->a, d.id, &l));
	if (l.wipe == WIPE_RESETTING)
		FAIL(ERR_WIPE_TAKEN, "device %s", id_text(c->a, d.id));
	before = wipe_state_of(&l);
	l.wipe = WIPE_PENDING;
	l.wipe_by = c->by->name;
	l.wipe_asked = when_now();
	l.wipe_issued = l.wipe_ended = 0;
	l.wipe_expires = when_now() + WIPE_LIFE;
	l.wipe_fault = l.wipe_detail = "";
	TRY(how_print(c->a, c->how, false, &shown));
	TRY(how_print(c->a, c->how, true, &l.wipe_how));
	TRY(store_device_life_put(tx, &l));
	TRY(note(tx, c->a, c->by->name, "device.wipe", &l, before, shown));
	return diff_device(tx, c->a, &d);
}

static err_t
cancel(struct tx *tx, void *arg)
{
	struct change *c = arg;
	struct device_life l;
	struct device d;

	TRY(store_device_get(tx, c->a, c->device, &d));
	TRY(c->by->may(c->by->ctx, &d));
	TRY(store_device_life_get(tx, c->a, d.id, &l));
	if (l.wipe == WIPE_DONE || l.wipe == WIPE_RESETTING)
		FAIL(ERR_WIPE_TAKEN, "device %s", id_text(c->a, d.id));
	if (l.wipe != WIPE_PENDING && l.wipe != WIPE_ISSUED && l.wipe != WIPE_FAILED)
		return OK;
	TRY(end(tx, c->a, &l, WIPE_CANCELLED, c->by->name, "device.wipeCancel"));
	return diff_device(tx, c->a, &d);
}

err_t
device_wipe(struct store *s, struct arena *a, const struct life_actor *by, struct id device,
    const struct wipe_how *how)
{
	struct change c = { a, by, device, how };

	return store_write(s, ask, &c);
}

err_t
device_wipe_cancel(struct store *s, struct arena *a, const struct life_actor *by, struct id device)
{
	struct change c = { .a = a, .by = by, .device = device };

	return store_write(s, cancel, &c);
}

err_t
wipe_forget(struct tx *tx, struct arena *a, struct id device)
{
	struct device_life l;

	TRY(store_device_life_get(tx, a, device, &l));
	return l.wipe == WIPE_PENDING ?
	    end(tx, a, &l, WIPE_CANCELLED, "service", "device.wipeCancel") :
	    OK;
}

/* ---- by the clock ---- */

struct overdue {
	struct arena *a;
	struct device_life *v;
	size_t n;
};

static err_t
find_overdue(struct tx *tx, void *arg)
{
	struct overdue *o = arg;

	return store_device_wipe_overdue(tx, o->a, when_now(), SWEEP_BATCH, &o->v, &o->n);
}

static err_t
expire(struct tx *tx, struct arena *a, struct device_life *l)
{
	return end(tx, a, l, WIPE_EXPIRED, "service", "device.wipeExpired");
}

static err_t
expire_overdue(struct tx *tx, void *arg)
{
	struct overdue *o = arg;

	/* A device may have come, or an administrator, since they were looked for. */
	TRY(find_overdue(tx, o));
	for (size_t i = 0; i < o->n; i++)
		TRY(expire(tx, o->a, &o->v[i]));
	return OK;
}

err_t
wipe_sweep(struct store *s)
{
	auto_arena struct arena *a = arena_new();
	struct overdue o = { .a = a };

	TRY(store_read(s, find_overdue, &o));
	return o.n == 0 ? OK : store_write(s, expire_overdue, &o);
}

/* ---- with the device ---- */

const char *
wipe_command_id(struct arena *a, struct id device)
{
	return arena_printf(a, "%s" COMMAND_END, id_text(a, device));
}

bool
wipe_is_command(const char *id)
{
	size_t n = strlen(id);

	return n > strlen(COMMAND_END) && strcmp(id + n - strlen(COMMAND_END), COMMAND_END) == 0;
}

/* Nothing that it held is there any more. */
static err_t
said_yes(struct tx *tx, struct arena *a, struct device *d, struct device_life *l)
{
	struct wipe_how how;
	bool stays;

	if (l->wipe == WIPE_DONE || l->wipe == WIPE_RESETTING)
		return OK;
	TRY(request_may_write(tx));
	TRY(wipe_how_parse(a, l->wipe_how, &how));
	stays = (how.keep_enrolment || how.keep_user) && d->state == DEVICE_ACTIVE;
	TRY(end(tx, a, l, stays ? WIPE_RESETTING : WIPE_DONE, "device", "device.wiped"));
	TRY(inventory_print(a, NULL, 0, &d->inventory));
	if (!stays)
		d->state = DEVICE_GONE;
	TRY(store_device_update(tx, d));
	return diff_device(tx, a, d);
}

static err_t
said_no(
    struct tx *tx, struct arena *a, struct device_life *l, const char *fault, const char *detail)
{
	TRY(request_may_write(tx));
	l->wipe_fault = fault;
	l->wipe_detail = detail;
	return end(tx, a, l, WIPE_FAILED, "device", "device.wipeFailed");
}

static err_t
hear(struct tx *tx, struct arena *a, struct device *d, struct device_life *l,
    const struct report_result *res)
{
	const char *code = res->code == NULL ? "" : res->code;

	switch (res->status) {
	case RESULT_OK:
		return said_yes(tx, a, d, l);
	case RESULT_ERROR:
		if (l->wipe != WIPE_ISSUED)
			return OK;
		return said_no(tx, a, l,
		    res->fault != NULL && res->fault[0] != '\0' ? res->fault :
								  err_info(ERR_DEVICE_REFUSED)->id,
		    text_safe(a,
			str_c(arena_printf(a, "%.64s%s%.512s", code, code[0] == '\0' ? "" : ": ",
			    res->detail == NULL ? "" : res->detail))));
	case RESULT_NOT_NOW:
		break;
	}
	return OK;
}

/* It is about to be told. */
static err_t
issue(struct tx *tx, struct arena *a, struct device_life *l)
{
	if (l->wipe == WIPE_ISSUED)
		return OK;
	TRY(request_may_write(tx));
	l->wipe = WIPE_ISSUED;
	l->wipe_issued = when_now();
	TRY(store_device_life_put(tx, l));
	return note(tx, a, "service", "device.wipeIssued", l, WIPE_PENDING, NULL);
}

static err_t
offer(struct tx *tx, struct arena *a, struct device_life *l, const struct report *r,
    const struct wipe_how **ret)
{
	struct wipe_how *how;

	switch (r->wipe) {
	case REPORT_WIPE_NOT_HERE:
		return OK;
	case REPORT_WIPE_NEVER:
		return said_no(tx, a, l, err_info(ERR_DEVICE_NO_WIPE)->id,
		    "the device says that it does not let itself be wiped");
	case REPORT_WIPE_CAN:
		break;
	}
	TRY(issue(tx, a, l));
	how = ARENA_NEW(a, struct wipe_how);
	TRY(wipe_how_parse(a, l->wipe_how, how));
	*ret = how;
	return OK;
}

err_t
wipe_checkin(struct tx *tx, struct arena *a, struct device *d, const struct report *r,
    const struct wipe_how **ret, bool *ret_open, bool *ret_any)
{
	struct device_life l;

	*ret = NULL;
	*ret_open = false;
	TRY(store_device_life_get(tx, a, d->id, &l));
	*ret_any = l.wipe != WIPE_NONE;
	if (!*ret_any)
		return OK;
	for (size_t i = 0; !r->again && i < r->nresults && d->state != DEVICE_GONE; i++)
		if (strcmp(r->results[i].id, wipe_command_id(a, d->id)) == 0)
			TRY(hear(tx, a, d, &l, &r->results[i]));
	if (d->state != DEVICE_ACTIVE)
		return OK;
	if (l.wipe == WIPE_RESETTING && r->has_facts && !r->again && l.wipe_ended < when_now()) {
		TRY(request_may_write(tx));
		return end(tx, a, &l, WIPE_DONE, "device", "device.wipedAndBack");
	}
	if (l.wipe == WIPE_PENDING && wipe_state_of(&l) == WIPE_EXPIRED) {
		TRY(request_may_write(tx));
		return expire(tx, a, &l);
	}
	if (wipe_is_open(&l))
		TRY(offer(tx, a, &l, r, ret));
	*ret_open = wipe_is_open(&l);
	return OK;
}
