/* SPDX-License-Identifier: Apache-2.0 */
#include "connector/report.h"

#include <poll.h>

#include "base/limits.h"
#include "connector/event.h"
#include "connector/metrics.h"
#include "connector/updater.h"

enum {
	STEP_MS = 250,
	LOOK_MS = 2000,          /* between looks at ourselves */
	AGAIN_MS = 30000,        /* after an update that could not be fetched */
	FETCH_TIMEOUT_MS = 60000 /* for one part */
};

struct reporter {
	struct link *link;
	struct update_offer offer; /* that was fetched last, or tried to */
	bool refused;              /* for good: another one must come */
	int64_t again;             /* not sooner: when_mono_ms() */
	struct err_report trouble; /* of that offer; ERR_NONE: none */
	json *said;                /* of updates, the last time */
};

/* ---- verbs ---- */

static err_t
hand_on(struct link *l, struct arena *a, const char *verb, const json *args, json *answer)
{
	auto_json json *got = NULL;

	if (l->conf.update == NULL)
		FAIL(ERR_UPDATE_OFF, "[update] mode is off");
	TRY(admin_call(l->conf.update, a, verb, args, &got));
	for (void *it = json_iter(got); it != NULL; it = json_iter_next(got, it))
		json_set(answer, json_iter_key(it), json_ref(json_iter_value(it)));
	return OK;
}

err_t
update_verb_begin(void *ctx, struct arena *a, const json *args, json *answer)
{
	return hand_on(ctx, a, "update.begin", args, answer);
}

err_t
update_verb_part(void *ctx, struct arena *a, const json *args, json *answer)
{
	return hand_on(ctx, a, "update.part", args, answer);
}

err_t
update_verb_finish(void *ctx, struct arena *a, const json *args, json *answer)
{
	TRY(hand_on(ctx, a, "update.finish", args, answer));
	event_log(EVENT_UPDATE_TAKEN, NULL, json_text(json_get(answer, "version")));
	return OK;
}

err_t
update_verb_show(void *ctx, struct arena *a, const json *args, json *answer)
{
	struct link *l = ctx;

	if (l->conf.update != NULL)
		return hand_on(ctx, a, "update.show", args, answer);
	json_set_text(answer, "mode", "off");
	json_set_text(answer, "state", "idle");
	json_set_text(answer, "running", l->conf.version);
	return OK;
}

/* ---- what is said ---- */

/* How many of each size are ready, and how many there may be. */
static json *
levels(struct link *l, struct arena *a)
{
	auto_json json *shown = json_object_new();
	json *list = json_array_new();
	const json *all;

	err_forget(link_show_keys(l, a, shown));
	all = json_get(shown, "keys");
	for (size_t i = 0; i < json_count(all); i++) {
		static const char *const said[] = { "bits", "ready", "room", "waited" };
		json *one = json_object_new();

		for (size_t k = 0; k < COUNT(said); k++)
			json_set(one, said[k], json_ref(json_get(json_at(all, i), said[k])));
		json_add(list, one);
	}
	return list;
}

/* The trouble with an offer comes before what an older release left behind. */
static json *
update_said(struct reporter *r, struct arena *a)
{
	auto_json json *none = json_object_new();
	json *said = json_object_new();
	err_t e = update_verb_show(r->link, a, none, said);

	if (!err_ok(e)) {
		struct err_report rep;

		err_take(e, &rep);
		json_set_text(said, "mode", "signed");
		json_set_text(said, "state", "idle");
		json_set_text(said, "fault", err_info(rep.code)->id);
		json_set_text(said, "detail", text_safe(a, str_c(rep.detail)));
	}
	if (r->trouble.code != ERR_NONE) {
		json_set_text(said, "refused", r->offer.version);
		json_set_text(said, "fault", err_info(r->trouble.code)->id);
		json_set_text(said, "detail", text_safe(a, str_c(r->trouble.detail)));
	}
	return said;
}

/* The service hears at once of what changed with an update; of levels with the next exchange. */
static void
look(struct reporter *r)
{
	auto_arena struct arena *a = arena_new();
	auto_json json *report = json_object_new();
	json *update = update_said(r, a);
	bool news = r->link->conf.update != NULL && !json_equal(update, r->said);
	struct str text;
	err_t e;

	json_free(r->said);
	r->said = json_ref(update);
	json_set(report, "update", update);
	json_set(report, "keys", levels(r->link, a));
	e = json_print(a, report, &text);
	if (!err_ok(e) || text.n >= sizeof(r->link->report)) {
		err_forget(e);
		return;
	}
	pthread_mutex_lock(&r->link->lock);
	memcpy(r->link->report, text.p, text.n);
	r->link->report[text.n] = '\0';
	pthread_mutex_unlock(&r->link->lock);
	if (news)
		link_ask_again(r->link);
}

json *
report_json(struct link *l)
{
	char text[sizeof(l->report)];
	char offer[sizeof(l->offer.id)];
	json *report = NULL;

	pthread_mutex_lock(&l->lock);
	memcpy(text, l->report, sizeof(text));
	memcpy(offer, l->offer.id, sizeof(offer));
	pthread_mutex_unlock(&l->lock);
	err_forget(json_parse(str_c(text), sizeof(text), &report));
	if (report != NULL)
		json_set_text(report, "offer", offer);
	return report;
}

/* ---- what is offered ---- */

static err_t
read_offer(const json *j, struct update_offer *ret)
{
	const char *version, *sha256;
	struct id id;

	TRY(json_need_id(j, "id", &id));
	TRY(json_need_text(j, "version", sizeof(ret->version) - 1, &version));
	TRY(json_need_text(j, "sha256", sizeof(ret->sha256) - 1, &sha256));
	TRY(json_need_int(j, "size", 1, LIMIT_RELEASE_BYTES, &ret->size));
	snprintf(ret->id, sizeof(ret->id), "%s", json_text(json_get(j, "id")));
	snprintf(ret->version, sizeof(ret->version), "%s", version);
	snprintf(ret->sha256, sizeof(ret->sha256), "%s", sha256);
	return OK;
}

void
report_offered(struct link *l, const json *answer)
{
	const json *j = json_get(answer, "update");
	struct update_offer offer = { 0 };

	if (!json_is_null(j)) {
		err_t e = read_offer(j, &offer);

		if (!err_ok(e)) {
			err_forget(e);
			offer = (struct update_offer){ 0 };
		}
	}
	pthread_mutex_lock(&l->lock);
	l->offer = offer;
	pthread_mutex_unlock(&l->lock);
}

/* ---- fetching ---- */

static void
set_fetching(struct link *l, struct fetch *f)
{
	pthread_mutex_lock(&l->lock);
	l->fetching = f;
	pthread_mutex_unlock(&l->lock);
}

static err_t
pass_part(struct reporter *r, struct fetch *f, const char *url, int64_t *at)
{
	auto_arena struct arena *a = arena_new();
	auto_json json *args = json_object_new(), *answer = NULL;
	struct fetch_reply rep;

	TRY(fetch_run(f, a, "GET", arena_printf(a, "%s?offset=%lld", url, (long long)*at), NULL,
	    STR_EMPTY, FETCH_TIMEOUT_MS, &rep));
	if (rep.status != 200)
		FAIL(ERR_HTTP_STATUS, "%s answered %d", url, rep.status);
	if (rep.body.n == 0 || rep.body.n > UPDATER_PART)
		FAIL(ERR_MALFORMED, "a part of %zu bytes", rep.body.n);
	json_set_int(args, "offset", *at);
	json_set_base64(a, args, "data", rep.body);
	TRY(admin_call(r->link->conf.update, a, "update.part", args, &answer));
	return json_need_int(answer, "offset", *at + 1, r->offer.size, at);
}

static err_t
take_in(struct reporter *r, struct arena *a, const struct join *j, struct fetch *f)
{
	const char *url =
	    arena_printf(a, "%s/connector/v1/release/%s", j->service_url, r->offer.id);
	auto_json json *args = json_object_new(), *begun = NULL;
	auto_json json *none = json_object_new(), *finished = json_object_new();
	int64_t at;

	json_set_int(args, "size", r->offer.size);
	json_set_text(args, "sha256", r->offer.sha256);
	TRY(admin_call(r->link->conf.update, a, "update.begin", args, &begun));
	TRY(json_need_int(begun, "offset", 0, r->offer.size, &at));
	while (at < r->offer.size) {
		if (atomic_load(&r->link->stop))
			FAIL(ERR_TIMEOUT, "the connector ends");
		TRY(pass_part(r, f, url, &at));
	}
	return update_verb_finish(r->link, a, none, finished);
}

/* The connector's certificate may be renewed meanwhile: then the service refuses, and it is tried again with the new one. */
static err_t
fetch_release(struct reporter *r)
{
	auto_arena struct arena *a = arena_new();
	auto_fetch struct fetch *f = NULL;
	const struct join *j;
	err_t e;

	pthread_mutex_lock(&r->link->lock);
	j = r->link->join;
	pthread_mutex_unlock(&r->link->lock);
	TRY(join_fetch(j, &f));
	set_fetching(r->link, f);
	e = take_in(r, a, j, f);
	set_fetching(r->link, NULL);
	return e;
}

/* What the release itself is to blame for, or this host; it does not pass by waiting. */
static bool
is_final(enum err_code code)
{
	static const enum err_code final[] = { ERR_RELEASE_SIGNATURE, ERR_RELEASE_OLDER,
		ERR_RELEASE_MACHINE, ERR_RELEASE_TRIED, ERR_RELEASE_DAMAGED, ERR_MALFORMED,
		ERR_BAD_REQUEST, ERR_JSON };

	for (size_t i = 0; i < COUNT(final); i++)
		if (final[i] == code)
			return true;
	return false;
}

static void
note_trouble(struct reporter *r, err_t e)
{
	struct err_report rep;

	err_take(e, &rep);
	if (rep.code != r->trouble.code && rep.code != ERR_UPDATE_BUSY)
		event_log(EVENT_UPDATE_REFUSED, err_info(rep.code)->id, rep.detail);
	r->trouble = rep;
	r->refused = is_final(rep.code);
	r->again = when_mono_ms() + AGAIN_MS;
}

static void
follow_offer(struct reporter *r)
{
	struct link *l = r->link;
	struct update_offer offer;
	err_t e;

	pthread_mutex_lock(&l->lock);
	offer = l->offer;
	pthread_mutex_unlock(&l->lock);
	if (strcmp(offer.id, r->offer.id) != 0) {
		r->offer = offer;
		r->refused = false;
		r->again = 0;
		r->trouble = (struct err_report){ 0 };
	}
	if (*offer.id == '\0' || r->refused || when_mono_ms() < r->again || !l->conf.update_fetch ||
	    strcmp(offer.version, l->conf.version) == 0)
		return;
	e = fetch_release(r);
	if (err_ok(e))
		r->refused = true; /* once; what comes of it is said by the next program */
	else
		note_trouble(r, e);
}

void *
report_loop(void *arg)
{
	struct reporter r = { .link = arg };
	int64_t due = 0;

	while (!atomic_load(&r.link->stop)) {
		if (when_mono_ms() >= due) {
			look(&r);
			due = when_mono_ms() + LOOK_MS;
		}
		follow_offer(&r);
		poll(NULL, 0, STEP_MS);
	}
	json_free(r.said);
	return NULL;
}
