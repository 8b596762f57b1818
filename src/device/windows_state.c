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
	st->sent = arena_array(a, LIMIT_WINDOWS_NODES, sizeof(*st->sent));
	st->answers = arena_array(a, LIMIT_WINDOWS_NODES, sizeof(*st->answers));
}

static void
sent_read(struct arena *a, const json *list, struct windows_state *st)
{
	for (size_t i = 0; i < json_count(list) && i < LIMIT_WINDOWS_NODES; i++) {
		const json *j = json_at(list, i);

		st->sent[st->nsent++] = (struct windows_sent){
			.op = (enum windows_op)number(j, "op"),
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
	st->push = (enum windows_push_step)number(j, "push");
	st->rounds = number(j, "rounds");
	st->looked = json_int(json_get(j, "looked"));
	sent_read(a, json_get(j, "sent"), st);
	answers_read(a, json_get(j, "answers"), st);
	return OK;
}

struct access {
	struct arena *a;
	struct channel_state row;
};

static err_t
load(struct tx *tx, void *arg)
{
	struct access *x = arg;

	return store_device_state_get(tx, x->a, x->row.device, "", &x->row);
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
	struct windows_state st = { .session = "", .source = "" };
	err_t e;

	TRY(store_read(s, load, &x));
	lists_new(a, &st);
	if (x.row.state.n > 0) {
		e = read_text(a, x.row.state, &st);
		err_forget(e);
	}
	*ret = st;
	return OK;
}

static json *
sent_write(const struct windows_sent *s)
{
	json *j = json_object_new();

	json_set_int(j, "op", s->op);
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
	return j;
}

err_t
windows_state_save(
    struct store *s, struct arena *a, struct id device, const struct windows_state *st)
{
	struct access x = { .a = a,
		.row = { .device = device, .channel = "", .updated = when_now() } };
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
	TRY(json_print(a, j, &x.row.state));
	return store_write(s, save, &x);
}

err_t
windows_sent_add(struct windows_state *st, const struct windows_sent *s)
{
	if (st->nsent == LIMIT_WINDOWS_NODES)
		FAIL(ERR_TOO_LARGE, "more than %u commands under way", LIMIT_WINDOWS_NODES);
	st->sent[st->nsent++] = *s;
	return OK;
}

err_t
windows_ask_add(struct windows_state *st, const char *uri)
{
	for (size_t i = 0; i < st->nanswers; i++)
		if (strcmp(st->answers[i].uri, uri) == 0)
			return OK;
	if (st->nanswers == LIMIT_WINDOWS_NODES)
		FAIL(ERR_TOO_LARGE, "more than %u nodes to ask for", LIMIT_WINDOWS_NODES);
	st->answers[st->nanswers++] = (struct windows_answer){ .uri = uri, .data = "" };
	return OK;
}

const struct windows_answer *
windows_answer_of(const struct windows_state *st, const char *uri)
{
	for (size_t i = 0; i < st->nanswers; i++)
		if (strcmp(st->answers[i].uri, uri) == 0)
			return st->answers[i].code == 0 ? NULL : &st->answers[i];
	return NULL;
}
