/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/consumer.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "base/when.h"

enum { AGAIN_S = 60, LIMIT_STATE = 1 << 20 };

static const struct consumer *const consumers[] = { &consumer_nss, &consumer_networkmanager,
	&consumer_wpa, &consumer_networks, &consumer_hooks };

static const char *
state_file(const struct agent *g, struct arena *a)
{
	return arena_printf(a, "%s/consumers.json", g->conf->state_dir);
}

static const char *
bundle_file(const struct agent *g, struct arena *a)
{
	return arena_printf(a, "%s/ca-bundle.pem", g->conf->state_dir);
}

const struct holding *
holding_find(const struct holdings *h, const char *alias)
{
	for (size_t i = 0; i < h->n; i++)
		if (str_eq_c(str_c(h->v[i].alias), alias))
			return &h->v[i];
	return NULL;
}

static const char *
small_file(struct arena *a, const char *path)
{
	struct str text;
	err_t e = file_read(a, path, LIMIT_LONG_TEXT, &text);

	if (err_ok(e))
		return arena_cstr(a, str_trim(text));
	err_forget(e);
	return "";
}

static struct holding
holding_of(const struct agent *g, struct arena *a, const json *item)
{
	const char *alias = arena_strdup(a, json_text(json_get(item, "alias")));
	const char *folder = arena_printf(a, "%s/certs/%s", g->conf->state_dir, alias);
	struct holding h = {
		.alias = alias,
		.name = "",
		.identity = str_eq_c(str_c(json_text(json_get(item, "kind"))), "identity"),
		.sha256 = arena_strdup(a, json_text(json_get(item, "sha256"))),
		.cert = arena_printf(a, "%s/%s.crt", g->conf->trust_dir, alias),
	};

	if (!h.identity)
		return h;
	h.cert = arena_printf(a, "%s/cert.pem", folder);
	h.chain = arena_printf(a, "%s/chain.pem", folder);
	h.name = small_file(a, arena_printf(a, "%s/name", folder));
	if (file_exists(arena_printf(a, "%s/key.uri", folder)))
		h.uri = arena_printf(a, "%s/key.uri", folder);
	else
		h.key = arena_printf(a, "%s/key.pem", folder);
	return h;
}

/* Identities without their key, and CA certificates on their way out, are nothing that anybody shall use. */
static err_t
gather(const struct agent *g, struct arena *a, struct holdings *ret)
{
	auto_json json *list = json_array_new();
	struct holding *v;
	size_t n = 0;

	TRY(trust_inventory(g, a, list));
	TRY(identity_inventory(g, a, list));
	v = arena_array(a, json_count(list) + 1, sizeof(*v));
	for (size_t i = 0; i < json_count(list); i++) {
		struct holding h = holding_of(g, a, json_at(list, i));

		if (h.identity ? json_true(json_get(json_at(list, i), "has_key")) :
				 file_exists(h.cert))
			v[n++] = h;
	}
	*ret = (struct holdings){ v, n, bundle_file(g, a) };
	return OK;
}

static err_t
write_bundle(struct arena *a, const struct holdings *h)
{
	const char *all = "";
	struct str pem, was = STR_EMPTY;

	for (size_t i = 0; i < h->n; i++) {
		if (h->v[i].identity)
			continue;
		TRY(file_read(a, h->v[i].cert, 2 * LIMIT_CERT_BYTES, &pem));
		all = arena_printf(a, "%s%s", all, arena_cstr(a, pem));
	}
	if (file_exists(h->bundle))
		TRY(file_read(a, h->bundle, LIMIT_STATE * 4, &was));
	return str_eq_c(was, all) ? OK : file_write(h->bundle, str_c(all), 0644);
}

/* One text for all that decides what a consumer does. */
static const char *
fingerprint(
    const struct consumer *c, const struct agent *g, struct arena *a, const struct holdings *h)
{
	const char *all = c->mark(g, a);
	uint8_t hash[32];

	for (size_t i = 0; i < h->n; i++)
		all = arena_printf(
		    a, "%s\n%s %s %s", all, h->v[i].alias, h->v[i].sha256, h->v[i].name);
	hash_sha256(str_c(all), hash);
	return text_hex(a, STR(hash));
}

static err_t
load(const struct agent *g, struct arena *a, json **ret)
{
	const char *path = state_file(g, a);
	struct str text;
	err_t e;

	*ret = json_object_new();
	if (!file_exists(path))
		return OK;
	TRY(file_read(a, path, LIMIT_STATE, &text));
	json_free(*ret);
	e = json_parse(text, LIMIT_STATE, ret);
	if (err_ok(e) && json_is_object(*ret))
		return OK;
	/* Whatever damaged it: everything is brought up to date anew. */
	if (err_ok(e))
		json_free(*ret);
	err_forget(e);
	*ret = json_object_new();
	return OK;
}

static json *
member(json *obj, const char *name)
{
	if (!json_is_object(json_get(obj, name)))
		json_set(obj, name, json_object_new());
	return json_get(obj, name);
}

static err_t
sync_one(const struct consumer *c, const struct agent *g, struct arena *a, const struct holdings *h,
    json *entry)
{
	const char *mark = fingerprint(c, g, a, h);
	struct err_report rep;
	err_t e = c->sync(g, a, h, member(entry, "state"));

	err_take(e, &rep);
	json_set_text(entry, "fault", rep.code == ERR_NONE ? "" : err_info(rep.code)->id);
	json_set_text(entry, "detail", text_safe(a, str_c(rep.detail)));
	json_set_text(entry, "done", rep.code == ERR_NONE ? mark : "");
	json_set_int(entry, "at", when_now());
	if (rep.code != ERR_NONE)
		log_report(arena_printf(a, "%s is not up to date", c->name), &rep);
	else
		log_event(LOG_LEVEL_INFO, "up to date", "consumer", c->name, NULL);
	return e;
}

static bool
is_due(const struct consumer *c, const struct agent *g, struct arena *a, const struct holdings *h,
    const json *entry, bool now)
{
	bool failed = json_text(json_get(entry, "fault"))[0] != '\0';

	if (!failed)
		return !str_eq_c(
		    str_c(json_text(json_get(entry, "done"))), fingerprint(c, g, a, h));
	return now || when_now() >= json_int(json_get(entry, "at")) + AGAIN_S ||
	    when_now() < json_int(json_get(entry, "at"));
}

err_t
consumers_sync(const struct agent *g, struct arena *a, bool now, size_t *ret_failed)
{
	auto_json json *all = NULL;
	bool changed = false;
	struct holdings h;
	struct str text;

	*ret_failed = 0;
	TRY(gather(g, a, &h));
	TRY(load(g, a, &all));
	for (size_t i = 0; i < COUNT(consumers); i++) {
		const struct consumer *c = consumers[i];
		json *entry = member(all, c->name);
		err_t e;

		if (!c->wanted(g) && json_count(json_get(entry, "state")) == 0)
			continue; /* nothing to do, and nothing that was done */
		if (!is_due(c, g, a, &h, entry, now)) {
			*ret_failed += json_text(json_get(entry, "fault"))[0] != '\0';
			continue;
		}
		TRY(write_bundle(a, &h));
		e = sync_one(c, g, a, &h, entry);
		*ret_failed += !err_ok(e);
		err_forget(e);
		changed = true;
	}
	if (!changed)
		return OK;
	TRY(json_print_pretty(a, all, &text));
	return file_write(state_file(g, a), text, 0600);
}

err_t
consumers_show(const struct agent *g, struct arena *a, json *list)
{
	auto_json json *all = NULL;

	TRY(load(g, a, &all));
	for (size_t i = 0; i < COUNT(consumers); i++) {
		const json *entry = json_get(all, consumers[i]->name);
		json *row;

		if (!json_is_object(entry) || !consumers[i]->wanted(g))
			continue;
		row = json_object_new();
		json_set_text(row, "consumer", consumers[i]->name);
		json_set_text(row, "fault", json_text(json_get(entry, "fault")));
		json_set_text(row, "detail", json_text(json_get(entry, "detail")));
		json_add(list, row);
	}
	return OK;
}

err_t
consumers_forget(const struct agent *g, struct arena *a)
{
	TRY(file_remove(state_file(g, a)));
	return file_remove(bundle_file(g, a));
}
