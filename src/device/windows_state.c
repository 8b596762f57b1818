/* SPDX-License-Identifier: Apache-2.0 */
#include "device/windows_state.h"

#include "base/limits.h"
#include "codec/json.h"
#include "store/device_state.h"

static const char *
copy(struct arena *a, const json *obj, const char *key)
{
	return arena_strdup(a, json_text(json_get(obj, key)));
}

static uint32_t
number(const json *obj, const char *key)
{
	return (uint32_t)json_int(json_get(obj, key));
}

static void
lists_new(struct arena *a, struct windows_state *st)
{
	st->sent = arena_array(a, LIMIT_WINDOWS_SENT, sizeof(*st->sent));
	st->answers = arena_array(a, LIMIT_WINDOWS_NODES, sizeof(*st->answers));
}

static void
sent_read(struct arena *a, const json *list, struct windows_state *st)
{
	for (size_t i = 0; i < json_count(list) && i < LIMIT_WINDOWS_SENT; i++) {
		const json *j = json_at(list, i);
		uint32_t op = number(j, "op");

		if (op < WINDOWS_TRUST || op > WINDOWS_WIFI)
			continue;
		st->sent[st->nsent++] = (struct windows_sent){
			.op = (enum windows_op)op,
			.again = json_true(json_get(j, "again")),
			.id = copy(a, j, "id"),
			.alias = copy(a, j, "alias"),
			.uri = copy(a, j, "uri"),
			.sha1 = copy(a, j, "sha1"),
			.sha256 = copy(a, j, "sha256"),
			.first = number(j, "first"),
			.last = number(j, "last"),
			.code = number(j, "code"),
			.original = number(j, "original"),
			.since = json_int(json_get(j, "since")),
		};
	}
}

static void
answers_read(struct arena *a, const json *list, struct windows_state *st)
{
	for (size_t i = 0; i < json_count(list) && i < LIMIT_WINDOWS_NODES; i++) {
		const json *j = json_at(list, i);

		st->answers[st->nanswers++] = (struct windows_answer){
			.uri = copy(a, j, "uri"),
			.id = number(j, "id"),
			.code = number(j, "code"),
			.data = copy(a, j, "data"),
			.more = json_true(json_get(j, "more")),
		};
	}
}

static err_t
read_text(struct arena *a, struct str text, struct windows_state *st)
{
	auto_json json *j = NULL;

	TRY(json_parse(text, LIMIT_DEVICE_STATE, &j));
	st->session = copy(a, j, "session");
	st->source = copy(a, j, "source");
	st->msg = number(j, "msg");
	st->asked = number(j, "asked");
	st->user = json_true(json_get(j, "user"));
	st->facts = json_true(json_get(j, "facts"));
	if (number(j, "push") <= WINDOWS_PUSH_ASKED)
		st->push = (enum windows_push_step)number(j, "push");
	st->rounds = number(j, "rounds");
	st->looked = json_int(json_get(j, "looked"));
	sent_read(a, json_get(j, "sent"), st);
	answers_read(a, json_get(j, "answers"), st);
	return OK;
}

void
windows_state_read(struct arena *a, struct str text, struct windows_state *ret)
{
	struct windows_state st = { .session = "", .source = "" };

	lists_new(a, &st);
	if (text.n > 0)
		err_forget(read_text(a, text, &st));
	*ret = st;
}

struct access {
	struct arena *a;
	struct channel_state row;
};

static err_t
load(struct tx *tx, void *arg)
{
	struct access *x = arg;

	return store_device_state_get(tx, x->a, x->row.device, x->row.channel, &x->row);
}

static err_t
save(struct tx *tx, void *arg)
{
	const struct access *x = arg;

	return store_device_state_put(tx, &x->row);
}

err_t
windows_state_load(struct store *s, struct arena *a, struct id device, struct windows_state *ret)
{
	struct access x = { .a = a, .row = { .device = device, .channel = "" } };

	TRY(store_read(s, load, &x));
	windows_state_read(a, x.row.state, ret);
	return OK;
}

static json *
sent_write(const struct windows_sent *s)
{
	json *j = json_object_new();

	json_set_int(j, "op", s->op);
	if (s->again)
		json_set_bool(j, "again", true);
	json_set_text(j, "id", s->id);
	json_set_text(j, "alias", s->alias);
	json_set_text(j, "uri", s->uri);
	json_set_text(j, "sha1", s->sha1);
	json_set_text(j, "sha256", s->sha256);
	json_set_int(j, "first", s->first);
	json_set_int(j, "last", s->last);
	json_set_int(j, "code", s->code);
	json_set_int(j, "original", s->original);
	json_set_int(j, "since", s->since);
	return j;
}

static json *
answer_write(const struct windows_answer *w)
{
	json *j = json_object_new();

	json_set_text(j, "uri", w->uri);
	if (w->id != 0)
		json_set_int(j, "id", w->id);
	if (w->code != 0)
		json_set_int(j, "code", w->code);
	if (w->data != NULL && w->data[0] != '\0')
		json_set_text(j, "data", w->data);
	if (w->more)
		json_set_bool(j, "more", true);
	return j;
}

err_t
windows_state_print(struct arena *a, const struct windows_state *st, struct str *ret)
{
	auto_json json *j = json_object_new();
	json *sent = json_array_new();
	json *answers = json_array_new();

	json_set_text(j, "session", st->session);
	json_set_text(j, "source", st->source);
	json_set_int(j, "msg", st->msg);
	json_set_int(j, "asked", st->asked);
	json_set_bool(j, "user", st->user);
	json_set_bool(j, "facts", st->facts);
	json_set_int(j, "push", st->push);
	json_set_int(j, "rounds", st->rounds);
	json_set_int(j, "looked", st->looked);
	json_set(j, "sent", sent);
	json_set(j, "answers", answers);
	for (size_t i = 0; i < st->nsent; i++)
		json_add(sent, sent_write(&st->sent[i]));
	for (size_t i = 0; i < st->nanswers; i++)
		json_add(answers, answer_write(&st->answers[i]));
	return json_print(a, j, ret);
}

err_t
windows_state_save(
    struct store *s, struct arena *a, struct id device, const struct windows_state *st)
{
	struct access x = { .a = a,
		.row = { .device = device, .channel = "", .updated = when_now() } };

	TRY(windows_state_print(a, st, &x.row.state));
	return store_write(s, save, &x);
}

bool
windows_sent_full(const struct windows_state *st)
{
	return st->nsent >= LIMIT_WINDOWS_SENT;
}

void
windows_sent_add(struct windows_state *st, const struct windows_sent *s)
{
	if (!windows_sent_full(st))
		st->sent[st->nsent++] = *s;
}

void
windows_ask_add(struct windows_state *st, const char *uri)
{
	for (size_t i = 0; i < st->nanswers; i++)
		if (strcmp(st->answers[i].uri, uri) == 0)
			return;
	if (st->nanswers < LIMIT_WINDOWS_NODES)
		st->answers[st->nanswers++] = (struct windows_answer){ .uri = uri, .data = "" };
}

const struct windows_answer *
windows_answer_of(const struct windows_state *st, const char *uri)
{
	for (size_t i = 0; i < st->nanswers; i++)
		if (strcmp(st->answers[i].uri, uri) == 0)
			return st->answers[i].code == 0 ? NULL : &st->answers[i];
	return NULL;
}

/* ---- the place of its own certificate ---- */

#define PLACE_CHANNEL "place"

err_t
windows_place_put(struct store *s, struct arena *a, struct id device, bool of_machine)
{
	struct access x = { .a = a,
		.row = { .device = device,
		    .channel = PLACE_CHANNEL,
		    .state = of_machine ? LIT("machine") : LIT("user"),
		    .updated = when_now() } };

	return store_write(s, save, &x);
}

err_t
windows_place_get(struct store *s, struct arena *a, struct id device, bool *ret)
{
	struct access x = { .a = a, .row = { .device = device, .channel = PLACE_CHANNEL } };

	TRY(store_read(s, load, &x));
	if (x.row.state.n > 0)
		*ret = str_eq_c(x.row.state, "machine");
	return OK;
}
