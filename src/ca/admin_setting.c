/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs about the CA as a whole: settings, is it there, backup; and the journal's lines. */
#include "ca/admin.h"

#include "ca/backup.h"
#include "ca/crl_shard.h"
#include "ca/setting.h"
#include "ca/state.h"
#include "store/pending.h"

struct settings {
	struct arena *a;
	const char *name, *value; /* name NULL: nothing is set */
	int64_t v[64];
};

static err_t
settings_tx(struct tx *tx, void *arg)
{
	struct settings *s = arg;

	if (s->name != NULL) {
		TRY(setting_put(tx, s->a, s->name, s->value));
		TRY(crl_shards_note(tx));
	}
	for (size_t i = 0; i < ca_nsettings && i < COUNT(s->v); i++)
		TRY(setting_get(tx, (enum ca_setting_id)i, &s->v[i]));
	return OK;
}

static void
show_settings(struct settings *s, const char *only, json *list)
{
	for (size_t i = 0; i < ca_nsettings && i < COUNT(s->v); i++) {
		const struct ca_setting *row = &ca_settings[i];
		json *o;

		if (only != NULL && !str_ieq_c(str_c(only), row->name))
			continue;
		o = json_object_new();
		json_set_text(o, "name", row->name);
		json_set_text(o, "type", row->type == CA_SETTING_BOOL ? "bool" : "int");
		json_set_text(o, "value", setting_text(s->a, row, s->v[i]));
		json_set_text(o, "default", setting_text(s->a, row, row->fallback));
		json_set_text(o, "help", row->help);
		json_add(list, o);
	}
}

static err_t
settings_list(struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct settings s = { .a = a };
	json *list = json_array_new();

	(void)args;
	json_set(out, "settings", list);
	TRY(store_read(is->store, settings_tx, &s));
	show_settings(&s, NULL, list);
	return OK;
}

static err_t
settings_set(struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct settings s = { .a = a };
	json *list = json_array_new();

	json_set(out, "settings", list);
	TRY(json_need_text(args, "name", LIMIT_TEXT, &s.name));
	TRY(json_want_text(args, "value", LIMIT_TEXT, &s.value));
	s.value = s.value == NULL ? "" : s.value;
	TRY(store_write(is->store, settings_tx, &s));
	TRY(crl_shards_load(is));
	show_settings(&s, s.name, list);
	return OK;
}

static err_t
ping_tx(struct tx *tx, void *arg)
{
	int64_t v;

	(void)arg;
	return setting_get(tx, SETTING_MAX_VALIDITY_DAYS, &v);
}

static err_t
ping(struct issuer *is, struct arena *a, const json *args, json *out)
{
	const struct hierarchy *h = issuer_hierarchy(is);
	json *list = json_array_new();

	(void)a;
	(void)args;
	json_set(out, "cas", list);
	TRY(store_read(is->store, ping_tx, NULL));
	for (size_t i = 0; i < h->n; i++)
		json_add(list, json_text_new(h->v[i].name));
	json_set_when(a, out, "time", when_now());
	return OK;
}

static err_t
backup(struct issuer *is, struct arena *a, const json *args, json *out)
{
	const char *folder;

	(void)args;
	TRY(backup_make(is, a, &folder));
	json_set_text(out, "folder", folder);
	return OK;
}

struct journal {
	struct arena *a;
	const char *event, *actor, *text;
	int64_t before, limit;
	struct journal_line *v;
	size_t n;
};

static err_t
journal_tx(struct tx *tx, void *arg)
{
	struct journal *j = arg;

	return store_journal_page(
	    tx, j->a, j->before, j->event, j->actor, j->text, (size_t)j->limit, &j->v, &j->n);
}

static err_t
journal_list(struct issuer *is, struct arena *a, const json *args, json *out)
{
	struct journal j = { .a = a };
	json *list = json_array_new();

	json_set(out, "lines", list);
	TRY(json_want_text(args, "event", LIMIT_TEXT, &j.event));
	TRY(json_want_text(args, "actor", LIMIT_TEXT, &j.actor));
	TRY(json_want_text(args, "text", LIMIT_TEXT, &j.text));
	TRY(json_want_int(args, "before", 0, INT64_MAX, 0, &j.before));
	TRY(json_want_int(args, "limit", 1, LIMIT_PAGE, 100, &j.limit));
	TRY(store_read(is->store, journal_tx, &j));
	for (size_t i = 0; i < j.n; i++) {
		json *o = json_object_new();

		json_set_int(o, "seq", j.v[i].seq);
		json_set_text(o, "at", when_text_ms(a, j.v[i].when));
		json_set_text(o, "actor", j.v[i].actor);
		json_set_text(o, "event", j.v[i].event);
		json_set_text(o, "detail", j.v[i].detail);
		json_set_text(o, "hash", text_hex(a, j.v[i].hash));
		json_add(list, o);
	}
	return OK;
}

const struct ca_verb admin_setting_verbs[] = {
	{ "ca.settings", settings_list, ADMIN_NO_ARGS, "The settings with their defaults." },
	{ "ca.set", settings_set, ADMIN_ARGS("name", "value"),
	    "Change a setting; without a value: back to its default." },
	{ "ca.ping", ping, ADMIN_NO_ARGS, "Is the issuer there, and does its database answer?" },
	{ "ca.backup", backup, ADMIN_NO_ARGS,
	    "Write a consistent copy of database and keys to a new folder." },
	{ "journal.list", journal_list, ADMIN_ARGS("event", "actor", "text", "before", "limit"),
	    "Lines of the journal, newest first." },
	{ NULL, NULL, NULL, NULL },
};
