/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/slots.h"

#include "cli/out.h"

#define NAMED_MAX 5

static int
by_names(const void *x, const void *y)
{
	const json *a = *(json *const *)x, *b = *(json *const *)y;
	int rc = strcmp(json_text(json_get(a, "deviceName")), json_text(json_get(b, "deviceName")));

	if (rc == 0)
		rc = strcmp(
		    json_text(json_get(a, "profileName")), json_text(json_get(b, "profileName")));
	return rc != 0 ? rc : strcmp(json_text(json_get(a, "id")), json_text(json_get(b, "id")));
}

void
slots_sort(struct arena *a, const json *slots, json **ret)
{
	size_t n = json_count(slots);
	json **v = arena_array(a, n + 1, sizeof(json *));
	json *sorted = json_array_new();

	for (size_t i = 0; i < n; i++)
		v[i] = json_at(slots, i);
	qsort(v, n, sizeof(json *), by_names);
	for (size_t i = 0; i < n; i++)
		json_add(sorted, json_ref(v[i]));
	*ret = sorted;
}

bool
slot_is(const json *slot, const char *state)
{
	return str_eq_c(str_c(json_text(json_get(slot, "state"))), state);
}

/* Milliseconds of "2026-01-31T12:00:00.123Z"; false if it is none. */
static bool
read_ms(const char *text, int64_t *ret)
{
	const char *dot = strchr(text, '.');
	int64_t ms = 0, scale = 100;
	when_t t;
	err_t e = when_parse(str_c(text), &t);

	err_forget(e);
	if (!err_ok(e))
		return false;
	for (const char *p = dot; p != NULL && p[1] >= '0' && p[1] <= '9' && scale > 0;
	     p++, scale /= 10)
		ms += (p[1] - '0') * scale;
	*ret = t * 1000 + ms;
	return true;
}

const char *
slot_took(struct arena *a, const json *slot)
{
	int64_t from, to;

	if (!read_ms(json_text(json_get(slot, "assignedDateTime")), &from) ||
	    !read_ms(json_text(json_get(slot, "installedDateTime")), &to))
		return "-";
	return out_duration(a, to - from);
}

static bool
reached(const struct slots_goal *goal, const json *slot)
{
	if (goal->removed)
		return slot_is(slot, "removed");
	return slot_is(slot, "installed") || slot_is(slot, "renewing");
}

static int64_t
slots_of(const json *slots, const char *device)
{
	int64_t n = 0;

	for (size_t i = 0; i < json_count(slots); i++)
		if (device == NULL ||
		    str_eq_c(str_c(device), json_text(json_get(json_at(slots, i), "deviceId"))))
			n++;
	return n;
}

/* "laptop/WiFi: failed (user-mail-missing)" */
static const char *
describe(struct arena *a, const json *slot)
{
	const char *fault = json_text(json_get(slot, "fault"));

	return arena_printf(a, "%s/%s: %s%s%s%s", json_text(json_get(slot, "deviceName")),
	    json_text(json_get(slot, "profileName")), json_text(json_get(slot, "state")),
	    *fault == '\0' ? "" : " (", fault, *fault == '\0' ? "" : ")");
}

const char *
slots_missing(struct arena *a, const struct slots_goal *goal, const json *slots)
{
	const char *all = "";
	size_t n = 0, done = 0;

	for (size_t i = 0; i < json_count(slots); i++) {
		if (reached(goal, json_at(slots, i)))
			done++;
		else if (n++ < NAMED_MAX)
			all = arena_printf(a, "%s; %s", all, describe(a, json_at(slots, i)));
	}
	for (size_t i = 0; !goal->removed && i < (goal->ndevices == 0 ? 1 : goal->ndevices); i++) {
		const char *device = goal->ndevices == 0 ? NULL : goal->device[i];

		if (slots_of(slots, device) >= goal->count)
			continue;
		n++;
		if (device == NULL)
			all = arena_printf(a, "%s; no certificate is due yet", all);
		else
			all = arena_printf(a, "%s; device %s: %lld of %lld slots are there", all,
			    device, (long long)slots_of(slots, device), (long long)goal->count);
	}
	if (n == 0)
		return NULL;
	return arena_printf(a, "%zu of %zu %s%s", done, json_count(slots),
	    goal->removed ? "removed" : "installed", all);
}
