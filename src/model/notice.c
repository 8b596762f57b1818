/* SPDX-License-Identifier: Apache-2.0 */
#include "model/notice.h"

#include "base/limits.h"

#define DAY_S (24 * 3600)
#define SHOWN 20u
#define PAUSE_FIRST_S 30
#define PAUSE_MAX_S 3600

struct gather {
	struct arena *a;
	when_t now;
	bool writes;
	size_t made;
};

static err_t
insert(struct tx *tx, struct arena *a, const struct notice_target *t, const char *subject,
    const json *body, struct notice *ret)
{
	struct notice n = { .id = id_new(),
		.target = t->id,
		.state = NOTICE_WAITING,
		.subject = subject,
		.detail = "",
		.created = when_now() };
	struct str text;

	n.next = n.created;
	TRY(json_print(a, body, &text));
	TRY(text_cstr(a, text, &n.body));
	TRY(store_notice_insert(tx, &n));
	*ret = n;
	return OK;
}

static json *
fault_json(struct arena *a, const struct notice_fault *f)
{
	const struct err_info *info = err_info_by_id(f->fault);
	json *j = json_object_new();

	json_set_text(j, "code", f->fault);
	json_set_text(j, "message", info == NULL ? "" : info->text);
	json_set_text(j, "hint", info == NULL ? "" : info->hint);
	json_set_int(j, "slots", f->slots);
	json_set_id(a, j, "exampleSlotId", f->example);
	json_set_text(j, "exampleDetail", f->detail);
	return j;
}

static err_t
tell_failures(struct tx *tx, struct gather *g, struct notice_target *t)
{
	auto_json json *body = json_object_new();
	json *list = json_array_new();
	struct notice_fault *v;
	struct notice made;
	/* What happens in this second is for the next message. */
	const when_ms_t until = g->now * 1000 - 1;
	int64_t slots = 0;
	size_t n;

	TRY(store_notice_faults(tx, g->a, t->cursor, until, &v, &n));
	json_set_text(body, "type", "failures");
	json_set_text(body, "dateTime", when_text(g->a, g->now));
	json_set(body, "faults", list);
	for (size_t i = 0; i < n; i++) {
		json_add(list, fault_json(g->a, &v[i]));
		slots += v[i].slots;
	}
	json_set_int(body, "count", slots);
	t->cursor = until;
	t->told = g->now;
	g->made++;
	return insert(tx, g->a, t,
	    arena_printf(g->a, "%lld certificates failed: %s%s", (long long)slots,
		n == 0 ? "" : v[0].fault, n > 1 ? " and others" : ""),
	    body, &made);
}

static err_t
failures(struct tx *tx, struct gather *g, struct notice_target *t)
{
	int64_t settle = t->period < NOTICE_SETTLE_S ? t->period : NOTICE_SETTLE_S;
	when_ms_t first;

	if (!t->failure || g->now - t->told < t->period)
		return OK;
	TRY(store_notice_first(tx, t->cursor, &first));
	if (first == 0 || g->now - first / 1000 < settle)
		return OK;
	g->writes = true;
	if (!tx_writes(tx))
		return OK;
	return tell_failures(tx, g, t);
}

static json *
ending_json(struct arena *a, const struct notice_ending *e)
{
	json *j = json_object_new();

	json_set_id(a, j, "slotId", e->slot);
	json_set_id(a, j, "deviceId", e->device);
	json_set_id(a, j, "profileId", e->profile);
	json_set_text(j, "subjectName", e->subject);
	json_set_text(j, "serialNumber", e->serial);
	json_set_when(a, j, "notAfter", e->not_after);
	return j;
}

static err_t
endings(struct tx *tx, struct gather *g, struct notice_target *t)
{
	auto_json json *body = NULL;
	struct notice_ending *v;
	struct notice made;
	json *list;
	int64_t count;
	size_t n;

	if (!t->expiry || g->now - t->told_expiry < DAY_S)
		return OK;
	g->writes = true;
	if (!tx_writes(tx))
		return OK;
	t->told_expiry = g->now;
	TRY(store_notice_ending_count(tx, g->now + NOTICE_HORIZON_S, &count));
	if (count == 0)
		return OK;
	TRY(store_notice_ending(tx, g->a, g->now + NOTICE_HORIZON_S, SHOWN, &v, &n));
	body = json_object_new();
	list = json_array_new();
	json_set_text(body, "type", "expiry");
	json_set_text(body, "dateTime", when_text(g->a, g->now));
	json_set_int(body, "count", count);
	json_set(body, "certificates", list);
	for (size_t i = 0; i < n; i++)
		json_add(list, ending_json(g->a, &v[i]));
	g->made++;
	return insert(tx, g->a, t,
	    arena_printf(g->a, "%lld certificates end soon and were not renewed", (long long)count),
	    body, &made);
}

static err_t
gather(struct tx *tx, void *arg)
{
	struct gather *g = arg;
	struct notice_target *v;
	size_t n;

	g->made = 0;
	TRY(store_notice_target_list(tx, g->a, &v, &n));
	for (size_t i = 0; i < n; i++) {
		if (!v[i].enabled)
			continue;
		TRY(failures(tx, g, &v[i]));
		TRY(endings(tx, g, &v[i]));
		if (tx_writes(tx))
			TRY(store_notice_target_update(tx, &v[i]));
	}
	return OK;
}

err_t
notice_gather(struct store *s, size_t *ret)
{
	auto_arena struct arena *a = arena_new();
	struct gather g = { .a = a, .now = when_now() };

	TRY(store_read(s, gather, &g));
	if (g.writes)
		TRY(store_write(s, gather, &g));
	*ret = g.made;
	return OK;
}

err_t
notice_test(struct tx *tx, struct arena *a, const struct notice_target *t, struct notice *ret)
{
	auto_json json *body = json_object_new();

	json_set_text(body, "type", "test");
	json_set_text(body, "dateTime", when_text(a, when_now()));
	json_set_int(body, "count", 0);
	return insert(tx, a, t, "Test of a notification", body, ret);
}

int64_t
notice_pause(int64_t tries)
{
	int64_t pause = PAUSE_FIRST_S;

	for (int64_t i = 1; i < tries && pause < PAUSE_MAX_S; i++)
		pause *= 2;
	return pause < PAUSE_MAX_S ? pause : PAUSE_MAX_S;
}

struct done {
	struct arena *a;
	struct id id;
	const char *fault;
	bool given_up;
};

static err_t
done(struct tx *tx, void *arg)
{
	struct done *d = arg;
	struct notice n;
	when_t now = when_now();
	err_t e = store_notice_get(tx, d->a, d->id, &n);

	if (err_is(e, ERR_NOT_FOUND)) { /* its target was deleted meanwhile */
		err_forget(e);
		return OK;
	}
	TRY(e);
	n.tries++;
	n.detail = d->fault == NULL ? "" : d->fault;
	d->given_up = d->fault != NULL && now - n.created >= NOTICE_GIVE_UP_S;
	n.state = d->fault == NULL ? NOTICE_DELIVERED :
	    d->given_up            ? NOTICE_GIVEN_UP :
				     NOTICE_WAITING;
	if (n.state == NOTICE_WAITING)
		n.next = now + notice_pause(n.tries);
	else
		n.ended = now;
	return store_notice_update(tx, &n);
}

err_t
notice_done(struct store *s, struct id notice, const char *fault, bool *ret_given_up)
{
	auto_arena struct arena *a = arena_new();
	struct done d = { .a = a, .id = notice, .fault = fault };

	TRY(store_write(s, done, &d));
	*ret_given_up = d.given_up;
	return OK;
}

err_t
notice_text(struct arena *a, const struct notice *n, const char **ret)
{
	auto_json json *body = NULL;
	const json *faults, *certificates;
	const char *out = arena_printf(a, "%s.\n\n", n->subject);

	TRY(json_parse(str_c(n->body), LIMIT_HTTP_BODY, &body));
	faults = json_get(body, "faults");
	certificates = json_get(body, "certificates");
	for (size_t i = 0; i < json_count(faults); i++) {
		const json *f = json_at(faults, i);

		out = arena_printf(a,
		    "%s%lld  %s: %s\n     next step: %s\n     for example slot %s: %s\n", out,
		    (long long)json_int(json_get(f, "slots")), json_text(json_get(f, "code")),
		    json_text(json_get(f, "message")), json_text(json_get(f, "hint")),
		    json_text(json_get(f, "exampleSlotId")),
		    json_text(json_get(f, "exampleDetail")));
	}
	for (size_t i = 0; i < json_count(certificates); i++) {
		const json *x = json_at(certificates, i);

		out = arena_printf(a, "%s%s  %s (serial %s, slot %s)\n", out,
		    json_text(json_get(x, "notAfter")), json_text(json_get(x, "subjectName")),
		    json_text(json_get(x, "serialNumber")), json_text(json_get(x, "slotId")));
	}
	*ret = out;
	return OK;
}
